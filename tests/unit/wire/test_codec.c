#include "wire/codec.h"

#include "unit/wire/wire_test.h"
#include "wire/codec_av1.h"
#include "wire/codec_h264.h"
#include "wire/codec_red.h"
#include "wire/codec_vp8.h"
#include "wire/codec_vp9.h"
#include "wire/dependency_descriptor.h"

/* A VP8 key frame's head: tag with bit 0 clear, start code, 640x360 little-endian. */
#define VP8_KEY 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01
/* Descriptor with everything: 15-bit picture id 0x1234, TL0PICIDX 0x56, TID 2, Y. */
#define VP8_FULL(first) first, 0xf0, 0x92, 0x34, 0x56, 0xa0
/* VP9: I L B E V, non-flexible; scalability structure with two resolutions and one picture. */
#define VP9_STRUCTURE 0x38, 2, 128, 1, 104, 5, 0, 2, 208, 1, 0x04, 1

static void a_payload_tells_its_marks(void **state)
{
    const struct {
        const char *why;
        enum media_codec codec;
        struct bytes payload;
        struct codec_mark expected;
    } cases[] = {
        {"Opus",
         MEDIA_CODEC_OPUS,
         OCTETS(0x78),
         {.key_frame = true, .has_frame_bounds = true, .frame_start = true, .frame_end = true}},
        {"VP8 key frame",
         MEDIA_CODEC_VP8,
         OCTETS(0x10, VP8_KEY),
         {.key_frame = true, .has_frame_bounds = true, .frame_start = true}},
        {"VP8 delta frame, all fields",
         MEDIA_CODEC_VP8,
         OCTETS(VP8_FULL(0xb0), 0x11),
         {.has_frame_bounds = true,
          .frame_start = true,
          .discardable = true,
          .has_layers = true,
          .layer_sync = true,
          .temporal_layer = 2,
          .picture_id_bits = 15,
          .picture_id_at = 2,
          .picture_id = 0x1234,
          .has_tl0_index = true,
          .tl0_index_at = 4,
          .tl0_index = 0x56}},
        {"VP8 short picture id",
         MEDIA_CODEC_VP8,
         OCTETS(0x80, 0x80, 0x7f, 0x10),
         {.has_frame_bounds = true, .picture_id_bits = 7, .picture_id_at = 2, .picture_id = 0x7f}},
        {"VP8 later partition is no frame start",
         MEDIA_CODEC_VP8,
         OCTETS(0x11, 0x10),
         {.has_frame_bounds = true}},
        {"VP8 key index without layer",
         MEDIA_CODEC_VP8,
         OCTETS(0x80, 0x10, 0xff, 0x11),
         {.has_frame_bounds = true}},
        {"VP9 key frame",
         MEDIA_CODEC_VP9,
         OCTETS(0x8c, 0x05, 0x82),
         {.key_frame = true,
          .has_frame_bounds = true,
          .frame_start = true,
          .frame_end = true,
          .picture_id_bits = 7,
          .picture_id_at = 1,
          .picture_id = 5}},
        {"VP9 layers and structure",
         MEDIA_CODEC_VP9,
         OCTETS(0xae, 0x81, 0x02, 0x50, 0x09, VP9_STRUCTURE, 0x82),
         {.key_frame = true,
          .has_frame_bounds = true,
          .frame_start = true,
          .frame_end = true,
          .has_layers = true,
          .layer_sync = true,
          .temporal_layer = 2,
          .picture_id_bits = 15,
          .picture_id_at = 1,
          .picture_id = 0x102,
          .has_tl0_index = true,
          .tl0_index_at = 4,
          .tl0_index = 9}},
        {"VP9 upper spatial layer of a key picture",
         MEDIA_CODEC_VP9,
         OCTETS(0x38, 0x03, 0x82),
         {.has_frame_bounds = true, .frame_start = true, .has_layers = true, .spatial_layer = 1}},
        {"VP9 flexible, two references",
         MEDIA_CODEC_VP9,
         OCTETS(0xd0, 0x05, 0x03, 0x04, 0x82),
         {.has_frame_bounds = true, .picture_id_bits = 7, .picture_id_at = 1, .picture_id = 5}},
        {"H264 IDR", MEDIA_CODEC_H264, OCTETS(0x65, 0x88), {.key_frame = true}},
        {"H264 slice", MEDIA_CODEC_H264, OCTETS(0x41, 0x88), {0}},
        {"H264 slice nobody refers to",
         MEDIA_CODEC_H264,
         OCTETS(0x01, 0x88),
         {.discardable = true}},
        {"H264 STAP-A with SPS and PPS",
         MEDIA_CODEC_H264,
         OCTETS(0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce),
         {.key_frame = true}},
        {"H264 FU-A start of IDR", MEDIA_CODEC_H264, OCTETS(0x7c, 0x85, 0x88), {.key_frame = true}},
        {"H264 FU-A middle of IDR", MEDIA_CODEC_H264, OCTETS(0x7c, 0x05, 0x88), {0}},
        {"AV1 new sequence",
         MEDIA_CODEC_AV1,
         OCTETS(0x28, 2, 0x08, 0, 0x30, 1),
         {.key_frame = true}},
        {"AV1 sequence header, N forgotten",
         MEDIA_CODEC_AV1,
         OCTETS(0x10, 0x08, 0),
         {.key_frame = true}},
        {"AV1 inter frame with layers",
         MEDIA_CODEC_AV1,
         OCTETS(0x10, 0x34, 0x48, 1),
         {.has_layers = true, .temporal_layer = 2, .spatial_layer = 1}},
        {"AV1 continuation has no OBU head", MEDIA_CODEC_AV1, OCTETS(0x90, 0x08, 0), {0}},
        {"RED with one redundant block",
         MEDIA_CODEC_RED,
         OCTETS(0xef, 0x0f, 0x00, 2, 0x6f, 'a', 'b', 'c'),
         {.key_frame = true, .has_frame_bounds = true, .frame_start = true, .frame_end = true}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut copy = exact_copy(cases[i].payload, cases[i].payload.size);
        struct codec_mark got;
        expect_status(cases[i].why, codec_parse_payload(cases[i].codec, bytes_const(copy), &got),
                      STATUS_OK);
        const struct codec_mark *want = &cases[i].expected;
        if (got.key_frame != want->key_frame || got.has_frame_bounds != want->has_frame_bounds ||
            got.frame_start != want->frame_start || got.frame_end != want->frame_end ||
            got.discardable != want->discardable || got.has_layers != want->has_layers ||
            got.layer_sync != want->layer_sync || got.temporal_layer != want->temporal_layer ||
            got.spatial_layer != want->spatial_layer ||
            got.picture_id_bits != want->picture_id_bits ||
            got.picture_id_at != want->picture_id_at || got.picture_id != want->picture_id ||
            got.has_tl0_index != want->has_tl0_index || got.tl0_index_at != want->tl0_index_at ||
            got.tl0_index != want->tl0_index)
            fail_msg("%s: other marks", cases[i].why);
        free(copy.data);
    }
    (void)state;
}

static void a_malformed_payload_is_rejected(void **state)
{
    const struct {
        const char *why;
        enum media_codec codec;
        struct bytes payload;
        enum status expected;
    } cases[] = {
        {"no codec", MEDIA_CODEC_NONE, OCTETS(1), STATUS_UNSUPPORTED},
        {"VP8 key frame without start code", MEDIA_CODEC_VP8,
         OCTETS(0x10, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7), STATUS_MALFORMED},
        {"VP9 with four references", MEDIA_CODEC_VP9, OCTETS(0x50, 3, 3, 3, 4, 0x82),
         STATUS_MALFORMED},
        {"VP9 structure of 255 pictures", MEDIA_CODEC_VP9, OCTETS(0x02, 0x08, 255, 4, 1, 4, 1),
         STATUS_TRUNCATED},
        {"H264 forbidden bit", MEDIA_CODEC_H264, OCTETS(0xe5, 1), STATUS_MALFORMED},
        {"H264 type 0", MEDIA_CODEC_H264, OCTETS(0x60, 1), STATUS_MALFORMED},
        {"H264 type 31", MEDIA_CODEC_H264, OCTETS(0x7f, 1), STATUS_MALFORMED},
        {"H264 FU-B", MEDIA_CODEC_H264, OCTETS(0x7d, 0x85, 1), STATUS_UNSUPPORTED},
        {"H264 STAP-A in STAP-A", MEDIA_CODEC_H264, OCTETS(0x78, 0, 2, 0x78, 1), STATUS_MALFORMED},
        {"H264 empty NAL in STAP-A", MEDIA_CODEC_H264, OCTETS(0x78, 0, 0), STATUS_MALFORMED},
        {"H264 FU-A start and end at once", MEDIA_CODEC_H264, OCTETS(0x7c, 0xc5, 1),
         STATUS_MALFORMED},
        {"AV1 N and Z", MEDIA_CODEC_AV1, OCTETS(0x98, 0x08, 0), STATUS_MALFORMED},
        {"AV1 forbidden bit", MEDIA_CODEC_AV1, OCTETS(0x10, 0x88, 0), STATUS_MALFORMED},
        {"AV1 empty element", MEDIA_CODEC_AV1, OCTETS(0x00, 0), STATUS_MALFORMED},
        {"AV1 size without end", MEDIA_CODEC_AV1, OCTETS(0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80),
         STATUS_TRUNCATED},
        {"AV1 second element missing", MEDIA_CODEC_AV1, OCTETS(0x20, 1, 0x30), STATUS_TRUNCATED},
        {"RED block overruns", MEDIA_CODEC_RED, OCTETS(0xef, 0, 0x03, 0xff, 0x6f, 1),
         STATUS_TRUNCATED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut copy = exact_copy(cases[i].payload, cases[i].payload.size);
        struct codec_mark mark;
        expect_status(cases[i].why, codec_parse_payload(cases[i].codec, bytes_const(copy), &mark),
                      cases[i].expected);
        free(copy.data);
    }
    (void)state;
}

/* Each payload is cut as short as it can be and still be whole. */
static void every_cut_of_a_descriptor_is_refused(void **state)
{
    const struct {
        const char *why;
        enum media_codec codec;
        struct bytes payload;
    } cases[] = {
        {"Opus", MEDIA_CODEC_OPUS, OCTETS(0x78)},
        {"RED", MEDIA_CODEC_RED, OCTETS(0xef, 0x0f, 0x00, 2, 0x6f, 'a', 'b')},
        {"VP8 key frame", MEDIA_CODEC_VP8, OCTETS(VP8_FULL(0x90), VP8_KEY)},
        {"VP8 delta frame", MEDIA_CODEC_VP8, OCTETS(VP8_FULL(0x80), 0x11)},
        {"VP9", MEDIA_CODEC_VP9, OCTETS(0xae, 0x81, 0x02, 0x50, 0x09, VP9_STRUCTURE, 0x82)},
        {"VP9 flexible", MEDIA_CODEC_VP9, OCTETS(0xf0, 5, 0x50, 3, 3, 4, 0x82)},
        {"H264", MEDIA_CODEC_H264, OCTETS(0x65, 0x88)},
        {"H264 FU-A", MEDIA_CODEC_H264, OCTETS(0x7c, 0x85, 0x88)},
        {"H264 STAP-A", MEDIA_CODEC_H264, OCTETS(0x78, 0, 2, 0x67, 0x42)},
        {"AV1", MEDIA_CODEC_AV1, OCTETS(0x00, 3, 0x34, 0x48, 1)},
        {"AV1 extension", MEDIA_CODEC_AV1, OCTETS(0x10, 0x34, 0x48)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct codec_mark mark;
        for (size_t size = 0; size < cases[i].payload.size; size++) {
            struct bytes_mut copy = exact_copy(cases[i].payload, size);
            enum status got = codec_parse_payload(cases[i].codec, bytes_const(copy), &mark);
            if (got != STATUS_TRUNCATED && got != STATUS_MALFORMED)
                fail_msg("%s cut to %zu bytes: %s", cases[i].why, size, status_name(got));
            free(copy.data);
        }
        expect_status(cases[i].why, codec_parse_payload(cases[i].codec, cases[i].payload, &mark),
                      STATUS_OK);
    }
    (void)state;
}

static void the_lists_in_a_payload_are_bounded(void **state)
{
    uint8_t stap[1 + 3 * (CODEC_H264_NALS_MAX + 1)] = {0x78};
    for (size_t i = 1; i < sizeof stap; i += 3)
        memcpy(stap + i, "\0\1\x0b", 3); /* end of stream: one byte */
    uint8_t av1[1 + 2 * (CODEC_AV1_OBUS_MAX + 1)] = {0};
    for (size_t i = 1; i < sizeof av1; i += 2)
        memcpy(av1 + i, "\1\x30", 2);
    uint8_t red[4 * 32 + 1];
    for (size_t i = 0; i + 1 < sizeof red; i += 4)
        memcpy(red + i, "\xef\0\0\0", 4);
    red[sizeof red - 1] = 0x6f;
    struct codec_mark mark;
    assert_int_equal(codec_parse_payload(MEDIA_CODEC_H264, bytes_of(stap, sizeof stap), &mark),
                     STATUS_LIMIT);
    assert_int_equal(codec_parse_payload(MEDIA_CODEC_AV1, bytes_of(av1, sizeof av1), &mark),
                     STATUS_LIMIT);
    assert_int_equal(codec_parse_payload(MEDIA_CODEC_RED, bytes_of(red, sizeof red), &mark),
                     STATUS_LIMIT);
    assert_int_equal(codec_parse_payload(MEDIA_CODEC_H264, bytes_of(stap, sizeof stap - 3), &mark),
                     STATUS_OK);
    assert_int_equal(codec_parse_payload(MEDIA_CODEC_AV1, bytes_of(av1, sizeof av1 - 2), &mark),
                     STATUS_OK);
    (void)state;
}

static void numbers_are_rewritten_where_they_stand(void **state)
{
    const struct {
        enum media_codec codec;
        struct bytes payload;
        uint16_t picture_id;
    } cases[] = {
        {MEDIA_CODEC_VP8, OCTETS(VP8_FULL(0x90), VP8_KEY), 0x7abc & 0x7fff},
        {MEDIA_CODEC_VP8, OCTETS(0x80, 0xc0, 0x01, 0x02, 0x11), 0x7abc & 0x7f},
        {MEDIA_CODEC_VP9, OCTETS(0xae, 0x81, 0x02, 0x50, 0x09, VP9_STRUCTURE, 0x82), 0x7abc},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut copy = exact_copy(cases[i].payload, cases[i].payload.size);
        struct codec_mark before, after;
        assert_int_equal(codec_parse_payload(cases[i].codec, bytes_const(copy), &before),
                         STATUS_OK);
        codec_rewrite_numbers(&before, copy, 0xfabc, 0xee);
        assert_int_equal(codec_parse_payload(cases[i].codec, bytes_const(copy), &after), STATUS_OK);
        assert_int_equal(after.picture_id, cases[i].picture_id);
        assert_int_equal(after.picture_id_bits, before.picture_id_bits);
        assert_int_equal(after.tl0_index, 0xee);
        assert_int_equal(after.temporal_layer, before.temporal_layer);
        free(copy.data);
    }
    (void)state;
}

static void a_written_vp8_descriptor_reads_back(void **state)
{
    uint8_t memory[32];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct codec_vp8 vp8 = {.start_of_partition = true,
                            .picture_id = 0x7fff,
                            .tl0_index = 200,
                            .temporal_layer = 1,
                            .layer_sync = true};
    struct codec_vp8 got;
    codec_vp8_write_descriptor(&w, &vp8);
    const struct bytes frame = OCTETS(VP8_KEY);
    write_bytes(&w, frame);
    assert_int_equal(codec_vp8_parse(bytes_const(writer_written(&w)), &got), STATUS_OK);
    assert_true(got.key_frame && got.layer_sync && !got.non_reference);
    assert_int_equal(got.picture_id, 0x7fff);
    assert_int_equal(got.tl0_index, 200);
    assert_int_equal(got.temporal_layer, 1);
    assert_int_equal(got.width, 640);
    assert_int_equal(got.height, 360);
    assert_true(bytes_equal(got.frame, frame));
    (void)state;
}

static void red_gives_its_blocks_oldest_first(void **state)
{
    const struct bytes payload = OCTETS(0xef, 0x0f, 0x00, 2, 0x6f, 'a', 'b', 'c');
    struct codec_red red;
    assert_int_equal(codec_red_parse(payload, &red), STATUS_OK);
    assert_int_equal(red.block_count, 2);
    assert_int_equal(red.blocks[0].payload_type, 111);
    assert_int_equal(red.blocks[0].timestamp_offset, 960);
    assert_true(bytes_equal_string(red.blocks[0].data, "ab"));
    assert_int_equal(red.blocks[1].payload_type, 111);
    assert_true(bytes_equal_string(red.blocks[1].data, "c"));
    (void)state;
}

static void red_is_written_as_it_is_read_and_not_beyond_its_fields(void **state)
{
    (void)state;
    static uint8_t block[CODEC_RED_BLOCK_BYTES_MAX + 1];
    static const struct {
        size_t size, room, blocks;
        uint16_t offset;
        bool written;
    } cases[] = {
        {80, 200, 2, 960, true},
        {CODEC_RED_BLOCK_BYTES_MAX, 2000, 2, CODEC_RED_OFFSET_MAX, true},
        {CODEC_RED_BLOCK_BYTES_MAX + 1, 2000, 2, 960, false},
        {80, 2000, 2, CODEC_RED_OFFSET_MAX + 1, false},
        {80, 87, 2, 960, false},
        {80, 88, 2, 960, true},
        {0, 10, 0, 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t out[2000];
        struct codec_red red = {.block_count = cases[i].blocks};
        red.blocks[0].payload_type = 111;
        red.blocks[0].timestamp_offset = cases[i].offset;
        red.blocks[0].data = bytes_of(block, cases[i].size);
        red.blocks[1].payload_type = 111;
        red.blocks[1].data = bytes_of(block, 3);
        struct writer w = writer_of((struct bytes_mut){out, cases[i].room});
        assert_int_equal(codec_red_write(&w, &red), cases[i].written);
        struct codec_red got;
        if (!cases[i].written)
            continue;
        assert_int_equal(codec_red_parse(bytes_const(writer_written(&w)), &got), STATUS_OK);
        assert_int_equal(got.block_count, 2);
        assert_int_equal(got.blocks[0].timestamp_offset, cases[i].offset);
        assert_int_equal(got.blocks[0].data.size, cases[i].size);
        assert_int_equal(got.blocks[1].data.size, 3);
    }
}

static void a_dependency_descriptor_needs_three_bytes(void **state)
{
    const struct bytes data = OCTETS(0xc5, 0x12, 0x34, 0x80);
    struct dependency_descriptor dd;
    for (size_t size = 0; size < 3; size++) {
        struct bytes_mut copy = exact_copy(data, size);
        assert_int_equal(dependency_descriptor_parse(bytes_const(copy), &dd), STATUS_TRUNCATED);
        free(copy.data);
    }
    assert_int_equal(dependency_descriptor_parse(bytes_of(data.data, 3), &dd), STATUS_OK);
    assert_true(dd.first_packet_in_frame && dd.last_packet_in_frame && !dd.has_structure);
    assert_int_equal(dd.template_id, 5);
    assert_int_equal(dd.frame_number, 0x1234);
    assert_int_equal(dependency_descriptor_parse(data, &dd), STATUS_OK);
    assert_true(dd.has_structure);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payload_tells_its_marks),
        cmocka_unit_test(a_malformed_payload_is_rejected),
        cmocka_unit_test(every_cut_of_a_descriptor_is_refused),
        cmocka_unit_test(the_lists_in_a_payload_are_bounded),
        cmocka_unit_test(numbers_are_rewritten_where_they_stand),
        cmocka_unit_test(a_written_vp8_descriptor_reads_back),
        cmocka_unit_test(red_gives_its_blocks_oldest_first),
        cmocka_unit_test(red_is_written_as_it_is_read_and_not_beyond_its_fields),
        cmocka_unit_test(a_dependency_descriptor_needs_three_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
