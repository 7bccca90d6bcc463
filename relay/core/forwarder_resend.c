/* What a receiver asks for again: as a packet of its retransmission stream (RFC 4588) where it
 * takes one, else the very packet that it was sent. Allocates nothing. */
#include "relay/core/redundancy.h"
#include "relay/core/repeats.h"
#include "relay/core/shard_private.h"

#define OSN_BYTES 2
#define VOICE_AGAIN_US MILLISECONDS(400) /* a word that comes later is not heard any more */

/* What went out as `seq16`, from the cache. */
struct resend {
    const struct publication_stream *stream;
    const struct retransmit_entry *entry;
    uint64_t seq; /* out */
    uint64_t source_seq;
    struct layer_shift shift;
};

/* A thinned subscription's numbers are its selector's; also those of before it got everything
 * again. */
static bool find_sent(struct publication *p, const struct subscription *s, uint16_t seq16,
                      struct resend *r)
{
    struct layer_segment segment;
    bool is_plain = !s->is_thinned || room_slot_kind(s->slot) == MEDIA_KIND_AUDIO;
    if (is_plain && subscription_find_source_seq(s, seq16, &r->source_seq, &r->seq)) {
        r->stream = publication_find_stream(p, s->source_serial);
        r->shift = (struct layer_shift){.timestamp = s->timestamp_offset};
        segment.temporal_max = LAYER_ALL;
    } else if (thinning_find_sent(s, seq16, &r->seq, &r->source_seq, &segment)) {
        r->stream = publication_find_stream(p, segment.serial);
        r->shift = segment.shift;
    } else {
        return false;
    }
    r->entry = r->stream != NULL && r->stream->has_cache
                   ? retransmit_cache_find(&r->stream->cache, r->source_seq)
                   : NULL;
    /* Its number was kept until it came, and it turned out to be of a layer that is left out. */
    return r->entry != NULL && r->entry->layers.temporal_layer <= segment.temporal_max;
}

/* Nothing of it is kept any more; what has not come from the publisher yet may still come. */
static bool is_gone(const struct resend *r)
{
    return r->stream == NULL || !r->stream->has_cache ||
           (r->entry == NULL &&
            r->source_seq + r->stream->cache.capacity <= r->stream->cache.highest);
}

/* RFC 4588 4: the original's number stands before its payload. Returns the size, 0 when it does not
 * fit. */
static size_t write_rtx(const struct resend *r, struct bytes payload, uint8_t out[TX_PAYLOAD_BYTES])
{
    if (payload.size + OSN_BYTES > TX_PAYLOAD_BYTES)
        return 0;
    store_u16(out, (uint16_t)r->seq);
    if (payload.size > 0)
        memcpy(out + OSN_BYTES, payload.data, payload.size);
    layer_shift_apply(&r->shift, r->stream->codec,
                      (struct bytes_mut){out + OSN_BYTES, payload.size});
    return payload.size + OSN_BYTES;
}

static bool send_rtx(usec_t now, struct subscription *s, const struct resend *r,
                     const struct media_packet *packet, struct tx_batch *tx)
{
    uint8_t payload[TX_PAYLOAD_BYTES];
    size_t bytes = write_rtx(r, packet->header.payload, payload);
    if (bytes == 0 || !tx_batch_begin(tx, now, bytes_of(payload, bytes)))
        return false;
    forwarder_send(now, s, packet,
                   &(struct tx_rtp){.seq = (uint16_t)s->rtx_seq++,
                                    .timestamp = packet->header.timestamp + r->shift.timestamp,
                                    .ssrc = s->rtx_ssrc,
                                    .payload_type = s->rtx_payload_type,
                                    .marker = packet->header.marker},
                   tx);
    tx_batch_end(tx);
    return true;
}

/* --- Without RTX: the very packet */

/* As it went out; 0 when that cannot be made any more. */
static size_t write_again(const struct publication *p, const struct subscription *s,
                          const struct resend *r, const struct repeat *repeat,
                          const struct media_packet *packet, uint8_t out[TX_PAYLOAD_BYTES])
{
    if (repeat->redundancy > 0)
        return redundancy_write(p, packet, repeat->redundancy, s->payload_type, out);
    struct bytes payload = packet->header.payload;
    if (payload.size > TX_PAYLOAD_BYTES)
        return 0;
    if (payload.size > 0)
        memcpy(out, payload.data, payload.size);
    layer_shift_apply(&r->shift, r->stream->codec, (struct bytes_mut){out, payload.size});
    return payload.size;
}

/* It takes of the line what it takes, and its number answers for nothing any more. */
static void meter_again(const struct subscription *s, usec_t now, const struct repeat *repeat,
                        const struct tx_prefix *prefix, const struct tx_batch *tx)
{
    struct downlink *d = s->owner->downlink;
    if (d == NULL)
        return;
    if (d->state != DOWNLINK_FREE)
        (void)downlink_handle_send(d, now, forwarder_line_bytes(prefix, tx), false);
    if (repeat->is_stamped)
        bwe_note_repeat(&d->bwe, repeat->stamp);
}

