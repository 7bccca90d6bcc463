/* Subscriptions that get less than everything: each reads its publication's caches with a selector.
 * They stand in lists of their own, so that forwarding to the others does not even look at them. */
#include "relay/core/redundancy.h"
#include "relay/core/shard_private.h"
#include "relay/core/thin_voice.h"

#define EVERYTHING SIZE_MAX
/* What a late one has missed goes out as a home line takes it, and as a browser reads its socket;
 * what is more than a key frame when the line has answered, or at least had the time to. */
#define PORTION_BYTES 12000
#define PORTION_US MILLISECONDS(8)
#define UNANSWERED_BYTES 72000
#define ANSWER_US MILLISECONDS(150)

static struct publication *publication_of(const struct subscription *s)
{
    struct publication *p = shard_source_of(s);
    return p != NULL && p->ref.participant != s->owner_id ? p : NULL;
}

static bool accepts(const struct subscription *s, const struct publication_stream *stream)
{
    for (size_t i = 0; i < s->codec_count; i++) {
        if (s->codecs[i].codec == stream->codec &&
            s->codecs[i].profile_hash == stream->profile_hash)
            return true;
    }
    return false;
}

/* On a line that takes its time a new key frame is better than a long way from an old one: on one
 * that was found narrow the selector's own bound holds. On one that has just begun a way of many
 * small packets is as short as one of few that are whole: of a screen that stands still a new key
 * frame may come only with its next picture. */
static uint32_t tail_max(const struct subscription *s, const struct stream_tail *tail)
{
    uint32_t most = tail->key_packets * LAYER_REPLAY_FACTOR;
    if (!s->is_paced)
        return STREAM_TAIL_PACKETS_MAX;
    const struct downlink *d = s->owner->downlink;
    if (d == NULL || !d->is_beginning)
        return 0;
    most = most > LAYER_REPLAY_PACKETS ? most : LAYER_REPLAY_PACKETS;
    bool is_light = tail->base_bytes <= most * STREAM_TAIL_PACKET_BYTES && d->doubt_bps == 0;
    return is_light && most < STREAM_TAIL_PACKETS_MAX ? STREAM_TAIL_PACKETS_MAX : most;
}

static void list_sources(const struct subscription *s, const struct publication *p,
                         struct layer_source sources[CONTROL_ENCODINGS_MAX])
{
    for (size_t e = 0; e < CONTROL_ENCODINGS_MAX; e++) {
        const struct publication_stream *stream = &p->streams[e];
        sources[e] = (struct layer_source){
            .cache = stream->has_cache ? &stream->cache : NULL,
            .serial = stream->serial,
            .codec = stream->codec,
            .clock_rate = stream->clock_rate,
            .accepted = accepts(s, stream),
            .tail = &stream->tail,
            .tail_max = tail_max(s, &stream->tail),
            .descriptor_id = p->extension_ids[HEADER_EXTENSION_DEPENDENCY_DESCRIPTOR],
            .has_clock = stream->has_clock,
            .clock_ntp = stream->clock_ntp,
            .clock_timestamp = stream->clock_timestamp};
    }
}

/* Sound is either whole or off, and needs no selector. */
static bool is_sound(const struct subscription *s)
{
    return room_slot_kind(s->slot) == MEDIA_KIND_AUDIO;
}

static bool is_everything(struct layer_target target)
{
    return target.mode == LAYER_LIVE && target.encoding == 0 && target.temporal_max == LAYER_ALL;
}

static bool is_read(const struct subscription *s)
{
    return s->is_thinned && !is_sound(s);
}

/* --- Demand */

static uint32_t wanted_here(const struct room *room, const struct publication *p)
{
    uint32_t wanted = 0;
    for (uint32_t slots = p->slots; slots != 0; slots &= slots - 1) {
        const struct room_listeners *l = &room->thinned[__builtin_ctz(slots)];
        for (uint32_t i = 0; i < l->count; i++)
            wanted |= l->list[i]->owner_id != p->ref.participant && is_read(l->list[i])
                          ? layer_selector_encodings(l->list[i]->selector)
                          : 0;
    }
    return wanted;
}

