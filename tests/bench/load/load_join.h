/* How a participant reaches the server: WHIP and WHEP for Amphi, the VideoRoom plugin over HTTP for
 * Janus. Each sets p->remote and calls load_peer_start, or sets LOAD_FAILED. */
#pragma once

#include "tests/bench/load/load_http.h"
#include "tests/bench/load/load_peer.h"

struct load_join_config {
    const char *base_url; /* of the service, without a slash at the end */
    const char *class_id; /* Amphi */
    const char *trainer_token, *learner_token;
    bool nack, twcc; /* what learners negotiate */
};

struct load_join;
struct load_join_ops {
    /* Starts what comes before the first participant; is_ready says when that is done. */
    enum status (*begin)(struct load_join *join);
    bool (*is_ready)(const struct load_join *join);
    /* The trainer has index 0 and comes first; learners only once it is connected. */
    void (*add)(struct load_join *join, struct load_peer *p, usec_t now);
    /* The participant is connected: what the server still wants to be told. */
    void (*remove)(struct load_join *join, struct load_peer *p);
};

struct load_join {
    const struct load_join_ops *ops;
    struct load_join_config config;
    struct load_http *http;
    struct load_shared *shared;
    struct load_peer *peers; /* all of them, by index */
    size_t peer_count;
    usec_t now;
    /* Janus */
    uint64_t session, room_handle, feed;
    bool room_ready;
};

extern const struct load_join_ops load_join_amphi, load_join_janus;

/* Writes p's offer, or its answer when `to` is not NULL. */
MUST_CHECK enum status load_join_describe(const struct load_join *join, const struct load_peer *p,
                                          const struct load_description *to, char *text);
/* Reads the server's description and begins to connect. */
void load_join_connect(struct load_join *join, struct load_peer *p, const char *sdp);
void load_join_fail(struct load_peer *p, const char *why);
