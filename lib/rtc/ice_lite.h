/* The lite side of ICE (RFC 8445 2.5, 6.1.1, 7.3): answers authenticated checks, remembers the
 * addresses that made them, follows nomination, and notices a peer that has fallen silent. Sans-IO.
 * Nothing unauthenticated is answered or remembered. */
#pragma once

#include "base/net_addr.h"
#include "base/usec.h"
#include "control/control_message.h"
#include "wire/stun.h"

#define ICE_PATHS_MAX 8
#define ICE_CHECKS_MAX 64 /* transactions remembered: a copy from elsewhere proves nothing */
#define ICE_ANSWER_BYTES_MAX 200
#define ICE_SEND_FOR_US SECONDS(15) /* of silence: then nothing is sent any more */
#define ICE_CONSENT_US SECONDS(30)  /* after a check media may go to its address (RFC 7675) */
/* A path that carried the media and has been silent for so long gives way to one that the peer
 * nominates, or, after a restart, to one that it checks at all: what only listens may send nothing
 * but checks for five seconds on end, and Chromium nominates no other path before it has given up
 * the old one. */
#define ICE_STALE_US SECONDS(1)

/* Fresh credentials from OpenSSL's generator: ufrag of 12, pwd of 24 characters (RFC 8839 5.4). */
MUST_CHECK enum status ice_credentials_generate(struct ice_parameters *out);

struct ice_path {
    struct net_addr addr;
    usec_t heard_at;
    uint32_t priority;
    uint32_t nomination;
    bool nominated;
};

struct ice_check {
    uint8_t transaction[STUN_TRANSACTION_BYTES];
    struct net_addr from;
};

struct ice_lite {
    struct ice_parameters local, remote;
    struct ice_parameters old_local, old_remote; /* after a restart */
    usec_t old_until;                            /* 0: no old ones */
    bool is_used;                                /* a check has come with the present ones */
    bool is_restarted;                           /* and since a restart no media has */
    bool is_guessed; /* media_addr is where checks come from, not media */
    struct ice_path paths[ICE_PATHS_MAX];
    size_t path_count;
    struct ice_check checks[ICE_CHECKS_MAX]; /* a ring */
    size_t check_count;                      /* ever noted */
    struct net_addr media_addr;              /* where authentic media last came from */
    bool has_media_addr;
    usec_t heard_at; /* anything authentic, or creation */
    usec_t old_credentials_us;
};

void ice_lite_init(struct ice_lite *ice, usec_t now, const struct ice_parameters *local,
                   const struct ice_parameters *remote, usec_t old_credentials_us);
void ice_lite_restart(struct ice_lite *ice, usec_t now, const struct ice_parameters *local,
                      const struct ice_parameters *remote);
bool ice_lite_is_user(const struct ice_lite *ice, struct bytes username);

enum ice_verdict {
    ICE_ANSWERED,  /* *answer is to be sent to `from` */
    ICE_MALFORMED, /* no STUN that we read */
    ICE_REFUSED,   /* authentication is missing or wrong, or it is a copy: say nothing */
    ICE_IGNORED    /* authentic, but nothing to answer (an indication, a response) */
};
struct ice_path_change {
    bool added, dropped;
    struct net_addr added_addr, dropped_addr;
};
/* `answer` has ICE_ANSWER_BYTES_MAX of room; *size is what was written. *change says which paths
 * appeared or went. */
enum ice_verdict ice_lite_handle_stun(struct ice_lite *ice, usec_t now, const struct net_addr *from,
                                      struct bytes datagram, uint8_t *answer, size_t *size,
                                      struct ice_path_change *change);

bool ice_lite_is_path(const struct ice_lite *ice, const struct net_addr *addr);
/* Authentic media came from a verified path: it goes back there from now on. */
void ice_lite_note_media(struct ice_lite *ice, usec_t now, const struct net_addr *from);
/* A path is known to lead nowhere any more (its TCP connection is closed). False: it was none. */
bool ice_lite_remove_path(struct ice_lite *ice, const struct net_addr *addr);
/* Where to send: the path of the last authentic media (until ICE_STALE_US later another one is
 * nominated), else the best nominated, else any. False when there is none, or after ICE_SEND_FOR_US
 * of silence. */
bool ice_lite_get_remote(const struct ice_lite *ice, usec_t now, struct net_addr *out);
/* From when on nothing more is sent, if silence lasts. */
usec_t ice_lite_get_send_limit(const struct ice_lite *ice);
usec_t ice_lite_get_silence_us(const struct ice_lite *ice, usec_t now);
