/* One participant's way down: what its line carries, and what follows from it. Wires the estimator
 * (rtc/bwe), the pace, and the cursors of paced subscriptions (layer_selector) together.
 *
 *                      calm for some seconds
 *             WATCHED ---------------------> FREE
 *             ^  |  ^  numbered; video         |  as it comes, not numbered
 *             |  |  |  as it comes             |
 *             |  |  `-- losses, delays, a burst of NACKs, something new begins
 *      proven |  | the estimate falls short
 *             |  v                             | something new begins, and the line is known to be
 * begins -> PACED <----------------------' numbered; video at the line's rate from the cache, voice
 * at once
 *
 * A line is taken to carry everything until it shows otherwise, which its first answers do within a
 * few tenths of a second: most do carry it, and their first picture must not wait for a proof. It
 * leaves fast, but only so much of it is on the way unanswered as a narrow line gets over.
 * A healthy receiver costs nothing here: no number, no feedback, no timer, 3 kB. Who gives no
 * transport-wide feedback is free until receiver reports, REMB or NACKs say otherwise; then the
 * reports that it answers behind bursts show what its line carries (burst_probe.h). Who reports
 * nothing is left alone. One per participant that receives video, on the heap. */
#pragma once

#include "relay/core/bitrate_allocator.h"
#include "relay/core/burst_probe.h"
#include "relay/core/line_width.h"
#include "relay/core/resend_queue.h"
#include "relay/core/stream_head.h"
#include "rtc/bwe.h"

enum downlink_state { DOWNLINK_FREE, DOWNLINK_WATCHED, DOWNLINK_PACED, DOWNLINK_STATE_COUNT };

struct downlink {
    enum downlink_state state;
    bool can_number;  /* transport-wide numbers were negotiated */
    bool has_numbers; /* and are answered so far */
    bool is_mute;     /* it reports nothing */
    struct bwe bwe;
    struct line_width width; /* asked of it while nothing else shows how wide it is */
    struct bitrate_allocator allocator;
    usec_t allocated_at, allocate_from;
    bool is_beginning;    /* paced, and of its line nothing is known yet */
    bool answers_fast;    /* most of the first bytes have come, and without a queue */
    uint32_t begin_bytes; /* numbered since the state began */
    uint64_t
        narrow_bps;     /* the handshake speaks for the line's carrying only this; 0: for nothing */
    uint64_t doubt_bps; /* it may: the first packets will show; 0: no reason to doubt it */
    usec_t round_us;    /* of the handshake; 0: not known */
    usec_t state_at, trouble_at;
    double credit_bytes; /* of the paced rate; below zero: to be earned first */
    usec_t credit_at;
    usec_t next_at;         /* something may be sent then; USEC_NEVER: nothing waits */
    usec_t thin_until;      /* voices come thin */
    usec_t last_only_until; /* of a screen the last encoding alone */
    uint64_t bytes_before;  /* sent in all, at the last report */
    uint64_t sent_bps;      /* between then and the one before it */
    usec_t report_at;       /* the last report; 0: none */
    usec_t sent_from;       /* before it: since it is connected */
    usec_t queue_us;        /* that the last report speaks of */
    uint32_t nacks;         /* packets asked for since `nacks_at` */
    usec_t nacks_at;
    uint32_t missing; /* packets asked for since the last report, or since they were too many */
    uint64_t missing_from;                /* sent in all, then */
    struct burst_probe burst;             /* of who tells of its line by reports alone, */
    struct burst_answer answer;           /* and what the report under way says of it */
    bool had_queue;                       /* as the one before it did */
    uint32_t paced_count, numbered_count; /* times; for statistics */
    struct resend_queue resends;
    struct stream_head head; /* of the video that began last */
};

struct shard_core;
struct participant;
struct subscription;
struct tx_batch;
struct rtcp_twcc;

/* Gives the participant a downlink when it receives video. */
MUST_CHECK enum status downlink_create(struct participant *p);
void downlink_free(struct participant *p);

/* Media can flow, or one of its slots has got another source. */
void downlink_start(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx);

/* A packet of `bytes` on the line goes to a metered subscription; its transport-wide number. */
uint16_t downlink_handle_send(struct downlink *d, usec_t now, size_t bytes, bool is_numbered);
/* Video of `bytes` goes out to a metered subscription, and has: of one that is watched by its
 * reports it is counted, and asked about behind a burst. */
void downlink_note_video(struct downlink *d, usec_t now, size_t bytes);
void downlink_note_passed(struct shard_core *c, usec_t now, struct participant *p);
/* Something has come that its paced subscriptions may want. */
void downlink_wake(struct shard_core *c, usec_t now, struct participant *p);

void downlink_handle_twcc(struct shard_core *c, usec_t now, struct participant *p,
                          const struct rtcp_twcc *feedback, struct tx_batch *tx);
void downlink_handle_remb(struct shard_core *c, usec_t now, struct participant *p, uint64_t bps,
                          struct tx_batch *tx);
/* The worst block of a report (rtc/bwe.h). */
struct downlink_report {
    uint32_t loss_permille, likely_permille, least_permille;
    usec_t rtt_us; /* 0: not known */
};
/* A block of a report names our report `middle`, which left at `sent_at`. False when its round trip
 * says nothing of the way: it is behind a burst, or known. Before downlink_handle_report. */
bool downlink_handle_round(struct participant *p, usec_t now, uint32_t middle, usec_t sent_at,
                           usec_t rtt_us);
void downlink_handle_report(struct shard_core *c, usec_t now, struct participant *p,
                            struct downlink_report report, struct tx_batch *tx);
/* It asks for `packets`, `first` of them for the first time. */
void downlink_handle_nack(struct shard_core *c, usec_t now, struct participant *p, size_t packets,
                          size_t first, struct tx_batch *tx);
/* Its line was found to carry only `bps`. */
void downlink_note_narrow(struct shard_core *c, usec_t now, struct participant *p, uint64_t bps,
                          struct tx_batch *tx);
/* It was found to carry far more than is thought: a probe tells how much, at once, and what was
 * stepped down need not stay there. */
void downlink_note_wide(struct shard_core *c, usec_t now, struct participant *p,
                        struct tx_batch *tx);
/* Its line is so narrow that voices come thin. */
bool downlink_has_thin_voices(const struct participant *p, usec_t now);
/* So narrow that of a screen it gets the last encoding alone. */
bool downlink_is_last_only(const struct participant *p, usec_t now);
/* So many packets of a key frame under way are sent to its end, whatever else would be better. */
uint32_t downlink_get_patience(const struct participant *p);
/* Whether a video packet may be sent again now: to who is paced only what its line carries. What
 * may not waits, at most RESEND_QUEUE_MAX packets, and goes out before anything new: the picture
 * that stands needs it. */
bool downlink_admits_resend(struct shard_core *c, usec_t now, struct participant *p,
                            const struct subscription *s, uint16_t seq);
/* It begins anew with a key frame: what waits of it is of no use any more. */
void downlink_forget_resends(const struct subscription *s);
/* Its line is poor: a key frame that its stream cannot go on without is asked for on its account.
 */
bool downlink_is_poor(const struct participant *p, usec_t now);

void downlink_handle_timeout(struct shard_core *c, usec_t now, struct participant *p,
                             struct tx_batch *tx);
usec_t downlink_next_timeout(const struct participant *p, usec_t now);
