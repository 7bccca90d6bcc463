/* Elements of RTP header extensions (RFC 8285, one-byte and two-byte form) and the contents of
 * those we use. */
#pragma once

#include "base/usec.h"
#include "wire/rtp.h"

#define RTP_EXTENSION_PROFILE_ONE_BYTE 0xbede
#define RTP_EXTENSION_PROFILE_TWO_BYTE 0x1000 /* the low four bits are free ("appbits") */
#define RTP_EXTENSION_ELEMENTS_MAX 32         /* read or written per packet; more are ignored */
#define RTP_EXTENSION_BYTES_MAX 255           /* of one element */

struct rtp_extension {
    uint8_t id; /* 1..14 in the one-byte form, 1..255 in the two-byte form */
    struct bytes data;
};

/* Walks the elements of a parsed header in order; ends early at an element that overruns the block,
 * and at once for a profile that is not RFC 8285's. */
struct rtp_extension_iterator {
    struct reader r;
    size_t left; /* elements it will still give */
    bool two_byte;
};
struct rtp_extension_iterator rtp_extension_iterate(const struct rtp_header *header);
bool rtp_extension_next(struct rtp_extension_iterator *it, struct rtp_extension *out);

/* The first element with `id`; false when there is none, and for id 0 (not negotiated). */
bool rtp_extension_find(const struct rtp_header *header, uint8_t id, struct bytes *out);

/* Appends a block (what rtp_header.extension wants) and says its profile: one-byte, unless an id
 * above 14 or a size of 0 or above 16 needs two-byte. Padded to 32 bits. `w` must be empty at the
 * block's start or aligned to it. STATUS_CONFIG for id 0, STATUS_LIMIT for more than
 * RTP_EXTENSION_ELEMENTS_MAX elements or 255 bytes, STATUS_TRUNCATED without room. */
MUST_CHECK enum status rtp_extension_write(struct writer *w, const struct rtp_extension *elements,
                                           size_t count, uint16_t *profile);

/* RFC 6464. `level` is in -dBov: 0 is loudest, 127 is silence. */
struct rtp_audio_level {
    uint8_t level;
    bool voice;
};
bool rtp_extension_parse_audio_level(struct bytes data, struct rtp_audio_level *out);
uint8_t rtp_extension_audio_level_byte(struct rtp_audio_level level);

/* Abs-send-time: 24 bits, 6.18 fixed-point seconds, wraps every 64 s. */
#define RTP_ABS_SEND_TIME_BYTES 3
uint32_t rtp_abs_send_time_of(usec_t at);
/* The difference a - b in microseconds, at most 32 s either way. */
usec_t rtp_abs_send_time_diff_us(uint32_t a, uint32_t b);
bool rtp_extension_parse_abs_send_time(struct bytes data, uint32_t *out);
void rtp_extension_store_abs_send_time(uint8_t data[RTP_ABS_SEND_TIME_BYTES], uint32_t value);

/* Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2). */
#define RTP_TRANSPORT_SEQ_BYTES 2
bool rtp_extension_parse_transport_seq(struct bytes data, uint16_t *out);

/* mid, rid (RFC 8843, 8852): visible ASCII. False when empty, too long for `text`, or anything else
 * stands in it; `text` is then empty. */
bool rtp_extension_parse_text(struct bytes data, char *text, size_t capacity);
