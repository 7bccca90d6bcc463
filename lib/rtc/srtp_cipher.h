/* What the back ends of srtp_sender and srtp_receiver implement: keyed ciphers, no numbers, no RTP.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define SRTP_KEY_BYTES 16
#define SRTP_AUTH_KEY_BYTES 20
#define SRTP_GCM_NONCE_BYTES 12
#define SRTP_GCM_TAG_BYTES 16
#define SRTP_CM_IV_BYTES 16
#define SRTP_CM_TAG_BYTES 10
#define SRTP_CM_SUFFIX_BYTES 4

/* AES-CM and HMAC-SHA1 of one packet: `plain` is encrypted to packet + header_bytes, four bytes of
 * `suffix` are put behind it, and the MAC over all that is cut to SRTP_CM_TAG_BYTES and written
 * over the suffix (RTP, where it is the roll-over counter) or behind it (RTCP, where it is part of
 * the packet). */
struct srtp_cm_job {
    void *key;
    uint8_t iv[SRTP_CM_IV_BYTES];
    uint8_t *packet;
    size_t header_bytes;
    struct bytes plain;
    uint32_t suffix;
    bool keeps_suffix;
    enum status status; /* out */
};

struct srtp_cipher_ops {
    void *(*gcm_create)(const uint8_t key[SRTP_KEY_BYTES]); /* NULL: no memory */
    void (*gcm_free)(void *key);                            /* wipes */
    /* Writes plain.size bytes and the tag to `out`. `aad` and `plain` do not overlap it, but for
     * plain.data == out. */
    enum status (*gcm_seal)(void *key, const uint8_t nonce[SRTP_GCM_NONCE_BYTES], struct bytes aad,
                            struct bytes plain, uint8_t *out);
    /* In place, the tag behind `sealed`; what is there after STATUS_AUTH is worth nothing. */
    enum status (*gcm_open)(void *key, const uint8_t nonce[SRTP_GCM_NONCE_BYTES], struct bytes aad,
                            uint8_t *sealed, size_t size);
    /* Fetches into the cache what sealing a payload of this size reads of the key; or NULL. */
    void (*gcm_prefetch)(const void *key, size_t bytes);
    void *(*cm_create)(const uint8_t key[SRTP_KEY_BYTES], const uint8_t auth[SRTP_AUTH_KEY_BYTES]);
    void (*cm_free)(void *key);
    void (*cm_seal)(void *worker, struct srtp_cm_job *jobs, size_t count);
    /* In place, one packet whose `plain` is sealed and lies at packet + header_bytes, with room for
     * `suffix` behind it; or NULL. STATUS_AUTH: untouched but for the suffix. */
    enum status (*cm_open)(const struct srtp_cm_job *job, const uint8_t tag[SRTP_CM_TAG_BYTES]);
    void *(*worker_create)(void); /* or NULL, and then workers are NULL */
    void (*worker_free)(void *worker);
};

extern const struct srtp_cipher_ops srtp_cipher_openssl;
/* NULL where the program was built without it or the processor lacks AES instructions. */
const struct srtp_cipher_ops *srtp_cipher_ipsec_mb(void);
