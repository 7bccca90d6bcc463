/* What waits to be written to one TCP connection: datagrams with their lengths (RFC 4571), bounded
 * in bytes and in time. A stream that does not keep up must not be fed what is late: whole video
 * packets are dropped, the oldest first; voice (and what keeps the connection) goes out before
 * video and is dropped last. A datagram that has begun to leave leaves whole. Sans-IO; its memory
 * is taken once.
 *
 *   push ──► first ─┐
 *   push ──► video ─┴─► the datagram that is leaving ──► peek, consume */
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "base/usec.h"
#include "wire/stream_frame.h"

#define STREAM_QUEUE_BYTES (64 * 1024) /* both rings together */
#define STREAM_QUEUE_FIRST_BYTES (16 * 1024)
#define STREAM_QUEUE_VIDEO_US 200000     /* older video is dropped */
#define STREAM_QUEUE_FIRST_US SECONDS(1) /* older voice is: nobody wants to hear it any more */

enum stream_class { STREAM_CLASS_FIRST, STREAM_CLASS_VIDEO, STREAM_CLASS_COUNT };

struct stream_ring { /* records: time and length, then the frame; none is cut at the end */
    uint8_t *data;
    uint32_t capacity, first, next, count;
    uint32_t wrapped_at; /* where the last record before the end ended */
};

struct stream_queue {
    struct stream_ring rings[STREAM_CLASS_COUNT];
    uint8_t leaving[STREAM_FRAME_LENGTH_BYTES + STREAM_FRAME_BYTES_MAX];
    uint16_t leaving_at, leaving_bytes;
    uint64_t dropped; /* datagrams; the owner may set it back */
    uint8_t *memory;  /* owned */
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status stream_queue_init(struct stream_queue *q);
void stream_queue_destroy(struct stream_queue *q);

/* Copies `datagram`. Makes room by dropping as said above; false when this one is dropped itself.
 * Every datagram that is dropped counts in `dropped`. */
bool stream_queue_push(struct stream_queue *q, usec_t now, enum stream_class class,
                       struct bytes datagram);

/* The next bytes to write, at most those of one datagram; empty when there is nothing. Valid until
 * the next call. What has waited too long is dropped first. */
struct bytes stream_queue_peek(struct stream_queue *q, usec_t now);
/* `bytes` of what peek gave are written. */
void stream_queue_consume(struct stream_queue *q, size_t bytes);
bool stream_queue_is_empty(const struct stream_queue *q);
