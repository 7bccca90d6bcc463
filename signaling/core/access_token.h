/* Invite tokens: JWT (RFC 7519), HS256 and nothing else (RFC 8725 section 3.1). The header is
 * checked before any key is touched; the signature by libjwt; the claims are then read from the
 * same bytes with strict types. */
#pragma once

#include "base/status.h"
#include "signaling/core/limits.h"
#include "signaling/core/role_policy.h"

#define ACCESS_KEY_BYTES 32

struct access_claims {
    char class_id[CLASS_ID_BYTES];
    char invite_id[INVITE_ID_BYTES];
    enum role role;
    char name[NAME_BYTES];           /* "" when the invite names nobody */
    int64_t not_before_s, expires_s; /* since 1970 */
    /* Of the class when the link was made: what the page shows before anybody enters. Written,
     * never read back. */
    char title[TITLE_BYTES];
};

enum access_result {
    ACCESS_OK,
    ACCESS_EXPIRED, /* genuine, but too late: claims are filled in */
    ACCESS_INVALID  /* everything else, without a distinction */
};

/* The start is judged with TOKEN_LEEWAY_S, the end to the second. *out is written unless the result
 * is ACCESS_INVALID. */
enum access_result access_token_verify(struct bytes token, const uint8_t key[ACCESS_KEY_BYTES],
                                       int64_t unix_s, struct access_claims *out);

/* Writes the signed token, zero-terminated. STATUS_TRUNCATED without room. */
MUST_CHECK enum status access_token_sign(const struct access_claims *claims,
                                         const uint8_t key[ACCESS_KEY_BYTES], char *out,
                                         size_t capacity);
