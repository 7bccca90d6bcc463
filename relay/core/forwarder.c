/* The hot path: one packet of a publication to every subscription of its room slots, and one copy
 * to each other shard that has some. A few words per receiver; allocates nothing. */
#include "relay/core/redundancy.h"
#include "relay/core/repeats.h"
#include "relay/core/shard_private.h"
#include "relay/core/thin_voice.h"
#include "wire/rtp_extension.h"

#define KEY_FRAME_ANSWER_US SECONDS(2) /* from a request to its key frame, at most */

static enum tx_class class_of(enum room_slot slot)
{
    return room_slot_kind(slot) == MEDIA_KIND_AUDIO ? TX_CLASS_FIRST : TX_CLASS_VIDEO;
}

_Static_assert(SUBSCRIPTION_EXTENSIONS_BYTES <= TX_PREFIX_BYTES, "all that is written has room");

/* What went out on the retransmission stream is not sent again. */
static void note_repeatable(usec_t now, const struct subscription *s,
                            const struct tx_prefix *prefix, struct tx_rtp *rtp)
{
    if (!s->is_repeatable || rtp->ssrc != s->ssrc)
        return;
    rtp->repeat = TX_REPEATABLE;
    repeats_note(s->repeats, &(struct repeat){.seq = rtp->seq,
                                              .stamp = rtp->stamp,
                                              .send_time = rtp_abs_send_time_of(now) & 0xffffff,
                                              .redundancy = rtp->redundancy & 0xfu,
                                              .is_stamped = prefix->stamp_at != 0});
}

static void send_metered(usec_t now, struct subscription *s, enum tx_class class,
                         const struct tx_prefix *prefix, const struct tx_rtp *rtp,
                         struct tx_batch *tx)
{
    struct tx_rtp numbered = *rtp;
    size_t bytes = forwarder_line_bytes(prefix, tx);
    bool is_numbered = prefix->stamp_at != 0;
    if (s->owner->downlink->state == DOWNLINK_FREE)
        numbered.stamp = shard_number_question(now, s, is_numbered);
    else
        numbered.stamp = downlink_handle_send(s->owner->downlink, now, bytes, is_numbered);
    if (class == TX_CLASS_VIDEO)
        downlink_note_video(s->owner->downlink, now, bytes);
    if (is_numbered && s->owner->downlink->width.is_open)
        line_width_note_packet(&s->owner->downlink->width, numbered.stamp, bytes);
    if (class == TX_CLASS_VIDEO && numbered.ssrc == s->ssrc) {
        picture_end_note(&s->picture_end, is_numbered && numbered.marker,
                         numbered.seq == (uint16_t)(s->next_seq - 1), numbered.stamp);
        if (s->packets_sent <= STREAM_HEAD_MAX && is_numbered)
            stream_head_note(now, s, numbered.seq, numbered.stamp);
    }
    note_repeatable(now, s, prefix, &numbered);
    tx_batch_add(tx, now, s->receiver, class, prefix, &numbered);
}

/* The packet that was begun in `tx` to one receiver. */
static void send_packet(usec_t now, struct subscription *s, enum tx_class class,
                        const struct media_packet *packet, const struct tx_rtp *rtp,
                        struct tx_batch *tx)
{
    uint64_t layout = subscription_get_layout(s);
    const struct tx_prefix *prefix = tx_batch_find_prefix(tx, layout);
    if (prefix == NULL) {
        struct tx_prefix *fresh = tx_batch_add_prefix(tx, now, layout);
        fresh->bytes = (uint16_t)subscription_write_extensions(
            s, now, packet, s->owner->extension_ids, fresh->data, &fresh->stamp_at);
        prefix = fresh;
    }
    if (s->is_metered) {
        send_metered(now, s, class, prefix, rtp, tx);
    } else if (s->is_repeatable) {
        struct tx_rtp repeatable = *rtp;
        note_repeatable(now, s, prefix, &repeatable);
        tx_batch_add(tx, now, s->receiver, class, prefix, &repeatable);
    } else {
        tx_batch_add(tx, now, s->receiver, class, prefix, rtp);
    }
}

