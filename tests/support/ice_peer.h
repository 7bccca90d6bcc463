/* The controlling side of ICE for tests: writes checks towards a lite agent and reads the answers.
 * It has no timers and no state beyond its counters. */
#pragma once

#include "control/control_message.h"
#include "wire/stun.h"

struct ice_peer {
    struct ice_parameters local, remote;
    uint32_t checks; /* written so far; the last one's transaction is made of it */
    /* How the next checks look. */
    enum stun_role role;
    uint32_t priority;
    bool use_candidate;
    bool has_nomination;
    uint32_t nomination;
    bool wrong_password, no_integrity, no_fingerprint, wrong_user, unknown_attribute;
};

void ice_peer_init(struct ice_peer *peer, const struct ice_parameters *local,
                   const struct ice_parameters *remote);
/* Writes one check to `out` (STUN_BYTES_MAX); returns its size. Aborts when it cannot. */
size_t ice_peer_write_check(struct ice_peer *peer, uint8_t *out);
/* The answer to the last check: 0 for success, the error's code, or -1 when it is none or its
 * integrity is wrong. */
int ice_peer_read_answer(const struct ice_peer *peer, struct bytes answer);
