/* Learners that are not our page: without RTX, without transport-wide feedback, NACK or redundancy
 * of voice, with late feedback, with wishes for key frames all the time. */
#include "sim/sim_lecture.h"
#include "sim/sim_test.h"

#include <string.h>

static int enter(struct sim *sim, bool lacks_rtx, bool lacks_numbers, const char *line)
{
    struct sim_participant_config config = sim_participant_config_default("learner");
    config.lacks_rtx = lacks_rtx;
    config.lacks_numbers = lacks_numbers;
    int learner = sim_enter_with(sim, &config);
    sim_link_set(sim, learner, line);
    sim_wait_connected(sim);
    return learner;
}

static void see_most_pictures_at_five_percent_loss(struct sim *sim, bool lacks_numbers)
{
    int trainer = sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    int learner = enter(sim, true, lacks_numbers, "delay 30ms\ndown rate 20M loss 5%");
    sim_run_for(sim, SECONDS(5));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(30));
    assert_in_range(sim_screen(sim, learner).frames, 295, 303);
    assert_true(sim_screen(sim, learner).longest_freeze_us < MILLISECONDS(500));
    assert_true(sim_key_frame_requests(sim, trainer) < 3);
    struct relay_stats stats = sim_relay_stats(sim);
    assert_true(stats.retransmitted > 50);
    assert_int_equal(stats.drops[DROP_SEAL_FAILED], 0); /* each was the very packet */
}

static void who_knows_no_rtx_sees_the_screen_at_five_percent_loss(struct sim *sim)
{
    see_most_pictures_at_five_percent_loss(sim, false);
}

static void who_knows_neither_rtx_nor_numbers_sees_it_as_well(struct sim *sim)
{
    see_most_pictures_at_five_percent_loss(sim, true);
}

/* Paced, thinned and whole again: from whatever source, and however it was numbered. */
static void see_only_the_very_packets_again(struct sim *sim, bool lacks_numbers)
{
    sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    int learner = enter(sim, true, lacks_numbers,
                        "delay 30ms\ndown rate 500k queue 300ms loss 5%\n"
                        "at 20 down rate 5M queue 200ms loss 5%\n"
                        "at 40 down rate 300k queue 300ms loss 5%\n"
                        "at 60 down rate 20M queue 200ms loss 5%");
    sim_run_for(sim, SECONDS(85));
    struct relay_stats stats = sim_relay_stats(sim);
    assert_true(stats.retransmitted > 20);
    assert_int_equal(stats.drops[DROP_SEAL_FAILED], 0);
    assert_true(sim_screen(sim, learner).frames > 150);
}

static void a_line_that_changes_is_sent_no_other_packet_under_a_number(struct sim *sim)
{
    see_only_the_very_packets_again(sim, false);
}

static void nor_is_one_whose_reports_alone_tell_of_it(struct sim *sim)
{
    see_only_the_very_packets_again(sim, true);
}

/* No stream to send padding on: what shows it are the stills themselves. */
static void who_knows_no_rtx_sees_it_move_again_soon_after_a_dip(struct sim *sim)
{
    sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    int learner = enter(sim, true, false,
                        "delay 30ms\ndown rate 500k queue 300ms loss 5%\n"
                        "at 20 down rate 5M queue 200ms loss 5%");
    sim_run_for(sim, SECONDS(40));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(10));
    assert_in_range(sim_screen(sim, learner).frames, 95, 103);
}

static void receiver_reports_alone_see_that_a_dip_is_over(struct sim *sim)
{
    int trainer = sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    int learner = enter(sim, false, true,
                        "delay 20ms\ndown rate 3M queue 200ms\nat 15 down rate 400k queue 200ms\n"
                        "at 45 down rate 3M queue 200ms");
    sim_run_for(sim, SECONDS(55));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(10));
    assert_in_range(sim_screen(sim, learner).frames, 97, 103);
    assert_true(sim_screen_delay_us(sim, learner, 0.95) < MILLISECONDS(150));
    (void)trainer;
}

