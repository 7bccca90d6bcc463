/* Lines of all kinds, one learner behind each. With words on the command line it runs those
 * instead:
 *
 *     AMPHI_SIM_SEED=3 build/release/tests/sim/test_lines "down rate 300k queue 300ms" ...
 *
 * where ';' begins a new line of the script, and prints what came of it. */
#include "sim/sim_lecture.h"
#include "sim/sim_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_BYTES 512

struct line_case {
    const char *line;
    int seconds;
    double concealed; /* percent, at most, from the first packet of voice on */
    int never;
    usec_t first_us; /* from entering */
    usec_t median_us, freeze_us;
};

static void run_case_of(struct sim *sim, const struct line_case *c,
                        struct sim_participant_config trainer)
{
    struct sim_lecture l = sim_lecture_run(sim, c->line, trainer, SECONDS(c->seconds));
    sim_lecture_print(strchr(c->line, '\n') + 1, &l);
    assert_true(l.concealed <= c->concealed);
    assert_true(l.slides.never <= c->never);
    assert_true(l.first_us <= c->first_us);
    assert_true(l.slides.median_us <= c->median_us);
    assert_true(l.freeze_us <= c->freeze_us);
}

static void run_cases(struct sim *sim, const struct line_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run_case_of(sim, &cases[i], sim_lecture_layered());
}

static void
a_join_costs_little_voice_and_its_picture_comes_as_fast_as_the_line_has_room(struct sim *sim)
{
    static const struct line_case cases[] = {
        {"delay 10ms\ndown rate 20M", 20, 0.3, 0, MILLISECONDS(400), MILLISECONDS(60),
         MILLISECONDS(300)},
        {"delay 20ms\ndown rate 1M queue 200ms", 60, 0.3, 0, MILLISECONDS(1600), MILLISECONDS(350),
         SECONDS(4)},
        {"delay 20ms\ndown rate 500k queue 200ms", 60, 0.3, 0, SECONDS(3), MILLISECONDS(800),
         SECONDS(2)},
        {"delay 20ms\ndown rate 300k queue 300ms", 60, 0.5, 0, SECONDS(6), MILLISECONDS(1300),
         MILLISECONDS(2500)},
        /* A datagram of the handshake may be lost. */
        {"delay 20ms loss 2%\ndown rate 500k queue 300ms", 20, 2, 0, SECONDS(4), MILLISECONDS(1500),
         SECONDS(2)},
    };
    run_cases(sim, cases, COUNT_OF(cases));
}

static void no_picture_stands_behind_losses(struct sim *sim)
{
    static const struct line_case cases[] = {
        {"delay 20ms loss 1%\ndown rate 1M queue 200ms", 60, 0.5, 0, MILLISECONDS(2500),
         MILLISECONDS(500), SECONDS(2)},
        {"delay 30ms\ndown rate 20M loss 5%", 60, 0.3, 0, MILLISECONDS(1600), MILLISECONDS(300),
         MILLISECONDS(800)},
        {"delay 30ms\ndown rate 20M loss 10%", 60, 0.3, 0, SECONDS(3), MILLISECONDS(300),
         MILLISECONDS(900)},
        {"delay 30ms\ndown rate 20M burst-loss 5% burst-length 4", 90, 1.2, 0, SECONDS(6),
         MILLISECONDS(300), MILLISECONDS(1200)},
        /* Both ways: one answer in five never comes, nor what it tells. */
        {"delay 30ms\nloss 20%", 60, 0.7, 0, SECONDS(10), MILLISECONDS(600), SECONDS(10)},
    };
    run_cases(sim, cases, COUNT_OF(cases));
}

static void no_picture_stands_when_a_line_becomes_narrow_and_wide_again(struct sim *sim)
{
    static const struct line_case dips[] = {
        {"delay 20ms\ndown rate 3M queue 200ms\nat 15 down rate 400k queue 200ms\n"
         "at 45 down rate 3M queue 200ms",
         80, 0.4, 0, SECONDS(1), MILLISECONDS(600), SECONDS(7)},
        {"delay 20ms\ndown rate 3M queue 50ms\nat 15 down rate 400k queue 50ms\n"
         "at 45 down rate 3M queue 50ms",
         80, 0.3, 0, SECONDS(1), MILLISECONDS(600), SECONDS(3)},
    };
    run_cases(sim, dips, COUNT_OF(dips));
}

/* A slide at once is more than such a queue holds: it would be lost again and again. */
static void no_picture_stands_on_a_wide_line_with_a_short_queue(struct sim *sim)
{
    static const struct line_case cases[] = {
        {"delay 20ms\ndown rate 3M queue 50ms", 60, 0.3, 0, SECONDS(1), MILLISECONDS(200),
         SECONDS(1)},
        {"delay 20ms\ndown rate 5M queue 30ms", 60, 0.3, 0, SECONDS(1), MILLISECONDS(200),
         SECONDS(1)},
        {"delay 20ms\ndown rate 10M queue 20ms", 60, 0.3, 0, SECONDS(1), MILLISECONDS(200),
         SECONDS(1)},
    };
    run_cases(sim, cases, COUNT_OF(cases));
}

