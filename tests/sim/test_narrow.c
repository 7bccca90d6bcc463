/* Lines too narrow for what is shown, with the sizes that an encoder gave to real slides: voice
 * first, then every slide as soon as the line carries it, at worst a still. */
#include "sim/sim_lecture.h"
#include "sim/sim_test.h"

#include <stdlib.h>

static struct sim_participant_config two_encodings(void)
{
    struct sim_participant_config c = sim_lecture_layered();
    c.screen[1] = (struct made_up_screen){
        .bitrate_bps = 40000, .fps = 5, .slide_bytes = 42000, .key_bytes = 69000};
    return c;
}

/* The low encoding as the page has it: what a slide costs there, and a key frame. */
static struct sim_participant_config low_encoding(void)
{
    struct sim_participant_config c = sim_lecture_layered();
    c.screen[1] = (struct made_up_screen){
        .bitrate_bps = 16000, .fps = 5, .slide_bytes = 18000, .key_bytes = 32000};
    return c;
}

/* What the page sends in Chromium: its first key frame is small because its rate still rises, each
 * key frame is one of both encodings, and behind one the low encoding fills a line of 100 kbit/s
 * for some seconds. */
static struct sim_participant_config as_chromium_sends(void)
{
    struct sim_participant_config c = sim_lecture_layered();
    c.keys_together = true;
    c.screen[0].key_bytes = 54000;
    c.screen[0].first_key_bytes = 33000;
    c.screen[0].slide_bytes = 16000;
    c.screen[1] = (struct made_up_screen){.bitrate_bps = 14000,
                                          .fps = 5,
                                          .slide_bytes = 20000,
                                          .key_bytes = 33000,
                                          .settling_pictures = 18,
                                          .settling_bytes = 2000};
    return c;
}

static double concealed_percent(const struct sim *sim, int listener, int speaker)
{
    struct sim_voice v = sim_voice(sim, listener, speaker);
    return 100.0 * (double)v.concealed / (double)(v.played + v.concealed);
}

struct narrow_case {
    const char *line;
    struct sim_participant_config (*trainer)(void);
    usec_t first_us; /* from entering to a picture, at most; 0: whenever it comes */
    double join_concealed, concealed; /* percent, at most: of the first two seconds, and then */
    int never;                        /* of eleven slides */
    usec_t median_us;                 /* 0: there may be none */
};

static void run_case(struct sim *sim, const struct narrow_case *c)
{
    struct sim_lecture l = sim_lecture_run(sim, c->line, c->trainer(), SECONDS(60));
    sim_lecture_print(strchr(c->line, '\n') + 1, &l);
    assert_true(c->first_us == 0 || l.first_us <= c->first_us);
    assert_true(l.join_concealed <= c->join_concealed);
    assert_true(l.later_concealed <= c->concealed);
    assert_true(l.slides.never <= c->never);
    assert_true(c->median_us == 0 ||
                (l.slides.median_us > 0 && l.slides.median_us <= c->median_us));
    /* On its account: one key frame in ten seconds. */
    assert_in_range(l.requests, 0, 7);
}

static void run_cases(struct sim *sim, const struct narrow_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run_case(sim, &cases[i]);
}

/* Without layers a slide comes whole or as a still. */
static void one_encoding_is_shown_as_the_line_allows(struct sim *sim)
{
    static const struct narrow_case cases[] = {
        {"delay 20ms\ndown rate 500k queue 200ms", sim_lecture_plain, 0, 20, 0.3, 8, SECONDS(8)},
        {"delay 20ms\ndown rate 300k queue 300ms", sim_lecture_plain, 0, 20, 0.3, 9, SECONDS(10)},
    };
    run_cases(sim, cases, sizeof cases / sizeof cases[0]);
}

struct slides_case {
    int seconds;     /* from slide to slide */
    uint32_t kbps;   /* mean */
    bool has_layers; /* temporal ones */
    int never;       /* at most, in a minute */
    usec_t median_us, freeze_us;
};

static struct sim_participant_config slides_of(const struct slides_case *c)
{
    struct sim_participant_config trainer = sim_lecture_plain();
    struct made_up_screen *screen = &trainer.screen[0];
    uint32_t bytes = (c->kbps * 1000 - screen->bitrate_bps) / 8 * (uint32_t)c->seconds;
    screen->slide_frames = (uint32_t)c->seconds * screen->fps;
    screen->slide_bytes = bytes * 55 / 100 / (c->has_layers ? 3 : 1); /* one for each layer */
    screen->sharpening_bytes = bytes * 15 / 100;
    screen->has_layers = c->has_layers;
    return trainer;
}