/* Which encodings somebody here reads or wants; a replica's shard tells the home shard. */
void thinning_update_demand(struct shard_core *c, struct publication *p)
{
    const struct room *room = p->slots != 0 ? shard_find_room(c, p->room) : NULL;
    uint32_t wanted = room != NULL ? wanted_here(room, p) : 0;
    if (wanted == p->wanted_here)
        return;
    publication_note_wanted_here(p, c->now, wanted);
    if (p->is_home) {
        thinning_tell_demand(c, c->now, p);
        return;
    }
    struct shard_message *m = shard_reserve(c, p->home, SHARD_ENCODINGS_WANTED);
    if (m == NULL)
        return;
    m->encodings_wanted.ref = p->ref;
    m->encodings_wanted.wanted = wanted;
    shard_commit(c, p->home);
}

static void send_demand(struct shard_core *c, usec_t now, struct publication *p, uint32_t encodings)
{
    struct shard_message *m = shard_reserve(c, c->config.shard_count, SHARD_DEMAND);
    if (m == NULL)
        return;
    if ((encodings & ~p->demand_told) != 0)
        p->awaited_since = now;
    p->demand_awaited = (p->demand_awaited & encodings) | (encodings & ~p->demand_told);
    p->demand_told = encodings;
    p->surplus_since = 0;
    m->demand.ref = p->ref;
    m->demand.encodings = encoding_order_listed(&p->order, encodings);
    shard_commit(c, c->config.shard_count);
}

/* A publisher that cannot send what it was asked for: those who wait for it are given what there
 * is. It stays asked for, and counts again as soon as it comes. */
static void give_up_absent(struct publication *p)
{
    if (p->demand_awaited == 0 || p->active_at - p->awaited_since < PUBLICATION_ABSENT_US)
        return;
    p->encodings_known &= ~p->demand_awaited;
    p->demand_awaited = 0;
}

/* The best encoding is never told off: whoever joins gets it. */
void thinning_tell_demand(struct shard_core *c, usec_t now, struct publication *p)
{
    if (!p->is_home)
        return;
    give_up_absent(p);
    uint32_t known = p->encodings_known, told = p->demand_told;
    if ((known & (known - 1)) == 0)
        return; /* nothing to choose from */
    uint32_t wanted = (1 | (uint32_t)1 << p->main | p->wanted_here | p->wanted_elsewhere) & known;
    if ((wanted & ~told) != 0) {
        send_demand(c, now, p, told | wanted);
    } else if ((told & ~wanted) == 0) {
        p->surplus_since = 0;
    } else if (p->surplus_since == 0) {
        p->surplus_since = now;
    } else if (now - p->surplus_since >= PUBLICATION_SURPLUS_US) {
        send_demand(c, now, p, wanted);
    }
}

/* --- What its people are told */

static enum control_quality quality_of(const struct shard_core *c, const struct subscription *s,
                                       struct layer_target target)
{
    if (target.mode != LAYER_OFF && downlink_has_thin_voices(s->owner, c->now))
        return CONTROL_QUALITY_LEAN;
    switch (target.mode) {
    case LAYER_OFF:
        return CONTROL_QUALITY_OFF;
    case LAYER_STILL:
        return CONTROL_QUALITY_STILL;
    case LAYER_LIVE:
        break;
    }
    return is_everything(target) && !s->comes_late ? CONTROL_QUALITY_FULL : CONTROL_QUALITY_REDUCED;
}

static void tell_quality(struct shard_core *c, struct subscription *s, struct layer_target target)
{
    enum control_quality quality = quality_of(c, s, target);
    if (s->slot != ROOM_SLOT_SCREEN || s->quality == quality)
        return;
    struct shard_message *m = shard_reserve(c, c->config.shard_count, SHARD_QUALITY);
    if (m == NULL)
        return;
    s->quality = quality;
    m->quality = (struct control_participant_quality){s->owner_id, quality};
    shard_commit(c, c->config.shard_count);
}

