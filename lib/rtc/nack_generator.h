/* Decides which lost RTP packets to ask for again (RFC 4585 section 6.2.1). Sans-IO; allocates
 * nothing. The owner embeds one per received SSRC. */
#pragma once

#include "base/status.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

#define NACK_MISSING_MAX 256 /* places; the configured maximum may be lower */

struct nack_generator_config {
    usec_t reorder_wait_us; /* a gap may be mere reordering; default 10 ms */
    usec_t retry_min_us;    /* between two requests for one packet, at least; default 20 ms */
    usec_t retry_max_us;    /* at most; default 400 ms */
    uint8_t tries_max;      /* default 10 */
    uint16_t missing_max;   /* above this a key frame is cheaper; default 250 */
};
struct nack_generator_config nack_generator_config_default(void);

struct nack_generator {
    struct nack_generator_config config;
    uint64_t highest;
    bool started;
    struct {
        uint64_t seq;
        usec_t due;
        usec_t wait_us;
        uint8_t tries;
    } missing[NACK_MISSING_MAX]; /* ascending */
    size_t count;
};

/* STATUS_CONFIG for values out of range. */
MUST_CHECK enum status nack_generator_init(struct nack_generator *nack,
                                           const struct nack_generator_config *config);

/* Notes that packet `seq` (unwrapped) arrived at `now`. STATUS_LIMIT when more than missing_max are
 * missing: the list is then empty; request a key frame. */
MUST_CHECK enum status nack_generator_handle_packet(struct nack_generator *nack, usec_t now,
                                                    uint64_t seq);

/* Writes the sequence numbers due at `now`, oldest first, to `seqs` and schedules their next
 * request after the round trip. Those asked for tries_max times are given up: *given_up counts
 * them. Returns how many; cannot fail. */
size_t nack_generator_take_due(struct nack_generator *nack, usec_t now, usec_t rtt_us,
                               uint64_t *seqs, size_t capacity, size_t *given_up);
usec_t nack_generator_next_timeout(const struct nack_generator *nack);

/* Nothing before `seq` is wanted any more (a key frame began there). */
void nack_generator_forget_before(struct nack_generator *nack, uint64_t seq);
