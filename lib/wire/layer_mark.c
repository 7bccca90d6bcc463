#include "wire/layer_mark.h"

static uint8_t at_most_highest(unsigned layer)
{
    return (uint8_t)(layer < LAYER_TEMPORAL_MAX ? layer : LAYER_TEMPORAL_MAX - 1);
}

static void mark_by_descriptor(struct layer_mark *layers, struct bytes descriptor,
                               const struct dependency_structure *structure)
{
    struct dependency_layers found;
    if (structure == NULL || descriptor.size == 0 ||
        dependency_structure_find(structure, descriptor, &found) != STATUS_OK)
        return;
    layers->has_layers = true;
    layers->temporal_layer = at_most_highest(found.temporal);
    layers->opens = at_most_highest(found.opens);
}

struct layer_mark layer_mark_of(enum media_codec codec, const struct codec_mark *mark,
                                struct bytes descriptor,
                                const struct dependency_structure *structure)
{
    struct layer_mark layers = {.key_frame = mark->key_frame};
    if (codec == MEDIA_CODEC_VP8 || codec == MEDIA_CODEC_VP9) {
        layers.has_layers = mark->has_layers;
        layers.temporal_layer = mark->has_layers ? at_most_highest(mark->temporal_layer) : 0;
        layers.opens = layers.temporal_layer;
        /* RFC 7741 4.2, Y: this picture refers to the base layer only. RFC 9628 4.2, U: the
         * pictures behind it refer to nothing before it in higher layers. */
        if (codec == MEDIA_CODEC_VP8)
            layers.enters = mark->has_layers && mark->layer_sync;
        else if (mark->has_layers && mark->layer_sync)
            layers.opens = LAYER_TEMPORAL_MAX - 1;
        /* Chromium leaves out of VP8's descriptor what stands in the dependency descriptor. There
         * it calls every picture a switching point, which VP8's are not: up only at key frames. */
        if (codec == MEDIA_CODEC_VP8 && !mark->has_layers) {
            mark_by_descriptor(&layers, descriptor, structure);
            layers.opens = layers.temporal_layer;
        }
    } else {
        mark_by_descriptor(&layers, descriptor, structure);
    }
    if (mark->key_frame)
        layers.opens = LAYER_TEMPORAL_MAX - 1;
    return layers;
}
