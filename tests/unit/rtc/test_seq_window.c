#include "rtc/seq_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void note_all(struct seq_window *w, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        assert_true(seq_window_note(w, seq));
}

static void a_number_is_new_once(void **state)
{
    struct seq_window w = {0};
    note_all(&w, 65536, 65600);
    for (uint64_t seq = 65536; seq <= 65600; seq++)
        assert_false(seq_window_note(&w, seq));
    assert_true(seq_window_note(&w, 65530)); /* overtaken by the first that came */
    assert_false(seq_window_note(&w, 65530));
    (void)state;
}

static void what_has_not_come_between_others_is_missing_until_it_comes(void **state)
{
    struct seq_window w = {0};
    note_all(&w, 100, 109);
    note_all(&w, 113, 120);
    assert_int_equal(seq_window_count_missing(&w, 99, 120), 3);
    assert_int_equal(seq_window_count_missing(&w, 110, 120), 2);
    assert_int_equal(seq_window_count_missing(&w, 112, 120), 0);
    assert_int_equal(seq_window_count_missing(&w, 99, 111), 2);
    assert_true(seq_window_note(&w, 111));
    assert_int_equal(seq_window_count_missing(&w, 99, 120), 2);
    (void)state;
}

static void nothing_is_missing_before_the_first_behind_the_newest_or_too_far_back(void **state)
{
    struct seq_window w = {0};
    assert_int_equal(seq_window_count_missing(&w, 0, 1000), 0);
    note_all(&w, 5000, 5010);
    assert_int_equal(seq_window_count_missing(&w, 0, 5000), 0);
    assert_int_equal(seq_window_count_missing(&w, 5000, 9000), 0);
    note_all(&w, 5012, 5011 + SEQ_WINDOW);
    assert_int_equal(seq_window_count_missing(&w, 0, UINT64_MAX), 0); /* 5011 has just left it */
    assert_false(seq_window_note(&w, 5011));
    (void)state;
}

static void a_jump_beyond_the_window_forgets_what_was(void **state)
{
    static const uint64_t jumps[] = {1, SEQ_WINDOW - 1, SEQ_WINDOW, SEQ_WINDOW + 1, 1000000};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct seq_window w = {0};
        note_all(&w, 3000, 3000 + SEQ_WINDOW);
        uint64_t at = 3000 + SEQ_WINDOW + jumps[i];
        assert_true(seq_window_note(&w, at));
        assert_false(seq_window_note(&w, at));
        uint64_t missing = jumps[i] - 1 < SEQ_WINDOW - 1 ? jumps[i] - 1 : SEQ_WINDOW - 1;
        assert_int_equal(seq_window_count_missing(&w, 3000, at), missing);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_new_once),
        cmocka_unit_test(what_has_not_come_between_others_is_missing_until_it_comes),
        cmocka_unit_test(nothing_is_missing_before_the_first_behind_the_newest_or_too_far_back),
        cmocka_unit_test(a_jump_beyond_the_window_forgets_what_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
