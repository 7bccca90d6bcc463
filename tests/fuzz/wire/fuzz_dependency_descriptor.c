/* The first byte is the length of a key frame's descriptor, then that and a later frame's: what
 * they say stays within what a structure can hold. */
#include "base/check.h"
#include "wire/layer_mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dependency_structure s;
    const struct codec_mark mark = {0};
    if (size == 0 || data[0] > size - 1)
        return 0;
    struct bytes key = bytes_of(data + 1, data[0]);
    struct bytes later = bytes_of(data + 1 + data[0], size - 1 - data[0]);
    bool has_structure = dependency_structure_parse(key, &s) == STATUS_OK;
    if (has_structure) {
        CHECK(s.template_count > 0 && s.template_count <= DEPENDENCY_TEMPLATES_MAX);
        CHECK(s.target_count > 0 && s.target_count <= DEPENDENCY_TARGETS_MAX);
    }
    struct layer_mark layers =
        layer_mark_of(MEDIA_CODEC_AV1, &mark, later, has_structure ? &s : NULL);
    CHECK(layers.temporal_layer < LAYER_TEMPORAL_MAX && layers.opens < LAYER_TEMPORAL_MAX);
    CHECK(layers.opens >= layers.temporal_layer && (layers.has_layers || layers.opens == 0));
    return 0;
}
