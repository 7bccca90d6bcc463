/* Seals SRTP packets with AEAD_AES_128_GCM (RFC 3711, 7714) by OpenSSL, with the cipher context
 * kept: Debian's libsrtp (on NSS) costs five times as much per packet. Sending only; libsrtp opens,
 * and is the reference in tests. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define GCM_SENDER_KEY_BYTES 16
#define GCM_SENDER_SALT_BYTES 12
#define GCM_SENDER_TAG_BYTES 16
#define GCM_SENDER_SSRCS_MAX 32
#define GCM_SENDER_WINDOW 1024 /* numbers told apart from repeats; older ones are refused */

struct gcm_sender;
/* `master` is the key and then the salt, as DTLS exports them. STATUS_NO_MEMORY, STATUS_SYSTEM. */
MUST_CHECK enum status
gcm_sender_create(struct gcm_sender **out,
                  const uint8_t master[GCM_SENDER_KEY_BYTES + GCM_SENDER_SALT_BYTES]);
void gcm_sender_free(struct gcm_sender *g); /* wipes the keys */

/* In place: *size bytes grow by the tag, for which there is room behind. STATUS_REPLAYED for a
 * number that was used before: two packets under one nonce would give the key away. STATUS_LIMIT
 * for an SSRC too many, STATUS_MALFORMED. */
MUST_CHECK enum status gcm_sender_protect(struct gcm_sender *g, uint8_t *packet, size_t *size);
