/* Who gets voices thin (thin_voice.h), and how they come. Such subscriptions stand in the lists of
 * the thinned, so that forwarding to the others does not even look at them. They come and go where
 * nothing of the voice waits: no sound is lost there, and none comes twice. */
#include "relay/core/redundancy.h"
#include "relay/core/shard_private.h"
#include "relay/core/thin_voice.h"

#define FEC_LOSS_PERCENT 10 /* told to the encoder where a listener loses packets */
#define FEC_REDUNDANCY 2    /* level from which on it does (redundancy.h) */
#define UNIT_TICKS 960
#define PACKET_BYTES (12 + VOICE_CODER_PACKET_BYTES_MAX)

static bool is_voice_slot(enum room_slot slot)
{
    return slot == ROOM_SLOT_VOICE_0 || slot == ROOM_SLOT_VOICE_1 || slot == ROOM_SLOT_VOICE_2 ||
           slot == ROOM_SLOT_VOICE_ANY;
}

/* --- Who */

static bool is_pending(const struct subscription *s)
{
    return s->wants_thin_voice != s->gets_thin_voice;
}

static void count(struct room *room, const struct subscription *s, int32_t sign)
{
    room->thin_voices += (uint32_t)(sign * (s->wants_thin_voice || s->gets_thin_voice));
    room->thin_pending[s->slot] += (uint32_t)(sign * is_pending(s));
}

/* To the other list; without memory it stays. */
static bool move(struct room *room, struct subscription *s, bool thin)
{
    count(room, s, -1);
    bool moved = room_move_listener(room, s, thin) == STATUS_OK;
    s->gets_thin_voice = moved ? thin : s->gets_thin_voice;
    count(room, s, 1);
    return moved;
}

void thin_voices_set(struct subscription *s, bool thin)
{
    struct room *room = s->owner->room;
    thin = thin && s->takes_long_voice;
    if (!is_voice_slot(s->slot) || s->wants_thin_voice == thin)
        return;
    count(room, s, -1);
    s->wants_thin_voice = thin;
    count(room, s, 1);
    if (room->slots[s->slot] == NULL)
        (void)move(room, s, thin); /* nothing is said there */
}

void thin_voices_forget(struct subscription *s)
{
    if (is_voice_slot(s->slot))
        count(s->owner->room, s, -1);
}

/* --- Which voices */

void thin_voices_end(struct shard_core *c, struct publication *p)
{
    if (p->thin == NULL)
        return;
    thin_voice_free(p->thin);
    p->thin = NULL;
    c->thin_voice_count--;
}

static bool start(struct shard_core *c, struct publication *p)
{
    if (c->thin_voice_count >= THIN_VOICES_MAX || thin_voice_create(&p->thin) != STATUS_OK)
        return false;
    c->thin_voice_count++;
    return true;
}

static void follow_source(struct shard_core *c, struct publication *p)
{
    const struct publication_stream *source = publication_main(p);
    struct publication_stream *own = &p->thin->stream;
    if (p->thin->source_serial != source->serial) {
        thin_voice_restart(p->thin, source->serial);
        publication_begin_epoch(own, own->epoch + 1, ++c->next_serial, source->codec,
                                source->profile);
    }
    own->has_clock = source->has_clock;
    own->clock_ntp = source->clock_ntp;
    own->clock_timestamp = source->clock_timestamp;
}

static void change_lists(struct room *room, enum room_slot slot, struct publication *p, bool can_be,
                         uint64_t next_seq)
{
    const struct room_listeners *whole = &room->listeners[slot];
    const struct room_listeners *thin = &room->thinned[slot];
    uint64_t serial = publication_main(p)->serial;
    /* From the end: one that leaves a list is replaced by one already seen. */
    for (uint32_t i = thin->count; i-- > 0;) {
        struct subscription *s = thin->list[i];
        if (!s->gets_thin_voice || (can_be && s->wants_thin_voice))
            continue;
        if (move(room, s, false) && p->thin != NULL)
            subscription_change_stream(s, p->thin->stream.serial, serial, next_seq);
    }
    for (uint32_t i = can_be ? whole->count : 0; i-- > 0;) {
        struct subscription *s = whole->list[i];
        if (!s->wants_thin_voice || !move(room, s, true))
            continue;
        subscription_change_stream(s, serial, p->thin->stream.serial, p->thin->next_seq);
        thin_voice_note_listener(p->thin);
    }
}

void thin_voices_prepare(struct shard_core *c, usec_t now, struct room *room, struct publication *p,
                         uint64_t next_seq)
{
    bool is_opus = publication_main(p)->codec == MEDIA_CODEC_OPUS;
    for (uint32_t slots = p->slots; slots != 0; slots &= slots - 1) {
        enum room_slot slot = (enum room_slot)__builtin_ctz(slots);
        uint32_t pending = room->thin_pending[slot], here = room->thinned[slot].count;
        if (!is_voice_slot(slot) || pending + here == 0)
            continue;
        bool can_be = is_opus && (p->thin != NULL || start(c, p));
        if (can_be) {
            follow_source(c, p);
            p->thin->used_at = now;
        }
        if (can_be ? pending > 0 && thin_voice_is_between(p->thin) : here > 0)
            change_lists(room, slot, p, can_be, next_seq);
    }
    if (p->thin != NULL && now - p->thin->used_at > THIN_VOICE_UNUSED_US)
        thin_voices_end(c, p);
}

