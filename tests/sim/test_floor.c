#include "sim/sim_test.h"

static bool hears(struct sim *sim, void *context)
{
    const int *pair = context; /* listener, speaker */
    return sim_voice(sim, pair[0], pair[1]).packets > 0;
}

static void a_learner_is_heard_within_a_tenth_of_a_second_of_the_grant(struct sim *sim)
{
    int trainer = sim_enter(sim, "trainer");
    int learner = sim_enter(sim, "learner"), other = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    int pair[2] = {other, learner};
    usec_t began = sim_now(sim);
    sim_give_floor(sim, learner);
    assert_true(sim_run_until(sim, SECONDS(1), hears, pair));
    assert_true(sim_now(sim) - began < MILLISECONDS(100));
    pair[0] = trainer;
    assert_true(sim_run_until(sim, MILLISECONDS(40), hears, pair));
}

static void nothing_is_heard_of_who_has_not_got_the_floor_whatever_its_page_sends(struct sim *sim)
{
    struct sim_participant_config tampered = sim_participant_config_default("learner");
    tampered.ignores_floor = tampered.shares = true;
    int trainer = sim_enter(sim, "trainer");
    int learner = sim_enter_with(sim, &tampered), other = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(5));
    assert_int_equal(sim_voice(sim, other, learner).packets, 0);
    assert_int_equal(sim_voice(sim, trainer, learner).packets, 0);
    assert_int_equal(sim_participant(sim, other)->heard[learner].video, 0);
    assert_true(sim_relay_stats(sim).drops[DROP_CLOSED_SLOT] > 250);
}

static void nothing_is_heard_after_the_floor_is_taken(struct sim *sim)
{
    struct sim_participant_config tampered = sim_participant_config_default("learner");
    tampered.ignores_floor = true;
    sim_enter(sim, "trainer");
    int learner = sim_enter_with(sim, &tampered), other = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_give_floor(sim, learner);
    sim_run_for(sim, SECONDS(2));
    assert_true(sim_voice(sim, other, learner).packets > 80);
    usec_t began = sim_now(sim);
    sim_take_floor(sim, learner);
    sim_run_for(sim, SECONDS(5));
    assert_true(sim_voice(sim, other, learner).last_sent_at < began + MILLISECONDS(20));
    sim_give_floor(sim, learner);
    sim_run_for(sim, SECONDS(1));
    assert_true(sim_voice(sim, other, learner).last_at > sim_now(sim) - MILLISECONDS(40));
}

static void three_learners_with_the_floor_are_heard_beside_the_trainer(struct sim *sim)
{
    int trainer = sim_enter(sim, "trainer"), learners[4];
    for (int i = 0; i < 4; i++)
        learners[i] = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    for (int i = 0; i < 2; i++)
        sim_give_floor(sim, learners[i]);
    sim_run_for(sim, SECONDS(1));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(5));
    assert_in_range(sim_voice(sim, learners[3], trainer).packets, 249, 251);
    assert_in_range(sim_voice(sim, learners[3], learners[0]).packets, 249, 251);
    assert_in_range(sim_voice(sim, learners[3], learners[1]).packets, 249, 251);
    assert_int_equal(sim_voice(sim, learners[3], learners[2]).packets, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_learner_is_heard_within_a_tenth_of_a_second_of_the_grant),
        SIM_TEST(nothing_is_heard_of_who_has_not_got_the_floor_whatever_its_page_sends),
        SIM_TEST(nothing_is_heard_after_the_floor_is_taken),
        SIM_TEST(three_learners_with_the_floor_are_heard_beside_the_trainer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
