/* What the halves of bwe.h share. */
#pragma once

#include "rtc/bwe.h"

#define USED_SHARE 0.75 /* of the estimate: then what is sent says something about it */
#define PROBE_TOP_SHARE 1.5
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
}

static inline bool has_twcc(const struct bwe *b, usec_t now)
{
    return b->feedback_at != 0 && now - b->feedback_at < TWCC_FRESH_US;
}