/* --- In and out of the lists */

static void take_over(struct subscription *s, struct publication *p)
{
    struct publication_stream *stream =
        p != NULL && !s->waiting_key_frame ? publication_find_stream(p, s->source_serial) : NULL;
    if (subscription_need_wishes(s) != NULL)
        wish_account_note_key_frame(s->wishes, wishes_key_frame_at(s, p));
    layer_selector_begin_again(s->selector, s->next_seq, s->started, s->last_timestamp,
                               s->last_sent_at);
    if (stream == NULL || !stream->has_cache || !s->started)
        return;
    struct layer_source sources[CONTROL_ENCODINGS_MAX];
    size_t encoding = (size_t)(stream - p->streams);
    list_sources(s, p, sources);
    layer_selector_take_over(s->selector, &sources[encoding], (uint8_t)encoding, s->first_seq,
                             s->next_seq - s->seq_offset, s->seq_offset, s->timestamp_offset);
}

static bool begin_thinning(struct subscription *s)
{
    if (s->is_thinned)
        return true;
    if (s->selector == NULL && (s->selector = calloc(1, sizeof *s->selector)) == NULL)
        return false;
    if (room_move_listener(s->owner->room, s, true) != STATUS_OK)
        return false;
    s->owner->thinned++;
    take_over(s, publication_of(s));
    return true;
}

/* Back to the plain path. The selector stays: it knows what the last numbers stood for. */
static void end_thinning(struct subscription *s)
{
    if (room_move_listener(s->owner->room, s, false) != STATUS_OK)
        return;
    s->owner->thinned--;
    s->first_seq = s->selector->cursor;
    s->seq_offset = s->selector->shift.seq;
    s->next_seq = s->selector->next_seq;
    s->waiting_key_frame = false;
}

static bool set_sound(struct subscription *s, bool on)
{
    if (s->wants_thin_voice || s->gets_thin_voice)
        return true; /* it is never off, and its list is thin_voices.c's */
    bool was_off = s->is_thinned;
    if (room_move_listener(s->owner->room, s, !on) != STATUS_OK)
        return false;
    if (on && was_off)
        subscription_reset_source(s); /* what was left out is not loss */
    return true;
}

static void drain_unpaced(struct shard_core *c, usec_t now, struct subscription *s,
                          struct tx_batch *tx);

bool thinning_set_target(struct shard_core *c, usec_t now, struct subscription *s,
                         struct layer_target target, bool paced, struct tx_batch *tx)
{
    struct publication *p = publication_of(s);
    if (is_sound(s))
        return set_sound(s, target.mode != LAYER_OFF);
    s->is_paced = paced;
    if (!s->is_thinned && is_everything(target) && !paced) {
        tell_quality(c, s, target);
        return true;
    }
    if (!begin_thinning(s))
        return false;
    layer_selector_set_target(s->selector, target);
    layer_selector_set_patience(s->selector, paced ? downlink_get_patience(s->owner) : 0);
    tell_quality(c, s, target);
    if (p == NULL)
        return true;
    struct layer_source sources[CONTROL_ENCODINGS_MAX];
    list_sources(s, p, sources);
    layer_selector_reconsider(s->selector, now, sources, CONTROL_ENCODINGS_MAX);
    thinning_update_demand(c, p);
    drain_unpaced(c, now, s, tx);
    return true;
}

/* --- Sending */

