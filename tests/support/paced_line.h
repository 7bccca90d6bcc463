/* Senders that pace by their estimate, their receivers, and one emulated line between: for tests of
 * the estimator. A step is a millisecond of virtual time. */
#pragma once

#include "netlab/link_model.h"
#include "rtc/bwe.h"
#include "rtc/twcc_arrivals.h"

#define PACED_FLOWS_MAX 2
#define PACED_VOICE_US 20000
#define PACED_VOICE_BYTES 140
#define PACED_VIDEO_BYTES 1200
#define PACED_SECONDS_MAX 130

struct paced_flow {
    struct bwe bwe;
    struct twcc_arrivals arrivals;
    bool has_feedback; /* else receiver reports each second */
    bool lacks_padding;
    int64_t backlog; /* bytes of video that wait; INT64_MAX: always some */
    double credit;
    usec_t credit_at, voice_at, report_at;
    /* What was sent, and what came of it. */
    uint64_t second_bytes[PACED_SECONDS_MAX]; /* arrived, by second */
    uint64_t second_sent[PACED_SECONDS_MAX];
    uint32_t voices_sent, voices_arrived, voices_late;
    usec_t voice_delay_max;
    usec_t voice_late_us; /* later than this is late */
    uint32_t report_sent, report_arrived;
    usec_t rtt_us;
    double padding_bytes;
};

struct paced_line {
    usec_t now;
    struct link_model *down, *up;
    struct paced_flow flows[PACED_FLOWS_MAX];
    size_t flow_count;
    bool trace;
};

void paced_line_init(struct paced_line *l, uint64_t seed, size_t flows,
                     const struct link_config *down);
void paced_line_destroy(struct paced_line *l);
void paced_line_set(struct paced_line *l, const struct link_config *down);
void paced_line_run(struct paced_line *l, usec_t us);
/* Bits per second that arrived in seconds [from, to). */
uint64_t paced_line_rate(const struct paced_line *l, size_t flow, unsigned from, unsigned to);
