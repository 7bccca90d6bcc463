/* RTP and RTCP of a headless participant. */
#include "client-demo/headless/headless_peer.h"

#include "wire/codec.h"
#include "wire/codec_red.h"
#include "wire/rtp_extension.h"
#include "wire/rtx.h"

#include <opus.h>

#define REPORT_US SECONDS(1)
#define FEEDBACK_US MILLISECONDS(20)
#define TRANSPORT_FEEDBACK_US MILLISECONDS(100) /* as browsers do */
#define KEY_FRAME_AGAIN_US MILLISECONDS(500)
#define NACKS_AT_ONCE 128
#define MADE_UP_HEADER_BYTES 16 /* VP8 descriptor, frame tag, start code and size */

static const struct {
    uint8_t payload_type, rtx_payload_type;
    enum media_codec codec;
} payload_types[] = {
    {HEADLESS_PT_OPUS, 0, MEDIA_CODEC_OPUS},
    {HEADLESS_PT_VP8, HEADLESS_PT_VP8_RTX, MEDIA_CODEC_VP8},
    {HEADLESS_PT_VP9, HEADLESS_PT_VP9_RTX, MEDIA_CODEC_VP9},
    {HEADLESS_PT_H264, HEADLESS_PT_H264_RTX, MEDIA_CODEC_H264},
    {HEADLESS_PT_AV1, HEADLESS_PT_AV1_RTX, MEDIA_CODEC_AV1},
};

void headless_media_start(struct headless_peer *p, usec_t now)
{
    struct nack_generator_config config = nack_generator_config_default();
    CHECK(nack_generator_init(&p->nack, &config) == STATUS_OK);
    p->mic.seq = 0x10000 + rng_below(&p->rng, 0x8000);
    headless_resend_forget_voice(p);
    p->mic.next_at = now;
    p->mic.report_at = now + REPORT_US;
    for (size_t i = 0; i < HEADLESS_ENCODINGS; i++) {
        struct headless_encoding *e = &p->encodings[i];
        e->sender.seq = 0x10000 + rng_below(&p->rng, 0x8000);
        e->rtx_seq = 0x10000 + rng_below(&p->rng, 0x8000);
        e->sender.next_at = now;
        e->sender.report_at = now + REPORT_US;
        e->is_wanted = i == 0; /* as a new transport begins */
        video_source_request_key_frame(&e->source);
    }
    p->feedback_at = now + FEEDBACK_US;
    p->report_at = now + REPORT_US;
    /* A new transport's streams start anew; totals would mix two numberings. */
    for (int line = 0; line < HEADLESS_LINE_COUNT; line++) {
        p->received[line] = (struct receive_stats){0};
        p->sounds[line].stream.unwrapper.started = false;
        p->sounds[line].stream.started = false;
        p->sounds[line].next = 0;
        p->playouts[line].started = false;
    }
    p->arrivals = (struct twcc_arrivals){0};
    p->remb = (struct headless_remb){0};
    video_sink_restart(p->pictures);
}

/* --- Sending */

struct bytes headless_media_seal(struct headless_peer *p, usec_t now, const uint8_t *packet,
                                 size_t size, bool is_rtcp)
{
    struct net_addr to;
    uint8_t *space = ice_client_get_remote(&p->ice, now, &to) &&
                             size + MEDIA_CIPHER_TRAILER_BYTES <= HEADLESS_DATAGRAM_BYTES
                         ? headless_peer_queue_datagram(p, &to)
                         : NULL;
    if (space == NULL)
        return BYTES_NONE;
    memcpy(space, packet, size);
    enum status status = is_rtcp ? media_cipher_protect_rtcp(p->cipher, space, &size)
                                 : media_cipher_protect_rtp(p->cipher, space, &size);
    if (status != STATUS_OK)
        return BYTES_NONE;
    headless_peer_commit_datagram(p, size);
    return bytes_of(space, size);
}

/* mid, audio level where there is one, and when it was sent (abs-capture-time: NTP, 64 bits): what
 * a receiver on the same machine needs for the delay. */
