#include "rtc/bwe.h"

#include "support/paced_line.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MBIT 1000000u
#define SEEDS 3

static struct paced_line line;

static struct link_config rate(uint64_t bps)
{
    struct link_config c = link_config_default();
    c.delay_us = 20000;
    c.rate_bps = bps;
    c.queue_us = 200000;
    c.jitter_us = 2000;
    return c;
}

static void begin(uint64_t seed, size_t flows, struct link_config config)
{
    paced_line_init(&line, seed, flows, &config);
    for (size_t i = 0; i < flows; i++)
        bwe_set_wanted(&line.flows[i].bwe, line.now, 2500000);
}

static void backlog(size_t flow)
{
    line.flows[flow].backlog = INT64_MAX;
}

/* What a sentence says is checked with the figure in the message. */
static double voice_share(const struct paced_flow *f, uint32_t count)
{
    return (double)count / f->voices_sent;
}

#define CHECK_TRUE(what, ...)                                                                      \
    do {                                                                                           \
        if (!(what))                                                                               \
            fail_msg(#what ": " __VA_ARGS__);                                                      \
    } while (0)

static void a_line_of_any_rate_is_filled_and_its_queue_stays_short(void **state)
{
    static const uint64_t rates[] = {300000, 1000000, 2500000};
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            begin(seed, 1, rate(rates[i]));
            backlog(0);
            paced_line_run(&line, SECONDS(30));
            uint64_t got = paced_line_rate(&line, 0, 2, 30);
            const struct paced_flow *f = &line.flows[0];
            CHECK_TRUE(got > rates[i] * 85 / 100, "rate %u", (unsigned)rates[i]);
            CHECK_TRUE(voice_share(f, f->voices_late) < 0.01, "rate %u", (unsigned)rates[i]);
            paced_line_destroy(&line);
        }
    }
    (void)state;
}

/* The first bytes leave at once: what the queue could not take of them does not stand there. */
static void what_is_lost_at_the_beginning_is_not_held_back_for(void **state)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        begin(seed, 1, rate(MBIT));
        bwe_assume(&line.flows[0].bwe, line.now, 10 * MBIT);
        line.flows[0].backlog = 40000;
        paced_line_run(&line, MILLISECONDS(150));
        backlog(0);
        paced_line_run(&line, MILLISECONDS(850));
        uint64_t got = paced_line_rate(&line, 0, 0, 1);
        CHECK_TRUE(got > 730000, "got %u, seed %u", (unsigned)got, (unsigned)seed);
        paced_line_destroy(&line);
    }
    (void)state;
}

static void steps_of_the_rate_are_followed(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed, 1, rate(3 * MBIT));
        backlog(0);
        paced_line_run(&line, SECONDS(15));
        struct link_config low = rate(MBIT);
        struct link_config high = rate(3 * MBIT);
        paced_line_set(&line, &low);
        paced_line_run(&line, SECONDS(2));
        uint64_t settled = bwe_get_estimate(&line.flows[0].bwe);
        paced_line_run(&line, SECONDS(13));
        paced_line_set(&line, &high);
        paced_line_run(&line, SECONDS(15));
        assert_true(paced_line_rate(&line, 0, 5, 15) > 2300000);
        assert_true(settled > 700000 && settled < 1100000);
        assert_true(paced_line_rate(&line, 0, 17, 30) > 800000);
        assert_true(paced_line_rate(&line, 0, 40, 45) > 2300000);
        paced_line_destroy(&line);
    }
    (void)state;
}

static void random_loss_does_not_collapse_it(void **state)
{
    static const double losses[] = {0.05, 0.1};
    for (size_t i = 0; i < COUNT_OF(losses); i++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct link_config config = rate(3 * MBIT);
            config.loss = losses[i];
            begin(seed, 1, config);
            backlog(0);
            paced_line_run(&line, SECONDS(30));
            double got = (double)paced_line_rate(&line, 0, 3, 30);
            CHECK_TRUE(got > 2.5e6 * (1 - losses[i]) * 0.8, "got %.0f", got);
            paced_line_destroy(&line);
        }
    }
    (void)state;
}

