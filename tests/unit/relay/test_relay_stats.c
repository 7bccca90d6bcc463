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
    } cases[] = {{-5, 0},    {0, 0},       {250, 0},     {251, 1},     {5000, 11},
                 {5001, 12}, {100000, 22}, {100001, 23}, {1000000, 23}};
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

static void a_percentile_from_1_to_20_ms_can_be_read_to_a_quarter(void **state)
{
    usec_t below = 0;
    bool has_begin = false, has_end = false;
    for (size_t k = 0; k + 1 < CONTROL_DELAY_BUCKETS; k++) {
        usec_t edge = control_delay_edges_us[k];
        assert_true(edge > below);
        if (below >= MILLISECONDS(1) && edge <= MILLISECONDS(20) && edge * 4 > below * 5)
            fail_msg("from %d to %d us", (int)below, (int)edge);
        has_begin = has_begin || edge == MILLISECONDS(1);
        has_end = has_end || edge == MILLISECONDS(20);
        below = edge;
    }
    assert_true(has_begin && has_end);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delay_counts_in_the_bucket_of_the_edge_it_does_not_pass),
        cmocka_unit_test(a_percentile_from_1_to_20_ms_can_be_read_to_a_quarter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
