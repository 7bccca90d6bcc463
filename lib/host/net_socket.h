/* Opening a bound, non-blocking socket: what UDP and listening TCP sockets have in common. */
#pragma once

#include "base/log.h"
#include "base/net_addr.h"

struct net_socket_config {
    int type;                /* SOCK_DGRAM or SOCK_STREAM */
    int backlog;             /* of one that listens; 0: it does not */
    bool (*prepare)(int fd); /* options that must be set before bind */
    const char *failed;      /* the log's name for a failure */
};

/* Port 0 lets the system choose; `bound` says which. IPv6 sockets take IPv6 only, so that no IPv4
 * address ever comes in IPv6's clothes. The caller closes *fd. STATUS_CONFIG for an address without
 * family, STATUS_EXISTS when the port is in use, STATUS_SYSTEM otherwise; errno says more. */
MUST_CHECK enum status net_socket_open(int *fd, struct net_addr *bound,
                                       const struct net_socket_config *config,
                                       const struct net_addr *local, const struct log *log);
/* Closes *fd unless it is -1, and sets it to that. */
void net_socket_close(int *fd);

bool net_socket_set(int fd, int level, int name, int value);
