#include "relay/core/burst_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PACKET_BYTES 1200
#define ROUND_US MILLISECONDS(40)

/* `packets` leave at `pace_bps` from `at` on; returns when the last one has, and the report with
 * it. */
static usec_t send_burst(struct burst_probe *b, usec_t at, unsigned packets, uint64_t pace_bps,
                         uint32_t middle)
{
    usec_t step = (usec_t)(PACKET_BYTES * 8000000ull / pace_bps);
    usec_t now = at;
    for (unsigned i = 0; i < packets; i++) {
        now += step;
        burst_probe_note_bytes(b, now, PACKET_BYTES);
        burst_probe_note_paced(b, now, PACKET_BYTES);
        burst_probe_note_rest(b, i + 1 < packets);
    }
    assert_true(burst_probe_wants_report(b, now, true));
    burst_probe_note_report(b, now, middle);
    return now;
}

static void a_burst_that_queues_shows_what_the_line_carries(void **state)
{
    (void)state;
    struct burst_probe b = {0};
    struct burst_answer answer = {0};
    burst_probe_note_round(&b, ROUND_US);
    usec_t sent_at = send_burst(&b, SECONDS(1), 20, 4000000, 7);
    /* 24 kB take 192 ms at 1 Mbit/s, of which the burst itself took 46. */
    assert_true(burst_probe_handle_block(&b, 7, sent_at, ROUND_US + MILLISECONDS(146), &answer));
    assert_true(answer.has_queue);
    assert_in_range(answer.carried_bps, 950000, 1050000);
}

static void one_that_does_not_shows_that_it_carries_so_much(void **state)
{
    (void)state;
    struct burst_probe b = {0};
    struct burst_answer answer = {0};
    burst_probe_note_round(&b, ROUND_US);
    usec_t sent_at = send_burst(&b, SECONDS(1), 20, 4000000, 7);
    assert_true(burst_probe_handle_block(&b, 7, sent_at, ROUND_US + MILLISECONDS(5), &answer));
    assert_false(answer.has_queue);
    assert_in_range(answer.carried_bps, 3800000, 4400000);
    assert_false(burst_probe_handle_block(&b, 7, sent_at, ROUND_US, &answer)); /* said once */
}

static void a_way_that_trembles_is_no_queue(void **state)
{
    (void)state;
    struct burst_probe b = {0};
    struct burst_answer answer = {0};
    burst_probe_note_round(&b, ROUND_US);
    for (uint32_t i = 1; i < 20; i++)
        assert_false(burst_probe_handle_block(&b, i, SECONDS(i),
                                              ROUND_US + (i % 2 != 0 ? 40000 : 0), &answer));
    usec_t sent_at = send_burst(&b, SECONDS(30), 20, 4000000, 70);
    assert_true(burst_probe_handle_block(&b, 70, sent_at, ROUND_US + MILLISECONDS(60), &answer));
    assert_false(answer.has_queue);
}

static void a_way_that_becomes_longer_is_no_queue_once_two_say_so(void **state)
{
    (void)state;
    struct burst_probe b = {0};
    struct burst_answer answer = {0};
    const usec_t longer_us = ROUND_US + MILLISECONDS(180);
    burst_probe_note_round(&b, ROUND_US);
    assert_false(burst_probe_handle_block(&b, 1, SECONDS(1), longer_us, &answer));
    burst_probe_note_loss(&b); /* of a full queue: it does not count */
    assert_false(burst_probe_handle_block(&b, 2, SECONDS(2), longer_us, &answer));
    usec_t sent_at = send_burst(&b, SECONDS(3), 20, 4000000, 7);
    assert_true(burst_probe_handle_block(&b, 7, sent_at, longer_us, &answer));
    assert_true(answer.has_queue);
    assert_false(burst_probe_handle_block(&b, 8, SECONDS(5), longer_us, &answer));
    assert_true(burst_probe_take_way(&b));
    sent_at = send_burst(&b, SECONDS(6), 20, 4000000, 9);
    assert_true(burst_probe_handle_block(&b, 9, sent_at, longer_us, &answer));
    assert_false(answer.has_queue);
}

