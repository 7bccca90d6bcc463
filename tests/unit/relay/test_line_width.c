#include "relay/core/line_width.h"

#include "base/rng.h"
#include "wire/rtcp_twcc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RTT_US MILLISECONDS(40)
#define PACKET_BYTES 330

/* A line that a train goes over; jitter keeps the order, as queues do. */
struct line {
    const char *why;
    uint64_t rate_bps;
    usec_t jitter_us;
    double loss;
    usec_t found_by_us; /* 0: never in a minute */
    size_t takes;       /* its queue, of a train; 0: all */
};

struct sending {
    struct line_width w;
    struct rng rng;
    usec_t now, line_free_at, last_arrival;
    uint16_t number;
    uint64_t packets;
};

static struct rtcp_twcc feedback_of(uint16_t base, const usec_t *arrivals, size_t count,
                                    uint8_t *out, size_t capacity)
{
    struct writer w = writer_of((struct bytes_mut){out, capacity});
    struct rtcp_iterator it;
    struct rtcp_packet packet;
    struct rtcp_twcc twcc = {0};
    if (rtcp_write_twcc(&w, 1, 2, 0, base, arrivals, count) == 0)
        return twcc;
    it = rtcp_iterate(bytes_const(writer_written(&w)));
    assert_int_equal(rtcp_next(&it, &packet), STATUS_OK);
    assert_int_equal(rtcp_parse_twcc(&packet, &twcc), STATUS_OK);
    return twcc;
}

static usec_t arrival_over(struct sending *s, const struct line *l)
{
    s->line_free_at =
        usec_max(s->line_free_at, s->now) + (usec_t)(PACKET_BYTES * 8 * 1000000ull / l->rate_bps);
    usec_t jitter = l->jitter_us > 0 ? (usec_t)rng_below(&s->rng, 2 * (uint64_t)l->jitter_us) : 0;
    s->last_arrival = usec_max(s->last_arrival, s->line_free_at + RTT_US / 2 + jitter);
    return (double)rng_below(&s->rng, 1000) < l->loss * 1000 ? RTCP_TWCC_LOST : s->last_arrival;
}

/* Sends a train and hears of it; what was found. */
static uint64_t ask(struct sending *s, const struct line *l, size_t packets)
{
    usec_t arrivals[LINE_WIDTH_TRAIN_MAX];
    uint8_t out[200];
    uint16_t base = s->number;
    line_width_begin(&s->w, s->now);
    for (size_t i = 0; i < packets; i++) {
        line_width_note_packet(&s->w, s->number++, PACKET_BYTES);
        arrivals[i] = l->takes == 0 || i < l->takes ? arrival_over(s, l) : RTCP_TWCC_LOST;
    }
    line_width_end(&s->w);
    s->packets += packets;
    struct rtcp_twcc twcc = feedback_of(base, arrivals, packets, out, sizeof out);
    if (twcc.status_count == 0)
        return 0;
    s->now = usec_max(s->now, s->last_arrival) + MILLISECONDS(100);
    return line_width_handle_feedback(&s->w, &twcc);
}

static uint64_t run(struct sending *s, const struct line *l, usec_t until)
{
    while (s->now < until) {
        size_t packets = line_width_wants_packets(&s->w, s->now, RTT_US);
        uint64_t found = packets > 0 ? ask(s, l, packets) : 0;
        if (found > 0)
            return found;
        s->now += MILLISECONDS(20);
    }
    return 0;
}

static void a_line_is_found_narrow_soon_and_no_other_ever(void **state)
{
    static const struct line lines[] = {
        {"200 kbit/s", 200000, 0, 0, SECONDS(2), 0},
        {"100 kbit/s", 100000, 0, 0, SECONDS(2), 0},
        {"300 kbit/s, 5 % lost", 300000, 0, 0.05, SECONDS(6), 0},
        {"200 kbit/s, 2 ms of jitter", 200000, 2000, 0, SECONDS(3), 0},
        {"200 kbit/s, with no room for the last one", 200000, 0, 0, SECONDS(2), 4},
        {"20 Mbit/s, with no room for the last one", 20000000, 40000, 0, 0, 4},
        {"20 Mbit/s", 20000000, 0, 0, 0, 0},
        {"1 Mbit/s", 1000000, 0, 0, 0, 0},
        {"20 Mbit/s, 40 ms of jitter", 20000000, 40000, 0, 0, 0},
        {"20 Mbit/s, 10 ms of jitter, a fifth lost", 20000000, 10000, 0.2, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            struct sending s = {.rng = rng_of_seed(seed), .number = 0xfff0, .now = SECONDS(1)};
            usec_t limit = lines[i].found_by_us > 0 ? lines[i].found_by_us : SECONDS(60);
            uint64_t found = run(&s, &lines[i], s.now + limit);
            bool is_right = lines[i].found_by_us == 0 ? found == 0
                                                      : found > lines[i].rate_bps * 7 / 10 &&
                                                            found < lines[i].rate_bps * 13 / 10;
            if (!is_right)
                fail_msg("%s, seed %llu: found %llu", lines[i].why, (unsigned long long)seed,
                         (unsigned long long)found);
        }
    }
}

