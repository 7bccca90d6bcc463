/* How far an encoding's newest key frame lies behind what is shown now: what somebody who comes
 * late has to be sent before the picture is there. Of it the base layer is enough, up to the newest
 * picture of that layer. Sans-IO; allocates nothing. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For a late joiner at once, at most: with 1200 bytes each about as much as a browser's socket
 * takes while it is being read. A longer way waits for the next key frame. */
#define STREAM_TAIL_PACKETS_MAX 160
#define STREAM_TAIL_PACKET_BYTES 1200
/* A way longer than this is shortened by a key frame, STREAM_TAIL_KEY_FRAME_US after the last one
 * at the earliest, when STREAM_TAIL_SHARE times its packets have come since. A stream that runs on
 * so fast that the way would be too long again before the next one is left alone. */
#define STREAM_TAIL_PACKETS_LONG 72
#define STREAM_TAIL_PACKETS_LATEST 120
#define STREAM_TAIL_KEY_FRAME_US SECONDS(10)
#define STREAM_TAIL_SHARE 3
#define STREAM_TAIL_PICTURE_LARGE 8 /* packets: something new, which a key frame would repeat */

/* Zero-initialised: no key frame yet. */
struct stream_tail {
    bool has_key_frame;
    uint64_t key_seq; /* where the newest key frame begins */
    usec_t key_frame_at;
    uint32_t key_timestamp;
    uint32_t key_packets;    /* of it */
    uint32_t packets;        /* from it on */
    uint32_t base_packets;   /* of them in the base layer, the key frame included */
    uint32_t base_bytes;     /* of these */
    uint64_t base_seq;       /* where the newest picture of the base layer begins */
    uint32_t base_timestamp; /* that picture's */
    uint32_t timestamp;      /* of the newest packet's picture, of which so many have come: */
    uint32_t picture_packets;
};

/* A packet of the encoding, once each. `begins_key_frame`: a key frame's first. */
void stream_tail_note(struct stream_tail *t, usec_t now, uint64_t seq, uint32_t timestamp,
                      uint8_t temporal_layer, bool begins_key_frame, size_t bytes);

/* Who comes now can be sent the way: it is not too long, and not of a stream that runs on too fast.
 */
bool stream_tail_is_short(const struct stream_tail *t, usec_t now);

/* After the last packet of a picture: a key frame now would keep the way short. The best moment is
 * behind a large picture, a new slide: its copies for the other layers then need not be made. */
bool stream_tail_is_long(const struct stream_tail *t, usec_t now);
