/* Session keys of SRTP and SRTCP (RFC 3711 4.3, RFC 7714 11), and what their salts make of a
 * packet's number. Both directions and all back ends share this. */
#pragma once

#include "rtc/dtls.h"
#include "rtc/srtp_cipher.h"

#define SRTP_SALT_BYTES_MAX 14 /* 12 for GCM */

#define SRTCP_HEADER_BYTES 8 /* in the clear: the first header and the sender's SSRC */
#define SRTCP_INDEX_BYTES 4
#define SRTCP_INDEX_MAX 0x7fffffffu
#define SRTCP_ENCRYPTED 0x80000000u /* the E flag (RFC 3711 3.4) */

struct srtp_keys {
    uint8_t cipher[SRTP_KEY_BYTES];
    uint8_t auth[SRTP_AUTH_KEY_BYTES]; /* GCM has no use for it */
    uint8_t salt[SRTP_SALT_BYTES_MAX];
};

enum srtp_keys_use { SRTP_KEYS_RTP, SRTP_KEYS_RTCP };

/* `master` is a key of 16 octets and its salt of at most 14; no key derivation rate. The owner
 * wipes `out`. STATUS_CONFIG for another size of `master`, STATUS_NO_MEMORY. */
MUST_CHECK enum status srtp_keys_derive(struct srtp_keys *out, struct bytes master,
                                        enum srtp_keys_use use);

/* RFC 7714 8.1 and 9.1; `index` has 48 bits for RTP and 31 for RTCP. */
void srtp_keys_write_nonce(const uint8_t salt[SRTP_SALT_BYTES_MAX], uint32_t ssrc, uint64_t index,
                           uint8_t nonce[SRTP_GCM_NONCE_BYTES]);
/* RFC 3711 4.1.1 */
void srtp_keys_write_iv(const uint8_t salt[SRTP_SALT_BYTES_MAX], uint32_t ssrc, uint64_t index,
                        uint8_t iv[SRTP_CM_IV_BYTES]);
