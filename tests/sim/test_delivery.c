/* "Do they see and hear me?": what the trainer is told of a learner whose line fails, how soon, and
 * that nothing is said of a class that is well. */
#include "sim/sim_test.h"

#define TOLD_WITHIN_US SECONDS(3)
#define HEALED_WITHIN_US SECONDS(10)
#define WIDE_WITHIN_US SECONDS(8)

static void begin(struct sim *sim, int *trainer, int *learner)
{
    *trainer = sim_enter(sim, "trainer");
    *learner = sim_enter(sim, "learner");
    for (int i = 0; i < 3; i++)
        (void)sim_enter(sim, "learner");
    sim_wait_connected(sim);
    /* Cuts fall anywhere between two reports. */
    sim_run_for(sim, SECONDS(8) + (usec_t)sim_draw(sim, SECONDS(2)));
    sim_forget(sim);
}

/* One of them is in the list `key`: `"deaf":["2"]`. */
struct wanted {
    int trainer;
    const char *key;
};

static bool is_listed(const char *event, const char *key)
{
    char open[32], empty[32];
    snprintf(open, sizeof open, "\"%s\":", key);
    snprintf(empty, sizeof empty, "\"%s\":[]", key);
    return strstr(event, open) != NULL && strstr(event, empty) == NULL;
}

static bool says(struct sim *sim, void *context)
{
    const struct wanted *w = context;
    return is_listed(sim_delivery(sim, w->trainer), w->key);
}

static bool says_either(struct sim *sim, void *context)
{
    const struct wanted *w = context;
    const char *event = sim_delivery(sim, w->trainer);
    return is_listed(event, "late") || is_listed(event, "reduced") || is_listed(event, "narrow") ||
           is_listed(event, "poor") || is_listed(event, "deaf");
}

static bool says_all_is_well(struct sim *sim, void *context)
{
    const struct wanted *w = context;
    return strstr(sim_delivery(sim, w->trainer),
                  "\"total\":4,\"ok\":4,\"deaf\":[],\"blind\":[],"
                  "\"reduced\":[],\"narrow\":[],\"unknown\":[]") != NULL;
}

static void expect(struct sim *sim, usec_t within, bool (*is_done)(struct sim *, void *),
                   struct wanted wanted, const char *what)
{
    usec_t from = sim_now(sim);
    bool done = sim_run_until(sim, within, is_done, &wanted);
    print_message("%s: %s after %lld ms: %s\n", what, done ? "told" : "NOT told",
                  (long long)(sim_now(sim) - from) / 1000, sim_delivery(sim, wanted.trainer));
    assert_true(done);
}

static void fail_and_heal(struct sim *sim, const char *fault, const char *cure)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_link_set(sim, learner, fault);
    expect(sim, TOLD_WITHIN_US, says, (struct wanted){trainer, "deaf"}, fault);
    sim_run_for(sim, SECONDS(3));
    sim_link_set(sim, learner, cure);
    expect(sim, HEALED_WITHIN_US, says_all_is_well, (struct wanted){trainer, ""}, cure);
    sim_forget(sim);
    sim_run_for(sim, SECONDS(20));
    assert_int_equal(sim_told(sim, trainer, "delivery"), 0);
}

static void
a_trainer_is_told_within_3_s_whose_downlink_is_cut_and_within_10_that_it_is_back(struct sim *sim)
{
    fail_and_heal(sim, "down loss 100%", "down loss 0%");
}

static bool has_connected(struct sim *sim, void *context)
{
    return sim_is_connected(sim, *(int *)context);
}

/* A join on whose connection nothing has arrived yet. */
static int begin_joining(struct sim *sim, int *trainer)
{
    *trainer = sim_enter(sim, "trainer");
    for (int i = 0; i < 3; i++)
        (void)sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(5));
    int learner = sim_enter(sim, "learner");
    assert_true(sim_run_until(sim, SECONDS(3), has_connected, &learner));
    return learner;
}

/* Its texts come, and what it sends; what the relay sends it vanishes from the first packet on. */
static void a_join_at_which_nothing_arrives_is_not_called_well_but_made_again(struct sim *sim)
{
    int trainer;
    int learner = begin_joining(sim, &trainer);
    sim_link_block_media_down(sim, learner, true);
    for (int tick = 0; tick < 30; tick++) {
        sim_run_for(sim, MILLISECONDS(100));
        assert_null(strstr(sim_delivery(sim, trainer), "\"total\":4,\"ok\":4"));
    }
    expect(sim, SECONDS(5), says, (struct wanted){trainer, "deaf"}, "nothing arrives");
    sim_run_for(sim, MILLISECONDS(500));
    assert_int_equal(sim_told(sim, learner, "media_reset"), 1);
    sim_run_for(sim, SECONDS(10));
    assert_true(says(sim, &(struct wanted){trainer, "deaf"}));
    sim_link_block_media_down(sim, learner, false);
    expect(sim, HEALED_WITHIN_US, says_all_is_well, (struct wanted){trainer, ""}, "mended");
    assert_true(sim_screen(sim, learner).frames > 0);
}

