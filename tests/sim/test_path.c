/* What becomes of a participant's path: it moves, falls silent, is asked for anew. */
#include "sim/sim_test.h"

static void begin(struct sim *sim, int *trainer, int *learner)
{
    *trainer = sim_enter(sim, "trainer");
    *learner = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    sim_forget(sim);
}

static void in_five_seconds_all_arrives(struct sim *sim, int trainer, int learner)
{
    sim_forget(sim);
    sim_run_for(sim, SECONDS(5));
    assert_in_range(sim_voice(sim, learner, trainer).packets, 249, 251);
    assert_in_range(sim_screen(sim, learner).frames, 49, 51);
}

static void a_learner_whose_address_changes_hears_again_with_its_next_check(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_move(sim, learner);
    sim_run_for(sim, SECONDS(6));
    assert_true(sim_voice(sim, learner, trainer).longest_gap_us < MILLISECONDS(3200));
    assert_int_equal(sim_participant(sim, learner)->peer.sessions, 1);
    in_five_seconds_all_arrives(sim, trainer, learner);
}

static void a_trainer_whose_address_changes_is_heard_by_all_again(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_move(sim, trainer);
    sim_run_for(sim, SECONDS(6));
    assert_true(sim_voice(sim, learner, trainer).longest_gap_us < MILLISECONDS(3200));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(5));
    assert_in_range(sim_voice(sim, learner, trainer).packets, 249, 251);
}

static void a_line_that_is_dead_for_ten_seconds_goes_on_where_it_was(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_link_set(sim, learner, "loss 100%\nat 10 loss 0%");
    sim_run_for(sim, SECONDS(8));
    assert_int_equal(sim_told(sim, trainer, "person_left"), 0);
    sim_run_for(sim, SECONDS(7));
    assert_int_equal(sim_participant(sim, learner)->peer.sessions, 1);
    in_five_seconds_all_arrives(sim, trainer, learner);
}

/* Its socket lives: it is told, and makes a new connection. */
static void half_a_minute_of_silence_ends_a_transport_and_a_new_one_is_made(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_link_block_media(sim, learner, true);
    sim_run_for(sim, SECONDS(28));
    assert_int_equal(sim_told(sim, learner, "media_reset"), 0);
    sim_run_for(sim, SECONDS(4));
    assert_int_equal(sim_told(sim, learner, "media_reset"), 1);
    sim_link_block_media(sim, learner, false);
    sim_run_for(sim, SECONDS(5));
    assert_int_equal(sim_participant(sim, learner)->peer.sessions, 2);
    sim_forget(sim);
    sim_run_for(sim, SECONDS(5));
    assert_in_range(sim_voice(sim, learner, trainer).packets, 249, 251);
}

static void an_ice_restart_loses_not_a_packet(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    for (int i = 0; i < 3; i++) {
        sim_restart_ice(sim, learner);
        sim_restart_ice(sim, trainer);
        sim_run_for(sim, SECONDS(10));
    }
    assert_in_range(sim_voice(sim, learner, trainer).packets, 1499, 1501);
    assert_int_equal(sim_voice(sim, learner, trainer).concealed, 0);
    assert_in_range(sim_screen(sim, learner).frames, 299, 301);
    assert_int_equal(sim_participant(sim, learner)->peer.sessions, 1);
    assert_false(sim_participant(sim, learner)->peer.is_restarting);
}

/* The relay sends to where media last came from: a listener's next report. */
static void an_ice_restart_brings_a_learner_that_moved_back_with_its_next_report(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_move(sim, learner);
    sim_restart_ice(sim, learner);
    sim_run_for(sim, SECONDS(5));
    assert_true(sim_voice(sim, learner, trainer).longest_gap_us < MILLISECONDS(1200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_learner_whose_address_changes_hears_again_with_its_next_check),
        SIM_TEST(a_trainer_whose_address_changes_is_heard_by_all_again),
        SIM_TEST(a_line_that_is_dead_for_ten_seconds_goes_on_where_it_was),
        SIM_TEST(half_a_minute_of_silence_ends_a_transport_and_a_new_one_is_made),
        SIM_TEST(an_ice_restart_loses_not_a_packet),
        SIM_TEST(an_ice_restart_brings_a_learner_that_moved_back_with_its_next_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
