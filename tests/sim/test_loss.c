#include "sim/sim_test.h"

/* A trainer and a learner who have been in class for two seconds. */
static void begin(struct sim *sim, int *trainer, int *learner)
{
    *trainer = sim_enter(sim, "trainer");
    *learner = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
}

static double concealed_percent(const struct sim *sim, int listener, int speaker)
{
    struct sim_voice v = sim_voice(sim, listener, speaker);
    return 100.0 * (double)v.concealed / (double)(v.played + v.concealed);
}

static void a_clean_line_conceals_nothing_and_asks_for_nothing(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_forget(sim);
    sim_run_for(sim, SECONDS(20));
    struct sim_voice voice = sim_voice(sim, learner, trainer);
    assert_in_range(voice.packets, 999, 1001);
    assert_int_equal(voice.concealed, 0);
    assert_int_equal(voice.late, 0);
    assert_in_range(sim_screen(sim, learner).frames, 199, 201);
    assert_int_equal(sim_screen(sim, learner).key_frames_asked, 0);
    assert_in_range(sim_screen(sim, learner).longest_freeze_us, 1, MILLISECONDS(101));
    assert_int_equal(sim_relay_stats(sim).retransmitted, 0);
}

static void voice_is_heard_when_a_learners_line_loses_one_packet_in_twenty(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_link_set(sim, learner, "down loss 5%");
    sim_run_for(sim, SECONDS(5)); /* the relay hears of it */
    sim_forget(sim);
    sim_run_for(sim, SECONDS(30));
    assert_true(concealed_percent(sim, learner, trainer) < 0.2);
    assert_true(sim_voice(sim, learner, trainer).longest_gap_us <= MILLISECONDS(40));
}

static void retransmission_completes_each_frame_that_a_learners_line_has_torn(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_forget(sim);
    sim_link_set(sim, learner, "down loss 5%");
    sim_run_for(sim, SECONDS(30));
    sim_link_set(sim, learner, "down loss 0%");
    sim_run_for(sim, SECONDS(1));
    struct sim_screen screen = sim_screen(sim, learner);
    assert_in_range(screen.frames, 309, 311);
    assert_true(screen.longest_freeze_us < MILLISECONDS(700));
    assert_int_equal(sim_key_frame_requests(sim, trainer), 0);
    assert_true(sim_relay_stats(sim).retransmitted > 0);
}

static void what_the_trainers_line_loses_is_asked_for_once_and_every_learner_has_it(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    int second = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(1));
    sim_forget(sim);
    sim_link_set(sim, trainer, "up loss 5%");
    sim_run_for(sim, SECONDS(30));
    sim_link_set(sim, trainer, "up loss 0%");
    sim_run_for(sim, SECONDS(1));
    assert_in_range(sim_screen(sim, learner).frames, 309, 311);
    assert_in_range(sim_screen(sim, second).frames, 309, 311);
    assert_int_equal(sim_key_frame_requests(sim, trainer), 0);
    assert_int_equal(sim_screen(sim, learner).key_frames_asked, 0);
}

static void a_word_that_the_trainers_line_loses_is_asked_for_and_heard(struct sim *sim)
{
    struct sim_participant_config config = sim_participant_config_default("trainer");
    config.repeats_voice = true;
    int trainer = sim_enter_with(sim, &config), learner = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_link_set(sim, trainer, "up loss 5%");
    sim_run_for(sim, SECONDS(5)); /* the first that come late: from then on voice is held longer */
    sim_forget(sim);
    sim_run_for(sim, SECONDS(30));
    struct sim_voice voice = sim_voice(sim, learner, trainer);
    assert_in_range(voice.packets, 1490, 1505);
    assert_true(concealed_percent(sim, learner, trainer) < 0.2);
}

/* Of this voice nothing is asked for again. */
static void words_that_the_trainers_line_loses_are_no_loss_of_the_learners_line(struct sim *sim)
{
    struct sim_participant_config config = sim_participant_config_default("trainer");
    config.shares = false;
    int trainer = sim_enter_with(sim, &config), learner = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(20));
    uint64_t clean_bytes = sim_bytes_down(sim, learner);
    sim_link_set(sim, trainer, "up loss 5%");
    sim_run_for(sim, SECONDS(5));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(20));
    print_message("%llu bytes, %llu before\n", (unsigned long long)sim_bytes_down(sim, learner),
                  (unsigned long long)clean_bytes);
    assert_true(sim_bytes_down(sim, learner) <= clean_bytes);
    sim_link_set(sim, learner, "down loss 5%"); /* this one is */
    sim_run_for(sim, SECONDS(5));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(20));
    assert_true(sim_bytes_down(sim, learner) > clean_bytes * 5 / 4);
}

/* Three seconds after the join the line is known for what it is. */
static double concealed_behind(struct sim *sim, const char *line)
{
    int trainer = sim_enter(sim, "trainer"), learner = sim_enter(sim, "learner");
    sim_link_set(sim, learner, "delay 30ms");
    sim_link_set(sim, learner, line);
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(3));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(40));
    return concealed_percent(sim, learner, trainer);
}

static void bursts_of_four_lost_packets_are_heard_all_the_same(struct sim *sim)
{
    assert_true(concealed_behind(sim, "down burst-loss 5% burst-length 4") < 1);
}

static void bursts_are_heard_on_a_line_that_loses_little_on_average(struct sim *sim)
{
    assert_true(concealed_behind(sim, "down burst-loss 1% burst-length 4") < 1);
}

