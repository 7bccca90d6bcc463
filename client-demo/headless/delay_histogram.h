/* Delays in buckets of about 4 % width from 1 us to 100 s: quantiles of millions of packets in 4
 * KiB. */
#pragma once

#include "base/usec.h"

#include <stddef.h>

#define DELAY_HISTOGRAM_BUCKETS 512

/* Zero-initialised is empty. */
struct delay_histogram {
    uint64_t counts[DELAY_HISTOGRAM_BUCKETS];
    uint64_t total;
    usec_t largest_us;
};

/* Negative delays (clocks of two machines) count as zero. */
void delay_histogram_add(struct delay_histogram *h, usec_t delay_us);
void delay_histogram_merge(struct delay_histogram *into, const struct delay_histogram *from);
/* The upper edge of the bucket that holds quantile `q` (0..1); 0 when empty. */
usec_t delay_histogram_get(const struct delay_histogram *h, double q);
