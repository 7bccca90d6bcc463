/* Frames on a stream socket: a 4-byte big-endian length, then the payload
 * (docs/control-protocol.md). Both directions are bounded. Non-blocking; the owner polls the
 * descriptor. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define FRAME_STREAM_PAYLOAD_MAX 98304  /* CONTROL_MESSAGE_BYTES_MAX */
#define FRAME_STREAM_OUT_MAX (4u << 20) /* unsent bytes */

struct frame_stream {
    int fd; /* owned; -1: closed */
    uint8_t *in;
    size_t in_start, in_end; /* what has come and was not handed out yet */
    uint8_t *out;
    size_t out_bytes, out_sent, out_capacity;
};

/* Takes over `fd`, a non-blocking stream socket. STATUS_NO_MEMORY: `fd` is closed. */
MUST_CHECK enum status frame_stream_init(struct frame_stream *s, int fd);
void frame_stream_destroy(struct frame_stream *s);

/* Reads what is there, or as much as there is room for. STATUS_SYSTEM: the other side is gone; what
 * came before can still be taken. */
MUST_CHECK enum status frame_stream_fill(struct frame_stream *s);
/* The next whole frame, borrowed until the next fill; STATUS_NOT_FOUND when there is none,
 * STATUS_LIMIT for one that is too long: close then. */
MUST_CHECK enum status frame_stream_next(struct frame_stream *s, struct bytes *out);

/* Queues a frame. STATUS_LIMIT when FRAME_STREAM_OUT_MAX would be passed or it is too long. */
MUST_CHECK enum status frame_stream_queue(struct frame_stream *s, struct bytes payload);
/* Writes what the socket takes. STATUS_SYSTEM: the other side is gone. */
MUST_CHECK enum status frame_stream_flush(struct frame_stream *s);
/* Whether to poll for writability. */
bool frame_stream_wants_write(const struct frame_stream *s);
