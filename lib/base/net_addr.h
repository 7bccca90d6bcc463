/* An IP address with its UDP or TCP port as a value. No system headers: lib/host converts to
 * sockaddr. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

enum net_protocol { NET_PROTOCOL_UDP, NET_PROTOCOL_TCP };
enum net_family { NET_FAMILY_NONE = 0, NET_FAMILY_IPV4 = 4, NET_FAMILY_IPV6 = 6 };

struct net_addr {
    uint8_t ip[16]; /* network order; IPv4 uses the first four bytes, the rest is zero */
    uint16_t port;  /* host order */
    uint8_t family; /* enum net_family */
    /* enum net_protocol: one address and port are two different places in UDP and in TCP. */
    uint8_t protocol;
};

#define NET_ADDR_TEXT_BYTES 64 /* enough for "[ipv6]:port" and its zero */

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);
static inline size_t net_addr_ip_bytes(const struct net_addr *a)
{
    return a->family == NET_FAMILY_IPV6 ? 16 : 4;
}

/* Reads an address without a port: "192.0.2.1", "2001:db8::1" or "[2001:db8::1]". */
MUST_CHECK enum status net_addr_parse_ip(const char *text, uint16_t port, struct net_addr *out);

/* Writes the address without port to `text` (NET_ADDR_TEXT_BYTES); returns `text`. */
const char *net_addr_write_ip(const struct net_addr *addr, char *text);

/* A keyed 64-bit hash, for lookup tables that strangers can reach. */
uint64_t net_addr_hash(const struct net_addr *addr, const uint64_t key[2]);

bool net_addr_is_loopback(const struct net_addr *addr);
/* False for what the Internet at large does not route: this machine, private and shared networks,
 * link-local (a cloud's metadata), multicast, documentation, reserved (RFC 6890); an IPv4 address
 * that stands in an IPv6 one (mapped, NAT64) counts as itself. */
bool net_addr_is_public(const struct net_addr *addr);
/* 0.0.0.0 or :: */
bool net_addr_is_any(const struct net_addr *addr);
