/* One peer's path to the relay: demultiplexes (RFC 7983), answers ICE checks as a lite agent
 * (RFC 8445), runs the DTLS handshake (RFC 5764) and opens and seals SRTP. Wires ice_lite, dtls and
 * media_cipher together and decides nothing about media.
 *
 * Sans-IO. States (transport_set_state checks the moves):
 *
 *   new --authenticated check--> checking --handshake done, fingerprint right--> connected
 *   connected --5 s of silence--> quiet --anything authentic--> connected
 *   any --30 s of silence | handshake failed or 30 s old | wrong fingerprint--> closed
 */
#pragma once

#include "base/log.h"
#include "base/media.h"
#include "base/net_addr.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/usec.h"
#include "control/control_message.h"

#define TRANSPORT_DATAGRAM_BYTES_MAX 1500 /* larger ones are dropped */
#define TRANSPORT_PATHS_MAX 8             /* addresses that passed an authenticated check */
/* Room a packet needs behind its payload to be sealed in place: SRTP tag, or SRTCP index and tag.
 */
#define TRANSPORT_SEAL_BYTES 24

struct transport;    /* opaque here: OpenSSL and libsrtp stay inside rtc/ */
struct dtls_context; /* certificate and settings, one per process; rtc/dtls.h */

struct transport_config {
    usec_t quiet_after_us;        /* 5 s */
    usec_t close_after_us;        /* 30 s (RFC 7675) */
    usec_t handshake_deadline_us; /* 30 s from creation */
    usec_t old_credentials_us;    /* 20 s after an ICE restart */
};
struct transport_config transport_config_default(void);

enum transport_state {
    TRANSPORT_NEW,
    TRANSPORT_CHECKING,
    TRANSPORT_CONNECTED,
    TRANSPORT_QUIET,
    TRANSPORT_CLOSED
};

/* What a datagram was; every refusal has a name that ends up as a drop reason. */
#define TRANSPORT_INPUT_LIST(X)                                                                    \
    X(CONSUMED, "consumed")         /* STUN or DTLS, dealt with */                                 \
    X(RTP, "rtp")                   /* authentic: *plain is the packet */                          \
    X(RTCP, "rtcp")                 /* authentic: *plain is the compound packet */                 \
    X(BAD_STUN, "bad_stun")         /* malformed */                                                \
    X(STUN_AUTH, "stun_auth")       /* wrong user name or integrity: no answer */                  \
    X(UNKNOWN_PATH, "unknown_path") /* DTLS or SRTP from an address without an ICE check */        \
    X(BAD_DTLS, "bad_dtls")                                                                        \
    X(NO_KEYS, "no_keys") /* SRTP before the handshake's end */                                    \
    X(SRTP_AUTH, "srtp_auth")                                                                      \
    X(SRTP_REPLAY, "srtp_replay")                                                                  \
    X(BAD_RTP, "bad_rtp")                                                                          \
    X(NOT_OURS, "not_ours") /* first byte of no protocol we speak, or too long */

enum transport_input {
#define X(name, text) TRANSPORT_INPUT_##name,
    TRANSPORT_INPUT_LIST(X)
#undef X
        TRANSPORT_INPUT_COUNT
};
const char *transport_input_name(enum transport_input input);

struct transport_params {
    struct ice_parameters local_ice; /* chosen by the owner; the ufrag routes first checks */
    struct ice_parameters remote_ice;
    enum dtls_role role;
    uint8_t remote_fingerprint[FINGERPRINT_BYTES];
};

/* Heap; borrows `dtls`, which outlives it. STATUS_CONFIG, STATUS_NO_MEMORY, STATUS_SYSTEM. */
MUST_CHECK enum status transport_create(struct transport **out, usec_t now,
                                        const struct transport_config *config,
                                        const struct transport_params *params,
                                        struct dtls_context *dtls, const struct log *log);
void transport_free(struct transport *t); /* NULL is fine; wipes keys */

