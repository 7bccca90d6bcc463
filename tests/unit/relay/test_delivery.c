#include "relay/core/delivery.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RTT_US MILLISECONDS(40)
#define NEVER_S 1000.0

/* A receiver: it answers what it is asked until `cut_s`, and again from `healed_s` on; it reports
 * `loss` of its voice, and of its screen, once a second. */
struct receiver {
    const char *why;
    bool numbers, reports;
    double cut_s, healed_s;
    uint32_t voice_loss, screen_loss;
    usec_t jitter_us, lag_us;
    /* What is expected: first after `by_s`, then at `until_s`. */
    enum control_hearing hears;
    double from_s, by_s;
    bool late;
};

struct run {
    struct delivery d;
    usec_t now, answer_at, asked_at, report_at;
    uint64_t highest, next;
    uint64_t news;
    struct control_delivery state;
};

static bool is_cut(const struct receiver *r, usec_t at)
{
    return (double)at / 1e6 >= r->cut_s && (double)at / 1e6 < r->healed_s;
}

static void report(struct run *run, const struct receiver *r)
{
    bool moved = !is_cut(r, run->now);
    if (moved)
        run->highest = run->next - 1;
    struct delivery_report voice = {.loss_permille = moved ? r->voice_loss : 0,
                                    .jitter_us = r->jitter_us,
                                    .rtt_us = RTT_US,
                                    .missing = run->next - 1 - run->highest,
                                    .sent_at = run->now,
                                    .has_moved = moved};
    delivery_handle_voice_report(&run->d, run->now, voice);
    voice.loss_permille = moved ? r->screen_loss : 0;
    delivery_handle_screen_report(&run->d, run->now, voice, run->highest, run->next);
}

/* One step of 10 ms: a packet of voice each second one. */
static void step(struct run *run, const struct receiver *r)
{
    run->now += MILLISECONDS(10);
    run->next += run->now % MILLISECONDS(20) == 0;
    if (delivery_wants_question(&run->d, run->now, RTT_US)) {
        delivery_note_question(&run->d, run->now, r->numbers);
        if (r->numbers && !is_cut(r, run->now) && run->answer_at == 0) {
            run->asked_at = run->now;
            run->answer_at = run->now + RTT_US + MILLISECONDS(100);
        }
    }
    if (run->answer_at != 0 && run->now >= run->answer_at) {
        run->answer_at = 0;
        delivery_handle_answer(&run->d, run->asked_at);
    }
    if (r->reports && run->now >= run->report_at) {
        run->report_at = run->now + SECONDS(1);
        report(run, r);
    }
    delivery_assess(&run->d, run->now, RTT_US, r->lag_us, &run->state);
    run->news += delivery_take_news(&run->d, run->now, &run->state);
}

static void run_until(struct run *run, const struct receiver *r, double seconds)
{
    while ((double)run->now < seconds * 1e6)
        step(run, r);
}

static struct run begin(void)
{
    return (struct run){.now = SECONDS(100), .report_at = SECONDS(100), .next = 1000};
}

