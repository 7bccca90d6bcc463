/* The relay without its shell: director and shards, joined by rings as relay/shell/shard_link joins
 * them, and its end of the control link. Each shard and the director takes its turn on the virtual
 * clock as soon as something waits for it. */
#pragma once

#include "control/control_session.h"
#include "relay/core/director.h"
#include "relay/core/shard_core.h"
#include "sim/sim_clock.h"

#define SIM_SHARDS_MAX 4
#define SIM_RELAY_PORT 40000 /* of shard 0; the next one's is the next */

struct dtls_context;
struct sim_relay;

struct sim_relay_config {
    uint32_t shards;
    uint32_t participants_max; /* of each shard */
    uint64_t seed;
    uint64_t ntp_at_zero;
    struct dtls_context *dtls; /* borrowed */
    struct log log;
    void *owner;
    void (*send_datagram)(void *owner, const struct net_addr *from, const struct net_addr *to,
                          struct bytes data);
    void (*send_frame)(void *owner, struct bytes frame); /* on the control link */
    void (*hang_up)(void *owner);                        /* the control link, from this side */
};

/* Aborts when it cannot. */
struct sim_relay *sim_relay_create(struct sim_clock *clock, const struct sim_relay_config *config);
void sim_relay_free(struct sim_relay *relay);

/* In. The datagram's bytes are changed. */
void sim_relay_handle_datagram(struct sim_relay *relay, usec_t now, const struct net_addr *from,
                               const struct net_addr *to, struct bytes_mut data);
void sim_relay_handle_connected(struct sim_relay *relay, usec_t now); /* replaces an older one */
void sim_relay_handle_frame(struct sim_relay *relay, usec_t now, struct bytes frame);
void sim_relay_handle_disconnected(struct sim_relay *relay, usec_t now);

/* Sum of all shards. */
struct relay_stats sim_relay_get_stats(const struct sim_relay *relay);
/* A shard does not turn until then. */
void sim_relay_hold_shard(struct sim_relay *relay, uint32_t shard, usec_t until);
