#include "rtc/bwe_pairs.h"

#define BESIDE_US 10000 /* from one to the other when they leave, at most */
#define BYTES_MIN 300   /* what is small comes apart by chance */
#define PAIRS 6
#define EVEN_FACTOR 3 /* from the slowest to the fastest */
#define FASTER 2      /* they left so much faster than they arrived */

static uint64_t rate_of(size_t bytes, usec_t us)
{
    return (uint64_t)bytes * 8 * 1000000 / (uint64_t)usec_max(us, 1);
}

static void take(struct bwe_pairs *p, uint64_t rate_bps)
{
    bool agrees = p->count > 0 && rate_bps * EVEN_FACTOR >= p->most_bps &&
                  rate_bps <= p->least_bps * EVEN_FACTOR;
    p->count = agrees ? p->count + 1 : 1;
    p->least_bps = agrees && p->least_bps < rate_bps ? p->least_bps : rate_bps;
    p->most_bps = agrees && p->most_bps > rate_bps ? p->most_bps : rate_bps;
}

uint64_t bwe_pairs_handle_arrival(struct bwe_pairs *p, uint64_t number, usec_t sent_at,
                                  usec_t arrival, size_t bytes, uint64_t narrow_bps)
{
    usec_t left_us = sent_at - p->sent_at, came_us = arrival - p->arrival;
    bool is_pair = number == p->number + 1 && left_us <= BESIDE_US && bytes >= BYTES_MIN;
    p->number = number;
    p->sent_at = sent_at;
    p->arrival = arrival;
    if (!is_pair)
        return 0;
    uint64_t rate_bps = rate_of(bytes, came_us);
    if (rate_bps >= narrow_bps)
        p->count = 0;
    else if (rate_of(bytes, left_us) >= FASTER * rate_bps)
        take(p, rate_bps);
    if (p->count < PAIRS)
        return 0;
    p->count = 0;
    return p->most_bps;
}
