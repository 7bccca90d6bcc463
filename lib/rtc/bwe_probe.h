/* Finds out whether a line carries more than it is given: clusters of packets that leave faster
 * than the estimate for some milliseconds, and are judged by how far apart they arrive. Sans-IO;
 * allocates nothing. bwe.h embeds it.
 *
 *   idle --due, more is wanted--> running --enough sent--> waiting --all heard of | late--> idle
 *                                    `------nothing to send it with-----------------------> idle
 *
 * What lies waiting for the peer serves as the cluster; padding does where nothing lies waiting,
 * and to who takes no padding (no RTX) it runs until something does. A cluster that brought nothing
 * puts the next one off, longer each time. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BWE_PROBE_FIRST_BYTES                                                                      \
    3600 /* of the very first cluster: a tenth of a second at 300 kbit/s */

enum bwe_probe_state { BWE_PROBE_IDLE, BWE_PROBE_RUNNING, BWE_PROBE_WAITING };

struct bwe_probe {
    enum bwe_probe_state state;
    bool lacks_padding; /* only what waits can be sent: it runs until enough does */
    uint8_t cluster;    /* the last one's number; never 0 once there was one */
    uint64_t rate_bps;
    usec_t began_at, ended_at; /* running since; waiting since */
    usec_t next_at;            /* not before then */
    usec_t backoff_us;
    uint32_t bytes_wanted;
    /* Sent, and of these arrived. */
    uint32_t sent, sent_bytes;
    uint32_t arrived, arrived_bytes, lost;
    usec_t first_sent_at, last_sent_at;
    usec_t first_arrival, last_arrival;
    uint16_t first_bytes, last_bytes;
};

/* Begins a cluster at `rate_bps`. */
void bwe_probe_begin(struct bwe_probe *p, usec_t now, uint64_t rate_bps, uint32_t bytes);
/* A packet leaves; the cluster that it belongs to, 0: none. Without padding what left before
 * it too far apart to be a cluster is none: it begins again with this one. */
uint8_t bwe_probe_handle_send(struct bwe_probe *p, usec_t now, size_t bytes);
/* What became of a packet of cluster `cluster`. */
void bwe_probe_handle_fate(struct bwe_probe *p, uint8_t cluster, usec_t arrival, size_t bytes,
                           bool lost);

enum bwe_probe_outcome {
    BWE_PROBE_NONE,    /* nothing new */
    BWE_PROBE_PASSED,  /* it arrived as fast as it was sent: the line carries `bps` at least */
    BWE_PROBE_LIMITED, /* it was stretched: the line carries about `bps` */
    BWE_PROBE_FAILED,  /* too much of it was lost to tell */
    BWE_PROBE_UNUSED   /* there was not enough to send it with: that says nothing */
};
/* The waiting cluster's outcome, once all of it was heard of, or after `patience_us`; a running
 * one's when it has run too long. It is then idle. `jitter_us`: by so much it may have been
 * stretched without a meaning. */
enum bwe_probe_outcome bwe_probe_take_outcome(struct bwe_probe *p, usec_t now, usec_t patience_us,
                                              usec_t jitter_us, uint64_t *bps);
/* When the next one may begin: after a success soon, else put off. */
void bwe_probe_allow_after(struct bwe_probe *p, usec_t now, usec_t delay_us);
void bwe_probe_put_off(struct bwe_probe *p, usec_t now, usec_t backoff_max_us);
/* A running one ends early: the line is full as it is. */
void bwe_probe_abort(struct bwe_probe *p, usec_t now);
