#include "rtc/srtp_cipher.h"

#ifdef AMPHI_IPSEC_MB

#include "base/wipe.h"
#include "rtc/srtp_sender.h"

#define NO_COMPAT_IMB_API_053 /* its old macros clash with OpenSSL's */
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define KEY_ALIGNMENT 64
#define MAC_BYTES 12 /* what the library writes; SRTP takes ten of them */
#define SHA1_BLOCK_BYTES 64
#define SHA1_STATE_BYTES 20

/* Its functions for GCM and keys keep no state in the manager: one serves all threads. Bursts do.
 */
static struct IMB_MGR *shared_manager;
static CRYPTO_ONCE manager_once = CRYPTO_ONCE_STATIC_INIT;
static CRYPTO_RWLOCK *manager_lock; /* bursts without a worker; kept until the process ends */

static void *allocate(size_t size)
{
    size_t rounded = (size + KEY_ALIGNMENT - 1) / KEY_ALIGNMENT * KEY_ALIGNMENT;
    void *p = aligned_alloc(KEY_ALIGNMENT, rounded);
    if (p != NULL)
        memset(p, 0, rounded);
    return p;
}

static struct IMB_MGR *create_manager(void)
{
    struct IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL)
        return NULL;
    if ((manager->features & IMB_FEATURE_AESNI) != 0) {
        init_mb_mgr_auto(manager, NULL);
        if (imb_get_errno(manager) == 0)
            return manager;
    }
    free_mb_mgr(manager);
    return NULL;
}

static void create_shared(void)
{
    manager_lock = CRYPTO_THREAD_lock_new();
    if (manager_lock != NULL)
        shared_manager = create_manager();
}

/* --- AEAD_AES_128_GCM */

struct gcm_key {
    struct gcm_key_data data;
};

static void *gcm_create(const uint8_t key[SRTP_KEY_BYTES])
{
    struct gcm_key *k = allocate(sizeof *k);
    if (k != NULL)
        IMB_AES128_GCM_PRE(shared_manager, key, &k->data);
    return k;
}

static void gcm_free(void *key)
{
    if (key != NULL)
        memory_wipe(key, sizeof(struct gcm_key));
    free(key);
}

static enum status gcm_seal(void *key, const uint8_t nonce[SRTP_GCM_NONCE_BYTES], struct bytes aad,
                            struct bytes plain, uint8_t *out)
{
    const struct gcm_key *k = key;
    struct gcm_context_data scratch; /* here, not with each key: lines of the cache for each peer */
    IMB_AES128_GCM_ENC(shared_manager, &k->data, &scratch, out, plain.data, plain.size, nonce,
                       aad.data, aad.size, out + plain.size, SRTP_GCM_TAG_BYTES);
    return STATUS_OK;
}

#define CACHE_LINE_BYTES 64u
#define ROUND_KEY_LINES 3u /* of the key: ten rounds of AES-128 stand in front, */
#define POWER_BYTES 16u    /* and at its end powers of the hash key, one for each block */
#define BLOCKS_BESIDE 3u   /* header and lengths */

static void gcm_prefetch(const void *key, size_t bytes)
{
    const uint8_t *data = key;
    const size_t lines = sizeof(struct gcm_key) / CACHE_LINE_BYTES;
    size_t powers =
        ((bytes / POWER_BYTES + BLOCKS_BESIDE) * POWER_BYTES + CACHE_LINE_BYTES) / CACHE_LINE_BYTES;
    for (size_t i = 0; i < ROUND_KEY_LINES; i++)
        __builtin_prefetch(data + i * CACHE_LINE_BYTES);
    for (size_t i = lines; i-- > ROUND_KEY_LINES && powers-- > 0;)
        __builtin_prefetch(data + i * CACHE_LINE_BYTES);
}

static enum status gcm_open(void *key, const uint8_t nonce[SRTP_GCM_NONCE_BYTES], struct bytes aad,
                            uint8_t *sealed, size_t size)
{
    const struct gcm_key *k = key;
    struct gcm_context_data scratch;
    uint8_t tag[SRTP_GCM_TAG_BYTES];
    IMB_AES128_GCM_DEC(shared_manager, &k->data, &scratch, sealed, sealed, size, nonce, aad.data,
                       aad.size, tag, sizeof tag);
    return CRYPTO_memcmp(tag, sealed + size, sizeof tag) == 0 ? STATUS_OK : STATUS_AUTH;
}

/* --- AES-CM with HMAC-SHA1 */

struct cm_key {
    _Alignas(16) uint8_t round_keys[11 * 16];
    uint8_t unused[11 * 16]; /* decryption's, which the library writes too */
    uint8_t inner[SHA1_STATE_BYTES], outer[SHA1_STATE_BYTES];
};

struct burst {
    struct IMB_MGR *manager;
    struct IMB_JOB jobs[SRTP_BURST_MAX];
    uint8_t macs[SRTP_BURST_MAX][MAC_BYTES];
};

static void cm_free(void *key)
{
    if (key != NULL)
        memory_wipe(key, sizeof(struct cm_key));
    free(key);
}

