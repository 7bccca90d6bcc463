/* The mandatory fields of the AV1 dependency descriptor extension (RTP Payload Format for AV1 v1.0,
 * appendix A.8.3). Template structures are not read. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct dependency_descriptor {
    bool first_packet_in_frame;
    bool last_packet_in_frame;
    uint8_t template_id; /* 6 bits */
    uint16_t frame_number;
    bool has_structure; /* template_dependency_structure_present_flag: sent with key frames */
};
/* `data` is the extension element's. */
MUST_CHECK enum status dependency_descriptor_parse(struct bytes data,
                                                   struct dependency_descriptor *out);