static void jitter_does_not_collapse_it(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct link_config config = rate(20 * MBIT);
        config.delay_us = 50000;
        config.jitter_us = 40000;
        begin(seed, 1, config);
        for (int slide = 0; slide < 12; slide++) { /* a slide of 180 kB each five seconds */
            line.flows[0].backlog = 180000;
            paced_line_run(&line, SECONDS(5));
            uint64_t estimate = bwe_get_estimate(&line.flows[0].bwe);
            if (slide > 0)
                CHECK_TRUE(estimate > 2 * MBIT, "estimate %u at slide %d", (unsigned)estimate,
                           slide);
        }
        paced_line_destroy(&line);
    }
    (void)state;
}

/* A probe of twice the rate takes twice its time there, which jitter does not. */
static void a_line_that_trembles_is_not_thought_to_carry_twice_what_it_does(void **state)
{
    uint32_t far_too_much = 0, steps = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct link_config config = rate(MBIT);
        config.queue_us = 300000;
        config.jitter_us = 10000;
        begin(seed, 1, config);
        for (int step = 0; step < 600; step++, steps++) {
            if (step % 50 == 0)
                line.flows[0].backlog += 30000;
            paced_line_run(&line, MILLISECONDS(100));
            far_too_much += bwe_get_estimate(&line.flows[0].bwe) > 1500000;
        }
        paced_line_destroy(&line);
    }
    CHECK_TRUE(far_too_much * 100 < steps * 8, "%u of %u", far_too_much, steps);
    (void)state;
}

/* What one packet in fifty passes is missing for a moment, and lost for no longer. */
static void overtaking_on_a_wide_line_is_no_short_queue(void **state)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct link_config config = rate(20 * MBIT);
        config.jitter_us = 0;
        config.reorder = 0.02;
        begin(seed, 1, config);
        bwe_assume(&line.flows[0].bwe, line.now, 3 * MBIT);
        for (int step = 0; step < 5000; step++) {
            if (step % 500 == 0)
                line.flows[0].backlog = 120000;
            else if (step % 10 == 0 && line.flows[0].backlog < 20000)
                line.flows[0].backlog += 1500;
            paced_line_run(&line, MILLISECONDS(10));
            uint64_t estimate = bwe_get_estimate(&line.flows[0].bwe);
            CHECK_TRUE(step < 200 || estimate > MBIT, "seed %llu step %d: %llu",
                       (unsigned long long)seed, step, (unsigned long long)estimate);
        }
        paced_line_destroy(&line);
    }
    (void)state;
}

static void slides_through_a_narrow_line_never_stand_in_front_of_voice(void **state)
{
    static const uint64_t rates[] = {300000, 1000000};
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct link_config config = rate(rates[i]);
            config.queue_us = 300000;
            begin(seed, 1, config);
            int64_t slide_bytes = (int64_t)rates[i] / 8 * 2;
            int64_t left = 0;
            for (int slide = 0; slide < 12; slide++) {
                line.flows[0].backlog += slide_bytes;
                paced_line_run(&line, SECONDS(5));
                left += line.flows[0].backlog > 0 ? line.flows[0].backlog : 0;
            }
            const struct paced_flow *f = &line.flows[0];
            assert_true(left == 0);
            CHECK_TRUE(voice_share(f, f->voices_late) < 0.01, "rate %u", (unsigned)rates[i]);
            CHECK_TRUE(1 - voice_share(f, f->voices_arrived) < 0.003, "rate %u",
                       (unsigned)rates[i]);
            paced_line_destroy(&line);
        }
    }
    (void)state;
}

static void two_flows_share_a_line(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed, 2, rate(2 * MBIT));
        backlog(0);
        paced_line_run(&line, SECONDS(10));
        backlog(1);
        paced_line_run(&line, SECONDS(50));
        double first = (double)paced_line_rate(&line, 0, 30, 60);
        double second = (double)paced_line_rate(&line, 1, 30, 60);
        CHECK_TRUE(first + second > 1.5e6, "%.0f and %.0f", first, second);
        CHECK_TRUE(first / (first + second) > 0.3 && first / (first + second) < 0.7,
                   "%.0f and %.0f", first, second);
        paced_line_destroy(&line);
    }
    (void)state;
}

