#include "rtc/bwe_loss.h"

#define WINDOW_US 250000
#define WINDOW_US_MAX SECONDS(3)
#define WINDOW_PACKETS 20
#define BACKGROUND_WEIGHT 0.2
#define AFTER_CUT_WEIGHT 0.3
#define QUIET_WEIGHT 0.3
#define EXCESS 0.12      /* in two windows in a row */
#define EXCESS_HIGH 0.35 /* in one */

void bwe_loss_handle_packet(struct bwe_loss *l, size_t bytes, bool lost, bool was_lost)
{
    if (!lost)
        l->arrived_bytes += bytes;
    if (was_lost) {
        l->lost -= l->lost > 0;
        return;
    }
    l->packets++;
    l->lost += lost;
}

static void begin_window(struct bwe_loss *l, usec_t now)
{
    l->window_at = now;
    l->packets = l->lost = 0;
    l->arrived_bytes = 0;
}

void bwe_loss_restart(struct bwe_loss *l, usec_t now)
{
    begin_window(l, now);
    l->high_count = 0;
}

bool bwe_loss_handle_feedback(struct bwe_loss *l, usec_t now, bool busy, uint64_t *arrived_bps)
{
    usec_t elapsed = now - l->window_at;
    if (l->window_at == 0 || elapsed > WINDOW_US_MAX) {
        begin_window(l, now);
        return false;
    }
    if (elapsed < WINDOW_US || l->packets < WINDOW_PACKETS)
        return false;
    double share = (double)l->lost / l->packets;
    double rate = (double)l->arrived_bytes * 8e6 / (double)elapsed;
    double excess = share - l->background;
    begin_window(l, now);
    l->last = share;
    /* A line that is used and loses less than usual is better than was thought. */
    if (!busy || excess < 0)
        l->background += (share - l->background) * BACKGROUND_WEIGHT;
    if (!busy)
        l->quiet += (share - l->quiet) * QUIET_WEIGHT;
    l->high_count = busy && excess > EXCESS ? l->high_count + 1 : 0;
    if (l->high_count < (excess > EXCESS_HIGH ? 1u : 2u))
        return false;
    l->high_count = 0;
    *arrived_bps = (uint64_t)(rate / (1 - l->background));
    /* Should it lose as much at the lower rate, then the rate was not why. */
    l->background += excess * AFTER_CUT_WEIGHT;
    return true;
}