static void
a_join_whose_first_pictures_are_lost_sees_and_is_known_to_see_within_3_s(struct sim *sim)
{
    int trainer;
    int learner = begin_joining(sim, &trainer);
    sim_link_block_media_down(sim, learner, true);
    sim_run_for(sim, MILLISECONDS(700));
    sim_link_block_media_down(sim, learner, false);
    expect(sim, SECONDS(3), says_all_is_well, (struct wanted){trainer, ""}, "first second lost");
    uint64_t frames = sim_screen(sim, learner).frames;
    sim_run_for(sim, SECONDS(2));
    assert_true(sim_screen(sim, learner).frames > frames + 10);
    assert_int_equal(sim_told(sim, learner, "media_reset"), 0);
}

/* What it was sent has come; that it has, the relay learns of the first part alone. */
static void a_join_whose_first_answers_are_lost_sees_and_is_known_to_see_within_3_s(struct sim *sim)
{
    int trainer;
    int learner = begin_joining(sim, &trainer);
    sim_run_for(sim, (usec_t)sim_draw(sim, MILLISECONDS(200)));
    sim_link_set(sim, learner, "up loss 100%");
    sim_run_for(sim, MILLISECONDS(700));
    sim_link_set(sim, learner, "up loss 0%");
    expect(sim, SECONDS(3), says_all_is_well, (struct wanted){trainer, ""}, "answers lost");
    uint64_t frames = sim_screen(sim, learner).frames;
    sim_run_for(sim, SECONDS(2));
    assert_true(sim_screen(sim, learner).frames > frames + 10);
    assert_int_equal(sim_told(sim, learner, "media_reset"), 0);
}

static void nothing_is_known_while_the_relay_is_out_of_reach(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_control_set(sim, SIM_CONTROL_CUT);
    expect(sim, TOLD_WITHIN_US, says, (struct wanted){trainer, "unknown"}, "control link cut");
    assert_non_null(strstr(sim_delivery(sim, trainer), "\"ok\":0,\"deaf\":[]"));
    sim_run_for(sim, SECONDS(5));
    sim_control_set(sim, SIM_CONTROL_MENDED);
    expect(sim, HEALED_WITHIN_US, says_all_is_well, (struct wanted){trainer, ""}, "mended");
}

static void a_trainer_is_told_within_3_s_whose_line_is_cut_both_ways(struct sim *sim)
{
    fail_and_heal(sim, "loss 100%", "loss 0%");
}

/* What a trainer may show: sizes that Chromium's encoder gave to real screens. */
static struct made_up_screen contents[] = {
    {.bitrate_bps = 2000, .fps = 2, .key_bytes = 110000}, /* a still slide: a cursor blinks */
    {.bitrate_bps = 18000,
     .fps = 5,
     .slide_frames = 25,
     .slide_bytes = 30000,
     .key_bytes = 110000,
     .has_layers = true},                                    /* a slide each five seconds */
    {.bitrate_bps = 120000, .fps = 5, .key_bytes = 110000},  /* something moves on it */
    {.bitrate_bps = 300000, .fps = 10},                      /* scrolling */
    {.bitrate_bps = 2500000, .fps = 15, .key_bytes = 60000}, /* a video */
};
#define CONTENTS (sizeof contents / sizeof contents[0])

static struct sim *begin_showing(struct sim *like, size_t content, int *trainer, int *learner)
{
    struct sim *sim = sim_create(sim_seed(like), sim_shards(like));
    struct sim_participant_config config = sim_participant_config_default("trainer");
    config.screen[0] = contents[content];
    *trainer = sim_enter_with(sim, &config);
    *learner = sim_enter(sim, "learner");
    sim_link_set(sim, *learner, "down rate 20M");
    for (int i = 0; i < 3; i++)
        (void)sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(15) + (usec_t)sim_draw(sim, SECONDS(6)));
    return sim;
}