/* The selector's packet as the receiver gets it. */
static size_t send_one(struct shard_core *c, usec_t now, struct subscription *s,
                       struct publication *p, const struct layer_packet *out, struct tx_batch *tx)
{
    struct publication_stream *stream = &p->streams[out->encoding];
    struct media_packet packet =
        forwarder_packet_of(p, stream, out->entry->seq, out->entry->key_frame);
    uint8_t payload[TX_PAYLOAD_BYTES];
    if (rtp_parse_header(bytes_of(out->entry->data, out->entry->size), &packet.header) !=
            STATUS_OK ||
        packet.header.payload.size > sizeof payload)
        return 0;
    memcpy(payload, packet.header.payload.data, packet.header.payload.size);
    packet.header.payload.data = payload;
    layer_shift_apply(&out->shift, packet.codec,
                      (struct bytes_mut){payload, packet.header.payload.size});
    packet.frame_shift = out->shift.frame;
    subscription_note_thinned(s, now, &packet, out->seq, out->timestamp);
    if (!s->has_payload_type || !tx_batch_begin(tx, now, packet.header.payload))
        return 0;
    c->stats.rtp_forwarded++;
    forwarder_send(now, s, &packet,
                   &(struct tx_rtp){.seq = (uint16_t)out->seq,
                                    .timestamp = out->timestamp,
                                    .ssrc = s->ssrc,
                                    .payload_type = s->payload_type,
                                    .marker = packet.header.marker},
                   tx);
    tx_batch_end(tx);
    return packet.header.payload.size;
}

bool thinning_has_key_frame_ahead(const struct subscription *s, struct publication *p)
{
    const struct layer_selector *l = s->selector;
    const struct publication_stream *source = publication_find_stream(p, l->serial);
    return source != NULL && source->tail.has_key_frame && l->state == LAYER_FLOWING &&
           source->tail.key_seq >= l->cursor;
}

/* Its stream cannot go on without one, or the next still needs one. That it is wanted already, for
 * its own sake or another's, costs nothing; one that has come meanwhile is enough. */
static bool admits_key_frame(struct subscription *s, usec_t now, struct publication *p,
                             uint8_t encoding)
{
    if (p->streams[encoding].wants_key_frame || !downlink_is_poor(s->owner, now))
        return true;
    return !thinning_has_key_frame_ahead(s, p) && subscription_need_wishes(s) != NULL &&
           wish_account_admit(s->wishes, now, true, s->selector->target.mode != LAYER_STILL);
}

size_t thinning_drain(struct shard_core *c, usec_t now, struct subscription *s, size_t bytes_max,
                      struct tx_batch *tx)
{
    struct publication *p = publication_of(s);
    struct layer_source sources[CONTROL_ENCODINGS_MAX];
    struct layer_packet out;
    size_t bytes = 0;
    uint8_t encoding;
    if (p == NULL || !s->is_live || !is_read(s))
        return 0;
    list_sources(s, p, sources);
    while (bytes < bytes_max &&
           layer_selector_take(s->selector, now, sources, CONTROL_ENCODINGS_MAX, &out))
        bytes += send_one(c, now, s, p, &out, tx);
    if (layer_selector_wants_key_frame(s->selector, now, sources, CONTROL_ENCODINGS_MAX,
                                       &encoding) &&
        admits_key_frame(s, now, p, encoding))
        forwarder_request_key_frame(c, now, p, encoding, tx);
    uint32_t wanted = layer_selector_encodings(s->selector);
    if (wanted != s->encodings_wanted) {
        s->encodings_wanted = wanted;
        thinning_update_demand(c, p);
    }
    if (!s->is_paced && s->selector->encoding == p->main &&
        layer_selector_is_plain(s->selector, sources, CONTROL_ENCODINGS_MAX)) {
        end_thinning(s);
        thinning_update_demand(c, p);
    }
    return bytes;
}

static bool awaits_answer(const struct subscription *s, usec_t now)
{
    const struct downlink *d = s->owner->downlink;
    return s->late_bytes >= UNANSWERED_BYTES && now < s->late_at + ANSWER_US && d != NULL &&
           d->has_numbers && d->bwe.feedback_at <= s->late_at;
}

/* Whoever is not paced gets what is there: at once, or in portions. */
static void drain_unpaced(struct shard_core *c, usec_t now, struct subscription *s,
                          struct tx_batch *tx)
{
    if (s->is_paced || (s->is_late && now < s->portion_at))
        return;
    s->portion_at = now + PORTION_US;
    if (s->is_late && awaits_answer(s, now))
        return;
    size_t bytes_max = s->is_late ? PORTION_BYTES : EVERYTHING;
    size_t bytes = thinning_drain(c, now, s, bytes_max, tx);
    s->late_bytes += (uint32_t)(s->is_late ? bytes : 0);
    s->is_late = bytes >= bytes_max;
}

