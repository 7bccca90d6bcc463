/* DTLS datagrams that wait for their turn. A handshake's steps cost a thousand times what a
 * forwarded packet does; a few are taken per turn of the loop, so that voice is never behind the
 * handshakes of a class that comes in all at once. A bounded ring, memory taken once. Sans-IO. */
#pragma once

#include "base/net_addr.h"
#include "base/pool.h"
#include "base/status.h"
#include "rtc/dtls.h"

struct handshake {
    struct pool_handle participant; /* whose; it may be gone by then */
    struct net_addr from;
    size_t size;
    uint8_t data[DTLS_DATAGRAM_BYTES_MAX];
};

struct handshake_queue {
    struct handshake *ring; /* owned */
    uint32_t capacity, first, count;
};

MUST_CHECK enum status handshake_queue_init(struct handshake_queue *q, uint32_t capacity);
void handshake_queue_destroy(struct handshake_queue *q);
/* False when it is full or `datagram` is longer than DTLS_DATAGRAM_BYTES_MAX. */
MUST_CHECK bool handshake_queue_push(struct handshake_queue *q, struct pool_handle participant,
                                     const struct net_addr *from, struct bytes datagram);
/* The oldest; NULL when there is none. Valid until the next push. */
struct handshake *handshake_queue_pop(struct handshake_queue *q);
