#include "wire/rtx.h"

#include "unit/wire/wire_test.h"
#include "wire/rtp.h"

#define TIME 1, 2, 3, 4
#define SSRC 5, 6, 7, 8

static void a_retransmission_becomes_the_original_in_place(void **state)
{
    const struct bytes packet = OCTETS(0xb0, 0xe1, 0, 9, TIME, SSRC, 0xbe, 0xde, 0, 1, 0x10, 0xff,
                                       0, 0, 0x12, 0x34, 'a', 'b', 0, 2);
    const struct bytes expected = OCTETS(0xb0, 0xe0, 0x12, 0x34, TIME, 9, 9, 9, 9, 0xbe, 0xde, 0, 1,
                                         0x10, 0xff, 0, 0, 'a', 'b', 0, 2);
    struct bytes_mut copy = exact_copy(packet, packet.size);
    struct bytes_mut original;
    assert_int_equal(rtx_unwrap_packet(copy, 96, 0x09090909, &original), STATUS_OK);
    assert_true(bytes_equal(bytes_const(original), expected));
    free(copy.data);
    (void)state;
}

static void short_payloads_are_safe(void **state)
{
    const struct bytes packet = OCTETS(0x80, 97, 0, 9, TIME, SSRC, 0x12, 0x34, 'a');
    static const enum status expected[] = {STATUS_TRUNCATED, STATUS_TRUNCATED, STATUS_OK,
                                           STATUS_OK};
    for (size_t payload = 0; payload < COUNT_OF(expected); payload++) {
        struct bytes_mut copy = exact_copy(packet, 12 + payload);
        struct bytes_mut original;
        struct rtp_header header;
        assert_int_equal(rtx_unwrap_packet(copy, 96, 1, &original), expected[payload]);
        if (expected[payload] == STATUS_OK) {
            assert_int_equal(rtp_parse_header(bytes_const(original), &header), STATUS_OK);
            assert_int_equal(header.payload.size, payload - 2);
            assert_int_equal(header.seq, 0x1234);
        } else {
            assert_memory_equal(copy.data, packet.data, copy.size);
        }
        free(copy.data);
    }
    (void)state;
}

static void padding_does_not_count_as_the_original_sequence_number(void **state)
{
    const struct bytes packet = OCTETS(0xa0, 97, 0, 9, TIME, SSRC, 7, 0, 2);
    struct bytes_mut copy = exact_copy(packet, packet.size);
    struct bytes_mut original;
    assert_int_equal(rtx_unwrap_packet(copy, 96, 1, &original), STATUS_TRUNCATED);
    free(copy.data);
    (void)state;
}

static void wrapping_and_unwrapping_gives_the_packet_back(void **state)
{
    const struct bytes original = OCTETS(0x90, 0xe0, 0xff, 0xff, TIME, SSRC, 0xbe, 0xde, 0, 1, 0x10,
                                         0xff, 0, 0, 'a', 'b', 'c');
    uint8_t memory[100];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct rtp_header header;
    struct bytes_mut got;
    assert_int_equal(rtx_write_packet(&w, original, 97, 0x77777777, 42), STATUS_OK);
    assert_int_equal(writer_size(&w), original.size + RTX_OSN_BYTES);
    assert_int_equal(rtp_parse_header(bytes_const(writer_written(&w)), &header), STATUS_OK);
    assert_int_equal(header.payload_type, 97);
    assert_int_equal(header.ssrc, 0x77777777);
    assert_int_equal(header.seq, 42);
    assert_int_equal(rtx_unwrap_packet(writer_written(&w), 96, 0x05060708, &got), STATUS_OK);
    assert_true(bytes_equal(bytes_const(got), original));
    struct writer small = writer_of((struct bytes_mut){memory, original.size + 1});
    assert_int_equal(rtx_write_packet(&small, original, 97, 1, 1), STATUS_TRUNCATED);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_retransmission_becomes_the_original_in_place),
        cmocka_unit_test(short_payloads_are_safe),
        cmocka_unit_test(padding_does_not_count_as_the_original_sequence_number),
        cmocka_unit_test(wrapping_and_unwrapping_gives_the_packet_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
