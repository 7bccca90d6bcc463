/* The recent packets of one encoding of a publication, for every receiver's retransmissions and for
 * late joiners: a ring by sequence number, decrypted, memory taken once. Sans-IO. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "base/usec.h"
#include "wire/layer_mark.h"

#define RETRANSMIT_PACKET_BYTES 1500
#define RETRANSMIT_PICTURE_PACKETS 64 /* of one picture that may be missing before a known one */

struct retransmit_entry {
    uint64_t seq; /* unwrapped; valid while `size` > 0 */
    usec_t at;
    uint16_t size;
    bool key_frame;           /* a key frame begins here */
    struct layer_mark layers; /* the caller's to set, on what store gives back */
    uint8_t *data;
};

struct retransmit_cache {
    struct retransmit_entry *entries;
    uint8_t *block;
    size_t capacity; /* a power of two */
    size_t packet_bytes;
    uint64_t highest;
    uint64_t key_frame_seq; /* where the newest key frame begins; 0: none */
};

/* `capacity` packets (rounded up to a power of two) of at most `packet_bytes`. STATUS_NO_MEMORY,
 * STATUS_CONFIG. */
MUST_CHECK enum status retransmit_cache_init(struct retransmit_cache *cache, size_t capacity,
                                             size_t packet_bytes);
void retransmit_cache_destroy(struct retransmit_cache *cache);

/* Copies the packet in; NULL when it is left out: too long, or older than the ring. `key_frame`: a
 * key frame begins here, if no packet of the same picture is held before this one. */
struct retransmit_entry *retransmit_cache_store(struct retransmit_cache *cache, usec_t now,
                                                uint64_t seq, struct bytes packet, bool key_frame);
/* NULL when it is not held. Valid until the ring has gone round. */
const struct retransmit_entry *retransmit_cache_find(const struct retransmit_cache *cache,
                                                     uint64_t seq);
/* The same, but NULL as well for what is older than `age_us`: its receiver has gone on without it.
 */
const struct retransmit_entry *retransmit_cache_find_recent(const struct retransmit_cache *cache,
                                                            usec_t now, usec_t age_us,
                                                            uint64_t seq);
/* The lowest number that may be of the same picture as the held packet `seq`: behind the last held
 * one of another picture, RETRANSMIT_PICTURE_PACKETS back at most. */
uint64_t retransmit_cache_find_picture(const struct retransmit_cache *cache, uint64_t seq);
void retransmit_cache_clear(struct retransmit_cache *cache);

/* How many packets lead from the newest key frame to the newest packet, all of them held; 0 when
 * there is none, one is missing, or there are more than `packets_max`. *first is where they begin.
 */
size_t retransmit_cache_find_key_frame(const struct retransmit_cache *cache, size_t packets_max,
                                       uint64_t *first);
