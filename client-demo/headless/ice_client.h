/* The controlling side of ICE towards a lite agent (RFC 8445): one socket, a few candidates, checks
 * until one answers, then consent (RFC 7675). Sans-IO. */
#pragma once

#include "base/net_addr.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/usec.h"
#include "control/control_message.h"

#define ICE_CLIENT_CANDIDATES_MAX 8
#define ICE_CLIENT_CHECK_BYTES 700

struct ice_client_config {
    struct ice_parameters local, remote;
    struct net_addr candidates[ICE_CLIENT_CANDIDATES_MAX];
    size_t candidate_count;
    uint64_t tie_breaker;
};

struct ice_client {
    struct ice_client_config config;
    struct rng rng;
    size_t next_candidate;
    uint8_t transaction[12]; /* of the last check */
    struct net_addr checked; /* where it went */
    usec_t checked_at;
    usec_t next_check_at;
    usec_t retry_us;
    struct net_addr selected;
    bool has_selected;
    usec_t consent_at; /* the last answer */
    usec_t rtt_us;
    bool has_output;
    struct net_addr output_to;
    uint8_t output[ICE_CLIENT_CHECK_BYTES];
    size_t output_bytes;
};

/* STATUS_CONFIG without candidates. */
MUST_CHECK enum status ice_client_init(struct ice_client *ice, usec_t now,
                                       const struct ice_client_config *config, uint64_t seed);
/* A STUN message; others are ignored. */
void ice_client_handle_datagram(struct ice_client *ice, usec_t now, const struct net_addr *from,
                                struct bytes datagram);
void ice_client_handle_timeout(struct ice_client *ice, usec_t now);
usec_t ice_client_next_timeout(const struct ice_client *ice);
bool ice_client_poll_datagram(struct ice_client *ice, struct net_addr *to, struct bytes *out);

/* False until a check was answered, and after 30 s without consent. */
bool ice_client_get_remote(const struct ice_client *ice, usec_t now, struct net_addr *out);
