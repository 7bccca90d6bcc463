#include "client-demo/headless/delay_histogram.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void an_empty_one_has_zero_for_every_quantile(void **state)
{
    (void)state;
    static struct delay_histogram h;
    assert_int_equal(delay_histogram_get(&h, 0), 0);
    assert_int_equal(delay_histogram_get(&h, 0.99), 0);
    assert_int_equal(delay_histogram_get(&h, 1), 0);
}

static void a_delay_comes_back_no_smaller_and_at_most_one_sixteenth_larger(void **state)
{
    (void)state;
    static const usec_t delays[] = {
        0,    1,     15,     16,      17,       31,        32,           33,
        999,  1000,  4095,   4096,    20000,    123456,    SECONDS(1),   SECONDS(10),
        7777, 65535, 262144, 1234567, 99999999, 100000000, SECONDS(100),
    };
    for (size_t i = 0; i < COUNT_OF(delays); i++) {
        static struct delay_histogram h;
        h = (struct delay_histogram){0};
        delay_histogram_add(&h, delays[i]);
        delay_histogram_add(&h, SECONDS(200)); /* so that the largest does not hide the bucket */
        usec_t got = delay_histogram_get(&h, 0.4);
        if (got < delays[i] || got > delays[i] + delays[i] / 16 + 1)
            fail_msg("%lld came back as %lld", (long long)delays[i], (long long)got);
    }
}

static void quantiles_of_an_even_spread_are_where_they_belong(void **state)
{
    (void)state;
    static struct delay_histogram h;
    h = (struct delay_histogram){0};
    for (usec_t delay = 1; delay <= 10000; delay++)
        delay_histogram_add(&h, delay);
    assert_in_range(delay_histogram_get(&h, 0.5), 5000, 5320);
    assert_in_range(delay_histogram_get(&h, 0.9), 9000, 9570);
    assert_int_equal(delay_histogram_get(&h, 0.9999), 10000);
    assert_int_equal(delay_histogram_get(&h, 1), 10000);
}

static void
what_is_below_zero_counts_as_zero_and_what_is_beyond_the_end_as_the_largest(void **state)
{
    (void)state;
    static struct delay_histogram h;
    h = (struct delay_histogram){0};
    delay_histogram_add(&h, -SECONDS(5));
    assert_int_equal(delay_histogram_get(&h, 0), 0);
    delay_histogram_add(&h, INT64_MAX);
    assert_int_equal(h.total, 2);
    assert_true(delay_histogram_get(&h, 0.9) >= SECONDS(100));
    assert_true(delay_histogram_get(&h, 1) == INT64_MAX);
}

static void two_merged_are_what_one_would_have_been(void **state)
{
    (void)state;
    static struct delay_histogram a, b, both;
    a = b = both = (struct delay_histogram){0};
    for (usec_t i = 0; i < 1000; i++) {
        delay_histogram_add(i % 3 == 0 ? &a : &b, i * i);
        delay_histogram_add(&both, i * i);
    }
    delay_histogram_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_has_zero_for_every_quantile),
        cmocka_unit_test(a_delay_comes_back_no_smaller_and_at_most_one_sixteenth_larger),
        cmocka_unit_test(quantiles_of_an_even_spread_are_where_they_belong),
        cmocka_unit_test(
            what_is_below_zero_counts_as_zero_and_what_is_beyond_the_end_as_the_largest),
        cmocka_unit_test(two_merged_are_what_one_would_have_been),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
