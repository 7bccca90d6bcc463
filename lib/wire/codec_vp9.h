/* VP9 payload descriptor (RFC 9628 section 4.2). */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct codec_vp9 {
    bool inter_predicted;     /* P: refers to earlier pictures */
    bool flexible;            /* F */
    bool frame_start;         /* B */
    bool frame_end;           /* E */
    bool not_upper_reference; /* Z: no higher spatial layer of this picture refers to it */
    bool key_frame;           /* start of a picture that refers to no earlier one */
    uint8_t picture_id_bits;
    uint8_t picture_id_at;
    uint16_t picture_id;
    bool has_layers;
    uint8_t temporal_layer;
    uint8_t spatial_layer;
    bool switch_up;   /* U */
    bool inter_layer; /* D */
    bool has_tl0_index;
    uint8_t tl0_index_at;
    uint8_t tl0_index;
    bool has_structure; /* a scalability structure stands here */
    struct bytes frame; /* never empty */
};
MUST_CHECK enum status codec_vp9_parse(struct bytes payload, struct codec_vp9 *out);
