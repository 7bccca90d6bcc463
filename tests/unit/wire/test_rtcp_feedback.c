#include "wire/rtcp_feedback.h"

#include "base/rng.h"
#include "unit/wire/wire_test.h"

static struct rtcp_packet only_packet(const struct writer *w)
{
    struct rtcp_iterator it = rtcp_iterate(bytes_const(writer_written(w)));
    struct rtcp_packet packet;
    assert_false(w->failed);
    assert_int_equal(rtcp_next(&it, &packet), STATUS_OK);
    assert_int_equal(reader_left(&it.r), 0);
    return packet;
}

static void a_nack_lists_what_it_asks_for(void **state)
{
    const struct bytes body = OCTETS(0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 0x80, 0x03, 0, 100, 0, 0);
    static const uint16_t expected[] = {0xfffe, 0xffff, 0, 14, 100};
    struct rtcp_packet packet = {RTCP_TYPE_RTPFB, 1, body};
    struct rtcp_nack nack;
    uint16_t seqs[RTCP_NACK_SEQS_MAX];
    assert_int_equal(rtcp_parse_nack(&packet, &nack), STATUS_OK);
    assert_int_equal(nack.sender_ssrc, 1);
    assert_int_equal(nack.media_ssrc, 2);
    assert_int_equal(rtcp_nack_list(&nack, seqs, COUNT_OF(seqs)), COUNT_OF(expected));
    assert_memory_equal(seqs, expected, sizeof expected);
    assert_int_equal(rtcp_nack_list(&nack, seqs, 2), 2);
    (void)state;
}

static void random_losses_round_trip_through_nacks(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rng rng = rng_of_seed(seed);
        uint16_t wanted[300], got[RTCP_NACK_SEQS_MAX];
        size_t count = 1 + rng_below(&rng, COUNT_OF(wanted));
        uint16_t at = (uint16_t)rng_next(&rng);
        for (size_t i = 0; i < count; i++)
            wanted[i] = at = (uint16_t)(at + 1 + rng_below(&rng, seed % 40));
        for (size_t done = 0; done < count;) {
            uint8_t memory[4 * RTCP_NACK_ITEMS_MAX + 12];
            struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
            struct rtcp_nack nack;
            size_t used = rtcp_write_nack(&w, 1, 2, wanted + done, count - done);
            struct rtcp_packet packet = only_packet(&w);
            assert_true(used > 0);
            assert_int_equal(rtcp_parse_nack(&packet, &nack), STATUS_OK);
            assert_int_equal(rtcp_nack_list(&nack, got, COUNT_OF(got)), used);
            assert_memory_equal(got, wanted + done, used * sizeof *got);
            done += used;
        }
    }
    (void)state;
}

static void an_empty_nack_is_not_written(void **state)
{
    uint8_t memory[8];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    assert_int_equal(rtcp_write_nack(&w, 1, 2, NULL, 0), 0);
    assert_int_equal(writer_size(&w), 0);
    (void)state;
}

static void the_items_of_each_message_are_bounded(void **state)
{
    static uint8_t body[8 + 8 * 300];
    struct rtcp_nack nack;
    struct rtcp_fir fir;
    struct rtcp_packet packet = {RTCP_TYPE_RTPFB, 1, bytes_of(body, 8 + 4 * RTCP_NACK_ITEMS_MAX)};
    assert_int_equal(rtcp_parse_nack(&packet, &nack), STATUS_OK);
    packet.body.size += 4;
    assert_int_equal(rtcp_parse_nack(&packet, &nack), STATUS_LIMIT);
    packet = (struct rtcp_packet){RTCP_TYPE_PSFB, 4, bytes_of(body, 8 + 8 * RTCP_FIR_ITEMS_MAX)};
    assert_int_equal(rtcp_parse_fir(&packet, &fir), STATUS_OK);
    packet.body.size += 8;
    assert_int_equal(rtcp_parse_fir(&packet, &fir), STATUS_LIMIT);
    memcpy(body + 8, "REMB", 4);
    body[12] = RTCP_REMB_SSRCS_MAX + 1;
    struct rtcp_remb remb;
    packet = (struct rtcp_packet){RTCP_TYPE_PSFB, 15,
                                  bytes_of(body, 16 + 4 * (RTCP_REMB_SSRCS_MAX + 1))};
    assert_int_equal(rtcp_parse_remb(&packet, &remb), STATUS_LIMIT);
    (void)state;
}

static void key_frame_requests_round_trip(void **state)
{
    const struct rtcp_fir_item items[] = {{1, 255}, {0xffffffff, 0}};
    uint8_t memory[64];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct rtcp_pli pli;
    struct rtcp_fir fir;
    rtcp_write_pli(&w, 3, 4);
    struct rtcp_packet packet = only_packet(&w);
    assert_int_equal(rtcp_feedback_of(&packet), RTCP_FEEDBACK_PLI);
    assert_int_equal(rtcp_parse_pli(&packet, &pli), STATUS_OK);
    assert_true(pli.sender_ssrc == 3 && pli.media_ssrc == 4);
    assert_int_equal(rtcp_parse_fir(&packet, &fir), STATUS_UNSUPPORTED);
    w = writer_of((struct bytes_mut){memory, sizeof memory});
    rtcp_write_fir(&w, 3, items, COUNT_OF(items));
    packet = only_packet(&w);
    assert_int_equal(rtcp_feedback_of(&packet), RTCP_FEEDBACK_FIR);
    assert_int_equal(rtcp_parse_fir(&packet, &fir), STATUS_OK);
    assert_int_equal(fir.item_count, 2);
    assert_true(fir.items[0].ssrc == 1 && fir.items[0].seq == 255);
    assert_true(fir.items[1].ssrc == 0xffffffff && fir.items[1].seq == 0);
    (void)state;
}

