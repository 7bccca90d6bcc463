/* What publishers send: which publication a packet belongs to, whether its slot is open, whether it
 * is new. */
#include "relay/core/shard_private.h"

#include "wire/rtp_extension.h"
#include "wire/rtx.h"

#define RATE_BURST_BITS (PARTICIPANT_BPS_MAX / 2)

/* A packet on its way in. */
struct arrival {
    struct bytes_mut packet;
    struct rtp_header header;
    const struct send_slot_parameters *slot;
    struct publication *publication;
    struct publication_encoding *encoding;
    struct publication_stream *stream; /* the encoding's */
    const struct codec_parameters *codec;
    bool is_rtx;
    bool epoch_begins;
};

static bool admit_rate(struct participant *p, usec_t now, size_t bytes)
{
    int64_t earned = (now - p->rate_at) * (PARTICIPANT_BPS_MAX / 1000) / 1000;
    int64_t credit = p->rate_credit_bits + earned;
    p->rate_at = now;
    p->rate_credit_bits = credit > RATE_BURST_BITS ? RATE_BURST_BITS : credit;
    if (p->rate_credit_bits < (int64_t)bytes * 8)
        return false;
    p->rate_credit_bits -= (int64_t)bytes * 8;
    return true;
}

static bool find_codec(const struct send_slot_parameters *slot, uint8_t payload_type,
                       const struct codec_parameters **codec, bool *is_rtx)
{
    for (size_t i = 0; i < slot->codec_count; i++) {
        bool rtx = slot->codecs[i].rtx_payload_type != 0 &&
                   slot->codecs[i].rtx_payload_type == payload_type;
        if (slot->codecs[i].payload_type != payload_type && !rtx)
            continue;
        *codec = &slot->codecs[i];
        *is_rtx = rtx;
        return true;
    }
    return false;
}

/* By an SSRC that is already bound. */
static bool find_by_ssrc(struct participant *p, struct arrival *a)
{
    for (size_t i = 0; i < p->send_slot_count; i++) {
        struct publication *publication = p->publications[p->send_slots[i].slot];
        for (size_t e = 0; publication != NULL && e < CONTROL_ENCODINGS_MAX; e++) {
            struct publication_encoding *encoding = &publication->encodings[e];
            if (encoding->ssrc != a->header.ssrc && encoding->rtx_ssrc != a->header.ssrc)
                continue;
            a->slot = &p->send_slots[i];
            a->publication = publication;
            a->encoding = encoding;
            return true;
        }
    }
    return false;
}

/* As the offer says it. */
static bool bind_declared(struct participant *p, struct arrival *a)
{
    for (size_t i = 0; i < p->send_slot_count; i++) {
        const struct send_slot_parameters *slot = &p->send_slots[i];
        struct publication *publication = p->publications[slot->slot];
        size_t count = publication != NULL && slot->rid_count == 0 ? slot->encoding_count : 0;
        for (size_t e = 0; e < count; e++) {
            if (slot->encodings[e].ssrc != a->header.ssrc)
                continue;
            a->slot = slot;
            a->publication = publication;
            a->encoding = &publication->encodings[publication->order.places[e]];
            publication_restart_encoding(a->encoding, a->header.ssrc, slot->encodings[e].rtx_ssrc);
            return true;
        }
    }
    return false;
}

static const struct send_slot_parameters *find_by_mid(const struct participant *p,
                                                      const struct rtp_header *header)
{
    struct bytes mid;
    if (!rtp_extension_find(header, p->extension_ids[HEADER_EXTENSION_MID], &mid))
        return NULL;
    for (size_t i = 0; i < p->send_slot_count; i++) {
        if (bytes_equal_string(mid, p->send_slots[i].mid))
            return &p->send_slots[i];
    }
    return NULL;
}

