/* A client and a server of lib/rtc/dtls over a simulated link in virtual time. Needs
 * support/virtual_gettimeofday.c in the same program. */
#pragma once

#include "base/rng.h"
#include "rtc/dtls.h"

#define DTLS_LINK_FLYING_MAX 256

struct dtls_flying {
    usec_t at;
    bool to_server;
    size_t size;
    uint8_t data[DTLS_DATAGRAM_BYTES_MAX];
};

struct dtls_link {
    usec_t now;
    struct dtls_context *client_context, *server_context;
    struct dtls *client, *server;
    uint64_t drop_mask; /* bit n: the n-th datagram sent is lost */
    unsigned loss_percent, duplicate_percent;
    usec_t delay_us, jitter_us;
    bool rests;                                 /* both rest as soon as they are connected */
    struct media_keys client_keys, server_keys; /* exported before */
    struct rng rng;
    size_t sent;
    size_t flying_count;
    struct dtls_flying flying[DTLS_LINK_FLYING_MAX];
};

/* Aborts when it cannot (test code). The contexts are made once per link. */
void dtls_link_init(struct dtls_link *link, usec_t now);
void dtls_link_destroy(struct dtls_link *link);
/* New associations on the same certificates; forgets the loss settings. */
void dtls_link_reset(struct dtls_link *link, usec_t now);
/* Puts a datagram on its way to arrive after `delay_us`. */
void dtls_link_send(struct dtls_link *link, bool to_server, struct bytes data, usec_t delay_us);
/* Takes what both sides want to send and puts it on the link. */
void dtls_link_collect(struct dtls_link *link);
/* Goes on until nothing is in flight and both are past the handshake, or `deadline`. True when both
 * are connected. */
bool dtls_link_run(struct dtls_link *link, usec_t deadline);
