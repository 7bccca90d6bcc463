/* RTP packet headers (RFC 3550 section 5.1): parse and write. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define RTP_FIXED_HEADER_BYTES 12
#define RTP_PACKET_BYTES_MAX 1500

/* Views borrow from the packet. CSRCs are skipped when read and never written. */
struct rtp_header {
    bool marker;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t ssrc;
    uint16_t extension_profile; /* 0xBEDE, 0x100x (RFC 8285), or another's; 0 without extension */
    struct bytes extension;     /* the block behind its 4-byte head: see rtp_extension.h */
    struct bytes payload;       /* without padding; may be empty */
    uint8_t padding_bytes;      /* stripped from the end; 0: none */
};

/* STATUS_TRUNCATED, or STATUS_MALFORMED for a version other than 2 or padding that does not fit. */
MUST_CHECK enum status rtp_parse_header(struct bytes packet, struct rtp_header *out);

/* Bytes before the payload in the packet that `header` was parsed from. */
size_t rtp_header_bytes(struct bytes packet, const struct rtp_header *header);

/* Appends the header alone: payload and padding (rtp_write_padding) are the caller's. The padding
 * bit follows padding_bytes; an extension is written when its block is not empty, and that block's
 * size must be a multiple of 4 (CHECK). */
void rtp_write_header(struct writer *w, const struct rtp_header *header);
/* `padding_bytes` bytes, of which the last holds their number. 0 writes nothing. */
void rtp_write_padding(struct writer *w, uint8_t padding_bytes);
