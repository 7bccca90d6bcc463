/* How much one peer's line carries: an estimate from its transport-wide feedback (delay, loss, and
 * probes that push a little), or, where it gives none, from its receiver reports and REMB. It never
 * limits what is sent; its owner paces by it. Sans-IO; one per receiver.
 *
 *   sent packet -> bwe_handle_send -> number to stamp       feedback -> bwe_handle_twcc
 *   queue too long  -> what arrived while the line was busy, a tenth less (bwe_delay)
 *   packets that left together arrive far apart, again and again -> that (bwe_pairs)
 *   losses beyond the line's usual -> what arrived (bwe_loss)
 *   sent at the estimate without a queue -> a little more
 *   more is wanted  -> a probe now and then (bwe_probe); what it found out, at once
 *
 * Memory for what is under way is taken only while packets are numbered.
 *
 * What happens to be sent says nothing against a line: idle times leave the estimate alone. */
#pragma once

#include "base/status.h"
#include "rtc/bwe_delay.h"
#include "rtc/bwe_drops.h"
#include "rtc/bwe_loss.h"
#include "rtc/bwe_overflow.h"
#include "rtc/bwe_pairs.h"
#include "rtc/bwe_probe.h"
#include "rtc/bwe_train.h"
#include "rtc/twcc_sends.h"

struct bwe_config {
    uint64_t start_bps;      /* before anything is known; default 600000 */
    uint64_t min_bps;        /* never less; default 40000 */
    uint64_t max_bps;        /* never more; default 20000000 */
    usec_t probe_backoff_us; /* between probes that bring nothing, at most; default 5 s: a line that
                                has recovered is found out within 10 s */
};
struct bwe_config bwe_config_default(void);

struct bwe_stats {
    uint32_t overuses, loss_cuts, starvations, probes, probes_passed, feedbacks;
};

struct bwe {
    struct bwe_config config;
    struct twcc_sends sends;
    struct bwe_delay delay;
    struct bwe_loss loss;
    struct bwe_pairs pairs;
    struct bwe_overflow overflow;
    struct bwe_drops drops;
    struct bwe_probe probe;
    struct bwe_train train;
    uint8_t first_heard, first_lost;      /* of the first large packets, and of them lost */
    uint8_t first_missing;                /* more of these, until something comes behind them: */
    usec_t first_sent_at;                 /* the last of them left then */
    usec_t first_least_us, first_most_us; /* from sending to arrival; 0: nothing has come */
    uint64_t estimate_bps;
    uint64_t wanted_bps;
    uint64_t ceiling_bps; /* what the line carried when it was last full; 0: unknown */
    usec_t ceiling_at;
    uint64_t proven_bps; /* carried in a probe or in earnest since the last reduction */
    bool is_assumed;     /* the estimate began as what its owner said */
    bool has_started;    /* the first cluster has been sent */
    bool has_result;     /* and something was heard */
    usec_t started_at;
    usec_t cut_at;        /* last reduction; 0: none */
    usec_t others_since;  /* the line is full of what is not ours, or the way has become longer */
    usec_t overflowed_at; /* its queue was seen to be too short for a burst; 0: never */
    usec_t long_at;       /* so long a queue stood there that it was seen; 0: never */
    usec_t raised_at;     /* by a probe; 0: never */
    usec_t grown_at;      /* growth is counted from here */
    uint64_t told;        /* of older numbers something was told, or nothing ever will be */
    usec_t feedback_at;   /* 0: never */
    usec_t sent_at;       /* last stamped packet */
    usec_t answered_at;   /* the newest that arrived was sent then; 0: none */
    usec_t silent_since;  /* oldest stamped packet since the last feedback; 0: none */
    usec_t response_us;   /* from a packet to the feedback about it, smoothed; 0: unknown */
    usec_t response_min_us;
    usec_t empty_us; /* a round trip while nothing queues, as the handshake has it; 0: not known */
    uint64_t heard_bps;  /* the estimate before feedback failed to come; 0: it comes */
    uint64_t debt_bytes; /* to be held back until the queue has gone */
    /* Without transport-wide feedback. */
    usec_t report_at;
    struct bwe_way {      /* the least round trip: that of the way without a queue, which may */
        usec_t least_us;  /* become longer: since `began_at`; 0: none yet */
        usec_t before_us; /* and in the time before it */
        usec_t began_at;
    } way;
    bool answers_bursts;           /* what is proven is what bursts have shown */
    uint64_t report_sent_bps;      /* smoothed */
    usec_t report_sign_at;         /* much was sent, and much of it lost; 0: not the last time */
    uint32_t report_steps;         /* that the mean is of, at most REPORT_MEAN_STEPS */
    uint32_t report_loss_permille; /* smoothed, before the reports of the last step */
    struct bwe_report_step {       /* what comes within half a second says one thing */
        usec_t at;                 /* 0: none yet */
        uint32_t loss_permille;    /* the worst of it */
        uint64_t before_bps;       /* the estimate before it */
        uint64_t sent_bps;
        bool has_cut;
        uint32_t full_loss_permille; /* of the step before, when a full line lost it; 0: none */
        uint64_t full_bps;           /* was sent then */
    } report_step;
    uint64_t remb_bps;       /* the newest */
    usec_t remb_at;          /* 0: none */
    usec_t remb_exceeded_at; /* more was sent than it said, and it has not risen since; 0: not so */
    uint64_t remb_exceeded_bps; /* what it said then */
    bool remb_far_exceeded;     /* much more */
    uint64_t remb_limit_bps;    /* what it stayed at though more was sent; UINT64_MAX: none such */
    struct bwe_stats stats;
};

