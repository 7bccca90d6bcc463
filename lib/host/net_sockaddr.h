/* struct net_addr to and from the system's socket addresses. */
#pragma once

#include "base/net_addr.h"

#include <sys/socket.h>

/* The length to give to bind or sendto; 0 for an address without family. */
socklen_t net_sockaddr_of(const struct net_addr *addr, struct sockaddr_storage *out);
/* False for a family that is not IP. IPv4 inside IPv6 stays IPv6: sockets are bound V6ONLY. */
bool net_addr_of_sockaddr(const struct sockaddr_storage *addr, struct net_addr *out);
/* The addresses of this machine's interfaces, loopback and link-local left out; returns how many.
 */
size_t net_sockaddr_list_interfaces(struct net_addr *out, size_t capacity);
