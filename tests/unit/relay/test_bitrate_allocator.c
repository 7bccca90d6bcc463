/* Who gets what of a learner's bandwidth: tables of estimates, and patience over time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "relay/core/bitrate_allocator.h"
#include "relay/core/layer_rates.h"

#define KBPS 1000u
#define ENCODING(count, ...)                                                                       \
    (struct allocator_encoding)                                                                    \
    {                                                                                              \
        .exists = true, .layers = (count), .bps = { __VA_ARGS__ }                                  \
    }

/* The classroom's usual streams: voice, a screen of two encodings, its sound, two cameras. */
enum { VOICE, SCREEN, SOUND, CAMERA_A, CAMERA_B, STREAMS };

static void make_streams(struct allocator_stream streams[STREAMS])
{
    for (int i = 0; i < STREAMS; i++)
        streams[i] = (struct allocator_stream){.active = true};
    streams[VOICE].class = ALLOCATOR_VOICE;
    streams[VOICE].encodings[0] = ENCODING(1, 40 * KBPS);
    streams[SCREEN].class = ALLOCATOR_SCREEN;
    streams[SCREEN].encodings[0] = ENCODING(3, 400 * KBPS, 600 * KBPS, 1000 * KBPS);
    streams[SCREEN].encodings[1] = ENCODING(2, 100 * KBPS, 200 * KBPS);
    streams[SOUND].class = ALLOCATOR_SCREEN_SOUND;
    streams[SOUND].encodings[0] = ENCODING(1, 60 * KBPS);
    for (int i = CAMERA_A; i <= CAMERA_B; i++) {
        streams[i].class = ALLOCATOR_CAMERA;
        streams[i].encodings[0] = ENCODING(1, 500 * KBPS);
        streams[i].encodings[1] = ENCODING(1, 150 * KBPS);
    }
}

/* "e/t": encoding and highest temporal layer, "-" off, "s" still. */
static const char *text_of(struct layer_target t)
{
    static const char *const live[2][LAYER_TEMPORAL_MAX] = {{"0/0", "0/1", "0/2", "0/3"},
                                                            {"1/0", "1/1", "1/2", "1/3"}};
    return t.mode == LAYER_OFF     ? "-"
           : t.mode == LAYER_STILL ? "s"
                                   : live[t.encoding][t.temporal_max];
}

