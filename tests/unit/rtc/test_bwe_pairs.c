#include "rtc/bwe_pairs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NARROW_BPS 400000

/* Packets that leave in bursts of three and arrive over a line of `rate_bps`; each 50 ms. */
struct burst_case {
    const char *why;
    uint64_t rate_bps;
    size_t bytes;
    usec_t apart_us;       /* within a burst, when they leave */
    usec_t every_other_us; /* so much later each second packet arrives besides: jitter */
    bool gaps;             /* each second packet never arrives */
    uint64_t least_bps, most_bps;
};

static uint64_t run(const struct burst_case *c)
{
    struct bwe_pairs pairs = {0};
    usec_t free_at = 0;
    for (uint64_t number = 0; number < 60; number++) {
        usec_t sent =
            SECONDS(1) + (usec_t)(number / 3) * 50000 + (usec_t)(number % 3) * c->apart_us;
        free_at = usec_max(free_at, sent) + (usec_t)(c->bytes * 8 * 1000000 / c->rate_bps);
        usec_t arrival = free_at + 20000 + (number % 2 == 1 ? c->every_other_us : 0);
        if (c->gaps && number % 2 == 1)
            continue;
        uint64_t found =
            bwe_pairs_handle_arrival(&pairs, number, sent, arrival, c->bytes, NARROW_BPS);
        if (found > 0)
            return found;
    }
    return 0;
}

static void a_narrow_line_is_found_by_pairs_and_no_other(void **state)
{
    static const struct burst_case cases[] = {
        {"200 kbit/s", 200000, 1200, 0, 0, false, 180000, 220000},
        {"200 kbit/s, paced at 1.4 Mbit/s", 200000, 1200, 7000, 0, false, 180000, 220000},
        {"20 Mbit/s", 20000000, 1200, 0, 0, false, 0, 0},
        {"1 Mbit/s", 1000000, 1200, 0, 0, false, 0, 0},
        {"jitter that tears every second pair apart", 20000000, 1200, 0, 40000, false, 0, 0},
        {"small packets", 100000, 120, 0, 0, false, 0, 0},
        {"no two that follow each other arrive", 200000, 1200, 0, 0, true, 0, 0},
        {"they left as far apart as they arrive", 200000, 320, 9000, 0, false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t found = run(&cases[i]);
        if (found < cases[i].least_bps || found > cases[i].most_bps)
            fail_msg("%s: found %llu", cases[i].why, (unsigned long long)found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_narrow_line_is_found_by_pairs_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