/* Beside a voice of 65: late is better than one picture in ten seconds. */
static void one_encoding_that_fits_on_average_shows_every_slide(struct sim *sim)
{
    static const struct slides_case cases[] = {
        {3, 190, false, 0, SECONDS(5), SECONDS(3)},  {5, 190, false, 0, SECONDS(5), SECONDS(4)},
        {7, 190, false, 0, SECONDS(8), SECONDS(10)}, {12, 190, false, 0, SECONDS(13), SECONDS(11)},
        {3, 190, true, 0, SECONDS(2), SECONDS(2)},   {5, 190, true, 0, SECONDS(2), SECONDS(2)},
        {7, 190, true, 0, SECONDS(2), SECONDS(2)},   {12, 190, true, 0, SECONDS(2), SECONDS(3)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sim_lecture l = sim_lecture_run(sim, "delay 20ms\ndown rate 300k queue 300ms",
                                               slides_of(&cases[i]), SECONDS(60));
        sim_lecture_print(cases[i].has_layers ? "one encoding, layers" : "one encoding", &l);
        assert_true(l.later_concealed <= 0.3);
        assert_in_range(l.slides.never, 0, cases[i].never);
        assert_in_range(l.slides.median_us, 1, cases[i].median_us);
        assert_in_range(l.freeze_us, 1, cases[i].freeze_us);
        assert_in_range(l.requests, 0, 7);
    }
}

/* Less than voice and screen take together, whatever is left out: voice becomes thin. */
static void a_hundred_kilobit_carry_every_word_and_most_slides(struct sim *sim)
{
    static const struct narrow_case cases[] = {
        {"delay 20ms\ndown rate 100k queue 400ms", low_encoding, SECONDS(7), 10, 0.3, 1,
         SECONDS(3)},
        {"delay 20ms\ndown rate 100k queue 400ms", as_chromium_sends, SECONDS(7), 10, 0.3, 0,
         SECONDS(4)},
    };
    run_cases(sim, cases, sizeof cases / sizeof cases[0]);
}

/* A voice as it comes would take a third to a half of them, which the slides need more. */
static void a_little_more_shows_every_slide_sooner(struct sim *sim)
{
    static const struct narrow_case cases[] = {
        {"delay 20ms\ndown rate 128k queue 400ms", low_encoding, SECONDS(5), 15, 0.5, 0,
         MILLISECONDS(2500)},
        {"delay 20ms\ndown rate 150k queue 400ms", low_encoding, SECONDS(5), 15, 0.5, 0,
         MILLISECONDS(2500)},
        {"delay 20ms\ndown rate 150k queue 400ms", as_chromium_sends, SECONDS(5), 15, 0.5, 0,
         MILLISECONDS(2500)},
        {"delay 20ms\ndown rate 170k queue 400ms", low_encoding, SECONDS(5), 15, 0.5, 0,
         MILLISECONDS(2500)},
        {"delay 20ms\ndown rate 200k queue 300ms", low_encoding, SECONDS(5), 15, 0.5, 0,
         MILLISECONDS(2500)},
    };
    run_cases(sim, cases, sizeof cases / sizeof cases[0]);
}

/* Checks come faster than their answers there, and the first packets' answer comes late. */
static void a_narrow_line_with_a_long_way_begins_with_care_too(struct sim *sim)
{
    static const struct narrow_case cases[] = {
        {"delay 150ms\ndown rate 100k queue 500ms", low_encoding, SECONDS(8), 10, 0.5, 1,
         SECONDS(4)},
        {"delay 75ms\ndown rate 250k queue 1000ms", two_encodings, SECONDS(8), 5, 0.3, 1,
         SECONDS(3)},
    };
    run_cases(sim, cases, sizeof cases / sizeof cases[0]);
}

/* The speaker's stamps are lost where a voice is spoken anew: they tell who gets it whole. */
static bool hears_whole(const struct sim *sim, int listener, int speaker, usec_t us)
{
    uint64_t said = (uint64_t)us / 20000, heard = sim_voice(sim, listener, speaker).packets;
    assert_true(heard <= 2 || heard + 5 >= said);
    return heard > 2;
}

static void
a_voice_is_thin_where_it_would_fill_the_line_and_whole_again_when_that_opens(struct sim *sim)
{
    struct sim_participant_config config = low_encoding();
    int trainer = sim_enter_with(sim, &config);
    sim_wait_connected(sim);
    int near = sim_enter(sim, "learner");
    int learner = sim_enter(sim, "learner");
    sim_link_set(sim, learner, "delay 20ms\ndown rate 100k queue 400ms\nat 30 down rate 20M");
    sim_wait_connected(sim);
    sim_run_for(sim, SECONDS(10));
    sim_forget(sim);
    sim_run_for(sim, SECONDS(10));
    assert_false(hears_whole(sim, learner, trainer, SECONDS(10)));
    assert_true(hears_whole(sim, near, trainer, SECONDS(10)));
    sim_run_for(sim, SECONDS(40));
    assert_true(concealed_percent(sim, learner, trainer) <= 0.3);
    sim_forget(sim);
    sim_run_for(sim, SECONDS(10));
    assert_true(hears_whole(sim, learner, trainer, SECONDS(10)));
    assert_true(concealed_percent(sim, learner, trainer) <= 0.3);
}

static void every_slide_is_read_where_the_mean_fits(struct sim *sim)
{
    static const struct narrow_case cases[] = {
        {"delay 20ms\ndown rate 1M queue 200ms", two_encodings, 0, 20, 0.3, 0, MILLISECONDS(700)},
        {"delay 20ms\ndown rate 500k queue 200ms", two_encodings, 0, 20, 0.3, 0, SECONDS(1)},
        {"delay 20ms\ndown rate 300k queue 300ms", two_encodings, 0, 20, 0.3, 0,
         MILLISECONDS(1300)},
        {"delay 20ms\ndown rate 200k queue 300ms", two_encodings, 0, 20, 0.3, 1, SECONDS(3)},
    };
    run_cases(sim, cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(a_hundred_kilobit_carry_every_word_and_most_slides),
        SIM_TEST(a_little_more_shows_every_slide_sooner),
        SIM_TEST(a_narrow_line_with_a_long_way_begins_with_care_too),
        SIM_TEST(a_voice_is_thin_where_it_would_fill_the_line_and_whole_again_when_that_opens),
        SIM_TEST(every_slide_is_read_where_the_mean_fits),
        SIM_TEST(one_encoding_is_shown_as_the_line_allows),
        SIM_TEST(one_encoding_that_fits_on_average_shows_every_slide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
