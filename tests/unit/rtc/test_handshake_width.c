#include "rtc/handshake_width.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BEGINS_AT SECONDS(5)
#define CHECK_BYTES 64
#define FLIGHT_BYTES 634

struct shake {
    uint64_t rate_bps; /* of the line to the peer */
    usec_t way_us;     /* both ways together */
    usec_t thinks_us;  /* the peer, before its second flight */
};

static usec_t time_of(const struct shake *s, size_t bytes)
{
    return (usec_t)((bytes + 28) * 8 * 1000000 / s->rate_bps);
}

static struct handshake_width shake_hands(const struct shake *s)
{
    struct handshake_width w = {0};
    usec_t hello_at = BEGINS_AT + time_of(s, CHECK_BYTES) + s->way_us;
    handshake_width_note_check(&w, BEGINS_AT, CHECK_BYTES);
    handshake_width_note_datagram(&w, hello_at);
    handshake_width_note_flight(&w, FLIGHT_BYTES);
    usec_t done_at = hello_at + time_of(s, FLIGHT_BYTES) + s->way_us + s->thinks_us;
    handshake_width_note_datagram(&w, done_at);
    handshake_width_note_done(&w, done_at);
    return w;
}

static void a_narrow_line_seems_a_little_wider_than_it_is_whatever_its_way(void **state)
{
    static const struct {
        uint64_t rate_bps, least_bps, most_bps;
    } lines[] = {{100000, 100000, 115000}, {200000, 200000, 260000}, {300000, 300000, 450000}};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (usec_t way_us = 0; way_us <= 400000; way_us += 100000) {
            struct handshake_width w = shake_hands(&(struct shake){lines[i].rate_bps, way_us, 0});
            assert_in_range(handshake_width_get_bps(&w), lines[i].least_bps, lines[i].most_bps);
            assert_int_equal(handshake_width_get_doubt_bps(&w), handshake_width_get_bps(&w));
        }
    }
}

static void a_wide_line_shows_nothing(void **state)
{
    (void)state;
    for (usec_t way_us = 0; way_us <= 400000; way_us += 100000) {
        struct handshake_width w = shake_hands(&(struct shake){3000000, way_us, 2000});
        assert_int_equal(handshake_width_get_bps(&w), 0);
    }
}

static void a_peer_that_thinks_looks_like_a_narrow_line(void **state)
{
    (void)state;
    struct handshake_width w = shake_hands(&(struct shake){20000000, 40000, 24000});
    assert_in_range(handshake_width_get_bps(&w), 200000, 260000);
}

static void a_round_in_which_something_was_sent_again_shows_nothing(void **state)
{
    (void)state;
    struct handshake_width w = shake_hands(&(struct shake){100000, 40000, SECONDS(2)});
    assert_int_equal(handshake_width_get_bps(&w), 0);
}

static void a_handshake_without_its_parts_shows_nothing(void **state)
{
    (void)state;
    struct handshake_width w = {0};
    assert_int_equal(handshake_width_get_bps(&w), 0);
    handshake_width_note_flight(&w, FLIGHT_BYTES); /* ours is the first: nothing was heard */
    handshake_width_note_datagram(&w, BEGINS_AT);
    handshake_width_note_done(&w, BEGINS_AT + 500000);
    assert_int_equal(handshake_width_get_bps(&w), 0);
    w = (struct handshake_width){0};
    handshake_width_note_check(&w, BEGINS_AT, CHECK_BYTES);
    handshake_width_note_datagram(&w, BEGINS_AT + 10000);
    handshake_width_note_flight(&w, FLIGHT_BYTES);
    assert_int_equal(handshake_width_get_bps(&w), 0); /* it has not ended */
    assert_int_equal(handshake_width_get_round_us(&w), 0);
}

/* The peer repeats its hello, we repeat our flight: neither moves the measurement. */
static void what_is_repeated_does_not_count(void **state)
{
    (void)state;
    struct handshake_width w = {0};
    handshake_width_note_check(&w, BEGINS_AT, CHECK_BYTES);
    handshake_width_note_check(&w, BEGINS_AT + 20000, CHECK_BYTES);
    handshake_width_note_datagram(&w, BEGINS_AT + 47360);
    handshake_width_note_flight(&w, FLIGHT_BYTES);
    handshake_width_note_timeout(&w);
    handshake_width_note_flight(&w, FLIGHT_BYTES);
    handshake_width_note_datagram(&w, BEGINS_AT + 97360);
    handshake_width_note_flight(&w, FLIGHT_BYTES);
    handshake_width_note_datagram(&w, BEGINS_AT + 140320);
    handshake_width_note_done(&w, BEGINS_AT + 140320);
    handshake_width_note_done(&w, BEGINS_AT + 900000);
    assert_in_range(handshake_width_get_bps(&w), 100000, 115000);
}

