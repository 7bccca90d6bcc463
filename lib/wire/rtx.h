/* Retransmission packets (RFC 4588): the original sequence number (OSN) in front of the payload. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define RTX_OSN_BYTES 2

/* Turns a retransmission into the original packet, in place: *out views it inside `packet`, which
 * is overwritten. Marker, timestamp, CSRCs, extension and padding stay. STATUS_TRUNCATED when the
 * payload has no OSN (browsers probe with empty ones), or as rtp_parse_header; `packet` is then
 * untouched.
 */
MUST_CHECK enum status rtx_unwrap_packet(struct bytes_mut packet, uint8_t payload_type,
                                         uint32_t ssrc, struct bytes_mut *out);

/* Appends `original` as a retransmission with its own numbering. Padding and CSRCs are left out.
 * STATUS_TRUNCATED without room or for a short original; STATUS_MALFORMED as rtp_parse_header. */
MUST_CHECK enum status rtx_write_packet(struct writer *w, struct bytes original,
                                        uint8_t payload_type, uint32_t ssrc, uint16_t seq);
