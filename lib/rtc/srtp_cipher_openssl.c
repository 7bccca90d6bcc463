/* Low-level SHA-1 is deprecated since OpenSSL 3.0, but its states can be kept and copied: EVP's
 * HMAC allocates for every packet. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "rtc/srtp_cipher.h"

#include "base/wipe.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

/* --- AEAD_AES_128_GCM */

static void *gcm_create(const uint8_t key[SRTP_KEY_BYTES])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context != NULL && EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, key, NULL) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

static void gcm_free(void *key)
{
    EVP_CIPHER_CTX_free(key);
}

static enum status gcm_seal(void *key, const uint8_t nonce[SRTP_GCM_NONCE_BYTES], struct bytes aad,
                            struct bytes plain, uint8_t *out)
{
    EVP_CIPHER_CTX *context = key;
    int length = 0;
    /* The key stays in the context: passing it again would double the cost. */
    if (EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(context, NULL, &length, aad.data, (int)aad.size) != 1 ||
        (plain.size > 0 &&
         EVP_EncryptUpdate(context, out, &length, plain.data, (int)plain.size) != 1) ||
        EVP_EncryptFinal_ex(context, out + plain.size, &length) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, SRTP_GCM_TAG_BYTES, out + plain.size) !=
            1)
        return STATUS_SYSTEM;
    return STATUS_OK;
}

static enum status gcm_open(void *key, const uint8_t nonce[SRTP_GCM_NONCE_BYTES], struct bytes aad,
                            uint8_t *sealed, size_t size)
{
    EVP_CIPHER_CTX *context = key;
    int length = 0;
    if (EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) != 1 ||
        EVP_DecryptUpdate(context, NULL, &length, aad.data, (int)aad.size) != 1 ||
        (size > 0 && EVP_DecryptUpdate(context, sealed, &length, sealed, (int)size) != 1) ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, SRTP_GCM_TAG_BYTES, sealed + size) != 1)
        return STATUS_SYSTEM;
    return EVP_DecryptFinal_ex(context, sealed + size, &length) == 1 ? STATUS_OK : STATUS_AUTH;
}

/* --- AES-CM with HMAC-SHA1 */

struct cm_key {
    EVP_CIPHER_CTX *context;
    SHA_CTX inner, outer; /* after the padded key (RFC 2104) */
};

static void keep_hmac(struct cm_key *k, const uint8_t auth[SRTP_AUTH_KEY_BYTES])
{
    uint8_t inner[SHA_CBLOCK], outer[SHA_CBLOCK];
    memset(inner, 0x36, sizeof inner);
    memset(outer, 0x5c, sizeof outer);
    for (size_t i = 0; i < SRTP_AUTH_KEY_BYTES; i++) {
        inner[i] ^= auth[i];
        outer[i] ^= auth[i];
    }
    SHA1_Init(&k->inner);
    SHA1_Update(&k->inner, inner, sizeof inner);
    SHA1_Init(&k->outer);
    SHA1_Update(&k->outer, outer, sizeof outer);
    memory_wipe(inner, sizeof inner);
    memory_wipe(outer, sizeof outer);
}

static void cm_free(void *key)
{
    struct cm_key *k = key;
    if (k == NULL)
        return;
    EVP_CIPHER_CTX_free(k->context);
    memory_wipe(k, sizeof *k);
    free(k);
}

static void *cm_create(const uint8_t key[SRTP_KEY_BYTES], const uint8_t auth[SRTP_AUTH_KEY_BYTES])
{
    struct cm_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    k->context = EVP_CIPHER_CTX_new();
    if (k->context == NULL ||
        EVP_EncryptInit_ex(k->context, EVP_aes_128_ctr(), NULL, key, NULL) != 1) {
        cm_free(k);
        return NULL;
    }
    keep_hmac(k, auth);
    return k;
}

/* Of header, payload and the suffix behind them, which is put there. */
static void authenticate(const struct srtp_cm_job *job, uint8_t mac[SHA_DIGEST_LENGTH])
{
    const struct cm_key *k = job->key;
    size_t text = job->header_bytes + job->plain.size;
    store_u32(job->packet + text, job->suffix);
    SHA_CTX state = k->inner;
    SHA1_Update(&state, job->packet, text + SRTP_CM_SUFFIX_BYTES);
    SHA1_Final(mac, &state);
    state = k->outer;
    SHA1_Update(&state, mac, SHA_DIGEST_LENGTH);
    SHA1_Final(mac, &state);
}

static enum status seal_one(const struct srtp_cm_job *job)
{
    const struct cm_key *k = job->key;
    uint8_t mac[SHA_DIGEST_LENGTH];
    int length = 0;
    uint8_t *out = job->packet + job->header_bytes;
    if (EVP_EncryptInit_ex(k->context, NULL, NULL, NULL, job->iv) != 1 ||
        (job->plain.size > 0 &&
         EVP_EncryptUpdate(k->context, out, &length, job->plain.data, (int)job->plain.size) != 1))
        return STATUS_SYSTEM;
    authenticate(job, mac);
    memcpy(out + job->plain.size + (job->keeps_suffix ? SRTP_CM_SUFFIX_BYTES : 0), mac,
           SRTP_CM_TAG_BYTES);
    return STATUS_OK;
}

static enum status cm_open(const struct srtp_cm_job *job, const uint8_t tag[SRTP_CM_TAG_BYTES])
{
    const struct cm_key *k = job->key;
    uint8_t mac[SHA_DIGEST_LENGTH];
    uint8_t *sealed = job->packet + job->header_bytes;
    int length = 0;
    authenticate(job, mac);
    if (CRYPTO_memcmp(mac, tag, SRTP_CM_TAG_BYTES) != 0)
        return STATUS_AUTH;
    if (EVP_EncryptInit_ex(k->context, NULL, NULL, NULL, job->iv) != 1 ||
        (job->plain.size > 0 &&
         EVP_EncryptUpdate(k->context, sealed, &length, sealed, (int)job->plain.size) != 1))
        return STATUS_SYSTEM;
    return STATUS_OK;
}

static void cm_seal(void *worker, struct srtp_cm_job *jobs, size_t count)
{
    (void)worker;
    for (size_t i = 0; i < count; i++)
        jobs[i].status = seal_one(&jobs[i]);
}

const struct srtp_cipher_ops srtp_cipher_openssl = {.gcm_create = gcm_create,
                                                    .gcm_free = gcm_free,
                                                    .gcm_seal = gcm_seal,
                                                    .gcm_open = gcm_open,
                                                    .cm_create = cm_create,
                                                    .cm_free = cm_free,
                                                    .cm_seal = cm_seal,
                                                    .cm_open = cm_open};