static void each_kind_of_receiver_is_judged_as_it_hears(void **state)
{
    static const struct receiver cases[] = {
        {.why = "healthy, before anything was answered",
         .numbers = true,
         .cut_s = NEVER_S,
         .from_s = 100.02,
         .by_s = 100.03,
         .hears = CONTROL_HEARING_UNKNOWN},
        {.why = "healthy",
         .numbers = true,
         .reports = true,
         .cut_s = NEVER_S,
         .from_s = 100.3,
         .by_s = 140,
         .hears = CONTROL_HEARING_YES},
        {.why = "5 % of voice are lost",
         .numbers = true,
         .reports = true,
         .cut_s = NEVER_S,
         .voice_loss = 50,
         .from_s = 100.3,
         .by_s = 140,
         .hears = CONTROL_HEARING_YES},
        {.why = "a quarter of voice is lost",
         .numbers = true,
         .reports = true,
         .cut_s = NEVER_S,
         .voice_loss = 250,
         .from_s = 105,
         .by_s = 140,
         .hears = CONTROL_HEARING_POORLY},
        {.why = "voice comes seven tenths of a second late",
         .numbers = true,
         .reports = true,
         .cut_s = NEVER_S,
         .jitter_us = MILLISECONDS(700),
         .from_s = 101.1,
         .by_s = 140,
         .hears = CONTROL_HEARING_POORLY},
        {.why = "half of the screen is lost",
         .numbers = true,
         .reports = true,
         .cut_s = NEVER_S,
         .screen_loss = 500,
         .from_s = 103,
         .by_s = 140,
         .hears = CONTROL_HEARING_YES,
         .late = true},
        {.why = "the screen waits with us",
         .numbers = true,
         .reports = true,
         .cut_s = NEVER_S,
         .lag_us = SECONDS(3),
         .from_s = 103,
         .by_s = 140,
         .hears = CONTROL_HEARING_YES,
         .late = true},
        {.why = "cut, and reports tell",
         .numbers = true,
         .reports = true,
         .cut_s = 110,
         .healed_s = NEVER_S,
         .from_s = 112.2,
         .by_s = 140,
         .hears = CONTROL_HEARING_NO,
         .late = true},
        {.why = "cut, and nothing is heard",
         .numbers = true,
         .cut_s = 110,
         .healed_s = NEVER_S,
         .from_s = 112.2,
         .by_s = 140,
         .hears = CONTROL_HEARING_NO,
         .late = true},
        {.why = "cut, and no number is ever answered: by reports that stand still",
         .reports = true,
         .cut_s = 110,
         .healed_s = NEVER_S,
         .from_s = 112.3,
         .by_s = 140,
         .hears = CONTROL_HEARING_NO,
         .late = true},
        {.why = "healed",
         .numbers = true,
         .reports = true,
         .cut_s = 110,
         .healed_s = 120,
         .from_s = 121.2,
         .by_s = 140,
         .hears = CONTROL_HEARING_YES},
        {.why = "healed, by reports alone",
         .reports = true,
         .cut_s = 110,
         .healed_s = 120,
         .from_s = 121.2,
         .by_s = 140,
         .hears = CONTROL_HEARING_YES},
        {.why = "who says nothing at all is not judged",
         .cut_s = NEVER_S,
         .from_s = 100,
         .by_s = 140,
         .hears = CONTROL_HEARING_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct receiver *r = &cases[i];
        struct run run = begin();
        run_until(&run, r, r->from_s);
        while ((double)run.now < r->by_s * 1e6) {
            step(&run, r);
            if (run.state.hears != r->hears || (run.state.screen_behind_ms > 0) != r->late)
                fail_msg("%s: at %.2f s hears %s, %u ms behind", r->why, (double)run.now / 1e6,
                         control_hearing_name(run.state.hears), run.state.screen_behind_ms);
        }
    }
    (void)state;
}

static void a_join_that_nothing_reaches_is_called_so_after_five_seconds_and_not_before(void **state)
{
    const struct receiver r = {.numbers = true, .cut_s = 0, .healed_s = NEVER_S};
    struct run run = begin();
    run_until(&run, &r, 104.9);
    assert_int_equal(run.state.hears, CONTROL_HEARING_UNKNOWN);
    run_until(&run, &r, 105.2);
    assert_int_equal(run.state.hears, CONTROL_HEARING_NO);
    assert_false(run.state.reached);
    (void)state;
}

static void
a_healthy_receiver_is_news_once_and_is_asked_about_every_six_tenths_of_a_second(void **state)
{
    const struct receiver r = {.numbers = true, .cut_s = NEVER_S};
    struct run run = begin();
    unsigned asked = 0;
    usec_t last = 0;
    while (run.now < SECONDS(160)) {
        step(&run, &r);
        asked += run.d.asked_at != last;
        last = run.d.asked_at;
    }
    assert_int_equal(run.news, 1);
    assert_in_range(asked, 75, 105);
    (void)state;
}

static void a_late_screen_is_told_once_a_second_at_most(void **state)
{
    const struct receiver r = {.numbers = true, .reports = true, .cut_s = 110, .healed_s = NEVER_S};
    struct run run = begin();
    run_until(&run, &r, 109.9);
    uint64_t before = run.news;
    run_until(&run, &r, 140);
    assert_in_range(run.news - before, 25, 31);
    assert_in_range(run.state.screen_behind_ms, 29000, 31000);
    (void)state;
}

static void who_never_answers_a_number_is_not_asked_for_ever(void **state)
{
    struct run run = begin();
    unsigned asked = 0;
    for (; run.now < SECONDS(400); run.now += MILLISECONDS(10)) {
        if (!delivery_wants_question(&run.d, run.now, RTT_US))
            continue;
        delivery_note_question(&run.d, run.now, true);
        delivery_handle_proof(&run.d, run.now); /* it reports, though */
        asked++;
    }
    assert_int_equal(asked, 20);
    assert_true(delivery_next_timeout(&run.d, run.now, RTT_US) == USEC_NEVER);
    (void)state;
}

/* Nothing more is said that a report could tell of; what it answers was sent later. */
static void a_voice_whose_end_was_lost_makes_nobody_deaf_who_answers(void **state)
{
    struct delivery d = {0};
    struct control_delivery told;
    (void)state;
    for (usec_t now = SECONDS(106); now < SECONDS(116); now += SECONDS(1)) {
        const struct delivery_report report = {
            .rtt_us = RTT_US, .missing = 50, .sent_at = SECONDS(105)};
        delivery_handle_answer(&d, now - MILLISECONDS(200));
        delivery_handle_voice_report(&d, now, report);
        delivery_assess(&d, now, RTT_US, 0, &told);
        assert_int_equal(told.hears, CONTROL_HEARING_YES);
    }
}

/* Its timer never stands in the past, or the shard would spin. */
static void the_next_timeout_is_never_now(void **state)
{
    const struct receiver r = {.numbers = true, .reports = true, .cut_s = 105, .healed_s = 130};
    struct run run = begin();
    while (run.now < SECONDS(140)) {
        step(&run, &r);
        assert_true(delivery_next_timeout(&run.d, run.now, RTT_US) > run.now + MILLISECONDS(20));
    }
    (void)state;
}

static void a_learner_costs_less_than_two_hundred_bytes(void **state)
{
    assert_true(sizeof(struct delivery) < 200);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_receiver_is_judged_as_it_hears),
        cmocka_unit_test(
            a_join_that_nothing_reaches_is_called_so_after_five_seconds_and_not_before),
        cmocka_unit_test(
            a_healthy_receiver_is_news_once_and_is_asked_about_every_six_tenths_of_a_second),
        cmocka_unit_test(a_late_screen_is_told_once_a_second_at_most),
        cmocka_unit_test(who_never_answers_a_number_is_not_asked_for_ever),
        cmocka_unit_test(a_voice_whose_end_was_lost_makes_nobody_deaf_who_answers),
        cmocka_unit_test(the_next_timeout_is_never_now),
        cmocka_unit_test(a_learner_costs_less_than_two_hundred_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
