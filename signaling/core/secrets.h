/* Random identifiers, resume tokens and their hashes; base64url (RFC 4648 section 5, no padding).
 * All randomness is OpenSSL's. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "signaling/core/limits.h"

#define SECRET_ID_BYTES 23 /* 22 characters for 128 bits, and a zero */

/* Writes 128 random bits to `out` (SECRET_ID_BYTES). STATUS_SYSTEM when OpenSSL has none. */
MUST_CHECK enum status secret_id_make(char *out);
MUST_CHECK enum status secret_random(void *out, size_t size);

void secret_hash(struct bytes text, uint8_t out[RESUME_HASH_BYTES]); /* SHA-256 */
/* In constant time for equal sizes. */
bool secret_equal(struct bytes a, struct bytes b);
/* Whether `given` is the hash that was kept; zeros are none. Both have RESUME_HASH_BYTES. */
bool secret_hash_matches(const uint8_t *kept, const uint8_t *given);

/* STATUS_MALFORMED for characters outside the alphabet, padding and non-zero spare bits;
 * STATUS_LIMIT without room. */
MUST_CHECK enum status base64url_decode(struct bytes text, struct bytes_mut out, size_t *size);
/* STATUS_TRUNCATED without room for the text and its zero. */
MUST_CHECK enum status base64url_encode(struct bytes data, char *out, size_t capacity);
