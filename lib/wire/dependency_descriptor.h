/* The AV1 dependency descriptor extension (RTP Payload Format for AV1 v1.0, appendix A.8.3), which
 * other codecs carry as well: frame bounds, and by the templates of the newest key frame the
 * temporal layer and where a receiver may switch up. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define DEPENDENCY_TEMPLATES_MAX 64
#define DEPENDENCY_TARGETS_MAX 32

struct dependency_descriptor {
    bool first_packet_in_frame;
    bool last_packet_in_frame;
    uint8_t template_id; /* 6 bits */
    uint16_t frame_number;
    bool has_structure;       /* template_dependency_structure_present_flag: sent with key frames */
    bool has_targets;         /* active_decode_targets_present_flag */
    bool has_own_indications; /* custom_dtis_flag */
};
/* `data` is the extension element's. */
MUST_CHECK enum status dependency_descriptor_parse(struct bytes data,
                                                   struct dependency_descriptor *out);

/* What a key frame says about all frames until the next one. */
struct dependency_structure {
    uint8_t id_offset, template_count, target_count;
    uint8_t temporal[DEPENDENCY_TEMPLATES_MAX], spatial[DEPENDENCY_TEMPLATES_MAX];
    uint64_t
        indications[DEPENDENCY_TEMPLATES_MAX]; /* two bits per decode target, from the lowest */
    uint8_t target_temporal[DEPENDENCY_TARGETS_MAX], target_spatial[DEPENDENCY_TARGETS_MAX];
};
/* Of a descriptor that has one. STATUS_NOT_FOUND without; STATUS_TRUNCATED, STATUS_MALFORMED. Frame
 * differences, chains and resolutions are not read. */
MUST_CHECK enum status dependency_structure_parse(struct bytes data,
                                                  struct dependency_structure *out);

struct dependency_layers {
    uint8_t temporal, spatial;
    uint8_t opens; /* from this frame on, a receiver that has it can take all temporal layers up to
                    * this one */
};
/* STATUS_NOT_FOUND when the structure has no such template. */
MUST_CHECK enum status dependency_structure_find(const struct dependency_structure *s,
                                                 struct bytes data, struct dependency_layers *out);
