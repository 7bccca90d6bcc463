/* Wrap-aware comparison and unwrapping of RTP sequence numbers and timestamps (RFC 3550 A.1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* True when `a` comes after `b`, at most half the number circle away. */
static inline bool seq_is_newer(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b) > 0;
}

static inline bool timestamp_is_newer(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* Turns 16-bit numbers into 64-bit ones that never wrap. Zero-initialised is ready for use; the
 * first number is placed one cycle up, so that earlier, reordered ones stay positive. */
struct seq_unwrapper {
    uint64_t highest;
    bool started;
};

/* The unwrapped number nearest to the highest seen, without noting it. */
static inline uint64_t seq_unwrapper_get(const struct seq_unwrapper *u, uint16_t seq)
{
    if (!u->started)
        return 0x10000u + seq;
    int16_t delta = (int16_t)(uint16_t)(seq - (uint16_t)u->highest);
    uint64_t base = u->highest;
    return delta < 0 && (uint64_t)-delta > base ? seq : base + (uint64_t)(int64_t)delta;
}

static inline uint64_t seq_unwrapper_note(struct seq_unwrapper *u, uint16_t seq)
{
    uint64_t value = seq_unwrapper_get(u, seq);
    if (!u->started || value > u->highest)
        u->highest = value;
    u->started = true;
    return value;
}

/* The same for 32-bit timestamps. */
struct timestamp_unwrapper {
    uint64_t highest;
    bool started;
};

static inline uint64_t timestamp_unwrapper_note(struct timestamp_unwrapper *u, uint32_t timestamp)
{
    if (!u->started) {
        u->started = true;
        u->highest = 0x100000000u + timestamp;
        return u->highest;
    }
    int32_t delta = (int32_t)(timestamp - (uint32_t)u->highest);
    uint64_t value = u->highest + (uint64_t)(int64_t)delta;
    if (delta > 0)
        u->highest = value;
    return value;
}