static void write_header(struct headless_peer *p, usec_t now, struct writer *w,
                         struct rtp_header *header, const char *mid, const char *rid,
                         const uint8_t *level)
{
    uint8_t capture[8];
    uint64_t ntp = ntp_of_usec(p->config.ntp_at_zero, now);
    store_u32(capture, (uint32_t)(ntp >> 32));
    store_u32(capture + 4, (uint32_t)ntp);
    struct rtp_extension elements[4];
    size_t count = 0;
    elements[count++] = (struct rtp_extension){HEADLESS_EXT_MID, bytes_of_string(mid)};
    if (p->answer.has_abs_capture_time)
        elements[count++] = (struct rtp_extension){HEADLESS_EXT_ABS_CAPTURE_TIME,
                                                   bytes_of(capture, sizeof capture)};
    if (rid != NULL)
        elements[count++] = (struct rtp_extension){HEADLESS_EXT_RID, bytes_of_string(rid)};
    if (level != NULL)
        elements[count++] = (struct rtp_extension){HEADLESS_EXT_AUDIO_LEVEL, bytes_of(level, 1)};
    uint8_t block[64];
    struct writer b = writer_of((struct bytes_mut){block, sizeof block});
    if (rtp_extension_write(&b, elements, count, &header->extension_profile) == STATUS_OK)
        header->extension = bytes_const(writer_written(&b));
    rtp_write_header(w, header);
}

/* Returns the packet's size before it is sealed; 0: it does not fit. */
static size_t send_packet(struct headless_peer *p, usec_t now, struct headless_sender *s,
                          struct rtp_header *header, const char *mid, const char *rid,
                          const uint8_t *level, struct bytes payload,
                          uint8_t packet[HEADLESS_DATAGRAM_BYTES])
{
    struct writer w = writer_of((struct bytes_mut){packet, HEADLESS_DATAGRAM_BYTES});
    header->ssrc = s->ssrc;
    header->seq = (uint16_t)s->seq;
    header->timestamp = s->timestamp;
    write_header(p, now, &w, header, mid, rid, level);
    write_bytes(&w, payload);
    if (w.failed)
        return 0;
    s->seq++;
    s->packets++;
    s->bytes += payload.size;
    s->sealed = headless_media_seal(p, now, packet, writer_size(&w), false);
    return writer_size(&w);
}

static void send_video_packet(struct headless_peer *p, usec_t now, struct headless_encoding *e,
                              struct rtp_header *header, struct bytes payload)
{
    uint64_t seq = e->sender.seq;
    struct headless_sent *kept = &e->sent[seq % HEADLESS_SENT_KEPT];
    const char *rid = p->encoding_count > 1 ? headless_rids[e - p->encodings] : NULL;
    kept->size =
        (uint16_t)send_packet(p, now, &e->sender, header, "1", rid, NULL, payload, kept->data);
    kept->seq = seq;
}

bool headless_stamp_parse(struct bytes payload, struct headless_stamp *out)
{
    if (payload.size < HEADLESS_STAMP_BYTES)
        return false;
    const uint8_t *end = payload.data + payload.size - HEADLESS_STAMP_BYTES;
    out->who = (uint64_t)load_u32(end) << 32 | load_u32(end + 4);
    out->at = (usec_t)((uint64_t)load_u32(end + 8) << 32 | load_u32(end + 12));
    out->slide_at = (usec_t)((uint64_t)load_u32(end + 16) << 32 | load_u32(end + 20));
    return true;
}

/* `keep` bytes in front are the codec's. */
static void stamp(const struct headless_peer *p, usec_t now, usec_t slide_at, uint8_t *payload,
                  size_t size, size_t keep)
{
    if (p->config.stamp == 0 || size < keep + HEADLESS_STAMP_BYTES)
        return;
    uint8_t *end = payload + size - HEADLESS_STAMP_BYTES;
    store_u32(end, (uint32_t)(p->config.stamp >> 32));
    store_u32(end + 4, (uint32_t)p->config.stamp);
    store_u32(end + 8, (uint32_t)((uint64_t)now >> 32));
    store_u32(end + 12, (uint32_t)now);
    store_u32(end + 16, (uint32_t)((uint64_t)slide_at >> 32));
    store_u32(end + 20, (uint32_t)slide_at);
}

