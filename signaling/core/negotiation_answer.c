/* The answer, line by line, from what was accepted. */
#include "signaling/core/negotiation.h"

#include <stdarg.h>

struct text {
    char *start;
    size_t used, capacity;
    bool failed;
};

PRINTF_LIKE(2, 3) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(t->start + t->used, t->capacity - t->used, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= t->capacity - t->used)
        t->failed = true;
    else
        t->used += (size_t)size;
}

static enum status finish(const struct text *t, size_t *size)
{
    if (t->failed)
        return STATUS_TRUNCATED;
    *size = t->used;
    return STATUS_OK;
}

static void add_candidates(struct text *t, const struct control_participant_added *added)
{
    for (size_t i = 0; i < added->candidate_count; i++) {
        const struct control_candidate *c = &added->candidates[i];
        char address[NET_ADDR_TEXT_BYTES];
        net_addr_write_ip(&c->addr, address);
        if (c->tcp)
            add(t, "a=candidate:%zu 1 tcp %u %s %u typ host tcptype passive\r\n", i + 1,
                c->priority, address, c->addr.port);
        else
            add(t, "a=candidate:%zu 1 udp %u %s %u typ host\r\n", i + 1, c->priority, address,
                c->addr.port);
    }
    add(t, "a=end-of-candidates\r\n");
}

static void add_transport(struct text *t, const struct negotiation *n,
                          const struct control_participant_added *added)
{
    add(t, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 ", added->local_ice.ufrag,
        added->local_ice.pwd);
    for (size_t i = 0; i < FINGERPRINT_BYTES; i++)
        add(t, "%s%02X", i == 0 ? "" : ":", added->local_fingerprint[i]);
    add(t, "\r\na=setup:%s\r\n", n->add.relay_role == DTLS_ROLE_CLIENT ? "active" : "passive");
}

static void add_codec(struct text *t, const struct codec_parameters *c, const char *fmtp)
{
    add(t, "a=rtpmap:%u %s/%u", c->payload_type, media_codec_name(c->codec), c->clock_rate);
    if (c->channels > 1)
        add(t, "/%u", c->channels);
    add(t, "\r\n");
    if (fmtp[0] != '\0')
        add(t, "a=fmtp:%u %s\r\n", c->payload_type, fmtp);
    if (c->remb)
        add(t, "a=rtcp-fb:%u goog-remb\r\n", c->payload_type);
    if (c->transport_cc)
        add(t, "a=rtcp-fb:%u transport-cc\r\n", c->payload_type);
    if (c->fir)
        add(t, "a=rtcp-fb:%u ccm fir\r\n", c->payload_type);
    if (c->nack)
        add(t, "a=rtcp-fb:%u nack\r\n", c->payload_type);
    if (c->pli)
        add(t, "a=rtcp-fb:%u nack pli\r\n", c->payload_type);
    if (c->rtx_payload_type != 0)
        add(t, "a=rtpmap:%u rtx/%u\r\na=fmtp:%u apt=%u\r\n", c->rtx_payload_type, c->clock_rate,
            c->rtx_payload_type, c->payload_type);
    if (c->red_payload_type != 0)
        add(t, "a=rtpmap:%u red/%u/%u\r\na=fmtp:%u %u/%u\r\n", c->red_payload_type, c->clock_rate,
            c->channels, c->red_payload_type, c->payload_type, c->payload_type);
}

/* Streams group what a browser should keep in sync: the screen with its sound, a camera with the
 * first voice. */
static const char *stream_of(enum room_slot slot)
{
    switch (slot) {
    case ROOM_SLOT_SCREEN:
    case ROOM_SLOT_SCREEN_AUDIO:
        return "amphi-screen";
    case ROOM_SLOT_VOICE_0:
    case ROOM_SLOT_CAMERA_0:
        return "amphi-voice-0";
    case ROOM_SLOT_VOICE_1:
    case ROOM_SLOT_CAMERA_1:
        return "amphi-voice-1";
    case ROOM_SLOT_VOICE_2:
    case ROOM_SLOT_CAMERA_2:
        return "amphi-voice-2";
    default:
        return "amphi-voice";
    }
}

static void add_received(struct text *t, const struct receive_slot_parameters *r)
{
    add(t, "a=sendonly\r\na=msid:%s amphi-%s\r\n", stream_of(r->slot), room_slot_name(r->slot));
    if (r->rtx_ssrc != 0)
        add(t, "a=ssrc-group:FID %u %u\r\n", r->ssrc, r->rtx_ssrc);
    add(t, "a=ssrc:%u cname:amphi\r\n", r->ssrc);
    if (r->rtx_ssrc != 0)
        add(t, "a=ssrc:%u cname:amphi\r\n", r->rtx_ssrc);
}

static void add_sent(struct text *t, const struct send_slot_parameters *s, bool simulcast)
{
    add(t, "a=recvonly\r\n");
    for (size_t i = 0; i < s->rid_count; i++)
        add(t, "a=rid:%s recv\r\n", s->rids[i]);
    if (s->rid_count == 0 || !simulcast)
        return;
    add(t, "a=simulcast:recv ");
    for (size_t i = 0; i < s->rid_count; i++)
        add(t, "%s%s", i == 0 ? "" : ";", s->rids[i]);
    add(t, "\r\n");
}

