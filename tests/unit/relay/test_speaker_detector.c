#include "relay/core/speaker_detector.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static void speech_begins_after_60_ms_and_ends_after_500_ms_of_quiet(void **state)
{
    (void)state;
    static const struct {
        usec_t at;
        uint8_t level;
        bool speaking;
    } steps[] = {
        {1000000, 127, false}, {1060000, 41, false}, {1120000, 40, false}, {1179999, 40, false},
        {1180000, 40, true},   {1240000, 127, true}, {1679999, 127, true}, {1680000, 127, false},
        {1740000, 10, false},  {1800000, 10, true},
    };
    struct speaker s = {0};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        speaker_handle_level(&s, steps[i].at, steps[i].level);
        assert_int_equal(s.speaking, steps[i].speaking);
    }
}

static void a_click_is_no_speech(void **state)
{
    (void)state;
    struct speaker s = {0};
    speaker_handle_level(&s, 1000000, 0);
    for (usec_t at = 1020000; at < 1600000; at += 20000)
        speaker_handle_level(&s, at, 127);
    assert_false(s.speaking);
    speaker_handle_level(&s, 1600000, 0);
    assert_false(s.speaking);
}

static void whoever_sends_no_levels_any_more_falls_silent(void **state)
{
    (void)state;
    struct speaker s = {0};
    speaker_handle_level(&s, 1000000, 5);
    speaker_handle_level(&s, 1060000, 5);
    assert_true(s.speaking);
    speaker_handle_timeout(&s, 1559999);
    assert_true(s.speaking);
    speaker_handle_timeout(&s, 1560000);
    assert_false(s.speaking);
    assert_int_equal(s.level, 127);
}

static void taking_a_slot_needs_speech_a_margin_and_patience(void **state)
{
    (void)state;
    static const struct {
        bool challenger_speaks, holder_speaks;
        uint8_t challenger, holder;
        usec_t held_us;
        bool may;
    } cases[] = {
        {false, false, 0, 127, SECONDS(9), false},
        {true, false, 40, 0, SPEAKER_OFF_US - 1, false},
        {true, false, 40, 0, SPEAKER_OFF_US, true},
        {true, true, 20, 26, SPEAKER_HOLD_US, true},
        {true, true, 21, 26, SPEAKER_HOLD_US, false},
        {true, true, 20, 26, SPEAKER_HOLD_US - 1, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct speaker challenger = {.level = cases[i].challenger,
                                     .speaking = cases[i].challenger_speaks};
        struct speaker holder = {.level = cases[i].holder, .speaking = cases[i].holder_speaks};
        assert_int_equal(
            speaker_may_take(&challenger, &holder, SECONDS(20), SECONDS(20) - cases[i].held_us),
            cases[i].may);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speech_begins_after_60_ms_and_ends_after_500_ms_of_quiet),
        cmocka_unit_test(a_click_is_no_speech),
        cmocka_unit_test(whoever_sends_no_levels_any_more_falls_silent),
        cmocka_unit_test(taking_a_slot_needs_speech_a_margin_and_patience),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
