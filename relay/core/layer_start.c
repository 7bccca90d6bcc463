#include "relay/core/layer_start.h"

bool layer_start_is_usable(const struct layer_source *s)
{
    return s->serial != 0 && s->accepted && s->cache != NULL;
}

static uint32_t timestamp_of(const struct retransmit_entry *e)
{
    return load_u32(e->data + 4);
}

uint64_t layer_start_count_picture(const struct layer_source *s, uint64_t first, uint32_t timestamp)
{
    uint64_t seq = first;
    const struct retransmit_entry *e = retransmit_cache_find(s->cache, seq);
    while (e != NULL && timestamp_of(e) == timestamp)
        e = retransmit_cache_find(s->cache, ++seq);
    return seq - first;
}

/* Packets from the newest key frame on that are more than a new key frame would be: where what came
 * behind it is the smaller part, the cached one is as good. */
static uint64_t replay_max(const struct layer_source *s)
{
    uint64_t first = s->cache->key_frame_seq;
    const struct retransmit_entry *key = retransmit_cache_find(s->cache, first);
    uint64_t most = layer_start_count_picture(s, first, timestamp_of(key)) * LAYER_REPLAY_FACTOR;
    return most > LAYER_REPLAY_PACKETS ? most : LAYER_REPLAY_PACKETS;
}

/* From the newest key frame on there is not too much to begin with. */
static bool is_near(const struct layer_source *s)
{
    bool has_tail = s->tail != NULL && s->tail->has_key_frame;
    return (has_tail && s->tail->base_packets <= s->tail_max) ||
           s->cache->highest - s->cache->key_frame_seq < replay_max(s);
}

bool layer_start_find(const struct layer_source *s, bool however_far, uint64_t *first)
{
    if (!layer_start_is_usable(s) || s->cache->key_frame_seq == 0 ||
        retransmit_cache_find(s->cache, s->cache->key_frame_seq) == NULL ||
        (!however_far && !is_near(s)))
        return false;
    *first = s->cache->key_frame_seq;
    return true;
}

uint64_t layer_start_way(const struct layer_source *s, uint64_t first)
{
    if (s->tail != NULL && s->tail->has_key_frame && s->tail->key_seq == first)
        return s->tail->base_packets;
    return s->cache->highest + 1 - first;
}