void forwarder_send(usec_t now, struct subscription *s, const struct media_packet *packet,
                    const struct tx_rtp *rtp, struct tx_batch *tx)
{
    send_packet(now, s, class_of(s->slot), packet, rtp, tx);
}

/* What is said to one in private is for that one alone, and on the line that was given for it; the
 * rest is for no such line. */
static bool is_for(const struct subscription *s, const struct media_packet *packet)
{
    return packet->listener == (s->is_aside ? s->owner_id : 0);
}

static void forward(struct shard_core *c, usec_t now, struct subscription *s, enum tx_class class,
                    const struct media_packet *packet, bool red, struct tx_batch *tx)
{
    uint64_t seq;
    uint32_t timestamp;
    if (!s->is_live || s->owner_id == packet->participant || !is_for(s, packet))
        return;
    switch (subscription_accept(s, now, packet, &seq, &timestamp)) {
    case SUBSCRIPTION_SEND:
        c->stats.rtp_forwarded++;
        send_packet(now, s, class, packet,
                    &(struct tx_rtp){.seq = (uint16_t)seq,
                                     .timestamp = timestamp,
                                     .ssrc = s->ssrc,
                                     .payload_type = red ? s->red_payload_type : s->payload_type,
                                     .redundancy = red ? (uint8_t)redundancy_choose(s, packet) : 0,
                                     .marker = packet->header.marker},
                    tx);
        if (s->is_metered)
            downlink_note_passed(c, now, s->owner);
        return;
    case SUBSCRIPTION_NO_CODEC:
        shard_drop(c, DROP_CODEC_MISMATCH);
        return;
    case SUBSCRIPTION_WAIT_KEY_FRAME:
        shard_drop(c, DROP_WAITING_KEY_FRAME);
        return;
    case SUBSCRIPTION_STALE:
        shard_drop(c, DROP_DUPLICATE);
        return;
    }
}

struct media_packet forwarder_packet_of(const struct publication *p,
                                        const struct publication_stream *s, uint64_t seq,
                                        bool key_frame)
{
    return (struct media_packet){.participant = p->ref.participant,
                                 .listener = p->listener,
                                 .source = p->ref.source,
                                 .source_serial = s->serial,
                                 .codec = s->codec,
                                 .profile_hash = s->profile_hash,
                                 .clock_rate = s->clock_rate,
                                 .seq = seq,
                                 .key_frame = key_frame,
                                 .extension_ids = p->extension_ids};
}

/* A thousand receivers' state does not stay in the near cache from packet to packet. */
#define FAR 12
#define NEAR 5

static void prefetch_subscription(const struct subscription *s)
{
    __builtin_prefetch(s, 1);
    __builtin_prefetch((const uint8_t *)s + 64, 1);
}

/* Voice goes out in up to so many forms at once, each written once for all who get it: as it came,
 * and with redundancy by level and by the number that receivers give to Opus. */
#define FORMS_MAX 6

struct form {
    unsigned level;       /* 0: as it came, to all that no other form is for */
    uint8_t payload_type; /* of the blocks */
    bool is_red;
};

struct forms {
    struct form list[FORMS_MAX];
    size_t count;
};

/* Which form a receiver gets; a new one is noted while there is room. */
static size_t find_form(struct forms *forms, const struct subscription *s,
                        const struct media_packet *packet)
{
    unsigned level = redundancy_choose(s, packet);
    if (level == 0)
        return 0;
    for (size_t i = 1; i < forms->count; i++) {
        if (forms->list[i].level == level && forms->list[i].payload_type == s->payload_type)
            return i;
    }
    if (forms->count == FORMS_MAX)
        return 0;
    forms->list[forms->count] = (struct form){.level = level, .payload_type = s->payload_type};
    return forms->count++;
}

static bool begin_form(struct publication *p, usec_t now, const struct media_packet *packet,
                       struct form *form, struct tx_batch *tx)
{
    uint8_t payload[REDUNDANCY_BYTES_MAX];
    size_t size =
        form->level > 0 ? redundancy_write(p, packet, form->level, form->payload_type, payload) : 0;
    form->is_red = size > 0;
    return tx_batch_begin(tx, now, size > 0 ? bytes_of(payload, size) : packet->header.payload);
}

