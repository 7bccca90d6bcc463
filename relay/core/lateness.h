/* How late the packets of a stream come, against the first one of its turn. Sans-IO; the stream
 * embeds it.
 *
 * The first packets of a turn often come late: page, line and relay are all busy with the grant. To
 * hold such a first packet for the measure of the wall would let time stamps run ahead of it by
 * that much with every turn, and receivers, to whom everything then comes too early, play later and
 * later. So first is compared with first: what comes on time is early by what the first was late.
 * A publisher's clock that runs fast or slow is followed, and so is a jump in its time stamps. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

#define LATENESS_WINDOW_US SECONDS(1)      /* the earliest of two of them is on time */
#define LATENESS_JUMP_US MILLISECONDS(500) /* its time stamps jumped, or stood still in a pause */
#define LATENESS_EARLY_MAX_US SECONDS(2)   /* the first of a turn is not later than that */

struct lateness {
    bool has_begun, is_settled;
    usec_t last_at;
    uint32_t last_timestamp;
    int32_t late_us;            /* what the last packet was said to be */
    usec_t behind;              /* the last packet, against the first */
    usec_t first_late;          /* the first, against what was on time around it */
    usec_t window_at;           /* the present one began */
    usec_t least, least_before; /* of `behind`: in the present window, in the one before */
};

/* The next packet is the first of a turn. */
void lateness_begin_turn(struct lateness *l);

/* Returns by how much the packet that came at `now` is later than the first of its turn was; 0 for
 * the first, less than 0 when it is earlier; from -LATENESS_EARLY_MAX_US to LATENESS_JUMP_US,
 * whatever time stamps say. Cannot fail. */
int32_t lateness_note(struct lateness *l, usec_t now, uint32_t timestamp, uint32_t clock_rate);
