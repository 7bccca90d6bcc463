/* Token buckets: `burst` saved up at most, one token back every `interval`. */
#pragma once

#include "base/status.h"
#include "base/usec.h"
#include "signaling/core/limits.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is full. Kept as the instant at which the bucket would be full again (the
 * generic cell rate algorithm), so that nothing has to tick. */
struct rate_limit {
    usec_t full_at;
};

struct rate_limit_rule {
    usec_t interval_us;
    unsigned burst;
};

/* Takes one token; false, and nothing taken, when there is none. */
bool rate_limit_take(struct rate_limit *limit, usec_t now, struct rate_limit_rule rule);

/* Whom an address stands for, as text: itself, or for IPv6 its /64, of which a household has all.
 * NULL, or what is no address: one unknown place. */
void ip_site_write(const char *remote_ip, char out[REMOTE_IP_BYTES]);

/* What is counted by remote address. Addresses that fall on one place of the keyed table while it
 * is in use share it: at worst stricter for one of them, and nobody can aim for that. */
struct ip_limits {
    uint64_t key[2];
    struct ip_limit *entries; /* LIMIT_IP_BUCKETS */
};

struct ip_limit {
    uint64_t address_hash;
    struct rate_limit failed_tokens;
    struct rate_limit http_sdp;
    uint32_t unauthenticated; /* sockets before hello */
};

MUST_CHECK enum status ip_limits_init(struct ip_limits *limits, const uint64_t key[2]);
void ip_limits_destroy(struct ip_limits *limits);
/* Never NULL; the table keeps it. `remote_ip` NULL stands for one unknown address. */
struct ip_limit *ip_limits_get(struct ip_limits *limits, usec_t now, const char *remote_ip);