static void one_packet_in_ten_is_lost_and_every_word_heard(struct sim *sim)
{
    assert_true(concealed_behind(sim, "down loss 10%") < 0.3);
}

static void jitter_without_loss_is_not_taken_for_loss(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_link_set(sim, learner, "delay 60ms jitter 30ms");
    sim_run_for(sim, SECONDS(5));
    sim_forget(sim);
    uint64_t before = sim_relay_stats(sim).retransmitted;
    sim_run_for(sim, SECONDS(20));
    assert_int_equal(sim_relay_stats(sim).retransmitted, before);
    assert_true(concealed_percent(sim, learner, trainer) < 0.5);
    assert_int_equal(sim_key_frame_requests(sim, trainer), 0);
}

static void packets_that_overtake_each_other_are_asked_for_again_seldom(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_link_set(sim, learner, "delay 8ms reorder 5%");
    sim_link_set(sim, trainer, "delay 8ms reorder 5%");
    sim_forget(sim);
    sim_run_for(sim, SECONDS(20));
    assert_in_range(sim_relay_stats(sim).retransmitted, 0, 3);
    assert_int_equal(sim_voice(sim, learner, trainer).concealed, 0);
    assert_in_range(sim_screen(sim, learner).frames, 199, 201);
}

static void duplicates_on_the_way_are_heard_once(struct sim *sim)
{
    int trainer, learner;
    begin(sim, &trainer, &learner);
    sim_link_set(sim, learner, "duplicate 20%");
    sim_link_set(sim, trainer, "duplicate 20%");
    sim_forget(sim);
    sim_run_for(sim, SECONDS(10));
    assert_in_range(sim_voice(sim, learner, trainer).packets, 499, 501);
    assert_in_range(sim_screen(sim, learner).frames, 99, 101);
}

#define CROWD 30
#define CROWD_S 16

static uint64_t bytes_down_of_all(const struct sim *sim, const int *who, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += sim_bytes_down(sim, who[i]);
    return sum;
}

static usec_t worst_voice_delay_us(const struct sim *sim, const int *who, size_t count)
{
    usec_t worst = 0;
    for (size_t i = 0; i < count; i++)
        worst = usec_max(worst, sim_voice_delay_us(sim, who[i], 0.99));
    return worst;
}

static void
when_everybody_loses_one_packet_in_ten_the_relay_sends_a_fifth_more_and_the_trainer_is_left_in_peace(
    struct sim *sim)
{
    struct sim_participant_config config = sim_participant_config_default("trainer");
    config.screen[0].bitrate_bps = 1500000;
    config.screen[0].fps = 15;
    int trainer = sim_enter_with(sim, &config);
    int who[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        who[i] = sim_enter(sim, "learner");
        sim_link_set(sim, who[i], "delay 30ms");
    }
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(5));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(CROWD_S));
    uint64_t clean_bytes = bytes_down_of_all(sim, who, CROWD);
    usec_t clean_us = worst_voice_delay_us(sim, who, CROWD);
    assert_int_equal(sim_key_frame_requests(sim, trainer), 0);
    for (size_t i = 0; i < CROWD; i++)
        sim_link_set(sim, who[i], "down loss 10%");
    sim_run_for(sim, SECONDS(4));
    sim_forget(sim);
    uint64_t asked = 0;
    for (int i = 0; i < CROWD_S / 2; i++) {
        sim_run_for(sim, SECONDS(2));
        uint64_t now = sim_key_frame_requests(sim, trainer);
        assert_true(now - asked <= 2);
        asked = now;
    }
    uint64_t lossy_bytes = bytes_down_of_all(sim, who, CROWD);
    print_message("%.1f %% more is sent, %llu key frames asked for, voice p99 %lld -> %lld us\n",
                  100.0 * (double)lossy_bytes / (double)clean_bytes - 100,
                  (unsigned long long)asked, (long long)clean_us,
                  (long long)worst_voice_delay_us(sim, who, CROWD));
    assert_true(lossy_bytes <= clean_bytes + clean_bytes / 5);
    assert_true(worst_voice_delay_us(sim, who, CROWD) <= clean_us + MILLISECONDS(5));
    for (size_t i = 0; i < CROWD; i++)
        assert_true(concealed_percent(sim, who[i], trainer) < 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_clean_line_conceals_nothing_and_asks_for_nothing),
        SIM_TEST(voice_is_heard_when_a_learners_line_loses_one_packet_in_twenty),
        SIM_TEST(retransmission_completes_each_frame_that_a_learners_line_has_torn),
        SIM_TEST(what_the_trainers_line_loses_is_asked_for_once_and_every_learner_has_it),
        SIM_TEST(a_word_that_the_trainers_line_loses_is_asked_for_and_heard),
        SIM_TEST(words_that_the_trainers_line_loses_are_no_loss_of_the_learners_line),
        SIM_TEST(bursts_of_four_lost_packets_are_heard_all_the_same),
        SIM_TEST(bursts_are_heard_on_a_line_that_loses_little_on_average),
        SIM_TEST(one_packet_in_ten_is_lost_and_every_word_heard),
        SIM_TEST(jitter_without_loss_is_not_taken_for_loss),
        SIM_TEST(packets_that_overtake_each_other_are_asked_for_again_seldom),
        SIM_TEST(duplicates_on_the_way_are_heard_once),
        SIM_TEST(
            when_everybody_loses_one_packet_in_ten_the_relay_sends_a_fifth_more_and_the_trainer_is_left_in_peace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