static void a_remb_rate_round_trips_to_18_bits(void **state)
{
    static const struct {
        uint64_t written, read;
    } cases[] = {{0, 0},
                 {1, 1},
                 {262143, 262143},
                 {262145, 262144},
                 {300000, 300000},
                 {5000001, 5000000},
                 {UINT64_MAX, 0x3ffffull << 46}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t memory[64];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        struct rtcp_remb remb = {
            .sender_ssrc = 1, .rate_bps = cases[i].written, .ssrc_count = 2, .ssrcs = {7, 8}};
        struct rtcp_remb got;
        rtcp_write_remb(&w, &remb);
        struct rtcp_packet packet = only_packet(&w);
        assert_int_equal(rtcp_parse_remb(&packet, &got), STATUS_OK);
        assert_true(got.rate_bps == cases[i].read);
        assert_int_equal(got.ssrc_count, 2);
        assert_int_equal(got.ssrcs[1], 8);
    }
    (void)state;
}

static void a_remb_beyond_64_bits_saturates(void **state)
{
    const struct bytes body = OCTETS(ZEROS4, ZEROS4, 'R', 'E', 'M', 'B', 0, 0xff, 0xff, 0xff);
    const struct bytes zero = OCTETS(ZEROS4, ZEROS4, 'R', 'E', 'M', 'B', 0, 0xfc, 0, 0);
    struct rtcp_packet packet = {RTCP_TYPE_PSFB, 15, body};
    struct rtcp_remb remb;
    assert_int_equal(rtcp_parse_remb(&packet, &remb), STATUS_OK);
    assert_true(remb.rate_bps == UINT64_MAX);
    packet.body = zero;
    assert_int_equal(rtcp_parse_remb(&packet, &remb), STATUS_OK);
    assert_true(remb.rate_bps == 0);
    (void)state;
}

static void malformed_feedback_is_rejected(void **state)
{
    const struct {
        const char *why;
        uint8_t type, format;
        struct bytes body;
        enum status nack, pli, fir, remb;
    } cases[] = {
        {"NACK without item", 205, 1, OCTETS(ZEROS4, ZEROS4), STATUS_TRUNCATED, STATUS_UNSUPPORTED,
         STATUS_UNSUPPORTED, STATUS_UNSUPPORTED},
        {"NACK of half an item", 205, 1, OCTETS(ZEROS4, ZEROS4, 0, 1), STATUS_MALFORMED,
         STATUS_UNSUPPORTED, STATUS_UNSUPPORTED, STATUS_UNSUPPORTED},
        {"PLI without media", 206, 1, OCTETS(ZEROS4), STATUS_UNSUPPORTED, STATUS_TRUNCATED,
         STATUS_UNSUPPORTED, STATUS_UNSUPPORTED},
        {"FIR of half an item", 206, 4, OCTETS(ZEROS4, ZEROS4, ZEROS4), STATUS_UNSUPPORTED,
         STATUS_UNSUPPORTED, STATUS_MALFORMED, STATUS_UNSUPPORTED},
        {"FIR without item", 206, 4, OCTETS(ZEROS4, ZEROS4), STATUS_UNSUPPORTED, STATUS_UNSUPPORTED,
         STATUS_TRUNCATED, STATUS_UNSUPPORTED},
        {"REMB with missing SSRCs", 206, 15,
         OCTETS(ZEROS4, ZEROS4, 'R', 'E', 'M', 'B', 2, 0, 0, 1, ZEROS4), STATUS_UNSUPPORTED,
         STATUS_UNSUPPORTED, STATUS_UNSUPPORTED, STATUS_TRUNCATED},
        {"REMB with more than it says", 206, 15,
         OCTETS(ZEROS4, ZEROS4, 'R', 'E', 'M', 'B', 0, 0, 0, 1, ZEROS4), STATUS_UNSUPPORTED,
         STATUS_UNSUPPORTED, STATUS_UNSUPPORTED, STATUS_MALFORMED},
        {"another application message", 206, 15, OCTETS(ZEROS4, ZEROS4, 'R', 'E', 'M', 'C'),
         STATUS_UNSUPPORTED, STATUS_UNSUPPORTED, STATUS_UNSUPPORTED, STATUS_UNSUPPORTED},
        {"no body",
         206,
         15,
         {NULL, 0},
         STATUS_UNSUPPORTED,
         STATUS_UNSUPPORTED,
         STATUS_UNSUPPORTED,
         STATUS_UNSUPPORTED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut copy = exact_copy(cases[i].body, cases[i].body.size);
        struct rtcp_packet packet = {cases[i].type, cases[i].format, bytes_const(copy)};
        struct rtcp_nack nack;
        struct rtcp_pli pli;
        struct rtcp_fir fir;
        struct rtcp_remb remb;
        expect_status(cases[i].why, rtcp_parse_nack(&packet, &nack), cases[i].nack);
        expect_status(cases[i].why, rtcp_parse_pli(&packet, &pli), cases[i].pli);
        expect_status(cases[i].why, rtcp_parse_fir(&packet, &fir), cases[i].fir);
        expect_status(cases[i].why, rtcp_parse_remb(&packet, &remb), cases[i].remb);
        free(copy.data);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nack_lists_what_it_asks_for),
        cmocka_unit_test(random_losses_round_trip_through_nacks),
        cmocka_unit_test(an_empty_nack_is_not_written),
        cmocka_unit_test(the_items_of_each_message_are_bounded),
        cmocka_unit_test(key_frame_requests_round_trip),
        cmocka_unit_test(a_remb_rate_round_trips_to_18_bits),
        cmocka_unit_test(a_remb_beyond_64_bits_saturates),
        cmocka_unit_test(malformed_feedback_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