static void send_voice(struct headless_peer *p, usec_t now)
{
    uint8_t payload[AUDIO_SOURCE_PACKET_BYTES], packet[HEADLESS_DATAGRAM_BYTES];
    size_t size = 0;
    uint8_t level = 127;
    if (audio_source_next(&p->voice, (struct bytes_mut){payload, sizeof payload}, &size, &level) !=
        STATUS_OK)
        return;
    if (p->voice.encoder == NULL)
        stamp(p, now, 0, payload, size, 1);
    struct rtp_header header = {.payload_type = HEADLESS_PT_OPUS};
    uint8_t byte = rtp_extension_audio_level_byte(
        (struct rtp_audio_level){.level = level, .voice = level < 50});
    uint64_t seq = p->mic.seq;
    (void)send_packet(p, now, &p->mic, &header, "0", NULL, &byte, bytes_of(payload, size), packet);
    headless_resend_keep_voice(p, seq, p->mic.sealed);
    p->mic.timestamp += AUDIO_SOURCE_FRAME_SAMPLES;
}

static void begin_frame(struct headless_peer *p, usec_t now, struct headless_encoding *e)
{
    uint32_t slide = e->source.slide;
    if (e != &p->encodings[0]) /* the same screen */
        video_source_show_slide(&e->source, p->encodings[0].source.slide);
    video_source_begin_frame(&e->source);
    if (e != &p->encodings[0])
        e->slide_at = p->encodings[0].slide_at;
    else if (e->source.slide != slide)
        e->slide_at = now;
    if (e->source.is_sharp)
        e->sharp_slide_at = e->slide_at;
    e->sender.timestamp = e->source.timestamp;
}

/* What is left of the frame: at once, or a packet at a time. */
static void send_packets(struct headless_peer *p, usec_t now, struct headless_encoding *e)
{
    uint8_t payload[VIDEO_SOURCE_PAYLOAD_BYTES];
    size_t size = 0;
    bool last = false;
    uint8_t type =
        video_source_get_codec(&e->source) == MEDIA_CODEC_VP9 ? HEADLESS_PT_VP9 : HEADLESS_PT_VP8;
    while (
        now >= e->packet_at &&
        video_source_next(&e->source, (struct bytes_mut){payload, sizeof payload}, &size, &last)) {
        struct rtp_header header = {.payload_type = type, .marker = last};
        if (e->source.ivf == NULL)
            stamp(p, now, e->sharp_slide_at, payload, size, MADE_UP_HEADER_BYTES);
        send_video_packet(p, now, e, &header, bytes_of(payload, size));
        if (p->config.pace_bps > 0)
            e->packet_at = now + (usec_t)(size * 8000000 / p->config.pace_bps);
    }
}

static void send_rtcp(struct headless_peer *p, usec_t now, const struct writer *w)
{
    if (!w->failed && writer_size(w) > 0)
        (void)headless_media_seal(p, now, w->start, writer_size(w), true);
}

static void send_report(struct headless_peer *p, usec_t now, struct headless_sender *s)
{
    uint8_t data[600];
    struct writer w = writer_of((struct bytes_mut){data, sizeof data});
    struct rtcp_report report = {.ssrc = s->ssrc, .has_sender_info = true};
    report.sender = (struct rtcp_sender_info){.ntp = ntp_of_usec(p->config.ntp_at_zero, now),
                                              .rtp_timestamp = s->timestamp,
                                              .packet_count = (uint32_t)s->packets,
                                              .octet_count = (uint32_t)s->bytes};
    rtcp_write_report(&w, &report);
    rtcp_write_sdes(&w, s->ssrc, bytes_of_string("headless"));
    s->report_at = now + REPORT_US;
    send_rtcp(p, now, &w);
}

static struct headless_encoding *find_encoding(struct headless_peer *p, uint32_t ssrc)
{
    for (size_t i = 0; i < p->encoding_count; i++) {
        if (p->encodings[i].sender.ssrc == ssrc)
            return &p->encodings[i];
    }
    return NULL;
}

