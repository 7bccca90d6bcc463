/* When a peer's packets arrived, by transport-wide sequence number, out as feedback for its
 * bandwidth estimate (draft-holmer-rmcat-transport-wide-cc-extensions-01). Sans-IO; allocates
 * nothing. */
#pragma once

#include "base/seq.h"
#include "base/usec.h"
#include "wire/rtcp_twcc.h"

#define TWCC_ARRIVALS_MAX 1024 /* numbers held; older ones are not reported */
#define TWCC_FEEDBACK_US 60000 /* between two feedback packets */

/* Zero-initialised is ready. */
struct twcc_arrivals {
    usec_t arrivals[TWCC_ARRIVALS_MAX]; /* by number; meaningful from `next` to `highest` */
    struct seq_unwrapper unwrapper;
    uint64_t next; /* first number not reported yet */
    uint64_t highest;
    bool pending;
    usec_t feedback_at;
    uint8_t feedback_count;
};

void twcc_arrivals_handle_packet(struct twcc_arrivals *t, usec_t now, uint16_t seq);
/* USEC_NEVER when there is nothing to report. */
usec_t twcc_arrivals_next_timeout(const struct twcc_arrivals *t);
/* Appends one feedback packet when it is due; false when it is not. Call until it is false. */
bool twcc_arrivals_write_due(struct twcc_arrivals *t, usec_t now, struct writer *w,
                             uint32_t sender_ssrc, uint32_t media_ssrc);
