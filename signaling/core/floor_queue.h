/* Who waits for the floor, in the order in which hands went up. A hand has one place: raising it
 * again keeps it. Instants are milliseconds since 1970 and strictly increasing along the queue, so
 * that the same order can be rebuilt from the participants' records after a restart.
 *
 * Owner: the classroom. Participants are numbers here; nothing is borrowed. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct floor_waiter {
    uint64_t participant;
    int64_t since_ms;
};

struct floor_queue {
    struct floor_waiter *waiters; /* [0] is next */
    size_t count, capacity;
};

/* Zero-initialised is empty. */
void floor_queue_destroy(struct floor_queue *queue);

/* Makes room for `waiters` in all, so that raising cannot fail later. STATUS_NO_MEMORY. */
MUST_CHECK enum status floor_queue_reserve(struct floor_queue *queue, size_t waiters);
/* At the end; returns the instant that was noted: `now_ms`, or just after the last one's. Its old
 * instant when it waits already. */
int64_t floor_queue_raise(struct floor_queue *queue, uint64_t participant, int64_t now_ms);
/* Where it was before a restart: among the others by `since_ms`, then by number. */
void floor_queue_restore(struct floor_queue *queue, uint64_t participant, int64_t since_ms);
/* False when it did not wait. */
bool floor_queue_lower(struct floor_queue *queue, uint64_t participant);
/* 1 is next; 0: not in the queue. */
size_t floor_queue_position(const struct floor_queue *queue, uint64_t participant);
