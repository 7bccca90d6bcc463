#include "signaling/core/rate_limit.h"

#include "base/hash.h"
#include "base/net_addr.h"

bool rate_limit_take(struct rate_limit *limit, usec_t now, struct rate_limit_rule rule)
{
    usec_t full_at = usec_max(limit->full_at, now);
    if (full_at + rule.interval_us > now + rule.interval_us * (usec_t)rule.burst)
        return false;
    limit->full_at = full_at + rule.interval_us;
    return true;
}

void ip_site_write(const char *remote_ip, char out[REMOTE_IP_BYTES])
{
    struct net_addr addr;
    char text[NET_ADDR_TEXT_BYTES];
    out[0] = '\0';
    if (remote_ip == NULL || net_addr_parse_ip(remote_ip, 0, &addr) != STATUS_OK)
        return;
    if (addr.family == NET_FAMILY_IPV6)
        memset(addr.ip + 8, 0, 8);
    snprintf(out, REMOTE_IP_BYTES, "%s", net_addr_write_ip(&addr, text));
}

enum status ip_limits_init(struct ip_limits *limits, const uint64_t key[2])
{
    struct ip_limit *entries = calloc(LIMIT_IP_BUCKETS, sizeof *entries);
    if (entries == NULL)
        return STATUS_NO_MEMORY;
    *limits = (struct ip_limits){.key = {key[0], key[1]}, .entries = entries};
    return STATUS_OK;
}

void ip_limits_destroy(struct ip_limits *limits)
{
    free(limits->entries);
    *limits = (struct ip_limits){0};
}

struct ip_limit *ip_limits_get(struct ip_limits *limits, usec_t now, const char *remote_ip)
{
    char site[REMOTE_IP_BYTES];
    ip_site_write(remote_ip, site);
    uint64_t hash = hash_bytes(bytes_of_string(site), limits->key);
    struct ip_limit *entry = &limits->entries[hash % LIMIT_IP_BUCKETS];
    bool idle = entry->unauthenticated == 0 && entry->failed_tokens.full_at <= now &&
                entry->http_sdp.full_at <= now;
    if (entry->address_hash != hash && idle)
        *entry = (struct ip_limit){.address_hash = hash};
    return entry;
}
