#include "relay/core/stream_tail.h"

static void begin(struct stream_tail *t, usec_t now, uint64_t seq, uint32_t timestamp)
{
    *t = (struct stream_tail){.has_key_frame = true,
                              .key_seq = seq,
                              .key_frame_at = now,
                              .key_timestamp = timestamp,
                              .base_seq = seq,
                              .base_timestamp = timestamp,
                              .timestamp = timestamp};
}

void stream_tail_note(struct stream_tail *t, usec_t now, uint64_t seq, uint32_t timestamp,
                      uint8_t temporal_layer, bool begins_key_frame, size_t bytes)
{
    if (begins_key_frame && (!t->has_key_frame || seq > t->key_seq))
        begin(t, now, seq, timestamp);
    else if (t->has_key_frame && timestamp == t->key_timestamp && seq < t->key_seq)
        t->key_seq = seq;
    if (!t->has_key_frame || seq < t->key_seq)
        return;
    t->packets++;
    t->key_packets += timestamp == t->key_timestamp;
    if (t->timestamp != timestamp)
        t->picture_packets = 0;
    t->timestamp = timestamp;
    t->picture_packets++;
    if (temporal_layer > 0)
        return;
    t->base_packets++;
    t->base_bytes += (uint32_t)bytes;
    bool is_newer = timestamp != t->base_timestamp && seq > t->base_seq;
    bool is_earlier_part = timestamp == t->base_timestamp && seq < t->base_seq;
    if (is_newer || is_earlier_part) {
        t->base_seq = seq;
        t->base_timestamp = timestamp;
    }
}

static bool is_fast(const struct stream_tail *t, usec_t now)
{
    int64_t behind = (int64_t)t->base_packets - t->key_packets;
    usec_t elapsed = usec_max(now - t->key_frame_at, STREAM_TAIL_KEY_FRAME_US / 2);
    return behind * STREAM_TAIL_KEY_FRAME_US / elapsed + t->key_packets > STREAM_TAIL_PACKETS_MAX;
}

bool stream_tail_is_short(const struct stream_tail *t, usec_t now)
{
    return t->has_key_frame && t->base_packets <= STREAM_TAIL_PACKETS_MAX && !is_fast(t, now);
}

bool stream_tail_is_long(const struct stream_tail *t, usec_t now)
{
    if (!t->has_key_frame || now - t->key_frame_at < STREAM_TAIL_KEY_FRAME_US ||
        t->packets < (STREAM_TAIL_SHARE + 1) * t->key_packets || is_fast(t, now))
        return false;
    return t->base_packets > STREAM_TAIL_PACKETS_LATEST ||
           (t->base_packets > STREAM_TAIL_PACKETS_LONG &&
            t->picture_packets >= STREAM_TAIL_PICTURE_LARGE);
}
