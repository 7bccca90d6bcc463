#include "wire/rtcp_twcc.h"

#include "base/rng.h"
#include "unit/wire/wire_test.h"

#define FCI_HEAD(base, count) ZEROS4, ZEROS4, 0, base, (count) >> 8, (count)&0xff, 0, 0, 2, 7

static void expect_statuses(struct bytes body, const struct rtcp_twcc_status *expected,
                            size_t count)
{
    struct rtcp_packet packet = {RTCP_TYPE_RTPFB, 15, body};
    struct rtcp_twcc twcc;
    struct rtcp_twcc_status got;
    assert_int_equal(rtcp_parse_twcc(&packet, &twcc), STATUS_OK);
    struct rtcp_twcc_iterator it = rtcp_twcc_iterate(&twcc);
    for (size_t i = 0; i < count; i++) {
        assert_true(rtcp_twcc_next(&it, &got));
        assert_int_equal(got.seq, expected[i].seq);
        assert_true(got.arrival == expected[i].arrival);
    }
    assert_false(rtcp_twcc_next(&it, &got));
}

static void each_kind_of_chunk_is_read(void **state)
{
    const struct rtcp_twcc_status three[] = {
        {5, 128000 + 250}, {6, RTCP_TWCC_LOST}, {7, 128000 + 250 - 500}};
    /* Two-bit vector: small, lost, large. */
    expect_statuses((struct bytes)OCTETS(FCI_HEAD(5, 3), 0xd2, 0x00, 1, 0xff, 0xfe), three, 3);
    /* The same as three runs of one. */
    expect_statuses((struct bytes)OCTETS(FCI_HEAD(5, 3), 0x20, 1, 0x00, 1, 0x40, 1, 1, 0xff, 0xfe),
                    three, 3);
    const struct rtcp_twcc_status two[] = {{5, RTCP_TWCC_LOST}, {6, 128000 + 255 * 250}};
    /* One-bit vector. */
    expect_statuses((struct bytes)OCTETS(FCI_HEAD(5, 2), 0x90, 0x00, 255), two, 2);
    (void)state;
}

static void malformed_feedback_is_rejected(void **state)
{
    const struct {
        const char *why;
        struct bytes body;
        enum status expected;
    } cases[] = {
        {"no status", OCTETS(FCI_HEAD(0, 0), 0, 0), STATUS_MALFORMED},
        {"no chunk", OCTETS(FCI_HEAD(0, 1)), STATUS_TRUNCATED},
        {"chunk is cut", OCTETS(FCI_HEAD(0, 1), 0x20), STATUS_TRUNCATED},
        {"a chunk too few", OCTETS(FCI_HEAD(0, 15), 0x80, 0), STATUS_TRUNCATED},
        {"small delta is missing", OCTETS(FCI_HEAD(0, 1), 0x20, 1), STATUS_TRUNCATED},
        {"large delta is cut", OCTETS(FCI_HEAD(0, 1), 0x40, 1, 0), STATUS_TRUNCATED},
        {"reserved symbol in a run", OCTETS(FCI_HEAD(0, 1), 0x60, 1, 0, 0), STATUS_MALFORMED},
        {"reserved symbol in a vector", OCTETS(FCI_HEAD(0, 1), 0xf0, 0, 0, 0), STATUS_MALFORMED},
        {"runs of no packet", OCTETS(FCI_HEAD(0, 1), 0x20, 0, 0x20, 0), STATUS_TRUNCATED},
        {"one lost packet", OCTETS(FCI_HEAD(0, 1), 0, 1), STATUS_OK},
        {"one more than we read", OCTETS(FCI_HEAD(0, RTCP_TWCC_STATUSES_MAX + 1), 0x10, 0x01),
         STATUS_LIMIT},
        {"65535 statuses",
         OCTETS(FCI_HEAD(0, 0xffff), 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff,
                0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff),
         STATUS_LIMIT},
        {"the most statuses we read", OCTETS(FCI_HEAD(0, RTCP_TWCC_STATUSES_MAX), 0x10, 0x00),
         STATUS_OK},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut copy = exact_copy(cases[i].body, cases[i].body.size);
        struct rtcp_packet packet = {RTCP_TYPE_RTPFB, 15, bytes_const(copy)};
        struct rtcp_twcc twcc;
        expect_status(cases[i].why, rtcp_parse_twcc(&packet, &twcc), cases[i].expected);
        free(copy.data);
    }
    (void)state;
}

static void every_cut_is_truncated(void **state)
{
    const struct bytes body = OCTETS(FCI_HEAD(5, 3), 0xd2, 0x00, 1, 0xff, 0xfe);
    for (size_t size = 0; size < body.size; size++) {
        struct bytes_mut copy = exact_copy(body, size);
        struct rtcp_packet packet = {RTCP_TYPE_RTPFB, 15, bytes_const(copy)};
        struct rtcp_twcc twcc;
        assert_int_equal(rtcp_parse_twcc(&packet, &twcc), STATUS_TRUNCATED);
        free(copy.data);
    }
    (void)state;
}

