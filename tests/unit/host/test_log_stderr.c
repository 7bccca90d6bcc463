#define _GNU_SOURCE /* mkstemp, strdup, pipe */
#include "host/log_stderr.h"

#include "host/host_clock.h"
#include "unit/host/host_test.h"

#include <ctype.h>
#include <pthread.h>

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}

static void a_line_has_time_level_event_tag_and_values(void **state)
{
    struct captured c;
    struct log_stderr *sink = log_stderr_create(LOG_LEVEL_INFO);
    struct log log = log_stderr_get(sink);
    struct log child = log_with(&log, "shard=%d", 3);
    capture_begin(&c);
    log_info(&child, "ready", "port=%d", 40000);
    log_debug(&child, "detail", "x=1");
    log_info(&log, "bare", "%s", "");
    const char *text = capture_end(&c);
    /* 2026-11-23T17:04:05.123Z */
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ info ready shard=3 port=40000\n";
    assert_true(strlen(text) > sizeof shape);
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool good =
            shape[i] == 'd' && i < 24 ? isdigit((unsigned char)text[i]) != 0 : text[i] == shape[i];
        if (!good)
            fail_msg("at %zu: %s", i, text);
    }
    assert_null(strstr(text, "detail"));
    assert_non_null(strstr(text, "Z info bare\n"));
    log_stderr_free(sink);
    (void)state;
}

static void a_flood_of_one_event_is_cut_and_said_and_others_are_not(void **state)
{
    struct captured c;
    struct log_stderr *sink = log_stderr_create(LOG_LEVEL_WARN);
    struct log log = log_stderr_get(sink);
    capture_begin(&c);
    usec_t start = host_clock_unix() / SECONDS(1);
    for (int i = 0; i < 1000; i++)
        log_warn(&log, "flood", "i=%d", i);
    log_warn(&log, "other", "x=1");
    usec_t seconds = host_clock_unix() / SECONDS(1) - start + 1;
    log_stderr_free(sink); /* says what is left */
    const char *text = capture_end(&c);
    size_t lines = count_of(text, " warn flood ");
    assert_in_range(lines, 10, 10 * (uintmax_t)seconds);
    assert_int_equal(count_of(text, " warn other "), 1);
    assert_true(count_of(text, "lines_left_out of=flood count=") >= 1);
    (void)state;
}

static void long_lines_are_cut_and_end_as_lines(void **state)
{
    struct captured c;
    struct log_stderr *sink = log_stderr_create(LOG_LEVEL_INFO);
    struct log log = log_stderr_get(sink);
    char value[2000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    capture_begin(&c);
    log_info(&log, "long", "value=%s", value);
    log_info(&log, "next", "x=1");
    const char *text = capture_end(&c);
    assert_int_equal(count_of(text, "\n"), 2);
    assert_true(strlen(text) < 1000);
    log_stderr_free(sink);
    (void)state;
}

static void more_event_names_than_places_still_are_written(void **state)
{
    struct captured c;
    struct log_stderr *sink = log_stderr_create(LOG_LEVEL_INFO);
    struct log log = log_stderr_get(sink);
    capture_begin(&c);
    for (int i = 0; i < 130; i++) {
        char name[16];
        snprintf(name, sizeof name, "event_%d", i);
        log_write(&log, LOG_LEVEL_INFO, name, "%s", "x");
    }
    const char *text = capture_end(&c);
    assert_int_equal(count_of(text, " info event_"), 130);
    log_stderr_free(sink);
    (void)state;
}

static void *write_some(void *context)
{
    const struct log *log = context;
    for (int i = 0; i < 500; i++)
        log_info(log, i % 2 == 0 ? "even" : "odd", "value=%d end", i);
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    struct captured c;
    struct log_stderr *sink = log_stderr_create(LOG_LEVEL_INFO);
    struct log log = log_stderr_get(sink);
    pthread_t threads[4];
    capture_begin(&c);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, &log), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    log_stderr_free(sink);
    const char *text = capture_end(&c);
    size_t lines = count_of(text, "\n");
    assert_true(lines >= 20);
    assert_int_equal(count_of(text, " end\n") + count_of(text, "lines_left_out"), lines);
    (void)state;
}

static void a_full_pipe_loses_lines_and_does_not_block(void **state)
{
    int fds[2];
    struct log_stderr *sink = log_stderr_create(LOG_LEVEL_INFO);
    struct log log = log_stderr_get(sink);
    assert_int_equal(pipe(fds), 0);
    int saved = dup(STDERR_FILENO);
    dup2(fds[1], STDERR_FILENO);
    for (int i = 0; i < 1000; i++) { /* 100 events of ten lines: more than a pipe holds */
        char name[16];
        snprintf(name, sizeof name, "event_%d", i / 10);
        log_write(&log, LOG_LEVEL_INFO, name, "value=%0100d", i);
    }
    dup2(saved, STDERR_FILENO); /* reached: it has not blocked */
    close(saved);
    close(fds[0]);
    close(fds[1]);
    log_stderr_free(sink);
    (void)state;
}

static void levels_have_names(void **state)
{
    enum log_level level = LOG_LEVEL_ERROR;
    assert_true(log_level_find("trace", &level));
    assert_int_equal(level, LOG_LEVEL_TRACE);
    assert_false(log_level_find("loud", &level));
    assert_int_equal(level, LOG_LEVEL_TRACE);
    (void)state;
}

static void the_clocks_agree(void **state)
{
    usec_t now = host_clock_now();
    assert_true(host_clock_now() >= now);
    /* NTP time now, from the monotonic clock alone, is the unix time since 1900. */
    uint64_t ntp_seconds = (host_clock_ntp_at_zero() >> 32) + (uint64_t)(now / SECONDS(1));
    uint64_t unix_seconds = (uint64_t)(host_clock_unix() / SECONDS(1));
    assert_in_range(ntp_seconds, unix_seconds + 2208988800u - 2, unix_seconds + 2208988800u + 2);
    assert_true(host_clock_thread_cpu() > 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_event_tag_and_values),
        cmocka_unit_test(a_flood_of_one_event_is_cut_and_said_and_others_are_not),
        cmocka_unit_test(long_lines_are_cut_and_end_as_lines),
        cmocka_unit_test(more_event_names_than_places_still_are_written),
        cmocka_unit_test(lines_of_several_threads_do_not_mix),
        cmocka_unit_test(a_full_pipe_loses_lines_and_does_not_block),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(the_clocks_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
