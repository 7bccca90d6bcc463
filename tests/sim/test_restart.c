/* Either service may be killed at any time. */
#include "sim/sim_test.h"

struct people {
    int trainer, speaker, listener;
};

/* A trainer and a learner with the floor are heard by another learner. */
static struct people begin(struct sim *sim)
{
    struct people p;
    p.trainer = sim_enter(sim, "trainer");
    p.speaker = sim_enter(sim, "learner");
    p.listener = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_give_floor(sim, p.speaker);
    sim_run_for(sim, SECONDS(2));
    sim_forget(sim);
    return p;
}

static void assert_all_is_well(struct sim *sim, struct people p)
{
    sim_forget(sim);
    sim_run_for(sim, SECONDS(5));
    assert_in_range(sim_voice(sim, p.listener, p.trainer).packets, 249, 251);
    assert_in_range(sim_voice(sim, p.listener, p.speaker).packets, 249, 251);
    assert_int_equal(sim_voice(sim, p.listener, p.trainer).concealed, 0);
    assert_in_range(sim_screen(sim, p.listener).frames, 49, 51);
}

static void no_packet_is_lost_while_signaling_dies_and_comes_back(struct sim *sim)
{
    struct people p = begin(sim);
    sim_kill_signaling(sim);
    sim_run_for(sim, SECONDS(3));
    sim_start_signaling(sim);
    sim_run_for(sim, SECONDS(7));
    assert_in_range(sim_voice(sim, p.listener, p.trainer).packets, 499, 501);
    assert_in_range(sim_voice(sim, p.listener, p.speaker).packets, 499, 501);
    assert_int_equal(sim_voice(sim, p.listener, p.trainer).concealed, 0);
    assert_in_range(sim_screen(sim, p.listener).frames, 99, 101);
    assert_int_equal(sim_told(sim, p.listener, "media_reset"), 0);
    assert_int_equal(sim_told(sim, p.listener, "welcome"), 1); /* it has resumed */
    assert_int_equal(sim_participant(sim, p.listener)->peer.sessions, 1);
}

static void signaling_that_came_back_rules_the_floor_as_before(struct sim *sim)
{
    struct people p = begin(sim);
    sim_kill_signaling(sim);
    sim_run_for(sim, SECONDS(1));
    sim_start_signaling(sim);
    sim_run_for(sim, SECONDS(8));
    usec_t began = sim_now(sim);
    sim_take_floor(sim, p.speaker);
    sim_run_for(sim, SECONDS(2));
    assert_true(sim_voice(sim, p.listener, p.speaker).last_sent_at < began + MILLISECONDS(20));
    sim_give_floor(sim, p.speaker);
    sim_run_for(sim, SECONDS(1));
    assert_all_is_well(sim, p);
}

static void a_relay_that_died_is_rebuilt_and_everybody_is_heard_again(struct sim *sim)
{
    struct people p = begin(sim);
    sim_kill_relay(sim);
    sim_run_for(sim, SECONDS(1));
    sim_start_relay(sim);
    sim_run_for(sim, SECONDS(4));
    assert_true(sim_voice(sim, p.listener, p.trainer).longest_gap_us < SECONDS(3));
    assert_int_equal(sim_told(sim, p.listener, "media_reset"), 1);
    assert_int_equal(sim_participant(sim, p.listener)->peer.sessions, 2);
    assert_all_is_well(sim, p);
}

static void a_relay_that_dies_twice_is_rebuilt_twice(struct sim *sim)
{
    struct people p = begin(sim);
    for (int i = 0; i < 2; i++) {
        sim_kill_relay(sim);
        sim_run_for(sim, MILLISECONDS(300));
        sim_start_relay(sim);
        sim_run_for(sim, MILLISECONDS(700));
    }
    sim_run_for(sim, SECONDS(5));
    assert_all_is_well(sim, p);
}

static void both_services_die_and_the_class_goes_on(struct sim *sim)
{
    struct people p = begin(sim);
    sim_kill_signaling(sim);
    sim_kill_relay(sim);
    sim_run_for(sim, SECONDS(2));
    sim_start_relay(sim);
    sim_start_signaling(sim);
    sim_run_for(sim, SECONDS(10));
    assert_all_is_well(sim, p);
}

static void media_goes_on_while_the_control_link_is_cut(struct sim *sim)
{
    struct people p = begin(sim);
    sim_control_set(sim, SIM_CONTROL_CUT);
    sim_run_for(sim, SECONDS(5));
    sim_control_set(sim, SIM_CONTROL_MENDED);
    sim_run_for(sim, SECONDS(5));
    assert_in_range(sim_voice(sim, p.listener, p.trainer).packets, 499, 501);
    assert_int_equal(sim_voice(sim, p.listener, p.trainer).concealed, 0);
    assert_int_equal(sim_told(sim, p.listener, "media_reset"), 0);
    assert_all_is_well(sim, p);
}

static void a_control_link_that_falls_silent_is_noticed_and_replaced(struct sim *sim)
{
    struct people p = begin(sim);
    sim_control_set(sim, SIM_CONTROL_SILENT);
    sim_run_for(sim, SECONDS(6));
    assert_false(sim_control_is_up(sim));
    sim_control_set(sim, SIM_CONTROL_MENDED);
    sim_run_for(sim, SECONDS(3));
    assert_true(sim_control_is_up(sim));
    assert_all_is_well(sim, p);
}

static void what_changed_while_the_control_link_was_cut_is_made_up_for(struct sim *sim)
{
    struct people p = begin(sim);
    sim_control_set(sim, SIM_CONTROL_CUT);
    sim_run_for(sim, SECONDS(1));
    sim_take_floor(sim, p.speaker);
    sim_give_floor(sim, p.listener);
    sim_leave(sim, p.speaker);
    sim_run_for(sim, SECONDS(3));
    sim_control_set(sim, SIM_CONTROL_MENDED);
    sim_run_for(sim, SECONDS(3));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(2));
    assert_in_range(sim_voice(sim, p.trainer, p.listener).packets, 99, 101);
    assert_int_equal(sim_voice(sim, p.trainer, p.speaker).packets, 0);
}

static void who_joins_while_the_relay_is_away_is_let_in_when_it_is_back(struct sim *sim)
{
    struct people p = begin(sim);
    sim_kill_relay(sim);
    sim_run_for(sim, SECONDS(1));
    int late = sim_enter(sim, "learner");
    sim_run_for(sim, SECONDS(1));
    sim_start_relay(sim);
    sim_run_for(sim, SECONDS(8));
    assert_all_is_well(sim, p);
    assert_in_range(sim_voice(sim, late, p.trainer).packets, 249, 251);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(no_packet_is_lost_while_signaling_dies_and_comes_back),
        SIM_TEST(signaling_that_came_back_rules_the_floor_as_before),
        SIM_TEST(a_relay_that_died_is_rebuilt_and_everybody_is_heard_again),
        SIM_TEST(a_relay_that_dies_twice_is_rebuilt_twice),
        SIM_TEST(both_services_die_and_the_class_goes_on),
        SIM_TEST(media_goes_on_while_the_control_link_is_cut),
        SIM_TEST(a_control_link_that_falls_silent_is_noticed_and_replaced),
        SIM_TEST(what_changed_while_the_control_link_was_cut_is_made_up_for),
        SIM_TEST(who_joins_while_the_relay_is_away_is_let_in_when_it_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
