/* A participant's line in both directions: UDP datagrams meet what netlab/link_model does to them,
 * texts of its WebSocket arrive all the same, later. */
#pragma once

#include "base/net_addr.h"
#include "base/rng.h"
#include "netlab/link_script.h"
#include "sim/sim_clock.h"

#define SIM_LINK_CHANGES_MAX 32
#define SIM_LINK_OVERHEAD_BYTES 28 /* IPv4 and UDP: counted in rate and queue */

struct sim_link_datagram {
    enum link_direction direction;
    struct net_addr from, to;
    struct bytes_mut data;
};

struct sim_link {
    struct sim_clock *clock;
    struct rng rng;
    struct link_model *models[LINK_DIRECTION_COUNT];
    struct sim_timer timer, script_timer;
    struct link_change changes[SIM_LINK_CHANGES_MAX]; /* `at` is an instant; first to come first */
    size_t change_count;
    void (*arrive)(void *owner, usec_t now, struct sim_link_datagram *datagram);
    void *owner;
};

/* Aborts when it cannot. `arrive` may change the datagram's bytes. */
void sim_link_init(struct sim_link *link, struct sim_clock *clock, uint64_t seed, void *owner,
                   void (*arrive)(void *owner, usec_t now, struct sim_link_datagram *datagram));
void sim_link_destroy(struct sim_link *link);

/* Zeros stand for the defaults: a queue of 100 ms, bursts of one. */
void sim_link_set_direction(struct sim_link *link, enum link_direction direction,
                            struct link_config config);
/* Lines as netlab/link_script.h has them; `at` counts from now. Replaces changes to come. */
void sim_link_play(struct sim_link *link, const char *script);

void sim_link_send(struct sim_link *link, enum link_direction direction,
                   const struct net_addr *from, const struct net_addr *to, struct bytes data);
/* How long a text of `bytes` takes now, and whether it is lost on the way. */
bool sim_link_loses_text(struct sim_link *link, enum link_direction direction);
usec_t sim_link_text_delay(struct sim_link *link, enum link_direction direction, size_t bytes);
