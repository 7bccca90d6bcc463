/* A bound, non-blocking UDP socket. */
#pragma once

#include "base/log.h"
#include "base/net_addr.h"

#define UDP_SOCKET_BUFFER_BYTES                                                                    \
    (4 << 20) /* asked for in each direction; the system may give less */

struct udp_socket {
    int fd; /* -1: closed */
    struct net_addr local;
};

/* Port 0 lets the system choose; `local` says which. IPv6 sockets take IPv6 only, so that no IPv4
 * address ever comes in IPv6's clothes. STATUS_CONFIG for an address without family, STATUS_EXISTS
 * when the port is in use, STATUS_SYSTEM otherwise; errno says more. */
MUST_CHECK enum status udp_socket_open(struct udp_socket *out, const struct net_addr *local,
                                       const struct log *log);
void udp_socket_close(struct udp_socket *s);
