#include "client-demo/headless/voice_playout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define UNIT MILLISECONDS(20)
#define START SECONDS(5)

static struct voice_playout playout;

static int set_up(void **state)
{
    (void)state;
    playout = (struct voice_playout){0};
    return 0;
}

/* Packet `n` of a speaker, `delay` after it was said. */
static void come(unsigned n, usec_t delay)
{
    voice_playout_add(&playout, START + n * UNIT + delay, (uint16_t)(65500 + n), n * 960 - 5000, 1,
                      false);
}

static void come_repeated(unsigned n, usec_t now)
{
    voice_playout_add(&playout, now, (uint16_t)(65500 + n), n * 960 - 5000, 1, true);
}

static void an_even_stream_is_played_whole(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 500; n++)
        come(n, MILLISECONDS(30));
    voice_playout_advance(&playout, START + 503 * UNIT);
    assert_int_equal(playout.played, 500);
    assert_int_equal(playout.concealed, 0);
    assert_int_equal(playout.longest_gap_us, 0);
}

static void each_lost_packet_is_twenty_milliseconds_made_up(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 500; n++) {
        if (n % 50 != 10 && n != 111)
            come(n, MILLISECONDS(30));
    }
    assert_int_equal(playout.concealed, 11);
    assert_int_equal(playout.longest_gap_us, 2 * UNIT); /* 110 and 111 */
    assert_int_equal(playout.late, 0);
}

static void what_comes_with_a_later_packet_is_not_missing(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 200; n++) {
        if (n == 100)
            continue;
        if (n == 101)
            come_repeated(100, START + n * UNIT + MILLISECONDS(30));
        come(n, MILLISECONDS(30));
    }
    assert_int_equal(playout.concealed, 0);
}

/* Four of five packets come, each with the eighth before it. */
static void a_lossy_line_is_waited_for_until_it_is_calm(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 3000; n++) {
        bool lossy = n >= 200 && n < 1000;
        if (n == 300)
            voice_playout_forget(&playout);
        if (lossy && n % 5 == 0)
            continue;
        if (n >= 8)
            come_repeated(n - 8, START + n * UNIT + MILLISECONDS(30));
        come(n, MILLISECONDS(30));
        if (n == 199 || n == 2999)
            assert_true(playout.target_us < MILLISECONDS(60));
        if (n == 999)
            assert_int_equal(playout.target_us, MILLISECONDS(180));
    }
    assert_int_equal(playout.concealed, 0);
}

static void jitter_is_waited_for_once_it_is_known(void **state)
{
    (void)state;
    usec_t last = 0;
    for (unsigned n = 0; n < 1000; n++) {
        usec_t delay = MILLISECONDS(30) + (n * 7919 % 61) * 1000;
        usec_t at = usec_max(START + n * UNIT + delay, last); /* order is kept */
        last = at;
        voice_playout_add(&playout, at, (uint16_t)n, n * 960, 1, false);
        if (n == 300)
            voice_playout_forget(&playout);
    }
    assert_int_equal(playout.concealed, 0);
    assert_true(playout.target_us >= MILLISECONDS(60));
}

static void a_packet_that_comes_after_its_turn_is_late(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 100; n++) {
        if (n != 50)
            come(n, MILLISECONDS(30));
        if (n == 70)
            come(50, UNIT * 20 + MILLISECONDS(31));
    }
    assert_int_equal(playout.late, 1);
    assert_int_equal(playout.concealed, 1);
}

static void a_standstill_is_one_long_gap(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 100; n++)
        come(n, MILLISECONDS(30));
    usec_t now = START + 150 * UNIT;
    voice_playout_advance(&playout, now);
    assert_in_range(voice_playout_get_silence(&playout, now), 45 * UNIT, 50 * UNIT);
    for (unsigned n = 150; n < 200; n++)
        come(n, MILLISECONDS(30));
    assert_in_range(playout.longest_gap_us, 45 * UNIT, 53 * UNIT);
    assert_in_range(playout.concealed, 45, 53);
    assert_int_equal(voice_playout_get_silence(&playout, START + 199 * UNIT + 30000), 0);
}

static void a_pause_of_the_speaker_is_none(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 100; n++)
        come(n, MILLISECONDS(30));
    /* A second later, numbered on. */
    for (unsigned n = 100; n < 200; n++)
        voice_playout_add(&playout, START + (n + 50) * UNIT + MILLISECONDS(30),
                          (uint16_t)(65500 + n), (n + 50) * 960 - 5000, 1, false);
    assert_int_equal(playout.concealed, 0);
    assert_int_equal(playout.longest_gap_us, 0);
}

static void numbers_and_times_of_any_kind_do_no_harm(void **state)
{
    (void)state;
    unsigned x = 1;
    usec_t now = START;
    for (unsigned n = 0; n < 20000; n++) {
        x = x * 1103515245u + 12345u;
        now += (usec_t)(x >> 16) % 40000;
        voice_playout_add(&playout, now, (uint16_t)(x >> 8), x, 1, (x & 64) != 0);
    }
    voice_playout_advance(&playout, now + SECONDS(3600));
    assert_true(playout.starved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_even_stream_is_played_whole, set_up),
        cmocka_unit_test_setup(each_lost_packet_is_twenty_milliseconds_made_up, set_up),
        cmocka_unit_test_setup(what_comes_with_a_later_packet_is_not_missing, set_up),
        cmocka_unit_test_setup(a_lossy_line_is_waited_for_until_it_is_calm, set_up),
        cmocka_unit_test_setup(jitter_is_waited_for_once_it_is_known, set_up),
        cmocka_unit_test_setup(a_packet_that_comes_after_its_turn_is_late, set_up),
        cmocka_unit_test_setup(a_standstill_is_one_long_gap, set_up),
        cmocka_unit_test_setup(a_pause_of_the_speaker_is_none, set_up),
        cmocka_unit_test_setup(numbers_and_times_of_any_kind_do_no_harm, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