static void a_dip_while_little_is_sent_costs_voice_little(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed, 1, rate(3 * MBIT));
        struct link_config low = rate(400000);
        struct link_config high = rate(3 * MBIT);
        for (int slide = 0; slide < 12; slide++) {
            line.flows[0].backlog = slide >= 3 && slide < 9 ? 60000 : 180000;
            paced_line_run(&line, SECONDS(2));
            if (slide == 2)
                paced_line_set(&line, &low);
            if (slide == 8)
                paced_line_set(&line, &high);
            paced_line_run(&line, SECONDS(3));
        }
        const struct paced_flow *f = &line.flows[0];
        CHECK_TRUE(1 - voice_share(f, f->voices_arrived) < 0.005, "lost");
        assert_true(bwe_get_estimate(&f->bwe) > 2300000);
        paced_line_destroy(&line);
    }
    (void)state;
}

static void nothing_is_probed_for_while_nothing_more_is_wanted(void **state)
{
    begin(1, 1, rate(20 * MBIT));
    bwe_set_wanted(&line.flows[0].bwe, line.now, 0);
    line.flows[0].bwe.probe = (struct bwe_probe){0};
    line.flows[0].bwe.has_started = false;
    paced_line_run(&line, SECONDS(20));
    assert_true(line.flows[0].padding_bytes == 0);
    assert_int_equal(bwe_get_estimate(&line.flows[0].bwe), bwe_config_default().start_bps);
    /* A little padding then proves what is wanted. */
    bwe_set_wanted(&line.flows[0].bwe, line.now, 2500000);
    paced_line_run(&line, SECONDS(2));
    assert_true(bwe_is_proven(&line.flows[0].bwe, 3 * MBIT));
    assert_true(line.flows[0].padding_bytes > 0 && line.flows[0].padding_bytes < 60000);
    double padding = line.flows[0].padding_bytes;
    paced_line_run(&line, SECONDS(60));
    assert_true(line.flows[0].padding_bytes - padding < 1);
    paced_line_destroy(&line);
    (void)state;
}

/* Five small packets in 80 ms leave, and arrive, more slowly than the estimate would have them. */
static void voice_alone_is_no_probe_and_what_waits_at_last_is_one(void **state)
{
    struct bwe_probe p = {.lacks_padding = true};
    usec_t now = SECONDS(1);
    uint64_t bps = 0;
    bwe_probe_begin(&p, now, 800000, 1500);
    uint8_t cluster = 0;
    for (int i = 0; i < 10; i++, now += 20000) {
        uint8_t next = bwe_probe_handle_send(&p, now, 400);
        assert_true(next != 0 && next != cluster);
        cluster = next;
        bwe_probe_handle_fate(&p, cluster, now + 30000, 400, false);
    }
    assert_int_equal(p.state, BWE_PROBE_RUNNING);
    for (int i = 0; i < 3; i++, now += 12000) {
        cluster = bwe_probe_handle_send(&p, now, 1200);
        bwe_probe_handle_fate(&p, cluster, now + 30000, 1200, false);
    }
    assert_int_equal(p.state, BWE_PROBE_WAITING);
    assert_int_equal(bwe_probe_take_outcome(&p, now, 300000, 0, &bps), BWE_PROBE_PASSED);
    assert_in_range(bps, 790000, 810000);
    (void)state;
}

static void a_probe_that_found_nothing_to_be_sent_with_puts_nothing_off(void **state)
{
    struct bwe_probe p = {.lacks_padding = true};
    usec_t now = SECONDS(1);
    uint64_t bps = 0;
    bwe_probe_begin(&p, now, 800000, 1500);
    for (usec_t at = now; at <= now + 240000; at += 20000)
        (void)bwe_probe_handle_send(&p, at, 400);
    assert_int_equal(bwe_probe_take_outcome(&p, now + 250000, 0, 0, &bps), BWE_PROBE_NONE);
    assert_int_equal(bwe_probe_take_outcome(&p, now + 251000, 0, 0, &bps), BWE_PROBE_UNUSED);
    assert_int_equal(p.state, BWE_PROBE_IDLE);
    assert_true(p.next_at <= now + 251000);
    (void)state;
}

