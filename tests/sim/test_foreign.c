/* Learners that are not our page: without RTX, without transport-wide feedback. */
#include "sim/sim_test.h"

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
    int learner = enter(sim, getenv("HASRTX") == NULL, lacks_numbers,
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(who_knows_no_rtx_sees_the_screen_at_five_percent_loss),
        SIM_TEST(who_knows_neither_rtx_nor_numbers_sees_it_as_well),
        SIM_TEST(a_line_that_changes_is_sent_no_other_packet_under_a_number),
        SIM_TEST(nor_is_one_whose_reports_alone_tell_of_it),
        SIM_TEST(receiver_reports_alone_see_that_a_dip_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
