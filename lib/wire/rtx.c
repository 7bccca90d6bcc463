#include "wire/rtx.h"

#include "wire/rtp.h"

enum status rtx_unwrap_packet(struct bytes_mut packet, uint8_t payload_type, uint32_t ssrc,
                              struct bytes_mut *out)
{
    struct rtp_header header;
    enum status status = rtp_parse_header(bytes_const(packet), &header);
    if (status != STATUS_OK)
        return status;
    if (header.payload.size < RTX_OSN_BYTES)
        return STATUS_TRUNCATED;
    uint16_t original_seq = load_u16(header.payload.data);
    size_t header_bytes = rtp_header_bytes(bytes_const(packet), &header);
    uint8_t *start = packet.data + RTX_OSN_BYTES;
    memmove(start, packet.data, header_bytes); /* the header moves over the OSN's place */
    start[1] = (uint8_t)((start[1] & 0x80) | (payload_type & 0x7f));
    store_u16(start + 2, original_seq);
    store_u32(start + 8, ssrc);
    *out = (struct bytes_mut){start, packet.size - RTX_OSN_BYTES};
    return STATUS_OK;
}

enum status rtx_write_packet(struct writer *w, struct bytes original, uint8_t payload_type,
                             uint32_t ssrc, uint16_t seq)
{
    struct rtp_header header;
    enum status status = rtp_parse_header(original, &header);
    if (status != STATUS_OK)
        return status;
    uint16_t original_seq = header.seq;
    header.payload_type = payload_type;
    header.ssrc = ssrc;
    header.seq = seq;
    header.padding_bytes = 0;
    rtp_write_header(w, &header);
    write_u16(w, original_seq);
    write_bytes(w, header.payload);
    return w->failed ? STATUS_TRUNCATED : STATUS_OK;
}
