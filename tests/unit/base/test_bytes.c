#include "base/bytes.h"

#include "base/check.h"
#include "unit/base/base_test.h"

static void reading_past_the_end_yields_zero_and_fails_for_good(void **state)
{
    static const uint8_t data[] = {1, 2, 3};
    struct reader r = reader_of(bytes_of(data, sizeof data));
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u16(&r), 0);
    assert_true(r.failed);
    assert_int_equal(read_u8(&r), 0); /* a byte is left, but the failure is sticky */
    assert_int_equal(read_rest(&r).size, 0);
    (void)state;
}

static void numbers_are_big_endian_and_round_trip(void **state)
{
    uint8_t memory[18];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    write_u8(&w, 0x12);
    write_u16(&w, 0x3456);
    write_u24(&w, 0x789abc);
    write_u32(&w, 0xdef01234);
    write_u64(&w, 0x56789abcdef01234u);
    assert_false(w.failed);
    assert_int_equal(writer_left(&w), 0);
    assert_int_equal(memory[1], 0x34);
    struct reader r = reader_of(bytes_const(writer_written(&w)));
    assert_int_equal(read_u8(&r), 0x12);
    assert_int_equal(read_u16(&r), 0x3456);
    assert_int_equal(read_u24(&r), 0x789abc);
    assert_int_equal(read_u32(&r), 0xdef01234);
    assert_true(read_u64(&r) == 0x56789abcdef01234u);
    assert_int_equal(reader_left(&r), 0);
    assert_false(r.failed);
    (void)state;
}

static void writing_without_room_writes_nothing_and_fails_for_good(void **state)
{
    uint8_t memory[4] = {9, 9, 9, 9};
    struct writer w = writer_of((struct bytes_mut){memory, 3});
    write_u16(&w, 0x0102);
    write_u16(&w, 0x0304);
    write_u8(&w, 5); /* would fit */
    write_zeros(&w, 1);
    write_bytes(&w, bytes_of_string("x"));
    assert_true(w.failed);
    assert_int_equal(writer_size(&w), 2);
    assert_int_equal(memory[2], 9);
    assert_int_equal(memory[3], 9);
    assert_null(write_space(&w, 0));
    (void)state;
}

static void an_empty_view_can_be_read_and_compared(void **state)
{
    struct reader r = reader_of(BYTES_NONE);
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(read_rest(&r).size, 0);
    assert_false(r.failed);
    assert_true(bytes_equal(BYTES_NONE, bytes_of("", 0)));
    assert_true(bytes_equal_string(BYTES_NONE, ""));
    assert_false(bytes_equal_string(bytes_of_string("ab"), "abc"));
    assert_false(bytes_equal_string(bytes_of_string("abd"), "abc"));
    (void)state;
}

static void a_text_that_does_not_fit_becomes_empty(void **state)
{
    char text[4] = "old";
    assert_true(bytes_to_string(bytes_of_string("abc"), text, sizeof text));
    assert_string_equal(text, "abc");
    assert_false(bytes_to_string(bytes_of_string("abcd"), text, sizeof text));
    assert_string_equal(text, "");
    assert_false(bytes_to_string(BYTES_NONE, text, 0));
    (void)state;
}

static void loads_and_stores_agree_with_the_reader(void **state)
{
    uint8_t at[4];
    store_u32(at, 0xfedcba98);
    assert_int_equal(load_u32(at), 0xfedcba98);
    assert_int_equal(load_u16(at + 2), 0xba98);
    struct reader r = reader_of(bytes_of(at, sizeof at));
    assert_int_equal(read_u32(&r), 0xfedcba98);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_past_the_end_yields_zero_and_fails_for_good),
        cmocka_unit_test(numbers_are_big_endian_and_round_trip),
        cmocka_unit_test(writing_without_room_writes_nothing_and_fails_for_good),
        cmocka_unit_test(an_empty_view_can_be_read_and_compared),
        cmocka_unit_test(a_text_that_does_not_fit_becomes_empty),
        cmocka_unit_test(loads_and_stores_agree_with_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
