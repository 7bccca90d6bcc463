/* What a relay must know of a media payload, and no more: does a key frame begin here, where do
 * frames begin and end, which layer is it. One front for the codecs; each has its own file. */
#pragma once

#include "base/media.h"
#include "base/status.h"

struct codec_mark {
    bool key_frame;        /* first packet of a key frame (video), or any audio packet: a receiver
                            * can begin here. H264: several packets of one frame may say so */
    bool lacks_parameters; /* H264: of a key frame whose sequence parameter set, if one is sent,
                            * stands in a packet before this one */
    bool has_frame_bounds; /* whether the next two mean anything; otherwise use RTP timestamp and
                            * marker. VP8: only the start is visible, frame_end stays false */
    bool frame_start;
    bool frame_end;
    bool discardable; /* no other frame refers to this one */
    bool has_layers;  /* whether the next three mean anything */
    bool layer_sync;  /* a receiver of lower layers can switch up to this one here */
    uint8_t temporal_layer;
    uint8_t spatial_layer;
    /* VP8 and VP9: where numbers stand in the payload that must run on without a gap. */
    uint8_t picture_id_bits; /* 7 or 15; 0: none */
    uint8_t picture_id_at;   /* offset in the payload */
    uint16_t picture_id;
    bool has_tl0_index;
    uint8_t tl0_index_at;
    uint8_t tl0_index;
};

/* `payload` is RTP's, without padding. STATUS_TRUNCATED or STATUS_MALFORMED for a bad one,
 * STATUS_UNSUPPORTED for H264 packetisation that we do not negotiate, and MEDIA_CODEC_NONE. */
MUST_CHECK enum status codec_parse_payload(enum media_codec codec, struct bytes payload,
                                           struct codec_mark *out);

/* Writes other numbers to the places that `mark` found in `payload` (the same one, or an exact
 * copy; CHECK); the upper bits of a too large picture id are cut. */
void codec_rewrite_numbers(const struct codec_mark *mark, struct bytes_mut payload,
                           uint16_t picture_id, uint8_t tl0_index);
