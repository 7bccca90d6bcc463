/* How wide a line is whose receiver tells of it by receiver reports alone. Sender reports go out
 * inside each burst and right behind it; the round trip that the receiver answers the last one with
 * that it got (RFC 3550 6.4.1) is longer than usual by the queue that the burst has made: what was
 * sent, over the time it took with that queue, is what the line carries. Where there is no queue it
 * carries what was sent, and losses are its own. Sans-IO; allocates nothing. One per downlink. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_PROBE_BYTES_MIN 4000     /* of a burst: less says nothing; twice that, .. */
#define BURST_PROBE_REPORTS 8          /* remembered */
#define BURST_PROBE_AGAIN_US 500000    /* from one report to the next, in a burst without an end */
#define BURST_PROBE_APART_US 40000     /* and in any burst */
#define BURST_PROBE_WAIT_US SECONDS(3) /* without a burst, until a usual report goes out again */

struct burst_probe {
    usec_t began_at, last_at; /* of the present burst; 0: none yet */
    usec_t before_at;         /* the last one of BURST_PROBE_BYTES_MIN before it ended */
    bool has_more;
    uint32_t bytes;
    struct burst_report { /* that is out; the newest last */
        uint32_t middle;  /* as blocks name it */
        uint32_t bytes;   /* sent since `began_at` */
        usec_t began_at, at;
    } reports[BURST_PROBE_REPORTS];
    size_t report_count;
    usec_t reported_at;
    uint32_t report_bytes; /* sent at the last one */
    uint32_t seen;         /* the last report that was answered */
    usec_t usual_us;       /* round trip when nothing queues, smoothed; 0: not known */
    usec_t deviation_us;
    usec_t longer_us; /* the last one, far longer than that; 0: it was not */
    bool is_way;      /* two were, so that the way is: not told yet */
};

/* What it was answered. */
struct burst_answer {
    uint64_t sent_bps, carried_bps; /* 0: nothing was learnt */
    bool has_queue;
};

/* The round trip of the handshake, before any other. */
void burst_probe_note_round(struct burst_probe *b, usec_t rtt_us);
/* `bytes` of what is paced have left, and so much in all (voice counts while there is a burst). */
void burst_probe_note_paced(struct burst_probe *b, usec_t now, size_t bytes);
void burst_probe_note_bytes(struct burst_probe *b, usec_t now, size_t bytes);

/* Nothing is paced any more, or it begins to be. */
void burst_probe_end(struct burst_probe *b);
/* Whether more waits for its turn. */
void burst_probe_note_rest(struct burst_probe *b, bool has_more);

/* Whether a report should go out now. `is_end`: nothing waits behind what was sent. */
bool burst_probe_wants_report(const struct burst_probe *b, usec_t now, bool is_end);
/* It does, and blocks will name it `middle`. */
void burst_probe_note_report(struct burst_probe *b, usec_t now, uint32_t middle);

/* A block says that of our reports it has got `middle` last, which left at `sent_at`; the round
 * trip is `rtt_us`. True when it answers the report behind a burst: *out is what was learnt, as far
 * as nothing was lost. */
bool burst_probe_handle_block(struct burst_probe *b, uint32_t middle, usec_t sent_at, usec_t rtt_us,
                              struct burst_answer *out);
/* The least round trip of late: no usual one is less, whatever bursts come in between. */
void burst_probe_note_least(struct burst_probe *b, usec_t rtt_us);
/* Whether, since the last call, the way was found to be longer than it was: usual_us. */
bool burst_probe_take_way(struct burst_probe *b);
/* Something is lost: a long round trip may be that of a full queue, however often it is seen. */
void burst_probe_note_loss(struct burst_probe *b);
/* It has said so before, or a later one, as blocks of different streams do: the round trip is
 * nothing new. */
bool burst_probe_has_seen(const struct burst_probe *b, uint32_t middle);
