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

static bool is_writable(const struct codec_red *red)
{
    if (red->block_count == 0 || red->block_count > CODEC_RED_BLOCKS_MAX)
        return false;
    for (size_t i = 0; i + 1 < red->block_count; i++) {
        if (red->blocks[i].timestamp_offset > CODEC_RED_OFFSET_MAX ||
            red->blocks[i].data.size > CODEC_RED_BLOCK_BYTES_MAX)
            return false;
    }
    return true;
}

bool codec_red_write(struct writer *w, const struct codec_red *red)
{
    if (!is_writable(red))
        return false;
    size_t primary = red->block_count - 1;
    for (size_t i = 0; i < primary; i++) {
        write_u8(w, 0x80 | red->blocks[i].payload_type);
        write_u24(w, (uint32_t)red->blocks[i].timestamp_offset << 10 |
                         (uint32_t)red->blocks[i].data.size);
    }
    write_u8(w, red->blocks[primary].payload_type & 0x7f);
    for (size_t i = 0; i <= primary; i++)
        write_bytes(w, red->blocks[i].data);
    return !w->failed;
}
