/* The rings between the relay's threads: from every one to every other, shards and director alike
 * (the director is number `shard_count`). Lock-free: each ring has one producer and one consumer.
 * An eventfd per thread wakes its loop. */
#pragma once

#include "base/spsc_ring.h"
#include "relay/core/shard_core.h"
#include "relay/core/shard_message.h"

#define SHARD_LINK_BATCH 64 /* messages taken from one ring in one turn */

struct shard_links;

/* Before the threads start. STATUS_CONFIG, STATUS_NO_MEMORY, STATUS_SYSTEM. */
MUST_CHECK enum status shard_links_create(struct shard_links **out, uint32_t shard_count);
/* After the threads have ended: frees what undelivered messages own. */
void shard_links_free(struct shard_links *links);

/* One thread's end of its rings; used by that thread alone. Embedded; borrows the links. */
struct shard_link {
    struct shard_links *links;
    uint32_t self;
    uint64_t committed[2];                  /* bit n: something went to n since the last wake */
    uint32_t taken[CONTROL_SHARDS_MAX + 1]; /* from each ring, not given back yet */
    uint32_t at;                            /* the ring that is read now */
};
void shard_link_init(struct shard_link *link, struct shard_links *links, uint32_t self);
/* What shard_core writes to; borrows `link`. */
struct shard_port shard_link_get_port(struct shard_link *link);

/* NULL when the ring to `destination` is full. */
struct shard_message *shard_link_reserve(struct shard_link *link, uint32_t destination);
void shard_link_commit(struct shard_link *link, uint32_t destination);
/* One eventfd write to each thread that got something since the last call. */
void shard_link_wake(struct shard_link *link);

/* The next message to us, at most SHARD_LINK_BATCH from each ring; all stay valid until the
 * release. False when there is none. */
bool shard_link_next(struct shard_link *link, const struct shard_message **out);
/* Gives all taken messages back. True when there may be more waiting. */
bool shard_link_release(struct shard_link *link);

/* Readable when there is something for us, until drained. */
int shard_link_get_fd(const struct shard_link *link);
void shard_link_drain_fd(const struct shard_link *link);
/* Wakes thread `destination` with nothing in its rings. Any thread. */
void shard_links_wake(const struct shard_links *links, uint32_t destination);
