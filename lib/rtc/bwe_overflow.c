#include "rtc/bwe_overflow.h"

#define SENT_GAP_US 6000 /* a packet that leaves later begins a new train */
#define PACKETS_MIN 8    /* of a train that says something; */
#define PACKETS_MAX 64   /* a longer one is looked at in parts */
#define LOST_PERCENT 25
#define ARRIVED_MIN 2
#define LATER_US 15000 /* by so much the delay grew within it, and by three times the jitter */

static bool is_overflow(const struct bwe_overflow *o, usec_t jitter_us)
{
    return o->sent >= PACKETS_MIN && o->lost * 100 >= o->sent * LOST_PERCENT &&
           o->arrived >= ARRIVED_MIN && o->last_arrival > o->first_arrival &&
           o->most_delay_us - o->least_delay_us >= LATER_US + 3 * jitter_us;
}

static void note_arrival(struct bwe_overflow *o, usec_t sent_at, usec_t arrival, size_t bytes)
{
    usec_t delay_us = arrival - sent_at;
    if (o->arrived == 0) {
        o->first_arrival = o->last_arrival = arrival;
        o->least_delay_us = o->most_delay_us = delay_us;
    } else {
        o->bytes += (uint32_t)bytes;
    }
    o->arrived++;
    o->last_arrival = usec_max(o->last_arrival, arrival);
    o->least_delay_us = usec_min(o->least_delay_us, delay_us);
    o->most_delay_us = usec_max(o->most_delay_us, delay_us);
}

/* The queue was full when the last of them came to it, and has not been emptied since. */
static bool is_behind_full(const struct bwe_overflow *o, usec_t arrival, usec_t jitter_us)
{
    usec_t later_us = arrival - o->sent_at - o->least_delay_us;
    return o->arrived > 0 && later_us >= LATER_US + 3 * jitter_us &&
           later_us >= (o->most_delay_us - o->least_delay_us) / 2;
}

static void count_missing(struct bwe_overflow *o, usec_t arrival, usec_t jitter_us)
{
    if (is_behind_full(o, arrival, jitter_us))
        o->lost += o->missing;
    else
        o->sent -= o->missing;
    o->missing = 0;
}

static uint64_t take_verdict(struct bwe_overflow *o, usec_t jitter_us)
{
    if (o->is_told || !is_overflow(o, jitter_us))
        return 0;
    o->is_told = true;
    return (uint64_t)o->bytes * 8 * 1000000 / (uint64_t)(o->last_arrival - o->first_arrival);
}

uint64_t bwe_overflow_handle_fate(struct bwe_overflow *o, usec_t sent_at, usec_t arrival,
                                  size_t bytes, bool is_lost, usec_t jitter_us)
{
    uint64_t found_bps = 0;
    if (o->missing > 0 && !is_lost) {
        count_missing(o, arrival, jitter_us);
        found_bps = take_verdict(o, jitter_us);
    }
    bool is_same = o->sent_at != 0 && sent_at >= o->sent_at &&
                   (o->missing > 0 || sent_at - o->sent_at <= SENT_GAP_US) && o->sent < PACKETS_MAX;
    if (!is_same)
        *o = (struct bwe_overflow){0};
    o->sent_at = sent_at;
    o->sent++;
    if (is_lost) {
        o->missing++;
        return 0;
    }
    note_arrival(o, sent_at, arrival, bytes);
    return found_bps > 0 ? found_bps : take_verdict(o, jitter_us);
}