/* A client without mid extension: the one slot that has this payload type. */
static const struct send_slot_parameters *find_by_payload_type(const struct participant *p,
                                                               uint8_t payload_type)
{
    const struct send_slot_parameters *found = NULL;
    for (size_t i = 0; i < p->send_slot_count; i++) {
        const struct codec_parameters *codec;
        bool is_rtx;
        if (!find_codec(&p->send_slots[i], payload_type, &codec, &is_rtx))
            continue;
        if (found != NULL)
            return NULL;
        found = &p->send_slots[i];
    }
    return found;
}

/* Which encoding of the slot: by rid where there are several, otherwise the first. */
static size_t find_encoding(const struct participant *p, const struct arrival *a)
{
    const struct send_slot_parameters *slot = a->slot;
    const uint8_t *places = a->publication->order.places;
    struct bytes rid;
    enum header_extension name = a->is_rtx ? HEADER_EXTENSION_REPAIRED_RID : HEADER_EXTENSION_RID;
    if (slot->rid_count == 0)
        return 0;
    if (!rtp_extension_find(&a->header, p->extension_ids[name], &rid))
        return CONTROL_ENCODINGS_MAX;
    for (size_t i = 0; i < slot->rid_count; i++) {
        if (bytes_equal_string(rid, slot->rids[i]))
            return places[i];
    }
    return CONTROL_ENCODINGS_MAX; /* not negotiated */
}

/* Binds an SSRC on its first packet (RFC 8843 9.2). A stream that has changed its SSRC binds again.
 */
static bool bind_ssrc(struct participant *p, struct arrival *a)
{
    a->slot = find_by_mid(p, &a->header);
    if (a->slot == NULL)
        a->slot = find_by_payload_type(p, a->header.payload_type);
    a->publication = a->slot != NULL ? p->publications[a->slot->slot] : NULL;
    if (a->publication == NULL ||
        !find_codec(a->slot, a->header.payload_type, &a->codec, &a->is_rtx))
        return false;
    size_t index = find_encoding(p, a);
    if (index >= CONTROL_ENCODINGS_MAX)
        return false;
    a->encoding = &a->publication->encodings[index];
    if (a->is_rtx) {
        a->encoding->rtx_ssrc = a->header.ssrc;
        return true;
    }
    uint32_t rtx_ssrc = a->encoding->rtx_ssrc;
    bool replaced = a->encoding->ssrc != 0; /* numbers start afresh */
    publication_restart_encoding(a->encoding, a->header.ssrc, replaced ? 0 : rtx_ssrc);
    encoding_order_forget(&a->publication->order, (uint32_t)index);
    return true;
}

static enum drop_reason identify(struct participant *p, struct arrival *a)
{
    if (rtp_parse_header(bytes_const(a->packet), &a->header) != STATUS_OK)
        return DROP_BAD_RTP;
    if (a->header.ssrc == 0) /* stands for "not known yet" in our tables */
        return DROP_UNKNOWN_SSRC;
    if (!find_by_ssrc(p, a) && !bind_declared(p, a) && !bind_ssrc(p, a))
        return DROP_UNKNOWN_SSRC;
    if (!find_codec(a->slot, a->header.payload_type, &a->codec, &a->is_rtx))
        return DROP_UNKNOWN_PAYLOAD_TYPE;
    return DROP_REASON_COUNT;
}

/* RTX becomes the packet that it repeats; padding-only probes end here. */
static enum drop_reason unwrap_rtx(struct arrival *a)
{
    if (a->encoding->ssrc == 0)
        return DROP_UNKNOWN_SSRC;
    struct bytes_mut original;
    if (rtx_unwrap_packet(a->packet, a->codec->payload_type, a->encoding->ssrc, &original) !=
        STATUS_OK)
        return DROP_BAD_PAYLOAD;
    a->packet = original;
    return rtp_parse_header(bytes_const(original), &a->header) == STATUS_OK ? DROP_REASON_COUNT
                                                                            : DROP_BAD_RTP;
}

