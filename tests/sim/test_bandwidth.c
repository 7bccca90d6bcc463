#include "sim/sim_test.h"

static double concealed_percent(const struct sim *sim, int listener, int speaker);
static void show(const struct sim *sim, const char *what, int trainer, int learner);

static int enter_behind(struct sim *sim, const char *line)
{
    int learner = sim_enter(sim, "learner");
    sim_link_set(sim, learner, line);
    return learner;
}

/* What a line carries is found out by sending what is there, the less the narrower its handshake
 * made it seem: a narrow one pays for it in its first two seconds, and no later. */
static void let_it_settle(struct sim *sim, const char *what, int trainer, int learner,
                          double concealed_percent_max)
{
    sim_wait_connected(sim);
    sim_forget(sim);
    sim_run_for(sim, SECONDS(2));
    show(sim, what, trainer, learner);
    assert_true(concealed_percent(sim, learner, trainer) <= concealed_percent_max);
    sim_forget(sim);
}

/* A class that has begun, and one more learner behind `line`. */
static void begin(struct sim *sim, const char *line, int *trainer, int *learner)
{
    *trainer = sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    *learner = enter_behind(sim, line);
    sim_wait_connected(sim);
    sim_forget(sim);
}

static double concealed_percent(const struct sim *sim, int listener, int speaker)
{
    struct sim_voice v = sim_voice(sim, listener, speaker);
    return 100.0 * (double)v.concealed / (double)(v.played + v.concealed);
}

static void show(const struct sim *sim, const char *what, int trainer, int learner)
{
    struct sim_screen screen = sim_screen(sim, learner);
    print_message(
        "%s: concealed %.2f %%, voice p99 %lld ms, %llu frames, first %lld ms, freeze %lld "
        "ms, delay p50 %lld p95 %lld ms, requests %llu, down %llu kbit\n",
        what, concealed_percent(sim, learner, trainer),
        (long long)sim_voice_delay_us(sim, learner, 0.99) / 1000, (unsigned long long)screen.frames,
        (long long)screen.first_frame_us / 1000, (long long)screen.longest_freeze_us / 1000,
        (long long)sim_screen_delay_us(sim, learner, 0.5) / 1000,
        (long long)sim_screen_delay_us(sim, learner, 0.95) / 1000,
        (unsigned long long)sim_key_frame_requests(sim, trainer),
        (unsigned long long)sim_bytes_down(sim, learner) * 8 / 1000);
}

static void a_megabit_carries_voice_and_screen_without_delay(struct sim *sim)
{
    int trainer, learner;
    begin(sim, "delay 20ms\ndown rate 1M queue 200ms", &trainer, &learner);
    sim_run_for(sim, SECONDS(30));
    show(sim, __func__, trainer, learner);
    assert_true(concealed_percent(sim, learner, trainer) <= 0.3);
    assert_true(sim_voice_delay_us(sim, learner, 0.99) < MILLISECONDS(90));
    assert_in_range(sim_screen(sim, learner).frames, 290, 301);
    assert_true(sim_screen_delay_us(sim, learner, 0.95) < MILLISECONDS(150));
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 1);
}

static void voice_is_heard_on_a_line_too_narrow_for_the_screen(struct sim *sim)
{
    static const struct {
        const char *line;
        double concealed, joining; /* percent */
    } lines[] = {{"delay 20ms\ndown rate 300k queue 300ms", 0.5, 10},
                 /* One packet of a thin voice is 3 % of the two seconds. */
                 {"delay 20ms\ndown rate 100k queue 400ms", 2, 10}};
    int trainer = sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int learner = enter_behind(sim, lines[i].line);
        let_it_settle(sim, "joins", trainer, learner, lines[i].joining);
        sim_run_for(sim, SECONDS(40));
        show(sim, lines[i].line, trainer, learner);
        assert_true(concealed_percent(sim, learner, trainer) <= lines[i].concealed);
        /* On its account: one key frame in ten seconds. */
        assert_in_range(sim_key_frame_requests(sim, trainer), 0, 5);
        sim_leave(sim, learner);
        sim_run_for(sim, SECONDS(1));
    }
}

static void a_dip_costs_little_voice_and_is_forgotten_ten_seconds_later(struct sim *sim)
{
    int trainer, learner;
    begin(sim,
          "delay 20ms\ndown rate 3M queue 200ms\nat 15 down rate 400k queue 200ms\n"
          "at 45 down rate 3M queue 200ms",
          &trainer, &learner);
    sim_run_for(sim, SECONDS(55));
    show(sim, __func__, trainer, learner);
    assert_true(concealed_percent(sim, learner, trainer) <= 0.5);
    /* Noticed, even by who was left in peace: nothing is sent in vain, and nobody else pays. */
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 7);
    assert_true(sim_bytes_down(sim, learner) * 8 < 18000000);
    sim_forget(sim);
    sim_run_for(sim, SECONDS(10));
    show(sim, "after", trainer, learner);
    assert_in_range(sim_screen(sim, learner).frames, 97, 101);
    assert_true(sim_screen_delay_us(sim, learner, 0.95) < MILLISECONDS(150));
}

static void jitter_and_random_loss_take_nothing_away(struct sim *sim)
{
    static const char *const lines[] = {"delay 50ms\ndown rate 20M jitter 40ms",
                                        "delay 30ms\ndown rate 20M loss 5%"};
    int trainer = sim_enter(sim, "trainer");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(2));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int learner = enter_behind(sim, lines[i]);
        sim_wait_connected(sim);
        sim_run_for(sim, SECONDS(5));
        sim_forget(sim);
        sim_run_for(sim, SECONDS(30));
        show(sim, lines[i], trainer, learner);
        assert_true(concealed_percent(sim, learner, trainer) < 1);
        assert_true(sim_screen(sim, learner).frames > 280);
        assert_true(sim_screen(sim, learner).longest_freeze_us < SECONDS(1));
        sim_leave(sim, learner);
        sim_run_for(sim, SECONDS(1));
    }
}

static void one_poor_line_among_ten_is_noticed_by_nobody_else(struct sim *sim)
{
    int clean[10];
    int trainer = sim_enter(sim, "trainer");
    for (size_t i = 0; i < 10; i++)
        clean[i] = sim_enter(sim, "learner");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(3));
    int poor = enter_behind(sim, "delay 20ms\ndown rate 300k queue 300ms");
    let_it_settle(sim, "joins", trainer, poor, 10);
    sim_run_for(sim, SECONDS(40));
    show(sim, __func__, trainer, poor);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(sim_voice(sim, clean[i], trainer).concealed, 0);
        assert_in_range(sim_screen(sim, clean[i]).frames, 398, 401);
        assert_true(sim_voice_delay_us(sim, clean[i], 0.99) < MILLISECONDS(40));
    }
    assert_true(concealed_percent(sim, poor, trainer) <= 0.5);
    assert_in_range(sim_key_frame_requests(sim, trainer), 0, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_megabit_carries_voice_and_screen_without_delay),
        SIM_TEST(voice_is_heard_on_a_line_too_narrow_for_the_screen),
        SIM_TEST(a_dip_costs_little_voice_and_is_forgotten_ten_seconds_later),
        SIM_TEST(jitter_and_random_loss_take_nothing_away),
        SIM_TEST_ON(one_poor_line_among_ten_is_noticed_by_nobody_else, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