/* One form of the packet to all of a slot's receivers that get it. True when one of them waits for
 * a key frame. */
static bool send_form(struct shard_core *c, usec_t now, const struct room_listeners *l,
                      enum tx_class class, const struct media_packet *packet, struct forms *forms,
                      size_t form, struct tx_batch *tx)
{
    bool waiting = false;
    bool has_forms = class == TX_CLASS_FIRST;
    for (uint32_t i = 0; i < l->count; i++) {
        struct subscription *s = l->list[i];
        if (i + FAR < l->count)
            prefetch_subscription(l->list[i + FAR]);
        if (i + NEAR < l->count)
            tx_batch_prefetch_receiver(tx, l->list[i + NEAR]->receiver);
        if (has_forms && find_form(forms, s, packet) != form)
            continue;
        forward(c, now, s, class, packet, forms->list[form].is_red, tx);
        waiting = waiting || (s->waiting_key_frame && s->has_payload_type && s->is_live &&
                              s->owner_id != packet->participant);
    }
    return waiting;
}

static void send_aside(struct shard_core *c, usec_t now, struct publication *p,
                       const struct media_packet *packet, struct tx_batch *tx)
{
    struct participant *to = shard_find_participant(c, p->listener);
    struct subscription *s = to != NULL && to->aside == p ? shard_find_aside(to) : NULL;
    if (s == NULL)
        return;
    struct forms forms = {.count = 1};
    struct form *form = &forms.list[find_form(&forms, s, packet)];
    if (!begin_form(p, now, packet, form, tx))
        return;
    forward(c, now, s, class_of(s->slot), packet, form->is_red, tx);
    tx_batch_end(tx);
}

/* A packet of video to a thousand takes 60 us to queue, and a frame comes in one go. */
#define VOICE_AHEAD 256

static void fan_out(struct shard_core *c, usec_t now, struct publication *p,
                    const struct media_packet *packet, struct tx_batch *tx)
{
    if (p->listener != 0) {
        send_aside(c, now, p, packet, tx);
        return;
    }
    struct room *room = p->slots != 0 ? shard_find_room(c, p->room) : NULL;
    struct forms forms = {.count = 1};
    bool waiting = false;
    if (media_codec_kind(packet->codec) == MEDIA_KIND_VIDEO)
        tx_batch_let_voice_ahead(tx, now, VOICE_AHEAD);
    bool has_thin = room != NULL && (room->thin_voices > 0 || p->thin != NULL) &&
                    media_codec_kind(packet->codec) == MEDIA_KIND_AUDIO;
    if (has_thin)
        thin_voices_prepare(c, now, room, p, packet->seq);
    for (size_t form = 0; room != NULL && form < forms.count; form++) {
        if (!begin_form(p, now, packet, &forms.list[form], tx))
            break;
        for (uint32_t slots = p->slots; slots != 0; slots &= slots - 1) {
            enum room_slot slot = (enum room_slot)__builtin_ctz(slots);
            waiting = send_form(c, now, &room->listeners[slot], class_of(slot), packet, &forms,
                                form, tx) ||
                      waiting;
        }
        tx_batch_end(tx);
    }
    if (has_thin)
        thin_voices_forward(c, now, room, p, packet, tx);
    if (waiting && media_codec_kind(packet->codec) == MEDIA_KIND_VIDEO)
        publication_main(p)->wants_key_frame = true;
}

static void replicate_to(struct shard_core *c, uint32_t shard, const struct publication *p,
                         uint32_t encoding, const struct media_packet *packet, struct bytes whole,
                         enum shard_media_time time)
{
    const struct publication_stream *s = &p->streams[encoding];
    struct shard_message *m =
        whole.size <= SHARD_PACKET_BYTES ? shard_reserve(c, shard, SHARD_MEDIA) : NULL;
    if (m == NULL)
        return;
    m->media.ref = p->ref;
    m->media.encoding = (uint8_t)encoding;
    m->media.is_main = encoding == p->main;
    m->media.encodings_known = (uint8_t)p->encodings_known;
    m->media.layers = packet->layers;
    m->media.epoch = s->epoch;
    m->media.codec = s->codec;
    memcpy(m->media.profile, s->profile, sizeof m->media.profile);
    m->media.listener = packet->listener;
    m->media.seq = packet->seq;
    m->media.time = time;
    m->media.key_frame = packet->key_frame;
    memcpy(m->media.extension_ids, p->extension_ids, sizeof m->media.extension_ids);
    m->media.size = (uint16_t)whole.size;
    memcpy(m->media.packet, whole.data, whole.size);
    shard_commit(c, shard);
}