/* STATUS_CONFIG for values out of range. */
MUST_CHECK enum status bwe_init(struct bwe *b, const struct bwe_config *config);

/* Packets will be numbered from now on, until bwe_end_numbers: takes the memory for that (8 kB),
 * and gives it back. Numbers go on where they were. STATUS_NO_MEMORY. */
MUST_CHECK enum status bwe_begin_numbers(struct bwe *b);
void bwe_end_numbers(struct bwe *b);

/* How much could be made use of at most: nothing is probed for beyond it. 0: nothing. */
void bwe_set_wanted(struct bwe *b, usec_t now, uint64_t bps);

/* Nothing is known yet, and the line is taken to carry `bps` until it shows otherwise: no probe, no
 * waiting for a first answer. */
void bwe_assume(struct bwe *b, usec_t now, uint64_t bps);
/* It never answers numbers: neither probes nor first answers are waited for. */
void bwe_expect_reports(struct bwe *b);
/* Something speaks for its carrying only `bps` (0: nothing does): the first packets that agree are
 * enough to believe it. `empty_us`: a round trip while nothing queues there, 0: not known. */
void bwe_expect_narrow(struct bwe *b, uint64_t bps, usec_t empty_us);

/* A packet of `bytes` leaves, and carries the number returned. Only while packets are numbered. */
uint16_t bwe_handle_send(struct bwe *b, usec_t now, size_t bytes);
/* The packet that carries `number` was asked for again and leaves once more as it was. */
void bwe_note_repeat(struct bwe *b, uint16_t number);
/* Nothing has been stamped for a while and now it begins again. `queue_us`: so long a queue stands,
 * as far as reports tell; 0: none. */
void bwe_handle_resume(struct bwe *b, usec_t now, usec_t queue_us);
/* Reports tell of a queue while packets are stamped that did not come upon it, but into it. */
void bwe_note_queue(struct bwe *b, usec_t now, usec_t queue_us);

/* The line was seen to carry only `bps`, by packets that arrived far apart. */
void bwe_note_width(struct bwe *b, usec_t now, uint64_t bps);

/* Packets arrived so close together that it carries far more than the estimate: a probe goes out at
 * once, and what was taken for a queue until now is none. */
void bwe_note_wide(struct bwe *b, usec_t now);

/* A number for a single packet that is no measurement, while nothing else is numbered. */
uint16_t bwe_skip_number(struct bwe *b);
void bwe_handle_twcc(struct bwe *b, usec_t now, const struct rtcp_twcc *feedback);
/* A round trip that something else took, before any report: what is longer than the least is a
 * queue, and the first report may come through one. */
void bwe_note_rtt(struct bwe *b, usec_t now, usec_t rtt_us);
/* It has become so long: what was less is forgotten. */
void bwe_note_way(struct bwe *b, usec_t rtt_us);
/* The least that was seen, of those that are not older than two thirds of a minute; 0: none. */
usec_t bwe_get_rtt_min(const struct bwe *b);
struct bwe_report {
    uint32_t loss_permille;   /* of the worst block */
    uint32_t likely_permille; /* of it, one deviation off: few packets say little */
    uint32_t least_permille;  /* and two: what is sure */
    usec_t rtt_us;            /* 0: unknown */
    uint64_t sent_bps;        /* since the report before it */
    uint64_t burst_bps;       /* the round trip is that of the end of a burst of this rate, */
    uint64_t carried_bps;     /* of which so much has come through the queue it made; */
    bool has_queue;           /* it made one. 0, 0 and false: it is any other */
};
/* One compound packet's. Some report on each stream in a packet of its own: half a second's reports
 * are one step, by the worst of them. No step up leads beyond where a REMB of the last three
 * seconds stays although more is sent. */
void bwe_handle_report(struct bwe *b, usec_t now, const struct bwe_report *report);
/* Before any report: much of what was sent has not come. `narrow_bps`: something else spoke for the
 * line's carrying only this, which is believed the first time; 0: nothing did. */
void bwe_handle_storm(struct bwe *b, usec_t now, uint64_t narrow_bps);
void bwe_handle_remb(struct bwe *b, usec_t now, uint64_t bps, uint64_t sent_bps);

void bwe_handle_timeout(struct bwe *b, usec_t now);
usec_t bwe_next_timeout(const struct bwe *b, usec_t now);

uint64_t bwe_get_estimate(const struct bwe *b);
/* What of the jitter on the way there does not come from voice that waits for a large packet in
 * front of it. */
usec_t bwe_get_jitter(const struct bwe *b);
/* That it carries `bps` was seen, not merely assumed. */
bool bwe_is_proven(const struct bwe *b, uint64_t bps);

/* What a paced sender may do now. */
struct bwe_pace {
    uint64_t rate_bps; /* 0: nothing but voice until something is heard about the first packets */
    bool is_probe;     /* a cluster is under way: at this rate, with padding where nothing waits */
};
struct bwe_pace bwe_get_pace(const struct bwe *b, usec_t now);
/* What is to be held back, once, so that the queue on the line goes. */
uint64_t bwe_take_debt(struct bwe *b);
