#include "signaling/core/poll.h"
#include "signaling/core/poll_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct poll_question question_of(const char *json)
{
    static struct poll_question question;
    assert_int_equal(poll_json_parse(json, &question), STATUS_OK);
    return question;
}

#define SINGLE                                                                                     \
    "{\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"a\",\"b\",\"c\"],\"correct\":[1]}"
#define MULTIPLE                                                                                   \
    "{\"kind\":\"multiple\",\"question\":\"Q\",\"options\":[\"a\",\"b\",\"c\"],\"correct\":[0,2]}"
#define TEXT                                                                                       \
    "{\"kind\":\"text\",\"question\":\"Q\",\"correct\":[\"L'\xc3\x89t\xc3\xa9\",\"summer\"]}"
#define SCALE "{\"kind\":\"scale\",\"question\":\"Q\",\"min\":-2,\"max\":8}"

static struct poll open_poll(const char *json)
{
    static struct poll poll;
    struct poll_question question = question_of(json);
    poll_init(&poll, 5, &question, 100);
    return poll;
}

static void the_last_answer_of_each_counts_and_the_one_before_does_not(void **state)
{
    struct poll poll = open_poll(SINGLE);
    assert_int_equal(poll_set_answer(&poll, 1, 1u << 0, NULL), STATUS_OK);
    assert_int_equal(poll_set_answer(&poll, 2, 1u << 1, NULL), STATUS_OK);
    assert_int_equal(poll_set_answer(&poll, 1, 1u << 1, NULL), STATUS_OK);
    assert_int_equal(poll.answered, 2);
    assert_int_equal(poll.counts[0], 0);
    assert_int_equal(poll.counts[1], 2);
    poll_close(&poll, 200);
    assert_int_equal(poll_set_answer(&poll, 3, 1u, NULL), STATUS_STATE);
    assert_int_equal(poll_set_answer(&poll, 1, 1u, NULL), STATUS_STATE);
    assert_int_equal(poll.counts[1], 2);
    poll_destroy(&poll);
    (void)state;
}

static void right_wrong_and_unknown_are_told_apart(void **state)
{
    static const struct {
        const char *why, *json;
        unsigned choices;
        const char *text;
        enum poll_mark mark;
    } cases[] = {
        {"the right option", SINGLE, 1u << 1, NULL, POLL_RIGHT},
        {"a wrong option", SINGLE, 1u << 0, NULL, POLL_WRONG},
        {"exactly the right ones", MULTIPLE, 5, NULL, POLL_RIGHT},
        {"one of two", MULTIPLE, 1, NULL, POLL_WRONG},
        {"one too many", MULTIPLE, 7, NULL, POLL_WRONG},
        {"the same text", TEXT, 0, "summer", POLL_RIGHT},
        {"case, spaces and apostrophe do not matter", TEXT, 0, "  L\xe2\x80\x99\xc3\xa9T\xc3\x89 ",
         POLL_RIGHT},
        {"an accent matters", TEXT, 0, "l'ete", POLL_WRONG},
        {"more text", TEXT, 0, "summer time", POLL_WRONG},
        {"a scale has no right value", SCALE, 1, NULL, POLL_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct poll poll = open_poll(cases[i].json);
        assert_int_equal(poll_set_answer(&poll, 7, cases[i].choices, cases[i].text), STATUS_OK);
        if (poll_mark_participant(&poll, 7) != cases[i].mark)
            fail_msg("%s", cases[i].why);
        enum poll_mark missing = cases[i].mark == POLL_UNKNOWN ? POLL_UNKNOWN : POLL_WRONG;
        assert_int_equal(poll_mark_participant(&poll, 8), missing);
        poll_destroy(&poll);
    }
    (void)state;
}

static void an_answer_that_does_not_fit_the_question_is_refused(void **state)
{
    static const struct {
        const char *json;
        int64_t choices[4];
        size_t count;
        enum status status;
    } cases[] = {
        {SINGLE, {2}, 1, STATUS_OK},
        {SINGLE, {0}, 0, STATUS_MALFORMED},
        {SINGLE, {3}, 1, STATUS_MALFORMED},
        {SINGLE, {-1}, 1, STATUS_MALFORMED},
        {SINGLE, {0, 1}, 2, STATUS_MALFORMED},
        {MULTIPLE, {0, 1, 2}, 3, STATUS_OK},
        {MULTIPLE, {1, 1}, 2, STATUS_MALFORMED},
        {TEXT, {0}, 1, STATUS_MALFORMED},
        {SCALE, {0}, 1, STATUS_MALFORMED},
    };
    unsigned bits;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct poll_question question = question_of(cases[i].json);
        assert_int_equal(poll_read_choices(&question, cases[i].choices, cases[i].count, &bits),
                         cases[i].status);
    }
    struct poll_question scale = question_of(SCALE);
    assert_int_equal(poll_read_value(&scale, -3, &bits), STATUS_MALFORMED);
    assert_int_equal(poll_read_value(&scale, 9, &bits), STATUS_MALFORMED);
    assert_int_equal(poll_read_value(&scale, 8, &bits), STATUS_OK);
    assert_int_equal(bits, 1u << 10);
    struct poll_question single = question_of(SINGLE);
    assert_int_equal(poll_read_value(&single, 0, &bits), STATUS_MALFORMED);
    (void)state;
}