/* Handles one datagram that came from `from`. SRTP is opened in place; *plain then views the packet
 * inside `datagram` and is borrowed until that memory is reused. */
enum transport_input transport_handle_datagram(struct transport *t, usec_t now,
                                               const struct net_addr *from,
                                               struct bytes_mut datagram, struct bytes_mut *plain);
/* A path leads nowhere any more: its TCP connection is closed. No path change is told of it. */
void transport_handle_path_closed(struct transport *t, usec_t now, const struct net_addr *path);
void transport_handle_timeout(struct transport *t, usec_t now);
/* USEC_NEVER when closed. OpenSSL gives what is left of its timer, hence `now`. */
usec_t transport_next_timeout(const struct transport *t, usec_t now);

/* STUN answers and DTLS flights to send; false when there is none. `out->data` stays valid until
 * the next call on `t`. */
struct transport_datagram {
    struct net_addr to;
    struct bytes data;
};
bool transport_poll_datagram(struct transport *t, struct transport_datagram *out);

/* True once for each change of state; *reason is a static string for the log and the control link.
 */
bool transport_poll_state(struct transport *t, enum transport_state *state, const char **reason);
enum transport_state transport_get_state(const struct transport *t);

/* Where media goes now (RFC 8445 8.1.1 for a lite agent; the path that last carried authentic
 * media wins). False while there is none, and from 15 s of silence on: a peer that has vanished is
 * not flooded. */
bool transport_get_remote(const struct transport *t, usec_t now, struct net_addr *out);

/* True for an address that has passed an authenticated check and was not dropped since. */
bool transport_is_path(const struct transport *t, const struct net_addr *addr);

/* Every verified address, for the owner's table from address to transport. True once for each new
 * or dropped one. */
struct transport_path_change {
    struct net_addr addr;
    bool added;
};
bool transport_poll_path(struct transport *t, struct transport_path_change *out);

/* What its line seems to carry, by how long the handshake took; 0: nothing speaks for its being
 * narrow. A slow peer looks the same. */
uint64_t transport_get_narrow_bps(const struct transport *t);
/* What it may carry only, if the peer did not think for long; 0: no reason to doubt it. */
uint64_t transport_get_doubt_bps(const struct transport *t);
/* A round trip of little on a line that is doubted; 0: not known. */
usec_t transport_get_bare_round_us(const struct transport *t);
/* From our last flight of the handshake to its answer; 0: not known. */
usec_t transport_get_handshake_round_us(const struct transport *t);

/* Seals in place. `packet` holds *size bytes and has TRANSPORT_SEAL_BYTES of room behind; on
 * success *size is the datagram's length. STATUS_STATE before the handshake's end. Debug builds
 * CHECK that no two different RTP packets are ever sealed under one SSRC and index. */
MUST_CHECK enum status transport_protect_rtp(struct transport *t, uint8_t *packet, size_t *size);
MUST_CHECK enum status transport_protect_rtcp(struct transport *t, uint8_t *packet, size_t *size);

/* What a sender of many packets keeps by it: how they are sealed and where they go. It holds until
 * `until`, if the transport takes in nothing meanwhile; `sender` lives as long as `t`. False as
 * above. */
struct transport_route {
    struct net_addr to;
    struct srtp_sender *sender;
    usec_t until;
};
bool transport_get_route(const struct transport *t, usec_t now, struct transport_route *out);

/* New credentials (RFC 8445 9); the old ones stay valid beside them as configured. */
void transport_restart_ice(struct transport *t, usec_t now, const struct ice_parameters *local,
                           const struct ice_parameters *remote);

/* True when `username` ("ours:theirs") names this transport's present or still valid credentials.
 */
bool transport_is_user(const struct transport *t, struct bytes username);

struct transport_stats {
    uint64_t inputs[TRANSPORT_INPUT_COUNT];
    uint64_t bytes_in;
    const char *srtp_profile; /* "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", or "" */
    usec_t connected_at;      /* 0: never */
};
const struct transport_stats *transport_get_stats(const struct transport *t);
