/* VP8 payload descriptor (RFC 7741 section 4.2) and the first bytes of a frame (RFC 6386 9.1). */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct codec_vp8 {
    bool non_reference;      /* N: can be dropped without harm */
    bool start_of_partition; /* S */
    uint8_t partition;       /* PID */
    bool frame_start;        /* S with PID 0 */
    bool key_frame;          /* only known when frame_start */
    uint16_t width, height;  /* of a key frame */
    uint8_t picture_id_bits; /* 0, 7 or 15 */
    uint8_t picture_id_at;   /* offset in the payload */
    uint16_t picture_id;
    bool has_tl0_index;
    uint8_t tl0_index_at;
    uint8_t tl0_index;
    bool has_temporal_layer;
    uint8_t temporal_layer; /* TID */
    bool layer_sync;        /* Y */
    struct bytes frame;     /* the frame's bytes behind the descriptor; never empty */
};
MUST_CHECK enum status codec_vp8_parse(struct bytes payload, struct codec_vp8 *out);

/* Appends a descriptor for a packet of a frame: 15-bit picture id, TL0PICIDX, temporal layer. */
void codec_vp8_write_descriptor(struct writer *w, const struct codec_vp8 *descriptor);
