#include "wire/rtcp.h"

#include "unit/wire/wire_test.h"

static struct rtcp_packet only_packet(struct bytes compound)
{
    struct rtcp_iterator it = rtcp_iterate(compound);
    struct rtcp_packet packet;
    assert_int_equal(rtcp_next(&it, &packet), STATUS_OK);
    return packet;
}

/* Walks to the end; returns how it ended, and how many packets there were. */
static enum status walk(struct bytes compound, size_t *count)
{
    struct rtcp_iterator it = rtcp_iterate(compound);
    struct rtcp_packet packet;
    enum status status;
    for (*count = 0; (status = rtcp_next(&it, &packet)) == STATUS_OK; (*count)++)
        ;
    assert_int_equal(rtcp_next(&it, &packet), STATUS_NOT_FOUND); /* and it stays over */
    return status;
}

static void a_compound_packet_is_walked_until_a_length_lies(void **state)
{
    const struct {
        const char *why;
        struct bytes compound;
        size_t count;
        enum status expected;
    } cases[] = {
        {"empty", {NULL, 0}, 0, STATUS_NOT_FOUND},
        {"two packets", OCTETS(0x80, 201, 0, 1, 1, 2, 3, 4, 0x80, 203, 0, 0), 2, STATUS_NOT_FOUND},
        {"head is cut", OCTETS(0x80, 201, 0), 0, STATUS_TRUNCATED},
        {"length beyond the end", OCTETS(0x80, 201, 0, 2, 1, 2, 3, 4), 0, STATUS_TRUNCATED},
        {"length 65535", OCTETS(0x80, 201, 0xff, 0xff, 1, 2, 3, 4), 0, STATUS_TRUNCATED},
        {"second one lies", OCTETS(0x80, 201, 0, 0, 0x80, 201, 0, 1), 1, STATUS_TRUNCATED},
        {"trailing bytes", OCTETS(0x80, 203, 0, 0, 0x80), 1, STATUS_TRUNCATED},
        {"version 1", OCTETS(0x40, 201, 0, 0), 0, STATUS_MALFORMED},
        {"padding in the middle", OCTETS(0xa0, 205, 0, 1, 7, 7, 0, 2, 0x80, 203, 0, 0), 2,
         STATUS_NOT_FOUND},
        {"padding beyond the body", OCTETS(0xa0, 205, 0, 1, 0, 0, 0, 5), 0, STATUS_MALFORMED},
        {"padding of zero", OCTETS(0xa0, 205, 0, 1, 0, 0, 0, 0), 0, STATUS_MALFORMED},
        {"padding without a body", OCTETS(0xa0, 205, 0, 0), 0, STATUS_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count;
        struct bytes_mut copy = exact_copy(cases[i].compound, cases[i].compound.size);
        expect_status(cases[i].why, walk(bytes_const(copy), &count), cases[i].expected);
        if (count != cases[i].count)
            fail_msg("%s: %zu packets", cases[i].why, count);
        free(copy.data);
    }
    (void)state;
}

static void the_number_of_packets_is_bounded(void **state)
{
    uint8_t data[4 * (RTCP_PACKETS_MAX + 1)];
    size_t count;
    for (size_t i = 0; i < sizeof data; i += 4)
        memcpy(data + i, "\x80\xcb\0\0", 4);
    assert_int_equal(walk(bytes_of(data, sizeof data - 4), &count), STATUS_NOT_FOUND);
    assert_int_equal(walk(bytes_of(data, sizeof data), &count), STATUS_LIMIT);
    assert_int_equal(count, RTCP_PACKETS_MAX);
    (void)state;
}

static void reports_round_trip_with_up_to_31_blocks(void **state)
{
    for (size_t blocks = 0; blocks <= RTCP_COUNT_MAX; blocks++) {
        uint8_t memory[1024];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        struct rtcp_report report = {.ssrc = 7, .block_count = blocks};
        struct rtcp_report got;
        report.has_sender_info = blocks % 2 == 0;
        if (report.has_sender_info)
            report.sender = (struct rtcp_sender_info){0x1122334455667788u, 1, 2, 3};
        for (size_t i = 0; i < blocks; i++)
            report.blocks[i] = (struct rtcp_report_block){
                (uint32_t)i, 255, -1 - (int32_t)i, 0x10000, 5, 0xabcdef01, 65536};
        rtcp_write_report(&w, &report);
        assert_false(w.failed);
        struct rtcp_packet packet = only_packet(bytes_const(writer_written(&w)));
        assert_int_equal(packet.type, report.has_sender_info ? RTCP_TYPE_SR : RTCP_TYPE_RR);
        assert_int_equal(rtcp_parse_report(&packet, &got), STATUS_OK);
        assert_memory_equal(&got, &report, sizeof got);
    }
    (void)state;
}

static void a_report_cut_anywhere_is_truncated(void **state)
{
    const struct bytes body = OCTETS(0, 0, 0, 1, ZEROS4, ZEROS4, ZEROS4, ZEROS4, ZEROS4, ZEROS4,
                                     ZEROS4, ZEROS4, ZEROS4, ZEROS4, ZEROS4);
    for (size_t size = 0; size <= body.size; size++) {
        struct bytes_mut copy = exact_copy(body, size);
        struct rtcp_packet sr = {RTCP_TYPE_SR, 1, bytes_const(copy)};
        struct rtcp_packet rr = {RTCP_TYPE_RR, 1, bytes_const(copy)};
        struct rtcp_report report;
        assert_int_equal(rtcp_parse_report(&sr, &report), size < 48 ? STATUS_TRUNCATED : STATUS_OK);
        assert_int_equal(rtcp_parse_report(&rr, &report), size < 28 ? STATUS_TRUNCATED : STATUS_OK);
        free(copy.data);
    }
    struct rtcp_packet app = {RTCP_TYPE_APP, 0, body};
    struct rtcp_report report;
    assert_int_equal(rtcp_parse_report(&app, &report), STATUS_UNSUPPORTED);
    (void)state;
}

static void cumulative_loss_is_clamped_to_24_bits(void **state)
{
    static const struct {
        int32_t written, read;
    } cases[] = {{0x7fffff, 0x7fffff},   {0x800000, 0x7fffff},   {INT32_MAX, 0x7fffff},
                 {-0x800000, -0x800000}, {INT32_MIN, -0x800000}, {-1, -1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t memory[64];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        struct rtcp_report report = {.block_count = 1};
        report.blocks[0].cumulative_lost = cases[i].written;
        rtcp_write_report(&w, &report);
        struct rtcp_packet packet = only_packet(bytes_const(writer_written(&w)));
        assert_int_equal(rtcp_parse_report(&packet, &report), STATUS_OK);
        assert_int_equal(report.blocks[0].cumulative_lost, cases[i].read);
    }
    (void)state;
}

static void a_cname_of_any_length_round_trips(void **state)
{
    char cname[256];
    memset(cname, 'c', sizeof cname);
    for (size_t size = 1; size <= 255; size++) {
        uint8_t memory[300];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        struct rtcp_sdes sdes;
        rtcp_write_sdes(&w, 0xfeed, bytes_of(cname, size));
        struct rtcp_packet packet = only_packet(bytes_const(writer_written(&w)));
        assert_int_equal(rtcp_parse_sdes(&packet, &sdes), STATUS_OK);
        assert_int_equal(sdes.chunk_count, 1);
        assert_int_equal(sdes.chunks[0].ssrc, 0xfeed);
        assert_true(bytes_equal(sdes.chunks[0].cname, bytes_of(cname, size)));
    }
    (void)state;
}

static void sdes_chunks_are_told_apart_and_lies_refused(void **state)
{
    const struct {
        const char *why;
        uint8_t count;
        struct bytes body;
        enum status expected;
        const char *last_cname;
    } cases[] = {
        {"no chunk", 0, {NULL, 0}, STATUS_OK, ""},
        {"two chunks, a NAME first", 2,
         OCTETS(0, 0, 0, 1, 2, 1, 'n', 0, 0, 0, 0, 2, 2, 0, 1, 2, 'h', 'i', 0, 0, 0, 0), STATUS_OK,
         "hi"},
        {"item overruns", 1, OCTETS(0, 0, 0, 1, 1, 9, 'a', 0), STATUS_TRUNCATED, NULL},
        {"no end mark", 1, OCTETS(0, 0, 0, 1, 1, 2, 'a', 'b'), STATUS_TRUNCATED, NULL},
        {"chunks announced are missing", 3, OCTETS(0, 0, 0, 1, 0, 0, 0, 0), STATUS_TRUNCATED, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut copy = exact_copy(cases[i].body, cases[i].body.size);
        struct rtcp_packet packet = {RTCP_TYPE_SDES, cases[i].count, bytes_const(copy)};
        struct rtcp_sdes sdes;
        enum status got = rtcp_parse_sdes(&packet, &sdes);
        expect_status(cases[i].why, got, cases[i].expected);
        if (got == STATUS_OK && sdes.chunk_count > 0)
            assert_true(
                bytes_equal_string(sdes.chunks[sdes.chunk_count - 1].cname, cases[i].last_cname));
        free(copy.data);
    }
    (void)state;
}

static void a_bye_round_trips_and_its_reason_cannot_lie(void **state)
{
    const uint32_t ssrcs[] = {1, 0xffffffff};
    uint8_t memory[64];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct rtcp_bye bye;
    rtcp_write_bye(&w, ssrcs, COUNT_OF(ssrcs), bytes_of_string("class ended"));
    struct rtcp_packet packet = only_packet(bytes_const(writer_written(&w)));
    assert_int_equal(rtcp_parse_bye(&packet, &bye), STATUS_OK);
    assert_int_equal(bye.ssrc_count, 2);
    assert_int_equal(bye.ssrcs[1], 0xffffffff);
    assert_true(bytes_equal_string(bye.reason, "class ended"));
    const struct bytes lie = OCTETS(0, 0, 0, 1, 4, 'a', 'b', 'c');
    packet = (struct rtcp_packet){RTCP_TYPE_BYE, 1, lie};
    assert_int_equal(rtcp_parse_bye(&packet, &bye), STATUS_TRUNCATED);
    packet.count = 31;
    assert_int_equal(rtcp_parse_bye(&packet, &bye), STATUS_TRUNCATED);
    (void)state;
}

static void writing_without_room_fails(void **state)
{
    struct rtcp_report report = {.has_sender_info = true, .block_count = 1};
    for (size_t size = 0; size < 52; size++) {
        uint8_t *exact = malloc(size + 1);
        struct writer w = writer_of((struct bytes_mut){exact, size});
        rtcp_write_report(&w, &report);
        assert_true(w.failed);
        free(exact);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_compound_packet_is_walked_until_a_length_lies),
        cmocka_unit_test(the_number_of_packets_is_bounded),
        cmocka_unit_test(reports_round_trip_with_up_to_31_blocks),
        cmocka_unit_test(a_report_cut_anywhere_is_truncated),
        cmocka_unit_test(cumulative_loss_is_clamped_to_24_bits),
        cmocka_unit_test(a_cname_of_any_length_round_trips),
        cmocka_unit_test(sdes_chunks_are_told_apart_and_lies_refused),
        cmocka_unit_test(a_bye_round_trips_and_its_reason_cannot_lie),
        cmocka_unit_test(writing_without_room_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