/* Voice all the time, and a small picture now and then: it is what a probe is sent with. */
static void without_padding_small_pictures_show_that_a_line_is_wide_again(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed, 1, rate(400000));
        line.flows[0].lacks_padding = line.flows[0].bwe.probe.lacks_padding = true;
        backlog(0);
        paced_line_run(&line, SECONDS(10));
        struct link_config wide = rate(5 * MBIT);
        paced_line_set(&line, &wide);
        line.flows[0].backlog = 0;
        paced_line_run(&line, SECONDS(5));
        for (int picture = 0; picture < 10; picture++) {
            line.flows[0].backlog = 4800;
            paced_line_run(&line, SECONDS(1));
        }
        uint64_t bps = bwe_get_estimate(&line.flows[0].bwe);
        CHECK_TRUE(bps > 1000000, "seed %u, estimate %u", (unsigned)seed, (unsigned)bps);
        assert_true(line.flows[0].padding_bytes < 1);
        paced_line_destroy(&line);
    }
    (void)state;
}

static void without_any_feedback_the_estimate_falls(void **state)
{
    begin(1, 1, rate(3 * MBIT));
    backlog(0);
    paced_line_run(&line, SECONDS(5));
    struct link_config dead = rate(3 * MBIT);
    dead.loss = 1;
    paced_line_set(&line, &dead);
    paced_line_run(&line, SECONDS(10));
    assert_true(bwe_get_estimate(&line.flows[0].bwe) < 100000);
    struct link_config alive = rate(3 * MBIT);
    paced_line_set(&line, &alive);
    paced_line_run(&line, SECONDS(10));
    CHECK_TRUE(bwe_get_estimate(&line.flows[0].bwe) > 2300000, "estimate %u",
               (unsigned)bwe_get_estimate(&line.flows[0].bwe));
    paced_line_destroy(&line);
    (void)state;
}

static void a_remb_counts_against_the_line_only_where_it_was_used(void **state)
{
    struct bwe b;
    struct bwe_config config = bwe_config_default();
    assert_int_equal(bwe_init(&b, &config), STATUS_OK);
    bwe_handle_remb(&b, SECONDS(1), 100000, 80000); /* a little more than what comes */
    assert_int_equal(bwe_get_estimate(&b), config.start_bps);
    bwe_handle_remb(&b, SECONDS(2), 5000000, 60000);
    assert_int_equal(bwe_get_estimate(&b), 5000000);
    bwe_handle_remb(&b, SECONDS(3), 400000, 60000); /* little was sent: it knows little */
    assert_int_equal(bwe_get_estimate(&b), 5000000);
    bwe_handle_remb(&b, SECONDS(4), 400000, 900000); /* this may come in the next second */
    assert_int_equal(bwe_get_estimate(&b), 5000000);
    bwe_handle_remb(&b, SECONDS(5), 90000, 60000); /* it did not rise, and less comes again */
    assert_int_equal(bwe_get_estimate(&b), 400000);
    bwe_handle_remb(&b, SECONDS(6), UINT64_MAX, 0);
    assert_int_equal(bwe_get_estimate(&b), config.max_bps);
    (void)state;
}

/* A slide each five seconds, voice between them. */
static uint64_t sent_in_second(int second)
{
    return second % 5 == 0 ? 700000 : 40000;
}

static void a_remb_that_rises_when_more_comes_leaves_the_line_as_wide_as_it_is(void **state)
{
    struct bwe b;
    struct bwe_config config = bwe_config_default();
    assert_int_equal(bwe_init(&b, &config), STATUS_OK);
    for (int second = 1; second < 60; second++) {
        uint64_t sent = sent_in_second(second);
        uint64_t comes = sent_in_second(second - second / 5 % 2); /* in the next second at times */
        bwe_set_wanted(&b, SECONDS(second), 4000000);
        bwe_handle_report(&b, SECONDS(second),
                          &(struct bwe_report){.rtt_us = MILLISECONDS(40), .sent_bps = sent});
        bwe_handle_remb(&b, SECONDS(second), comes * 3 / 2 + 10000, sent);
        assert_true(bwe_get_estimate(&b) >= config.start_bps);
    }
    assert_true(bwe_get_estimate(&b) > 4000000);
    (void)state;
}

