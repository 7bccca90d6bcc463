#include "relay/shell/turn_times.h"

#define STEPS 8 /* to each doubling */
#define STEP_BITS 3

/* Below STEPS each microsecond has a bucket of its own. */
static uint32_t bucket_of(uint32_t us)
{
    if (us < STEPS)
        return us;
    uint32_t doubling = 31u - (uint32_t)__builtin_clz(us) - STEP_BITS;
    uint32_t bucket = (doubling + 1) * STEPS + (us >> doubling) - STEPS;
    return bucket < TURN_TIMES_BUCKETS ? bucket : TURN_TIMES_BUCKETS - 1;
}

/* The largest length in a bucket. */
static uint32_t end_of(uint32_t bucket)
{
    if (bucket < STEPS)
        return bucket;
    uint32_t doubling = bucket / STEPS - 1;
    return ((bucket % STEPS + STEPS + 1) << doubling) - 1;
}

void turn_times_note(struct turn_times *t, usec_t length)
{
    usec_t bounded = usec_min(usec_max(length, 0), SECONDS(60));
    t->buckets[bucket_of((uint32_t)bounded)]++;
    t->count++;
}

uint32_t turn_times_get_permille(const struct turn_times *t, uint32_t permille)
{
    uint64_t wanted = ((uint64_t)t->count * permille + 999) / 1000;
    uint64_t seen = 0;
    if (t->count == 0)
        return 0;
    for (uint32_t i = 0; i < TURN_TIMES_BUCKETS; i++) {
        seen += t->buckets[i];
        if (seen >= wanted)
            return end_of(i);
    }
    return end_of(TURN_TIMES_BUCKETS - 1);
}
