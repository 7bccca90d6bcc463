#include "base/log.h"

#include <string.h>

#include "unit/base/base_test.h"

struct captured {
    unsigned count;
    enum log_level level;
    char event[64];
    char line[LOG_LINE_BYTES * 2];
};

static void capture(void *context, enum log_level level, const char *event, const char *line)
{
    struct captured *captured = context;
    captured->count++;
    captured->level = level;
    snprintf(captured->event, sizeof captured->event, "%s", event);
    snprintf(captured->line, sizeof captured->line, "%s", line);
}

static void a_line_carries_its_context_event_and_values(void **state)
{
    struct captured captured = {0};
    struct log_sink sink = {LOG_LEVEL_INFO, capture, &captured};
    struct log root = {.sink = &sink};
    struct log room = log_with(&root, "room=%d", 12);
    struct log participant = log_with(&room, "participant=%d", 7);
    log_warn(&participant, "ice_failed", "tries=%d", 3);
    assert_int_equal(captured.level, LOG_LEVEL_WARN);
    assert_string_equal(captured.event, "ice_failed");
    assert_string_equal(captured.line, "room=12 participant=7 tries=3");
    log_info(&root, "started", "n=%d", 1);
    assert_string_equal(captured.line, "n=1");
    (void)state;
}

static void lines_above_the_level_or_without_a_sink_are_dropped(void **state)
{
    struct captured captured = {0};
    struct log_sink sink = {LOG_LEVEL_WARN, capture, &captured};
    struct log log = {.sink = &sink};
    struct log silent = {0};
    log_info(&log, "x", "n=%d", 1);
    log_error(&silent, "x", "n=%d", 1);
    log_error((struct log *)NULL, "x", "n=%d", 1);
    assert_int_equal(captured.count, 0);
    log_error(&log, "x", "n=%d", 1);
    assert_int_equal(captured.count, 1);
    (void)state;
}

static void a_value_from_a_peer_cannot_break_the_line(void **state)
{
    struct captured captured = {0};
    struct log_sink sink = {LOG_LEVEL_INFO, capture, &captured};
    struct log log = {.sink = &sink};
    log_info(&log, "x", "name=%s", "a\nb\r\x1b[0m\x7f");
    assert_string_equal(captured.line, "name=a?b??[0m?");
    (void)state;
}

static void long_lines_and_contexts_are_cut(void **state)
{
    struct captured captured = {0};
    struct log_sink sink = {LOG_LEVEL_INFO, capture, &captured};
    struct log log = {.sink = &sink};
    char text[2 * LOG_LINE_BYTES];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 5; i++) {
        log = log_with(&log, "%s", text);
        assert_int_equal(strlen(log.tag), LOG_TAG_BYTES - 1);
    }
    log_info(&log, "x", "%s", text);
    assert_int_equal(strlen(captured.line), LOG_LINE_BYTES - 1);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_carries_its_context_event_and_values),
        cmocka_unit_test(lines_above_the_level_or_without_a_sink_are_dropped),
        cmocka_unit_test(a_value_from_a_peer_cannot_break_the_line),
        cmocka_unit_test(long_lines_and_contexts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