void thinning_begin(struct shard_core *c, usec_t now, struct subscription *s, struct tx_batch *tx)
{
    drain_unpaced(c, now, s, tx);
}

static bool begin_whole(struct subscription *s, const struct publication *p)
{
    if (!begin_thinning(s))
        return false;
    layer_selector_set_target(s->selector,
                              (struct layer_target){LAYER_LIVE, (uint8_t)p->main, LAYER_ALL});
    return true;
}

/* From the cached key frame on, in portions. */
static void begin_late(struct shard_core *c, usec_t now, struct subscription *s,
                       struct publication *p, struct tx_batch *tx)
{
    s->is_late = true;
    s->late_at = s->portion_at = now;
    s->late_bytes = 0;
    thinning_update_demand(c, p);
    drain_unpaced(c, now, s, tx);
    shard_arm_timer(c, now, s->owner);
}

bool thinning_begin_late(struct shard_core *c, usec_t now, struct subscription *s,
                         struct tx_batch *tx)
{
    struct publication *p = publication_of(s);
    const struct stream_tail *tail = p != NULL ? &publication_main(p)->tail : NULL;
    if (tail == NULL || !stream_tail_is_short(tail, now) || !begin_whole(s, p))
        return false;
    begin_late(c, now, s, p, tx);
    return true;
}

bool thinning_can_restart(const struct subscription *s, const struct publication *p,
                          uint8_t *encoding)
{
    struct layer_source sources[CONTROL_ENCODINGS_MAX];
    list_sources(s, p, sources);
    return layer_selector_can_restart(s->selector, sources, CONTROL_ENCODINGS_MAX, encoding);
}

void thinning_restart(struct shard_core *c, usec_t now, struct subscription *s, struct tx_batch *tx)
{
    struct publication *p = publication_of(s);
    if (p == NULL || (!s->is_thinned && !begin_whole(s, p)))
        return;
    layer_selector_restart(s->selector);
    downlink_forget_resends(s);
    if (s->is_paced)
        downlink_wake(c, now, s->owner);
    else
        begin_late(c, now, s, p, tx);
}

void thinning_handle_arrival(struct shard_core *c, usec_t now, struct publication *p,
                             uint32_t encoding, struct tx_batch *tx)
{
    struct room *room = p->slots != 0 ? shard_find_room(c, p->room) : NULL;
    for (uint32_t slots = room != NULL ? p->slots : 0; slots != 0; slots &= slots - 1) {
        const struct room_listeners *l = &room->thinned[__builtin_ctz(slots)];
        /* From the end: a subscription that leaves the list is replaced by one already seen. */
        for (uint32_t i = l->count; i-- > 0;) {
            struct subscription *s = l->list[i];
            if (!is_read(s) || (layer_selector_encodings(s->selector) >> encoding & 1) == 0)
                continue;
            if (s->is_paced)
                downlink_wake(c, now, s->owner);
            else
                drain_unpaced(c, now, s, tx);
        }
    }
}

/* --- What is asked for again */

bool thinning_find_sent(const struct subscription *s, uint16_t seq16, uint64_t *seq,
                        uint64_t *source_seq, struct layer_segment *segment)
{
    return s->selector != NULL && layer_selector_find(s->selector, seq16, seq, source_seq, segment);
}

uint32_t thinning_count_unsent(const struct subscription *s, struct publication *p, uint64_t from,
                               uint64_t to)
{
    uint32_t unsent = 0;
    uint64_t kept = s->selector != NULL ? s->selector->segment_count : 0;
    for (uint64_t i = 0; i < kept && i < LAYER_SEGMENTS; i++) {
        const struct layer_segment *segment = &s->selector->segments[i];
        const struct publication_stream *stream = publication_find_stream(p, segment->serial);
        uint64_t first = segment->first + segment->shift.seq;
        uint64_t next = segment->next + segment->shift.seq;
        uint64_t after = from >= first ? from : first - 1;
        uint64_t last = to < next ? to : next - 1;
        if (stream != NULL && stream->come != NULL && after < last)
            unsent += seq_window_count_missing(stream->come, after - segment->shift.seq,
                                               last - segment->shift.seq);
    }
    return unsent;
}

