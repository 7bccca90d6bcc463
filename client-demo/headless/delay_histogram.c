#include "client-demo/headless/delay_histogram.h"

/* Sixteen buckets per doubling: the position of the top bit and the four bits below it. Values
 * under 16 us have a bucket each. */
static size_t bucket_of(uint64_t us)
{
    if (us < 16)
        return (size_t)us;
    unsigned top = 63u - (unsigned)__builtin_clzll(us);
    size_t bucket = (size_t)(top - 3) * 16 + (size_t)((us >> (top - 4)) & 15);
    return bucket < DELAY_HISTOGRAM_BUCKETS ? bucket : DELAY_HISTOGRAM_BUCKETS - 1;
}

static usec_t upper_edge(size_t bucket)
{
    if (bucket < 16)
        return (usec_t)bucket;
    unsigned top = (unsigned)(bucket / 16) + 3;
    return (usec_t)(((uint64_t)(16 + bucket % 16 + 1) << (top - 4)) - 1);
}

void delay_histogram_add(struct delay_histogram *h, usec_t delay_us)
{
    if (delay_us < 0)
        delay_us = 0;
    h->counts[bucket_of((uint64_t)delay_us)]++;
    h->total++;
    h->largest_us = usec_max(h->largest_us, delay_us);
}

void delay_histogram_merge(struct delay_histogram *into, const struct delay_histogram *from)
{
    for (size_t i = 0; i < DELAY_HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    into->largest_us = usec_max(into->largest_us, from->largest_us);
}

usec_t delay_histogram_get(const struct delay_histogram *h, double q)
{
    if (h->total == 0)
        return 0;
    uint64_t wanted = (uint64_t)(q * (double)h->total);
    uint64_t seen = 0;
    for (size_t i = 0; i < DELAY_HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > wanted)
            return usec_min(upper_edge(i), h->largest_us);
    }
    return h->largest_us;
}