/* --- How much of them: what comes costs a decoder's and an encoder's work, sent by whoever may
 * speak, and a byte carries any length of sound. So no more is worked on than time passes. */

static bool is_too_fast(const struct publication *p, usec_t now)
{
    return p->thin_due_at - now >= THIN_VOICE_AHEAD_US;
}

/* The sound of one packet, with what was made up around it; before it `waited` samples did. */
static usec_t sound_of(const struct thin_voice *t, size_t waited)
{
    int64_t samples = (int64_t)t->samples - (int64_t)waited;
    for (size_t i = 0; i < t->out_count; i++)
        samples += t->out[i].ticks / (48000 / VOICE_CODER_HZ);
    return usec_max(samples, 0) * 1000000 / VOICE_CODER_HZ;
}

/* At four fifths: a speaker's clock may run fast, and pauses are rounded up. */
static void note_sound(struct publication *p, usec_t now, usec_t sound)
{
    p->thin_due_at = usec_max(p->thin_due_at, now) + sound * 4 / 5;
}

/* --- What they get */

/* As a packet that can be asked for again. */
static void keep(struct thin_voice *t, usec_t now, const struct thin_packet *packet)
{
    uint8_t whole[PACKET_BYTES];
    struct writer w = writer_of((struct bytes_mut){whole, sizeof whole});
    rtp_write_header(
        &w, &(struct rtp_header){.seq = (uint16_t)packet->seq, .timestamp = packet->timestamp});
    write_bytes(&w, packet->payload);
    if (!w.failed)
        (void)retransmit_cache_store(&t->stream.cache, now, packet->seq,
                                     bytes_const(writer_written(&w)), false);
}

static void send_to(struct shard_core *c, usec_t now, struct subscription *s,
                    const struct media_packet *packet, uint32_t ticks, struct tx_batch *tx)
{
    uint64_t seq;
    uint32_t timestamp;
    if (!s->gets_thin_voice || !s->is_live || s->is_aside || s->owner_id == packet->participant ||
        subscription_accept(s, now, packet, &seq, &timestamp) != SUBSCRIPTION_SEND)
        return;
    /* What comes next follows its last 20 ms. */
    s->last_timestamp = timestamp + (ticks > UNIT_TICKS ? ticks - UNIT_TICKS : 0);
    c->stats.rtp_forwarded++;
    forwarder_send(now, s, packet,
                   &(struct tx_rtp){.seq = (uint16_t)seq,
                                    .timestamp = timestamp,
                                    .ssrc = s->ssrc,
                                    .payload_type = s->payload_type},
                   tx);
}

static void send_one(struct shard_core *c, usec_t now, const struct room *room,
                     struct publication *p, const struct thin_packet *thin, struct tx_batch *tx)
{
    static const uint8_t no_extensions[HEADER_EXTENSION_COUNT];
    struct media_packet packet = forwarder_packet_of(p, &p->thin->stream, thin->seq, true);
    packet.extension_ids = no_extensions; /* levels and times are bytes that its line lacks */
    packet.late_us = publication_main(p)->lateness.late_us;
    packet.header.timestamp = thin->timestamp;
    packet.header.payload = thin->payload;
    keep(p->thin, now, thin);
    if (!tx_batch_begin(tx, now, packet.header.payload))
        return;
    unsigned redundancy = 0;
    for (uint32_t slots = p->slots; slots != 0; slots &= slots - 1) {
        enum room_slot slot = (enum room_slot)__builtin_ctz(slots);
        const struct room_listeners *l = &room->thinned[slot];
        for (uint32_t i = 0; is_voice_slot(slot) && i < l->count; i++) {
            send_to(c, now, l->list[i], &packet, thin->ticks, tx);
            redundancy = l->list[i]->redundancy > redundancy ? l->list[i]->redundancy : redundancy;
        }
    }
    tx_batch_end(tx);
    voice_coder_set_loss(p->thin->coder, redundancy >= FEC_REDUNDANCY ? FEC_LOSS_PERCENT : 0);
}

static void send_out(struct shard_core *c, usec_t now, const struct room *room,
                     struct publication *p, struct tx_batch *tx)
{
    for (size_t i = 0; i < p->thin->out_count; i++)
        send_one(c, now, room, p, &p->thin->out[i], tx);
}

void thin_voices_forward(struct shard_core *c, usec_t now, const struct room *room,
                         struct publication *p, const struct media_packet *packet,
                         struct tx_batch *tx)
{
    if (p->thin == NULL || p->thin->source_serial != packet->source_serial)
        return;
    if (is_too_fast(p, now)) {
        shard_drop(c, DROP_VOICE_FAST);
        return;
    }
    size_t waited = p->thin->samples;
    enum status status =
        thin_voice_add(p->thin, packet->seq, packet->header.timestamp, packet->header.payload);
    note_sound(p, now, sound_of(p->thin, waited));
    if (status == STATUS_MALFORMED)
        shard_drop(c, DROP_BAD_VOICE);
    else if (status == STATUS_NOT_FOUND)
        shard_drop(c, DROP_VOICE_LATE);
    send_out(c, now, room, p, tx);
}

void thin_voices_flush(struct shard_core *c, usec_t now, const struct room *room,
                       struct publication *p, struct tx_batch *tx)
{
    if (p->thin == NULL || tx == NULL)
        return;
    thin_voice_flush(p->thin);
    send_out(c, now, room, p, tx);
}
