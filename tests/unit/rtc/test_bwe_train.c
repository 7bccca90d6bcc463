#include "rtc/bwe_train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PACKET_BYTES 1200
#define NOW 900000

/* `count` packets that leave 1 ms apart and arrive `gap_us` apart, from `sent_at` on. */
static void send_train(struct bwe_train *t, usec_t sent_at, size_t count, usec_t gap_us)
{
    for (size_t i = 0; i < count; i++)
        bwe_train_handle_arrival(t, NOW, sent_at + (usec_t)i * 1000, 500000 + (usec_t)i * gap_us,
                                 PACKET_BYTES);
}

static void a_slow_line_shows_its_rate_with_four_packets(void **state)
{
    (void)state;
    struct bwe_train t = {0};
    send_train(&t, 1000, 4, 32000); /* 300 kbit/s */
    assert_in_range(bwe_train_get_rate(&t, NOW), 299000, 301000);
}

static void a_fast_line_shows_nothing(void **state)
{
    (void)state;
    struct bwe_train t = {0};
    send_train(&t, 1000, 20, 1000);
    assert_int_equal(bwe_train_get_rate(&t, NOW), 0);
}

static void three_packets_are_too_few(void **state)
{
    (void)state;
    struct bwe_train t = {0};
    send_train(&t, 1000, 3, 32000);
    assert_int_equal(bwe_train_get_rate(&t, NOW), 0);
}

static void jitter_is_not_taken_for_a_slow_line(void **state)
{
    (void)state;
    static const usec_t arrivals[] = {0, 31000, 31100, 70000, 70100};
    struct bwe_train t = {0};
    for (size_t i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++)
        bwe_train_handle_arrival(&t, NOW, 1000, arrivals[i], PACKET_BYTES);
    assert_int_equal(bwe_train_get_rate(&t, NOW), 0);
}

/* A handshake that trembled makes a wide line seem narrow: what came through it speaks for it. */
static void two_that_agree_are_not_believed_after_others_came_close_together(void **state)
{
    (void)state;
    struct bwe_train t = {.expected_bps = 124000};
    send_train(&t, 1000, 2, 60000);
    assert_in_range(bwe_train_get_rate(&t, NOW), 159000, 161000);
    t = (struct bwe_train){.expected_bps = 124000};
    send_train(&t, 1000, 3, 500);
    send_train(&t, 300000, 2, 60000);
    assert_int_equal(bwe_train_get_rate(&t, NOW), 0);
    send_train(&t, 600000, 4, 60000); /* four are, as ever */
    assert_in_range(bwe_train_get_rate(&t, NOW), 159000, 161000);
}

static void small_packets_together_count_as_a_large_one(void **state)
{
    (void)state;
    struct bwe_train t = {0};
    for (int i = 0; i < 20; i++)
        bwe_train_handle_arrival(&t, NOW, 1000, 500000 + i * 8000, 300);
    assert_in_range(bwe_train_get_rate(&t, NOW), 299000, 301000);
}

static void what_leaves_later_is_another_train(void **state)
{
    (void)state;
    struct bwe_train t = {0};
    send_train(&t, 1000, 3, 32000);
    bwe_train_handle_arrival(&t, NOW, 100000, 596000, PACKET_BYTES);
    assert_int_equal(bwe_train_get_rate(&t, NOW), 0);
}

static void what_one_has_shown_is_true_for_half_a_second(void **state)
{
    (void)state;
    struct bwe_train t = {0};
    send_train(&t, 1000, 4, 32000);
    bwe_train_handle_arrival(&t, NOW, 100000, 700000, PACKET_BYTES);
    assert_in_range(bwe_train_get_rate(&t, NOW + 499999), 299000, 301000);
    assert_int_equal(bwe_train_get_rate(&t, NOW + 500000), 0);
}

static void times_that_run_backwards_show_nothing(void **state)
{
    (void)state;
    struct bwe_train t = {0};
    for (int i = 0; i < 8; i++)
        bwe_train_handle_arrival(&t, NOW, 1000, 500000 - i * 40000, PACKET_BYTES);
    assert_int_equal(bwe_train_get_rate(&t, NOW), 0);
    for (int i = 0; i < 8; i++)
        bwe_train_handle_arrival(&t, NOW, 1000, 500000, 0);
    assert_int_equal(bwe_train_get_rate(&t, NOW), 0);
}

/* Something else says the same already: then two packets are enough, and only then. */
static void two_packets_are_enough_for_what_is_expected_to_be_very_narrow(void **state)
{
    static const struct {
        uint64_t expected_bps;
        bool is_shown;
    } cases[] = {{0, false}, {45000, false}, {60000, true}, {149000, true}, {151000, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bwe_train t = {.expected_bps = cases[i].expected_bps};
        send_train(&t, 1000, 2, 96000);
        assert_int_equal(bwe_train_get_rate(&t, NOW) > 0, cases[i].is_shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_line_shows_its_rate_with_four_packets),
        cmocka_unit_test(a_fast_line_shows_nothing),
        cmocka_unit_test(three_packets_are_too_few),
        cmocka_unit_test(two_packets_are_enough_for_what_is_expected_to_be_very_narrow),
        cmocka_unit_test(jitter_is_not_taken_for_a_slow_line),
        cmocka_unit_test(two_that_agree_are_not_believed_after_others_came_close_together),
        cmocka_unit_test(small_packets_together_count_as_a_large_one),
        cmocka_unit_test(what_leaves_later_is_another_train),
        cmocka_unit_test(what_one_has_shown_is_true_for_half_a_second),
        cmocka_unit_test(times_that_run_backwards_show_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
