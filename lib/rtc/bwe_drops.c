#include "rtc/bwe_drops.h"

#define BEHIND_US 2000       /* so long a packet waits for the one in front, at least */
#define WAITS_US_MAX 100000  /* a longer queue shows itself by its delay */
#define WAITS_US 1000        /* none is dropped that need not wait */
#define LARGE_BYTES 600      /* what is smaller has room at the end of a queue */
#define BUSY_BYTES_MIN 3000  /* say what the line carries; */
#define BUSY_BYTES_MAX 30000 /* of more, half is forgotten */
#define WAIT_WEIGHT (1.0 / 16)
#define IDLE_US 8000         /* since the packet in front was through: nothing stands there */
#define ALONE_MIN 100        /* packets say what it loses then, */
#define ALONE_LOST_MIN 3     /* or is it chance; */
#define ALONE_MAX 600        /* of more, half is forgotten */
#define LOST_FEW 8           /* that say something, all of them, */
#define LOST_MANY 16         /* or all but one */
#define LOST_US_MAX 10000000 /* since the first, and no longer */

uint64_t bwe_drops_get_rate(const struct bwe_drops *d)
{
    return d->busy_bytes < BUSY_BYTES_MIN || d->busy_us <= 0
               ? 0
               : (uint64_t)d->busy_bytes * 8 * 1000000 / (uint64_t)d->busy_us;
}

double bwe_drops_get_own_loss(const struct bwe_drops *d)
{
    bool is_chance = d->alone < ALONE_MIN || d->alone_lost < ALONE_LOST_MIN;
    return is_chance ? 0 : (double)d->alone_lost / d->alone;
}

/* One of which the one before it has come, and long enough ago. */
static void note_alone(struct bwe_drops *d, const struct bwe_drops_fate *fate, usec_t base_us)
{
    if (fate->number != d->number + 1 || d->arrival - base_us > fate->sent_at - IDLE_US)
        return;
    d->alone++;
    d->alone_lost += fate->is_lost;
    if (d->alone < ALONE_MAX)
        return;
    d->alone /= 2;
    d->alone_lost /= 2;
}

static void forget_lost(struct bwe_drops *d)
{
    d->lost = d->lost_behind = d->missing = 0;
}

static void note_busy(struct bwe_drops *d, const struct bwe_drops_fate *fate, usec_t wait_us,
                      usec_t jitter_us)
{
    usec_t gap_us = fate->arrival - d->arrival;
    if (fate->number != d->number + 1 || gap_us <= 0 || wait_us < BEHIND_US + jitter_us)
        return;
    d->busy_bytes += (uint32_t)fate->bytes;
    d->busy_us += gap_us;
    if (d->busy_bytes < BUSY_BYTES_MAX)
        return;
    d->busy_bytes /= 2;
    d->busy_us /= 2;
}

static void note_wait(struct bwe_drops *d, double wait_us)
{
    double off_us = wait_us > d->wait_us ? wait_us - d->wait_us : d->wait_us - wait_us;
    d->off_us += (off_us - d->off_us) * WAIT_WEIGHT;
    d->wait_us += (wait_us - d->wait_us) * WAIT_WEIGHT;
}

static void note_lost(struct bwe_drops *d, usec_t sent_at, usec_t wait_us)
{
    if (d->lost > 0 && sent_at - d->lost_from > LOST_US_MAX)
        forget_lost(d);
    if (d->lost == 0)
        d->lost_from = sent_at;
    bool is_behind =
        wait_us >= WAITS_US && wait_us <= WAITS_US_MAX && (double)wait_us > d->wait_us + d->off_us;
    d->lost += !is_behind;
    d->missing += is_behind;
    d->missing_wait_us = wait_us;
}

/* What comes behind them had to wait as well, or it has passed them: then they are late, not lost.
 */
static void count_missing(struct bwe_drops *d, usec_t stood_us)
{
    if (stood_us >= d->missing_wait_us / 2) {
        d->lost += d->missing;
        d->lost_behind += d->missing;
    }
    d->missing = 0;
}

static bool is_end_of_queue(const struct bwe_drops *d)
{
    return d->lost >= LOST_FEW && d->lost_behind + (d->lost >= LOST_MANY) >= d->lost;
}

uint64_t bwe_drops_handle_fate(struct bwe_drops *d, const struct bwe_drops_fate *fate,
                               usec_t base_us, usec_t jitter_us)
{
    /* How long it waits for the packet in front of it to be through. */
    usec_t wait_us = d->sent_at == 0 ? 0 : usec_max(d->arrival - base_us - fate->sent_at, 0);
    bool is_large = fate->bytes >= LARGE_BYTES;
    note_alone(d, fate, base_us);
    if (fate->is_lost) {
        if (is_large)
            note_lost(d, fate->sent_at, wait_us);
    } else {
        if (is_large)
            note_wait(d, (double)wait_us);
        if (d->missing > 0)
            count_missing(d, fate->arrival - base_us - fate->sent_at);
        note_busy(d, fate, wait_us, jitter_us);
        d->number = fate->number;
        d->sent_at = fate->sent_at;
        d->arrival = fate->arrival;
    }
    uint64_t found_bps = is_end_of_queue(d) ? bwe_drops_get_rate(d) : 0;
    if (found_bps > 0 || d->lost >= LOST_MANY)
        forget_lost(d);
    return found_bps;
}
