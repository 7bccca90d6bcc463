#include "relay/core/relay_stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_delay_counts_in_the_bucket_of_the_edge_it_does_not_pass(void **state)
{
    static const struct {
        usec_t delay_us;
        size_t bucket;
    } cases[] = {{-5, 0},   {0, 0},       {250, 0},     {251, 1},     {5000, 6},
                 {5001, 7}, {100000, 13}, {100001, 14}, {1000000, 14}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct relay_stats stats = {0};
        relay_stats_note_delay(&stats, CONTROL_DELAY_VIDEO, cases[i].delay_us, 9);
        for (size_t k = 0; k < CONTROL_DELAY_BUCKETS; k++) {
            if (stats.delays[CONTROL_DELAY_VIDEO].packets[k] != (k == cases[i].bucket ? 9u : 0u))
                fail_msg("%d us, bucket %zu", (int)cases[i].delay_us, k);
            assert_int_equal(stats.delays[CONTROL_DELAY_VOICE].packets[k], 0);
        }
        assert_int_equal(stats.delays[CONTROL_DELAY_VIDEO].sum_us,
                         cases[i].delay_us > 0 ? cases[i].delay_us * 9 : 0);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delay_counts_in_the_bucket_of_the_edge_it_does_not_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
