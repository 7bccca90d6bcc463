#include "rtc/media_cipher.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/wipe.h"
#include "rtc/gcm_sender.h"

#include <srtp2/srtp.h>

#define RTP_BYTES_MIN 12
#define RTCP_BYTES_MIN 8
#define RTCP_INDEX_BYTES 4 /* E flag and SRTCP index (RFC 3711 3.4) */

/* Debug builds remember what was sealed lately, to tell our bug from a harmless repetition. */
#ifdef AMPHI_RELEASE
struct seal_check {
    char unused;
};
#else
#define SEAL_CHECK_PLACES 512
struct seal_check {
    struct {
        uint32_t ssrc;
        uint16_t seq;
        bool used;
        uint64_t hash;
    } places[SEAL_CHECK_PLACES];
};
#endif

struct media_cipher {
    srtp_t in, out;
    struct gcm_sender *gcm; /* seals RTP where GCM was negotiated; NULL: libsrtp does */
    size_t tag_bytes;
    struct seal_check sealed;
    uint32_t ssrcs[MEDIA_CIPHER_SSRCS_MAX];
    size_t ssrc_count;
};

enum status media_cipher_init_library(void)
{
    return srtp_init() == srtp_err_status_ok ? STATUS_OK : STATUS_SYSTEM;
}

static enum status status_of(srtp_err_status_t error)
{
    switch (error) {
    case srtp_err_status_ok:
        return STATUS_OK;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return STATUS_REPLAYED;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail:
        return STATUS_AUTH;
    case srtp_err_status_alloc_fail:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_MALFORMED;
    }
}

static enum status create_session(srtp_t *out, const struct media_keys *keys, const uint8_t *master,
                                  srtp_ssrc_type_t direction)
{
    srtp_policy_t policy;
    uint8_t key[MEDIA_MASTER_BYTES_MAX];
    memset(&policy, 0, sizeof policy);
    memcpy(key, master, sizeof key);
    if (keys->profile == MEDIA_PROFILE_GCM_128) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    policy.ssrc.type = direction;
    policy.key = key;
    policy.window_size = MEDIA_CIPHER_WINDOW;
    srtp_err_status_t error = srtp_create(out, &policy);
    memory_wipe(key, sizeof key);
    return status_of(error);
}

enum status media_cipher_create(struct media_cipher **out, const struct media_keys *keys)
{
    if (keys->profile == MEDIA_PROFILE_NONE)
        return STATUS_CONFIG;
    struct media_cipher *c = calloc(1, sizeof *c);
    if (c == NULL)
        return STATUS_NO_MEMORY;
    c->tag_bytes = keys->profile == MEDIA_PROFILE_GCM_128 ? 16 : 10;
    enum status status = create_session(&c->in, keys, keys->remote, ssrc_any_inbound);
    if (status == STATUS_OK)
        status = create_session(&c->out, keys, keys->local, ssrc_any_outbound);
    if (status == STATUS_OK && keys->profile == MEDIA_PROFILE_GCM_128)
        status = gcm_sender_create(&c->gcm, keys->local);
    if (status != STATUS_OK) {
        media_cipher_free(c);
        return status;
    }
    *out = c;
    return STATUS_OK;
}

void media_cipher_free(struct media_cipher *c)
{
    if (c == NULL)
        return;
    if (c->in != NULL)
        (void)srtp_dealloc(c->in);
    if (c->out != NULL)
        (void)srtp_dealloc(c->out);
    gcm_sender_free(c->gcm);
    free(c);
}

static bool is_known_ssrc(const struct media_cipher *c, uint32_t ssrc)
{
    for (size_t i = 0; i < c->ssrc_count; i++) {
        if (c->ssrcs[i] == ssrc)
            return true;
    }
    return false;
}