static void a_poll_takes_so_many_answers_and_not_one_more(void **state)
{
    struct poll poll = open_poll(TEXT);
    for (uint64_t i = 1; i <= LIMIT_POLL_ANSWERS; i++)
        assert_int_equal(poll_set_answer(&poll, i, 0, "x"), STATUS_OK);
    assert_int_equal(poll_set_answer(&poll, LIMIT_POLL_ANSWERS + 1, 0, "x"), STATUS_LIMIT);
    assert_int_equal(poll_set_answer(&poll, 1, 0, "y"), STATUS_OK);
    assert_int_equal(poll.answered, LIMIT_POLL_ANSWERS);
    poll_close(&poll, 1);
    poll_forget_answers(&poll);
    assert_int_equal(poll.answered, LIMIT_POLL_ANSWERS);
    assert_int_equal(poll.answer_count, LIMIT_POLL_TEXTS);
    assert_string_equal(poll.answers[0].text, "y");
    assert_null(poll_find_answer(&poll, 1)); /* nobody's any more */
    poll_destroy(&poll);
    (void)state;
}

static void a_question_is_read_as_it_was_written_or_refused(void **state)
{
    static const struct {
        const char *json;
        bool fine;
    } cases[] = {
        {SINGLE, true},
        {MULTIPLE, true},
        {TEXT, true},
        {SCALE, true},
        {"{\"kind\":\"text\",\"question\":\"Q\"}", true},
        {"{\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"a\",\"b\"]}", true},
        {"{\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"a\"]}", false},
        {"{\"kind\":\"single\",\"question\":\"Q\"}", false},
        {"{\"kind\":\"single\",\"question\":\"\",\"options\":[\"a\",\"b\"]}", false},
        {"{\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"a\",\" \"]}", false},
        {"{\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"a\",3]}", false},
        {"{\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"a\",\"b\"],\"correct\":[2]}",
         false},
        {"{\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"a\",\"b\"],\"correct\":[\"a\"]}",
         false},
        {"{\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"1\",\"2\",\"3\",\"4\",\"5\","
         "\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\"]}",
         false},
        {"{\"kind\":\"scale\",\"question\":\"Q\",\"min\":0,\"max\":11}", false},
        {"{\"kind\":\"scale\",\"question\":\"Q\",\"min\":0,\"max\":10}", true},
        {"{\"kind\":\"scale\",\"question\":\"Q\",\"min\":3,\"max\":3}", false},
        {"{\"kind\":\"scale\",\"question\":\"Q\",\"max\":3}", false},
        {"{\"kind\":\"scale\",\"question\":\"Q\",\"min\":0.5,\"max\":3}", false},
        {"{\"kind\":\"essay\",\"question\":\"Q\"}", false},
        {"[]", false},
    };
    static struct poll_question question, again;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum status status = poll_json_parse(cases[i].json, &question);
        if ((status == STATUS_OK) != cases[i].fine)
            fail_msg("%s: %s", cases[i].json, status_name(status));
        if (status != STATUS_OK)
            continue;
        struct text_json text = {0};
        text_json_open(&text, NULL, '{');
        poll_json_write(&question, true, &text);
        text_json_close(&text, '}');
        assert_int_equal(poll_json_parse(text.data, &again), STATUS_OK);
        assert_int_equal(again.kind, question.kind);
        assert_int_equal(again.correct, question.correct);
        assert_int_equal(again.text_count, question.text_count);
        text_json_destroy(&text);
    }
    (void)state;
}

static void the_right_answer_is_written_only_for_who_may_know_it(void **state)
{
    static const char *const jsons[] = {SINGLE, MULTIPLE, TEXT};
    for (size_t i = 0; i < COUNT_OF(jsons); i++) {
        struct poll_question question = question_of(jsons[i]);
        struct text_json text = {0};
        text_json_open(&text, NULL, '{');
        poll_json_write(&question, false, &text);
        text_json_close(&text, '}');
        assert_null(strstr(text.data, "correct"));
        assert_null(strstr(text.data, "summer"));
        text_json_destroy(&text);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_answer_of_each_counts_and_the_one_before_does_not),
        cmocka_unit_test(right_wrong_and_unknown_are_told_apart),
        cmocka_unit_test(an_answer_that_does_not_fit_the_question_is_refused),
        cmocka_unit_test(a_poll_takes_so_many_answers_and_not_one_more),
        cmocka_unit_test(a_question_is_read_as_it_was_written_or_refused),
        cmocka_unit_test(the_right_answer_is_written_only_for_who_may_know_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
