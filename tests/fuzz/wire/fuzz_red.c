/* RFC 2198. What parses lies within the payload, block behind block to its end, and comes back the
 * same once written; and blocks made from the input are written and read back, or refused for
 * breaking a maximum. The first byte says which. */
#include "wire/codec_red.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct codec_red *a, const struct codec_red *b)
{
    CHECK(a->block_count == b->block_count);
    for (size_t i = 0; i < a->block_count; i++) {
        CHECK(a->blocks[i].payload_type == b->blocks[i].payload_type);
        CHECK(a->blocks[i].timestamp_offset == b->blocks[i].timestamp_offset);
        CHECK(bytes_equal(a->blocks[i].data, b->blocks[i].data));
    }
}

static void check_inside(const struct codec_red *red, struct bytes payload)
{
    size_t at = 4 * (red->block_count - 1) + 1;
    CHECK(red->block_count >= 1 && red->block_count <= CODEC_RED_BLOCKS_MAX);
    for (size_t i = 0; i < red->block_count; i++) {
        CHECK(red->blocks[i].data.size == 0 || red->blocks[i].data.data == payload.data + at);
        at += red->blocks[i].data.size;
    }
    CHECK(at == payload.size);
    CHECK(red->blocks[red->block_count - 1].timestamp_offset == 0);
}

static void parse_and_write(struct bytes payload)
{
    static uint8_t memory[65536];
    struct codec_red red, again;
    if (payload.size > sizeof memory || codec_red_parse(payload, &red) != STATUS_OK)
        return;
    check_inside(&red, payload);
    struct writer w = writer_of((struct bytes_mut){memory, payload.size});
    CHECK(codec_red_write(&w, &red));
    CHECK(bytes_equal(bytes_const(writer_written(&w)), payload));
    CHECK(codec_red_parse(bytes_const(writer_written(&w)), &again) == STATUS_OK);
    check_same(&red, &again);
    if (payload.size == 0)
        return;
    w = writer_of((struct bytes_mut){memory, payload.size - 1});
    CHECK(!codec_red_write(&w, &red)); /* a byte too little */
}

/* A block: payload type, offset, size, bytes. */
static void write_and_parse(struct reader r)
{
    static uint8_t memory[16384];
    struct codec_red red = {0}, again;
    bool is_allowed = true;
    while (reader_left(&r) >= 5 && red.block_count < CODEC_RED_BLOCKS_MAX) {
        size_t i = red.block_count++;
        red.blocks[i].payload_type = read_u8(&r) & 0x7f;
        red.blocks[i].timestamp_offset = read_u16(&r);
        size_t wanted = read_u16(&r) % 2048;
        red.blocks[i].data = read_bytes(&r, wanted < reader_left(&r) ? wanted : reader_left(&r));
    }
    for (size_t i = 0; i + 1 < red.block_count; i++)
        is_allowed = is_allowed && red.blocks[i].timestamp_offset <= CODEC_RED_OFFSET_MAX &&
                     red.blocks[i].data.size <= CODEC_RED_BLOCK_BYTES_MAX;
    if (red.block_count > 0)
        red.blocks[red.block_count - 1].timestamp_offset = 0;
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    CHECK(codec_red_write(&w, &red) == (is_allowed && red.block_count > 0));
    if (!is_allowed || red.block_count == 0)
        return;
    CHECK(codec_red_parse(bytes_const(writer_written(&w)), &again) == STATUS_OK);
    check_same(&red, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 16000)
        return 0;
    if ((data[0] & 1) != 0)
        write_and_parse(reader_of(bytes_of(data + 1, size - 1)));
    else
        parse_and_write(bytes_of(data + 1, size - 1));
    return 0;
}
