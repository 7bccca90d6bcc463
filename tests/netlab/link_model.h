/* One direction of an emulated line: a sender of finite rate behind a finite queue, then loss,
 * duplication, delay, jitter and reordering. Sans-IO; randomness comes from a seed, so the same
 * packets at the same times under the same settings meet the same fate. All memory is taken at
 * creation. Packets are opaque. */
#pragma once

#include "base/bytes.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/usec.h"

#include <stdint.h>

enum {
    LINK_PACKET_BYTES_MAX = 1600,
    LINK_PACKETS_MAX = 4096, /* queued and on their way together */
};

struct link_config {
    usec_t delay_us;     /* one way */
    usec_t jitter_us;    /* each packet's delay is uniform in delay +- jitter; order is kept */
    double loss;         /* independent losses, 0 to 1 */
    double burst_loss;   /* Gilbert-Elliott: share of packets lost in bursts, below 1 */
    double burst_length; /* mean number of packets in a burst, at least 1 */
    uint64_t rate_bps;   /* of IP packets; 0: without limit */
    usec_t queue_us;     /* what waits may take this long at `rate_bps`; more is dropped */
    double reorder;      /* share of packets that overtake: they skip the delay */
    double duplicate;    /* share of packets that arrive twice */
};

struct link_stats {
    uint64_t packets_in, bytes_in;
    uint64_t packets_out, bytes_out;
    uint64_t lost;          /* by `loss` and `burst_loss` */
    uint64_t queue_dropped; /* no room in the queue */
    uint64_t refused;       /* too long, or LINK_PACKETS_MAX reached */
    uint64_t reordered, duplicated;
    usec_t queue_us_max;  /* longest wait before the line */
    usec_t queue_us_peak; /* the same since link_model_take_peak */
};

struct link_model;

/* A line without impairments, 100 ms of queue. */
struct link_config link_config_default(void);

/* The owner frees it with link_model_free. STATUS_NO_MEMORY. */
MUST_CHECK enum status link_model_create(struct link_model **out, uint64_t seed);
void link_model_free(struct link_model *model); /* NULL is fine */

/* Takes effect at `now` for packets not yet on the line. STATUS_CONFIG when a value is out of its
 * range: the old settings then stay. */
MUST_CHECK enum status link_model_set_config(struct link_model *model, usec_t now,
                                             const struct link_config *config);
const struct link_config *link_model_config(const struct link_model *model);
const struct link_stats *link_model_stats(const struct link_model *model);
usec_t link_model_take_peak(struct link_model *model);

/* Copies the packet, or drops and counts it. */
void link_model_handle_packet(struct link_model *model, usec_t now, struct bytes packet);

/* The next packet that has arrived by `now`. Valid until the next call on `model`. */
bool link_model_poll_packet(struct link_model *model, usec_t now, struct bytes *out);
/* USEC_NEVER when nothing is on its way. */
usec_t link_model_next_timeout(const struct link_model *model);
