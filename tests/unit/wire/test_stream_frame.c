#include "wire/stream_frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Datagrams of these lengths, one after the other. */
static size_t write_frames(const uint16_t *lengths, size_t count, uint8_t *out)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        store_u16(out + at, lengths[i]);
        memset(out + at + 2, (int)('a' + i), lengths[i]);
        at += 2u + lengths[i];
    }
    return at;
}

static void datagrams_come_out_as_they_went_in_however_the_stream_is_cut(void **state)
{
    static const uint16_t lengths[] = {20, 0, 1500, 1, 300};
    static uint8_t stream[4096];
    static uint8_t copy[4096];
    (void)state;
    size_t size = write_frames(lengths, COUNT_OF(lengths), stream);
    for (size_t piece = 1; piece <= size; piece += piece < 8 ? 1 : 97) {
        struct stream_frames frames = {0};
        struct bytes_mut frame;
        size_t got = 0;
        memcpy(copy, stream, size);
        for (size_t at = 0; at < size; at += piece) {
            struct bytes_mut input = {copy + at, size - at < piece ? size - at : piece};
            while (stream_frames_take(&frames, &input, &frame) == STATUS_OK) {
                assert_true(got < COUNT_OF(lengths));
                assert_int_equal(frame.size, lengths[got]);
                for (size_t i = 0; i < frame.size; i++)
                    assert_int_equal(frame.data[i], 'a' + got);
                got++;
            }
            assert_int_equal(input.size, 0);
        }
        assert_int_equal(got, COUNT_OF(lengths));
        assert_false(stream_frames_is_partial(&frames));
    }
}

static void a_frame_longer_than_a_datagram_is_refused_before_its_content_comes(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 3; piece++) {
        uint8_t stream[] = {0, 1, 'x', 1501 >> 8, 1501 & 0xff, 'y'};
        struct stream_frames frames = {0};
        struct bytes_mut frame;
        enum status status = STATUS_TRUNCATED;
        size_t whole = 0;
        for (size_t at = 0; at < sizeof stream && status != STATUS_LIMIT; at += piece) {
            struct bytes_mut input = {stream + at, piece};
            while ((status = stream_frames_take(&frames, &input, &frame)) == STATUS_OK)
                whole++;
        }
        assert_int_equal(status, STATUS_LIMIT);
        assert_int_equal(whole, 1);
    }
}

static void half_a_length_is_remembered(void **state)
{
    uint8_t stream[] = {0, 2, 'a', 'b'};
    struct stream_frames frames = {0};
    struct bytes_mut frame;
    struct bytes_mut input = {stream, 1};
    (void)state;
    assert_int_equal(stream_frames_take(&frames, &input, &frame), STATUS_TRUNCATED);
    assert_true(stream_frames_is_partial(&frames));
    input = (struct bytes_mut){stream + 1, 3};
    assert_int_equal(stream_frames_take(&frames, &input, &frame), STATUS_OK);
    assert_memory_equal(frame.data, "ab", 2);
    assert_int_equal(stream_frames_take(&frames, &input, &frame), STATUS_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_come_out_as_they_went_in_however_the_stream_is_cut),
        cmocka_unit_test(a_frame_longer_than_a_datagram_is_refused_before_its_content_comes),
        cmocka_unit_test(half_a_length_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
