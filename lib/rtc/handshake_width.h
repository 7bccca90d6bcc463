/* What a handshake shows of a line's width before anything is sent on it: a flight of hundreds of
 * bytes takes longer to be answered than a check of a hundred, the longer the narrower the line. A
 * peer that thinks for long looks the same: it is a reason to begin with care, no measurement.
 * Sans-IO; allocates nothing. transport.h embeds it.
 *
 *   our answer to a check -> the peer's first flight     a round trip
 *   our flight            -> its next one                a round trip, and the time of our flight
 *
 * Which of several answers the peer waited for is not known, and the first one may have stood
 * behind what else was on its way, such as the page. Counted from the first one, what is found
 * speaks for a narrow line. No bare round trip is longer than one with our flight in it: counted
 * from the earliest check of which that is true, it may as well be a peer that said hello late. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDSHAKE_WIDTH_CHECKS 16 /* the newest before the peer's first datagram */

struct handshake_width {
    usec_t first_check_at;
    usec_t checks_at[HANDSHAKE_WIDTH_CHECKS]; /* answered then; by check_count, round and round */
    uint32_t check_count;
    usec_t hello_at; /* the peer's first datagram */
    usec_t heard_at; /* its newest one */
    usec_t flight_at;
    uint32_t check_bytes, flight_bytes; /* as they are on the line */
    bool is_whole;                      /* all of our flight has left */
    usec_t done_at;                     /* the peer's answer to it was complete; 0: not yet */
};

/* A check was answered with `bytes`. */
void handshake_width_note_check(struct handshake_width *w, usec_t now, size_t bytes);
/* A datagram of the peer's handshake has come. */
void handshake_width_note_datagram(struct handshake_width *w, usec_t now);
/* A datagram of ours leaves at once behind what was heard last. */
void handshake_width_note_flight(struct handshake_width *w, size_t bytes);
/* A timer has run out: what leaves from now on has left before. */
void handshake_width_note_timeout(struct handshake_width *w);
/* The handshake has ended with what was heard last. */
void handshake_width_note_done(struct handshake_width *w, usec_t now);

/* What the line seems to carry; 0: nothing speaks for its being narrow. */
uint64_t handshake_width_get_bps(const struct handshake_width *w);
/* What it may carry only; 0: nothing gives reason to doubt it. A reason to look first, no more. */
uint64_t handshake_width_get_doubt_bps(const struct handshake_width *w);
/* The longest round trip of little that the round of our flight has room for: the way of a line
 * that is doubted; 0: none. */
usec_t handshake_width_get_bare_us(const struct handshake_width *w);
/* From our flight to its answer; 0: not known. */
usec_t handshake_width_get_round_us(const struct handshake_width *w);
