/* What one loop turn sends. Forwarding appends (header bytes and a reference to the payload); at
 * the end of the turn, or when full, everything is put together, sealed and handed to the sink,
 * receiver by receiver, voice before video. One per shard; memory taken once.
 *
 * A payload must stay valid until the flush: it lies in the receive batch, a ring slot or a
 * retransmit cache. */
#pragma once

#include "base/net_addr.h"
#include "base/status.h"
#include "base/usec.h"
#include "relay/core/relay_stats.h"
#include "rtc/transport.h"

#define TX_HEADER_BYTES 128
#define TX_PACKET_BYTES 1600 /* a whole datagram as it is put together */
#define TX_BURST 64          /* datagrams given to the sink at once */

enum tx_class { TX_CLASS_FIRST, TX_CLASS_VIDEO, TX_CLASS_COUNT }; /* voice, then video */

struct tx_entry {
    uint32_t next;        /* index + 1 of this receiver's next entry in its class; 0: none */
    struct bytes payload; /* borrowed */
    uint16_t header_bytes;
    uint8_t header[TX_HEADER_BYTES];
};

struct tx_datagram {
    struct net_addr to;
    struct bytes data;
};

/* Where datagrams go: the shell's sendmmsg, a test's list. Returns how many it took; *failed counts
 * those of the rest that could not be sent for another reason than a full buffer. */
struct tx_sink {
    void *context;
    size_t (*send)(void *context, const struct tx_datagram *datagrams, size_t count,
                   size_t *failed);
};

struct tx_receiver {
    struct transport *transport;
    struct net_addr to;
    bool has_address;
    bool queued; /* in `touched` */
    uint32_t head[TX_CLASS_COUNT], tail[TX_CLASS_COUNT];
};

struct tx_batch {
    struct tx_entry *entries;
    uint32_t capacity, used;
    uint32_t *touched; /* receivers with entries, in order of their first */
    uint32_t touched_count;
    struct tx_receiver *receivers; /* by the participant's pool index */
    uint32_t receiver_count;
    struct tx_sink sink;
    struct relay_stats *stats; /* borrowed */
    uint8_t (*packets)[TX_PACKET_BYTES];
    struct tx_datagram burst[TX_BURST];
    size_t burst_count;
};

MUST_CHECK enum status tx_batch_init(struct tx_batch *tx, uint32_t receivers, uint32_t capacity,
                                     const struct tx_sink *sink, struct relay_stats *stats);
void tx_batch_destroy(struct tx_batch *tx);

/* Who receiver `index` is. Before its first entry, and with NULL before the transport goes away:
 * what was still queued for it is dropped. */
void tx_batch_set_receiver(struct tx_batch *tx, uint32_t index, struct transport *transport);

/* An entry to fill: `header` gets at most TX_HEADER_BYTES, the rest is `payload`. Flushes by itself
 * when full. */
struct tx_entry *tx_batch_add(struct tx_batch *tx, usec_t now, uint32_t receiver,
                              enum tx_class class, struct bytes payload);

/* An RTCP compound packet: copied and sealed at once, goes out with the next burst. */
void tx_batch_add_sealed_rtcp(struct tx_batch *tx, usec_t now, uint32_t receiver,
                              struct bytes data);

/* A datagram as it is, to any address (STUN answers, DTLS): copied, goes out with the next burst.
 */
void tx_batch_add_raw(struct tx_batch *tx, const struct net_addr *to, struct bytes data);

/* Sends everything. `now` is the turn's. */
void tx_batch_flush(struct tx_batch *tx, usec_t now);