/* Memory for it is taken at the first packet that is numbered. */
static void note_transport_seq(struct participant *p, usec_t now, const struct rtp_header *header)
{
    struct bytes data;
    uint16_t seq;
    if (!p->gets_feedback ||
        !rtp_extension_find(header, p->extension_ids[HEADER_EXTENSION_TRANSPORT_CC], &data) ||
        !rtp_extension_parse_transport_seq(data, &seq))
        return;
    if (p->arrivals == NULL)
        p->arrivals = calloc(1, sizeof *p->arrivals);
    if (p->arrivals != NULL)
        twcc_arrivals_handle_packet(p->arrivals, now, seq);
}

static void tell_publication(struct shard_core *c, const struct publication *p, bool active)
{
    struct shard_message *m = shard_reserve(c, c->config.shard_count, SHARD_PUBLICATION);
    if (m == NULL)
        return;
    m->publication.ref = p->ref;
    m->publication.active = active;
    m->publication.codec = p->streams[p->main].codec;
    shard_commit(c, c->config.shard_count);
}

/* Levels of the last 60 ms as one message: the loudest of them, which is what a listener would
 * notice. */
static void note_level(struct shard_core *c, usec_t now, const struct participant *p,
                       struct publication *publication, const struct rtp_header *header)
{
    struct bytes data;
    struct rtp_audio_level level;
    if (publication->ref.source != SEND_SLOT_MIC ||
        !rtp_extension_find(header, p->extension_ids[HEADER_EXTENSION_AUDIO_LEVEL], &data) ||
        !rtp_extension_parse_audio_level(data, &level))
        return;
    if (publication->level_count == 0 || level.level < publication->level_sum)
        publication->level_sum = level.level;
    publication->level_count++;
    if (now < publication->level_at)
        return;
    struct shard_message *m = shard_reserve(c, c->config.shard_count, SHARD_LEVEL);
    publication->level_at = now + PUBLICATION_LEVEL_US;
    if (m != NULL) {
        m->level.participant = p->id;
        m->level.level = (uint8_t)publication->level_sum;
        shard_commit(c, c->config.shard_count);
    }
    publication->level_count = 0;
}

static uint32_t bit_of(const struct arrival *a)
{
    return (uint32_t)1 << (uint32_t)(a->encoding - a->publication->encodings);
}

static void begin_epoch_if_needed(struct shard_core *c, struct arrival *a)
{
    struct publication_stream *s = a->stream;
    if (a->encoding->has_payload_type && a->encoding->payload_type == a->codec->payload_type)
        return;
    a->epoch_begins = true;
    a->encoding->has_payload_type = true;
    a->encoding->payload_type = a->codec->payload_type;
    if (s->serial == 0) /* it is sent, told or not */
        a->publication->demand_told |= bit_of(a);
    publication_begin_epoch(s, s->epoch + 1, ++c->next_serial, a->codec->codec, a->codec->profile);
}

/* Of several encodings the best that sends is the main one. A publisher whose line has become
 * narrow stops the better ones: a worse one takes over when it has come alone for a while, and not
 * at once, since after a pause (a still screen) the worse one's packets may come first. */
static bool takes_main(const struct arrival *a, usec_t now)
{
    struct publication_encoding *all = a->publication->encodings;
    size_t own = (size_t)(a->encoding - all);
    bool better_sent = false;
    for (size_t i = 0; i < own; i++)
        better_sent = better_sent || (all[i].ssrc != 0 && all[i].received.started);
    for (size_t i = own + 1; i < CONTROL_ENCODINGS_MAX; i++)
        all[i].alone_since = 0;
    if (a->encoding->alone_since == 0)
        a->encoding->alone_since = now;
    return !better_sent || now - a->encoding->alone_since >= PUBLICATION_ALONE_US;
}

static void choose_main(const struct arrival *a, usec_t now)
{
    struct publication *p = a->publication;
    uint32_t encoding = (uint32_t)(a->encoding - p->encodings);
    if (!takes_main(a, now) || (p->main == encoding && !a->epoch_begins))
        return;
    p->main = encoding;
    a->stream->wants_key_frame = media_codec_kind(a->stream->codec) == MEDIA_KIND_VIDEO;
}

