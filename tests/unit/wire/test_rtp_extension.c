#include "wire/rtp_extension.h"

#include "unit/wire/wire_test.h"

static size_t count_elements(const struct rtp_header *header)
{
    struct rtp_extension_iterator it = rtp_extension_iterate(header);
    struct rtp_extension element;
    size_t count = 0;
    while (rtp_extension_next(&it, &element))
        count++;
    return count;
}

static void elements_are_found_in_both_forms(void **state)
{
    const struct rtp_header one = {.extension_profile = 0xbede,
                                   .extension = OCTETS(0x10, 0xaa, 0, 0, 0x32, 1, 2, 3)};
    const struct rtp_header two = {.extension_profile = 0x1003,
                                   .extension = OCTETS(1, 1, 0xaa, 0, 200, 0, 3, 3, 1, 2, 3, 0)};
    const struct rtp_header *const headers[] = {&one, &two};
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        struct bytes data;
        assert_true(rtp_extension_find(headers[i], 1, &data));
        assert_int_equal(data.size, 1);
        assert_int_equal(data.data[0], 0xaa);
        assert_true(rtp_extension_find(headers[i], 3, &data));
        assert_int_equal(data.size, 3);
        assert_false(rtp_extension_find(headers[i], 2, &data));
        assert_false(rtp_extension_find(headers[i], 0, &data));
    }
    struct bytes empty;
    assert_true(rtp_extension_find(&two, 200, &empty));
    assert_int_equal(empty.size, 0);
    (void)state;
}

static void a_bad_block_ends_the_walk(void **state)
{
    const struct {
        const char *why;
        uint16_t profile;
        struct bytes block;
        size_t expected;
    } cases[] = {
        {"no block", 0, {NULL, 0}, 0},
        {"padding only", 0xbede, OCTETS(0, 0, 0, 0), 0},
        {"another profile", 0x1234, OCTETS(0x10, 1, 0x20, 2), 0},
        {"second element overruns", 0xbede, OCTETS(0x10, 1, 0x2f, 2), 1},
        {"id 15 stops", 0xbede, OCTETS(0x10, 1, 0xf0, 0, 0x20, 1, 0, 0), 1},
        {"two-byte element overruns", 0x1000, OCTETS(1, 1, 7, 2, 255, 1, 2, 3), 1},
        {"two-byte size is cut off", 0x1000, OCTETS(1, 1, 7, 2), 1},
        {"id 0 with a length stops", 0xbede, OCTETS(0x10, 1, 0x01, 0x20, 0, 0x20, 1, 0), 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut copy = exact_copy(cases[i].block, cases[i].block.size);
        struct rtp_header header = {.extension_profile = cases[i].profile,
                                    .extension = bytes_const(copy)};
        size_t got = count_elements(&header);
        if (got != cases[i].expected)
            fail_msg("%s: %zu elements", cases[i].why, got);
        free(copy.data);
    }
    (void)state;
}

static void the_number_of_elements_is_bounded(void **state)
{
    uint8_t block[200];
    for (size_t i = 0; i < sizeof block; i += 2)
        memcpy(block + i, "\x10\x01", 2);
    struct rtp_header header = {.extension_profile = 0xbede,
                                .extension = bytes_of(block, sizeof block)};
    assert_int_equal(count_elements(&header), RTP_EXTENSION_ELEMENTS_MAX);
    (void)state;
}

static void the_form_follows_from_ids_and_sizes(void **state)
{
    static const uint8_t data[300];
    static const struct {
        const char *why;
        uint8_t id;
        size_t size;
        enum status status;
        uint16_t profile;
    } cases[] = {
        {"smallest", 1, 1, STATUS_OK, 0xbede},  {"largest id", 14, 16, STATUS_OK, 0xbede},
        {"id 15", 15, 1, STATUS_OK, 0x1000},    {"17 bytes", 1, 17, STATUS_OK, 0x1000},
        {"no bytes", 1, 0, STATUS_OK, 0x1000},  {"largest", 255, 255, STATUS_OK, 0x1000},
        {"256 bytes", 1, 256, STATUS_LIMIT, 0}, {"id 0", 0, 1, STATUS_CONFIG, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t memory[300];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        struct rtp_extension element = {cases[i].id, bytes_of(data, cases[i].size)};
        uint16_t profile = 0;
        expect_status(cases[i].why, rtp_extension_write(&w, &element, 1, &profile),
                      cases[i].status);
        assert_int_equal(profile, cases[i].profile);
        if (cases[i].status != STATUS_OK)
            continue;
        struct rtp_header header = {.extension_profile = profile,
                                    .extension = bytes_const(writer_written(&w))};
        struct bytes found;
        assert_int_equal(header.extension.size % 4, 0);
        assert_true(rtp_extension_find(&header, cases[i].id, &found));
        assert_int_equal(found.size, cases[i].size);
    }
    (void)state;
}

static void a_block_without_room_is_refused(void **state)
{
    uint8_t memory[7];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct rtp_extension elements[33] = {{1, BYTES("abcd")}};
    uint16_t profile = 0;
    assert_int_equal(rtp_extension_write(&w, elements, 1, &profile), STATUS_TRUNCATED);
    assert_int_equal(profile, 0);
    assert_int_equal(rtp_extension_write(&w, elements, 33, &profile), STATUS_LIMIT);
    (void)state;
}

static void an_audio_level_round_trips(void **state)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t data = (uint8_t)byte;
        struct rtp_audio_level level;
        assert_true(rtp_extension_parse_audio_level(bytes_of(&data, 1), &level));
        assert_int_equal(level.level, byte & 0x7f);
        assert_int_equal(level.voice, byte >> 7);
        assert_int_equal(rtp_extension_audio_level_byte(level), byte);
    }
    struct rtp_audio_level level;
    assert_false(rtp_extension_parse_audio_level(BYTES_NONE, &level));
    assert_int_equal(rtp_extension_audio_level_byte((struct rtp_audio_level){200, true}), 0xff);
    (void)state;
}

