#include "rtc/bwe_tremble.h"

#define WINDOW_US SECONDS(10)
#define STAY_US SECONDS(1)
#define LOUD_US 20000         /* what goes out within this time makes no queue of its own */
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

static uint64_t bytes_in(uint64_t bps, usec_t us)
{
    return bps / 8 * (uint64_t)us / 1000000;
}

/* What at that rate would still be to come. */
static void note_bytes(struct bwe_tremble *t, usec_t sent_at, uint32_t bytes, uint64_t quiet_bps)
{
    uint64_t gone = bytes_in(quiet_bps, usec_min(sent_at - t->sent_at, STAY_US));
    t->owed_bytes = (t->owed_bytes > gone ? t->owed_bytes - gone : 0) + bytes;
    t->sent_at = sent_at;
    t->is_loud = t->is_loud || t->owed_bytes > bytes_in(quiet_bps, LOUD_US);
}

void bwe_tremble_handle_group(struct bwe_tremble *t, usec_t sent_at, usec_t stood_us, bool is_low,
                              uint32_t bytes, uint64_t quiet_bps)
{
    forget_old(t, sent_at);
    note_bytes(t, sent_at, bytes, quiet_bps);
    t->peak_us = usec_max(t->peak_us, stood_us);
    if (!is_low)
        return;
    if (t->began_at != 0 && sent_at - t->began_at < STAY_US && !t->is_loud)
        note_stay(t);
    t->began_at = sent_at;
    t->is_loud = false;
    t->peak_us = 0;
}

usec_t bwe_tremble_get_us(const struct bwe_tremble *t)
{
    return t->now_us;
}
