/* Credentials for TURN that expire (draft-uberti-behave-turn-rest): the user name is "expiry:who",
 * the password its HMAC-SHA1 under a secret that coturn knows as well. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define TURN_URLS_MAX 4
#define TURN_URL_BYTES 256
#define TURN_SECRET_BYTES 256
#define TURN_CREDENTIALS_SECONDS (12 * 3600) /* coturn asks for them at each refresh too */
#define TURN_USERNAME_BYTES 48
#define TURN_PASSWORD_BYTES 29 /* base64 of 20 bytes, and a zero */

struct turn_credentials {
    char username[TURN_USERNAME_BYTES];
    char password[TURN_PASSWORD_BYTES];
};

/* `unix_s` is the time now; `who` counts as one user in coturn's quota. STATUS_SYSTEM when OpenSSL
 * fails. */
MUST_CHECK enum status turn_credentials_make(const char *secret, int64_t unix_s, uint64_t who,
                                             struct turn_credentials *out);
