#include "rtc/srtp_keys.h"

#include "base/bytes.h"
#include "base/wipe.h"

#include <openssl/evp.h>

/* RFC 3711 4.3.2: cipher key, authentication key and salt, for RTP and then for RTCP */
#define LABELS_PER_USE 3

/* RFC 3711 4.3.1 and 4.3.3: AES in counter mode over the master salt (as 14 octets, RFC 7714 11)
 * with the label in its seventh from the right. */
static bool derive(EVP_CIPHER_CTX *context, struct bytes master, unsigned label, uint8_t *out,
                   size_t size)
{
    static const uint8_t zeros[SRTP_AUTH_KEY_BYTES];
    uint8_t iv[16] = {0};
    int length = 0;
    memcpy(iv, master.data + SRTP_KEY_BYTES, master.size - SRTP_KEY_BYTES);
    iv[7] ^= (uint8_t)label;
    bool done = EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv) == 1 &&
                EVP_EncryptUpdate(context, out, &length, zeros, (int)size) == 1;
    memory_wipe(iv, sizeof iv);
    return done;
}

enum status srtp_keys_derive(struct srtp_keys *out, struct bytes master, enum srtp_keys_use use)
{
    if (master.size <= SRTP_KEY_BYTES || master.size > SRTP_KEY_BYTES + SRTP_SALT_BYTES_MAX)
        return STATUS_CONFIG;
    struct srtp_keys keys = {0};
    unsigned first = use == SRTP_KEYS_RTP ? 0 : LABELS_PER_USE;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context != NULL &&
                EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), NULL, master.data, NULL) == 1 &&
                derive(context, master, first, keys.cipher, sizeof keys.cipher) &&
                derive(context, master, first + 1, keys.auth, sizeof keys.auth) &&
                derive(context, master, first + 2, keys.salt, master.size - SRTP_KEY_BYTES);
    EVP_CIPHER_CTX_free(context);
    if (done)
        *out = keys;
    memory_wipe(&keys, sizeof keys);
    return done ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Two zero octets, SSRC, roll-over counter, sequence number, all under the salt. */
void srtp_keys_write_nonce(const uint8_t salt[SRTP_SALT_BYTES_MAX], uint32_t ssrc, uint64_t index,
                           uint8_t nonce[SRTP_GCM_NONCE_BYTES])
{
    store_u16(nonce, 0);
    store_u32(nonce + 2, ssrc);
    store_u32(nonce + 6, (uint32_t)(index >> 16));
    store_u16(nonce + 10, (uint16_t)index);
    for (size_t i = 0; i < SRTP_GCM_NONCE_BYTES; i++)
        nonce[i] ^= salt[i];
}

/* salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16 */
void srtp_keys_write_iv(const uint8_t salt[SRTP_SALT_BYTES_MAX], uint32_t ssrc, uint64_t index,
                        uint8_t iv[SRTP_CM_IV_BYTES])
{
    memcpy(iv, salt, SRTP_SALT_BYTES_MAX);
    store_u16(iv + 14, 0);
    store_u32(iv + 4, load_u32(iv + 4) ^ ssrc);
    store_u32(iv + 8, load_u32(iv + 8) ^ (uint32_t)(index >> 16));
    store_u16(iv + 12, (uint16_t)(load_u16(iv + 12) ^ (uint16_t)index));
}
