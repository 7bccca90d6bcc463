#include "rtc/srtp_sender.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/wipe.h"
#include "rtc/srtp_keys.h"
#include "rtc/srtp_library.h"

#include <openssl/rand.h>
#include <stdlib.h>

#define RTP_HEADER_BYTES 12
#define CACHE_LINE_BYTES 64

/* The numbers of one SSRC that were used. */
struct numbers {
    struct srtp_window window;
    uint64_t *repeats; /* hashes of what may be sealed again, by number; owned, NULL: nothing may */
    uint64_t repeat_key[2];
    uint16_t repeat_count;
#ifndef AMPHI_RELEASE
    uint64_t hashes[SRTP_SENDER_WINDOW]; /* of the plain packets, to tell our bug from a repeat */
#endif
};

/* Begins on a line of the cache: what a packet needs stands in front. */
struct srtp_sender {
    const struct srtp_cipher_ops *ops; /* of RTP; NULL: libsrtp seals */
    void *rtp_key;
    bool is_gcm;
    uint8_t rtp_salt[SRTP_SALT_BYTES_MAX];
    uint32_t ssrc_count;
    uint32_t ssrcs[SRTP_SENDER_SSRCS_MAX];
    struct numbers *numbers[SRTP_SENDER_SSRCS_MAX];
    srtp_t reference;
    const struct srtp_cipher_ops *rtcp_ops; /* one packet alone gains nothing by CM bursts */
    void *rtcp_key;
    uint32_t rtcp_index;
    uint8_t rtcp_salt[SRTP_SALT_BYTES_MAX];
};

/* AES-CM packets that wait to be sealed together. */
struct burst {
    size_t count;
    struct srtp_cm_job cm[SRTP_BURST_MAX];
    struct srtp_job *of[SRTP_BURST_MAX];
};

struct srtp_worker {
    const struct srtp_cipher_ops *ops;
    void *of_ops;
    struct burst burst;
};

/* --- The choice of a back end */

static enum srtp_backend chosen = SRTP_BACKEND_AUTO;

const char *srtp_backend_name(enum srtp_backend backend)
{
    static const char *const names[] = {"auto", "ipsec-mb", "openssl", "libsrtp"};
    CHECK((unsigned)backend < SRTP_BACKEND_COUNT);
    return names[backend];
}

bool srtp_backend_is_available(enum srtp_backend backend)
{
    return backend != SRTP_BACKEND_IPSEC_MB || srtp_cipher_ipsec_mb() != NULL;
}

enum status srtp_sender_choose(enum srtp_backend backend)
{
    if (!srtp_backend_is_available(backend))
        return STATUS_CONFIG;
    chosen = backend;
    return STATUS_OK;
}

enum srtp_backend srtp_sender_get_choice(void)
{
    if (chosen != SRTP_BACKEND_AUTO)
        return chosen;
    return srtp_backend_is_available(SRTP_BACKEND_IPSEC_MB) ? SRTP_BACKEND_IPSEC_MB
                                                            : SRTP_BACKEND_OPENSSL;
}

static const struct srtp_cipher_ops *ops_of(enum srtp_backend backend)
{
    if (backend == SRTP_BACKEND_AUTO)
        backend = srtp_sender_get_choice();
    switch (backend) {
    case SRTP_BACKEND_IPSEC_MB:
        return srtp_cipher_ipsec_mb();
    case SRTP_BACKEND_OPENSSL:
        return &srtp_cipher_openssl;
    default:
        return NULL;
    }
}

/* --- Keys */

