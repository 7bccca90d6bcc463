#include "sim/sim_test.h"

static void a_learner_hears_and_sees_the_trainer_within_half_a_second(struct sim *sim)
{
    int trainer = sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    int learner = sim_enter(sim, "learner");
    sim_run_for(sim, SECONDS(3));
    usec_t voice =
        sim_voice(sim, learner, trainer).first_at - sim_participant(sim, learner)->entered_at;
    assert_true(sim_voice(sim, learner, trainer).first_at > 0);
    assert_in_range(voice, 1, MILLISECONDS(500));
    assert_in_range(sim_screen(sim, learner).first_frame_us, 1, MILLISECONDS(500));
}

/* Key frames come now and then, and not because somebody does. */
static void who_comes_late_sees_the_screen_at_once_and_the_trainer_is_not_asked(struct sim *sim)
{
    struct sim_participant_config config = sim_participant_config_default("trainer");
    config.screen[0] = (struct made_up_screen){.bitrate_bps = 6000,
                                               .fps = 5,
                                               .slide_frames = 25,
                                               .slide_bytes = 19500,
                                               .key_bytes = 50000,
                                               .sharp_after = 1,
                                               .sharpening_bytes = 2500,
                                               .has_layers = true};
    int trainer = sim_enter_with(sim, &config);
    int watcher = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(30));
    uint64_t asked_before = sim_key_frame_requests(sim, trainer);
    usec_t began_at = sim_now(sim);
    for (int i = 0; i < 12; i++) {
        int learner = sim_enter(sim, "learner");
        sim_run_for(sim, SECONDS(3) + (usec_t)sim_draw(sim, SECONDS(2)));
        assert_in_range(sim_screen(sim, learner).first_frame_us, 1, MILLISECONDS(500));
        assert_int_equal(sim_screen(sim, learner).key_frames_asked, 0);
    }
    uint64_t asked = sim_key_frame_requests(sim, trainer) - asked_before;
    assert_in_range(asked, 1, (uint64_t)((sim_now(sim) - began_at) / SECONDS(10)));
    assert_true(sim_screen(sim, watcher).longest_freeze_us < MILLISECONDS(600));
}

/* Many packets, but small ones: no reason to wait for a new key frame. */
static void who_comes_late_to_a_screen_that_hardly_moves_sees_it_at_once(struct sim *sim)
{
    struct sim_participant_config config = sim_participant_config_default("trainer");
    config.screen[0] = (struct made_up_screen){.bitrate_bps = 6000,
                                               .fps = 4,
                                               .slide_frames = 10000,
                                               .slide_bytes = 19500,
                                               .key_bytes = 30000};
    int trainer = sim_enter_with(sim, &config);
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(12) + (usec_t)sim_draw(sim, SECONDS(2)));
    uint64_t asked_before = sim_key_frame_requests(sim, trainer);
    for (int i = 0; i < 5; i++) {
        int learner = sim_enter(sim, "learner");
        sim_run_for(sim, SECONDS(1));
        assert_in_range(sim_screen(sim, learner).first_frame_us, 1, MILLISECONDS(350));
        assert_int_equal(sim_screen(sim, learner).key_frames_asked, 0);
    }
    assert_int_equal(sim_key_frame_requests(sim, trainer), asked_before);
}

/* Its shard has nothing of the screen yet, and the next picture is a long way off. */
static void who_comes_first_to_a_shard_waits_for_no_new_picture(struct sim *sim)
{
    struct sim_participant_config config = sim_participant_config_default("trainer");
    config.screen[0] = (struct made_up_screen){
        .bitrate_bps = 2000, .fps = 1, .slide_frames = 10000, .key_bytes = 30000};
    int trainer = sim_enter_with(sim, &config);
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(6) + (usec_t)sim_draw(sim, SECONDS(2)));
    uint64_t asked_before = sim_key_frame_requests(sim, trainer);
    for (uint32_t i = 0; i < sim_shards(sim); i++) {
        int learner = sim_enter(sim, "learner");
        sim_run_for(sim, MILLISECONDS(1300));
        assert_in_range(sim_screen(sim, learner).first_frame_us, 1, MILLISECONDS(350));
    }
    assert_int_equal(sim_key_frame_requests(sim, trainer), asked_before);
}

static void the_same_seed_gives_the_same_run(struct sim *sim)
{
    static uint64_t seen_seed, seen_digest;
    (void)seen_seed;
    sim_enter(sim, "trainer");
    int learner = sim_enter(sim, "learner");
    sim_link_set(sim, learner, "down loss 5% jitter 5ms\nup loss 5%");
    sim_run_for(sim, SECONDS(5));
    struct sim *again = sim_create(sim_seed(sim), 1);
    sim_enter(again, "trainer");
    sim_enter(again, "learner");
    sim_link_set(again, learner, "down loss 5% jitter 5ms\nup loss 5%");
    sim_run_for(again, SECONDS(5));
    seen_digest = sim_get_digest(again);
    sim_free(again);
    assert_int_equal(seen_digest, sim_get_digest(sim));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_learner_hears_and_sees_the_trainer_within_half_a_second),
        SIM_TEST(who_comes_late_sees_the_screen_at_once_and_the_trainer_is_not_asked),
        SIM_TEST(who_comes_late_to_a_screen_that_hardly_moves_sees_it_at_once),
        SIM_TEST_ON(who_comes_late_to_a_screen_that_hardly_moves_sees_it_at_once, 3),
        SIM_TEST_ON(who_comes_late_sees_the_screen_at_once_and_the_trainer_is_not_asked, 3),
        SIM_TEST_ON(who_comes_first_to_a_shard_waits_for_no_new_picture, 3),
        SIM_TEST(the_same_seed_gives_the_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
