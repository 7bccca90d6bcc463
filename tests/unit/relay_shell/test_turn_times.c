#include "relay/shell/turn_times.h"

#include "base/check.h"
#include "unit/relay_shell/relay_shell_test.h"

static void a_percentile_is_right_to_an_eighth(void **state)
{
    struct turn_times t = {0};
    for (usec_t i = 1; i <= 10000; i++)
        turn_times_note(&t, i);
    static const struct {
        uint32_t permille, expected;
    } cases[] = {{1, 10}, {100, 1000}, {500, 5000}, {900, 9000}, {990, 9900}, {1000, 10000}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t got = turn_times_get_permille(&t, cases[i].permille);
        if (got < cases[i].expected || got > cases[i].expected + cases[i].expected / 8 + 1)
            fail_msg("%u permille: got %u, expected %u", cases[i].permille, got, cases[i].expected);
    }
    (void)state;
}

static void each_length_is_reported_no_shorter_and_at_most_an_eighth_longer(void **state)
{
    for (usec_t us = 0; us < SECONDS(30); us = us < 100 ? us + 1 : us + us / 13) {
        struct turn_times t = {0};
        turn_times_note(&t, us);
        uint32_t got = turn_times_get_permille(&t, 500);
        if (got < us || got > us + us / 8)
            fail_msg("%lld us: got %u", (long long)us, got);
    }
    (void)state;
}

static void odd_lengths_have_a_place(void **state)
{
    struct turn_times t = {0};
    assert_int_equal(turn_times_get_permille(&t, 990), 0);
    turn_times_note(&t, -5);
    assert_int_equal(turn_times_get_permille(&t, 990), 0);
    turn_times_note(&t, SECONDS(3600));
    assert_true(turn_times_get_permille(&t, 1000) >= SECONDS(30));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_right_to_an_eighth),
        cmocka_unit_test(each_length_is_reported_no_shorter_and_at_most_an_eighth_longer),
        cmocka_unit_test(odd_lengths_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
