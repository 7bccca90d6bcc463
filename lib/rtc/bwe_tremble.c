#include "rtc/bwe_tremble.h"

#define WINDOW_US SECONDS(10)
#define STAY_US SECONDS(1)
#define TREMBLE_US_MAX 250000 /* who talks feels what is longer, whoever makes it */

static void forget_old(struct bwe_tremble *t, usec_t sent_at)
{
    if (sent_at < t->until)
        return;
    t->now_us = t->next_us;
    t->next_us = 0;
    t->until = sent_at + WINDOW_US;
}

static void note_stay(struct bwe_tremble *t)
{
    usec_t stood_us = usec_min(t->peak_us, TREMBLE_US_MAX);
    t->now_us = usec_max(t->now_us, stood_us);
    t->next_us = usec_max(t->next_us, stood_us);
}

void bwe_tremble_handle_group(struct bwe_tremble *t, usec_t sent_at, usec_t stood_us, bool is_low,
                              uint32_t bytes, uint64_t quiet_bps)
{
    forget_old(t, sent_at);
    t->bytes += bytes;
    t->peak_us = usec_max(t->peak_us, stood_us);
    if (!is_low)
        return;
    usec_t elapsed = sent_at - t->began_at;
    if (t->began_at != 0 && elapsed < STAY_US &&
        t->bytes * 8 * 1000000 < quiet_bps * (uint64_t)elapsed)
        note_stay(t);
    t->began_at = sent_at;
    t->bytes = 0;
    t->peak_us = 0;
}

usec_t bwe_tremble_get_us(const struct bwe_tremble *t)
{
    return t->now_us;
}