static void a_trainer_is_told_within_3_s_whose_line_falls_to_200_kbit_s(struct sim *like)
{
    for (size_t i = 0; i < CONTENTS; i++) {
        int trainer, learner;
        struct sim *sim = begin_showing(like, i, &trainer, &learner);
        print_message("content %zu, seed %llu\n", i, (unsigned long long)sim_seed(sim));
        assert_true(says_all_is_well(sim, &(struct wanted){trainer, ""}));
        sim_link_set(sim, learner, "down rate 200k queue 300ms");
        expect(sim, TOLD_WITHIN_US, says_either, (struct wanted){trainer, ""}, "200 kbit/s");
        for (int second = 0; second < 10; second++) {
            sim_run_for(sim, SECONDS(1));
            assert_true(says_either(sim, &(struct wanted){trainer, ""}));
        }
        sim_link_set(sim, learner, "down rate 20M");
        expect(sim, WIDE_WITHIN_US, says_all_is_well, (struct wanted){trainer, ""}, "healed");
        sim_forget(sim);
        sim_run_for(sim, SECONDS(20));
        assert_int_equal(sim_told(sim, trainer, "delivery"), 0);
        sim_free(sim);
    }
}

/* Neither what is lost, nor jitter, nor a line on which a slide takes half a second. */
static void a_line_that_is_wide_enough_is_not_called_narrow(struct sim *like)
{
    static const char *const lines[] = {"down rate 20M", "loss 5%", "delay 50ms jitter 40ms",
                                        "down rate 1M queue 200ms",
                                        "delay 30ms jitter 10ms loss 2%\ndown rate 3M"};
    for (size_t i = 0; i < CONTENTS; i++) {
        int trainer, learner;
        struct sim *sim = begin_showing(like, i, &trainer, &learner);
        for (size_t k = 0; k < sizeof lines / sizeof lines[0]; k++)
            sim_link_set(sim, sim_enter(sim, "learner"), lines[k]);
        sim_run_for(sim, SECONDS(5)); /* at first there is a way to catch up with */
        for (int second = 0; second < 25; second++) {
            sim_run_for(sim, SECONDS(1));
            if (is_listed(sim_delivery(sim, trainer), "narrow"))
                print_message("content %zu, seed %llu: %s\n", i, (unsigned long long)sim_seed(sim),
                              sim_delivery(sim, trainer));
            assert_false(is_listed(sim_delivery(sim, trainer), "narrow"));
        }
        sim_free(sim);
    }
}

static void a_healthy_class_of_thirty_has_nothing_said_of_it(struct sim *sim)
{
    int trainer = sim_enter(sim, "trainer");
    for (int i = 0; i < 30; i++)
        (void)sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(5));
    assert_non_null(strstr(sim_delivery(sim, trainer), "\"total\":30,\"ok\":30,"));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(30));
    assert_int_equal(sim_told(sim, trainer, "delivery"), 0);
}

/* What is lost here and there is made good: nobody is called deaf for it. */
static void lines_that_lose_and_tremble_are_not_called_cut(struct sim *sim)
{
    static const char *const lines[] = {"loss 5%", "delay 50ms jitter 40ms", "down loss 8%",
                                        "delay 150ms"};
    int trainer = sim_enter(sim, "trainer");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        sim_link_set(sim, sim_enter(sim, "learner"), lines[i]);
    sim_wait_connected(sim);
    for (int second = 0; second < 40; second++) {
        sim_run_for(sim, SECONDS(1));
        assert_non_null(strstr(sim_delivery(sim, trainer), "\"deaf\":[],"));
    }
    print_message("lossy lines, events: %llu, %s\n",
                  (unsigned long long)sim_told(sim, trainer, "delivery"),
                  sim_delivery(sim, trainer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_trainer_is_told_within_3_s_whose_downlink_is_cut_and_within_10_that_it_is_back),
        SIM_TEST_ON(a_trainer_is_told_within_3_s_whose_line_is_cut_both_ways, 2),
        SIM_TEST(a_join_at_which_nothing_arrives_is_not_called_well_but_made_again),
        SIM_TEST(a_join_whose_first_pictures_are_lost_sees_and_is_known_to_see_within_3_s),
        SIM_TEST(a_join_whose_first_answers_are_lost_sees_and_is_known_to_see_within_3_s),
        SIM_TEST(nothing_is_known_while_the_relay_is_out_of_reach),
        SIM_TEST(a_trainer_is_told_within_3_s_whose_line_falls_to_200_kbit_s),
        SIM_TEST(a_line_that_is_wide_enough_is_not_called_narrow),
        SIM_TEST_ON(a_healthy_class_of_thirty_has_nothing_said_of_it, 2),
        SIM_TEST(lines_that_lose_and_tremble_are_not_called_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
