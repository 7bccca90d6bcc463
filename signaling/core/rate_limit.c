#include "signaling/core/rate_limit.h"

#include "base/hash.h"

bool rate_limit_take(struct rate_limit *limit, usec_t now, struct rate_limit_rule rule)
{
    usec_t full_at = usec_max(limit->full_at, now);
    if (full_at + rule.interval_us > now + rule.interval_us * (usec_t)rule.burst)
        return false;
    limit->full_at = full_at + rule.interval_us;
    return true;
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
    uint64_t hash = hash_bytes(bytes_of_string(remote_ip != NULL ? remote_ip : ""), limits->key);
    struct ip_limit *entry = &limits->entries[hash % LIMIT_IP_BUCKETS];
    bool idle = entry->unauthenticated == 0 && entry->failed_tokens.full_at <= now &&
                entry->http_sdp.full_at <= now;
    if (entry->address_hash != hash && idle)
        *entry = (struct ip_limit){.address_hash = hash};
    return entry;
}
