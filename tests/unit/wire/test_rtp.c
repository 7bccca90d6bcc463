#include "wire/rtp.h"

#include "unit/wire/wire_test.h"

#define TIME_AND_SSRC 1, 2, 3, 4, 5, 6, 7, 8

static void a_header_is_read_with_its_extension_and_payload(void **state)
{
    const struct bytes packet = OCTETS(0xb1, 0xe0, 0x12, 0x34, TIME_AND_SSRC, 'C', 'S', 'R', 'C',
                                       0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0, 'p', 'a', 'y', 0, 0, 3);
    struct rtp_header h;
    assert_int_equal(rtp_parse_header(packet, &h), STATUS_OK);
    assert_true(h.marker);
    assert_int_equal(h.payload_type, 96);
    assert_int_equal(h.seq, 0x1234);
    assert_int_equal(h.timestamp, 0x01020304);
    assert_int_equal(h.ssrc, 0x05060708);
    assert_int_equal(h.extension_profile, 0xbede);
    assert_int_equal(h.extension.size, 4);
    assert_int_equal(h.extension.data[0], 0x10);
    assert_true(bytes_equal_string(h.payload, "pay"));
    assert_int_equal(h.padding_bytes, 3);
    assert_int_equal(rtp_header_bytes(packet, &h), 24);
    (void)state;
}

static void a_malformed_header_is_rejected(void **state)
{
    const struct {
        const char *why;
        struct bytes packet;
        enum status expected;
    } cases[] = {
        {"empty datagram", {NULL, 0}, STATUS_TRUNCATED},
        {"eleven bytes", OCTETS(0x80, 96, 0, 1, 1, 2, 3, 4, 5, 6, 7), STATUS_TRUNCATED},
        {"header alone", OCTETS(0x80, 96, 0, 1, TIME_AND_SSRC), STATUS_OK},
        {"version 1", OCTETS(0x40, 96, 0, 1, TIME_AND_SSRC), STATUS_MALFORMED},
        {"one CSRC of two is cut", OCTETS(0x82, 96, 0, 1, TIME_AND_SSRC, ZEROS4), STATUS_TRUNCATED},
        {"fifteen CSRCs announced", OCTETS(0x8f, 96, 0, 1, TIME_AND_SSRC, ZEROS4),
         STATUS_TRUNCATED},
        {"extension head is cut", OCTETS(0x90, 96, 0, 1, TIME_AND_SSRC, 0xbe, 0xde, 0),
         STATUS_TRUNCATED},
        {"extension of 65535 words",
         OCTETS(0x90, 96, 0, 1, TIME_AND_SSRC, 0xbe, 0xde, 0xff, 0xff, ZEROS4), STATUS_TRUNCATED},
        {"empty extension", OCTETS(0x90, 96, 0, 1, TIME_AND_SSRC, 0xbe, 0xde, 0, 0), STATUS_OK},
        {"padding beyond payload", OCTETS(0xa0, 96, 0, 1, TIME_AND_SSRC, 9), STATUS_MALFORMED},
        {"padding of zero bytes", OCTETS(0xa0, 96, 0, 1, TIME_AND_SSRC, 0), STATUS_MALFORMED},
        {"padding without a byte", OCTETS(0xa0, 96, 0, 1, TIME_AND_SSRC), STATUS_MALFORMED},
        {"nothing but padding", OCTETS(0xa0, 96, 0, 1, TIME_AND_SSRC, 0, 2), STATUS_OK},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rtp_header header;
        struct bytes_mut copy = exact_copy(cases[i].packet, cases[i].packet.size);
        expect_status(cases[i].why, rtp_parse_header(bytes_const(copy), &header),
                      cases[i].expected);
        free(copy.data);
    }
    (void)state;
}

static void a_written_header_reads_back(void **state)
{
    static const uint8_t block[8] = {0x10, 0xff, 0x21, 1, 2, 0, 0, 0};
    for (unsigned variant = 0; variant < 8; variant++) {
        uint8_t memory[300];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        struct rtp_header h = {.marker = (variant & 1) != 0,
                               .payload_type = 111,
                               .seq = 65535,
                               .timestamp = 0xdeadbeef,
                               .ssrc = 0xcafe};
        if ((variant & 2) != 0) {
            h.extension_profile = 0xbede;
            h.extension = bytes_of(block, sizeof block);
        }
        h.padding_bytes = (variant & 4) != 0 ? 255 : 0;
        rtp_write_header(&w, &h);
        write_bytes(&w, bytes_of_string("x"));
        rtp_write_padding(&w, h.padding_bytes);
        assert_false(w.failed);
        struct rtp_header got;
        assert_int_equal(rtp_parse_header(bytes_const(writer_written(&w)), &got), STATUS_OK);
        assert_int_equal(got.marker, h.marker);
        assert_int_equal(got.payload_type, 111);
        assert_int_equal(got.seq, 65535);
        assert_int_equal(got.timestamp, 0xdeadbeef);
        assert_int_equal(got.ssrc, 0xcafe);
        assert_int_equal(got.extension_profile, h.extension_profile);
        assert_true(bytes_equal(got.extension, h.extension));
        assert_true(bytes_equal_string(got.payload, "x"));
        assert_int_equal(got.padding_bytes, h.padding_bytes);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_read_with_its_extension_and_payload),
        cmocka_unit_test(a_malformed_header_is_rejected),
        cmocka_unit_test(a_written_header_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
