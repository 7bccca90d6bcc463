/* Which packet numbers of one SSRC were used: the roll-over count that a 16-bit number belongs to,
 * and repeats (RFC 3711 3.3.1, 3.3.2). Sending and receiving count alike. */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define SRTP_WINDOW_NUMBERS 1024 /* told apart from repeats; older ones are refused */

struct srtp_window {
    uint64_t highest; /* index: roll-over count and number, 48 bits */
    bool used;
    uint64_t seen[SRTP_WINDOW_NUMBERS / 64];
};

/* The index nearest to the highest one. A stream begins without a roll-over, so what would lie
 * before index 0 is far ahead instead: all sides guess the same. */
uint64_t srtp_window_guess(const struct srtp_window *w, uint16_t seq);
/* False for a repeat and for what is too old to tell. */
bool srtp_window_admits(const struct srtp_window *w, uint64_t index);
/* Fetches into the cache what that reads and what noting writes. */
static inline void srtp_window_prefetch(const struct srtp_window *w, uint16_t seq)
{
    __builtin_prefetch(w, 1);
    __builtin_prefetch(&w->seen[seq % SRTP_WINDOW_NUMBERS / 64], 1);
}
/* The number was used: now, and only once it was found authentic. Admitted ones only. */
void srtp_window_note(struct srtp_window *w, uint64_t index);