/* --- Time */

usec_t thinning_next_timeout_of(const struct subscription *s)
{
    const struct publication *p = is_read(s) ? publication_of(s) : NULL;
    struct layer_source sources[CONTROL_ENCODINGS_MAX];
    if (p == NULL)
        return USEC_NEVER;
    list_sources(s, p, sources);
    return layer_selector_next_timeout(s->selector, sources, CONTROL_ENCODINGS_MAX);
}

usec_t thinning_next_timeout(const struct participant *owner)
{
    usec_t next = USEC_NEVER;
    for (size_t i = 0; owner->thinned > 0 && i < owner->subscription_count; i++) {
        const struct subscription *s = &owner->subscriptions[i];
        if (!s->is_paced)
            next = usec_min(next, s->is_late ? s->portion_at : thinning_next_timeout_of(s));
    }
    return next;
}

void thinning_handle_timeout(struct shard_core *c, usec_t now, struct participant *owner,
                             struct tx_batch *tx)
{
    for (size_t i = 0; owner->thinned > 0 && i < owner->subscription_count; i++) {
        if (is_read(&owner->subscriptions[i]))
            drain_unpaced(c, now, &owner->subscriptions[i], tx);
    }
}

usec_t thinning_lag(const struct subscription *s, usec_t now)
{
    const struct publication *p = is_read(s) ? publication_of(s) : NULL;
    struct layer_source sources[CONTROL_ENCODINGS_MAX];
    if (p == NULL)
        return 0;
    list_sources(s, p, sources);
    return layer_selector_lag(s->selector, now, sources, CONTROL_ENCODINGS_MAX);
}

void thinning_describe(const struct subscription *s, usec_t now, struct allocator_stream *out)
{
    static const enum allocator_class classes[ROOM_SLOT_COUNT] = {
        [ROOM_SLOT_VOICE_0] = ALLOCATOR_VOICE,   [ROOM_SLOT_VOICE_1] = ALLOCATOR_VOICE,
        [ROOM_SLOT_VOICE_2] = ALLOCATOR_VOICE,   [ROOM_SLOT_VOICE_ANY] = ALLOCATOR_VOICE,
        [ROOM_SLOT_SCREEN] = ALLOCATOR_SCREEN,   [ROOM_SLOT_SCREEN_AUDIO] = ALLOCATOR_SCREEN_SOUND,
        [ROOM_SLOT_CAMERA_0] = ALLOCATOR_CAMERA, [ROOM_SLOT_CAMERA_1] = ALLOCATOR_CAMERA,
        [ROOM_SLOT_CAMERA_2] = ALLOCATOR_CAMERA};
    const struct publication *p = publication_of(s);
    *out = (struct allocator_stream){.class = classes[s->slot],
                                     .active = p != NULL && p->streams[p->main].serial != 0,
                                     .lag_us = thinning_lag(s, now)};
    out->is_last_only = s->slot == ROOM_SLOT_SCREEN && downlink_is_last_only(s->owner, now);
    for (size_t e = 0; p != NULL && e < LAYER_ENCODINGS_MAX; e++) {
        struct allocator_encoding *encoding = &out->encodings[e];
        encoding->exists =
            (p->encodings_known >> e & 1) != 0 && (e >= p->main || p->streams[e].serial != 0);
        encoding->layers = layer_rates_get(&p->streams[e].rates, encoding->bps);
        encoding->long_bps = layer_rates_get_long(&p->streams[e].rates);
        for (size_t i = 0; is_sound(s) && encoding->layers > 0 && i < LAYER_TEMPORAL_MAX; i++)
            encoding->bps[i] = s->wants_thin_voice
                                   ? THIN_VOICE_LINE_BPS
                                   : redundancy_line_bps(encoding->bps[i], redundancy_get_level(s));
    }
}