static void a_remb_that_stays_where_it_is_whatever_comes_is_obeyed(void **state)
{
    struct bwe b;
    struct bwe_config config = bwe_config_default();
    assert_int_equal(bwe_init(&b, &config), STATUS_OK);
    for (int second = 1; second < 60; second++) {
        uint64_t sent = sent_in_second(second);
        if (sent > bwe_get_estimate(&b))
            sent = bwe_get_estimate(&b);
        bwe_set_wanted(&b, SECONDS(second), 4000000);
        bwe_handle_report(&b, SECONDS(second),
                          &(struct bwe_report){.rtt_us = MILLISECONDS(40), .sent_bps = sent});
        bwe_handle_remb(&b, SECONDS(second), 50000, sent);
        if (second > 6)
            assert_int_equal(bwe_get_estimate(&b), 50000);
    }
    for (int second = 60; second < 65; second++)
        bwe_handle_remb(&b, SECONDS(second), 0, 50000);
    assert_int_equal(bwe_get_estimate(&b), config.min_bps);
    (void)state;
}

static void settings_out_of_range_are_refused(void **state)
{
    struct bwe b;
    struct bwe_config config = bwe_config_default();
    config.start_bps = config.min_bps - 1;
    assert_int_equal(bwe_init(&b, &config), STATUS_CONFIG);
    config = bwe_config_default();
    config.max_bps = config.start_bps - 1;
    assert_int_equal(bwe_init(&b, &config), STATUS_CONFIG);
    config = bwe_config_default();
    config.probe_backoff_us = 0;
    assert_int_equal(bwe_init(&b, &config), STATUS_CONFIG);
    (void)state;
}

static void receiver_reports_alone_find_the_rate(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed, 1, rate(MBIT));
        line.flows[0].has_feedback = false;
        backlog(0);
        paced_line_run(&line, SECONDS(60));
        double got = (double)paced_line_rate(&line, 0, 20, 60);
        CHECK_TRUE(got > 500000, "got %.0f", got);
        paced_line_destroy(&line);
    }
    (void)state;
}

static void reports_alone_tell_a_line_that_always_loses_from_a_full_one(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct link_config config = rate(3 * MBIT);
        config.loss = 0.2;
        begin(seed, 1, config);
        line.flows[0].has_feedback = false;
        bwe_note_rtt(&line.flows[0].bwe, line.now, 40000);
        backlog(0);
        paced_line_run(&line, SECONDS(60));
        double got = (double)paced_line_rate(&line, 0, 20, 60);
        CHECK_TRUE(got > 1200000, "got %.0f", got);
        paced_line_destroy(&line);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_any_rate_is_filled_and_its_queue_stays_short),
        cmocka_unit_test(what_is_lost_at_the_beginning_is_not_held_back_for),
        cmocka_unit_test(steps_of_the_rate_are_followed),
        cmocka_unit_test(random_loss_does_not_collapse_it),
        cmocka_unit_test(jitter_does_not_collapse_it),
        cmocka_unit_test(a_line_that_trembles_is_not_thought_to_carry_twice_what_it_does),
        cmocka_unit_test(overtaking_on_a_wide_line_is_no_short_queue),
        cmocka_unit_test(slides_through_a_narrow_line_never_stand_in_front_of_voice),
        cmocka_unit_test(two_flows_share_a_line),
        cmocka_unit_test(a_dip_while_little_is_sent_costs_voice_little),
        cmocka_unit_test(nothing_is_probed_for_while_nothing_more_is_wanted),
        cmocka_unit_test(voice_alone_is_no_probe_and_what_waits_at_last_is_one),
        cmocka_unit_test(a_probe_that_found_nothing_to_be_sent_with_puts_nothing_off),
        cmocka_unit_test(without_padding_small_pictures_show_that_a_line_is_wide_again),
        cmocka_unit_test(without_any_feedback_the_estimate_falls),
        cmocka_unit_test(a_remb_counts_against_the_line_only_where_it_was_used),
        cmocka_unit_test(a_remb_that_rises_when_more_comes_leaves_the_line_as_wide_as_it_is),
        cmocka_unit_test(a_remb_that_stays_where_it_is_whatever_comes_is_obeyed),
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(receiver_reports_alone_find_the_rate),
        cmocka_unit_test(reports_alone_tell_a_line_that_always_loses_from_a_full_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