static void abs_send_time_wraps_every_64_seconds(void **state)
{
    assert_int_equal(rtp_abs_send_time_of(0), 0);
    assert_int_equal(rtp_abs_send_time_of(SECONDS(1)), 1 << 18);
    assert_int_equal(rtp_abs_send_time_of(SECONDS(64) + SECONDS(1)), 1 << 18);
    assert_int_equal(rtp_abs_send_time_of(SECONDS(64) - 1), 0xffffff);
    assert_int_equal(rtp_abs_send_time_of(INT64_MAX) >> 24, 0);
    uint32_t before = rtp_abs_send_time_of(SECONDS(63));
    uint32_t after = rtp_abs_send_time_of(SECONDS(65));
    assert_true(rtp_abs_send_time_diff_us(after, before) == SECONDS(2));
    assert_true(rtp_abs_send_time_diff_us(before, after) == -SECONDS(2));
    uint8_t data[RTP_ABS_SEND_TIME_BYTES];
    uint32_t got;
    rtp_extension_store_abs_send_time(data, 0x123456);
    assert_true(rtp_extension_parse_abs_send_time(bytes_of(data, sizeof data), &got));
    assert_int_equal(got, 0x123456);
    assert_false(rtp_extension_parse_abs_send_time(bytes_of(data, 2), &got));
    (void)state;
}

static void a_transport_sequence_number_has_two_bytes(void **state)
{
    const struct bytes data = OCTETS(0x12, 0x34, 0, 0);
    uint16_t seq;
    assert_true(rtp_extension_parse_transport_seq(bytes_of(data.data, 2), &seq));
    assert_int_equal(seq, 0x1234);
    assert_true(rtp_extension_parse_transport_seq(data, &seq));
    assert_false(rtp_extension_parse_transport_seq(bytes_of(data.data, 1), &seq));
    assert_false(rtp_extension_parse_transport_seq(BYTES_NONE, &seq));
    (void)state;
}

static void a_mid_or_rid_is_visible_ascii_that_fits(void **state)
{
    const struct {
        struct bytes data;
        bool ok;
    } cases[] = {
        {BYTES("0"), true},     {BYTES("h-1_x"), true},     {BYTES("1234567"), true},
        {BYTES(""), false},     {BYTES("12345678"), false}, {BYTES("a b"), false},
        {BYTES("a\0b"), false}, {BYTES("\xc3\xa9"), false}, {BYTES("a\n"), false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[8] = "before";
        assert_int_equal(rtp_extension_parse_text(cases[i].data, text, sizeof text), cases[i].ok);
        assert_int_equal(strlen(text), cases[i].ok ? cases[i].data.size : 0);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_found_in_both_forms),
        cmocka_unit_test(a_bad_block_ends_the_walk),
        cmocka_unit_test(the_number_of_elements_is_bounded),
        cmocka_unit_test(the_form_follows_from_ids_and_sizes),
        cmocka_unit_test(a_block_without_room_is_refused),
        cmocka_unit_test(an_audio_level_round_trips),
        cmocka_unit_test(abs_send_time_wraps_every_64_seconds),
        cmocka_unit_test(a_transport_sequence_number_has_two_bytes),
        cmocka_unit_test(a_mid_or_rid_is_visible_ascii_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