static void the_first_estimate_is_shared_by_priority(void **state)
{
    static const struct {
        uint32_t kbps;
        const char *expected[STREAMS];
    } cases[] = {
        {3000, {"0/3", "0/3", "0/3", "0/3", "0/3"}}, {2100, {"0/3", "0/3", "0/3", "0/3", "0/3"}},
        {2099, {"0/3", "0/3", "0/3", "0/3", "1/3"}}, {1300, {"0/3", "0/3", "0/3", "1/3", "-"}},
        {1100, {"0/3", "0/3", "0/3", "-", "-"}},     {1040, {"0/3", "0/3", "-", "-", "-"}},
        {1039, {"0/3", "0/1", "0/3", "1/3", "1/3"}}, {600, {"0/3", "0/0", "0/3", "-", "-"}},
        {300, {"0/3", "1/3", "0/3", "-", "-"}},      {170, {"0/3", "1/0", "-", "-", "-"}},
        {139, {"0/3", "s", "0/3", "-", "-"}},        {100, {"0/3", "s", "-", "-", "-"}},
        {60, {"0/3", "s", "-", "-", "-"}},           {59, {"0/3", "-", "-", "-", "-"}},
        {10, {"0/3", "-", "-", "-", "-"}},           {0, {"0/3", "-", "-", "-", "-"}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct allocator_stream streams[STREAMS];
        struct layer_target targets[STREAMS];
        struct bitrate_allocator a;
        make_streams(streams);
        bitrate_allocator_init(&a);
        bitrate_allocator_run(&a, SECONDS(1), cases[i].kbps * KBPS, streams, STREAMS, targets);
        for (int s = 0; s < STREAMS; s++) {
            if (strcmp(text_of(targets[s]), cases[i].expected[s]) != 0)
                fail_msg("%u kbit/s, stream %d: %s", cases[i].kbps, s, text_of(targets[s]));
        }
        assert_int_equal(bitrate_allocator_is_whole(&a, streams, STREAMS), cases[i].kbps >= 2100);
    }
    (void)state;
}

static void a_line_too_narrow_for_any_choice_gets_the_last_encoding_and_no_stills(void **state)
{
    static const struct {
        uint32_t kbps;
        const char *expected;
    } cases[] = {{3000, "1/3"}, {239, "1/0"}, {100, "1/0"}, {60, "1/0"}, {59, "-"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct allocator_stream streams[STREAMS];
        struct layer_target targets[STREAMS];
        struct bitrate_allocator a;
        make_streams(streams);
        streams[SCREEN].is_last_only = true;
        bitrate_allocator_init(&a);
        bitrate_allocator_run(&a, SECONDS(1), cases[i].kbps * KBPS, streams, STREAMS, targets);
        if (strcmp(text_of(targets[SCREEN]), cases[i].expected) != 0)
            fail_msg("%u kbit/s: %s", cases[i].kbps, text_of(targets[SCREEN]));
        /* It takes all that is left: cameras get nothing of it. */
        assert_true(cases[i].kbps > 239 || targets[CAMERA_A].mode == LAYER_OFF);
    }
    (void)state;
}

/* There is nothing else but stills, of which one in ten seconds may be asked for. */
static void a_screen_of_one_encoding_that_fits_in_the_long_run_comes_late(void **state)
{
    static const struct {
        uint32_t kbps, long_kbps;
        uint8_t layers;
        const char *screen, *sound, *camera;
        bool is_late;
    } cases[] = {
        {599, 330, 1, "0/3", "0/3", "-", false}, {440, 500, 1, "0/3", "-", "-", false},
        {439, 330, 1, "0/3", "0/3", "-", true},  {400, 330, 1, "0/3", "0/3", "-", true},
        {340, 330, 1, "0/3", "-", "-", true},    {339, 330, 1, "s", "0/3", "1/3", false},
        {439, 500, 1, "s", "0/3", "1/3", false}, {700, 330, 3, "0/1", "0/3", "-", false},
        {439, 330, 3, "0/0", "0/3", "-", true},  {339, 330, 3, "s", "0/3", "1/3", false},
        {60, 0, 1, "0/3", "-", "-", true},       {59, 0, 1, "-", "-", "-", false},
        {600, 0, 0, "0/3", "0/3", "1/3", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct allocator_stream streams[STREAMS];
        struct layer_target targets[STREAMS];
        struct bitrate_allocator a;
        make_streams(streams);
        streams[SCREEN].encodings[0].layers = cases[i].layers;
        streams[SCREEN].encodings[0].long_bps = cases[i].long_kbps * KBPS;
        streams[SCREEN].encodings[1].exists = false;
        streams[SCREEN].may_be_late = true;
        bitrate_allocator_init(&a);
        bitrate_allocator_run(&a, SECONDS(1), cases[i].kbps * KBPS, streams, STREAMS, targets);
        if (strcmp(text_of(targets[SCREEN]), cases[i].screen) != 0 ||
            strcmp(text_of(targets[SOUND]), cases[i].sound) != 0 ||
            strcmp(text_of(targets[CAMERA_A]), cases[i].camera) != 0)
            fail_msg("%u kbit/s, %u layers: %s %s %s", cases[i].kbps, cases[i].layers,
                     text_of(targets[SCREEN]), text_of(targets[SOUND]), text_of(targets[CAMERA_A]));
        assert_int_equal(bitrate_allocator_is_late(&a, SCREEN, SECONDS(1)), cases[i].is_late);
        assert_false(bitrate_allocator_is_late(&a, SCREEN, SECONDS(1) + ALLOCATOR_HOLD_US));
        streams[SCREEN].may_be_late = false;
        bitrate_allocator_init(&a);
        bitrate_allocator_run(&a, SECONDS(1), 400 * KBPS, streams, STREAMS, targets);
        assert_string_equal(text_of(targets[SCREEN]), cases[i].layers == 0 ? "0/3" : "s");
    }
    (void)state;
}

/* Two encodings: the second is better than the first one late. */
static void a_screen_of_two_encodings_never_comes_late(void **state)
{
    for (uint32_t kbps = 30; kbps < 1100; kbps += 7) {
        struct allocator_stream streams[STREAMS];
        struct layer_target otherwise[STREAMS], targets[STREAMS];
        struct bitrate_allocator a;
        make_streams(streams);
        bitrate_allocator_init(&a);
        bitrate_allocator_run(&a, SECONDS(1), kbps * KBPS, streams, STREAMS, otherwise);
        streams[SCREEN].may_be_late = true;
        streams[SCREEN].encodings[0].long_bps = streams[SCREEN].encodings[1].long_bps = 30 * KBPS;
        bitrate_allocator_init(&a);
        bitrate_allocator_run(&a, SECONDS(1), kbps * KBPS, streams, STREAMS, targets);
        for (int i = 0; i < STREAMS; i++)
            assert_string_equal(text_of(targets[i]), text_of(otherwise[i]));
        assert_false(bitrate_allocator_is_late(&a, SCREEN, SECONDS(1)));
    }
    (void)state;
}

static void a_stream_that_nobody_sends_takes_nothing(void **state)
{
    struct allocator_stream streams[STREAMS];
    struct layer_target targets[STREAMS];
    struct bitrate_allocator a;
    make_streams(streams);
    streams[SCREEN].active = false;
    bitrate_allocator_init(&a);
    bitrate_allocator_run(&a, 0, 700 * KBPS, streams, STREAMS, targets);
    assert_string_equal(text_of(targets[CAMERA_A]), "0/3");
    assert_string_equal(text_of(targets[SCREEN]), "0/3");
    assert_int_equal(bitrate_allocator_wanted(streams, STREAMS), 1100 * KBPS);
    (void)state;
}

struct run {
    struct allocator_stream streams[STREAMS];
    struct layer_target targets[STREAMS];
    struct bitrate_allocator a;
    usec_t now;
    unsigned changes; /* of the screen's target */
};

static void run_begin(struct run *r)
{
    *r = (struct run){0};
    make_streams(r->streams);
    bitrate_allocator_init(&r->a);
    r->targets[SCREEN] = (struct layer_target){LAYER_LIVE, 0, LAYER_ALL};
}

static void run_once(struct run *r, uint32_t kbps)
{
    struct layer_target before = r->targets[SCREEN];
    bitrate_allocator_run(&r->a, r->now, kbps * KBPS, r->streams, STREAMS, r->targets);
    r->changes += memcmp(&before, &r->targets[SCREEN], sizeof before) != 0;
    r->now += MILLISECONDS(200);
}

/* Runs until the screen is `text`, at most `limit`; returns how long that took. */
static usec_t run_until(struct run *r, uint32_t kbps, const char *text, usec_t limit)
{
    usec_t from = r->now;
    while (r->now - from <= limit) {
        run_once(r, kbps);
        if (strcmp(text_of(r->targets[SCREEN]), text) == 0)
            return r->now - MILLISECONDS(200) - from;
    }
    fail_msg("still %s", text_of(r->targets[SCREEN]));
    return 0;
}

static void down_is_at_once_and_up_takes_its_time(void **state)
{
    struct run r;
    run_begin(&r);
    run_once(&r, 3000);
    assert_string_equal(text_of(r.targets[SCREEN]), "0/3");
    assert_int_equal(run_until(&r, 300, "1/3", 0), 0);
    /* The line is whole again at once: eight seconds after the step down, in one step. */
    usec_t waited = run_until(&r, 3000, "0/3", SECONDS(10));
    assert_true(waited >= ALLOCATOR_HOLD_US - SECONDS(1) && waited <= ALLOCATOR_HOLD_US);
    assert_int_equal(r.changes, 2);
    (void)state;
}

static void a_better_rung_must_fit_with_a_margin_for_three_seconds_without_a_break(void **state)
{
    struct run r;
    run_begin(&r);
    run_once(&r, 300);
    for (int i = 0; i < 60; i++)
        run_once(&r, 300); /* the hold is over */
    for (int i = 0; i < 100; i++)
        run_once(&r, 440 + 20); /* 400 fits, but not by a seventh more */
    assert_string_equal(text_of(r.targets[SCREEN]), "1/3");
    for (int i = 0; i < 100; i++)
        run_once(&r, i % 10 == 9 ? 300 : 3000); /* never three seconds */
    assert_string_equal(text_of(r.targets[SCREEN]), "1/3");
    assert_int_equal(run_until(&r, 550, "0/0", SECONDS(4)), ALLOCATOR_UP_US);
    (void)state;
}

static void the_worst_that_fitted_meanwhile_is_where_it_climbs_to(void **state)
{
    struct run r;
    run_begin(&r);
    for (int i = 0; i < 60; i++)
        run_once(&r, 300);
    for (int i = 0; i < 15; i++)
        run_once(&r, i == 7 ? 800 : 3000);
    run_once(&r, 3000);
    assert_string_equal(text_of(r.targets[SCREEN]), "0/1");
    (void)state;
}

static void an_estimate_at_a_rungs_edge_does_not_make_it_flap(void **state)
{
    struct run r;
    struct rng rng = rng_of_seed(7);
    run_begin(&r);
    for (int i = 0; i < 60 * 5; i++) /* a minute around 1040 kbit/s, where "0/3" begins */
        run_once(&r, 1040 - 52 + (uint32_t)rng_below(&rng, 105));
    assert_true(r.changes <= 6); /* one in ten seconds */
    (void)state;
}

static void a_receiver_that_lags_steps_down_once_and_is_given_time(void **state)
{
    struct run r;
    run_begin(&r);
    run_once(&r, 1500);
    r.streams[SCREEN].lag_us = ALLOCATOR_LAG_US + 1;
    run_once(&r, 1500);
    assert_string_equal(text_of(r.targets[SCREEN]), "0/1");
    for (int i = 0; i < 7; i++)
        run_once(&r, 1500);
    assert_string_equal(text_of(r.targets[SCREEN]), "0/1");
    run_once(&r, 1500);
    assert_string_equal(text_of(r.targets[SCREEN]), "0/0");
    for (int i = 0; i < 100; i++)
        run_once(&r, 600);
    /* Another encoding begins with a key frame: only far behind. */
    assert_string_equal(text_of(r.targets[SCREEN]), "0/0");
    r.streams[SCREEN].lag_us = ALLOCATOR_LAG_FAR_US + 1;
    for (int i = 0; i < 100; i++)
        run_once(&r, 600);
    /* Lag alone never takes the picture away. */
    assert_string_equal(text_of(r.targets[SCREEN]), "1/0");
    (void)state;
}

/* Nothing more of it comes, and so its lag never ends. */
static void what_was_off_comes_back_although_what_was_left_of_it_lags(void **state)
{
    struct run r;
    run_begin(&r);
    run_once(&r, 1500);
    run_once(&r, 40);
    assert_string_equal(text_of(r.targets[SCREEN]), "-");
    r.streams[SCREEN].lag_us = SECONDS(20);
    for (int i = 0; i < 100; i++)
        run_once(&r, 1500);
    assert_string_not_equal(text_of(r.targets[SCREEN]), "-");
    (void)state;
}

static void a_receiver_that_lags_is_not_given_what_takes_as_much(void **state)
{
    struct run r;
    run_begin(&r);
    r.streams[SCREEN].encodings[1] = ENCODING(1, 450 * KBPS);
    run_once(&r, 600);
    assert_string_equal(text_of(r.targets[SCREEN]), "0/0");
    r.streams[SCREEN].lag_us = ALLOCATOR_LAG_FAR_US + 1;
    for (int i = 0; i < 100; i++)
        run_once(&r, 600);
    assert_string_equal(text_of(r.targets[SCREEN]), "0/0");
    (void)state;
}

static void layers_that_are_seen_later_change_no_rung(void **state)
{
    struct run r;
    run_begin(&r);
    run_once(&r, 300);
    assert_string_equal(text_of(r.targets[SCREEN]), "1/3");
    r.streams[SCREEN].encodings[0].layers = 1;
    r.streams[SCREEN].encodings[0].bps[0] = 1000 * KBPS;
    run_once(&r, 300);
    assert_string_equal(text_of(r.targets[SCREEN]), "1/3");
    (void)state;
}

static void an_encoding_that_has_not_come_yet_is_a_rung_of_its_own(void **state)
{
    struct run r;
    run_begin(&r);
    r.streams[SCREEN].encodings[1].layers = 0;
    run_once(&r, 300);
    assert_string_equal(text_of(r.targets[SCREEN]), "1/3");
    (void)state;
}

/* --- Rates */

static void rates_are_the_mean_of_the_last_eight_seconds(void **state)
{
    struct layer_rates rates = {0};
    uint32_t bps[LAYER_TEMPORAL_MAX];
    usec_t now = SECONDS(1000);
    assert_int_equal(layer_rates_get(&rates, bps), 0);
    assert_int_equal(bps[0], 0);
    /* A burst of a second in the base layer and a steady second layer. */
    for (int i = 0; i < 100; i++)
        layer_rates_note(&rates, now + MILLISECONDS(10) * i, 0, 1250);
    for (int i = 0; i < 500; i++)
        layer_rates_note(&rates, now + MILLISECONDS(10) * i, 1, 125);
    assert_int_equal(layer_rates_get(&rates, bps), 2);
    assert_int_equal(bps[0], 200 * KBPS); /* five seconds so far */
    assert_int_equal(bps[1], 300 * KBPS);
    assert_int_equal(bps[3], 300 * KBPS);
    /* Eight seconds of little: the burst is forgotten. */
    for (int i = 0; i < 1000; i++)
        layer_rates_note(&rates, now + SECONDS(5) + MILLISECONDS(10) * i, 1, 125);
    assert_int_equal(layer_rates_get(&rates, bps), 2);
    assert_int_equal(bps[0], 0);
    assert_int_equal(bps[1], 100 * KBPS);
    (void)state;
}

static void what_has_just_begun_is_not_taken_for_more_than_it_is(void **state)
{
    struct layer_rates rates = {0};
    uint32_t bps[LAYER_TEMPORAL_MAX];
    for (int i = 0; i < 20; i++) /* 50 kB at once: as if over two seconds */
        layer_rates_note(&rates, SECONDS(1000), 0, 2500);
    layer_rates_get(&rates, bps);
    assert_int_equal(bps[0], 200 * KBPS);
    (void)state;
}

static void a_slide_that_stands_still_does_not_make_the_next_one_look_free(void **state)
{
    struct layer_rates rates = {0};
    uint32_t bps[LAYER_TEMPORAL_MAX];
    for (int slide = 0; slide < 9; slide++) { /* one a minute, 50 kB each */
        for (int i = 0; i < 50; i++)
            layer_rates_note(&rates, SECONDS(60) * (slide + 1) + MILLISECONDS(10) * i, 0, 1000);
        layer_rates_get(&rates, bps);
        assert_in_range(bps[0], slide < 4 ? 200 * KBPS : 180 * KBPS,
                        slide < 4 ? 320 * KBPS : 220 * KBPS);
    }
    (void)state;
}

/* 160 kbit/s of the base layer on average, and a layer above that does not count. */
static void in_the_long_run_slides_seem_what_they_take(void **state)
{
    struct layer_rates rates = {0};
    uint32_t bps[LAYER_TEMPORAL_MAX], most_bps = 0;
    assert_int_equal(layer_rates_get_long(&rates), 0);
    for (int i = 0; i < 2000; i++) { /* ten a second, a slide every seven */
        usec_t now = SECONDS(1000) + MILLISECONDS(100) * i;
        layer_rates_note(&rates, now, 0, i % 70 == 0 ? 140000 : 1);
        layer_rates_note(&rates, now, 1, 1250);
        layer_rates_get(&rates, bps);
        most_bps = i > 700 && bps[0] > most_bps ? bps[0] : most_bps;
        if (i > 700)
            assert_in_range(layer_rates_get_long(&rates), 142 * KBPS, 182 * KBPS);
    }
    assert_in_range(most_bps, 280 * KBPS, 285 * KBPS);
    /* Nothing for an hour: as a silence of two seconds. */
    uint32_t long_bps = layer_rates_get_long(&rates);
    layer_rates_note(&rates, SECONDS(5000), 0, 1);
    assert_in_range(layer_rates_get_long(&rates), long_bps * 9 / 10, long_bps);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_estimate_is_shared_by_priority),
        cmocka_unit_test(a_line_too_narrow_for_any_choice_gets_the_last_encoding_and_no_stills),
        cmocka_unit_test(a_screen_of_one_encoding_that_fits_in_the_long_run_comes_late),
        cmocka_unit_test(a_screen_of_two_encodings_never_comes_late),
        cmocka_unit_test(a_stream_that_nobody_sends_takes_nothing),
        cmocka_unit_test(down_is_at_once_and_up_takes_its_time),
        cmocka_unit_test(a_better_rung_must_fit_with_a_margin_for_three_seconds_without_a_break),
        cmocka_unit_test(the_worst_that_fitted_meanwhile_is_where_it_climbs_to),
        cmocka_unit_test(an_estimate_at_a_rungs_edge_does_not_make_it_flap),
        cmocka_unit_test(a_receiver_that_lags_steps_down_once_and_is_given_time),
        cmocka_unit_test(what_was_off_comes_back_although_what_was_left_of_it_lags),
        cmocka_unit_test(a_receiver_that_lags_is_not_given_what_takes_as_much),
        cmocka_unit_test(layers_that_are_seen_later_change_no_rung),
        cmocka_unit_test(an_encoding_that_has_not_come_yet_is_a_rung_of_its_own),
        cmocka_unit_test(rates_are_the_mean_of_the_last_eight_seconds),
        cmocka_unit_test(what_has_just_begun_is_not_taken_for_more_than_it_is),
        cmocka_unit_test(in_the_long_run_slides_seem_what_they_take),
        cmocka_unit_test(a_slide_that_stands_still_does_not_make_the_next_one_look_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