static void note_key_frame_request(struct headless_peer *p, usec_t now, uint32_t ssrc)
{
    struct headless_encoding *e = find_encoding(p, ssrc);
    uint64_t within = 0;
    p->key_frame_requests_at[p->key_frames_requested++ % HEADLESS_REQUESTS_KEPT] = now;
    for (size_t i = 0; i < HEADLESS_REQUESTS_KEPT; i++)
        within +=
            p->key_frame_requests_at[i] != 0 && now - p->key_frame_requests_at[i] < SECONDS(2);
    if (within > p->key_frames_requested_within_2_s)
        p->key_frames_requested_within_2_s = within;
    if (e != NULL)
        headless_media_request_key_frame(p, e);
}

void headless_media_request_key_frame(struct headless_peer *p, struct headless_encoding *e)
{
    for (size_t i = 0; p->config.keys_together && i < p->encoding_count; i++)
        video_source_request_key_frame(&p->encodings[i].source);
    video_source_request_key_frame(&e->source);
}

static void handle_feedback(struct headless_peer *p, usec_t now, const struct rtcp_packet *packet)
{
    struct rtcp_nack nack;
    struct rtcp_pli pli;
    struct rtcp_fir fir;
    switch (rtcp_feedback_of(packet)) {
    case RTCP_FEEDBACK_PLI:
        if (rtcp_parse_pli(packet, &pli) == STATUS_OK)
            note_key_frame_request(p, now, pli.media_ssrc);
        break;
    case RTCP_FEEDBACK_FIR:
        if (rtcp_parse_fir(packet, &fir) == STATUS_OK && fir.item_count > 0)
            note_key_frame_request(p, now, fir.items[0].ssrc);
        break;
    case RTCP_FEEDBACK_NACK:
        if (rtcp_parse_nack(packet, &nack) != STATUS_OK)
            break;
        if (nack.media_ssrc == p->mic.ssrc)
            headless_resend_voice(p, now, &nack);
        else if (find_encoding(p, nack.media_ssrc) != NULL)
            headless_resend_video(p, now, find_encoding(p, nack.media_ssrc), &nack);
        break;
    default:
        break;
    }
}

void headless_media_handle_rtcp(struct headless_peer *p, usec_t now, struct bytes compound)
{
    struct rtcp_iterator it = rtcp_iterate(compound);
    struct rtcp_packet packet;
    while (rtcp_next(&it, &packet) == STATUS_OK) {
        struct rtcp_report report;
        handle_feedback(p, now, &packet);
        if (packet.type == RTCP_TYPE_SR && rtcp_parse_report(&packet, &report) == STATUS_OK)
            for (int line = 0; line < HEADLESS_LINE_COUNT; line++) {
                if (p->answer.lines[line].ssrc == report.ssrc)
                    receive_stats_handle_sender_report(&p->received[line], now, report.sender.ntp);
            }
    }
}

/* --- Receiving */

static void note_delay(struct headless_peer *p, usec_t now, const struct rtp_header *header,
                       struct stream_sink *stream)
{
    struct bytes data;
    if (!rtp_extension_find(header, HEADLESS_EXT_ABS_CAPTURE_TIME, &data) || data.size < 8)
        return;
    uint64_t sent = (uint64_t)load_u32(data.data) << 32 | load_u32(data.data + 4);
    int64_t passed = (int64_t)(ntp_of_usec(p->config.ntp_at_zero, now) - sent);
    if (passed > -((int64_t)1 << 32) && passed < (int64_t)60 << 32)
        delay_histogram_add(&stream->delays, (usec_t)((passed * 1000000) >> 32));
}

static int line_of(const struct headless_peer *p, uint32_t ssrc, bool *is_rtx)
{
    for (int line = 0; line < HEADLESS_LINE_COUNT; line++) {
        if (headless_line_is_sent((enum headless_line)line) || ssrc == 0)
            continue;
        *is_rtx = p->answer.lines[line].rtx_ssrc == ssrc;
        if (*is_rtx || p->answer.lines[line].ssrc == ssrc)
            return line;
    }
    return -1;
}

