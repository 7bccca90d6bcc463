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

uint64_t bwe_overflow_handle_fate(struct bwe_overflow *o, usec_t sent_at, usec_t arrival,
                                  size_t bytes, bool is_lost, usec_t jitter_us)
{
    if (o->sent_at == 0 || sent_at < o->sent_at || sent_at - o->sent_at > SENT_GAP_US ||
        o->sent == PACKETS_MAX)
        *o = (struct bwe_overflow){0};
    o->sent_at = sent_at;
    o->sent++;
    if (is_lost)
        o->lost++;
    else
        note_arrival(o, sent_at, arrival, bytes);
    if (o->is_told || !is_overflow(o, jitter_us))
        return 0;
    o->is_told = true;
    return (uint64_t)o->bytes * 8 * 1000000 / (uint64_t)(o->last_arrival - o->first_arrival);
}
