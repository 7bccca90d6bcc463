/* H.264 payloads (RFC 6184, packetization-mode 0 and 1): single NAL units, STAP-A, FU-A. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define CODEC_H264_NALS_MAX 64 /* in one STAP-A */

struct codec_h264 {
    uint32_t nal_types;  /* bit n: a NAL unit of type n begins in this packet */
    bool key_frame;      /* an IDR slice or a sequence parameter set begins here */
    bool has_parameters; /* a sequence parameter set begins here */
    bool discardable;    /* every NAL unit here has nal_ref_idc 0 */
};
/* STATUS_UNSUPPORTED for the interleaved forms (STAP-B, MTAP, FU-B). */
MUST_CHECK enum status codec_h264_parse(struct bytes payload, struct codec_h264 *out);
