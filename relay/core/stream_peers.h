/* The TCP connections of one shard's media port (RFC 6544, passive side): who may connect, what
 * must come first, what is put together from the stream, and what waits to be written. Decides; the
 * shell accepts, reads, writes and closes. A connection is named by its place in the table.
 *
 *   new --first frame is an authentic ICE check--> verified      (STREAM_VERIFY_WITHIN_US)
 *   new | verified --frame too long, its path gone, the peer closed--> closed by the owner
 *
 * What strangers can take is bounded: connections in all and of one address, and of those that have
 * proved nothing the oldest gives way to a new one. Sans-IO; a connection's queue is allocated once
 * it is verified. */
#pragma once

#include "base/hash_map.h"
#include "base/net_addr.h"
#include "base/status.h"
#include "base/usec.h"
#include "relay/core/stream_queue.h"
#include "wire/stream_frame.h"

#define STREAM_VERIFY_WITHIN_US SECONDS(5)
#define STREAM_NOBODY UINT32_MAX

struct stream_peers_config {
    uint32_t connections_max;            /* default 4096 */
    uint32_t per_address_max;            /* of one IPv4 address or IPv6 /64; default 1024 */
    uint32_t unverified_max;             /* default 1024 */
    uint32_t unverified_per_address_max; /* default 256 */
    uint64_t hash_key[2];
};
struct stream_peers_config stream_peers_config_default(void);

struct stream_peer {
    struct net_addr addr;
    usec_t since;
    bool used, verified;
    uint32_t older, newer; /* of those that are not verified, by `since` */
    struct stream_frames in;
    struct stream_queue out; /* when verified */
};

struct stream_peers {
    struct stream_peers_config config;
    struct stream_peer *peers; /* pages of it that nobody used take no memory */
    uint32_t *free;
    uint32_t free_count, unverified, oldest, newest;
    struct hash_map by_address;       /* address and port -> place */
    struct hash_map count_by_network; /* connections << 32 | those not verified */
};

/* STATUS_CONFIG, STATUS_NO_MEMORY. */
MUST_CHECK enum status stream_peers_init(struct stream_peers *p,
                                         const struct stream_peers_config *config);
void stream_peers_destroy(struct stream_peers *p);

/* `addr` has connected. True: *place is its own; *evicted is a connection that the owner has to
 * close first (the place may be the same one), or STREAM_NOBODY. False: close the new one. */
bool stream_peers_admit(struct stream_peers *p, usec_t now, const struct net_addr *addr,
                        uint32_t *place, uint32_t *evicted);
/* Forgets a connection. */
void stream_peers_remove(struct stream_peers *p, uint32_t place);

/* Its first frame was an authentic check. STATUS_NO_MEMORY: it has to be closed. */
MUST_CHECK enum status stream_peers_verify(struct stream_peers *p, uint32_t place);

/* NULL for a place that is free. */
struct stream_peer *stream_peers_get(const struct stream_peers *p, uint32_t place);
/* STREAM_NOBODY when there is no verified connection with `addr`. */
uint32_t stream_peers_find(const struct stream_peers *p, const struct net_addr *addr);

/* A connection that has not proved itself in time, to be closed; STREAM_NOBODY when there is none.
 */
uint32_t stream_peers_find_late(const struct stream_peers *p, usec_t now);
usec_t stream_peers_next_timeout(const struct stream_peers *p);
