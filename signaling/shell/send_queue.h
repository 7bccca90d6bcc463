/* What waits to be written to one socket. Chunks are whole frames or parts of a response, so that a
 * queue can be cut between two of them. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct send_chunk;

struct send_queue {
    struct send_chunk *first, *last;
    size_t offset; /* of the first chunk, already taken */
    size_t bytes;  /* still to be taken */
};

/* Copies head and then body into one chunk. STATUS_NO_MEMORY. */
MUST_CHECK enum status send_queue_push(struct send_queue *queue, struct bytes head,
                                       struct bytes body);
/* Borrows `data`, which outlives the queue (static files). */
MUST_CHECK enum status send_queue_push_borrowed(struct send_queue *queue, struct bytes data);

/* Moves up to out.size bytes to `out`; returns how many. */
size_t send_queue_take(struct send_queue *queue, struct bytes_mut out);

/* Drops every chunk of which nothing was taken yet. */
void send_queue_drop_unsent(struct send_queue *queue);
void send_queue_destroy(struct send_queue *queue);