static bool send_again(const struct publication *p, usec_t now, struct subscription *s,
                       const struct resend *r, const struct repeat *repeat,
                       const struct media_packet *packet, struct tx_batch *tx)
{
    uint8_t payload[TX_PAYLOAD_BYTES];
    bool is_voice = room_slot_kind(s->slot) == MEDIA_KIND_AUDIO;
    size_t bytes = write_again(p, s, r, repeat, packet, payload);
    if (bytes == 0 || !tx_batch_begin(tx, now, bytes_of(payload, bytes)))
        return false;
    struct tx_prefix *prefix = tx_batch_add_prefix(tx, now, s->layout);
    prefix->bytes = (uint16_t)subscription_write_extensions_again(
        s, repeat, packet, s->owner->extension_ids, prefix->data, &prefix->stamp_at);
    meter_again(s, now, repeat, prefix, tx);
    tx_batch_add(tx, now, s->receiver, is_voice ? TX_CLASS_FIRST : TX_CLASS_VIDEO, prefix,
                 &(struct tx_rtp){.seq = (uint16_t)r->seq,
                                  .stamp = repeat->stamp,
                                  .timestamp = packet->header.timestamp + r->shift.timestamp,
                                  .ssrc = s->ssrc,
                                  .payload_type = repeat->redundancy > 0 ? s->red_payload_type
                                                                         : s->payload_type,
                                  .marker = packet->header.marker,
                                  .repeat = TX_AGAIN});
    tx_batch_end(tx);
    return true;
}

/* Voice is of use for as long as a player waits for it; it is half a round trip away. */
static bool is_too_late(const struct subscription *s, usec_t now, usec_t rtt_us,
                        const struct resend *r)
{
    return room_slot_kind(s->slot) == MEDIA_KIND_AUDIO &&
           now - r->entry->at >= VOICE_AGAIN_US - usec_min(rtt_us, VOICE_AGAIN_US);
}

bool forwarder_resend_now(struct shard_core *c, usec_t now, struct participant *p,
                          struct subscription *s, uint16_t seq16, struct tx_batch *tx)
{
    struct publication *publication = shard_source_of(s);
    bool has_rtx = s->rtx_ssrc != 0 && s->rtx_payload_type != 0;
    const struct repeat *repeat =
        !has_rtx && s->is_repeatable ? repeats_find(s->repeats, seq16) : NULL;
    struct resend r = {0};
    if (publication == NULL || (!has_rtx && repeat == NULL) ||
        !find_sent(publication, s, seq16, &r) || is_too_late(s, now, p->rtt_us, &r)) {
        shard_drop(c, DROP_RETRANSMIT_GONE);
        if (is_gone(&r))
            subscription_note_lost(s, now);
        return false;
    }
    unsigned copies = subscription_admit_resend(s, now, p->rtt_us, r.seq, r.entry->size);
    if (copies == 0) {
        shard_drop(c, DROP_RETRANSMIT_LIMIT);
        return false;
    }
    struct media_packet packet =
        forwarder_packet_of(publication, r.stream, r.entry->seq, r.entry->key_frame);
    if (rtp_parse_header(bytes_of(r.entry->data, r.entry->size), &packet.header) != STATUS_OK)
        return false;
    packet.frame_shift = r.shift.frame;
    bool sent = true;
    for (; sent && copies > 0; copies--) {
        sent = has_rtx ? send_rtx(now, s, &r, &packet, tx)
                       : send_again(publication, now, s, &r, repeat, &packet, tx);
        c->stats.retransmitted += sent;
    }
    if (sent && has_rtx)
        stream_head_note_again(s, seq16);
    return sent;
}

void forwarder_resend(struct shard_core *c, usec_t now, struct participant *p,
                      struct subscription *s, uint16_t seq16, struct tx_batch *tx)
{
    bool is_voice = room_slot_kind(s->slot) == MEDIA_KIND_AUDIO;
    if (is_voice || downlink_admits_resend(c, now, p, s, seq16))
        (void)forwarder_resend_now(c, now, p, s, seq16, tx);
}

bool forwarder_send_padding(usec_t now, struct subscription *s, size_t bytes, struct tx_batch *tx)
{
    static const uint8_t no_extensions[HEADER_EXTENSION_COUNT];
    struct media_packet packet = {.extension_ids = no_extensions};
    uint8_t padding[UINT8_MAX] = {0};
    CHECK(bytes > 0 && bytes <= sizeof padding);
    padding[bytes - 1] = (uint8_t)bytes;
    if (!tx_batch_begin(tx, now, bytes_of(padding, bytes)))
        return false;
    forwarder_send(now, s, &packet,
                   &(struct tx_rtp){.seq = (uint16_t)s->rtx_seq++,
                                    .timestamp = s->last_timestamp,
                                    .ssrc = s->rtx_ssrc,
                                    .payload_type = s->rtx_payload_type,
                                    .is_padding = true},
                   tx);
    tx_batch_end(tx);
    return true;
}
