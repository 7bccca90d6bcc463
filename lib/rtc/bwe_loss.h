/* What the losses of a peer's packets say about its line. A line that loses one packet in ten
 * whatever is sent (radio) must not be taken for a full one: losses count only as far as they
 * exceed those of quiet times. Sans-IO; allocates nothing. bwe.h embeds it. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bwe_loss {
    usec_t window_at; /* when the present window began; 0: none */
    uint32_t packets, lost;
    uint64_t arrived_bytes;
    double background;   /* share that is lost whatever is sent */
    double last;         /* share of the last window */
    double quiet;        /* of the last few windows in which the estimate was not made use of */
    unsigned high_count; /* windows in a row with more than that explains */
};

/* One packet's fate: lost, arrived, or arrived after it had been called lost. */
void bwe_loss_handle_packet(struct bwe_loss *l, size_t bytes, bool lost, bool was_lost);

/* What was counted until now says nothing any more. */
void bwe_loss_restart(struct bwe_loss *l, usec_t now);

/* A window ends, when it holds enough. `busy`: the estimate was made use of in it. True when the
 * line loses because it is full; *arrived_bps is then what came through, losses that have nothing
 * to do with it added back. */
bool bwe_loss_handle_feedback(struct bwe_loss *l, usec_t now, bool busy, uint64_t *arrived_bps);