/* Writes all of `arrivals` in as many packets as it takes and compares what they say. */
static void expect_round_trip(const usec_t *arrivals, size_t count, uint16_t base)
{
    for (size_t done = 0; done < count;) {
        uint8_t memory[RTCP_TWCC_WRITE_BYTES];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        struct rtcp_packet packet;
        struct rtcp_twcc twcc;
        struct rtcp_twcc_status got;
        size_t used =
            rtcp_write_twcc(&w, 1, 2, 3, (uint16_t)(base + done), arrivals + done, count - done);
        if (used == 0) { /* nothing in reach arrived */
            for (size_t i = done; i < count && i < done + RTCP_TWCC_WRITE_MAX; i++)
                assert_true(arrivals[i] == RTCP_TWCC_LOST);
            done += RTCP_TWCC_WRITE_MAX;
            continue;
        }
        assert_false(w.failed);
        struct rtcp_iterator compound = rtcp_iterate(bytes_const(writer_written(&w)));
        assert_int_equal(rtcp_next(&compound, &packet), STATUS_OK);
        assert_int_equal(rtcp_parse_twcc(&packet, &twcc), STATUS_OK);
        assert_int_equal(twcc.status_count, used);
        assert_int_equal(twcc.feedback_count, 3);
        struct rtcp_twcc_iterator it = rtcp_twcc_iterate(&twcc);
        for (size_t i = 0; i < used; i++) {
            assert_true(rtcp_twcc_next(&it, &got));
            assert_int_equal(got.seq, (uint16_t)(base + done + i));
            usec_t expected = arrivals[done + i];
            if (expected != RTCP_TWCC_LOST) /* to the tick, and modulo the reference's 24 bits */
                expected -= expected % RTCP_TWCC_TICK_US;
            if (got.arrival != expected)
                assert_true(expected != RTCP_TWCC_LOST && got.arrival != RTCP_TWCC_LOST &&
                            (expected - got.arrival) % RTCP_TWCC_WRAP_US == 0);
        }
        done += used;
    }
}

static void random_arrivals_round_trip(void **state)
{
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct rng rng = rng_of_seed(seed);
        usec_t arrivals[1500];
        usec_t at = (usec_t)rng_below(&rng, (uint64_t)RTCP_TWCC_WRAP_US * 3);
        size_t count = 1 + rng_below(&rng, COUNT_OF(arrivals));
        uint64_t loss_percent = rng_below(&rng, 101);
        uint64_t spread_us = (uint64_t)1 << rng_below(&rng, 24); /* up to 16 s: packets split */
        for (size_t i = 0; i < count; i++) {
            at += (usec_t)rng_below(&rng, spread_us);
            usec_t early = (usec_t)rng_below(&rng, 2000);
            bool lost = rng_below(&rng, 100) < loss_percent;
            arrivals[i] = lost ? RTCP_TWCC_LOST : (at > early ? at - early : at);
        }
        expect_round_trip(arrivals, count, (uint16_t)rng_next(&rng));
    }
    (void)state;
}

static void the_worst_case_fits_the_named_size(void **state)
{
    usec_t arrivals[RTCP_TWCC_WRITE_MAX];
    uint8_t memory[RTCP_TWCC_WRITE_BYTES];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    for (size_t i = 0; i < COUNT_OF(arrivals); i++) /* runs of 6 large deltas, then a small one */
        arrivals[i] = SECONDS(1) + (usec_t)(i - i / 7) * MILLISECONDS(100);
    assert_int_equal(rtcp_write_twcc(&w, 1, 2, 3, 0, arrivals, COUNT_OF(arrivals)),
                     RTCP_TWCC_WRITE_MAX);
    assert_false(w.failed);
    (void)state;
}

static void nothing_is_written_when_nothing_arrived(void **state)
{
    const usec_t arrivals[] = {RTCP_TWCC_LOST, RTCP_TWCC_LOST};
    uint8_t memory[64];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    assert_int_equal(rtcp_write_twcc(&w, 1, 2, 3, 0, arrivals, 2), 0);
    assert_int_equal(rtcp_write_twcc(&w, 1, 2, 3, 0, arrivals, 0), 0);
    assert_int_equal(writer_size(&w), 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_chunk_is_read),
        cmocka_unit_test(malformed_feedback_is_rejected),
        cmocka_unit_test(every_cut_is_truncated),
        cmocka_unit_test(random_arrivals_round_trip),
        cmocka_unit_test(the_worst_case_fits_the_named_size),
        cmocka_unit_test(nothing_is_written_when_nothing_arrived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