static enum status make_key(const struct srtp_cipher_ops *ops, const struct media_keys *keys,
                            enum srtp_keys_use use, void **key, uint8_t *salt)
{
    struct srtp_keys derived = {0};
    enum status status = srtp_keys_derive(&derived, bytes_of(keys->local, keys->bytes), use);
    if (status != STATUS_OK)
        return status;
    *key = keys->profile == MEDIA_PROFILE_GCM_128 ? ops->gcm_create(derived.cipher)
                                                  : ops->cm_create(derived.cipher, derived.auth);
    memcpy(salt, derived.salt, sizeof derived.salt);
    memory_wipe(&derived, sizeof derived);
    return *key != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static struct srtp_sender *allocate(void)
{
    const size_t lines = (sizeof(struct srtp_sender) + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES;
    struct srtp_sender *s = aligned_alloc(CACHE_LINE_BYTES, lines * CACHE_LINE_BYTES);
    if (s != NULL)
        memset(s, 0, sizeof *s);
    return s;
}

enum status srtp_sender_create(struct srtp_sender **out, enum srtp_backend backend,
                               const struct media_keys *keys)
{
    if (keys->profile == MEDIA_PROFILE_NONE || !srtp_backend_is_available(backend) ||
        keys->bytes <= SRTP_KEY_BYTES || keys->bytes > SRTP_KEY_BYTES + SRTP_SALT_BYTES_MAX)
        return STATUS_CONFIG;
    struct srtp_sender *s = allocate();
    if (s == NULL)
        return STATUS_NO_MEMORY;
    s->is_gcm = keys->profile == MEDIA_PROFILE_GCM_128;
    s->ops = ops_of(backend);
    s->rtcp_ops = s->is_gcm ? s->ops : &srtp_cipher_openssl;
    enum status status = s->ops == NULL
                             ? srtp_library_open(&s->reference, keys->profile, keys->local,
                                                 ssrc_any_outbound, SRTP_SENDER_WINDOW)
                             : make_key(s->ops, keys, SRTP_KEYS_RTP, &s->rtp_key, s->rtp_salt);
    if (status == STATUS_OK && s->ops != NULL)
        status = make_key(s->rtcp_ops, keys, SRTP_KEYS_RTCP, &s->rtcp_key, s->rtcp_salt);
    if (status != STATUS_OK) {
        srtp_sender_free(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

static void free_key(const struct srtp_sender *s, const struct srtp_cipher_ops *ops, void *key)
{
    if (key == NULL)
        return;
    if (s->is_gcm)
        ops->gcm_free(key);
    else
        ops->cm_free(key);
}

void srtp_sender_free(struct srtp_sender *s)
{
    if (s == NULL)
        return;
    free_key(s, s->ops, s->rtp_key);
    free_key(s, s->rtcp_ops, s->rtcp_key);
    if (s->reference != NULL)
        (void)srtp_dealloc(s->reference);
    for (size_t i = 0; i < s->ssrc_count; i++) {
        free(s->numbers[i]->repeats);
        free(s->numbers[i]);
    }
    memory_wipe(s, sizeof *s);
    free(s);
}

bool srtp_sender_gains_by_bursts(const struct srtp_sender *s)
{
    return !s->is_gcm && s->ops != NULL;
}

size_t srtp_sender_get_tag_bytes(const struct srtp_sender *s)
{
    return s->is_gcm ? SRTP_GCM_TAG_BYTES : SRTP_CM_TAG_BYTES;
}

/* --- Numbers */

static enum status find_numbers(struct srtp_sender *s, uint32_t ssrc, struct numbers **out)
{
    for (size_t i = 0; i < s->ssrc_count; i++) {
        if (s->ssrcs[i] == ssrc) {
            *out = s->numbers[i];
            return STATUS_OK;
        }
    }
    if (s->ssrc_count == SRTP_SENDER_SSRCS_MAX)
        return STATUS_LIMIT;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return STATUS_NO_MEMORY;
    s->ssrcs[s->ssrc_count] = ssrc;
    s->numbers[s->ssrc_count++] = *out;
    return STATUS_OK;
}

static uint64_t hash_of(const struct srtp_job *job, const uint64_t key[2])
{
    return hash_bytes(bytes_of(job->packet, job->header_bytes), key) * 3 +
           hash_bytes(job->payload, key);
}

/* Two different packets under one key, SSRC and index would give GCM's key away (RFC 7714 8.3):
 * a second one is refused in all builds; debug builds stop when it was a different one, since that
 * is our bug. */
static void check_repeat(struct numbers *n, uint64_t index, const struct srtp_job *job, bool is_new)
{
#ifdef AMPHI_RELEASE
    (void)n, (void)index, (void)job, (void)is_new;
#else
    static const uint64_t key[2];
    uint64_t hash = hash_of(job, key);
    if (is_new)
        n->hashes[index % SRTP_SENDER_WINDOW] = hash;
    else if (n->window.highest - index < SRTP_SENDER_WINDOW && !job->is_repeat)
        CHECK(n->hashes[index % SRTP_SENDER_WINDOW] == hash);
#endif
}

/* The roll-over count is in it, too. Nobody outside knows the key: what publishers send cannot be
 * made to hash alike. */
static uint64_t repeat_hash(const struct numbers *n, uint64_t index, const struct srtp_job *job)
{
    const uint64_t key[2] = {n->repeat_key[0], n->repeat_key[1] ^ index >> 16};
    return hash_of(job, key);
}

/* Without memory nothing can be sealed again. */
static bool keeps_repeats(struct numbers *n, uint16_t count)
{
    CHECK((count & (count - 1)) == 0);
    if (n->repeats == NULL && count > 0 &&
        RAND_bytes((unsigned char *)n->repeat_key, sizeof n->repeat_key) == 1) {
        n->repeats = calloc(count, sizeof *n->repeats);
        n->repeat_count = count;
    }
    return n->repeats != NULL && count == n->repeat_count;
}

/* Every number of the SSRC takes its place, so that an older packet's is never found there. */
static void note_repeat(struct numbers *n, uint64_t index, const struct srtp_job *job)
{
    bool keeps = keeps_repeats(n, job->repeats);
    if (n->repeats != NULL)
        n->repeats[index % n->repeat_count] = keeps ? repeat_hash(n, index, job) : 0;
}

static bool is_same_again(const struct numbers *n, uint64_t index, const struct srtp_job *job)
{
    return job->is_repeat && n->repeats != NULL && index <= n->window.highest &&
           n->window.highest - index < n->repeat_count &&
           n->repeats[index % n->repeat_count] == repeat_hash(n, index, job);
}

static enum status number(struct srtp_job *job, uint64_t *index)
{
    struct numbers *n;
    if (job->header_bytes < RTP_HEADER_BYTES)
        return STATUS_MALFORMED;
    enum status status = find_numbers(job->sender, load_u32(job->packet + 8), &n);
    if (status != STATUS_OK)
        return status;
    *index = srtp_window_guess(&n->window, load_u16(job->packet + 2));
    bool is_new = srtp_window_admits(&n->window, *index);
    if (is_new) {
        srtp_window_note(&n->window, *index);
        note_repeat(n, *index, job);
    }
    check_repeat(n, *index, job, is_new);
    return is_new || is_same_again(n, *index, job) ? STATUS_OK : STATUS_REPLAYED;
}

/* --- RTP */

static enum status seal_gcm(const struct srtp_job *job, uint64_t index)
{
    const struct srtp_sender *s = job->sender;
    uint8_t nonce[SRTP_GCM_NONCE_BYTES];
    srtp_keys_write_nonce(s->rtp_salt, load_u32(job->packet + 8), index, nonce);
    return s->ops->gcm_seal(s->rtp_key, nonce, bytes_of(job->packet, job->header_bytes),
                            job->payload, job->packet + job->header_bytes);
}

static void fill_cm(struct srtp_cm_job *to, const struct srtp_job *job, uint64_t index)
{
    to->key = job->sender->rtp_key;
    srtp_keys_write_iv(job->sender->rtp_salt, load_u32(job->packet + 8), index, to->iv);
    to->packet = job->packet;
    to->header_bytes = job->header_bytes;
    to->plain = job->payload;
    to->suffix = (uint32_t)(index >> 16);
    to->keeps_suffix = false;
}

static enum status seal_reference(const struct srtp_job *job)
{
    uint8_t *behind = job->packet + job->header_bytes;
    int length = (int)(job->header_bytes + job->payload.size);
    if (job->payload.data != behind && job->payload.size > 0)
        memcpy(behind, job->payload.data, job->payload.size);
    return srtp_protect(job->sender->reference, job->packet, &length) == srtp_err_status_ok
               ? STATUS_OK
               : STATUS_SYSTEM;
}

static void run_burst(struct srtp_worker *w)
{
    struct burst *b = &w->burst;
    if (b->count == 0)
        return;
    const struct srtp_cipher_ops *ops = b->of[0]->sender->ops;
    ops->cm_seal(w->ops == ops ? w->of_ops : NULL, b->cm, b->count);
    for (size_t i = 0; i < b->count; i++)
        b->of[i]->status = b->cm[i].status;
    b->count = 0;
}

static void add_to_burst(struct srtp_worker *w, struct srtp_job *job, uint64_t index)
{
    struct burst *b = &w->burst;
    if (b->count == SRTP_BURST_MAX || (b->count > 0 && b->of[0]->sender->ops != job->sender->ops))
        run_burst(w);
    fill_cm(&b->cm[b->count], job, index);
    b->of[b->count++] = job;
}

static enum status seal_lone_cm(struct srtp_job *job, uint64_t index)
{
    struct srtp_cm_job cm = {0};
    fill_cm(&cm, job, index);
    job->sender->ops->cm_seal(NULL, &cm, 1);
    return cm.status;
}

static void protect(struct srtp_worker *w, struct srtp_job *job)
{
    uint64_t index = 0;
    job->status = number(job, &index);
    if (job->status != STATUS_OK)
        return;
    if (job->sender->ops == NULL)
        job->status = seal_reference(job);
    else if (job->sender->is_gcm)
        job->status = seal_gcm(job, index);
    else if (w != NULL)
        add_to_burst(w, job, index);
    else
        job->status = seal_lone_cm(job, index);
}

void srtp_sender_protect_rtp(struct srtp_worker *w, struct srtp_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        protect(w, &jobs[i]);
    if (w != NULL)
        run_burst(w);
}

enum status srtp_worker_create(struct srtp_worker **out)
{
    struct srtp_worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return STATUS_NO_MEMORY;
    w->ops = ops_of(SRTP_BACKEND_AUTO);
    if (w->ops != NULL && w->ops->worker_create != NULL) {
        w->of_ops = w->ops->worker_create();
        if (w->of_ops == NULL) {
            free(w);
            return STATUS_NO_MEMORY;
        }
    }
    *out = w;
    return STATUS_OK;
}

void srtp_worker_free(struct srtp_worker *w)
{
    if (w == NULL)
        return;
    if (w->of_ops != NULL)
        w->ops->worker_free(w->of_ops);
    free(w);
}

void srtp_sender_prefetch(const struct srtp_sender *s)
{
    if (s == NULL)
        return;
    __builtin_prefetch(s);
    __builtin_prefetch(s->numbers);
}

void srtp_sender_prefetch_key(const struct srtp_sender *s, uint32_t ssrc, uint16_t seq,
                              size_t bytes)
{
    if (s->is_gcm && s->ops != NULL && s->ops->gcm_prefetch != NULL)
        s->ops->gcm_prefetch(s->rtp_key, bytes);
    for (uint32_t i = 0; i < s->ssrc_count; i++) {
        if (s->ssrcs[i] == ssrc)
            srtp_window_prefetch(&s->numbers[i]->window, seq);
    }
}

/* --- RTCP */

/* RFC 7714 9: the index word is authenticated behind the header, and stands behind the tag. */
static enum status seal_rtcp_gcm(struct srtp_sender *s, uint8_t *packet, size_t *size,
                                 uint32_t index)
{
    uint8_t nonce[SRTP_GCM_NONCE_BYTES], aad[SRTCP_HEADER_BYTES + SRTCP_INDEX_BYTES];
    uint8_t *behind = packet + SRTCP_HEADER_BYTES;
    srtp_keys_write_nonce(s->rtcp_salt, load_u32(packet + 4), index, nonce);
    memcpy(aad, packet, SRTCP_HEADER_BYTES);
    store_u32(aad + SRTCP_HEADER_BYTES, SRTCP_ENCRYPTED | index);
    enum status status =
        s->rtcp_ops->gcm_seal(s->rtcp_key, nonce, bytes_of(aad, sizeof aad),
                              bytes_of(behind, *size - SRTCP_HEADER_BYTES), behind);
    *size += SRTP_GCM_TAG_BYTES;
    store_u32(packet + *size, SRTCP_ENCRYPTED | index);
    *size += SRTCP_INDEX_BYTES;
    return status;
}

static enum status seal_rtcp_cm(struct srtp_sender *s, uint8_t *packet, size_t *size,
                                uint32_t index)
{
    struct srtp_cm_job job = {.key = s->rtcp_key,
                              .packet = packet,
                              .header_bytes = SRTCP_HEADER_BYTES,
                              .plain =
                                  bytes_of(packet + SRTCP_HEADER_BYTES, *size - SRTCP_HEADER_BYTES),
                              .suffix = SRTCP_ENCRYPTED | index,
                              .keeps_suffix = true};
    srtp_keys_write_iv(s->rtcp_salt, load_u32(packet + 4), index, job.iv);
    s->rtcp_ops->cm_seal(NULL, &job, 1);
    *size += SRTCP_INDEX_BYTES + SRTP_CM_TAG_BYTES;
    return job.status;
}

enum status srtp_sender_protect_rtcp(struct srtp_sender *s, uint8_t *packet, size_t *size)
{
    if (*size < SRTCP_HEADER_BYTES)
        return STATUS_MALFORMED;
    if (s->ops == NULL) {
        int length = (int)*size;
        if (srtp_protect_rtcp(s->reference, packet, &length) != srtp_err_status_ok)
            return STATUS_SYSTEM;
        *size = (size_t)length;
        return STATUS_OK;
    }
    if (s->rtcp_index == SRTCP_INDEX_MAX)
        return STATUS_LIMIT;
    uint32_t index = ++s->rtcp_index; /* of all SSRCs: each sees it grow */
    return s->is_gcm ? seal_rtcp_gcm(s, packet, size, index) : seal_rtcp_cm(s, packet, size, index);
}