/* libsrtp makes a stream only once a packet was authentic: so do we note its SSRC only then. */
static enum status unprotect(struct media_cipher *c, uint8_t *packet, size_t *size, uint32_t ssrc,
                             srtp_err_status_t (*open)(srtp_t, void *, int *))
{
    bool known = is_known_ssrc(c, ssrc);
    if (!known && c->ssrc_count == MEDIA_CIPHER_SSRCS_MAX)
        return STATUS_LIMIT;
    int length = (int)*size;
    enum status status = status_of(open(c->in, packet, &length));
    if (status != STATUS_OK)
        return status;
    if (!known)
        c->ssrcs[c->ssrc_count++] = ssrc;
    *size = (size_t)length;
    return STATUS_OK;
}

enum status media_cipher_unprotect_rtp(struct media_cipher *c, uint8_t *packet, size_t *size)
{
    if (*size < RTP_BYTES_MIN + c->tag_bytes)
        return STATUS_MALFORMED;
    return unprotect(c, packet, size, load_u32(packet + 8), srtp_unprotect);
}

enum status media_cipher_unprotect_rtcp(struct media_cipher *c, uint8_t *packet, size_t *size)
{
    if (*size < RTCP_BYTES_MIN + c->tag_bytes + RTCP_INDEX_BYTES)
        return STATUS_MALFORMED;
    return unprotect(c, packet, size, load_u32(packet + 4), srtp_unprotect_rtcp);
}

#ifndef AMPHI_RELEASE
static uint64_t hash_plain(const uint8_t *packet, size_t size)
{
    static const uint64_t key[2] = {0, 0};
    return hash_bytes(bytes_of(packet, size), key);
}

static size_t place_of(uint32_t ssrc, uint16_t seq)
{
    return (ssrc * 31u + seq) % SEAL_CHECK_PLACES;
}

static void note_sealed(struct seal_check *s, uint32_t ssrc, uint16_t seq, uint64_t hash)
{
    size_t at = place_of(ssrc, seq);
    s->places[at].ssrc = ssrc;
    s->places[at].seq = seq;
    s->places[at].used = true;
    s->places[at].hash = hash;
}

static bool is_other_packet(const struct seal_check *s, uint32_t ssrc, uint16_t seq, uint64_t hash)
{
    size_t at = place_of(ssrc, seq);
    return s->places[at].used && s->places[at].ssrc == ssrc && s->places[at].seq == seq &&
           s->places[at].hash != hash;
}
#endif

/* Two different packets under one key, SSRC and index would give GCM's key away (RFC 7714 8.3).
 * libsrtp refuses every second packet of one number in all builds (allow_repeat_tx is off); debug
 * builds stop when it was a different one, since that is our bug. */
enum status media_cipher_protect_rtp(struct media_cipher *c, uint8_t *packet, size_t *size)
{
    if (*size < RTP_BYTES_MIN)
        return STATUS_MALFORMED;
    int length = (int)*size;
#ifndef AMPHI_RELEASE
    uint32_t ssrc = load_u32(packet + 8);
    uint16_t seq = load_u16(packet + 2);
    uint64_t hash = hash_plain(packet, *size);
#endif
    enum status status;
    if (c->gcm != NULL) {
        size_t sealed = *size;
        status = gcm_sender_protect(c->gcm, packet, &sealed);
        length = (int)sealed;
    } else {
        status = status_of(srtp_protect(c->out, packet, &length));
    }
#ifndef AMPHI_RELEASE
    if (status == STATUS_REPLAYED)
        CHECK(!is_other_packet(&c->sealed, ssrc, seq, hash));
    if (status == STATUS_OK)
        note_sealed(&c->sealed, ssrc, seq, hash);
#endif
    if (status == STATUS_OK)
        *size = (size_t)length;
    return status;
}

enum status media_cipher_protect_rtcp(struct media_cipher *c, uint8_t *packet, size_t *size)
{
    if (*size < RTCP_BYTES_MIN)
        return STATUS_MALFORMED;
    int length = (int)*size;
    enum status status = status_of(srtp_protect_rtcp(c->out, packet, &length));
    if (status == STATUS_OK)
        *size = (size_t)length;
    return status;
}
