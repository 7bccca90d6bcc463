/* Packets that leave close behind each other arrive as fast as the narrowest place of their way
 * lets them: a train of a few shows at once what a line carries, before any queue is long. A line
 * that spaces them evenly is slow; jitter spaces them unevenly, and says nothing. Sans-IO;
 * allocates nothing. bwe.h embeds it. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bwe_train {
    usec_t first_sent_at, sent_at; /* its first and its newest packet */
    usec_t first_arrival, arrival; /* of the first, and where the newest gap ended */
    uint32_t bytes;                /* that arrived in between */
    uint32_t small_bytes;          /* and since, too few for a gap */
    uint32_t gaps;                 /* from one large packet, or some small ones, to the next */
    double gap_min, gap_max;       /* us a byte */
    double gap_least;              /* of all trains; 0: none yet */
    bool is_open;
    uint64_t expected_bps; /* something else speaks for this: two that agree with it are enough */
    usec_t shown_at;       /* the newest train that the line drew out was heard of; 0: none */
    uint64_t shown_bps;
};

/* It was heard that one packet arrived; in the order of sending. */
void bwe_train_handle_arrival(struct bwe_train *t, usec_t now, usec_t sent_at, usec_t arrival,
                              size_t bytes);
/* A very narrow line was expected, and about this one. */
bool bwe_train_is_expected(const struct bwe_train *t, uint64_t bps);
/* What the line has just shown to carry; 0: nothing. */
uint64_t bwe_train_get_rate(const struct bwe_train *t, usec_t now);
