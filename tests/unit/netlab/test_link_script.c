#include "netlab/link_script.h"

#include "unit/base/base_test.h"

#include <math.h>
#include <stdio.h>

static void a_line_sets_what_it_names(void **state)
{
    static const struct {
        const char *line;
        usec_t at;
        bool down, up;
        struct link_config expected;
    } cases[] = {
        {"delay 30ms jitter 500us", 0, true, true, {.delay_us = 30000, .jitter_us = 500}},
        {"at 10 down rate 400k queue 0.2s",
         10000000,
         true,
         false,
         {.rate_bps = 400000, .queue_us = 200000}},
        {"at 1.5 up rate 3M # faster", 1500000, false, true, {.rate_bps = 3000000}},
        {"loss 5% duplicate 0.01 reorder 0%", 0, true, true, {.loss = 0.05, .duplicate = 0.01}},
        {"\tburst-loss 5% burst-length 4\r\n",
         0,
         true,
         true,
         {.burst_loss = 0.05, .burst_length = 4}},
        {"", 0, true, true, {0}},
        {"# nothing", 0, true, true, {0}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct link_change change;
        struct link_config got = {0};
        const struct link_config *want = &cases[i].expected;
        enum status status = link_script_parse_line(bytes_of_string(cases[i].line), &change);
        if (status != STATUS_OK)
            fail_msg("%s: %s", cases[i].line, status_name(status));
        link_change_apply(&change, &got);
        bool same = got.delay_us == want->delay_us && got.jitter_us == want->jitter_us &&
                    got.rate_bps == want->rate_bps && got.queue_us == want->queue_us &&
                    fabs(got.loss - want->loss) < 1e-9 &&
                    fabs(got.duplicate - want->duplicate) < 1e-9 &&
                    fabs(got.burst_loss - want->burst_loss) < 1e-9 &&
                    fabs(got.burst_length - want->burst_length) < 1e-9;
        if (!same || change.at != cases[i].at || change.applies[LINK_DOWN] != cases[i].down ||
            change.applies[LINK_UP] != cases[i].up)
            fail_msg("%s: other values", cases[i].line);
    }
    (void)state;
}

static void a_line_without_sense_is_refused(void **state)
{
    static const char *const lines[] = {
        "speed 3M",
        "rate",
        "rate fast",
        "delay 30",
        "loss 5ms",
        "at ten rate 1M",
        "at 10 down",
        "at 5",
        "rate 3M delay ms",
        "sideways rate 1M",
        "rate -3M",
        "rate 1.2.3M",
        "delay 1234567890123ms",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct link_change change;
        enum status status = link_script_parse_line(bytes_of_string(lines[i]), &change);
        if (status != STATUS_MALFORMED)
            fail_msg("%s: %s", lines[i], status_name(status));
    }
    (void)state;
}

static void more_settings_than_a_line_holds_are_a_limit(void **state)
{
    char line[1024] = "";
    size_t size = 0;
    for (size_t i = 0; i <= LINK_CHANGE_SETTINGS_MAX; i++)
        size += (size_t)snprintf(line + size, sizeof(line) - size, "loss 1%% ");
    struct link_change change;
    assert_int_equal(link_script_parse_line(bytes_of_string(line), &change), STATUS_LIMIT);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_sets_what_it_names),
        cmocka_unit_test(a_line_without_sense_is_refused),
        cmocka_unit_test(more_settings_than_a_line_holds_are_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
