/* Finds a line that drops packets at the end of a queue which is too short to be seen as one: what
 * was lost had to wait there, longer than what came did. Losses that come from elsewhere meet
 * packets whether they wait or not. Burst or not: bwe_overflow.h needs one. Sans-IO; allocates
 * nothing. bwe.h embeds it. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bwe_drops {
    usec_t sent_at, arrival; /* of the newest that came; 0: none */
    uint64_t number;
    uint32_t busy_bytes;        /* came while the line was never idle, */
    usec_t busy_us;             /* in so long */
    double wait_us;             /* of large packets that came: the mean of the last ones, */
    double off_us;              /* and what they are off it by */
    uint32_t alone, alone_lost; /* packets that found nothing in front of them */
    usec_t lost_from;           /* the first of those below was sent then */
    uint32_t lost, lost_behind; /* large packets; of them such as had to wait longer */
    uint32_t missing;           /* more of the latter, until something comes behind them: */
    usec_t missing_wait_us;     /* so long the last one had to wait */
};

/* One packet, in the order of sending. */
struct bwe_drops_fate {
    uint64_t number;
    usec_t sent_at;
    usec_t arrival; /* means nothing when it was lost */
    size_t bytes;
    bool is_lost;
};

/* It was heard what became of a packet. `base_us`: from sending to arrival on an empty line.
 * Returns what the line carries when losses have shown a short queue, else 0. */
uint64_t bwe_drops_handle_fate(struct bwe_drops *d, const struct bwe_drops_fate *fate,
                               usec_t base_us, usec_t jitter_us);
/* The share that it loses, however empty it is: of packets that found nothing in front of them. 0:
 * too few did. */
double bwe_drops_get_own_loss(const struct bwe_drops *d);
/* What it carries, by what came while it was never idle; 0: too little did. */
uint64_t bwe_drops_get_rate(const struct bwe_drops *d);
