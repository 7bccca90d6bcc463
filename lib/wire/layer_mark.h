/* Where a packet stands in its stream's layers: what thinning decides by. Worked out once, where
 * the packet arrives, and kept with it. */
#pragma once

#include "wire/codec.h"
#include "wire/dependency_descriptor.h"

#define LAYER_TEMPORAL_MAX 4 /* temporal layers told apart; higher ones count as the highest */

struct layer_mark {
    uint8_t temporal_layer; /* 0: the base; also when there are no layers */
    /* Pictures behind this one of layers up to `opens` refer to nothing that lacks who has this one
     * and the layers up to its own. */
    uint8_t opens;
    bool key_frame : 1;  /* its first packet: whoever has it lacks nothing */
    bool has_layers : 1; /* false: every picture is needed */
    bool enters : 1;     /* refers to the base layer alone: who has one layer less may take it */
};

/* Of a video packet: from its descriptor (`mark`), or, where the payload does not tell (AV1,
 * H.264, shortened VP8), from the dependency descriptor by the newest key frame's structure (NULL:
 * there is none).
 */
struct layer_mark layer_mark_of(enum media_codec codec, const struct codec_mark *mark,
                                struct bytes descriptor,
                                const struct dependency_structure *structure);
