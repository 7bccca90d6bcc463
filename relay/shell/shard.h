/* A shard's thread and sockets around its shard_core: one loop turn receives a batch from each
 * socket, reads the clock once, handles datagrams, messages of other threads and timers, and sends
 * what came of it. Nothing in it is locked or shared but the rings and a few measured numbers. */
#pragma once

#include "host/udp_socket.h"
#include "relay/core/shard_core.h"
#include "relay/core/stream_peers.h"
#include "relay/shell/shard_link.h"

#define SHARD_SOCKETS_MAX 2    /* one IPv4, one IPv6; as many TCP listeners */
#define SHARD_EVENTS 64        /* of TCP connections in one turn; more are seen in the next */
#define SHARD_TX_ENTRIES 65536 /* packets times receivers that wait; 24 bytes each */
#define SHARD_TX_PORTION 256   /* video packets sent before new voice is looked for: about 0.4 ms */
#define SHARD_NICE (-10)       /* of a shard's thread, where we may */
#define SHARD_SESSION_NICE "-10"
#define SHARD_ADDS_EACH_TURN 2   /* participants made before the loop looks for packets again */
#define SHARD_LOAD_US SECONDS(1) /* between two measurements */

struct shard_config {
    struct shard_core_config core;
    struct net_addr bind[SHARD_SOCKETS_MAX]; /* with this shard's port */
    size_t bind_count;
    const struct net_addr
        *sources; /* datagrams of other addresses are dropped; NULL: of none. Borrowed */
    size_t source_count;
    struct stream_peers_config streams; /* connections_max 0: no media over TCP */
    int cpu;                            /* to stay on; -1: anywhere */
    struct shard_links *links;
};

struct shard; /* heap */

/* Opens the sockets and makes the core; nothing runs yet. STATUS_EXISTS when a port is in use:
 * then, and for any other failure of a socket, *failed says which address and protocol. */
MUST_CHECK enum status shard_create(struct shard **out, const struct shard_config *config,
                                    struct net_addr *failed);
/* Stops the thread when it runs. NULL is fine. */
void shard_free(struct shard *s);
MUST_CHECK enum status shard_start(struct shard *s);

/* Over the last SHARD_LOAD_US. Any thread may ask. */
struct shard_load {
    uint32_t cpu_permille; /* of one core */
    uint32_t loop_p50_us, loop_p99_us;
    usec_t turned_at; /* last turn: a shard that hangs stands still here */
};
struct shard_load shard_get_load(const struct shard *s);
