/* What a handshake shows of a line's width before anything is sent on it: a flight of hundreds of
 * bytes takes longer to be answered than a check of a hundred, the longer the narrower the line. A
 * peer that thinks for long looks the same: it is a reason to begin with care, no measurement.
 * Sans-IO; allocates nothing. transport.h embeds it.
 *
 *   our answer to a check -> the peer's first flight     a round trip
 *   our flight            -> its next one                a round trip, and the time of our flight
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handshake_width {
    usec_t check_at; /* the first one was answered; 0: none */
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
