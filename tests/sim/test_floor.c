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

#define TURNS 50

/* What comes first in a turn is late by chance; if the time stamps of all that follows ran ahead of
 * the wall by it, players would play later with every turn. */
static void after_fifty_turns_time_stamps_stand_to_the_wall_as_in_the_first(struct sim *sim)
{
    sim_enter(sim, "trainer");
    int learner = sim_enter(sim, "learner"), other = sim_enter(sim, "learner");
    uint32_t first = 0;
    sim_wait_connected(sim);
    sim_link_set(sim, learner, "delay 50ms\nup jitter 40ms");
    for (int turn = 0; turn < TURNS; turn++) {
        sim_forget(sim);
        sim_give_floor(sim, learner);
        sim_run_for(sim, SECONDS(1));
        sim_take_floor(sim, learner);
        sim_run_for(sim, MILLISECONDS(700) + (usec_t)sim_draw(sim, SECONDS(1)));
        struct sim_voice voice = sim_voice(sim, other, learner);
        assert_true(voice.packets > 25);
        first = turn == 0 ? voice.first_behind_ticks : first;
        int32_t moved_ms = (int32_t)(voice.first_behind_ticks - first) / 48;
        assert_true(moved_ms > -20 && moved_ms < 20);
    }
}

static void after_fifty_turns_time_stamps_stand_so_on_another_shard_as_well(struct sim *sim)
{
    after_fifty_turns_time_stamps_stand_to_the_wall_as_in_the_first(sim);
}

static void speak_in_private(struct sim *sim, int trainer, int learner)
{
    char text[80];
    snprintf(text, sizeof text, "{\"type\":\"aside_start\",\"id\":91,\"participant\":\"%llu\"}",
             (unsigned long long)sim_participant(sim, learner)->id);
    sim_say(sim, trainer, text);
}

static void two_who_speak_in_private_hear_each_other_and_nobody_else_hears_either(struct sim *sim)
{
    struct sim_participant_config talks = sim_participant_config_default("learner");
    talks.ignores_floor = true;
    int trainer = sim_enter(sim, "trainer");
    int learner = sim_enter_with(sim, &talks), others[2];
    for (int i = 0; i < 2; i++)
        others[i] = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_say(sim, trainer, "{\"type\":\"mode_set\",\"id\":90,\"mode\":\"practical\"}");
    sim_run_for(sim, SECONDS(2));
    speak_in_private(sim, trainer, learner);
    sim_run_for(sim, SECONDS(1));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(5));
    assert_in_range(sim_voice(sim, learner, trainer).packets, 249, 251);
    assert_in_range(sim_voice(sim, trainer, learner).packets, 249, 251);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sim_voice(sim, others[i], trainer).packets, 0);
        assert_int_equal(sim_voice(sim, others[i], learner).packets, 0);
        assert_in_range(sim_screen(sim, others[i]).frames, 48, 52); /* the screen goes on */
    }
    sim_say(sim, trainer, "{\"type\":\"aside_stop\",\"id\":92}");
    sim_run_for(sim, SECONDS(1));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(2));
    assert_in_range(sim_voice(sim, others[0], trainer).packets, 99, 101);
    assert_in_range(sim_voice(sim, learner, trainer).packets, 99, 101);
    assert_int_equal(sim_voice(sim, trainer, learner).packets, 0);
}

static void two_on_different_shards_speak_in_private_as_well(struct sim *sim)
{
    two_who_speak_in_private_hear_each_other_and_nobody_else_hears_either(sim);
}

static void a_private_word_outlives_restarts_of_either_service(struct sim *sim)
{
    int trainer = sim_enter(sim, "trainer"), learner = sim_enter(sim, "learner");
    int other = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_say(sim, trainer, "{\"type\":\"mode_set\",\"id\":90,\"mode\":\"practical\"}");
    sim_run_for(sim, SECONDS(1));
    speak_in_private(sim, trainer, learner);
    sim_run_for(sim, SECONDS(1));
    sim_forget(sim);
    sim_kill_signaling(sim);
    sim_run_for(sim, SECONDS(2));
    sim_start_signaling(sim);
    sim_run_for(sim, SECONDS(5));
    assert_in_range(sim_voice(sim, learner, trainer).packets, 348, 352); /* nothing was missed */
    assert_int_equal(sim_voice(sim, other, trainer).packets, 0);
    sim_kill_relay(sim);
    sim_run_for(sim, SECONDS(1));
    sim_start_relay(sim);
    sim_run_for(sim, SECONDS(5));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(2));
    assert_in_range(sim_voice(sim, learner, trainer).packets, 99, 101);
    assert_int_equal(sim_voice(sim, other, trainer).packets, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_learner_is_heard_within_a_tenth_of_a_second_of_the_grant),
        SIM_TEST(nothing_is_heard_of_who_has_not_got_the_floor_whatever_its_page_sends),
        SIM_TEST(nothing_is_heard_after_the_floor_is_taken),
        SIM_TEST(three_learners_with_the_floor_are_heard_beside_the_trainer),
        SIM_TEST(after_fifty_turns_time_stamps_stand_to_the_wall_as_in_the_first),
        SIM_TEST_ON(after_fifty_turns_time_stamps_stand_so_on_another_shard_as_well, 2),
        SIM_TEST(two_who_speak_in_private_hear_each_other_and_nobody_else_hears_either),
        SIM_TEST_ON(two_on_different_shards_speak_in_private_as_well, 2),
        SIM_TEST(a_private_word_outlives_restarts_of_either_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
