/* Redundant audio (RFC 2198) around Opus. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define CODEC_RED_BLOCKS_MAX 9 /* the primary one included; libwebrtc sends 2 or 3 */

struct codec_red {
    size_t block_count; /* the last one is the primary */
    struct {
        uint8_t payload_type;
        uint16_t timestamp_offset; /* how much older than the packet's timestamp; primary: 0 */
        struct bytes data;
    } blocks[CODEC_RED_BLOCKS_MAX];
};
/* STATUS_LIMIT for more blocks. The primary block may be empty. */
MUST_CHECK enum status codec_red_parse(struct bytes payload, struct codec_red *out);

#define CODEC_RED_OFFSET_MAX 0x3fff
#define CODEC_RED_BLOCK_BYTES_MAX 0x3ff

/* Writes the blocks, oldest first. False, and nothing usable written, when there is no block, one
 * breaks the maxima above, or `w` has no room. */
MUST_CHECK bool codec_red_write(struct writer *w, const struct codec_red *red);
