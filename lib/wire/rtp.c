#include "wire/rtp.h"

static struct bytes read_header_extension(struct reader *r, uint16_t *profile)
{
    *profile = read_u16(r);
    uint16_t words = read_u16(r);
    return read_bytes(r, 4u * words);
}

static bool strip_padding(struct rtp_header *header)
{
    struct bytes *payload = &header->payload;
    uint8_t padding = payload->size > 0 ? payload->data[payload->size - 1] : 0;
    if (padding == 0 || padding > payload->size)
        return false;
    payload->size -= padding;
    header->padding_bytes = padding;
    return true;
}

enum status rtp_parse_header(struct bytes packet, struct rtp_header *out)
{
    struct reader r = reader_of(packet);
    struct rtp_header header = {0};
    uint8_t flags = read_u8(&r); /* V:2 P:1 X:1 CC:4 */
    uint8_t type = read_u8(&r);  /* M:1 PT:7 */
    header.marker = (type & 0x80) != 0;
    header.payload_type = type & 0x7f;
    header.seq = read_u16(&r);
    header.timestamp = read_u32(&r);
    header.ssrc = read_u32(&r);
    read_bytes(&r, 4u * (flags & 0x0f)); /* CSRCs: nothing here looks at them */
    if ((flags & 0x10) != 0)
        header.extension = read_header_extension(&r, &header.extension_profile);
    header.payload = read_rest(&r);
    if (r.failed)
        return STATUS_TRUNCATED;
    if (flags >> 6 != 2 || ((flags & 0x20) != 0 && !strip_padding(&header)))
        return STATUS_MALFORMED;
    *out = header;
    return STATUS_OK;
}

size_t rtp_header_bytes(struct bytes packet, const struct rtp_header *header)
{
    return packet.size - header->payload.size - header->padding_bytes;
}

void rtp_write_header(struct writer *w, const struct rtp_header *header)
{
    bool extended = header->extension.size > 0;
    CHECK(header->extension.size % 4 == 0 && header->extension.size / 4 <= UINT16_MAX);
    write_u8(w, (uint8_t)(0x80 | (header->padding_bytes > 0 ? 0x20 : 0) | (extended ? 0x10 : 0)));
    write_u8(w, (uint8_t)((header->marker ? 0x80 : 0) | (header->payload_type & 0x7f)));
    write_u16(w, header->seq);
    write_u32(w, header->timestamp);
    write_u32(w, header->ssrc);
    if (!extended)
        return;
    write_u16(w, header->extension_profile);
    write_u16(w, (uint16_t)(header->extension.size / 4));
    write_bytes(w, header->extension);
}

void rtp_write_padding(struct writer *w, uint8_t padding_bytes)
{
    if (padding_bytes == 0)
        return;
    write_zeros(w, padding_bytes - 1u);
    write_u8(w, padding_bytes);
}
