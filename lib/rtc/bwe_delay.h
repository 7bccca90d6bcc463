/* What the arrival times of a peer's packets say about its line: how long packets stand in a queue,
 * and how fast the line empties it. Sans-IO; allocates nothing. bwe.h embeds it.
 *
 * Packets that left within 5 ms form a group. A group's queueing delay is its one-way delay over
 * the least of the last 10 to 20 s (clocks need no common zero). The line is overused when three
 * groups in a row, sent since the last reaction, stood longer than a threshold: a constant, and
 * the time that one large packet takes or what this line's jitter explains. Jitter is told from
 * queues by its sign: a queue that builds up only lengthens delays, jitter shortens them as often.
 */
#pragma once

#include "base/usec.h"
#include "rtc/bwe_tremble.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BWE_DELAY_GROUPS 32

struct bwe_delay {
    struct bwe_delay_group {
        usec_t first_sent_at, sent_at; /* its first and its last packet */
        usec_t arrival;                /* the last one */
        usec_t delay_us;               /* one way, the least */
        uint32_t bytes;
        bool is_after_gap; /* what came between the one before it and this one is not known */
    } groups[BWE_DELAY_GROUPS], open; /* a ring of complete ones; the one under way: bytes > 0 */
    uint32_t count;                   /* groups ever completed */
    bool has_base;
    usec_t base_us, next_base_us; /* least delay of this and of the coming window */
    usec_t base_until;            /* on the sender's clock */
    usec_t expected_us;           /* queue at the first measurement */
    double longer_us, shorter_us; /* mean steps of the delay, group to group, up and down */
    double jitter_us;             /* what both have in common, remembered for some seconds */
    struct bwe_tremble tremble;
    uint64_t quiet_bps;  /* who sends less than that makes no queue */
    usec_t ignore_until; /* groups sent before do not count as overuse */
    bool has_gap;        /* before the packet that comes next */
    bool is_longer;      /* the way was found to be longer than it was thought to be */
};

/* One packet arrived. `may_overtake`: perhaps before others that left before it; then it stood in
 * no queue, and does not say how long the way is. */
void bwe_delay_handle_arrival(struct bwe_delay *d, usec_t sent_at, usec_t arrival, size_t bytes,
                              bool may_overtake);

/* The line is thought to carry `bps`. */
void bwe_delay_note_estimate(struct bwe_delay *d, uint64_t bps);

/* Of packets that were sent since the last one nothing is known: a feedback was lost. No rate
 * reaches over them. */
void bwe_delay_note_gap(struct bwe_delay *d);

/* The queueing delay of the newest group. */
usec_t bwe_delay_get_queue_us(const struct bwe_delay *d);

/* What the last three groups all stood, less what jitter explains: a queue that stays. */
usec_t bwe_delay_get_standing_us(const struct bwe_delay *d);

/* A stretch of recent groups. Rates are 0 when it is too short to tell. */
struct bwe_delay_stretch {
    size_t groups;
    usec_t sent_us, arrival_us; /* from its first group to its last */
    uint64_t sent_bps, arrived_bps;
};
/* The newest groups that all stood in a queue: the line was never idle in between, so that what
 * arrived is what it carries. */
struct bwe_delay_stretch bwe_delay_find_busy(const struct bwe_delay *d);
/* All of the last `window_us`. */
struct bwe_delay_stretch bwe_delay_find_recent(const struct bwe_delay *d, usec_t window_us);

/* Whether the line is overused; `packet_us`: what one large packet takes on it. */
bool bwe_delay_is_overused(const struct bwe_delay *d, usec_t packet_us);
/* A reaction is under way: only what is sent from `now` on counts as overuse again. */
void bwe_delay_ignore_until(struct bwe_delay *d, usec_t now);
/* So long a queue stands, as is known from elsewhere: where much less was measured, what counted as
 * none was one already. */
void bwe_delay_expect(struct bwe_delay *d, usec_t queue_us);
/* What stands now counts as no queue: it does not yield to anything that is done about it. */
void bwe_delay_rebase(struct bwe_delay *d);
/* Whether, since the last call, what seemed to be a queue was found to be the length of the way. */
bool bwe_delay_take_longer(struct bwe_delay *d);
/* Nothing was measured for a while: starts afresh but for the jitter. `queue_us`: what is known
 * from elsewhere to stand at the beginning; 0: nothing. */
void bwe_delay_reset(struct bwe_delay *d, usec_t queue_us);
