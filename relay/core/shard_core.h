/* One shard without its sockets: its participants, rooms, publications and subscriptions. Takes
 * datagrams, commands and other shards' messages; fills a tx_batch. Sans-IO, one thread, no
 * allocation per packet.
 *
 *   datagram --by address--> participant's transport --open--> publication --room slot-->
 * subscriptions
 *                                                          `--> shard_port to shards with
 * subscribers
 */
#pragma once

#include "base/log.h"
#include "base/net_addr.h"
#include "base/status.h"
#include "base/usec.h"
#include "control/control_message.h"
#include "relay/core/tx_batch.h"

struct shard_core;
struct dtls_context;

/* DTLS datagrams that wait; more are dropped, and sent again by their peer. */
#define HANDSHAKES_WAITING 1024
#define HANDSHAKES_WAITING_EACH 8 /* of one participant */
#define HANDSHAKES_EACH_TURN 1    /* takes half a millisecond at most */
#define OVERLOAD_US SECONDS(1)    /* without requests once datagrams were lost for want of time */
#define TIMER_EXACT_US MILLISECONDS(100) /* nearer timers run when they are due; later ones */
#define TIMER_GRID_US MILLISECONDS(20)   /* with whatever else happens then, at most so late */
#define TIMERS_EACH_TURN 32 /* participants that report before new voice is looked for */

struct shard_core_config {
    uint32_t shard; /* this one's number */
    uint32_t shard_count;
    uint32_t participants_max; /* default 2048 */
    uint32_t rooms_max;        /* default 512 */
    uint64_t ntp_at_zero;      /* NTP time (RFC 3550 4, 32.32) at now == 0 */
    uint64_t seed;             /* of everything random that is no secret */
    uint64_t hash_key[2];      /* from the system's generator */
    struct dtls_context *dtls; /* borrowed */
    struct log log;
};
struct shard_core_config shard_core_config_default(void);

/* What leaves this shard for another one or for the relay's director: media to replicate, key-frame
 * requests, events. The shell backs it by SPSC rings, the simulator by direct calls. `reserve`
 * gives memory for one message or NULL when the ring is full (counted drop); `commit` hands it
 * over. Destination `shard_count` is the director. */
struct shard_message; /* relay/core/shard_message.h: fixed size, self-contained, no pointers */
struct shard_port {
    void *context;
    struct shard_message *(*reserve)(void *context, uint32_t destination);
    void (*commit)(void *context, uint32_t destination);
};

MUST_CHECK enum status shard_core_create(struct shard_core **out, usec_t now,
                                         const struct shard_core_config *config,
                                         const struct shard_port *port);
void shard_core_free(struct shard_core *core);

/* One datagram; opened in place. */
void shard_core_handle_datagram(struct shard_core *core, usec_t now, const struct net_addr *from,
                                struct bytes_mut datagram, struct tx_batch *tx);
/* A datagram of this TCP connection may be taken, and something is sent to it: it has passed an
 * authenticated ICE check, and the transport still knows it. */
bool shard_core_is_path(const struct shard_core *core, const struct net_addr *from);
/* This TCP connection is closed. */
void shard_core_handle_path_closed(struct shard_core *core, usec_t now, const struct net_addr *path,
                                   struct tx_batch *tx);
/* A message from another shard or from the director. */
void shard_core_handle_message(struct shard_core *core, usec_t now,
                               const struct shard_message *message, struct tx_batch *tx);
/* A few due timers, and of the handshake messages that wait, each time; next_timeout is past while
 * some are left. */
void shard_core_handle_timeout(struct shard_core *core, usec_t now, struct tx_batch *tx);
usec_t shard_core_next_timeout(const struct shard_core *core);
/* Datagrams were lost before we could read them: for a while nothing is asked for again, since what
 * comes would add to what cannot be taken in. */
void shard_core_note_overload(struct shard_core *core, usec_t now);
/* Its counters, for the tx_batch that sends on its behalf. */
struct relay_stats *shard_core_get_stats(struct shard_core *core);
