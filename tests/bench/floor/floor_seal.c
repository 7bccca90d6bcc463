#include "tests/bench/floor/floor_seal.h"

#include <stdlib.h>

static void make_key(uint32_t seed, uint8_t key[16])
{
    for (size_t i = 0; i < 16; i++)
        key[i] = (uint8_t)(seed >> (i % 4 * 8)) ^ (uint8_t)(i * 37);
}

static void make_iv(uint64_t number, uint8_t iv[12])
{
    memset(iv, 0x5a, 4);
    for (size_t i = 0; i < 8; i++)
        iv[4 + i] = (uint8_t)(number >> (56 - 8 * i));
}

#ifdef FLOOR_IPSEC_MB
#define NO_COMPAT_IMB_API_053 /* its old macros clash with OpenSSL's */
#include <intel-ipsec-mb.h>

struct floor_sealer {
    struct gcm_key_data key;
    struct gcm_context_data context;
};

static IMB_MGR *manager; /* benchmark program: one thread */

struct floor_sealer *floor_sealer_create(uint32_t seed)
{
    uint8_t key[16];
    if (manager == NULL) {
        manager = alloc_mb_mgr(0);
        if (manager == NULL)
            return NULL;
        init_mb_mgr_auto(manager, NULL);
    }
    struct floor_sealer *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
    make_key(seed, key);
    if (s != NULL)
        IMB_AES128_GCM_PRE(manager, key, &s->key);
    return s;
}

void floor_seal(struct floor_sealer *s, uint64_t number, struct bytes_mut header,
                struct bytes payload)
{
    uint8_t iv[12], *out = header.data + header.size;
    make_iv(number, iv);
    IMB_AES128_GCM_ENC(manager, &s->key, &s->context, out, payload.data, payload.size, iv,
                       header.data, header.size, out + payload.size, FLOOR_TAG_BYTES);
}

const char *floor_sealer_name(void)
{
    return "libipsec-mb";
}
#else
#include <openssl/evp.h>

struct floor_sealer {
    EVP_CIPHER_CTX *context;
};

struct floor_sealer *floor_sealer_create(uint32_t seed)
{
    uint8_t key[16];
    struct floor_sealer *s = calloc(1, sizeof *s);
    make_key(seed, key);
    if (s == NULL || (s->context = EVP_CIPHER_CTX_new()) == NULL ||
        EVP_EncryptInit_ex(s->context, EVP_aes_128_gcm(), NULL, key, NULL) != 1) {
        free(s);
        return NULL;
    }
    return s;
}

void floor_seal(struct floor_sealer *s, uint64_t number, struct bytes_mut header,
                struct bytes payload)
{
    uint8_t iv[12], *out = header.data + header.size;
    int size = 0;
    make_iv(number, iv);
    (void)!EVP_EncryptInit_ex(s->context, NULL, NULL, NULL, iv);
    (void)!EVP_EncryptUpdate(s->context, NULL, &size, header.data, (int)header.size);
    (void)!EVP_EncryptUpdate(s->context, out, &size, payload.data, (int)payload.size);
    (void)!EVP_EncryptFinal_ex(s->context, out + payload.size, &size);
    (void)!EVP_CIPHER_CTX_ctrl(s->context, EVP_CTRL_GCM_GET_TAG, FLOOR_TAG_BYTES,
                               out + payload.size);
}

const char *floor_sealer_name(void)
{
    return "OpenSSL";
}
#endif
