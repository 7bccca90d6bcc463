#include "rtc/bwe_overflow.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PACKET_BYTES 1200
#define BEGINS_AT SECONDS(3)
#define WAY_US 20000

/* A burst that meets a line with a queue of `queue_us`; of what gets through every `lost_each`th
 * packet is lost besides (0: none). A voice comes behind it. */
struct burst {
    uint64_t rate_bps;
    usec_t queue_us;
    uint32_t packets;
    usec_t apart_us;
    uint32_t lost_each;
    usec_t jitter_us;
};

struct outcome {
    uint64_t bps; /* the last that was told */
    unsigned told;
};

static void take(struct outcome *outcome, uint64_t bps)
{
    outcome->told += bps > 0;
    outcome->bps = bps > 0 ? bps : outcome->bps;
}

static struct outcome send_burst(struct bwe_overflow *o, usec_t now, const struct burst *b)
{
    struct outcome outcome = {0};
    usec_t packet_us = (usec_t)(PACKET_BYTES * 8 * 1000000ull / b->rate_bps);
    usec_t free_at = 0;
    for (uint32_t i = 0; i < b->packets; i++) {
        usec_t sent_at = now + (usec_t)i * b->apart_us;
        bool is_lost = free_at - sent_at > b->queue_us ||
                       (b->lost_each > 0 && i % b->lost_each == b->lost_each - 1);
        if (free_at - sent_at <= b->queue_us)
            free_at = usec_max(free_at, sent_at) + packet_us;
        uint64_t bps = bwe_overflow_handle_fate(o, sent_at, free_at + WAY_US, PACKET_BYTES, is_lost,
                                                b->jitter_us);
        take(&outcome, bps);
    }
    usec_t voice_at = now + (usec_t)b->packets * b->apart_us + 7000;
    take(&outcome, bwe_overflow_handle_fate(o, voice_at, usec_max(free_at, voice_at) + WAY_US, 100,
                                            false, b->jitter_us));
    return outcome;
}

static void a_burst_at_the_end_of_a_short_queue_shows_what_the_line_carries(void **state)
{
    static const struct burst bursts[] = {
        {400000, 50000, 25, 1000, 0, 0},
        {1000000, 50000, 25, 500, 0, 0},
        {3000000, 40000, 25, 0, 0, 0},
        {200000, 100000, 20, 3000, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bursts / sizeof bursts[0]; i++) {
        struct bwe_overflow o = {0};
        struct outcome got = send_burst(&o, BEGINS_AT, &bursts[i]);
        assert_int_equal(got.told, 1);
        assert_in_range(got.bps, bursts[i].rate_bps * 9 / 10, bursts[i].rate_bps * 11 / 10);
        got = send_burst(&o, BEGINS_AT + SECONDS(5), &bursts[i]); /* and each time anew */
        assert_int_equal(got.told, 1);
    }
}

static void nothing_is_told_without_cause(void **state)
{
    static const struct {
        const char *why;
        struct burst burst;
    } cases[] = {
        {"a queue that holds it all", {400000, 900000, 25, 1000, 0, 0}},
        {"losses of a wide line", {50000000, 50000, 64, 1000, 2, 0}},
        {"losses that are few", {1000000, 900000, 25, 500, 8, 0}},
        {"a burst that is short", {400000, 50000, 7, 1000, 0, 0}},
        {"packets that leave alone", {400000, 10000, 25, 6001, 0, 0}},
        {"a line that trembles as much", {400000, 50000, 25, 1000, 0, 20000}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bwe_overflow o = {0};
        print_message("%s\n", cases[i].why);
        assert_int_equal(send_burst(&o, BEGINS_AT, &cases[i].burst).told, 0);
    }
}

/* It comes at once, those before it have the usual way: until they come they seem to be lost. */
static void who_is_overtaken_is_not_lost_at_the_end_of_a_queue(void **state)
{
    static const usec_t ways_us[] = {100, 60000, 100000};
    (void)state;
    for (size_t i = 0; i < sizeof ways_us / sizeof ways_us[0]; i++) {
        struct bwe_overflow o = {0};
        for (int n = 0; n < 60; n++) {
            bool is_first = n % 20 == 0, overtakes = n % 20 == 19;
            usec_t sent_at = BEGINS_AT + n * 1000;
            usec_t way_us = overtakes ? 100 : is_first ? ways_us[i] : 110000;
            assert_int_equal(bwe_overflow_handle_fate(&o, sent_at, sent_at + way_us, PACKET_BYTES,
                                                      n % 20 > 1 && !overtakes, 0),
                             0);
        }
    }
}

static void times_that_make_no_sense_show_nothing(void **state)
{
    struct bwe_overflow o = {0};
    (void)state;
    for (int i = 0; i < 200; i++)
        assert_int_equal(bwe_overflow_handle_fate(&o, BEGINS_AT - i * 1000, 0, 0, i % 2 == 0, 0),
                         0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(bwe_overflow_handle_fate(&o, BEGINS_AT, BEGINS_AT - i * 1000, PACKET_BYTES,
                                                  i % 2 == 0, 0),
                         0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_at_the_end_of_a_short_queue_shows_what_the_line_carries),
        cmocka_unit_test(nothing_is_told_without_cause),
        cmocka_unit_test(who_is_overtaken_is_not_lost_at_the_end_of_a_queue),
        cmocka_unit_test(times_that_make_no_sense_show_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
