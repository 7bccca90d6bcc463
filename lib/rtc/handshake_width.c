#include "rtc/handshake_width.h"

#define HEADER_BYTES 28      /* of IP and UDP */
#define THINKING_US 4000     /* more for the peer to do than a check makes */
#define ROUND_US_MAX 2000000 /* something was lost, and sent again */
#define NARROW_BPS 2000000   /* more is as good as any */

void handshake_width_note_check(struct handshake_width *w, usec_t now, size_t bytes)
{
    if (w->hello_at != 0)
        return;
    if (w->check_count == 0)
        w->first_check_at = now;
    w->checks_at[w->check_count++ % HANDSHAKE_WIDTH_CHECKS] = now;
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

/* The longest way to our answer and back that a round with our flight has room for; 0: none. */
static usec_t find_bare_us(const struct handshake_width *w, usec_t round_us)
{
    usec_t bare_us = 0;
    for (uint32_t i = 0; i < w->check_count && i < HANDSHAKE_WIDTH_CHECKS; i++) {
        usec_t us = w->hello_at - w->checks_at[i];
        if (us <= round_us + THINKING_US)
            bare_us = usec_max(bare_us, us);
    }
    return bare_us;
}

usec_t handshake_width_get_round_us(const struct handshake_width *w)
{
    return w->hello_at != 0 && w->done_at != 0 ? w->done_at - w->flight_at : 0;
}

usec_t handshake_width_get_bare_us(const struct handshake_width *w)
{
    return find_bare_us(w, handshake_width_get_round_us(w));
}

/* What carries the rest of our flight in what its round takes longer than a bare one. */
static uint64_t find_bps(const struct handshake_width *w, usec_t bare_us)
{
    usec_t round_us = handshake_width_get_round_us(w);
    usec_t more_us = round_us - bare_us - THINKING_US;
    if (bare_us <= 0 || more_us <= 0 || round_us > ROUND_US_MAX ||
        w->flight_bytes <= w->check_bytes)
        return 0;
    uint64_t bps = (uint64_t)(w->flight_bytes - w->check_bytes) * 8 * 1000000 / (uint64_t)more_us;
    return bps < NARROW_BPS ? bps : 0;
}

uint64_t handshake_width_get_bps(const struct handshake_width *w)
{
    return w->check_count > 0 ? find_bps(w, w->hello_at - w->first_check_at) : 0;
}

uint64_t handshake_width_get_doubt_bps(const struct handshake_width *w)
{
    return find_bps(w, handshake_width_get_bare_us(w));
}
