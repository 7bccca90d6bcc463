/* How long loop turns take: a histogram with eight steps to each doubling, from 1 us to half a
 * minute, so that a percentile is exact to an eighth. One thread; no allocation. */
#pragma once

#include "base/usec.h"

#define TURN_TIMES_BUCKETS 200

struct turn_times {
    uint32_t buckets[TURN_TIMES_BUCKETS];
    uint32_t count;
};

void turn_times_note(struct turn_times *t, usec_t length);
/* The length that `permille` of the turns did not pass; 0 when there were none. */
uint32_t turn_times_get_permille(const struct turn_times *t, uint32_t permille);
