#include "rtc/receive_stats.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST 65536u
#define CLOCK 90000u

static void arrive(struct receive_stats *s, uint64_t seq)
{
    receive_stats_handle_packet(s, 0, seq, 0, CLOCK, 100);
}

static struct rtcp_report_block block(struct receive_stats *s, usec_t now)
{
    struct rtcp_report_block out;
    receive_stats_take_block(s, now, 9, &out);
    assert_int_equal(out.ssrc, 9);
    return out;
}

static void nothing_received_is_an_empty_block(void **state)
{
    struct receive_stats s = {0};
    struct rtcp_report_block b = block(&s, SECONDS(5));
    assert_int_equal(b.fraction_lost, 0);
    assert_int_equal(b.cumulative_lost, 0);
    assert_int_equal(b.highest_seq, 0);
    assert_int_equal(b.jitter, 0);
    assert_int_equal(b.last_sr, 0);
    assert_int_equal(b.delay_since_sr, 0);
    (void)state;
}

/* RFC 3550 A.3. Each case is an interval of `expected` numbers of which `lost` do not come. */
static void loss_is_a_fraction_of_256_per_interval(void **state)
{
    static const struct {
        uint64_t expected, lost;
        uint8_t fraction;
        int32_t total;
    } intervals[] = {
        {100, 0, 0, 0}, {100, 25, 64, 25}, {100, 50, 128, 75}, {256, 1, 1, 76}, {100, 99, 253, 175},
    };
    struct receive_stats s = {0};
    uint64_t next = FIRST;
    for (size_t i = 0; i < COUNT_OF(intervals); i++) {
        /* The last of an interval comes, so that all of them are expected. */
        for (uint64_t n = intervals[i].lost; n < intervals[i].expected; n++)
            arrive(&s, next + n);
        next += intervals[i].expected;
        struct rtcp_report_block b = block(&s, SECONDS(1));
        assert_int_equal(b.fraction_lost, intervals[i].fraction);
        assert_int_equal(b.cumulative_lost, intervals[i].total);
        assert_int_equal(b.highest_seq, next - 1 - FIRST);
    }
    assert_int_equal(block(&s, SECONDS(2)).fraction_lost, 0); /* an interval without packets */
    (void)state;
}

static void duplicates_make_loss_negative_not_huge(void **state)
{
    struct receive_stats s = {0};
    for (int i = 0; i < 5; i++)
        arrive(&s, FIRST);
    struct rtcp_report_block b = block(&s, 0);
    assert_int_equal(b.fraction_lost, 0);
    assert_int_equal(b.cumulative_lost, -4);
    (void)state;
}

static void a_late_packet_makes_up_for_its_loss(void **state)
{
    struct receive_stats s = {0};
    arrive(&s, FIRST);
    arrive(&s, FIRST + 2);
    assert_int_equal(block(&s, 0).cumulative_lost, 1);
    arrive(&s, FIRST + 1);
    struct rtcp_report_block b = block(&s, 0);
    assert_int_equal(b.cumulative_lost, 0);
    assert_int_equal(b.fraction_lost, 0);
    (void)state;
}

static void the_highest_number_counts_its_wraps(void **state)
{
    struct receive_stats s = {0};
    arrive(&s, FIRST + 65000);
    arrive(&s, FIRST + 65536 * 3 + 5);
    assert_int_equal(block(&s, 0).highest_seq, 3u << 16 | 5);
    (void)state;
}

/* RFC 3550 A.8: J += (|D| - J) / 16. */
static void jitter_follows_the_rfc(void **state)
{
    struct receive_stats s = {0};
    receive_stats_handle_packet(&s, 0, FIRST, 0, CLOCK, 100);
    receive_stats_handle_packet(&s, 20000, FIRST + 1, 1800, CLOCK, 100); /* in time */
    assert_int_equal(block(&s, 0).jitter, 0);
    receive_stats_handle_packet(&s, 50000, FIRST + 2, 3600, CLOCK, 100); /* 10 ms late: D = 900 */
    assert_int_equal(block(&s, 0).jitter, 56);                           /* 900 / 16 */
    receive_stats_handle_packet(&s, 60000, FIRST + 3, 5400, CLOCK, 100); /* early again: D = -900 */
    assert_int_equal(block(&s, 0).jitter, 108); /* 56.25 + (900 - 56.25) / 16 = 108.98, cut off */
    (void)state;
}

