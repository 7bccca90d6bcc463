#include "tests/bench/load/load_media.h"

#include "host/host_clock.h"
#include "rtc/receive_stats.h"
#include "wire/rtp_extension.h"

#define PAYLOAD_BYTES 1158 /* 1,200 bytes of SRTP with header, extension and tag */
#define KEY_FRAME_FACTOR 4
#define KEY_FRAME_AGAIN_US MILLISECONDS(500)
#define BURST_MAX 128
#define VOICE_PAYLOAD_BYTES 80

struct burst {
    uint8_t data[BURST_MAX][LOAD_PACKET_BYTES];
    size_t sizes[BURST_MAX];
    size_t count;
};

void load_media_init(struct load_media *m, const struct load_media_config *config, usec_t now)
{
    *m = (struct load_media){.config = *config,
                             .rng = rng_of_seed(config->seed),
                             .voice_at = now,
                             .frame_at = config->video_bps > 0 ? now : USEC_NEVER,
                             .report_at = now + SECONDS(1),
                             .key_frame_at = now};
    m->seqs[LOAD_LINE_VOICE] = 1000;
    m->seqs[LOAD_LINE_VIDEO] = 2000;
}

static void add_packet(struct load_media *m, struct load_peer *trainer, struct burst *burst,
                       int line, bool marker, struct bytes head, size_t payload_bytes)
{
    static const char *const mids[LOAD_LINE_COUNT] = {"0", "1"};
    uint8_t block[32], level = 0x80 | 30; /* voice, -30 dBov */
    if (burst->count == BURST_MAX)
        return;
    struct rtp_extension elements[2] = {{LOAD_EXT_MID, bytes_of_string(mids[line])},
                                        {LOAD_EXT_AUDIO_LEVEL, bytes_of(&level, 1)}};
    struct rtp_header header = {.marker = marker,
                                .payload_type = trainer->remote.lines[line].payload_type,
                                .seq = m->seqs[line]++,
                                .timestamp = m->timestamps[line],
                                .ssrc = trainer->ssrc + (uint32_t)line};
    struct writer b = writer_of((struct bytes_mut){block, sizeof block});
    if (rtp_extension_write(&b, elements, line == LOAD_LINE_VOICE ? 2 : 1,
                            &header.extension_profile) != STATUS_OK)
        return;
    header.extension = bytes_const(writer_written(&b));
    struct writer w = writer_of((struct bytes_mut){burst->data[burst->count],
                                                   LOAD_PACKET_BYTES - MEDIA_CIPHER_TRAILER_BYTES});
    rtp_write_header(&w, &header);
    write_bytes(&w, head);
    write_zeros(&w, payload_bytes - head.size - LOAD_TAIL_BYTES);
    write_u64(&w, (uint64_t)host_clock_now());
    write_u64(&w, m->sent[line]);
    size_t size = writer_size(&w);
    if (w.failed ||
        media_cipher_protect_rtp(trainer->cipher, burst->data[burst->count], &size) != STATUS_OK)
        return;
    burst->sizes[burst->count++] = size;
    m->sent[line]++;
    m->sent_octets[line] += (uint32_t)payload_bytes;
}

static void send_burst(struct load_media *m, struct load_peer *trainer, struct burst *burst)
{
    static struct mmsghdr headers[BURST_MAX];
    static struct iovec vectors[BURST_MAX];
    for (size_t i = 0; i < burst->count; i++) {
        vectors[i] = (struct iovec){burst->data[i], burst->sizes[i]};
        headers[i].msg_hdr = (struct msghdr){.msg_name = &trainer->to,
                                             .msg_namelen = trainer->to_bytes,
                                             .msg_iov = &vectors[i],
                                             .msg_iovlen = 1};
    }
    int sent = sendmmsg(trainer->udp.fd, headers, (unsigned)burst->count, MSG_DONTWAIT);
    m->refused += burst->count - (sent > 0 ? (size_t)sent : 0);
    burst->count = 0;
}

/* A frame's size goes up and down around the mean as an encoder's does. */
static size_t frame_bytes(struct load_media *m, bool key_frame)
{
    double mean = (double)m->config.video_bps / 8 / m->config.video_fps;
    double size = mean * (0.75 + 0.5 * rng_fraction(&m->rng));
    return (size_t)(key_frame ? mean * KEY_FRAME_FACTOR : size);
}

