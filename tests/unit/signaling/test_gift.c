#include "signaling/core/gift.h"
#include "signaling/core/poll_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What a text was understood as: "3 single Question? [*right|wrong]; 5 numeric; ". */
struct heard {
    char text[65536];
    size_t size;
    size_t questions, errors;
};

static void say(struct heard *heard, const char *text)
{
    size_t size = strlen(text);
    assert_true(heard->size + size < sizeof heard->text);
    memcpy(heard->text + heard->size, text, size + 1);
    heard->size += size;
}

static void on_question(void *context, unsigned line, const struct poll_question *question)
{
    struct heard *heard = context;
    char start[64];
    heard->questions++;
    assert_true(poll_question_is_valid(question));
    snprintf(start, sizeof start, "%u %s ", line, poll_kind_name(question->kind));
    say(heard, start);
    say(heard, question->question);
    say(heard, " [");
    for (size_t i = 0; i < question->text_count; i++) {
        say(heard, i > 0 ? "|" : "");
        say(heard, (question->correct & 1u << i) != 0 ? "*" : "");
        say(heard, question->texts[i]);
    }
    say(heard, "]; ");
}

static void on_error(void *context, unsigned line, enum gift_error error)
{
    struct heard *heard = context;
    char text[64];
    heard->errors++;
    snprintf(text, sizeof text, "%u %s; ", line, gift_error_name(error));
    say(heard, text);
}

static void parse(const char *text, struct heard *heard)
{
    *heard = (struct heard){0};
    struct gift_sink sink = {heard, "Vrai", "Faux", on_question, on_error};
    gift_parse(bytes_of_string(text), &sink);
}

struct gift_case {
    const char *text, *expected;
};

static void check(const struct gift_case *cases, size_t count)
{
    static struct heard heard;
    for (size_t i = 0; i < count; i++) {
        parse(cases[i].text, &heard);
        if (strcmp(heard.text, cases[i].expected) != 0)
            fail_msg("%s\n  gave     %s\n  expected %s", cases[i].text, heard.text,
                     cases[i].expected);
    }
}

static void every_kind_of_the_subset_is_understood(void **state)
{
    static const struct gift_case cases[] = {
        {"", ""},
        {"\n \n// nothing but a comment\n\n", ""},
        {"Capitale ? {=Paris ~Lyon ~Lille}", "1 single Capitale ? [*Paris|Lyon|Lille]; "},
        {"Capitale ? {~Lyon =Paris}", "1 single Capitale ? [Lyon|*Paris]; "},
        {"\xef\xbb\xbf// quiz\r\n\r\n::t1:: Qui ? {\r\n=lui\r\n~elle\r\n}\r\n",
         "3 single Qui ? [*lui|elle]; "},
        {"::a title: with colons:: Q {=x ~y}", "1 single Q [*x|y]; "},
        {"::never closed {=x ~y}", "1 single ::never closed [*x|y]; "},
        {"Lesquels ? {~%50%un ~%-100%deux ~%33.333%trois ~%0%quatre}",
         "1 multiple Lesquels ? [*un|deux|*trois|quatre]; "},
        {"Qui ? {=Napol\xc3\xa9on =Bonaparte}", "1 text Qui ? [Napol\xc3\xa9on|Bonaparte]; "},
        {"Qui ? {=%100%A =%50%B}", "1 text Qui ? [A|B]; "},
        {"Il pleut. {T}", "1 single Il pleut. [*Vrai|Faux]; "},
        {"Il pleut. { TRUE #oui#non }", "1 single Il pleut. [*Vrai|Faux]; "},
        {"Il pleut. {F}\n\nIl neige. {FALSE}",
         "1 single Il pleut. [Vrai|*Faux]; 3 single Il neige. [Vrai|*Faux]; "},
        {"Dites-nous tout. {}", "1 text Dites-nous tout. []; "},
        {"Dites-nous tout. {\n  \n}", "1 unclosed_braces; 3 unclosed_braces; "},
        {"Avis ? {~rouge ~bleu}", "1 single Avis ? [rouge|bleu]; "},
        {"Q {=a#because = is \\= here ~b}", "1 single Q [*a|*is = here|b]; "},
        {"Q {=a#because \\= ~b#no}", "1 single Q [*a|b]; "},
        {"2 \\= 1 \\{x\\} \\~ \\# \\: \\\\ \\alpha {=a\\nb ~c}",
         "1 single 2 = 1 {x} ~ # : \\ \\alpha [*a\nb|c]; "},
        {"Long\n  question\n// in between\nof lines? {\n// why not\n=a\n~b }",
         "1 single Long question of lines? [*a|b]; "},
        {"Voir https://a.example/x ? {=a ~b}", "1 single Voir https://a.example/x ? [*a|b]; "},
        {"<b>gras</b> {=<i> ~&}", "1 single <b>gras</b> [*<i>|&]; "},
    };
    check(cases, COUNT_OF(cases));
    (void)state;
}

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
    static const struct gift_case cases[] = {
        {"No braces at all", "1 no_answers; "},
        {"\n\n$CATEGORY: x\n\nQ {=a ~b}", "3 no_answers; 5 single Q [*a|b]; "},
        {"Q {=a ~b", "1 unclosed_braces; "},
        {"Q\n\n{=a ~b}", "1 no_answers; 3 no_question; "},
        {"Q } {=a}", "1 unclosed_braces; "},
        {"Q {=a {b} }", "1 unclosed_braces; "},
        {"::title:: {=a ~b}", "1 no_question; "},
        {"Q {something}", "1 no_answers; "},
        {"Q {something =a}", "1 no_answers; "},
        {"Q {~a}", "1 no_answers; "},
        {"Q {= ~b}", "1 no_answers; "},
        {"Q {\n=a -> b\n=c -> d\n}", "2 matching; "},
        {"Q {#3:2}", "1 numeric; "},
        {"Q\n{\n#3}", "3 numeric; "},
        {"Q {~%x%a ~b}", "1 bad_weight; "},
        {"Q {~%101%a ~b}", "1 bad_weight; "},
        {"Q {~%100.5%a ~b}", "1 bad_weight; "},
        {"Q {~%50a ~b}", "1 bad_weight; "},
        {"Q {~%%a ~b}", "1 bad_weight; "},
        {"Q {=%0%a =b}", "1 bad_weight; "},
        {"The {=sun ~moon} shines", "1 text_after_answers; "},
        {"The {=sun ~moon}\nshines", "2 text_after_answers; "},
        {"Q {=a ~b} {=c}", "1 unclosed_braces; "},
        {"Q \xe2\x80\xae {=a ~b}", "1 bad_text; "},
        {"Q {=a\x01 ~b}", "1 bad_text; "},
        {"Q {=1 ~2 ~3 ~4 ~5 ~6 ~7 ~8 ~9 ~10 ~11 ~12\n~13}", "2 too_many; "},
        {"Q1 {#}\n\nQ2 {=a ~b}\n\nQ3 {~%z%a}", "1 numeric; 3 single Q2 [*a|b]; 5 bad_weight; "},
    };
    check(cases, COUNT_OF(cases));
    (void)state;
}