static void tell(const struct headless_peer *p, usec_t now, int line,
                 const struct rtp_header *header, struct bytes payload, bool is_repeated)
{
    struct headless_packet packet = {(enum headless_line)line, header, payload, is_repeated};
    if (p->config.on_packet != NULL)
        p->config.on_packet(p->config.on_packet_context, now, &packet);
}

/* How many 20 ms an Opus packet has, which may be several frames. */
static unsigned voice_units(struct bytes payload)
{
    int samples = payload.size > 0
                      ? opus_packet_get_nb_samples(payload.data, (opus_int32)payload.size, 48000)
                      : 0;
    return samples > AUDIO_SOURCE_FRAME_SAMPLES ? (unsigned)samples / AUDIO_SOURCE_FRAME_SAMPLES
                                                : 1;
}

/* Voice as it comes, or with what was said before it (RFC 2198). */
static void take_voice(struct headless_peer *p, usec_t now, int line, struct rtp_header *header)
{
    struct voice_playout *playout = &p->playouts[line];
    struct codec_red red;
    if (header->payload_type == HEADLESS_PT_RED) {
        if (codec_red_parse(header->payload, &red) != STATUS_OK || red.block_count == 0)
            return;
        for (size_t i = 0; i + 1 < red.block_count; i++) {
            uint16_t back = (uint16_t)(red.blocks[i].timestamp_offset / AUDIO_SOURCE_FRAME_SAMPLES);
            voice_playout_add(playout, now, (uint16_t)(header->seq - back),
                              header->timestamp - red.blocks[i].timestamp_offset, 1, true);
            tell(p, now, line, header, red.blocks[i].data, true);
        }
        header->payload = red.blocks[red.block_count - 1].data;
    }
    voice_playout_add(playout, now, header->seq, header->timestamp, voice_units(header->payload),
                      false);
    tell(p, now, line, header, header->payload, false);
    audio_sink_add(&p->sounds[line], now, header->seq, header->payload);
}

static void take_video(struct headless_peer *p, usec_t now, const struct rtp_header *header)
{
    enum media_codec codec = MEDIA_CODEC_NONE;
    for (size_t i = 0; i < COUNT_OF(payload_types); i++) {
        if (payload_types[i].payload_type == header->payload_type)
            codec = payload_types[i].codec;
    }
    if (codec == MEDIA_CODEC_NONE)
        return;
    uint64_t seq = seq_unwrapper_get(&p->pictures->stream.unwrapper, header->seq);
    if (nack_generator_handle_packet(&p->nack, now, seq) != STATUS_OK)
        p->pictures->wants_key_frame = true;
    p->picture_packet_at = now;
    video_sink_add(p->pictures, now, header->seq, header->marker, codec, header->payload);
}

void headless_media_handle_rtp(struct headless_peer *p, usec_t now, struct bytes_mut packet)
{
    struct rtp_header header;
    bool is_rtx = false;
    if (rtp_parse_header(bytes_const(packet), &header) != STATUS_OK)
        return;
    struct bytes data;
    uint16_t transport_seq;
    if (rtp_extension_find(&header, HEADLESS_EXT_TRANSPORT_CC, &data) &&
        rtp_extension_parse_transport_seq(data, &transport_seq))
        twcc_arrivals_handle_packet(&p->arrivals, now, transport_seq);
    int line = line_of(p, header.ssrc, &is_rtx);
    if (line < 0)
        return;
    headless_remb_handle_packet(&p->remb, now, packet.size);
    for (size_t i = 0; is_rtx && i < COUNT_OF(payload_types); i++) {
        struct bytes_mut original;
        if (payload_types[i].rtx_payload_type != header.payload_type)
            continue;
        if (rtx_unwrap_packet(packet, payload_types[i].payload_type, p->answer.lines[line].ssrc,
                              &original) != STATUS_OK ||
            rtp_parse_header(bytes_const(original), &header) != STATUS_OK)
            return;
        break;
    }
    bool is_video = headless_line_kind((enum headless_line)line) == MEDIA_KIND_VIDEO;
    struct stream_sink *stream = is_video ? &p->pictures->stream : &p->sounds[line].stream;
    /* Not what the relay had kept for a late joiner. */
    if (!is_rtx && now - p->connected_at > SECONDS(2))
        note_delay(p, now, &header, stream);
    if (is_video) {
        tell(p, now, line, &header, header.payload, is_rtx);
        take_video(p, now, &header);
    } else {
        headless_remb_handle_voice(&p->remb, now, header.timestamp);
        take_voice(p, now, line, &header);
    }
    receive_stats_handle_packet(&p->received[line], now,
                                seq_unwrapper_get(&stream->unwrapper, header.seq), header.timestamp,
                                is_video ? 90000 : 48000, packet.size);
}

