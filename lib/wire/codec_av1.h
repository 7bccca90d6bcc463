/* AV1 payloads (RTP Payload Format for AV1 v1.0 section 4.4: aggregation header, OBU elements). */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define CODEC_AV1_OBUS_MAX 64 /* elements in one packet */

struct codec_av1 {
    bool continues_previous; /* Z: the first element goes on from the packet before */
    bool continues_next;     /* Y */
    bool new_sequence;       /* N: first packet of a coded video sequence */
    bool key_frame;          /* N, or a sequence header begins here */
    uint32_t obu_types;      /* bit n: an OBU of type n begins here */
    bool has_layers;         /* an OBU extension header stands here */
    uint8_t temporal_layer;  /* of the first OBU that has one */
    uint8_t spatial_layer;
};
MUST_CHECK enum status codec_av1_parse(struct bytes payload, struct codec_av1 *out);
