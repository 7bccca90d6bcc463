#include "rtc/bwe_drops.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LARGE_BYTES 1200
#define VOICE_BYTES 160
#define VOICE_US 20000
#define BEGINS_AT SECONDS(3)
#define WAY_US 20000
#define PACKETS 600

/* Large packets at `sent_bps`, voice between them, over a line of `rate_bps` whose queue takes
 * `queue_bytes`; of what gets through a share is lost besides, and it trembles. */
struct line {
    uint64_t sent_bps, rate_bps;
    uint64_t queue_bytes;
    double loss;
    usec_t jitter_us;
};

struct outcome {
    uint64_t bps; /* the first that was told */
    unsigned told;
};

static bool is_dropped(const struct line *line, usec_t free_at, usec_t sent_at, size_t bytes)
{
    usec_t waits_us = usec_max(free_at - sent_at, 0);
    return (uint64_t)waits_us * line->rate_bps / 8000000 + bytes > line->queue_bytes;
}

static struct outcome send(struct bwe_drops *d, const struct line *line)
{
    struct outcome outcome = {0};
    struct rng rng = rng_of_seed(1);
    usec_t free_at = 0, large_at = BEGINS_AT, voice_at = BEGINS_AT, arrival = 0;
    for (uint64_t number = 0; number < PACKETS; number++) {
        size_t bytes = large_at <= voice_at ? LARGE_BYTES : VOICE_BYTES;
        usec_t sent_at = usec_min(large_at, voice_at);
        if (bytes == LARGE_BYTES)
            large_at += (usec_t)(LARGE_BYTES * 8000000ull / line->sent_bps);
        else
            voice_at += VOICE_US;
        bool is_lost = is_dropped(line, free_at, sent_at, bytes);
        if (!is_lost)
            free_at = usec_max(free_at, sent_at) + (usec_t)(bytes * 8000000 / line->rate_bps);
        is_lost = rng_fraction(&rng) < line->loss || is_lost;
        usec_t late_us = (usec_t)(rng_fraction(&rng) * (double)line->jitter_us);
        arrival = is_lost ? arrival : usec_max(arrival, free_at + WAY_US + late_us);
        struct bwe_drops_fate fate = {number, sent_at, arrival, bytes, is_lost};
        uint64_t bps = bwe_drops_handle_fate(d, &fate, WAY_US, line->jitter_us);
        outcome.bps = outcome.told == 0 ? bps : outcome.bps;
        outcome.told += bps > 0;
    }
    return outcome;
}

static void what_a_short_queue_drops_shows_what_the_line_carries(void **state)
{
    static const struct line lines[] = {
        {300000, 300000, 2250, 0, 0},
        {400000, 300000, 2250, 0.01, 0},
        {300000, 200000, 1500, 0, 0},
        {1100000, 1000000, 3750, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct bwe_drops d = {0};
        struct outcome got = send(&d, &lines[i]);
        assert_true(got.told > 0);
        assert_in_range(got.bps, lines[i].rate_bps * 9 / 10, lines[i].rate_bps * 11 / 10);
    }
}

static void losses_that_come_from_elsewhere_show_nothing(void **state)
{
    static const struct {
        const char *why;
        struct line line;
    } cases[] = {
        {"a wide line", {1000000, 20000000, 500000, 0.1, 0}},
        {"a narrow one that has room", {200000, 300000, 30000, 0.1, 0}},
        {"one that is nearly full", {230000, 300000, 30000, 0.2, 0}},
        {"one that trembles", {1000000, 20000000, 500000, 0.1, 60000}},
        {"a long queue, which shows itself", {400000, 300000, 11250, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bwe_drops d = {0};
        print_message("%s\n", cases[i].why);
        assert_int_equal(send(&d, &cases[i].line).told, 0);
    }
}

static void what_is_lost_on_an_empty_line_is_its_own_loss(void **state)
{
    static const struct line loses = {60000, 300000, 30000, 0.04, 0};
    static const struct line drops = {300000, 300000, 2250, 0, 0};
    struct bwe_drops d = {0};
    (void)state;
    (void)send(&d, &loses);
    assert_true(bwe_drops_get_own_loss(&d) > 0.02 && bwe_drops_get_own_loss(&d) < 0.06);
    d = (struct bwe_drops){0};
    (void)send(&d, &drops);
    assert_true(bwe_drops_get_own_loss(&d) < 0.002);
}

static void times_that_make_no_sense_show_nothing(void **state)
{
    struct bwe_drops d = {0};
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct bwe_drops_fate fate = {(uint64_t)i, BEGINS_AT - i * 1000, BEGINS_AT - i * 2000,
                                      LARGE_BYTES, i % 2 == 0};
        assert_int_equal(bwe_drops_handle_fate(&d, &fate, WAY_US, 0), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_short_queue_drops_shows_what_the_line_carries),
        cmocka_unit_test(losses_that_come_from_elsewhere_show_nothing),
        cmocka_unit_test(what_is_lost_on_an_empty_line_is_its_own_loss),
        cmocka_unit_test(times_that_make_no_sense_show_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
