/* Queues that are known from elsewhere. */
#include "rtc/bwe_delay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WAY_US 40000
#define EVERY_US 20000

/* A packet each 20 ms, behind a queue that shrinks by `drain_us` with each. */
static usec_t send_for(struct bwe_delay *d, usec_t now, usec_t duration, usec_t queue_us,
                       usec_t drain_us)
{
    for (usec_t end = now + duration; now < end; now += EVERY_US) {
        bwe_delay_handle_arrival(d, now, now + WAY_US + queue_us, 100, false);
        queue_us = usec_max(queue_us - drain_us, 0);
    }
    return now;
}

static void a_queue_that_drains_as_it_was_told_is_followed(void **state)
{
    (void)state;
    struct bwe_delay d = {0};
    bwe_delay_reset(&d, 300000);
    usec_t now = send_for(&d, SECONDS(1), MILLISECONDS(100), 300000, 0);
    assert_in_range(bwe_delay_get_queue_us(&d), 290000, 300000);
    now = send_for(&d, now, SECONDS(1), 300000, 15000);
    assert_in_range(bwe_delay_get_queue_us(&d), 0, 1000);
    (void)send_for(&d, now, SECONDS(30), 0, 0);
    assert_in_range(bwe_delay_get_queue_us(&d), 0, 1000);
}

/* What a report said was over when it came: voices would be thin and the screen off for it. */
static void a_queue_that_is_not_there_any_more_is_believed_for_two_seconds(void **state)
{
    (void)state;
    struct bwe_delay d = {0};
    bwe_delay_reset(&d, 300000);
    usec_t now = send_for(&d, SECONDS(1), SECONDS(1), 0, 0);
    assert_in_range(bwe_delay_get_queue_us(&d), 299000, 300000);
    now = send_for(&d, now, MILLISECONDS(1200), 0, 0);
    for (int i = 0; i < 100; i++) {
        assert_in_range(bwe_delay_get_queue_us(&d), 0, 1000);
        now = send_for(&d, now, MILLISECONDS(300), 0, 0);
    }
    bwe_delay_expect(&d, 300000);
    now = send_for(&d, now, SECONDS(1), 0, 0);
    assert_in_range(bwe_delay_get_queue_us(&d), 299000, 300000);
    now = send_for(&d, now, MILLISECONDS(1200), 0, 0);
    for (int i = 0; i < 100; i++) {
        assert_in_range(bwe_delay_get_queue_us(&d), 0, 1000);
        now = send_for(&d, now, MILLISECONDS(300), 0, 0);
    }
}

/* Else each report on its round trip would tell of a queue again. */
static void a_queue_that_stays_is_told_once_to_be_the_length_of_the_way(void **state)
{
    (void)state;
    struct bwe_delay d = {0};
    bwe_delay_reset(&d, 300000);
    usec_t now = send_for(&d, SECONDS(1), SECONDS(1), 0, 0);
    assert_false(bwe_delay_take_longer(&d));
    now = send_for(&d, now, MILLISECONDS(1200), 0, 0);
    assert_true(bwe_delay_take_longer(&d));
    assert_false(bwe_delay_take_longer(&d));
    now = send_for(&d, now, SECONDS(30), 0, 0);
    assert_false(bwe_delay_take_longer(&d));
    now = send_for(&d, now, SECONDS(1), 100000, 0);
    bwe_delay_rebase(&d);
    assert_true(bwe_delay_take_longer(&d));
}

static void a_queue_that_drains_makes_no_way_longer(void **state)
{
    (void)state;
    struct bwe_delay d = {0};
    bwe_delay_reset(&d, 300000);
    usec_t now = send_for(&d, SECONDS(1), SECONDS(1), 300000, 15000);
    (void)send_for(&d, now, SECONDS(30), 0, 0);
    assert_false(bwe_delay_take_longer(&d));
}

/* A line that carries 3 Mbit/s is busy, and one feedback in five about 60 ms never comes. */
static void a_lost_feedback_does_not_make_a_line_seem_narrower(void **state)
{
    (void)state;
    struct bwe_delay d = {0};
    usec_t now = SECONDS(1);
    bwe_delay_handle_arrival(&d, now, now + WAY_US, 1200, false);
    for (int i = 1; i < 120; i++) {
        now += 3200;
        if (i / 20 % 5 == 3)
            bwe_delay_note_gap(&d);
        else
            bwe_delay_handle_arrival(&d, now, now + WAY_US + 30000, 1200, false);
        struct bwe_delay_stretch busy = bwe_delay_find_busy(&d);
        struct bwe_delay_stretch recent = bwe_delay_find_recent(&d, MILLISECONDS(150));
        if (i < 12)
            continue;
        assert_in_range(busy.arrived_bps, 2900000, 3100000);
        assert_in_range(busy.sent_bps, 2900000, 3100000);
        assert_in_range(recent.arrived_bps, 2900000, 3100000);
    }
}

/* Who overtakes the others comes before any of them could. */
static void the_way_is_as_long_as_for_who_keeps_the_order(void **state)
{
    (void)state;
    struct bwe_delay d = {0};
    usec_t now = send_for(&d, SECONDS(1), SECONDS(1), 0, 0);
    bwe_delay_handle_arrival(&d, now, now, 100, true);
    (void)send_for(&d, now + EVERY_US, SECONDS(1), 0, 0);
    assert_in_range(bwe_delay_get_queue_us(&d), 0, 1000);
}

/* Packets of 40 kbit/s, held back for up to 120 ms, again and again. */
static void what_packets_stand_while_little_is_sent_is_no_queue(void **state)
{
    (void)state;
    for (int is_quiet = 0; is_quiet < 2; is_quiet++) {
        struct bwe_delay d = {0};
        usec_t now = SECONDS(1);
        bwe_delay_note_estimate(&d, is_quiet ? 1000000 : 50000);
        for (int i = 0; i < 20; i++) {
            now = send_for(&d, now, MILLISECONDS(140), 120000, 20000);
            now = send_for(&d, now, MILLISECONDS(260), 0, 0);
        }
        usec_t stood_us = 100000, until = now + SECONDS(25);
        now = send_for(&d, now, MILLISECONDS(100), stood_us, 0);
        assert_int_equal(bwe_delay_is_overused(&d, 0), !is_quiet);
        now = send_for(&d, now, MILLISECONDS(100), 2 * stood_us, 0);
        assert_true(bwe_delay_is_overused(&d, 0));
        bwe_delay_note_estimate(&d, 50000); /* now it would be one, and of before nothing is left */
        now = send_for(&d, now, until - now, 0, 0);
        (void)send_for(&d, now, MILLISECONDS(100), stood_us, 0);
        assert_true(bwe_delay_is_overused(&d, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_that_drains_as_it_was_told_is_followed),
        cmocka_unit_test(a_queue_that_is_not_there_any_more_is_believed_for_two_seconds),
        cmocka_unit_test(a_queue_that_stays_is_told_once_to_be_the_length_of_the_way),
        cmocka_unit_test(a_queue_that_drains_makes_no_way_longer),
        cmocka_unit_test(the_way_is_as_long_as_for_who_keeps_the_order),
        cmocka_unit_test(what_packets_stand_while_little_is_sent_is_no_queue),
        cmocka_unit_test(a_lost_feedback_does_not_make_a_line_seem_narrower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
