/* What a shard sends. Forwarding gives each packet once and then its receivers, a few words each;
 * sending goes receiver by receiver: header, payload sealed out of place behind it, and as many
 * packets of one size as there are in one message that the kernel (UDP_SEGMENT) cuts up.
 *
 *   begin ──► slot (a copy of the payload)      receiver ─► entry ─► entry      FIRST: voice
 *   prefix ─► slot (an extension block)                  └► entry ─► entry      VIDEO
 *   add ────► entry: slot, prefix, numbers
 *
 * Voice leaves at the end of the turn. Video may wait up to TX_HOLD_US for the rest of its frame
 * when many receive it, and goes out in portions, between which a turn can take in voice. All
 * memory is taken once; nothing is allocated per packet. One per shard. */
#pragma once

#include "relay/core/tx_plan.h"
#include "rtc/transport.h"

#define TX_PAYLOAD_BYTES 1500 /* of one packet, and TX_PADDING_MAX behind it */
#define TX_PADDING_MAX 32     /* RTP padding that makes a run's packets equally long */
#define TX_PREFIX_BYTES 164   /* an extension block with its header */
#define TX_PREFIXES 16        /* of different layouts in one slot; more take another slot */
#define TX_HOLD_US 1500
#define TX_HOLD_ENTRIES 32 /* fewer waiting packets are not worth a hold */

/* The header extensions of a packet towards receivers with the same `layout`, a value that stands
 * for their extension ids and mid. */
struct tx_prefix {
    uint16_t bytes;
    uint8_t stamp_at; /* where in `data` each copy's own transport-wide number goes; 0: nowhere */
    uint8_t data[TX_PREFIX_BYTES]; /* profile, length, elements; empty without extensions */
};

#define TX_REPEATS_VIDEO 512 /* numbers of one SSRC that may be sent again (a power of two) */
#define TX_REPEATS_VOICE 64

enum tx_repeat {
    TX_ONCE,
    TX_REPEATABLE, /* it may be sent again byte for byte: no padding evens it with others */
    TX_AGAIN       /* as it was sent before; refused (seal_failed) when it is another packet */
};

/* What a receiver's copy has of its own. */
struct tx_rtp {
    uint16_t seq;
    uint16_t stamp; /* transport-wide number, where the prefix has a place for it */
    uint32_t timestamp, ssrc;
    uint8_t payload_type;
    bool marker;
    bool is_padding; /* the whole payload is RTP padding (RFC 3550 5.1): its last byte counts it */
    enum tx_repeat repeat;
    uint8_t redundancy; /* level of the payload (redundancy.h), for who keeps what is repeatable */
};

struct tx_slot; /* a payload while somebody waits for it */
struct tx_entry;

struct tx_receiver {
    uint32_t head[TX_CLASS_COUNT], tail[TX_CLASS_COUNT]; /* entries; 0: none */
    uint32_t count[TX_CLASS_COUNT];
    bool queued[TX_CLASS_COUNT]; /* in the class's queue */
    uint64_t bytes;              /* given to it so far, before sealing */
    struct transport *transport;
    struct transport_route route; /* kept while it holds */
};

struct tx_queue { /* receivers with entries, in order of their first: a ring */
    uint32_t *receivers;
    uint32_t first, count;
};

struct tx_batch {
    struct tx_entry *entries; /* [0] is unused */
    uint32_t free_entry, entry_count, entries_used;
    struct tx_slot *slots;
    uint32_t free_slot, slot_count, slots_used;
    uint32_t open;                 /* the slot begun last; 0: none */
    struct tx_receiver *receivers; /* by the participant's pool index */
    uint32_t receiver_count;
    struct tx_queue queues[TX_CLASS_COUNT];
    uint32_t waiting[TX_CLASS_COUNT]; /* entries */
    bool is_voice_ahead;              /* of video that came in the same turn */
    usec_t hold_until;                /* of video; USEC_NEVER: none waits */
    usec_t arrived_at;                /* of what is being handled; 0: nobody measures */
    struct relay_stats *stats;        /* borrowed */
    struct tx_plan *plan;             /* owned */
};

/* `entries` bounds what waits, in packets times receivers. */
MUST_CHECK enum status tx_batch_init(struct tx_batch *tx, uint32_t receivers, uint32_t entries,
                                     const struct tx_sink *sink, struct relay_stats *stats);
void tx_batch_destroy(struct tx_batch *tx);

/* Who receiver `index` is. Before its first packet, and with NULL before the transport goes away:
 * what was still queued for it is dropped. */
void tx_batch_set_receiver(struct tx_batch *tx, uint32_t index, struct transport *transport);

/* Its transport took in something: where its packets go may have changed. */
void tx_batch_refresh_receiver(struct tx_batch *tx, uint32_t index);
static inline void tx_batch_prefetch_receiver(const struct tx_batch *tx, uint32_t index)
{
    __builtin_prefetch(&tx->receivers[index], 1);
}
/* What it was given since it was set, in bytes before sealing. */
uint64_t tx_batch_get_bytes(const struct tx_batch *tx, uint32_t index);

/* When the datagram that is handled next had arrived. */
static inline void tx_batch_set_arrival(struct tx_batch *tx, usec_t at)
{
    tx->arrived_at = at;
}

/* `now` where nobody measures. */
static inline usec_t tx_batch_get_arrival(const struct tx_batch *tx, usec_t now)
{
    return tx->arrived_at != 0 ? tx->arrived_at : now;
}

/* Begins a packet: `payload` is copied. False (counted) when it is too long. Everything that waits
 * is sent first when there is no room. */
MUST_CHECK bool tx_batch_begin(struct tx_batch *tx, usec_t now, struct bytes payload);
/* The packet's extensions for `layout` (not 0); NULL when nobody wrote them yet. Then add_prefix
 * gives a place whose `bytes` and `data` the caller fills. Valid until the next add_prefix. */
const struct tx_prefix *tx_batch_find_prefix(const struct tx_batch *tx, uint64_t layout);
struct tx_prefix *tx_batch_add_prefix(struct tx_batch *tx, usec_t now, uint64_t layout);
/* The packet to one receiver, with the prefix found or added last. Counted when it is
 * dropped. */
void tx_batch_add(struct tx_batch *tx, usec_t now, uint32_t receiver, enum tx_class class,
                  const struct tx_prefix *prefix, const struct tx_rtp *rtp);
/* Of the packet that was begun. */
size_t tx_batch_get_payload_bytes(const struct tx_batch *tx);
/* No more receivers. */
void tx_batch_end(struct tx_batch *tx);

/* An RTCP compound packet: copied and sealed at once, goes out with the next messages. */
void tx_batch_add_sealed_rtcp(struct tx_batch *tx, usec_t now, uint32_t receiver,
                              struct bytes data);

/* A datagram as it is, to any address (STUN answers, DTLS): copied, goes out with the next
 * messages. */
void tx_batch_add_raw(struct tx_batch *tx, const struct net_addr *to, struct bytes data);

/* Video is about to be queued, which takes a while where many receive it: voice of which `least` or
 * more copies wait leaves before that. Once a turn: what comes late and all at once is behind, and
 * shares messages. */
void tx_batch_let_voice_ahead(struct tx_batch *tx, usec_t now, uint32_t least);

/* Sends everything. */
void tx_batch_flush(struct tx_batch *tx, usec_t now);

/* The end of a turn: sends all but video, and of video that is due about `video_packets`. */
void tx_batch_flush_some(struct tx_batch *tx, usec_t now, uint32_t video_packets);
/* When flush_some has something to do again: at once while due video is left over. */
usec_t tx_batch_next_timeout(const struct tx_batch *tx);
