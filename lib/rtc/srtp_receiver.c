#include "rtc/srtp_receiver.h"

#include "base/wipe.h"
#include "rtc/srtp_keys.h"
#include "rtc/srtp_library.h"

#include <stdlib.h>

#define RTP_HEADER_BYTES 12
#define PACKET_BYTES_MAX 1500
#define PLACES_FIRST 8 /* as many as most peers have; doubled when they are taken */

struct stream { /* of one SSRC */
    uint32_t ssrc;
    struct srtp_window rtp, rtcp;
};

struct srtp_receiver {
    const struct srtp_cipher_ops *ops; /* NULL: libsrtp opens */
    bool is_gcm;
    void *rtp_key, *rtcp_key;
    uint8_t rtp_salt[SRTP_SALT_BYTES_MAX], rtcp_salt[SRTP_SALT_BYTES_MAX];
    srtp_t reference;
    struct {
        uint32_t ssrc;
        struct stream *stream; /* none with libsrtp */
    } * places;
    size_t ssrc_count, place_count;
};

/* --- Life */

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

static enum status make_key(const struct srtp_receiver *r, const struct media_keys *keys,
                            enum srtp_keys_use use, void **key, uint8_t *salt)
{
    struct srtp_keys derived = {0};
    enum status status = srtp_keys_derive(&derived, bytes_of(keys->remote, keys->bytes), use);
    if (status != STATUS_OK)
        return status;
    *key = r->is_gcm ? r->ops->gcm_create(derived.cipher)
                     : r->ops->cm_create(derived.cipher, derived.auth);
    memcpy(salt, derived.salt, sizeof derived.salt);
    memory_wipe(&derived, sizeof derived);
    return *key != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static const struct srtp_cipher_ops *ops_of(enum srtp_backend backend, bool is_gcm)
{
    if (backend == SRTP_BACKEND_AUTO)
        backend = srtp_sender_get_choice();
    if (backend == SRTP_BACKEND_LIBSRTP)
        return NULL;
    return backend == SRTP_BACKEND_IPSEC_MB && is_gcm ? srtp_cipher_ipsec_mb()
                                                      : &srtp_cipher_openssl;
}

enum status srtp_receiver_create(struct srtp_receiver **out, enum srtp_backend backend,
                                 const struct media_keys *keys)
{
    if (keys->profile == MEDIA_PROFILE_NONE || !srtp_backend_is_available(backend) ||
        keys->bytes <= SRTP_KEY_BYTES || keys->bytes > SRTP_KEY_BYTES + SRTP_SALT_BYTES_MAX)
        return STATUS_CONFIG;
    struct srtp_receiver *r = calloc(1, sizeof *r);
    if (r == NULL)
        return STATUS_NO_MEMORY;
    r->is_gcm = keys->profile == MEDIA_PROFILE_GCM_128;
    r->ops = ops_of(backend, r->is_gcm);
    enum status status = r->ops == NULL
                             ? srtp_library_open(&r->reference, keys->profile, keys->remote,
                                                 ssrc_any_inbound, SRTP_WINDOW_NUMBERS)
                             : make_key(r, keys, SRTP_KEYS_RTP, &r->rtp_key, r->rtp_salt);
    if (status == STATUS_OK && r->ops != NULL)
        status = make_key(r, keys, SRTP_KEYS_RTCP, &r->rtcp_key, r->rtcp_salt);
    if (status != STATUS_OK) {
        srtp_receiver_free(r);
        return status;
    }
    *out = r;
    return STATUS_OK;
}

static void free_key(const struct srtp_receiver *r, void *key)
{
    if (key == NULL)
        return;
    if (r->is_gcm)
        r->ops->gcm_free(key);
    else
        r->ops->cm_free(key);
}

void srtp_receiver_free(struct srtp_receiver *r)
{
    if (r == NULL)
        return;
    free_key(r, r->rtp_key);
    free_key(r, r->rtcp_key);
    if (r->reference != NULL)
        (void)srtp_dealloc(r->reference);
    for (size_t i = 0; i < r->ssrc_count; i++)
        free(r->places[i].stream);
    free(r->places);
    memory_wipe(r, sizeof *r);
    free(r);
}

/* --- Streams. An unauthenticated packet makes none. */

static size_t find_place(const struct srtp_receiver *r, uint32_t ssrc)
{
    size_t place = 0;
    while (place < r->ssrc_count && r->places[place].ssrc != ssrc)
        place++;
    return place;
}

/* The stream of `ssrc`, or `fresh` for one that has not come yet; NULL when there is no place. */
static struct stream *find_stream(const struct srtp_receiver *r, uint32_t ssrc,
                                  struct stream *fresh)
{
    size_t place = find_place(r, ssrc);
    if (place < r->ssrc_count)
        return r->places[place].stream;
    if (place == SRTP_RECEIVER_SSRCS_MAX)
        return NULL;
    *fresh = (struct stream){.ssrc = ssrc};
    return fresh;
}

static enum status add_place(struct srtp_receiver *r, uint32_t ssrc, struct stream *stream)
{
    if (r->ssrc_count == r->place_count) {
        size_t more = r->place_count > 0 ? r->place_count * 2 : PLACES_FIRST;
        void *grown = realloc(r->places, more * sizeof *r->places);
        if (grown == NULL)
            return STATUS_NO_MEMORY;
        r->places = grown;
        r->place_count = more;
    }
    r->places[r->ssrc_count].ssrc = ssrc;
    r->places[r->ssrc_count++].stream = stream;
    return STATUS_OK;
}

static enum status keep_stream(struct srtp_receiver *r, const struct stream *fresh)
{
    struct stream *s = malloc(sizeof *s);
    if (s == NULL)
        return STATUS_NO_MEMORY;
    *s = *fresh;
    enum status status = add_place(r, s->ssrc, s);
    if (status != STATUS_OK)
        free(s);
    return status;
}

/* libsrtp keeps streams of its own; we bound them. */
static enum status open_reference(struct srtp_receiver *r, uint8_t *packet, size_t *size,
                                  uint32_t ssrc, srtp_err_status_t (*open)(srtp_t, void *, int *))
{
    int length = (int)*size;
    size_t place = find_place(r, ssrc);
    if (place == SRTP_RECEIVER_SSRCS_MAX)
        return STATUS_LIMIT;
    enum status status = status_of(open(r->reference, packet, &length));
    if (status == STATUS_OK && place == r->ssrc_count)
        status = add_place(r, ssrc, NULL);
    if (status == STATUS_OK)
        *size = (size_t)length;
    return status;
}

/* --- RTP */

static size_t tag_bytes(const struct srtp_receiver *r)
{
    return r->is_gcm ? SRTP_GCM_TAG_BYTES : SRTP_CM_TAG_BYTES;
}

/* Fixed header, CSRCs and extension, all in clear; 0 when they do not fit. */
static size_t header_bytes(const uint8_t *packet, size_t size)
{
    size_t bytes = RTP_HEADER_BYTES + 4u * (packet[0] & 0x0f);
    if ((packet[0] & 0x10) == 0)
        return bytes <= size ? bytes : 0;
    if (bytes + 4 > size)
        return 0;
    bytes += 4 + 4u * load_u16(packet + bytes + 2);
    return bytes <= size ? bytes : 0;
}

static enum status open_rtp(const struct srtp_receiver *r, uint8_t *packet, size_t header,
                            size_t payload, uint32_t ssrc, uint64_t index)
{
    if (r->is_gcm) {
        uint8_t nonce[SRTP_GCM_NONCE_BYTES];
        srtp_keys_write_nonce(r->rtp_salt, ssrc, index, nonce);
        return r->ops->gcm_open(r->rtp_key, nonce, bytes_of(packet, header), packet + header,
                                payload);
    }
    struct srtp_cm_job job = {.key = r->rtp_key,
                              .packet = packet,
                              .header_bytes = header,
                              .plain = bytes_of(packet + header, payload),
                              .suffix = (uint32_t)(index >> 16)};
    uint8_t tag[SRTP_CM_TAG_BYTES]; /* the roll-over counter takes its place */
    memcpy(tag, packet + header + payload, sizeof tag);
    srtp_keys_write_iv(r->rtp_salt, ssrc, index, job.iv);
    return r->ops->cm_open(&job, tag);
}

/* The first packet that comes of a stream: of its first round, or just behind the wrap. `index` is
 * out. */
static enum status open_first_rtp(const struct srtp_receiver *r, uint8_t *packet, size_t header,
                                  size_t payload, uint32_t ssrc, uint64_t *index)
{
    uint8_t kept[PACKET_BYTES_MAX];
    size_t sealed = payload + tag_bytes(r);
    bool may_have_wrapped = *index < SRTP_RECEIVER_WRAPPED_MAX && sealed <= sizeof kept;
    if (may_have_wrapped)
        memcpy(kept, packet + header, sealed);
    enum status status = open_rtp(r, packet, header, payload, ssrc, *index);
    if (status != STATUS_AUTH || !may_have_wrapped)
        return status;
    memcpy(packet + header, kept, sealed);
    *index += 0x10000;
    return open_rtp(r, packet, header, payload, ssrc, *index);
}

enum status srtp_receiver_open_rtp(struct srtp_receiver *r, uint8_t *packet, size_t *size)
{
    if (*size < RTP_HEADER_BYTES + tag_bytes(r))
        return STATUS_MALFORMED;
    uint32_t ssrc = load_u32(packet + 8);
    if (r->ops == NULL)
        return open_reference(r, packet, size, ssrc, srtp_unprotect);
    size_t whole = *size - tag_bytes(r);
    size_t header = header_bytes(packet, whole);
    if (packet[0] >> 6 != 2 || header == 0)
        return STATUS_MALFORMED;
    struct stream fresh, *s = find_stream(r, ssrc, &fresh);
    if (s == NULL)
        return STATUS_LIMIT;
    uint64_t index = srtp_window_guess(&s->rtp, load_u16(packet + 2));
    if (!srtp_window_admits(&s->rtp, index))
        return STATUS_REPLAYED;
    enum status status = s->rtp.used
                             ? open_rtp(r, packet, header, whole - header, ssrc, index)
                             : open_first_rtp(r, packet, header, whole - header, ssrc, &index);
    if (status != STATUS_OK)
        return status;
    srtp_window_note(&s->rtp, index);
    *size = whole;
    return s == &fresh ? keep_stream(r, &fresh) : STATUS_OK;
}

/* --- RTCP */

/* RFC 7714 9: header, sealed rest, tag, index word; the latter is authenticated behind the header.
 */
static enum status open_rtcp_gcm(const struct srtp_receiver *r, uint8_t *packet, size_t plain,
                                 uint32_t ssrc, uint32_t word)
{
    uint8_t nonce[SRTP_GCM_NONCE_BYTES], aad[SRTCP_HEADER_BYTES + SRTCP_INDEX_BYTES];
    srtp_keys_write_nonce(r->rtcp_salt, ssrc, word & SRTCP_INDEX_MAX, nonce);
    memcpy(aad, packet, SRTCP_HEADER_BYTES);
    store_u32(aad + SRTCP_HEADER_BYTES, word);
    return r->ops->gcm_open(r->rtcp_key, nonce, bytes_of(aad, sizeof aad),
                            packet + SRTCP_HEADER_BYTES, plain - SRTCP_HEADER_BYTES);
}

/* RFC 3711 3.4: header, sealed rest, index word, tag over all before it. */
static enum status open_rtcp_cm(const struct srtp_receiver *r, uint8_t *packet, size_t plain,
                                uint32_t ssrc, uint32_t word)
{
    struct srtp_cm_job job = {.key = r->rtcp_key,
                              .packet = packet,
                              .header_bytes = SRTCP_HEADER_BYTES,
                              .plain =
                                  bytes_of(packet + SRTCP_HEADER_BYTES, plain - SRTCP_HEADER_BYTES),
                              .suffix = word};
    srtp_keys_write_iv(r->rtcp_salt, ssrc, word & SRTCP_INDEX_MAX, job.iv);
    return r->ops->cm_open(&job, packet + plain + SRTCP_INDEX_BYTES);
}

enum status srtp_receiver_open_rtcp(struct srtp_receiver *r, uint8_t *packet, size_t *size)
{
    size_t behind = tag_bytes(r) + SRTCP_INDEX_BYTES;
    if (*size < SRTCP_HEADER_BYTES + behind)
        return STATUS_MALFORMED;
    uint32_t ssrc = load_u32(packet + 4);
    if (r->ops == NULL)
        return open_reference(r, packet, size, ssrc, srtp_unprotect_rtcp);
    size_t plain = *size - behind;
    uint32_t word = load_u32(packet + plain + (r->is_gcm ? SRTP_GCM_TAG_BYTES : 0));
    /* WebRTC always encrypts its SRTCP (RFC 8827 6.5). */
    if (packet[0] >> 6 != 2 || (word & SRTCP_ENCRYPTED) == 0)
        return STATUS_MALFORMED;
    struct stream fresh, *s = find_stream(r, ssrc, &fresh);
    if (s == NULL)
        return STATUS_LIMIT;
    if (!srtp_window_admits(&s->rtcp, word & SRTCP_INDEX_MAX))
        return STATUS_REPLAYED;
    enum status status = r->is_gcm ? open_rtcp_gcm(r, packet, plain, ssrc, word)
                                   : open_rtcp_cm(r, packet, plain, ssrc, word);
    if (status != STATUS_OK)
        return status;
    srtp_window_note(&s->rtcp, word & SRTCP_INDEX_MAX);
    *size = plain;
    return s == &fresh ? keep_stream(r, &fresh) : STATUS_OK;
}
