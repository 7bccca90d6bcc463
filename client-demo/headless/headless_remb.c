#include "client-demo/headless/headless_remb.h"

#define LEARNING_US SECONDS(5) /* before the first rate, unless a queue is seen */
#define QUEUE_US 40000
#define LEAST_US SECONDS(10) /* a longer way is the usual one after this, or twice this */
#define DECREASE 0.85
#define INCREASE 1.08
#define ABOVE_ARRIVALS 1.5
#define ABOVE_BPS 10000
#define NO_TRANSIT INT64_MAX

void headless_remb_handle_packet(struct headless_remb *r, usec_t now, size_t bytes)
{
    if (r->began_at == 0) {
        *r = (struct headless_remb){.began_at = now, .counted_at = now};
        r->least_us = r->earlier_us = r->latest_us = NO_TRANSIT;
    }
    r->bytes += bytes;
}

void headless_remb_handle_voice(struct headless_remb *r, usec_t now, uint32_t timestamp)
{
    uint32_t ticks = (uint32_t)(now * 48 / 1000) - timestamp;
    if (!r->has_voice) {
        r->has_voice = true;
        r->first_ticks = ticks;
        r->least_at = now;
    }
    usec_t transit_us = (usec_t)(int32_t)(ticks - r->first_ticks) * 1000 / 48;
    if (now - r->least_at > LEAST_US) {
        r->least_at = now;
        r->earlier_us = r->least_us;
        r->least_us = transit_us;
    }
    r->least_us = usec_min(r->least_us, transit_us);
    r->latest_us = usec_min(r->latest_us, transit_us);
}

bool headless_remb_take_rate(struct headless_remb *r, usec_t now, enum headless_remb_kind kind,
                             uint64_t *rate_bps)
{
    usec_t passed_us = now - r->counted_at;
    double arrived = passed_us > 0 ? (double)r->bytes * 8e6 / (double)passed_us : 0;
    bool queue = r->latest_us != NO_TRANSIT &&
                 r->latest_us - usec_min(r->least_us, r->earlier_us) > QUEUE_US;
    double rate = (double)r->rate_bps;
    if (queue)
        rate = rate == 0 || arrived * DECREASE < rate ? arrived * DECREASE : rate;
    else if (rate == 0)
        rate = now - r->began_at >= LEARNING_US ? arrived : 0;
    else if (rate * INCREASE <= arrived * ABOVE_ARRIVALS + ABOVE_BPS)
        rate *= INCREASE;
    double top = arrived * ABOVE_ARRIVALS + ABOVE_BPS;
    if (kind == HEADLESS_REMB_FOLLOWS && rate > top)
        rate = top;
    if (kind == HEADLESS_REMB_50_KBPS)
        rate = 50000;
    r->rate_bps = (uint64_t)rate;
    r->counted_at = now;
    r->bytes = 0;
    r->latest_us = NO_TRANSIT;
    *rate_bps = r->rate_bps;
    return r->rate_bps > 0;
}