/* Where the picture stands in its layers. A key frame's descriptor says what those of the next
 * pictures mean. */
static struct layer_mark find_layers(const struct participant *p, const struct arrival *a,
                                     const struct codec_mark *mark)
{
    struct bytes descriptor = BYTES_NONE;
    struct dependency_structure fresh;
    (void)rtp_extension_find(&a->header, p->extension_ids[HEADER_EXTENSION_DEPENDENCY_DESCRIPTOR],
                             &descriptor);
    if (descriptor.size > 0 && dependency_structure_parse(descriptor, &fresh) == STATUS_OK)
        publication_set_structure(a->stream, &fresh);
    return layer_mark_of(a->codec->codec, mark, descriptor, a->stream->structure);
}

/* What forwarding must know of the payload; false (counted) when it cannot be read. */
static bool read_payload(struct shard_core *c, const struct participant *p, const struct arrival *a,
                         struct media_packet *packet)
{
    struct codec_mark mark;
    if (media_codec_kind(a->codec->codec) == MEDIA_KIND_AUDIO) {
        packet->key_frame = a->header.payload.size > 0;
        return true;
    }
    /* Padding alone is passed on as an empty packet: its number must not look like a loss. */
    if (a->header.payload.size == 0)
        return true;
    if (codec_parse_payload(a->codec->codec, a->header.payload, &mark) != STATUS_OK) {
        shard_drop(c, DROP_BAD_PAYLOAD);
        return false;
    }
    packet->layers = find_layers(p, a, &mark);
    if (!mark.key_frame)
        return true;
    a->stream->wants_key_frame = false;
    packet->key_frame = publication_begins_key_frame(a->stream, packet->seq, a->header.timestamp,
                                                     mark.lacks_parameters);
    packet->layers.key_frame = packet->key_frame;
    return true;
}

/* What was lost before a key frame is not wanted any more; what was lost of it is, and of H264 that
 * may be what lies before the first packet that says what it is. */
static void forget_before_key_frame(const struct arrival *a, const struct media_packet *packet)
{
    if (!packet->key_frame || a->encoding->nack == NULL ||
        media_codec_kind(packet->codec) != MEDIA_KIND_VIDEO)
        return;
    bool may_begin_before = packet->codec == MEDIA_CODEC_H264 && a->stream->has_cache;
    nack_generator_forget_before(a->encoding->nack,
                                 may_begin_before
                                     ? retransmit_cache_find_picture(&a->stream->cache, packet->seq)
                                     : packet->seq);
}

/* Takes the packet into its encoding's account: false (counted) when it has come before. */
static bool account(struct shard_core *c, usec_t now, struct arrival *a, uint64_t *seq)
{
    struct publication_encoding *e = a->encoding;
    *seq = seq_unwrapper_note(&e->unwrapper, a->header.seq);
    if (!seq_window_note(&e->seen, *seq)) {
        shard_drop(c, DROP_DUPLICATE);
        return false;
    }
    receive_stats_handle_packet(&e->received, now, *seq, a->header.timestamp, a->codec->clock_rate,
                                a->packet.size);
    if (a->codec->nack && publication_prepare_nack(e) == STATUS_OK &&
        nack_generator_handle_packet(e->nack, now, *seq) != STATUS_OK)
        a->stream->wants_key_frame = a->stream->clock_rate == 90000;
    return true;
}

static void note_active(struct shard_core *c, usec_t now, const struct participant *p,
                        struct publication *publication)
{
    memcpy(publication->extension_ids, p->extension_ids, sizeof publication->extension_ids);
    publication->active_at = now;
    if (publication->active)
        return;
    publication->active = true;
    publication->awaited_since = now;
    tell_publication(c, publication, true);
}

/* A screen is to be there for who comes late without anything being asked for then. Of a camera,
 * which moves all the time, key frames would be too many; and where somebody's line is narrow each
 * would cost that one seconds. */