/* --- The rows of the table in docs/quality.md, for clients of other kinds */

struct foreign_case {
    const char *line;
    double concealed; /* percent, at most, from two seconds after the join on */
    usec_t median_us, freeze_us;
    int never;
};

static void check_cases(struct sim *sim, struct sim_participant_config trainer,
                        struct sim_participant_config learner, const struct foreign_case *cases,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct foreign_case *c = &cases[i];
        struct sim_lecture_config config = {
            .trainer = trainer, .learner = learner, .line = c->line, .duration = SECONDS(60)};
        struct sim_lecture l = sim_lecture_hold(sim, &config);
        sim_lecture_print(strchr(c->line, '\n') + 1, &l);
        assert_true(l.later_concealed <= c->concealed);
        assert_in_range(l.slides.never, 0, c->never);
        assert_in_range(l.slides.median_us, 1, c->median_us);
        assert_in_range(l.freeze_us, 1, c->freeze_us);
        assert_in_range(l.requests, 0, 7); /* on its account: one in ten seconds */
    }
}

#define CLEAN "delay 10ms\ndown rate 20M"
#define LOSS_5 "delay 30ms\ndown rate 20M loss 5%"
#define LOSS_10 "delay 30ms\ndown rate 20M loss 10%"
#define BURSTS "delay 30ms\ndown rate 20M burst-loss 5% burst-length 4"
#define JITTER "delay 50ms\ndown rate 20M jitter 40ms"
#define RATE_1M "delay 20ms\ndown rate 1M queue 200ms"
#define RATE_300K "delay 20ms\ndown rate 300k queue 300ms"
#define DIP                                                                                        \
    "delay 20ms\ndown rate 3M queue 200ms\nat 18 down rate 400k queue 200ms\n"                     \
    "at 48 down rate 3M queue 200ms"

static void feedback_four_times_a_second_is_enough(struct sim *sim)
{
    static const struct foreign_case cases[] = {
        {LOSS_5, 0.3, MILLISECONDS(230), SECONDS(1), 0},
        {LOSS_10, 1, MILLISECONDS(390), MILLISECONDS(1500), 0},
        {BURSTS, 1.5, MILLISECONDS(300), MILLISECONDS(1500), 0},
        {JITTER, 0.1, MILLISECONDS(350), SECONDS(1), 0},
        {RATE_1M, 0.3, MILLISECONDS(700), SECONDS(1), 0},
        {RATE_300K, 0.5, MILLISECONDS(1200), SECONDS(4), 0},
        {DIP, 0.5, MILLISECONDS(1200), SECONDS(4), 0},
    };
    struct sim_participant_config learner = sim_participant_config_default("learner");
    learner.feedback_us = MILLISECONDS(250);
    check_cases(sim, sim_lecture_page(), learner, cases, sizeof cases / sizeof cases[0]);
}

/* Losses and jitter are nothing to know the line's width for; where it is narrow, the first second
 * goes out before any report. */
static void reports_alone_are_enough(struct sim *sim)
{
    static const struct foreign_case cases[] = {
        {LOSS_5, 0.3, MILLISECONDS(230), SECONDS(1), 0},
        {LOSS_10, 1, MILLISECONDS(390), SECONDS(1), 0},
        {BURSTS, 1.5, MILLISECONDS(300), SECONDS(6), 0},
        {JITTER, 0.1, MILLISECONDS(350), SECONDS(1), 0},
        {RATE_1M, 2, MILLISECONDS(700), SECONDS(12), 0},
        {RATE_300K, 1, SECONDS(2), SECONDS(16), 0},
    };
    struct sim_participant_config learner = sim_participant_config_default("learner");
    learner.lacks_numbers = true;
    check_cases(sim, sim_lecture_page(), learner, cases, sizeof cases / sizeof cases[0]);
    learner.lacks_rtx = true; /* behind 300 kbit/s too much comes in vain */
    check_cases(sim, sim_lecture_page(), learner, cases, sizeof cases / sizeof cases[0] - 1);
}

