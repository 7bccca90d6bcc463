#include "sim/sim_test.h"

#define LEARNERS 29

static void enter_class(struct sim *sim, int *trainer, int learners[LEARNERS])
{
    *trainer = sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    for (int i = 0; i < LEARNERS; i++)
        learners[i] = sim_enter(sim, "learner");
    sim_wait_connected(sim);
}

static void a_class_that_comes_in_all_at_once_hears_and_sees_within_a_second(struct sim *sim)
{
    int trainer, learners[LEARNERS];
    enter_class(sim, &trainer, learners);
    sim_run_for(sim, SECONDS(2));
    for (int i = 0; i < LEARNERS; i++) {
        usec_t entered = sim_participant(sim, learners[i])->entered_at;
        struct sim_voice voice = sim_voice(sim, learners[i], trainer);
        assert_true(voice.first_at > 0 && voice.first_at - entered < SECONDS(1));
        assert_in_range(sim_screen(sim, learners[i]).first_frame_us, 1, SECONDS(1));
    }
}

/* As long as the last key frame and what followed fit into one go: slides do. */
static void who_comes_late_sees_the_slides_without_a_word_to_the_trainer(struct sim *sim)
{
    struct sim_participant_config slides = sim_participant_config_default("trainer");
    slides.screen[0].bitrate_bps = 40000;
    slides.screen[0].fps = 2;
    int trainer = sim_enter_with(sim, &slides), learners[LEARNERS];
    sim_wait_connected(sim);
    for (int i = 0; i < LEARNERS; i++)
        learners[i] = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(5));
    sim_forget(sim);
    int late = sim_enter(sim, "learner");
    sim_run_for(sim, SECONDS(2));
    assert_in_range(sim_screen(sim, late).first_frame_us, 1, MILLISECONDS(500));
    assert_int_equal(sim_key_frame_requests(sim, trainer), 0);
    for (int i = 0; i < LEARNERS; i++) { /* nobody else notices */
        assert_int_equal(sim_voice(sim, learners[i], trainer).concealed, 0);
        assert_in_range(sim_screen(sim, learners[i]).frames, 3, 5);
    }
}

static void however_many_come_late_to_a_film_the_trainer_is_asked_once(struct sim *sim)
{
    int trainer, learners[LEARNERS];
    enter_class(sim, &trainer, learners);
    sim_run_for(sim, SECONDS(10));
    sim_forget(sim);
    int late[10];
    for (int i = 0; i < 10; i++)
        late[i] = sim_enter(sim, "learner");
    sim_run_for(sim, SECONDS(2));
    for (int i = 0; i < 10; i++)
        assert_in_range(sim_screen(sim, late[i]).first_frame_us, 1, MILLISECONDS(700));
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 1);
    for (int i = 0; i < LEARNERS; i++)
        assert_in_range(sim_screen(sim, learners[i]).frames, 19, 21);
}

static void one_poor_line_costs_nobody_else_anything(struct sim *sim)
{
    int trainer, learners[LEARNERS];
    enter_class(sim, &trainer, learners);
    sim_run_for(sim, SECONDS(3));
    sim_forget(sim);
    sim_link_set(sim, learners[0], "down loss 30%");
    sim_run_for(sim, SECONDS(10));
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 10); /* one a second at most */
    for (int i = 1; i < LEARNERS; i++) {
        assert_int_equal(sim_voice(sim, learners[i], trainer).concealed, 0);
        assert_in_range(sim_screen(sim, learners[i]).frames, 99, 101);
        assert_true(sim_bytes_down(sim, learners[i]) < 1000000);
    }
}

/* --- Two shards: participants are spread over both */

static void a_class_on_two_shards_hears_and_sees_everything(struct sim *sim)
{
    int trainer, learners[LEARNERS];
    enter_class(sim, &trainer, learners);
    sim_give_floor(sim, learners[0]);
    sim_give_floor(sim, learners[1]);
    sim_run_for(sim, SECONDS(3));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(5));
    bool used[2] = {false, false};
    for (int i = 0; i < LEARNERS; i++) {
        struct net_addr path;
        const struct headless_peer *peer = &sim_participant(sim, learners[i])->peer;
        assert_true(ice_client_get_remote(&peer->ice, sim_now(sim), &path));
        used[path.port - SIM_RELAY_PORT] = true;
        assert_in_range(sim_voice(sim, learners[i], trainer).packets, 249, 251);
        assert_int_equal(sim_voice(sim, learners[i], trainer).concealed, 0);
        if (i > 1)
            assert_in_range(sim_voice(sim, learners[i], learners[0]).packets, 249, 251);
        assert_in_range(sim_screen(sim, learners[i]).frames, 49, 51);
    }
    assert_true(used[0] && used[1]);
    assert_int_equal(sim_relay_stats(sim).drops[DROP_RING_FULL], 0);
}

