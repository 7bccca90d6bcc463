/* What packets had of their own when they went out, by number, so that each can be put together
 * again byte for byte: for receivers that ask for packets again (NACK) and take no RTX. The same
 * number under the same key must never carry other bytes; the sender (rtc/srtp_sender) refuses
 * what is not the same. Sans-IO; allocates nothing after it was made. */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct repeat {
    uint16_t seq; /* as it went out */
    uint16_t stamp;
    uint32_t send_time : 24; /* rtp_abs_send_time_of */
    uint32_t redundancy : 4; /* level of a voice's payload (redundancy.h) */
    uint32_t is_stamped : 1; /* it has a transport-wide number: `stamp` */
    uint32_t is_used : 1;
};
_Static_assert(sizeof(struct repeat) == 8, "4 kB a screen");

struct repeats;

/* Heap; for `count` packets, a power of two. STATUS_NO_MEMORY. */
MUST_CHECK enum status repeats_create(struct repeats **out, uint32_t count);
void repeats_free(struct repeats *r);

void repeats_note(struct repeats *r, const struct repeat *repeat);
/* NULL when another one has taken its place. */
const struct repeat *repeats_find(const struct repeats *r, uint16_t seq);
