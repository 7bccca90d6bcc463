/* A shard's media over TCP: listens beside its UDP sockets, on the same ports; accepts, reads,
 * writes and closes as stream_peers decides. Never waits, and gives each connection a share of a
 * turn. */
#pragma once

#include "base/log.h"
#include "host/tcp_socket.h"
#include "relay/core/relay_stats.h"
#include "relay/core/stream_peers.h"
#include "relay/core/tx_batch.h"

#define STREAM_LISTENERS_MAX 2            /* one IPv4, one IPv6 */
#define STREAM_ACCEPTS_EACH_TURN 16       /* of each listener */
#define STREAM_READ_BYTES 16384           /* of one connection in one turn */
#define STREAM_WRITES_EACH_TURN 64        /* datagrams to one connection */
#define STREAM_PAUSE_US MILLISECONDS(500) /* of accepting when descriptors run out */
#define STREAM_SWEEP_US SECONDS(1)        /* connections whose path has gone are looked for */

/* What the port asks of the shard, and tells it. */
struct stream_port_owner {
    void *context;
    bool (*is_admitted)(void *context, const struct net_addr *from);
    void (*handle_datagram)(void *context, usec_t now, const struct net_addr *from,
                            struct bytes_mut datagram);
    bool (*is_path)(void *context, const struct net_addr *from);
    void (*handle_closed)(void *context, usec_t now, const struct net_addr *from);
};

struct stream_port_config {
    struct stream_peers_config peers;
    int epoll_fd;      /* borrowed */
    uint32_t first_id; /* events of this port carry data.u64 from here on */
    struct stream_port_owner owner;
    struct relay_stats *stats; /* borrowed: what queues drop is counted there */
    struct log log;
};

struct stream_port; /* heap */
/* STATUS_CONFIG, STATUS_NO_MEMORY. */
MUST_CHECK enum status stream_port_create(struct stream_port **out,
                                          const struct stream_port_config *config);
/* Closes everything; the owner is told nothing. NULL is fine. */
void stream_port_free(struct stream_port *s);

/* As udp_socket_open. */
MUST_CHECK enum status stream_port_listen(struct stream_port *s, const struct net_addr *local);

/* An event of epoll whose data.u64 is `id`. */
void stream_port_handle_event(struct stream_port *s, usec_t now, uint64_t id, uint32_t events);
void stream_port_handle_timeout(struct stream_port *s, usec_t now);
usec_t stream_port_next_timeout(const struct stream_port *s);

/* Takes a message's datagrams for a connection; what is too much for it is dropped and counted.
 * False: there is no such connection. Closes nothing, tells nothing: may be called at any time. */
bool stream_port_send(struct stream_port *s, usec_t now, const struct tx_message *message);
