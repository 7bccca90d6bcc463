#include "rtc/media_cipher.h"

#include "base/bytes.h"

#include <srtp2/srtp.h>
#include <stdlib.h>

#define RTP_BYTES_MIN 12

struct media_cipher {
    struct srtp_receiver *in;
    struct srtp_sender *out;
};

enum status media_cipher_init_library(void)
{
    return srtp_init() == srtp_err_status_ok ? STATUS_OK : STATUS_SYSTEM;
}

enum status media_cipher_create(struct media_cipher **out, const struct media_keys *keys)
{
    if (keys->profile == MEDIA_PROFILE_NONE)
        return STATUS_CONFIG;
    struct media_cipher *c = calloc(1, sizeof *c);
    if (c == NULL)
        return STATUS_NO_MEMORY;
    enum status status = srtp_receiver_create(&c->in, SRTP_BACKEND_AUTO, keys);
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
    srtp_receiver_free(c->in);
    srtp_sender_free(c->out);
    free(c);
}

enum status media_cipher_unprotect_rtp(struct media_cipher *c, uint8_t *packet, size_t *size)
{
    return srtp_receiver_open_rtp(c->in, packet, size);
}

enum status media_cipher_unprotect_rtcp(struct media_cipher *c, uint8_t *packet, size_t *size)
{
    return srtp_receiver_open_rtcp(c->in, packet, size);
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