static void replicate(struct shard_core *c, usec_t now, const struct publication *p,
                      uint32_t encoding, const struct media_packet *packet, struct bytes whole)
{
    uint64_t others = shard_others_of(c, p);
    for (; others != 0; others &= others - 1) {
        uint32_t shard = (uint32_t)__builtin_ctzll(others);
        if (publication_is_replicated_to(p, now, encoding, shard))
            replicate_to(c, shard, p, encoding, packet, whole, SHARD_MEDIA_NOW);
    }
}

/* A key frame that came because one receiver asked for it says nothing of what the stream takes:
 * to count it would make the line of who asked look too narrow for the rest. */
static bool is_asked_key_frame(struct publication_stream *s, usec_t now,
                               const struct media_packet *packet)
{
    if (packet->key_frame && s->key_frame_awaited_at != 0 &&
        now - s->key_frame_awaited_at < KEY_FRAME_ANSWER_US) {
        s->has_asked_key_frame = true;
        s->asked_key_frame_timestamp = packet->header.timestamp;
    }
    return s->has_asked_key_frame && s->asked_key_frame_timestamp == packet->header.timestamp;
}

static void keep(struct publication *p, uint32_t encoding, usec_t now,
                 const struct media_packet *packet, struct bytes whole, enum shard_media_time time)
{
    struct publication_stream *s = &p->streams[encoding];
    p->encodings_known |= (uint32_t)1 << encoding;
    p->demand_awaited &= ~((uint32_t)1 << encoding);
    if (time == SHARD_MEDIA_NOW && !is_asked_key_frame(s, now, packet))
        layer_rates_note(&s->rates, now, packet->layers.temporal_layer, whole.size);
    if (publication_prepare_cache(s) != STATUS_OK)
        return;
    (void)seq_window_note(s->come, packet->seq);
    struct retransmit_entry *e =
        retransmit_cache_store(&s->cache, now, packet->seq, whole,
                               packet->key_frame && media_codec_kind(s->codec) == MEDIA_KIND_VIDEO);
    if (e == NULL)
        return;
    e->layers = packet->layers;
    if (media_codec_kind(s->codec) == MEDIA_KIND_VIDEO && packet->header.payload.size > 0)
        stream_tail_note(&s->tail, now, packet->seq, packet->header.timestamp,
                         packet->layers.temporal_layer, packet->key_frame,
                         packet->header.payload.size);
}

static void replay_from(struct shard_core *c, usec_t now, struct publication *p,
                        struct subscription *s, uint64_t first, struct tx_batch *tx)
{
    const struct publication_stream *main = publication_main(p);
    for (uint64_t seq = first; seq <= main->cache.highest; seq++) {
        const struct retransmit_entry *e = retransmit_cache_find(&main->cache, seq);
        if (e == NULL)
            continue;
        struct media_packet packet = forwarder_packet_of(p, main, e->seq, e->key_frame);
        if (rtp_parse_header(bytes_of(e->data, e->size), &packet.header) != STATUS_OK ||
            !tx_batch_begin(tx, now, packet.header.payload))
            continue;
        forward(c, now, s, class_of(s->slot), &packet, false, tx);
        tx_batch_end(tx);
    }
}

static void replay_to_waiting(struct shard_core *c, usec_t now, struct publication *p,
                              struct tx_batch *tx)
{
    struct room *room = p->slots != 0 ? shard_find_room(c, p->room) : NULL;
    for (uint32_t slots = room != NULL ? p->slots : 0; slots != 0; slots &= slots - 1) {
        const struct room_listeners *l = &room->listeners[__builtin_ctz(slots)];
        for (uint32_t i = 0; i < l->count; i++) {
            if (l->list[i]->waiting_key_frame)
                replay_from(c, now, p, l->list[i], publication_main(p)->cache.key_frame_seq, tx);
        }
    }
}