static bool has_long_tail(struct publication *p, usec_t now)
{
    const struct publication_stream *s = publication_main(p);
    bool is_read_apart = (p->wanted_here | p->wanted_elsewhere) != 0;
    return p->ref.source == SEND_SLOT_SCREEN && p->slots != 0 && !is_read_apart &&
           (s->key_frame_asked_at == 0 ||
            now - s->key_frame_asked_at >= STREAM_TAIL_KEY_FRAME_US) &&
           stream_tail_is_long(&s->tail, now);
}

/* Some programs list the smallest first. Whoever was given a worse encoding gets the best from its
 * cached key frame on. True when something has changed. */
static bool put_in_order(struct shard_core *c, usec_t now, const struct arrival *a,
                         struct tx_batch *tx)
{
    struct publication *p = a->publication;
    uint32_t place = (uint32_t)(a->encoding - p->encodings), better;
    if (p->params == NULL || !p->params->is_unordered ||
        (p->encodings_known & (p->encodings_known - 1)) == 0 ||
        media_codec_kind(a->codec->codec) != MEDIA_KIND_VIDEO ||
        !encoding_order_note(&p->order, now, place, a->codec->codec, a->header.payload, &better))
        return false;
    publication_swap_encodings(p, better);
    forwarder_share_main(c, now, p);
    shard_start_publication(c, now, p, tx);
    return true;
}

static void deliver(struct shard_core *c, usec_t now, struct participant *p, struct arrival *a,
                    struct tx_batch *tx)
{
    struct publication *publication = a->publication;
    uint32_t encoding = (uint32_t)(a->encoding - publication->encodings);
    uint64_t seq;
    a->stream = &publication->streams[encoding];
    if (publication_is_past(a->encoding, now, a->header.seq)) {
        shard_drop(c, DROP_CLOSED_SLOT);
        return;
    }
    if (!account(c, now, a, &seq))
        return;
    begin_epoch_if_needed(c, a);
    choose_main(a, now);
    struct media_packet packet = {.participant = p->id,
                                  .listener = publication->listener,
                                  .source = publication->ref.source,
                                  .source_serial = a->stream->serial,
                                  .codec = a->stream->codec,
                                  .profile_hash = a->stream->profile_hash,
                                  .clock_rate = a->stream->clock_rate,
                                  .seq = seq,
                                  .extension_ids = publication->extension_ids,
                                  .header = a->header};
    if (!read_payload(c, p, a, &packet))
        return;
    packet.late_us = publication_note_lateness(a->stream, now, a->header.timestamp);
    note_active(c, now, p, publication);
    forwarder_handle_packet(c, now, publication, encoding, &packet, bytes_const(a->packet), tx);
    forget_before_key_frame(a, &packet);
    if (put_in_order(c, now, a, tx) || encoding != publication->main)
        return;
    if (a->stream->wants_key_frame || (packet.header.marker && has_long_tail(publication, now)))
        forwarder_request_key_frame(c, now, publication, encoding, tx);
}

/* And nothing of what was said in an aside before goes to anybody else. */
static bool is_open(const struct publication *p, usec_t now)
{
    return publication_is_heard(p) && now >= p->quiet_until;
}

void ingress_handle_rtp(struct shard_core *c, usec_t now, struct participant *p,
                        struct bytes_mut packet, struct tx_batch *tx)
{
    struct arrival a = {.packet = packet};
    c->stats.rtp_in++;
    enum drop_reason reason = identify(p, &a);
    if (reason == DROP_REASON_COUNT) {
        note_transport_seq(p, now, &a.header);
        if (!is_open(a.publication, now))
            reason = DROP_CLOSED_SLOT;
        else if (!admit_rate(p, now, packet.size))
            reason = DROP_RATE_LIMIT;
        else if (a.is_rtx)
            reason = unwrap_rtx(&a);
    }
    if (reason != DROP_REASON_COUNT) {
        shard_drop(c, reason);
        return;
    }
    note_level(c, now, p, a.publication, &a.header);
    deliver(c, now, p, &a, tx);
}