static void *cm_create(const uint8_t key[SRTP_KEY_BYTES], const uint8_t auth[SRTP_AUTH_KEY_BYTES])
{
    uint8_t inner[SHA1_BLOCK_BYTES], outer[SHA1_BLOCK_BYTES];
    struct cm_key *k = allocate(sizeof *k);
    if (k == NULL)
        return NULL;
    IMB_AES_KEYEXP_128(shared_manager, key, k->round_keys, k->unused);
    memset(inner, 0x36, sizeof inner);
    memset(outer, 0x5c, sizeof outer);
    for (size_t i = 0; i < SRTP_AUTH_KEY_BYTES; i++) {
        inner[i] ^= auth[i];
        outer[i] ^= auth[i];
    }
    IMB_SHA1_ONE_BLOCK(shared_manager, inner, k->inner);
    IMB_SHA1_ONE_BLOCK(shared_manager, outer, k->outer);
    memory_wipe(inner, sizeof inner);
    memory_wipe(outer, sizeof outer);
    return k;
}

static void fill_cipher(struct IMB_JOB *j, const struct srtp_cm_job *from)
{
    const struct cm_key *k = from->key;
    *j = (struct IMB_JOB){.enc_keys = k->round_keys,
                          .dec_keys = k->unused,
                          .key_len_in_bytes = SRTP_KEY_BYTES,
                          .src = from->plain.data,
                          .dst = from->packet + from->header_bytes,
                          .msg_len_to_cipher_in_bytes = from->plain.size,
                          .iv = from->iv,
                          .iv_len_in_bytes = SRTP_CM_IV_BYTES,
                          .cipher_mode = IMB_CIPHER_CNTR,
                          .cipher_direction = IMB_DIR_ENCRYPT,
                          .hash_alg = IMB_AUTH_NULL,
                          .chain_order = IMB_ORDER_CIPHER_HASH};
}

static void fill_hash(struct IMB_JOB *j, const struct srtp_cm_job *from, uint8_t *mac)
{
    const struct cm_key *k = from->key;
    size_t text = from->header_bytes + from->plain.size;
    store_u32(from->packet + text, from->suffix);
    *j = (struct IMB_JOB){.src = from->packet,
                          .msg_len_to_hash_in_bytes = text + SRTP_CM_SUFFIX_BYTES,
                          .auth_tag_output = mac,
                          .auth_tag_output_len_in_bytes = MAC_BYTES,
                          .cipher_mode = IMB_CIPHER_NULL,
                          .hash_alg = IMB_AUTH_HMAC_SHA_1,
                          .chain_order = IMB_ORDER_HASH_CIPHER};
    j->u.HMAC._hashed_auth_key_xor_ipad = k->inner;
    j->u.HMAC._hashed_auth_key_xor_opad = k->outer;
}

/* All ciphers first, then all MACs: a lone HMAC-SHA1 uses one of the processor's sixteen lanes. */
static bool run_burst(struct burst *b, struct srtp_cm_job *jobs, size_t count)
{
    uint32_t ciphers = 0;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].plain.size > 0)
            fill_cipher(&b->jobs[ciphers++], &jobs[i]);
    }
    if (IMB_SUBMIT_CIPHER_BURST(b->manager, b->jobs, ciphers, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                IMB_KEY_128_BYTES) != ciphers)
        return false;
    for (size_t i = 0; i < count; i++)
        fill_hash(&b->jobs[i], &jobs[i], b->macs[i]);
    if (IMB_SUBMIT_HASH_BURST(b->manager, b->jobs, (uint32_t)count, IMB_AUTH_HMAC_SHA_1) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t *tag = jobs[i].packet + jobs[i].header_bytes + jobs[i].plain.size +
                       (jobs[i].keeps_suffix ? SRTP_CM_SUFFIX_BYTES : 0);
        memcpy(tag, b->macs[i], SRTP_CM_TAG_BYTES);
    }
    return true;
}

static void seal_all(struct burst *b, struct srtp_cm_job *jobs, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t n = count - at < SRTP_BURST_MAX ? count - at : SRTP_BURST_MAX;
        enum status status = run_burst(b, jobs + at, n) ? STATUS_OK : STATUS_SYSTEM;
        for (size_t i = 0; i < n; i++)
            jobs[at + i].status = status;
        at += n;
    }
}

static void cm_seal(void *worker, struct srtp_cm_job *jobs, size_t count)
{
    static struct burst shared;
    if (worker != NULL) {
        seal_all(worker, jobs, count);
        return;
    }
    if (CRYPTO_THREAD_write_lock(manager_lock) != 1) {
        for (size_t i = 0; i < count; i++)
            jobs[i].status = STATUS_SYSTEM;
        return;
    }
    shared.manager = shared_manager;
    seal_all(&shared, jobs, count);
    CRYPTO_THREAD_unlock(manager_lock);
}

static void worker_free(void *worker)
{
    struct burst *b = worker;
    if (b == NULL)
        return;
    free_mb_mgr(b->manager);
    free(b);
}

static void *worker_create(void)
{
    struct burst *b = allocate(sizeof *b);
    if (b == NULL)
        return NULL;
    b->manager = create_manager();
    if (b->manager != NULL)
        return b;
    free(b);
    return NULL;
}

const struct srtp_cipher_ops *srtp_cipher_ipsec_mb(void)
{
    static const struct srtp_cipher_ops ops = {.gcm_create = gcm_create,
                                               .gcm_free = gcm_free,
                                               .gcm_seal = gcm_seal,
                                               .gcm_open = gcm_open,
                                               .gcm_prefetch = gcm_prefetch,
                                               .cm_create = cm_create,
                                               .cm_free = cm_free,
                                               .cm_seal = cm_seal,
                                               .worker_create = worker_create,
                                               .worker_free = worker_free};
    if (CRYPTO_THREAD_run_once(&manager_once, create_shared) != 1)
        return NULL;
    return shared_manager != NULL ? &ops : NULL;
}

#else

const struct srtp_cipher_ops *srtp_cipher_ipsec_mb(void)
{
    return NULL;
}

#endif