/* To all who get the best encoding. Where a key frame's first packet comes behind others of it, who
 * waits has refused those, and gets what has come so far from the cache. */
static void hand_out(struct shard_core *c, usec_t now, struct publication *p,
                     const struct media_packet *packet, struct tx_batch *tx)
{
    const struct retransmit_cache *cache = &publication_main(p)->cache;
    if (!packet->key_frame || media_codec_kind(packet->codec) != MEDIA_KIND_VIDEO ||
        packet->seq >= cache->highest ||
        cache->highest - cache->key_frame_seq >= PUBLICATION_REPLAY_PACKETS) {
        fan_out(c, now, p, packet, tx);
        return;
    }
    struct media_packet late = *packet;
    late.key_frame = false;
    fan_out(c, now, p, &late, tx);
    publication_main(p)->wants_key_frame = false;
    replay_to_waiting(c, now, p, tx);
}

void forwarder_handle_packet(struct shard_core *c, usec_t now, struct publication *p,
                             uint32_t encoding, const struct media_packet *packet,
                             struct bytes whole, struct tx_batch *tx)
{
    keep(p, encoding, now, packet, whole, SHARD_MEDIA_NOW);
    if (publication_is_replicated(p, now, encoding))
        replicate(c, now, p, encoding, packet, whole);
    if (encoding == p->main)
        hand_out(c, now, p, packet, tx);
    if (p->wanted_here != 0)
        thinning_handle_arrival(c, now, p, encoding, tx);
}

void forwarder_handle_replica(struct shard_core *c, usec_t now, const struct shard_media *media,
                              struct tx_batch *tx)
{
    struct publication *p = shard_find_publication(c, media->ref);
    if (p == NULL || p->is_home || media->encoding >= CONTROL_ENCODINGS_MAX)
        return;                           /* unbound meanwhile */
    if (p->listener != media->listener) { /* an aside began or ended: the order is on its way */
        shard_drop(c, DROP_CLOSED_SLOT);
        return;
    }
    struct publication_stream *s = &p->streams[media->encoding];
    if (s->serial == 0 || s->epoch != media->epoch)
        publication_begin_epoch(s, media->epoch, ++c->next_serial, media->codec, media->profile);
    if (media->is_main)
        p->main = media->encoding;
    memcpy(p->extension_ids, media->extension_ids, sizeof p->extension_ids);
    struct media_packet packet = forwarder_packet_of(p, s, media->seq, media->key_frame);
    packet.layers = media->layers;
    struct bytes whole = bytes_of(media->packet, media->size);
    if (rtp_parse_header(whole, &packet.header) != STATUS_OK)
        return;
    if (media->time == SHARD_MEDIA_NOW)
        packet.late_us = publication_note_lateness(s, now, packet.header.timestamp);
    if (packet.key_frame && media_codec_kind(s->codec) == MEDIA_KIND_VIDEO)
        s->wants_key_frame = false;
    p->encodings_known = media->encodings_known;
    keep(p, media->encoding, now, &packet, whole, media->time);
    if (media->time != SHARD_MEDIA_NOW) {
        if (media->time == SHARD_MEDIA_PAST_END)
            shard_start_publication(c, now, p, tx);
        return;
    }
    if (media->is_main)
        hand_out(c, now, p, &packet, tx);
    if (p->wanted_here != 0)
        thinning_handle_arrival(c, now, p, media->encoding, tx);
    if (s->wants_key_frame)
        forwarder_request_key_frame(c, now, p, media->encoding, tx);
}

void forwarder_request_key_frame(struct shard_core *c, usec_t now, struct publication *p,
                                 uint32_t encoding, struct tx_batch *tx)
{
    struct participant *home = p->is_home ? shard_find_participant(c, p->ref.participant) : NULL;
    bool is_new = !p->streams[encoding].wants_key_frame;
    p->streams[encoding].wants_key_frame = true;
    if (!publication_admit_key_frame_request(p, now, encoding)) {
        if (is_new && home != NULL)
            shard_arm_timer(c, now, home); /* asked for when its time has come */
        return;
    }
    if (p->is_home) {
        rtcp_send_key_frame_request(c, now, p, encoding, tx);
        return;
    }
    struct shard_message *m = shard_reserve(c, p->home, SHARD_KEY_FRAME_WANTED);
    if (m == NULL)
        return;
    m->key_frame_wanted.ref = p->ref;
    m->key_frame_wanted.encoding = encoding;
    m->key_frame_wanted.has_none = !publication_has_key_frame(p);
    shard_commit(c, p->home);
}