/* Packets come, and no picture is whole. */
static bool is_impatient(const struct headless_peer *p, usec_t now)
{
    usec_t since = usec_max(p->pictures->last_frame_at, p->key_frame_asked_at);
    return p->config.impatient_us > 0 && p->pictures->last_frame_at != 0 &&
           now - since >= p->config.impatient_us && now - p->picture_packet_at < SECONDS(1);
}

static bool wants_key_frame(const struct headless_peer *p, usec_t now)
{
    if (p->config.pli_us > 0)
        return p->received[HEADLESS_LINE_SCREEN_IN].started &&
               now - p->key_frame_asked_at >= p->config.pli_us;
    return (video_sink_wants_key_frame(p->pictures) || is_impatient(p, now)) &&
           now - p->key_frame_asked_at >= KEY_FRAME_AGAIN_US;
}

/* Of packets and of key frames. */
static void send_wishes(struct headless_peer *p, usec_t now)
{
    uint64_t due[NACKS_AT_ONCE];
    uint16_t seqs[NACKS_AT_ONCE];
    uint8_t data[1000];
    size_t given_up;
    uint32_t ssrc = p->answer.lines[HEADLESS_LINE_SCREEN_IN].ssrc;
    size_t count =
        nack_generator_take_due(&p->nack, now, p->ice.rtt_us, due, NACKS_AT_ONCE, &given_up);
    if (given_up > 0 || (count > 0 && p->config.lacks_nack))
        p->pictures->wants_key_frame = true;
    if (p->config.lacks_nack)
        nack_generator_forget_before(&p->nack, p->nack.highest + 1);
    for (size_t i = 0; i < count; i++)
        seqs[i] = (uint16_t)due[i];
    struct writer w = writer_of((struct bytes_mut){data, sizeof data});
    if (count > 0 && !p->config.lacks_nack &&
        rtcp_write_nack(&w, p->our_ssrc, ssrc, seqs, count) > 0)
        send_rtcp(p, now, &w);
    if (!wants_key_frame(p, now))
        return;
    p->key_frame_asked_at = now;
    p->key_frames_wanted++;
    w = writer_of((struct bytes_mut){data, sizeof data});
    rtcp_write_pli(&w, p->our_ssrc, ssrc);
    send_rtcp(p, now, &w);
}

static void send_transport_feedback(struct headless_peer *p, usec_t now)
{
    uint8_t data[RTCP_TWCC_WRITE_BYTES + 100];
    uint32_t media_ssrc = p->answer.lines[HEADLESS_LINE_SCREEN_IN].ssrc;
    struct writer w = writer_of((struct bytes_mut){data, sizeof data});
    p->transport_feedback_at =
        now + (p->config.feedback_us > 0 ? p->config.feedback_us : TRANSPORT_FEEDBACK_US);
    while (twcc_arrivals_write_due(&p->arrivals, now, &w, p->our_ssrc, media_ssrc)) {
        send_rtcp(p, now, &w);
        w = writer_of((struct bytes_mut){data, sizeof data});
    }
}

static usec_t transport_feedback_due(const struct headless_peer *p)
{
    usec_t due = twcc_arrivals_next_timeout(&p->arrivals);
    return due == USEC_NEVER ? due : usec_max(due, p->transport_feedback_at);
}

