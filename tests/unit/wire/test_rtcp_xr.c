#include "wire/rtcp_xr.h"

#include "unit/wire/wire_test.h"

static struct rtcp_packet only_packet(const struct writer *w)
{
    struct rtcp_iterator it = rtcp_iterate(bytes_const(writer_written(w)));
    struct rtcp_packet packet;
    assert_int_equal(rtcp_next(&it, &packet), STATUS_OK);
    return packet;
}

static void reference_times_and_their_answers_round_trip(void **state)
{
    const struct rtcp_dlrr items[] = {{1, 2, 3}, {4, 5, 6}};
    uint8_t memory[100];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct rtcp_xr xr;
    rtcp_write_xr_rrtr(&w, 9, 0x0102030405060708u);
    struct rtcp_packet packet = only_packet(&w);
    assert_int_equal(rtcp_parse_xr(&packet, &xr), STATUS_OK);
    assert_int_equal(xr.ssrc, 9);
    assert_true(xr.has_rrtr && xr.rrtr_ntp == 0x0102030405060708u);
    assert_int_equal(xr.dlrr_count, 0);
    w = writer_of((struct bytes_mut){memory, sizeof memory});
    rtcp_write_xr_dlrr(&w, 9, items, COUNT_OF(items));
    packet = only_packet(&w);
    assert_int_equal(rtcp_parse_xr(&packet, &xr), STATUS_OK);
    assert_false(xr.has_rrtr);
    assert_int_equal(xr.dlrr_count, 2);
    assert_memory_equal(xr.dlrr, items, sizeof items);
    (void)state;
}

static void bad_blocks_are_refused_and_unknown_ones_skipped(void **state)
{
    const struct {
        const char *why;
        struct bytes body;
        enum status expected;
    } cases[] = {
        {"no SSRC", OCTETS(0, 0, 0), STATUS_TRUNCATED},
        {"no block", OCTETS(0, 0, 0, 1), STATUS_OK},
        {"unknown block", OCTETS(0, 0, 0, 1, 99, 0, 0, 1, ZEROS4), STATUS_OK},
        {"block head is cut", OCTETS(0, 0, 0, 1, 4, 0), STATUS_TRUNCATED},
        {"block overruns", OCTETS(0, 0, 0, 1, 4, 0, 0, 3, ZEROS4, ZEROS4), STATUS_TRUNCATED},
        {"RRTR of one word", OCTETS(0, 0, 0, 1, 4, 0, 0, 1, ZEROS4), STATUS_MALFORMED},
        {"DLRR of one word", OCTETS(0, 0, 0, 1, 5, 0, 0, 1, ZEROS4), STATUS_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut copy = exact_copy(cases[i].body, cases[i].body.size);
        struct rtcp_packet packet = {RTCP_TYPE_XR, 0, bytes_const(copy)};
        struct rtcp_xr xr;
        expect_status(cases[i].why, rtcp_parse_xr(&packet, &xr), cases[i].expected);
        free(copy.data);
    }
    (void)state;
}

static void blocks_and_answers_are_bounded(void **state)
{
    uint8_t body[4 + 4 * (RTCP_XR_BLOCKS_MAX + 1)] = {0};
    struct rtcp_packet packet = {RTCP_TYPE_XR, 0, bytes_of(body, sizeof body)};
    struct rtcp_xr xr;
    assert_int_equal(rtcp_parse_xr(&packet, &xr), STATUS_LIMIT);
    uint8_t dlrr[8 + 12 * 40] = {0, 0, 0, 1, 5, 0, 0, 120};
    packet.body = bytes_of(dlrr, sizeof dlrr);
    assert_int_equal(rtcp_parse_xr(&packet, &xr), STATUS_OK);
    assert_int_equal(xr.dlrr_count, RTCP_XR_DLRR_MAX);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_times_and_their_answers_round_trip),
        cmocka_unit_test(bad_blocks_are_refused_and_unknown_ones_skipped),
        cmocka_unit_test(blocks_and_answers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
