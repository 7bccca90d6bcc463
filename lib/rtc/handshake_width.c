#include "rtc/handshake_width.h"

#define HEADER_BYTES 28      /* of IP and UDP */
#define THINKING_US 4000     /* more for the peer to do than a check makes */
#define ROUND_US_MAX 2000000 /* something was lost, and sent again */
#define NARROW_BPS 2000000   /* more is as good as any */

void handshake_width_note_check(struct handshake_width *w, usec_t now, size_t bytes)
{
    if (w->check_at != 0)
        return;
    w->check_at = now;
    w->check_bytes = (uint32_t)bytes + HEADER_BYTES;
}

void handshake_width_note_datagram(struct handshake_width *w, usec_t now)
{
    if (w->hello_at == 0)
        w->hello_at = now;
    w->heard_at = now;
    w->is_whole = w->flight_bytes > 0;
}

void handshake_width_note_flight(struct handshake_width *w, size_t bytes)
{
    if (w->is_whole || w->heard_at == 0)
        return;
    w->flight_at = w->heard_at;
    w->flight_bytes += (uint32_t)bytes + HEADER_BYTES;
}

void handshake_width_note_timeout(struct handshake_width *w)
{
    w->is_whole = w->flight_bytes > 0;
}

void handshake_width_note_done(struct handshake_width *w, usec_t now)
{
    if (w->done_at == 0)
        w->done_at = now;
}

uint64_t handshake_width_get_bps(const struct handshake_width *w)
{
    if (w->check_at == 0 || w->hello_at == 0 || w->done_at == 0 ||
        w->flight_bytes <= w->check_bytes)
        return 0;
    usec_t round_us = w->done_at - w->flight_at;
    usec_t more_us = round_us - (w->hello_at - w->check_at) - THINKING_US;
    if (more_us <= 0 || round_us > ROUND_US_MAX)
        return 0;
    uint64_t bps = (uint64_t)(w->flight_bytes - w->check_bytes) * 8 * 1000000 / (uint64_t)more_us;
    return bps < NARROW_BPS ? bps : 0;
}