static void texts_may_be_as_long_as_the_limit_and_not_one_longer(void **state)
{
    static struct heard heard;
    static char text[8000], part[4000];
    for (int over = 0; over < 2; over++) {
        size_t size = 0;
        for (int i = 0; i < LIMIT_POLL_QUESTION_CODE_POINTS + over; i++)
            size += (size_t)snprintf(part + size, sizeof part - size, "\xc3\xa9");
        snprintf(text, sizeof text, "%s {=a ~b}", part);
        parse(text, &heard);
        assert_int_equal(heard.errors, over);
        size = 0;
        for (int i = 0; i < LIMIT_POLL_OPTION_CODE_POINTS + over; i++)
            size += (size_t)snprintf(part + size, sizeof part - size, "\xf0\x9f\x98\x80");
        snprintf(text, sizeof text, "Q {=a\n~%s}", part);
        parse(text, &heard);
        assert_int_equal(heard.errors, over);
        if (over > 0)
            assert_string_equal(heard.text, "2 too_long; ");
    }
    (void)state;
}

static void a_text_gives_at_most_so_many_questions_and_errors(void **state)
{
    static struct heard heard;
    static char text[65536];
    size_t size = 0;
    for (int i = 0; i < LIMIT_GIFT_QUESTIONS + 5; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "Q {=a ~b}\n\n");
    parse(text, &heard);
    assert_int_equal(heard.questions, LIMIT_GIFT_QUESTIONS);
    assert_int_equal(heard.errors, 1);
    assert_non_null(strstr(heard.text, "201 too_many; "));
    size = 0;
    for (int i = 0; i < LIMIT_GIFT_ERRORS + 5; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "Q {#}\n\n");
    parse(text, &heard);
    assert_int_equal(heard.errors, LIMIT_GIFT_ERRORS);
    (void)state;
}

static void every_error_has_a_name_and_a_sentence_in_both_languages(void **state)
{
    for (int i = GIFT_OK + 1; i < GIFT_ERROR_COUNT; i++) {
        enum gift_error error = (enum gift_error)i;
        assert_true(strlen(gift_error_name(error)) > 3);
        assert_true(strlen(gift_error_sentence(error, LANGUAGE_FRENCH)) > 10);
        assert_true(strlen(gift_error_sentence(error, LANGUAGE_ENGLISH)) > 10);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_the_subset_is_understood),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
        cmocka_unit_test(texts_may_be_as_long_as_the_limit_and_not_one_longer),
        cmocka_unit_test(a_text_gives_at_most_so_many_questions_and_errors),
        cmocka_unit_test(every_error_has_a_name_and_a_sentence_in_both_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