static void a_wide_line_is_asked_by_two_packets_a_second(void **state)
{
    const struct line wide = {.rate_bps = 20000000};
    struct sending s = {.rng = rng_of_seed(1), .now = SECONDS(1)};
    (void)state;
    assert_int_equal(run(&s, &wide, SECONDS(61)), 0);
    assert_in_range(s.packets, 100, 122);
}

/* Its packets may be lost for good: two trains a second are the most. */
static void a_line_that_answers_nothing_is_not_flooded(void **state)
{
    const struct line cut = {.rate_bps = 20000000, .loss = 1};
    struct sending s = {.rng = rng_of_seed(1), .now = SECONDS(1)};
    (void)state;
    assert_int_equal(run(&s, &cut, SECONDS(61)), 0);
    assert_in_range(s.packets, 100, 4 * 60);
}

/* Of a line that is thought to carry 190 kbit/s: when it was called wide again; 0: never. */
static usec_t called_wide_after(const struct line *l, usec_t lasting)
{
    struct sending s = {.rng = rng_of_seed(1), .now = SECONDS(1)};
    usec_t wide_after = 0;
    for (; s.now < SECONDS(1) + lasting && wide_after == 0; s.now += MILLISECONDS(20)) {
        line_width_expect(&s.w, 190000);
        size_t packets = line_width_wants_packets(&s.w, s.now, RTT_US);
        if (packets > 0)
            assert_int_equal(ask(&s, l, packets), 0);
        if (line_width_take_wide(&s.w, s.now))
            wide_after = s.now - SECONDS(1);
    }
    return wide_after;
}

static void a_narrow_line_is_found_wide_again_soon_and_no_line_that_stayed_so(void **state)
{
    static const struct line wide = {.rate_bps = 20000000},
                             lossy = {.rate_bps = 3000000, .loss = 0.05},
                             same = {.rate_bps = 200000}, more = {.rate_bps = 400000},
                             trembles = {.rate_bps = 200000, .jitter_us = 10000};
    (void)state;
    assert_in_range(called_wide_after(&wide, SECONDS(10)), 1, SECONDS(2));
    assert_in_range(called_wide_after(&lossy, SECONDS(20)), 1, SECONDS(10));
    assert_int_equal(called_wide_after(&same, SECONDS(60)), 0);
    assert_int_equal(called_wide_after(&more, SECONDS(60)), 0);
    assert_int_equal(called_wide_after(&trembles, SECONDS(60)), 0);
}

/* A shaper that passes short bursts looks wide: it costs a probe in ten seconds, no more. */
static void who_was_called_wide_rests(void **state)
{
    const struct line wide = {.rate_bps = 20000000};
    struct sending s = {.rng = rng_of_seed(1), .now = SECONDS(1)};
    int times = 0;
    (void)state;
    for (; s.now < SECONDS(61); s.now += MILLISECONDS(20)) {
        line_width_expect(&s.w, 190000);
        size_t packets = line_width_wants_packets(&s.w, s.now, RTT_US);
        if (packets > 0)
            (void)ask(&s, &wide, packets);
        times += line_width_take_wide(&s.w, s.now);
    }
    assert_in_range(times, 5, 6);
}

static void more_than_a_train_is_not_noted(void **state)
{
    struct line_width w = {0};
    usec_t arrivals[LINE_WIDTH_TRAIN_MAX + 1];
    uint8_t out[200];
    (void)state;
    line_width_note_packet(&w, 1, PACKET_BYTES); /* none is being sent */
    assert_int_equal(w.count, 0);
    line_width_begin(&w, SECONDS(1));
    for (size_t i = 0; i <= LINE_WIDTH_TRAIN_MAX; i++) {
        line_width_note_packet(&w, (uint16_t)i, PACKET_BYTES);
        arrivals[i] = SECONDS(2) + (usec_t)i * 20000;
    }
    line_width_end(&w);
    assert_int_equal(w.count, LINE_WIDTH_TRAIN_MAX);
    struct rtcp_twcc twcc = feedback_of(0, arrivals, LINE_WIDTH_TRAIN_MAX + 1, out, sizeof out);
    assert_int_equal(line_width_handle_feedback(&w, &twcc), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_found_narrow_soon_and_no_other_ever),
        cmocka_unit_test(a_wide_line_is_asked_by_two_packets_a_second),
        cmocka_unit_test(a_line_that_answers_nothing_is_not_flooded),
        cmocka_unit_test(a_narrow_line_is_found_wide_again_soon_and_no_line_that_stayed_so),
        cmocka_unit_test(who_was_called_wide_rests),
        cmocka_unit_test(more_than_a_train_is_not_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
