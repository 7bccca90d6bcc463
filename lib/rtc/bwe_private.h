/* What the halves of bwe.h share. */
#pragma once

#include "rtc/bwe.h"

#define USED_SHARE 0.75 /* of the estimate: then what is sent says something about it */
#define PROBE_TOP_SHARE 1.5
#define PROBE_SHARE 0.95 /* of what a probe found */
#define TWCC_FRESH_US SECONDS(3)
#define RATE_LIMIT_BPS 1000000000u

static inline uint64_t at_least(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t share_of(uint64_t bps, double share)
{
    return (uint64_t)((double)bps * share);
}

static inline void set_estimate(struct bwe *b, uint64_t bps)
{
    b->estimate_bps = at_least(at_most(bps, b->config.max_bps), b->config.min_bps);
    bwe_delay_note_estimate(&b->delay, b->estimate_bps);
}

static inline bool has_twcc(const struct bwe *b, usec_t now)
{
    return b->feedback_at != 0 && now - b->feedback_at < TWCC_FRESH_US;
}

/* --- bwe_narrow.c */

/* Of two rates, of which 0 is none. */
uint64_t bwe_narrower(uint64_t found_bps, uint64_t bps);
/* What the line carries, when it is far less than the estimate or its queue is short, and this fate
 * completes what shows it; else 0. */
uint64_t bwe_find_narrow(struct bwe *b, usec_t now, const struct twcc_fate *fate);
/* It left before its losses at the end of a short queue were understood: they say no more. */
bool bwe_is_before_overflow(const struct bwe *b, usec_t now, usec_t sent_at);
/* Nothing but a probe leads beyond it. */
uint64_t bwe_growth_top(const struct bwe *b, usec_t now);
