/* The relay's one place that knows every room and participant: places participants on shards, keeps
 * grants, puts publications on room slots, speaks with signaling (docs/control-protocol.md). Runs
 * on the control thread; sees no media. Sans-IO. */
#pragma once

#include "base/log.h"
#include "base/net_addr.h"
#include "base/rng.h"
#include "base/usec.h"
#include "control/control_message.h"
#include "relay/core/shard_message.h"

#define DIRECTOR_ADDRESSES_MAX 8      /* each may be two candidates */
#define DIRECTOR_REPORT_US SECONDS(2) /* relay_stats, room_stats */
#define DIRECTOR_SPEAKERS_US 250000   /* at most so often per room */

struct director_config {
    uint32_t shard_count;
    uint32_t capacity; /* participants; default 2000 */
    uint32_t rooms_max;
    struct net_addr
        addresses[DIRECTOR_ADDRESSES_MAX]; /* advertised; the port is media_port_base + shard */
    size_t address_count;
    uint16_t media_port_base;
    bool media_tcp; /* the same ports take TCP */
    uint8_t fingerprint[FINGERPRINT_BYTES];
    uint64_t seed;
    struct log log;
};
struct director_config director_config_default(void);

struct director;
MUST_CHECK enum status director_create(struct director **out, usec_t now,
                                       const struct director_config *config);
void director_free(struct director *d);

/* From signaling: connected (after both hellos), a message or request, gone. */
void director_handle_connected(struct director *d, usec_t now);
void director_handle_message(struct director *d, usec_t now, const struct control_message *message);
void director_handle_disconnected(struct director *d, usec_t now);

/* From a shard. */
void director_handle_shard(struct director *d, usec_t now, const struct shard_message *message);

void director_handle_timeout(struct director *d, usec_t now);
usec_t director_next_timeout(const struct director *d);

/* Out: drain after every call. Borrowed until the next call. While no signaling is connected
 * nothing is queued for it. */
bool director_poll_message(struct director *d, const struct control_message **out);
bool director_poll_shard(struct director *d, uint32_t *shard, const struct shard_message **out);

/* Measured by the shell, once per report. */
struct director_machine {
    uint32_t cpu_permille, cores;
    uint64_t memory_total_bytes, memory_available_bytes, relay_memory_bytes;
};
void director_set_machine(struct director *d, const struct director_machine *machine);
void director_set_shard_load(struct director *d, uint32_t shard, uint32_t cpu_permille,
                             uint32_t loop_p50_us, uint32_t loop_p99_us);
