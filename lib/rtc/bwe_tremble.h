/* How long packets stand on a peer's way though nothing of ours fills it: radio links hold packets
 * back and let them go together. Sans-IO; allocates nothing. bwe_delay.h embeds it.
 *
 * A stay is a run of groups that stood in a queue, from one that did not to the next that does not.
 * One that ended within a second, and in which so little was sent at any time that our packets
 * cannot have filled the line, ended by itself: so long the way makes packets stand, and a queue of
 * ours is only what is longer. What stays for good, or ends because less is sent, says nothing
 * here. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct bwe_tremble {
    usec_t began_at; /* the last group that did not stand; 0: none yet */
    bool is_loud;    /* more was sent at once since than makes no queue */
    usec_t sent_at;
    uint64_t owed_bytes;
    usec_t peak_us;         /* the longest since */
    usec_t now_us, next_us; /* the longest stay of this and of the coming window */
    usec_t until;           /* this one's end, on the sender's clock */
};

/* A group of `bytes`, sent at `sent_at`. `stood_us`: what it and the two before it all stood;
 * `is_low`: it stood in no queue. `quiet_bps`: who sends less than that fills nothing. */
void bwe_tremble_handle_group(struct bwe_tremble *t, usec_t sent_at, usec_t stood_us, bool is_low,
                              uint32_t bytes, uint64_t quiet_bps);

/* So long groups stood in the last 10 to 20 s without a queue of ours; 0: not seen. */
usec_t bwe_tremble_get_us(const struct bwe_tremble *t);