static void send_receiver_report(struct headless_peer *p, usec_t now)
{
    uint8_t data[600];
    struct writer w = writer_of((struct bytes_mut){data, sizeof data});
    struct rtcp_report report = {.ssrc = p->our_ssrc};
    for (int line = 0; line < HEADLESS_LINE_COUNT; line++) {
        if (p->received[line].started)
            receive_stats_take_block(&p->received[line], now, p->answer.lines[line].ssrc,
                                     &report.blocks[report.block_count++]);
    }
    if (report.block_count == 0)
        return;
    rtcp_write_report(&w, &report);
    rtcp_write_sdes(&w, p->our_ssrc, bytes_of_string("headless"));
    struct rtcp_remb remb = {.sender_ssrc = p->our_ssrc, .ssrc_count = 1};
    remb.ssrcs[0] = p->answer.lines[HEADLESS_LINE_SCREEN_IN].ssrc;
    if (p->config.remb != HEADLESS_REMB_NONE &&
        headless_remb_take_rate(&p->remb, now, p->config.remb, &remb.rate_bps))
        rtcp_write_remb(&w, &remb);
    send_rtcp(p, now, &w);
}

static bool sends_voice(const struct headless_peer *p)
{
    return p->has_voice && (p->may_speak || p->config.ignores_floor) &&
           p->answer.lines[HEADLESS_LINE_MIC].accepted;
}

static bool sends_screen(const struct headless_peer *p)
{
    return p->has_screen && (p->may_speak || p->config.ignores_floor) &&
           p->answer.lines[HEADLESS_LINE_SCREEN].accepted;
}

static void send_screen(struct headless_peer *p, usec_t now, struct headless_encoding *e)
{
    if (!e->is_wanted)
        return;
    if (now - e->sender.next_at > SECONDS(1) / 2)
        e->sender.next_at = now;
    send_packets(p, now, e);
    for (; e->sender.next_at <= now && !e->source.in_frame;
         e->sender.next_at += e->source.frame_us) {
        begin_frame(p, now, e);
        send_packets(p, now, e);
    }
    if (now >= e->sender.report_at)
        send_report(p, now, &e->sender);
}

static void send_media(struct headless_peer *p, usec_t now)
{
    bool voice = sends_voice(p);
    /* Behind by more than half a second (the machine slept): go on from now instead of catching up.
     */
    if (now - p->mic.next_at > SECONDS(1) / 2)
        p->mic.next_at = now;
    for (; voice && p->mic.next_at <= now; p->mic.next_at += AUDIO_SOURCE_FRAME_US)
        send_voice(p, now);
    for (size_t i = 0; sends_screen(p) && i < p->encoding_count; i++)
        send_screen(p, now, &p->encodings[i]);
    if (voice && now >= p->mic.report_at)
        send_report(p, now, &p->mic);
}

void headless_media_handle_timeout(struct headless_peer *p, usec_t now)
{
    send_media(p, now);
    if (now >= transport_feedback_due(p))
        send_transport_feedback(p, now);
    if (now >= p->feedback_at) {
        p->feedback_at = now + FEEDBACK_US;
        send_wishes(p, now);
        if (now >= p->report_at) {
            p->report_at = now + REPORT_US;
            send_receiver_report(p, now);
        }
    }
}

usec_t headless_media_next_timeout(const struct headless_peer *p)
{
    usec_t next = usec_max(p->report_at, p->feedback_at);
    next = usec_min(next, transport_feedback_due(p));
    if (p->nack.count > 0 || video_sink_wants_key_frame(p->pictures) || p->config.pli_us > 0)
        next = usec_min(next, p->feedback_at);
    if (sends_voice(p))
        next = usec_min(next, p->mic.next_at);
    for (size_t i = 0; sends_screen(p) && i < p->encoding_count; i++) {
        const struct headless_encoding *e = &p->encodings[i];
        if (e->is_wanted)
            next = usec_min(next, e->source.in_frame ? e->packet_at : e->sender.next_at);
    }
    return next;
}