static void losses_on_either_shard_are_repaired_there(struct sim *sim)
{
    int trainer, learners[LEARNERS];
    enter_class(sim, &trainer, learners);
    sim_run_for(sim, SECONDS(2));
    sim_forget(sim);
    for (int i = 0; i < LEARNERS; i++)
        sim_link_set(sim, learners[i], "down loss 3%");
    sim_run_for(sim, SECONDS(8));
    for (int i = 0; i < LEARNERS; i++)
        sim_link_set(sim, learners[i], "down loss 0%");
    sim_run_for(sim, SECONDS(1));
    /* Three retransmissions of one packet may be lost, once in a long while: a key frame helps. */
    int whole = 0;
    for (int i = 0; i < LEARNERS; i++)
        whole += sim_screen(sim, learners[i]).frames >= 89 ? 1 : 0;
    assert_in_range(whole, LEARNERS - 1, LEARNERS);
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 1);
}

static void key_frame_requests_of_two_shards_reach_the_trainer_as_one(struct sim *sim)
{
    int trainer, learners[LEARNERS];
    enter_class(sim, &trainer, learners);
    sim_run_for(sim, SECONDS(5));
    sim_forget(sim);
    for (int i = 0; i < LEARNERS; i++)
        sim_lose_picture(sim, learners[i]);
    sim_run_for(sim, SECONDS(3));
    for (int i = 0; i < LEARNERS; i++) {
        struct sim_screen screen = sim_screen(sim, learners[i]);
        assert_true(screen.key_frames_asked >= 1);
        assert_int_equal(screen.key_frames, 1);
        assert_true(screen.longest_freeze_us < MILLISECONDS(700));
    }
    assert_int_equal(sim_key_frame_requests(sim, trainer), 1);
}

static void a_class_whose_lines_all_failed_goes_on_from_the_cache(struct sim *sim)
{
    int trainer, learners[LEARNERS];
    enter_class(sim, &trainer, learners);
    sim_run_for(sim, SECONDS(2));
    sim_forget(sim);
    for (int i = 0; i < LEARNERS; i++)
        sim_link_set(sim, learners[i], "down loss 100%\nat 4 down loss 0%");
    sim_run_for(sim, SECONDS(8));
    for (int i = 0; i < LEARNERS; i++)
        assert_true(sim_screen(sim, learners[i]).longest_freeze_us < MILLISECONDS(4500));
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 1);
}

static void a_shard_that_stands_still_is_caught_up_with(struct sim *sim)
{
    int trainer, learners[LEARNERS];
    enter_class(sim, &trainer, learners);
    sim_run_for(sim, SECONDS(2));
    sim_hold_shard(sim, 1, MILLISECONDS(300));
    sim_run_for(sim, SECONDS(3));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(5));
    for (int i = 0; i < LEARNERS; i++) {
        assert_in_range(sim_voice(sim, learners[i], trainer).packets, 249, 251);
        assert_int_equal(sim_voice(sim, learners[i], trainer).concealed, 0);
        assert_in_range(sim_screen(sim, learners[i]).frames, 49, 51);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_class_that_comes_in_all_at_once_hears_and_sees_within_a_second),
        SIM_TEST(who_comes_late_sees_the_slides_without_a_word_to_the_trainer),
        SIM_TEST(however_many_come_late_to_a_film_the_trainer_is_asked_once),
        SIM_TEST(one_poor_line_costs_nobody_else_anything),
        SIM_TEST_ON(a_class_on_two_shards_hears_and_sees_everything, 2),
        SIM_TEST_ON(losses_on_either_shard_are_repaired_there, 2),
        SIM_TEST_ON(key_frame_requests_of_two_shards_reach_the_trainer_as_one, 2),
        SIM_TEST_ON(a_class_whose_lines_all_failed_goes_on_from_the_cache, 2),
        SIM_TEST_ON(a_shard_that_stands_still_is_caught_up_with, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
