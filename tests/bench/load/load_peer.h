/* One participant of the load generator: a UDP socket, ICE (towards a lite agent, or lite itself),
 * DTLS, SRTP. A learner counts every packet by its header and opens only a sample of them, so that
 * a thousand fit beside a server on two cores. The trainer sends. I/O; one thread. */
#pragma once

#include "base/log.h"
#include "base/rng.h"
#include "base/seq.h"
#include "client-demo/headless/delay_histogram.h"
#include "client-demo/headless/ice_client.h"
#include "host/udp_socket.h"
#include "rtc/dtls.h"
#include "rtc/ice_lite.h"
#include "rtc/media_cipher.h"
#include "rtc/twcc_arrivals.h"
#include "tests/bench/load/load_sdp.h"

#include <sys/socket.h>

#define LOAD_PACKET_BYTES 1500
#define LOAD_TAIL_BYTES 16 /* at a payload's end: when it was sent (us), its number */

enum load_state { LOAD_IDLE, LOAD_SIGNALLING, LOAD_CONNECTING, LOAD_CONNECTED, LOAD_FAILED };

/* What arrived on one line. */
struct load_stream {
    struct seq_unwrapper unwrapper;
    uint64_t first;    /* number that the count begins with */
    uint64_t received; /* since then */
    uint32_t ssrc;     /* of the latest packet */
};

struct load_totals {
    struct delay_histogram delays[LOAD_LINE_COUNT];
    uint64_t packets[LOAD_LINE_COUNT], bytes, messages;
    uint64_t sampled, not_opened;
};

struct load_peer {
    enum load_state state;
    const char *failure;
    struct udp_socket udp;
    struct ice_parameters ice_local;
    struct ice_client ice; /* towards a lite agent */
    struct ice_lite lite;  /* towards a full one: we are lite then */
    struct dtls *dtls;
    struct media_cipher *cipher;
    struct load_description remote;
    struct sockaddr_storage to; /* the selected candidate */
    socklen_t to_bytes;
    uint32_t ssrc;
    size_t index;
    usec_t begun_at, connected_at, first_media_at, first_video_at, report_at, feedback_at;
    struct twcc_arrivals arrivals;
    struct load_stream streams[LOAD_LINE_COUNT];
    char *location;  /* owned: the session's resource or handle */
    uint64_t handle; /* Janus */
};

struct load_shared { /* one per process; borrowed by all */
    struct dtls_context *dtls;
    struct rng rng;
    struct log log;
    struct load_totals totals;
    usec_t unix_minus_now;
    unsigned sample_mask, voice_sample_mask; /* one packet in mask + 1 is opened */
    size_t measured_below;                   /* participants of a smaller index are measured */
    bool measuring;
    bool gro, twcc, reports; /* twcc: feedback each 100 ms */
    bool is_lite;            /* the server makes the checks */
    bool key_frame_wanted;   /* the server asked the trainer */
};

MUST_CHECK enum status load_peer_init(struct load_peer *p, struct load_shared *shared, size_t index,
                                      const struct net_addr *local);
void load_peer_destroy(struct load_peer *p);

/* With what the server's description said: begins ICE and DTLS. */
MUST_CHECK enum status load_peer_start(struct load_peer *p, struct load_shared *shared, usec_t now);
/* Reads what stands in the socket, a few messages at a time. */
void load_peer_receive(struct load_peer *p, struct load_shared *shared, usec_t now);
void load_peer_handle_timeout(struct load_peer *p, struct load_shared *shared, usec_t now);
usec_t load_peer_next_timeout(const struct load_peer *p, const struct load_shared *shared,
                              usec_t now);
/* Counts anew from here on. */
void load_peer_begin_window(struct load_peer *p);
/* Numbers that are missing since then, by the gaps in the sequence. */
uint64_t load_peer_get_missing(const struct load_peer *p);
/* To the selected candidate. */
void load_peer_send(const struct load_peer *p, const uint8_t *data, size_t size);
