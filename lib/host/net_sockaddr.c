#include "host/net_sockaddr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

socklen_t net_sockaddr_of(const struct net_addr *addr, struct sockaddr_storage *out)
{
    if (addr->family == NET_FAMILY_IPV4) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
        memcpy(&v4.sin_addr, addr->ip, 4);
        memcpy(out, &v4, sizeof v4);
        return sizeof v4;
    }
    if (addr->family == NET_FAMILY_IPV6) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};
        memcpy(&v6.sin6_addr, addr->ip, 16);
        memcpy(out, &v6, sizeof v6);
        return sizeof v6;
    }
    return 0;
}

bool net_addr_of_sockaddr(const struct sockaddr_storage *addr, struct net_addr *out)
{
    *out = (struct net_addr){0};
    if (addr->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, addr, sizeof v4);
        out->family = NET_FAMILY_IPV4;
        out->port = ntohs(v4.sin_port);
        memcpy(out->ip, &v4.sin_addr, 4);
        return true;
    }
    if (addr->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, addr, sizeof v6);
        out->family = NET_FAMILY_IPV6;
        out->port = ntohs(v6.sin6_port);
        memcpy(out->ip, &v6.sin6_addr, 16);
        return true;
    }
    return false;
}

static bool is_link_local(const struct net_addr *a)
{
    return a->family == NET_FAMILY_IPV6 ? a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80
                                        : a->ip[0] == 169 && a->ip[1] == 254;
}

size_t net_sockaddr_list_interfaces(struct net_addr *out, size_t capacity)
{
    struct ifaddrs *list = NULL;
    size_t count = 0;
    if (getifaddrs(&list) != 0)
        return 0;
    for (struct ifaddrs *at = list; at != NULL && count < capacity; at = at->ifa_next) {
        struct sockaddr_storage storage = {0};
        struct net_addr addr;
        if (at->ifa_addr == NULL)
            continue;
        memcpy(&storage, at->ifa_addr,
               at->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                   : sizeof(struct sockaddr_in));
        if (!net_addr_of_sockaddr(&storage, &addr) || net_addr_is_loopback(&addr) ||
            is_link_local(&addr))
            continue;
        addr.port = 0;
        out[count++] = addr;
    }
    freeifaddrs(list);
    return count;
}
