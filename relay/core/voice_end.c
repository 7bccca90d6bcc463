/* How a voice ends for those who hear it. */
#include "relay/core/shard_private.h"
#include "relay/core/thin_voice.h"

/* A voice that stops between two words would be drawn out by the receiver's loss concealment for
 * some tenths of a second. A few frames of silence (Opus, CELT, 20 ms) end it at once. In one
 * packet: of several the last would come 80 ms before its time, and whatever the next turn brings
 * would be late against it, so that the receiver would play all of it so much later. Who takes no
 * packet of more than 20 ms gets one frame. */
#define SILENCE_FRAMES 4
#define SILENCE_TICKS 960

static void send_silence(usec_t now, struct subscription *s, struct tx_batch *tx)
{
    static const uint8_t silence[] = {0xfb, SILENCE_FRAMES, /* RFC 6716 3.2.5: of equal size */
                                      0xff, 0xfe,           0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe};
    static const uint8_t one_frame[] = {0xf8, 0xff, 0xfe};
    static const uint8_t no_extensions[HEADER_EXTENSION_COUNT];
    bool is_long = s->takes_long_voice;
    struct media_packet packet = {.extension_ids = no_extensions,
                                  .header.payload = is_long
                                                        ? bytes_of(silence, sizeof silence)
                                                        : bytes_of(one_frame, sizeof one_frame)};
    uint64_t seq;
    uint32_t timestamp;
    if (!subscription_append(s, SILENCE_TICKS, is_long ? SILENCE_FRAMES : 1, &seq, &timestamp) ||
        !tx_batch_begin(tx, now, packet.header.payload))
        return;
    forwarder_send(now, s, &packet,
                   &(struct tx_rtp){.seq = (uint16_t)seq,
                                    .timestamp = timestamp,
                                    .ssrc = s->ssrc,
                                    .payload_type = s->payload_type},
                   tx);
    tx_batch_end(tx);
}

void voice_end_aside(usec_t now, struct publication *p, struct subscription *s, struct tx_batch *tx)
{
    const struct publication_stream *main = publication_main(p);
    if (tx != NULL && main->codec == MEDIA_CODEC_OPUS && s->is_live &&
        s->source_serial == main->serial)
        send_silence(now, s, tx);
}

static void end_voice_of(usec_t now, const struct room_listeners *l, uint64_t serial,
                         struct tx_batch *tx)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->list[i]->is_live && l->list[i]->source_serial == serial)
            send_silence(now, l->list[i], tx);
    }
}

void voice_end_slot(struct shard_core *c, usec_t now, struct room *room, enum room_slot slot,
                    struct tx_batch *tx)
{
    struct publication *p = room->slots[slot];
    if (p == NULL || publication_main(p)->codec != MEDIA_CODEC_OPUS || tx == NULL)
        return;
    end_voice_of(now, &room->listeners[slot], publication_main(p)->serial, tx);
    if (p->thin == NULL)
        return;
    thin_voices_flush(c, now, room, p, tx);
    end_voice_of(now, &room->thinned[slot], p->thin->stream.serial, tx);
}