/* It has no room for a second packet, or for three: no delay shows how full it is. */
static void no_picture_stands_on_a_narrow_line_with_a_short_queue(struct sim *sim)
{
    static const struct line_case cases[] = {
        {"delay 20ms\ndown rate 300k queue 60ms", 60, 0.3, 0, SECONDS(7), MILLISECONDS(1600),
         SECONDS(3)},
        {"delay 20ms\ndown rate 400k queue 40ms", 60, 0.3, 0, SECONDS(6), MILLISECONDS(1300),
         MILLISECONDS(2500)},
    };
    run_cases(sim, cases, COUNT_OF(cases));
}

/* Of its first packets most are lost, which the handshake has announced. */
static void the_first_picture_does_not_go_into_a_short_queue_twice(struct sim *sim)
{
    static const struct line_case at_once = {"delay 20ms\ndown rate 400k queue 40ms",
                                             20,
                                             0.3,
                                             0,
                                             MILLISECONDS(3300),
                                             MILLISECONDS(1300),
                                             SECONDS(2)};
    run_case_of(sim, &at_once, sim_lecture_page());
}

/* Where voice may not take so much of it that every packet comes twice, one word in fifty is lost.
 */
static void nearly_every_word_is_heard_on_a_narrow_line_that_loses_a_little(struct sim *sim)
{
    static const struct line_case cases[] = {
        {"delay 20ms\ndown rate 300k queue 300ms loss 2%", 60, 0.7, 0, SECONDS(8), SECONDS(3),
         SECONDS(10)},
    };
    run_cases(sim, cases, COUNT_OF(cases));
}

/* From a wire to a satellite and back: every packet comes later, and none slower. */
static void no_picture_stands_when_the_way_becomes_longer(struct sim *sim)
{
    static const struct line_case cases[] = {
        {"delay 20ms\ndown rate 5M queue 200ms\nat 20 delay 200ms\nat 40 delay 20ms", 60, 0.3, 0,
         SECONDS(1), MILLISECONDS(200), SECONDS(1)},
        {"delay 20ms\ndown rate 5M queue 200ms\nat 20 delay 400ms\nat 40 delay 20ms", 60, 0.7, 0,
         SECONDS(1), MILLISECONDS(200), SECONDS(2)},
    };
    run_cases(sim, cases, COUNT_OF(cases));
}

/* Radio links hold packets back and let them go together, and some pass others: nothing is lost,
 * and there is room. */
static void no_picture_stands_where_packets_come_as_the_air_lets_them(struct sim *sim)
{
    static const struct line_case cases[] = {
        {"\ndelay 60ms jitter 60ms", 60, 0.3, 0, SECONDS(2), MILLISECONDS(250), MILLISECONDS(800)},
        {"\ndelay 60ms jitter 60ms reorder 2%", 60, 0.5, 0, SECONDS(2), MILLISECONDS(350),
         SECONDS(1)},
        {"\ndelay 30ms jitter 30ms reorder 2%", 60, 0.3, 0, SECONDS(1), MILLISECONDS(150),
         SECONDS(1)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        run_case_of(sim, &cases[i], sim_lecture_page());
}

static char *explored; /* the command line's words */

/* AMPHI_SIM_PLAIN, AMPHI_SIM_PAGE: another trainer; AMPHI_SIM_REPORTS: a learner that sends
 * receiver reports alone. */
static void explore(struct sim *sim)
{
    char line[SCRIPT_BYTES];
    const char *seconds = getenv("AMPHI_SIM_SECONDS");
    struct sim_lecture_config config = {.trainer = sim_lecture_layered(),
                                        .learner = sim_participant_config_default("learner"),
                                        .line = line,
                                        .duration = SECONDS(seconds != NULL ? atoi(seconds) : 60)};
    if (getenv("AMPHI_SIM_PLAIN") != NULL)
        config.trainer = sim_lecture_plain();
    if (getenv("AMPHI_SIM_PAGE") != NULL)
        config.trainer = sim_lecture_page();
    config.learner.lacks_numbers = getenv("AMPHI_SIM_REPORTS") != NULL;
    snprintf(line, sizeof line, "%s", explored);
    for (char *at = line; (at = strchr(at, ';')) != NULL;)
        *at = '\n';
    struct sim_lecture l = sim_lecture_hold(sim, &config);
    sim_lecture_print(explored, &l);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct CMUnitTest one[] = {SIM_TEST(explore)};
        explored = argv[i];
        if (cmocka_run_group_tests(one, NULL, NULL) != 0)
            return 1;
    }
    const struct CMUnitTest tests[] = {
        SIM_TEST(no_picture_stands_behind_losses),
        SIM_TEST(no_picture_stands_when_a_line_becomes_narrow_and_wide_again),
        SIM_TEST(no_picture_stands_on_a_wide_line_with_a_short_queue),
        SIM_TEST(no_picture_stands_on_a_narrow_line_with_a_short_queue),
        SIM_TEST(the_first_picture_does_not_go_into_a_short_queue_twice),
        SIM_TEST(nearly_every_word_is_heard_on_a_narrow_line_that_loses_a_little),
        SIM_TEST(no_picture_stands_where_packets_come_as_the_air_lets_them),
        SIM_TEST(no_picture_stands_when_the_way_becomes_longer),
        SIM_TEST(a_join_costs_little_voice_and_its_picture_comes_as_fast_as_the_line_has_room),
    };
    return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
