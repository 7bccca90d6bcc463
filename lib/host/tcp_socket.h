/* Listening and accepted TCP sockets for media: non-blocking, nothing held back, and a peer that no
 * longer acknowledges is noticed. */
#pragma once

#include "base/log.h"
#include "base/net_addr.h"

#define TCP_SOCKET_BACKLOG 512
#define TCP_SOCKET_DEAD_AFTER_MS 10000 /* of bytes, or probes, that nobody acknowledges */
#define TCP_SOCKET_PROBE_AFTER_S 15    /* of silence */
/* Of bytes that the kernel has not sent yet: more wait on our side, where what is late can still be
 * dropped. */
#define TCP_SOCKET_UNSENT_BYTES 8192

struct tcp_listener {
    int fd; /* -1: closed */
    struct net_addr local;
};

/* As net_socket_open (host/net_socket.h); `local` of *out says which port it has. */
MUST_CHECK enum status tcp_listener_open(struct tcp_listener *out, const struct net_addr *local,
                                         const struct log *log);
void tcp_listener_close(struct tcp_listener *l);

/* The next connection, ready for use; the caller closes *fd. STATUS_NOT_FOUND: nobody waits.
 * STATUS_LIMIT: no descriptor or memory is left for it: it keeps waiting. STATUS_SYSTEM: this one
 * is of no use, there may be others. */
MUST_CHECK enum status tcp_listener_accept(const struct tcp_listener *l, int *fd,
                                           struct net_addr *from);