static void jitter_survives_wrapping_clocks(void **state)
{
    struct receive_stats s = {0};
    usec_t wrap = (usec_t)(((uint64_t)1 << 32) * 1000000 / CLOCK); /* arrival wraps here */
    receive_stats_handle_packet(&s, wrap - 20000, FIRST, 0u - 900, CLOCK, 100);
    receive_stats_handle_packet(&s, wrap, FIRST + 1, 900, CLOCK, 100);
    receive_stats_handle_packet(&s, wrap + 20000, FIRST + 2, 2700, CLOCK, 100);
    assert_in_range(block(&s, 0).jitter, 0, 1);
    (void)state;
}

static void the_senders_clock_comes_back_with_its_delay(void **state)
{
    struct receive_stats s = {0};
    receive_stats_handle_sender_report(&s, SECONDS(10), UINT64_C(0x1122334455667788));
    struct rtcp_report_block b = block(&s, SECONDS(10) + 1500000);
    assert_int_equal(b.last_sr, 0x33445566);
    assert_int_equal(b.delay_since_sr, 65536 + 32768);
    (void)state;
}

/* RFC 3550 6.4.1, figure 2: A 0xb710:8000, LSR 0xb705:2000, DLSR 5.25 s: round trip 6.125 s. */
static void the_round_trip_of_the_rfcs_figure_is_found(void **state)
{
    struct rtcp_report_block b = {.last_sr = 0xb7052000, .delay_since_sr = 0x00054000};
    usec_t rtt;
    assert_true(receive_stats_round_trip(&b, UINT64_C(0xb7108000) << 16, &rtt));
    assert_int_equal(rtt, 6125000);
    (void)state;
}

static void a_nonsense_round_trip_is_refused(void **state)
{
    static const struct rtcp_report_block blocks[] = {
        {.last_sr = 0, .delay_since_sr = 0},
        {.last_sr = 0x00640000, .delay_since_sr = 1}, /* negative */
        {.last_sr = 0x00010000, .delay_since_sr = 0}, /* 99 s */
        {.last_sr = 0x00640000, .delay_since_sr = UINT32_MAX - 0x00400000},
    };
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        usec_t rtt = 77;
        if (receive_stats_round_trip(&blocks[i], UINT64_C(0x640000) << 16, &rtt) || rtt != 77)
            fail_msg("block %zu", i);
    }
    (void)state;
}

static void ntp_follows_the_monotonic_clock(void **state)
{
    uint64_t zero = UINT64_C(0xeedd000080000000);
    assert_true(ntp_of_usec(zero, 0) == zero);
    assert_true(ntp_of_usec(zero, 1500000) == UINT64_C(0xeedd000200000000));
    assert_true(ntp_of_usec(0, 250000) == UINT64_C(0x40000000));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_received_is_an_empty_block),
        cmocka_unit_test(loss_is_a_fraction_of_256_per_interval),
        cmocka_unit_test(duplicates_make_loss_negative_not_huge),
        cmocka_unit_test(a_late_packet_makes_up_for_its_loss),
        cmocka_unit_test(the_highest_number_counts_its_wraps),
        cmocka_unit_test(jitter_follows_the_rfc),
        cmocka_unit_test(jitter_survives_wrapping_clocks),
        cmocka_unit_test(the_senders_clock_comes_back_with_its_delay),
        cmocka_unit_test(the_round_trip_of_the_rfcs_figure_is_found),
        cmocka_unit_test(a_nonsense_round_trip_is_refused),
        cmocka_unit_test(ntp_follows_the_monotonic_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