static struct handshake_width shake_after_checks(size_t checks, usec_t every_us, usec_t hello_us,
                                                 usec_t round_us)
{
    struct handshake_width w = {0};
    for (size_t i = 0; i < checks; i++)
        handshake_width_note_check(&w, BEGINS_AT + (usec_t)i * every_us, CHECK_BYTES);
    handshake_width_note_datagram(&w, BEGINS_AT + hello_us);
    handshake_width_note_check(&w, BEGINS_AT + hello_us + 1000, CHECK_BYTES); /* it nominates */
    handshake_width_note_flight(&w, FLIGHT_BYTES);
    handshake_width_note_datagram(&w, BEGINS_AT + hello_us + round_us);
    handshake_width_note_done(&w, BEGINS_AT + hello_us + round_us);
    return w;
}

/* As Chromium was heard behind 100 kbit/s, 40 ms there and back: the page was still on its way. */
static void a_narrow_line_is_doubted_though_the_first_answer_stood_in_its_queue(void **state)
{
    (void)state;
    struct handshake_width w = shake_after_checks(2, 60000, 108000, 95000);
    assert_in_range(handshake_width_get_doubt_bps(&w), 95000, 115000);
    assert_int_equal(handshake_width_get_round_us(&w), 95000);
    assert_int_equal(handshake_width_get_bare_us(&w), 48000);
    w = shake_after_checks(2, 60000, 120000, 99000);
    assert_in_range(handshake_width_get_doubt_bps(&w), 110000, 150000);
}

/* Two checks were answered, and it is not known for which the peer waited. */
static void
a_wide_line_whose_peer_says_hello_late_is_doubted_but_does_not_count_as_narrow(void **state)
{
    (void)state;
    struct handshake_width w = shake_after_checks(2, 48000, 48000 + 40000, 66000);
    assert_in_range(handshake_width_get_doubt_bps(&w), 150000, 300000);
    assert_int_equal(handshake_width_get_bps(&w), 0);
}

static void a_long_way_does_not_look_narrow_though_checks_follow_faster_than_answers(void **state)
{
    (void)state;
    for (usec_t way_us = 40000; way_us <= 600000; way_us += 20000) {
        size_t checks = (size_t)(1 + way_us / 48000);
        struct handshake_width w = shake_after_checks(checks, 48000, way_us + 1000, way_us + 3000);
        assert_int_equal(handshake_width_get_doubt_bps(&w), 0);
    }
}

/* Of a peer that says hello late the newest checks are known, and no more of them than that. */
static void of_many_checks_the_newest_are_known(void **state)
{
    (void)state;
    size_t checks = HANDSHAKE_WIDTH_CHECKS;
    usec_t narrow_us = 96640; /* 40 ms, and 53 ms more for the flight than for a check */
    struct handshake_width w =
        shake_after_checks(checks, 60000, (usec_t)(checks - 1) * 60000 + 47360, narrow_us);
    assert_in_range(handshake_width_get_doubt_bps(&w), 90000, 115000);
    w = shake_after_checks(checks + 1, 60000, (usec_t)checks * 60000 + 47360, narrow_us);
    assert_in_range(handshake_width_get_doubt_bps(&w), 90000, 115000);
}

/* Nothing tells how long the bare way is when the peer waited for something else. */
static void a_hello_later_than_any_round_shows_nothing(void **state)
{
    (void)state;
    struct handshake_width w = shake_after_checks(1, 0, 300000, 96640);
    assert_int_equal(handshake_width_get_doubt_bps(&w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_narrow_line_seems_a_little_wider_than_it_is_whatever_its_way),
        cmocka_unit_test(a_wide_line_shows_nothing),
        cmocka_unit_test(a_peer_that_thinks_looks_like_a_narrow_line),
        cmocka_unit_test(a_round_in_which_something_was_sent_again_shows_nothing),
        cmocka_unit_test(a_handshake_without_its_parts_shows_nothing),
        cmocka_unit_test(what_is_repeated_does_not_count),
        cmocka_unit_test(a_narrow_line_is_doubted_though_the_first_answer_stood_in_its_queue),
        cmocka_unit_test(
            a_wide_line_whose_peer_says_hello_late_is_doubted_but_does_not_count_as_narrow),
        cmocka_unit_test(a_long_way_does_not_look_narrow_though_checks_follow_faster_than_answers),
        cmocka_unit_test(of_many_checks_the_newest_are_known),
        cmocka_unit_test(a_hello_later_than_any_round_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
