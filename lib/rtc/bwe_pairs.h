/* What packets that left behind each other say of a line by how far apart they arrive: so long it
 * takes for one. Jitter tears one pair apart, but not many in a row, and evenly. It needs no queue
 * that grows and none that goes away, so it tells a narrow line that is full of what we send from a
 * long way. Only grossly less than what is thought is told. Sans-IO; allocates nothing. bwe.h
 * embeds it. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bwe_pairs {
    uint64_t number; /* of the last packet that arrived; 0 with no `arrival`: none */
    usec_t sent_at, arrival;
    uint32_t count; /* pairs in a row that agree */
    uint64_t least_bps, most_bps;
};

/* One packet arrived, in order of the numbers. Returns what the line carries when enough pairs in a
 * row, this the last of them, agree that it is below `narrow_bps`, and begins anew; else 0. */
uint64_t bwe_pairs_handle_arrival(struct bwe_pairs *p, uint64_t number, usec_t sent_at,
                                  usec_t arrival, size_t bytes, uint64_t narrow_bps);