/* Of what is lost nothing comes again: on lines that lose nothing it lacks nothing. */
static void
who_knows_neither_nack_nor_redundancy_is_served_on_a_line_without_losses(struct sim *sim)
{
    static const struct foreign_case cases[] = {
        {CLEAN, 0.1, MILLISECONDS(175), SECONDS(1), 0},
        {JITTER, 0.1, MILLISECONDS(350), SECONDS(1), 0},
    };
    struct sim_participant_config learner = sim_participant_config_default("learner");
    learner.lacks_nack = learner.lacks_rtx = learner.lacks_red = true;
    check_cases(sim, sim_lecture_page(), learner, cases, sizeof cases / sizeof cases[0]);
    learner.lacks_numbers = true;
    check_cases(sim, sim_lecture_page(), learner, cases, sizeof cases / sizeof cases[0]);
}

/* What a receiver says of its line is as much as it is given, or a little more. */
static void say_what_the_line_carries(struct sim *sim, enum headless_remb_kind kind)
{
    static const struct foreign_case cases[] = {
        {CLEAN, 0.1, MILLISECONDS(175), SECONDS(1), 0},
        {JITTER, 0.1, MILLISECONDS(350), SECONDS(1), 0},
        {LOSS_5, 0.3, MILLISECONDS(230), SECONDS(1), 0},
    };
    static const char *narrow[] = {RATE_1M, DIP};
    struct sim_participant_config learner = sim_participant_config_default("learner");
    learner.lacks_numbers = true;
    learner.remb = kind;
    check_cases(sim, sim_lecture_page(), learner, cases, sizeof cases / sizeof cases[0]);
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        struct sim_lecture_config config = {.trainer = sim_lecture_page(),
                                            .learner = learner,
                                            .line = narrow[i],
                                            .duration = SECONDS(60)};
        struct sim_lecture l = sim_lecture_hold(sim, &config);
        sim_lecture_print(strchr(narrow[i], '\n') + 1, &l);
        assert_true(l.later_concealed <= 2);
        assert_int_equal(l.slides.never, 0);
        assert_in_range(l.slides.median_us, 1, MILLISECONDS(1200));
    }
}

static void who_says_what_its_line_carries_gets_no_less_for_it(struct sim *sim)
{
    say_what_the_line_carries(sim, HEADLESS_REMB_HOLDS);
}

static void nor_does_who_says_little_of_a_line_with_little_on_it(struct sim *sim)
{
    say_what_the_line_carries(sim, HEADLESS_REMB_FOLLOWS);
}

static void who_says_50_kbps_whatever_comes_is_sent_no_more(struct sim *sim)
{
    struct sim_lecture_config config = {.trainer = sim_lecture_page(),
                                        .learner = sim_participant_config_default("learner"),
                                        .line = CLEAN,
                                        .duration = SECONDS(60)};
    config.learner.lacks_numbers = true;
    config.learner.remb = HEADLESS_REMB_50_KBPS;
    struct sim_lecture l = sim_lecture_hold(sim, &config);
    sim_lecture_print("REMB of 50 kbit/s", &l);
    assert_in_range(l.down_bps, 20000, 80000); /* with what it was sent before it was believed */
    assert_true(l.later_concealed <= 0.1);
}

/* Ten wishes a second, whatever it sees: neither the trainer nor its own voice pays for them. */
static void who_wishes_for_key_frames_all_the_time_harms_nobody(struct sim *sim)
{
    static const struct foreign_case cases[] = {
        {LOSS_5, 0.3, MILLISECONDS(400), SECONDS(2), 0},
        {JITTER, 0.3, MILLISECONDS(350), SECONDS(2), 0},
        {RATE_1M, 0.3, MILLISECONDS(600), SECONDS(2), 0},
    };
    struct sim_participant_config learner = sim_participant_config_default("learner");
    learner.pli_us = MILLISECONDS(100);
    check_cases(sim, sim_lecture_page(), learner, cases, sizeof cases / sizeof cases[0]);
}

