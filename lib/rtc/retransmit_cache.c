#include "rtc/retransmit_cache.h"

#define RTP_HEADER_BYTES 12
#define RTP_MARKER 0x80 /* in the second byte */
#define RTP_TIMESTAMP_AT 4

enum status retransmit_cache_init(struct retransmit_cache *cache, size_t capacity,
                                  size_t packet_bytes)
{
    if (capacity == 0 || capacity > 65536 || packet_bytes == 0 || packet_bytes > UINT16_MAX)
        return STATUS_CONFIG;
    size_t rounded = 1;
    while (rounded < capacity)
        rounded *= 2;
    struct retransmit_cache fresh = {.capacity = rounded, .packet_bytes = packet_bytes};
    fresh.entries = calloc(rounded, sizeof *fresh.entries);
    /* Untouched pages of the block cost nothing until a packet comes to lie there. */
    fresh.block = calloc(rounded, packet_bytes);
    if (fresh.entries == NULL || fresh.block == NULL) {
        retransmit_cache_destroy(&fresh);
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < rounded; i++)
        fresh.entries[i].data = fresh.block + i * packet_bytes;
    *cache = fresh;
    return STATUS_OK;
}

void retransmit_cache_destroy(struct retransmit_cache *cache)
{
    free(cache->entries);
    free(cache->block);
    *cache = (struct retransmit_cache){0};
}

static struct retransmit_entry *entry_of(const struct retransmit_cache *cache, uint64_t seq)
{
    return &cache->entries[seq & (cache->capacity - 1)];
}

static struct retransmit_entry *find(const struct retransmit_cache *cache, uint64_t seq)
{
    struct retransmit_entry *e = entry_of(cache, seq);
    return e->size > 0 && e->seq == seq ? e : NULL;
}

/* Two packets of one picture, `before` not its last (RFC 3550 5.1: the marker). */
static bool is_same_picture(const struct retransmit_entry *before, const struct retransmit_entry *e)
{
    return before->size >= RTP_HEADER_BYTES && e->size >= RTP_HEADER_BYTES &&
           (before->data[1] & RTP_MARKER) == 0 &&
           memcmp(before->data + RTP_TIMESTAMP_AT, e->data + RTP_TIMESTAMP_AT, 4) == 0;
}

/* A key frame begins with the first packet of its picture that is held, whichever of them says so
 * and in whatever order they come: H.264 may put a delimiter and more before the parameter sets. */
static void note_key_frame(struct retransmit_cache *cache, struct retransmit_entry *e)
{
    struct retransmit_entry *known = find(cache, cache->key_frame_seq);
    bool is_earlier_part = known != NULL && e->seq < known->seq && is_same_picture(e, known) &&
                           (e->key_frame || e->seq + 1 == known->seq);
    if (!is_earlier_part && !(e->key_frame && e->seq > cache->key_frame_seq))
        return;
    struct retransmit_entry *first = e, *before = find(cache, e->seq - 1);
    for (; before != NULL && is_same_picture(before, first); before = find(cache, first->seq - 1))
        first = before;
    first->key_frame = first->layers.key_frame = true;
    cache->key_frame_seq = first->seq;
}

struct retransmit_entry *retransmit_cache_store(struct retransmit_cache *cache, usec_t now,
                                                uint64_t seq, struct bytes packet, bool key_frame)
{
    if (packet.size == 0 || packet.size > cache->packet_bytes ||
        seq + cache->capacity <= cache->highest)
        return NULL;
    struct retransmit_entry *e = entry_of(cache, seq);
    e->seq = seq;
    e->at = now;
    e->size = (uint16_t)packet.size;
    e->key_frame = key_frame;
    e->layers = (struct layer_mark){0};
    memcpy(e->data, packet.data, packet.size);
    if (seq > cache->highest)
        cache->highest = seq;
    note_key_frame(cache, e);
    return e;
}

const struct retransmit_entry *retransmit_cache_find(const struct retransmit_cache *cache,
                                                     uint64_t seq)
{
    return find(cache, seq);
}

uint64_t retransmit_cache_find_picture(const struct retransmit_cache *cache, uint64_t seq)
{
    const struct retransmit_entry *e = find(cache, seq);
    uint64_t first = seq;
    for (; e != NULL && first > 0 && seq - first < RETRANSMIT_PICTURE_PACKETS; first--) {
        const struct retransmit_entry *before = find(cache, first - 1);
        if (before != NULL && !is_same_picture(before, e))
            break;
    }
    return first;
}

const struct retransmit_entry *retransmit_cache_find_recent(const struct retransmit_cache *cache,
                                                            usec_t now, usec_t age_us, uint64_t seq)
{
    const struct retransmit_entry *e = retransmit_cache_find(cache, seq);
    return e != NULL && now - e->at <= age_us ? e : NULL;
}

void retransmit_cache_clear(struct retransmit_cache *cache)
{
    for (size_t i = 0; i < cache->capacity; i++)
        cache->entries[i].size = 0;
    cache->highest = 0;
    cache->key_frame_seq = 0;
}

size_t retransmit_cache_find_key_frame(const struct retransmit_cache *cache, size_t packets_max,
                                       uint64_t *first)
{
    if (cache->key_frame_seq == 0 || cache->highest - cache->key_frame_seq >= packets_max)
        return 0;
    for (uint64_t seq = cache->key_frame_seq; seq <= cache->highest; seq++) {
        if (retransmit_cache_find(cache, seq) == NULL)
            return 0;
    }
    *first = cache->key_frame_seq;
    return (size_t)(cache->highest - cache->key_frame_seq + 1);
}
