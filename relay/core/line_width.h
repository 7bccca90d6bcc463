/* Whether a line that nobody measures has become narrow. What is shown may just fit into it, or be
 * nothing for minutes: then neither losses nor a queue show how little it carries, until the next
 * slide does. So two packets go out behind each other now and then, and how far apart they arrive
 * is how long the line takes for one. Sans-IO; allocates nothing. One per downlink.
 *
 *   calm --a pair arrives far apart--> asked twice by five packets --both of them say narrow-->
 * found ^                                            |
 *     `-------- one of them does not --------------'
 *
 * Jitter tears a pair apart as well, but not five packets evenly, and not twice.
 *
 * Of a line that is narrow the same is asked the other way round, with smaller packets: a pair and
 * two trains that arrive closer together than it could have brought them say that it is wide again.
 * Its owner then finds out how wide. */
#pragma once

#include "base/usec.h"
#include "wire/rtcp_twcc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_WIDTH_NARROW_BPS 400000 /* a slide of 30 kB takes more than half a second */
#define LINE_WIDTH_WIDE_BPS 600000   /* who was called narrow is so up to here */
#define LINE_WIDTH_TRAIN_MAX 5
#define LINE_WIDTH_BYTES 255           /* of padding in each packet */
#define LINE_WIDTH_AGAIN_BYTES 60      /* where it is asked whether it is wide again */
#define LINE_WIDTH_REST_US SECONDS(10) /* who was called wide is not asked again for so long */

struct line_width {
    usec_t sent_at; /* the last train; 0: none yet */
    bool is_open;   /* it is being sent: packets are noted */
    bool is_out;    /* it is on the way */
    bool is_again;  /* nothing was heard of the one before */
    uint8_t doubts; /* trains in a row that spoke of another line: the first of them a pair */
    bool is_wide;   /* they did, of a wide one */
    uint8_t count;
    uint16_t first_number;
    uint16_t bytes;                        /* of each packet, on the line */
    uint64_t thought_bps;                  /* so little it is thought to carry; 0: enough */
    usec_t wide_at;                        /* it was called wide again; 0: never */
    uint64_t rate_bps;                     /* the most that the long ones of them showed */
    usec_t arrivals[LINE_WIDTH_TRAIN_MAX]; /* RTCP_TWCC_LOST: not heard of */
};

/* The line is thought to carry only `bps`, and asked whether it is wide again; 0: it is not narrow
 * as far as is known, and asked whether it has become so. */
void line_width_expect(struct line_width *w, uint64_t bps);
/* How many packets shall leave now, behind each other; 0: none. */
size_t line_width_wants_packets(const struct line_width *w, usec_t now, usec_t rtt_us);
/* They will, from now until line_width_end: whatever is numbered meanwhile is one of them. */
void line_width_begin(struct line_width *w, usec_t now);
/* One leaves, `bytes` of it on the line, with this transport-wide number. */
void line_width_note_packet(struct line_width *w, uint16_t number, size_t bytes);
void line_width_end(struct line_width *w);

/* Returns what the line carries when it was found narrow by this, else 0. It begins anew then. */
uint64_t line_width_handle_feedback(struct line_width *w, const struct rtcp_twcc *feedback);

/* Whether it was found wide again by what was heard since the last call. */
bool line_width_take_wide(struct line_width *w, usec_t now);

usec_t line_width_next_timeout(const struct line_width *w, usec_t rtt_us);
