/* Datagrams on a byte stream (RFC 4571): a length of two bytes, then as many bytes. Puts together
 * what arrives in pieces; one per connection. Sans-IO; allocates nothing. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define STREAM_FRAME_LENGTH_BYTES 2
#define STREAM_FRAME_BYTES_MAX 1500 /* a longer one ends the connection: no datagram of ours is */

struct stream_frames { /* zeros to begin with */
    uint16_t held;     /* bytes of an incomplete frame, its length first */
    uint8_t data[STREAM_FRAME_LENGTH_BYTES + STREAM_FRAME_BYTES_MAX];
};

/* Takes the next frame out of *input, which is shortened by what was used. STATUS_OK: *frame is a
 * whole one (it may be empty), in `input`'s memory or in `frames`', to be written to by the caller
 * until the next call. STATUS_TRUNCATED: all was taken in, the rest of the frame is yet to come.
 * STATUS_LIMIT: it says that it is longer than STREAM_FRAME_BYTES_MAX. */
MUST_CHECK enum status stream_frames_take(struct stream_frames *frames, struct bytes_mut *input,
                                          struct bytes_mut *frame);

/* True in the middle of a frame. */
static inline bool stream_frames_is_partial(const struct stream_frames *frames)
{
    return frames->held > 0;
}