/* Some players do so for ever. */
static void who_wishes_though_all_is_well_sees_each_picture_once(struct sim *sim)
{
    static const char *lines[] = {CLEAN, JITTER};
    struct sim_lecture_config config = {.trainer = sim_lecture_page(),
                                        .learner = sim_participant_config_default("learner"),
                                        .duration = SECONDS(60)};
    config.learner.pli_us = MILLISECONDS(500);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        config.line = lines[i];
        struct sim_lecture l = sim_lecture_hold(sim, &config);
        sim_lecture_print(strchr(config.line, '\n') + 1, &l);
        assert_in_range(l.frames, 298, 303);
        assert_in_range(l.requests, 0, 5); /* one in 20 s, and the first */
        assert_in_range(l.slides.never, 0, 0);
        assert_true(l.freeze_us < SECONDS(1));
    }
}

/* As WHIP publishers have it: one encoding, with temporal layers or without. Its slides come as the
 * line can take them, and voice as ever. */
static void a_publisher_of_one_encoding_is_heard_as_any_other(struct sim *sim)
{
    static const struct foreign_case cases[] = {
        {LOSS_5, 0.3, MILLISECONDS(1500), SECONDS(2), 0},
        {LOSS_10, 1, MILLISECONDS(1500), SECONDS(2), 0},
        {BURSTS, 1.5, MILLISECONDS(1500), SECONDS(2), 0},
        {JITTER, 0.1, MILLISECONDS(1500), SECONDS(1), 0},
        {RATE_1M, 0.3, SECONDS(3), SECONDS(4), 1},
    };
    struct sim_participant_config learner = sim_participant_config_default("learner");
    struct sim_participant_config trainer = sim_lecture_plain();
    check_cases(sim, trainer, learner, cases, sizeof cases / sizeof cases[0]);
    trainer.screen[0].has_layers = true;
    check_cases(sim, trainer, learner, cases, sizeof cases / sizeof cases[0]);
}

static void who_comes_and_goes_each_second_is_noticed_by_nobody(struct sim *sim)
{
    struct sim_participant_config config = sim_lecture_page();
    int trainer = sim_enter_with(sim, &config), learner = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(12));
    sim_forget(sim);
    for (int second = 0; second < 30; second++) {
        int guest = sim_enter(sim, "learner");
        sim_run_for(sim, SECONDS(1));
        assert_true(sim_voice(sim, guest, trainer).packets > 20);
        assert_in_range(sim_screen(sim, guest).first_frame_us, 1, MILLISECONDS(600));
        sim_leave(sim, guest);
    }
    assert_int_equal(sim_voice(sim, learner, trainer).concealed, 0);
    assert_in_range(sim_screen(sim, learner).frames, 149, 151);
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(who_knows_no_rtx_sees_the_screen_at_five_percent_loss),
        SIM_TEST(who_knows_neither_rtx_nor_numbers_sees_it_as_well),
        SIM_TEST(a_line_that_changes_is_sent_no_other_packet_under_a_number),
        SIM_TEST(nor_is_one_whose_reports_alone_tell_of_it),
        SIM_TEST(who_knows_no_rtx_sees_it_move_again_soon_after_a_dip),
        SIM_TEST(receiver_reports_alone_see_that_a_dip_is_over),
        SIM_TEST(feedback_four_times_a_second_is_enough),
        SIM_TEST(reports_alone_are_enough),
        SIM_TEST(who_knows_neither_nack_nor_redundancy_is_served_on_a_line_without_losses),
        SIM_TEST(who_says_what_its_line_carries_gets_no_less_for_it),
        SIM_TEST(who_says_50_kbps_whatever_comes_is_sent_no_more),
        SIM_TEST(nor_does_who_says_little_of_a_line_with_little_on_it),
        SIM_TEST(who_wishes_for_key_frames_all_the_time_harms_nobody),
        SIM_TEST(who_wishes_though_all_is_well_sees_each_picture_once),
        SIM_TEST(a_publisher_of_one_encoding_is_heard_as_any_other),
        SIM_TEST(who_comes_and_goes_each_second_is_noticed_by_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