/* A shard that has nothing of it yet gets what is cached; false when there is no key frame, or too
 * much behind it. */
static bool share_tail(struct shard_core *c, usec_t now, struct publication *p, uint32_t encoding,
                       uint32_t shard)
{
    const struct publication_stream *s = &p->streams[encoding];
    uint64_t first = 0;
    size_t count =
        s->has_cache && c->config.shard_count <= PUBLICATION_SHARE_SHARDS_MAX &&
                stream_tail_is_short(&s->tail, now)
            ? retransmit_cache_find_key_frame(&s->cache, PUBLICATION_SHARE_PACKETS, &first)
            : 0;
    for (size_t i = 0; i < count; i++) {
        const struct retransmit_entry *e = retransmit_cache_find(&s->cache, first + i);
        struct media_packet packet = forwarder_packet_of(p, s, e->seq, e->key_frame);
        packet.layers = e->layers;
        replicate_to(c, shard, p, encoding, &packet, bytes_of(e->data, e->size),
                     i + 1 == count ? SHARD_MEDIA_PAST_END : SHARD_MEDIA_PAST);
    }
    return count > 0;
}

void forwarder_share_main(struct shard_core *c, usec_t now, struct publication *p)
{
    for (uint64_t others = shard_others_of(c, p); others != 0; others &= others - 1)
        (void)share_tail(c, now, p, p->main, (uint32_t)__builtin_ctzll(others));
}

void forwarder_handle_key_frame_wanted(struct shard_core *c, usec_t now, struct publication *p,
                                       uint32_t encoding, uint32_t shard, bool has_none,
                                       struct tx_batch *tx)
{
    if (encoding >= CONTROL_ENCODINGS_MAX || shard >= c->config.shard_count)
        return;
    encoding = has_none ? p->main : encoding; /* it does not know which */
    if (has_none && p->streams[encoding].serial == 0)
        p->streams[encoding].wants_key_frame = true; /* should it not begin with one */
    else if (!has_none || !share_tail(c, now, p, encoding, shard))
        forwarder_request_key_frame(c, now, p, encoding, tx);
}

/* The cached packets as they came, from the newest key frame on; false when they are not all there.
 */
static bool replay(struct shard_core *c, usec_t now, struct publication *p, struct subscription *s,
                   struct tx_batch *tx)
{
    const struct publication_stream *main = publication_main(p);
    uint64_t first = 0;
    size_t count =
        main->has_cache
            ? retransmit_cache_find_key_frame(&main->cache, PUBLICATION_REPLAY_PACKETS, &first)
            : 0;
    if (count > 0)
        replay_from(c, now, p, s, first, tx);
    return count > 0;
}

void forwarder_start_subscription(struct shard_core *c, usec_t now, struct subscription *s,
                                  struct tx_batch *tx)
{
    const struct room *room = s->owner->room;
    struct publication *p = room->slots[s->slot];
    if (p == NULL || !s->owner->connected || p->ref.participant == s->owner->id ||
        room_slot_kind(s->slot) != MEDIA_KIND_VIDEO)
        return;
    downlink_start(c, now, s->owner, tx);
    if (s->is_thinned) {
        thinning_begin(c, now, s, tx);
        if (!p->is_home && publication_main(p)->serial == 0) /* of a still screen nothing comes */
            forwarder_request_key_frame(c, now, p, p->main, tx);
        return;
    }
    uint64_t serial = publication_main(p)->serial;
    if (serial != 0 && s->source_serial == serial && !s->waiting_key_frame)
        return; /* it has it already */
    if (!replay(c, now, p, s, tx) && !thinning_begin_late(c, now, s, tx))
        forwarder_request_key_frame(c, now, p, p->main, tx);
}
