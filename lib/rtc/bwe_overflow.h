/* Finds a line whose queue is too short to show how narrow it is: of packets that leave close
 * behind each other many are lost, and those that arrive are the later the further behind they
 * left. Losses that come from elsewhere leave the delays as they are, and what only seems lost,
 * since a later packet overtook it, is seen by how early that one comes: who leaves behind what a
 * full queue lost waits for all of it. Sans-IO; allocates nothing. bwe.h embeds it. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bwe_overflow {
    usec_t sent_at; /* the newest packet of the train; 0: there was none */
    uint32_t sent, lost;
    uint32_t missing;        /* lost since the last that arrived, and not counted yet */
    uint32_t arrived, bytes; /* `bytes`: of those behind the first */
    usec_t first_arrival, last_arrival;
    usec_t least_delay_us, most_delay_us;
    bool is_told;
};

/* It was heard what became of a packet, in the order of sending; `arrival` means nothing when it
 * was lost. Returns what the line carries when the train has shown it, else 0; once for each train,
 * and not before something has arrived behind what was lost. */
uint64_t bwe_overflow_handle_fate(struct bwe_overflow *o, usec_t sent_at, usec_t arrival,
                                  size_t bytes, bool is_lost, usec_t jitter_us);
