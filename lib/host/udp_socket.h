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

/* As net_socket_open (host/net_socket.h); `local` of *out says which port it has. */
MUST_CHECK enum status udp_socket_open(struct udp_socket *out, const struct net_addr *local,
                                       const struct log *log);
/* Buffers as udp_socket_open asks for them; before bind. */
bool udp_socket_prepare(int fd);
void udp_socket_close(struct udp_socket *s);
