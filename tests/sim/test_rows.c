/* The rows of the table in docs/quality.md, "In the simulator", each with the limits that
 * tests/quality/scenarios.py has. Concealed voice counts from two seconds after the join on, as in
 * the browser's rows. What the simulator has not: the time that a browser takes to encode, decode
 * and show a picture, some 50 ms of a slide's; and a publisher that adapts to its own line. */
#include "sim/sim_lecture.h"
#include "sim/sim_test.h"

#include <stdio.h>
#include <string.h>

#define ANY (SECONDS(3600)) /* nothing is promised */
#define ROW_US SECONDS(60)

struct row {
    const char *line;
    double concealed;   /* percent, at most */
    usec_t readable_us; /* a slide, median */
    usec_t age_us, freeze_us;
    int never; /* slides that were not once to be read */
};

static void check_row(struct sim *sim, const struct row *row)
{
    struct sim_lecture l = sim_lecture_run(sim, row->line, sim_lecture_page(), ROW_US);
    sim_lecture_print(strchr(row->line, '\n') + 1, &l);
    assert_true(l.later_concealed <= row->concealed);
    assert_in_range(l.slides.shown, 10, 12);
    assert_in_range(l.slides.never, 0, row->never);
    assert_in_range(l.slides.median_us, 1, row->readable_us);
    assert_in_range(l.age_us, 1, row->age_us);
    assert_in_range(l.freeze_us, 1, row->freeze_us);
    assert_in_range(l.requests, 0, 7);
}

static void a_clean_line(struct sim *sim)
{
    check_row(sim, &(struct row){"delay 10ms\ndown rate 20M", 0.1, MILLISECONDS(175),
                                 MILLISECONDS(95), SECONDS(1), 0});
}

static void five_percent_random_loss(struct sim *sim)
{
    check_row(sim, &(struct row){"delay 30ms\ndown rate 20M loss 5%", 0.3, MILLISECONDS(230), ANY,
                                 ANY, 0});
}

static void ten_percent_random_loss(struct sim *sim)
{
    check_row(sim, &(struct row){"delay 30ms\ndown rate 20M loss 10%", 1, MILLISECONDS(390), ANY,
                                 SECONDS(1), 0});
}

static void bursts_of_four(struct sim *sim)
{
    check_row(sim, &(struct row){"delay 30ms\ndown rate 20M burst-loss 5% burst-length 4", 1.5,
                                 MILLISECONDS(300), ANY, ANY, 0});
}

static void jitter_of_forty_milliseconds(struct sim *sim)
{
    check_row(sim, &(struct row){"delay 50ms\ndown rate 20M jitter 40ms", 0.1, MILLISECONDS(350),
                                 ANY, ANY, 0});
}

static void one_megabit(struct sim *sim)
{
    check_row(sim, &(struct row){"delay 20ms\ndown rate 1M queue 200ms", 0.3, MILLISECONDS(700),
                                 ANY, ANY, 0});
}

static void three_hundred_kilobit(struct sim *sim)
{
    check_row(sim, &(struct row){"delay 20ms\ndown rate 300k queue 300ms", 0.3, MILLISECONDS(1200),
                                 ANY, ANY, 0});
}

static void a_hundred_kilobit(struct sim *sim)
{
    check_row(sim,
              &(struct row){"delay 20ms\ndown rate 100k queue 400ms", 1, SECONDS(5), ANY, ANY, 1});
}

static void a_dip_to_four_hundred_kilobit(struct sim *sim)
{
    check_row(sim, &(struct row){"delay 20ms\ndown rate 3M queue 200ms\nat 18 down rate 400k queue "
                                 "200ms\nat 48 down rate 3M queue 200ms",
                                 0.5, MILLISECONDS(1200), ANY, ANY, 0});
}

static void ten_seconds_after_a_dip_the_rate_is_full_again(struct sim *sim)
{
    struct sim_participant_config config = sim_lecture_page();
    int trainer = sim_enter_with(sim, &config), learner = sim_enter(sim, "learner");
    sim_link_set(sim, learner, "delay 20ms\ndown rate 3M queue 200ms");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(15));
    sim_link_set(sim, learner, "down rate 400k");
    sim_run_for(sim, SECONDS(30));
    sim_link_set(sim, learner, "down rate 3M");
    sim_run_for(sim, SECONDS(10));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(20));
    assert_in_range(sim_screen(sim, learner).frames, 99, 101);
    assert_in_range(sim_slides(sim, learner, trainer).longest_us, 1, MILLISECONDS(700));
}

