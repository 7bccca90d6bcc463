#include "wire/codec_red.h"

enum status codec_red_parse(struct bytes payload, struct codec_red *out)
{
    struct reader r = reader_of(payload);
    struct codec_red red = {0};
    size_t sizes[CODEC_RED_BLOCKS_MAX];
    for (bool more = true; more;) {
        if (red.block_count == CODEC_RED_BLOCKS_MAX)
            return STATUS_LIMIT;
        size_t i = red.block_count++;
        uint8_t head = read_u8(&r); /* F:1 PT:7, and unless primary: offset:14 length:10 */
        more = (head & 0x80) != 0;
        uint32_t rest = more ? read_u24(&r) : 0;
        if (r.failed)
            return STATUS_TRUNCATED;
        red.blocks[i].payload_type = head & 0x7f;
        red.blocks[i].timestamp_offset = (uint16_t)(rest >> 10);
        sizes[i] = rest & 0x3ff;
    }
    for (size_t i = 0; i + 1 < red.block_count; i++)
        red.blocks[i].data = read_bytes(&r, sizes[i]);
    red.blocks[red.block_count - 1].data = read_rest(&r);
    if (r.failed)
        return STATUS_TRUNCATED;
    *out = red;
    return STATUS_OK;
}
