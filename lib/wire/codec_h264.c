#include "wire/codec_h264.h"

#define TYPE_IDR 5
#define TYPE_SPS 7
#define TYPE_END_OF_SEQUENCE 10
#define TYPE_END_OF_STREAM 11
#define TYPE_STAP_A 24
#define TYPE_FU_A 28

/* Notes a NAL unit that begins here. */
static enum status note_nal(struct bytes nal, struct codec_h264 *h264)
{
    if (nal.size == 0)
        return STATUS_MALFORMED;
    uint8_t type = nal.data[0] & 0x1f;
    if ((nal.data[0] & 0x80) != 0 || type == 0 || type >= TYPE_STAP_A)
        return STATUS_MALFORMED;
    if (nal.size == 1 && type != TYPE_END_OF_SEQUENCE && type != TYPE_END_OF_STREAM)
        return STATUS_TRUNCATED;
    h264->nal_types |= 1u << type;
    if ((nal.data[0] & 0x60) != 0)
        h264->discardable = false;
    return STATUS_OK;
}

static enum status parse_stap_a(struct reader *r, struct codec_h264 *h264)
{
    if (reader_left(r) == 0)
        return STATUS_TRUNCATED;
    for (size_t count = 0; reader_left(r) > 0; count++) {
        struct bytes nal = read_bytes(r, read_u16(r));
        if (count == CODEC_H264_NALS_MAX)
            return STATUS_LIMIT;
        if (r->failed)
            return STATUS_TRUNCATED;
        enum status status = note_nal(nal, h264);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* RFC 6184 5.8: the indicator's upper bits and the header's type are the fragmented NAL's head. */
static enum status parse_fu_a(struct reader *r, uint8_t indicator, struct codec_h264 *h264)
{
    uint8_t header = read_u8(r); /* S:1 E:1 R:1 type:5 */
    uint8_t type = header & 0x1f;
    if (r->failed || reader_left(r) == 0)
        return STATUS_TRUNCATED;
    if ((header & 0xc0) == 0xc0 || type == 0 || type >= TYPE_STAP_A || (indicator & 0x80) != 0)
        return STATUS_MALFORMED;
    if ((header & 0x80) != 0)
        h264->nal_types |= 1u << type;
    h264->discardable = (indicator & 0x60) == 0;
    return STATUS_OK;
}

static enum status parse_packet(struct bytes payload, struct codec_h264 *h264)
{
    struct reader r = reader_of(payload);
    uint8_t first = read_u8(&r); /* F:1 NRI:2 type:5 */
    uint8_t type = first & 0x1f;
    if (r.failed)
        return STATUS_TRUNCATED;
    if (type == TYPE_STAP_A)
        return parse_stap_a(&r, h264);
    if (type == TYPE_FU_A)
        return parse_fu_a(&r, first, h264);
    if (type > TYPE_STAP_A && type < 30)
        return STATUS_UNSUPPORTED;
    return note_nal(payload, h264);
}

enum status codec_h264_parse(struct bytes payload, struct codec_h264 *out)
{
    struct codec_h264 h264 = {.discardable = true};
    enum status status = parse_packet(payload, &h264);
    if (status != STATUS_OK)
        return status;
    h264.key_frame = (h264.nal_types & (1u << TYPE_IDR | 1u << TYPE_SPS)) != 0;
    h264.has_parameters = (h264.nal_types & 1u << TYPE_SPS) != 0;
    *out = h264;
    return STATUS_OK;
}
