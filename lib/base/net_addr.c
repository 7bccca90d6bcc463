#include "base/net_addr.h"

#include "base/check.h"
#include "base/hash.h"

#include <stdio.h>

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
    return a->family == b->family && a->protocol == b->protocol && a->port == b->port &&
           memcmp(a->ip, b->ip, net_addr_ip_bytes(a)) == 0;
}

static bool parse_ipv4(const char *text, uint8_t ip[4])
{
    const char *at = text;
    for (int i = 0; i < 4; i++) {
        unsigned value = 0;
        int digits = 0;
        while (*at >= '0' && *at <= '9' && digits < 3) {
            value = value * 10 + (unsigned)(*at++ - '0');
            digits++;
        }
        if (digits == 0 || value > 255 || *at != (i < 3 ? '.' : '\0'))
            return false;
        ip[i] = (uint8_t)value;
        at++;
    }
    return true;
}

/* Groups of up to four hex digits; "::" may stand once for zeros; the last 32 bits may be dotted.
 */
static bool parse_ipv6(const char *text, uint8_t ip[16])
{
    uint8_t head[16] = {0};
    size_t used = 0;
    size_t gap = SIZE_MAX;
    const char *at = text;
    if (at[0] == ':' && at[1] != ':')
        return false;
    while (*at != '\0') {
        if (at[0] == ':' && at[1] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = used;
            at += 2;
            continue;
        }
        if (*at == ':' && (used == 0 || at[1] == '\0' || gap == used))
            return false;
        if (*at == ':')
            at++;
        if (used + 4 <= 16 && parse_ipv4(at, head + used)) {
            used += 4;
            break;
        }
        unsigned value = 0;
        int digits = 0;
        while (digits < 4 && bytes_get_hex_digit((uint8_t)*at) >= 0) {
            value = value * 16 + (unsigned)bytes_get_hex_digit((uint8_t)*at++);
            digits++;
        }
        if (digits == 0 || used + 2 > 16 || (*at != '\0' && *at != ':'))
            return false;
        head[used++] = (uint8_t)(value >> 8);
        head[used++] = (uint8_t)value;
    }
    if (gap == SIZE_MAX ? used != 16 : used > 14)
        return false;
    memset(ip, 0, 16);
    size_t front = gap == SIZE_MAX ? used : gap;
    memcpy(ip, head, front);
    memcpy(ip + 16 - (used - front), head + front, used - front);
    return true;
}

enum status net_addr_parse_ip(const char *text, uint16_t port, struct net_addr *out)
{
    struct net_addr addr = {.port = port};
    char inner[NET_ADDR_TEXT_BYTES];
    size_t length = strlen(text);
    if (length >= 2 && length < sizeof inner && text[0] == '[' && text[length - 1] == ']') {
        memcpy(inner, text + 1, length - 2);
        inner[length - 2] = '\0';
        text = inner;
    } else if (parse_ipv4(text, addr.ip)) {
        addr.family = NET_FAMILY_IPV4;
        *out = addr;
        return STATUS_OK;
    }
    if (!parse_ipv6(text, addr.ip))
        return STATUS_MALFORMED;
    addr.family = NET_FAMILY_IPV6;
    *out = addr;
    return STATUS_OK;
}

/* RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as "::".
 */
static void write_ipv6(const uint8_t ip[16], char *text)
{
    unsigned groups[8];
    for (int i = 0; i < 8; i++)
        groups[i] = load_u16(ip + 2 * i);
    int best = -1;
    int best_length = 1;
    for (int i = 0; i < 8; i++) {
        int length = 0;
        while (i + length < 8 && groups[i + length] == 0)
            length++;
        if (length > best_length) {
            best = i;
            best_length = length;
        }
    }
    char *at = text;
    char *end = text + NET_ADDR_TEXT_BYTES;
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            at += snprintf(at, (size_t)(end - at), "::");
            i += best_length - 1;
            continue;
        }
        bool first = i == 0 || (best >= 0 && i == best + best_length);
        at += snprintf(at, (size_t)(end - at), "%s%x", first ? "" : ":", groups[i]);
    }
}

const char *net_addr_write_ip(const struct net_addr *addr, char *text)
{
    text[0] = '\0';
    if (addr->family == NET_FAMILY_IPV4)
        snprintf(text, NET_ADDR_TEXT_BYTES, "%u.%u.%u.%u", addr->ip[0], addr->ip[1], addr->ip[2],
                 addr->ip[3]);
    else if (addr->family == NET_FAMILY_IPV6)
        write_ipv6(addr->ip, text);
    return text;
}

uint64_t net_addr_hash(const struct net_addr *addr, const uint64_t key[2])
{
    uint8_t flat[20];
    memcpy(flat, addr->ip, 16);
    store_u16(flat + 16, addr->port);
    flat[18] = addr->family;
    flat[19] = addr->protocol;
    return hash_bytes(bytes_of(flat, sizeof flat), key);
}

bool net_addr_is_loopback(const struct net_addr *addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    if (addr->family == NET_FAMILY_IPV4)
        return addr->ip[0] == 127;
    return addr->family == NET_FAMILY_IPV6 && memcmp(addr->ip, loopback6, 16) == 0;
}

struct ip_range {
    uint8_t ip[16];
    uint8_t bits;
};

static bool is_within(const uint8_t *ip, const struct ip_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t bytes = ranges[i].bits / 8u;
        uint8_t mask = (uint8_t)(0xff00u >> (ranges[i].bits % 8u));
        if (memcmp(ip, ranges[i].ip, bytes) == 0 &&
            (mask == 0 || ((ip[bytes] ^ ranges[i].ip[bytes]) & mask) == 0))
            return true;
    }
    return false;
}

static bool is_public_ipv4(const uint8_t *ip)
{
    static const struct ip_range special[] = {
        {{0}, 8},
        {{10}, 8},
        {{100, 64}, 10},
        {{127}, 8},
        {{169, 254}, 16},
        {{172, 16}, 12},
        {{192, 0, 0}, 24},
        {{192, 0, 2}, 24},
        {{192, 88, 99}, 24},
        {{192, 168}, 16},
        {{198, 18}, 15},
        {{198, 51, 100}, 24},
        {{203, 0, 113}, 24},
        {{224}, 3},
    };
    return !is_within(ip, special, COUNT_OF(special));
}

bool net_addr_is_public(const struct net_addr *addr)
{
    static const struct ip_range with_ipv4[] = {{{[10] = 0xff, 0xff}, 96},
                                                {{0, 0x64, 0xff, 0x9b}, 96}};
    static const struct ip_range routed = {{0x20}, 3};
    static const struct ip_range special[] = {
        {{0x20, 0x01}, 23}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x20, 0x02}, 16}, {{0x3f, 0xff}, 20}};
    if (addr->family == NET_FAMILY_IPV4)
        return is_public_ipv4(addr->ip);
    if (addr->family != NET_FAMILY_IPV6)
        return false;
    if (is_within(addr->ip, with_ipv4, COUNT_OF(with_ipv4)))
        return is_public_ipv4(addr->ip + 12);
    return is_within(addr->ip, &routed, 1) && !is_within(addr->ip, special, COUNT_OF(special));
}

bool net_addr_is_any(const struct net_addr *addr)
{
    static const uint8_t any[16];
    return memcmp(addr->ip, any, net_addr_ip_bytes(addr)) == 0;
}