/* What every line of the bundle says alike, behind its formats. */
static void add_bundled(struct text *t, const struct negotiation *n,
                        const struct control_participant_added *added,
                        const struct negotiation_line *line, bool with_candidates)
{
    add(t, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\n", line->mid);
    add_transport(t, n, added);
    if (with_candidates)
        add_candidates(t, added);
    add(t, "a=rtcp-mux\r\n");
    if (line->rtcp_rsize)
        add(t, "a=rtcp-rsize\r\n");
}

static void add_accepted(struct text *t, const struct negotiation *n,
                         const struct control_participant_added *added,
                         const struct negotiation_line *line, bool with_candidates)
{
    const struct receive_slot_parameters *received = &n->add.receive_slots[line->slot];
    const struct send_slot_parameters *sent = &n->add.send_slots[line->slot];
    const struct codec_parameters *codecs = line->is_received ? received->codecs : sent->codecs;
    size_t count = line->is_received ? received->codec_count : sent->codec_count;
    add(t, "m=%s 9 %s", line->kind, line->protocol);
    for (size_t i = 0; i < count; i++) {
        add(t, " %u", codecs[i].payload_type);
        if (codecs[i].rtx_payload_type != 0)
            add(t, " %u", codecs[i].rtx_payload_type);
        if (codecs[i].red_payload_type != 0)
            add(t, " %u", codecs[i].red_payload_type);
    }
    add_bundled(t, n, added, line, with_candidates);
    for (size_t e = 0; e < HEADER_EXTENSION_COUNT; e++) {
        bool one_way = (line->one_way >> e & 1) != 0; /* RFC 8285 7: answered in kind */
        if ((line->extensions >> e & 1) != 0)
            add(t, "a=extmap:%u%s %s\r\n", n->add.extension_ids[e],
                !one_way            ? ""
                : line->is_received ? "/sendonly"
                                    : "/recvonly",
                header_extension_uri((enum header_extension)e));
    }
    for (size_t i = 0; i < count; i++)
        add_codec(t, &codecs[i], line->fmtp[i]);
    if (line->is_received)
        add_received(t, received);
    else
        add_sent(t, sent, line->simulcast);
}

static void add_held(struct text *t, const struct negotiation *n,
                     const struct control_participant_added *added,
                     const struct negotiation_line *line, bool with_candidates)
{
    add(t, "m=%s 9 %s %u", line->kind, line->protocol, line->fallback_payload_type);
    add_bundled(t, n, added, line, with_candidates);
    if (line->held[0] != '\0')
        add(t, "a=rtpmap:%u %s\r\n", line->fallback_payload_type, line->held);
    add(t, "a=inactive\r\n");
}

static void add_rejected(struct text *t, const struct negotiation_line *line)
{
    bool is_rtp = strcmp(line->kind, "audio") == 0 || strcmp(line->kind, "video") == 0;
    add(t, "m=%s 0 %s ", line->kind, line->protocol);
    if (is_rtp)
        add(t, "%u\r\n", line->fallback_payload_type);
    else
        add(t, "webrtc-datachannel\r\n");
    add(t, "c=IN IP4 0.0.0.0\r\na=inactive\r\n");
    if (line->mid[0] != '\0')
        add(t, "a=mid:%s\r\n", line->mid);
}

static bool is_open(const struct negotiation_line *line)
{
    return line->accepted || line->is_held;
}

/* The tagged line first: it stays the tagged one (RFC 8843 7.3.1). */
static void add_bundle(struct text *t, const struct negotiation *n)
{
    add(t, "a=group:BUNDLE");
    if (is_open(&n->lines[n->tagged]))
        add(t, " %s", n->lines[n->tagged].mid);
    for (size_t i = 0; i < n->line_count; i++) {
        if (i != n->tagged && is_open(&n->lines[i]))
            add(t, " %s", n->lines[i].mid);
    }
    add(t, "\r\n");
}

enum status negotiation_write_answer(const struct negotiation *n,
                                     const struct control_participant_added *added,
                                     struct bytes_mut out, size_t *size)
{
    struct text t = {.start = (char *)out.data, .capacity = out.size};
    add(&t, "v=0\r\no=amphi 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n");
    if (n->has_bundle)
        add_bundle(&t, n);
    add(&t, "%sa=msid-semantic: WMS *\r\n",
        n->extmap_allow_mixed ? "a=extmap-allow-mixed\r\n" : "");
    bool with_candidates = true;
    for (size_t i = 0; i < n->line_count; i++) {
        const struct negotiation_line *line = &n->lines[i];
        if (line->accepted)
            add_accepted(&t, n, added, line, with_candidates);
        else if (line->is_held)
            add_held(&t, n, added, line, with_candidates);
        else
            add_rejected(&t, line);
        with_candidates = with_candidates && !is_open(line);
    }
    return finish(&t, size);
}

enum status negotiation_write_fragment(const struct control_participant_added *added,
                                       struct bytes_mut out, size_t *size)
{
    struct text t = {.start = (char *)out.data, .capacity = out.size};
    add(&t, "a=ice-lite\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", added->local_ice.ufrag,
        added->local_ice.pwd);
    add(&t, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n");
    add_candidates(&t, added);
    return finish(&t, size);
}
