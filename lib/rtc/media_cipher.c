#include "rtc/media_cipher.h"

#include "base/bytes.h"
#include "base/wipe.h"

#include <srtp2/srtp.h>

#define RTP_BYTES_MIN 12
#define RTCP_BYTES_MIN 8
#define RTCP_INDEX_BYTES 4 /* E flag and SRTCP index (RFC 3711 3.4) */

struct media_cipher {
    srtp_t in;
    struct srtp_sender *out;
    size_t tag_bytes;
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

static enum status create_session(srtp_t *out, const struct media_keys *keys)
{
    srtp_policy_t policy;
    uint8_t key[MEDIA_MASTER_BYTES_MAX];
    memset(&policy, 0, sizeof policy);
    memcpy(key, keys->remote, sizeof key);
    if (keys->profile == MEDIA_PROFILE_GCM_128) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    policy.ssrc.type = ssrc_any_inbound;
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
    enum status status = create_session(&c->in, keys);
    if (status == STATUS_OK)
        status = srtp_sender_create(&c->out, SRTP_BACKEND_AUTO, keys);
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
    srtp_sender_free(c->out);
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

/* Bytes before the payload: fixed header, CSRCs, extension. 0 when they do not fit. */
static size_t header_bytes(const uint8_t *packet, size_t size)
{
    if (size < RTP_BYTES_MIN)
        return 0;
    size_t bytes = RTP_BYTES_MIN + 4u * (packet[0] & 0x0f);
    if ((packet[0] & 0x10) == 0)
        return bytes <= size ? bytes : 0;
    if (bytes + 4 > size)
        return 0;
    bytes += 4 + 4u * load_u16(packet + bytes + 2);
    return bytes <= size ? bytes : 0;
}

enum status media_cipher_protect_rtp(struct media_cipher *c, uint8_t *packet, size_t *size)
{
    size_t header = header_bytes(packet, *size);
    if (header == 0)
        return STATUS_MALFORMED;
    struct srtp_job job = {.sender = c->out,
                           .packet = packet,
                           .header_bytes = header,
                           .payload = bytes_of(packet + header, *size - header)};
    srtp_sender_protect_rtp(NULL, &job, 1);
    if (job.status == STATUS_OK)
        *size += srtp_sender_get_tag_bytes(c->out);
    return job.status;
}

enum status media_cipher_protect_rtcp(struct media_cipher *c, uint8_t *packet, size_t *size)
{
    return srtp_sender_protect_rtcp(c->out, packet, size);
}

struct srtp_sender *media_cipher_get_sender(struct media_cipher *c)
{
    return c->out;
}