static void more_reports_than_are_remembered_forget_the_oldest(void **state)
{
    (void)state;
    struct burst_probe b = {0};
    struct burst_answer answer = {0};
    for (uint32_t i = 1; i <= BURST_PROBE_REPORTS + 1; i++)
        (void)send_burst(&b, SECONDS(i), 20, 4000000, 100 + i);
    assert_int_equal(b.report_count, BURST_PROBE_REPORTS);
    assert_false(burst_probe_handle_block(&b, 101, SECONDS(1), ROUND_US, &answer));
    assert_true(burst_probe_handle_block(&b, 102, SECONDS(2), ROUND_US, &answer));
}

/* 25 pictures of 5 kB a second, and no pause: for ten seconds they come without a queue, then the
 * line carries 300 kbit/s. */
static void of_a_burst_without_an_end_what_has_come_is_left_behind(void **state)
{
    (void)state;
    struct burst_probe b = {0};
    struct burst_answer answer = {0};
    burst_probe_note_round(&b, ROUND_US);
    usec_t queue_us = 0;
    uint32_t middle = 0;
    for (usec_t now = SECONDS(1); now < SECONDS(13); now += MILLISECONDS(40)) {
        burst_probe_note_bytes(&b, now, 5000);
        burst_probe_note_paced(&b, now, 5000);
        if (now > SECONDS(11))
            queue_us += 5000 * 8 * 1000000ll / 300000 - MILLISECONDS(40);
        if (!burst_probe_wants_report(&b, now, true))
            continue;
        burst_probe_note_report(&b, now, ++middle);
        assert_true(burst_probe_handle_block(&b, middle, now, ROUND_US + queue_us, &answer));
        if (now < SECONDS(11))
            assert_false(answer.has_queue);
    }
    assert_true(middle > 20);
    assert_true(answer.has_queue);
    assert_in_range(answer.carried_bps, 280000, 340000);
}

/* Blocks of several streams name different reports of ours, again and again. */
static void an_older_report_that_a_block_names_says_nothing_new(void **state)
{
    (void)state;
    struct burst_probe b = {0};
    struct burst_answer answer = {0};
    burst_probe_note_round(&b, ROUND_US);
    assert_false(burst_probe_handle_block(&b, 5, SECONDS(1), ROUND_US, &answer));
    for (int i = 0; i < 10; i++) {
        assert_false(burst_probe_handle_block(&b, 4, SECONDS(1), SECONDS(1), &answer));
        assert_false(burst_probe_handle_block(&b, 5, SECONDS(1), SECONDS(1), &answer));
    }
    assert_int_equal(b.usual_us, ROUND_US);
}

static void a_handshake_that_took_long_is_forgotten_with_the_first_round_trip(void **state)
{
    (void)state;
    struct burst_probe b = {0};
    struct burst_answer answer = {0};
    burst_probe_note_round(&b, SECONDS(1));
    assert_false(burst_probe_handle_block(&b, 1, SECONDS(1), ROUND_US, &answer));
    assert_int_equal(b.usual_us, ROUND_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_that_queues_shows_what_the_line_carries),
        cmocka_unit_test(one_that_does_not_shows_that_it_carries_so_much),
        cmocka_unit_test(a_way_that_trembles_is_no_queue),
        cmocka_unit_test(a_way_that_becomes_longer_is_no_queue_once_two_say_so),
        cmocka_unit_test(more_reports_than_are_remembered_forget_the_oldest),
        cmocka_unit_test(of_a_burst_without_an_end_what_has_come_is_left_behind),
        cmocka_unit_test(an_older_report_that_a_block_names_says_nothing_new),
        cmocka_unit_test(a_handshake_that_took_long_is_forgotten_with_the_first_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
