/* When packets left for one peer, by transport-wide sequence number, and what its feedback says
 * became of them (draft-holmer-rmcat-transport-wide-cc-extensions-01). A fixed ring, whose memory
 * is taken only while packets are numbered: most peers' are not most of the time. Sans-IO. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "base/usec.h"
#include "wire/rtcp_twcc.h"

#define TWCC_SENDS_MAX 1024 /* packets remembered; feedback about older ones is ignored */

struct twcc_send {
    uint32_t at; /* low bits of microseconds: an hour */
    uint16_t bytes;
    uint8_t cluster; /* of a probe; 0: none */
    uint8_t state;   /* enum in twcc_sends.c */
};

/* Zero-initialised is closed. */
struct twcc_sends {
    struct twcc_send *ring; /* owned, TWCC_SENDS_MAX; NULL: closed */
    uint64_t count;         /* packets ever noted: the next one's number */
    uint32_t waiting_bytes; /* noted, and may still be on the way */
    uint64_t given_up;      /* what is older is not waited for: feedback began behind it */
    uint64_t first_told;    /* what is older was lost: the peer's first feedback began here */
    bool has_feedback;      /* any was heard */
    bool has_arrival;       /* the peer's clock has been seen */
    usec_t arrival_on_wire; /* the last time read, as it was written */
    usec_t arrival_unwrapped;
    usec_t latest_arrival; /* of those whose fate was told */
};

/* Takes memory (8 kB), if it is closed. Numbers go on from before. STATUS_NO_MEMORY. */
MUST_CHECK enum status twcc_sends_open(struct twcc_sends *s);
/* Gives it back; what has not been heard of is forgotten, and feedback ignored. */
void twcc_sends_close(struct twcc_sends *s);

/* Only while it is open. Notes a packet of `bytes` that leaves now; returns the number that it has
 * to carry. */
uint16_t twcc_sends_note(struct twcc_sends *s, usec_t now, size_t bytes, uint8_t cluster);

/* While it is closed: a number for a packet that somebody else keeps an eye on. */
uint16_t twcc_sends_skip(struct twcc_sends *s);

/* The packet of number `seq` was asked for again and leaves once more, under the same number: it
 * was lost, and what is reported of it from now on measures nothing. */
void twcc_sends_note_repeat(struct twcc_sends *s, uint16_t seq);

enum twcc_sent { TWCC_SENT_UNKNOWN, TWCC_SENT_WAITING, TWCC_SENT_LOST, TWCC_SENT_ARRIVED };

/* What was heard last of the packet of number `seq`. What stands before the first that a peer's
 * first feedback tells of is lost, though no feedback says so; of what was passed over later, since
 * feedback was lost, nothing is known. */
enum twcc_sent twcc_sends_find(const struct twcc_sends *s, uint16_t seq);

/* Forgets what has not been heard of: feedback about it will be ignored. Numbers go on. */
void twcc_sends_forget(struct twcc_sends *s);

/* What became of one packet. Arrival times are on the peer's clock, never wrap here, and have an
 * unknown zero. A packet may be given twice: first as lost, then as arrived after all. */
struct twcc_fate {
    uint64_t number;
    usec_t sent_at;
    usec_t arrival; /* meaningless when lost */
    uint16_t bytes;
    uint8_t cluster;
    bool lost;
    bool was_lost;     /* it arrived, but an earlier feedback called it lost */
    bool may_overtake; /* one that left before it came later, or is missing as yet */
};

struct twcc_fates {
    struct twcc_sends *sends;
    struct rtcp_twcc_iterator statuses;
    usec_t now;
};
/* Walks what a feedback says about packets that were noted and not heard of before, in order of
 * their numbers. */
struct twcc_fates twcc_sends_iterate(struct twcc_sends *s, usec_t now,
                                     const struct rtcp_twcc *feedback);
bool twcc_fates_next(struct twcc_fates *f, struct twcc_fate *out);