static void add_frame(struct load_media *m, struct load_peer *trainer, struct burst *burst,
                      bool key_frame)
{
    static const uint8_t key_tag[10] = {0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02};
    static const uint8_t delta_tag[10] = {0x11};
    size_t left = frame_bytes(m, key_frame);
    size_t packets = (left + PAYLOAD_BYTES - 1) / PAYLOAD_BYTES;
    m->picture_id = (uint16_t)((m->picture_id + 1) & 0x7fff);
    m->timestamps[LOAD_LINE_VIDEO] += 90000 / m->config.video_fps;
    for (size_t i = 0; i < packets; i++) {
        size_t size = left / (packets - i); /* at most a byte between any two */
        uint8_t head[14] = {(uint8_t)(0x80 | (i == 0 ? 0x10 : 0)), 0x80};
        store_u16(head + 2, (uint16_t)(0x8000 | m->picture_id)); /* RFC 7741 4.2 */
        memcpy(head + 4, key_frame ? key_tag : delta_tag, 10);
        left -= size;
        add_packet(m, trainer, burst, LOAD_LINE_VIDEO, i + 1 == packets,
                   bytes_of(head, i == 0 ? 14 : 4), size < 40 ? 40 : size);
    }
    m->frames++;
    m->key_frames += key_frame;
}

static void send_reports(struct load_media *m, const struct load_peer *trainer, usec_t now)
{
    uint64_t zero = host_clock_ntp_at_zero();
    for (int line = 0; line < LOAD_LINE_COUNT; line++) {
        uint8_t data[256];
        struct writer w =
            writer_of((struct bytes_mut){data, sizeof data - MEDIA_CIPHER_TRAILER_BYTES});
        struct rtcp_report report = {.ssrc = trainer->ssrc + (uint32_t)line,
                                     .has_sender_info = true};
        report.sender = (struct rtcp_sender_info){.ntp = ntp_of_usec(zero, now),
                                                  .rtp_timestamp = m->timestamps[line],
                                                  .packet_count = (uint32_t)m->sent[line],
                                                  .octet_count = m->sent_octets[line]};
        rtcp_write_report(&w, &report);
        rtcp_write_sdes(&w, report.ssrc, bytes_of_string("bench"));
        size_t size = writer_size(&w);
        if (!w.failed && media_cipher_protect_rtcp(trainer->cipher, data, &size) == STATUS_OK)
            load_peer_send(trainer, data, size);
    }
}

static void note_late(struct load_media *m, usec_t late)
{
    m->latest_us = late > m->latest_us ? late : m->latest_us;
    m->late_us += late;
}

void load_media_run(struct load_media *m, struct load_peer *trainer, usec_t now,
                    bool *wants_key_frame)
{
    static struct burst burst;
    if (trainer->state != LOAD_CONNECTED)
        return;
    if (now >= m->voice_at) {
        uint8_t toc = 0x78; /* CELT, 20 ms, mono */
        note_late(m, now - m->voice_at);
        m->timestamps[LOAD_LINE_VOICE] += 960;
        add_packet(m, trainer, &burst, LOAD_LINE_VOICE, false, bytes_of(&toc, 1),
                   VOICE_PAYLOAD_BYTES);
        send_burst(m, trainer, &burst);
        m->voice_at = now - m->voice_at > SECONDS(1) ? now : m->voice_at + MILLISECONDS(20);
    }
    if (now >= m->frame_at) {
        bool asked = *wants_key_frame && now - m->key_frame_at > KEY_FRAME_AGAIN_US;
        bool key_frame =
            m->frames == 0 || asked || now - m->key_frame_at > m->config.key_frame_every_us;
        note_late(m, now - m->frame_at);
        add_frame(m, trainer, &burst, key_frame);
        send_burst(m, trainer, &burst);
        if (key_frame) {
            m->key_frame_at = now;
            *wants_key_frame = false;
        }
        usec_t frame_us = SECONDS(1) / m->config.video_fps;
        m->frame_at = now - m->frame_at > SECONDS(1) ? now : m->frame_at + frame_us;
    }
    if (now >= m->report_at) {
        m->report_at = now + SECONDS(1);
        send_reports(m, trainer, now);
    }
}

usec_t load_media_next(const struct load_media *m)
{
    return usec_min(usec_min(m->voice_at, m->frame_at), m->report_at);
}