static void a_join(struct sim *sim, usec_t into_us)
{
    struct sim_lecture_config c = {.trainer = sim_lecture_page(),
                                   .learner = sim_participant_config_default("learner"),
                                   .line = "delay 10ms\ndown rate 20M",
                                   .enters_after_us = into_us + (usec_t)sim_draw(sim, SECONDS(5)),
                                   .duration = SECONDS(10)};
    struct sim_lecture l = sim_lecture_hold(sim, &c);
    sim_lecture_print("joins", &l);
    assert_in_range(l.voice_us, 1, MILLISECONDS(300));
    assert_in_range(l.first_us, 1, MILLISECONDS(500));
}

static void who_joins_hears_after_300_ms_and_sees_after_500(struct sim *sim)
{
    a_join(sim, SECONDS(2));
}

static void and_half_a_minute_into_the_class_as_well(struct sim *sim)
{
    a_join(sim, SECONDS(30));
}

/* Its own client would send less of a picture; this one only sends it at the line's pace. */
static void the_trainers_uplink_of_800_kilobit(struct sim *sim)
{
    struct sim_lecture_config c = {.trainer = sim_lecture_page(),
                                   .learner = sim_participant_config_default("learner"),
                                   .line = "delay 10ms\ndown rate 20M",
                                   .trainer_line = "delay 20ms\nup rate 800k queue 200ms",
                                   .duration = ROW_US};
    c.trainer.repeats_voice = true;
    c.trainer.pace_bps = 600000;
    struct sim_lecture l = sim_lecture_hold(sim, &c);
    sim_lecture_print("uplink 800k", &l);
    assert_true(l.later_concealed <= 0.3);
    assert_in_range(l.slides.never, 0, 0);
    assert_in_range(l.slides.median_us, 1, MILLISECONDS(500));
}

#define CLEAN 10

static void ten_clean_ones_do_not_notice_one_behind_300_kilobit(struct sim *sim)
{
    struct sim_participant_config config = sim_lecture_page();
    int trainer = sim_enter_with(sim, &config), clean[CLEAN];
    for (size_t i = 0; i < CLEAN; i++)
        clean[i] = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(5));
    int poor = sim_enter(sim, "learner");
    sim_forget(sim); /* the ten notice nothing of its join either */
    sim_link_set(sim, poor, "delay 20ms\ndown rate 300k queue 300ms");
    sim_run_for(sim, ROW_US);
    for (size_t i = 0; i < CLEAN; i++) {
        struct sim_voice voice = sim_voice(sim, clean[i], trainer);
        struct sim_slides slides = sim_slides(sim, clean[i], trainer);
        assert_true(voice.concealed * 1000 <= voice.played + voice.concealed);
        assert_int_equal(slides.never, 0);
        assert_in_range(slides.median_us, 1, MILLISECONDS(175));
        assert_in_range(sim_screen_delay_us(sim, clean[i], 0.5), 1, MILLISECONDS(95));
    }
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_clean_line),
        SIM_TEST(five_percent_random_loss),
        SIM_TEST(ten_percent_random_loss),
        SIM_TEST(bursts_of_four),
        SIM_TEST(jitter_of_forty_milliseconds),
        SIM_TEST(one_megabit),
        SIM_TEST(three_hundred_kilobit),
        SIM_TEST(a_hundred_kilobit),
        SIM_TEST(a_dip_to_four_hundred_kilobit),
        SIM_TEST(ten_seconds_after_a_dip_the_rate_is_full_again),
        SIM_TEST(who_joins_hears_after_300_ms_and_sees_after_500),
        SIM_TEST(and_half_a_minute_into_the_class_as_well),
        SIM_TEST(the_trainers_uplink_of_800_kilobit),
        SIM_TEST_ON(ten_clean_ones_do_not_notice_one_behind_300_kilobit, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
