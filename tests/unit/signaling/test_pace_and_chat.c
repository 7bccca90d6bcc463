#include "signaling/core/chat.h"
#include "signaling/core/pace.h"
#include "signaling/core/text_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define T0 SECONDS(1000)

/* --- Pace */

static void answer(struct pace *pace, usec_t now, uint64_t participant, enum pace_value value)
{
    assert_int_equal(pace_set(pace, now, participant, value), STATUS_OK);
}

static void fewer_than_three_answers_are_not_told_at_all(void **state)
{
    struct pace pace = {0};
    struct pace_numbers numbers;
    answer(&pace, T0, 1, PACE_LOST);
    answer(&pace, T0, 2, PACE_LOST);
    assert_false(pace_poll_change(&pace, T0, &numbers));
    answer(&pace, T0, 3, PACE_FAST);
    assert_true(pace_poll_change(&pace, T0, &numbers));
    assert_int_equal(numbers.counts[PACE_LOST], 2);
    assert_int_equal(numbers.counts[PACE_FAST], 1);
    answer(&pace, T0 + SECONDS(2), 3, PACE_NONE); /* taken back: two are left */
    assert_true(pace_poll_change(&pace, T0 + SECONDS(2), &numbers));
    assert_int_equal(numbers.counts[PACE_LOST], 0);
    pace_destroy(&pace);
    (void)state;
}

static void the_trainer_is_told_at_most_once_a_second(void **state)
{
    struct pace pace = {0};
    struct pace_numbers numbers;
    size_t told = 0;
    usec_t now = T0;
    for (uint64_t i = 0; i < 100; i++, now += MILLISECONDS(100)) {
        answer(&pace, now, i, PACE_FINE);
        told += pace_poll_change(&pace, now, &numbers);
    }
    assert_int_equal(told, 10); /* the third answer, then each second */
    usec_t next = pace_next_timeout(&pace, now);
    assert_true(next >= now && next <= now + PACE_INTERVAL_US);
    assert_true(pace_poll_change(&pace, next, &numbers));
    assert_int_equal(numbers.counts[PACE_FINE], 100);
    pace_destroy(&pace);
    (void)state;
}

static void an_answer_is_forgotten_after_ten_minutes(void **state)
{
    struct pace pace = {0};
    struct pace_numbers numbers;
    for (uint64_t i = 1; i <= 4; i++)
        answer(&pace, T0 + SECONDS(60) * (usec_t)(i == 4), i, PACE_FAST);
    assert_true(pace_poll_change(&pace, T0 + SECONDS(60), &numbers));
    assert_int_equal(numbers.counts[PACE_FAST], 4);
    assert_int_equal(pace_next_timeout(&pace, T0 + SECONDS(60)), T0 + PACE_FORGET_US);
    assert_true(pace_poll_change(&pace, T0 + PACE_FORGET_US, &numbers));
    assert_int_equal(numbers.counts[PACE_FAST], 0); /* one is left: nobody is named */
    pace_destroy(&pace);
    (void)state;
}

static void more_answers_than_there_is_room_for_push_out_the_oldest(void **state)
{
    struct pace pace = {0};
    for (uint64_t i = 0; i <= LIMIT_PACE_ANSWERS; i++)
        answer(&pace, T0, i, i == 0 ? PACE_LOST : PACE_FINE);
    struct pace_numbers numbers = pace_get_numbers(&pace, T0);
    assert_int_equal(numbers.counts[PACE_LOST], 0);
    assert_int_equal(numbers.counts[PACE_FINE], LIMIT_PACE_ANSWERS);
    pace_destroy(&pace);
    (void)state;
}

/* --- Chat */

static void a_message_is_seen_by_whom_it_is_for_and_by_its_author_only(void **state)
{
    static const struct {
        const char *why;
        uint64_t viewer;
        bool staff;
        uint64_t author;
        int64_t recipient;
        bool seen;
    } cases[] = {
        {"public", 3, false, 2, MESSAGE_TO_ALL, true},
        {"to staff, a learner", 3, false, 2, MESSAGE_TO_STAFF, false},
        {"to staff, its author", 2, false, 2, MESSAGE_TO_STAFF, true},
        {"to staff, staff", 1, true, 2, MESSAGE_TO_STAFF, true},
        {"to one, that one", 2, false, 1, 2, true},
        {"to one, its author", 1, true, 1, 2, true},
        {"to one, another learner", 3, false, 1, 2, false},
        {"to one, other staff", 4, true, 1, 2, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (chat_may_see(cases[i].viewer, cases[i].staff, cases[i].author, cases[i].recipient) !=
            cases[i].seen)
            fail_msg("%s", cases[i].why);
    }
    (void)state;
}

static void one_person_and_one_class_write_no_faster_than_their_limits(void **state)
{
    struct chat chat;
    struct rate_limit mine = {0};
    chat_init(&chat);
    for (int i = 0; i < RATE_CHAT_BURST; i++)
        assert_int_equal(chat_take_place(&chat, T0, &mine, false), STATUS_OK);
    assert_int_equal(chat_take_place(&chat, T0, &mine, false), STATUS_LIMIT);
    assert_int_equal(chat_take_place(&chat, T0 + SECONDS(1), &mine, false), STATUS_OK);
    chat_init(&chat);
    for (int i = 0; i < RATE_CHAT_CLASS_BURST; i++) {
        struct rate_limit other = {0};
        assert_int_equal(chat_take_place(&chat, T0, &other, false), STATUS_OK);
    }
    struct rate_limit learner = {0}, trainer = {0};
    assert_int_equal(chat_take_place(&chat, T0, &learner, false), STATUS_LIMIT);
    assert_int_equal(chat_take_place(&chat, T0, &trainer, true), STATUS_OK);
    (void)state;
}

static void a_full_chat_leaves_room_for_the_staff_and_then_is_full_for_all(void **state)
{
    struct chat chat;
    struct rate_limit limits[4] = {0};
    chat_init(&chat);
    chat_restore(&chat, 9, LIMIT_MESSAGES_PER_CLASS - LIMIT_MESSAGES_FOR_STAFF - 1);
    assert_int_equal(chat_take_place(&chat, T0, &limits[0], false), STATUS_OK);
    chat_note_message(&chat, T0, 10);
    assert_int_equal(chat_take_place(&chat, T0, &limits[1], false), STATUS_LIMIT);
    assert_int_equal(chat_take_place(&chat, T0, &limits[2], true), STATUS_OK);
    chat_restore(&chat, 10, LIMIT_MESSAGES_PER_CLASS);
    assert_int_equal(chat_take_place(&chat, T0, &limits[3], true), STATUS_LIMIT);
    (void)state;
}

static void a_quiet_chat_goes_out_at_once_and_a_burst_together(void **state)
{
    struct chat chat;
    uint64_t after = 0;
    chat_init(&chat);
    chat_restore(&chat, 7, 7);
    assert_false(chat_poll_due(&chat, T0, &after));
    chat_note_message(&chat, T0, 8);
    assert_true(chat_poll_due(&chat, T0, &after));
    assert_int_equal(after, 7);
    for (uint64_t id = 9; id < 100; id++)
        chat_note_message(&chat, T0 + MILLISECONDS(10), id);
    assert_false(chat_poll_due(&chat, T0 + MILLISECONDS(10), &after));
    assert_int_equal(chat.due, T0 + CHAT_HOLD_US);
    assert_true(chat_poll_due(&chat, T0 + CHAT_HOLD_US, &after));
    assert_int_equal(after, 8);
    assert_false(chat_poll_due(&chat, T0 + SECONDS(9), &after));
    (void)state;
}

static void what_was_held_back_of_a_burst_goes_out_with_what_came_since(void **state)
{
    struct chat chat;
    uint64_t after = 0;
    chat_init(&chat);
    for (uint64_t id = 1; id <= CHAT_AT_ONCE + 1; id++)
        chat_note_message(&chat, T0, id);
    assert_true(chat_poll_due(&chat, T0, &after));
    chat_hold_rest(&chat, CHAT_AT_ONCE);
    chat_note_message(&chat, T0 + MILLISECONDS(10), CHAT_AT_ONCE + 2);
    assert_false(chat_poll_due(&chat, T0 + MILLISECONDS(10), &after));
    assert_true(chat_poll_due(&chat, T0 + CHAT_HOLD_US, &after));
    assert_int_equal(after, CHAT_AT_ONCE);
    assert_false(chat_poll_due(&chat, T0 + SECONDS(9), &after));
    (void)state;
}

/* --- Texts */

static void a_text_is_any_valid_text_without_controls_and_overrides(void **state)
{
    static const struct {
        const char *text, *out; /* NULL: refused */
    } cases[] = {
        {"bonjour", "bonjour"},
        {"  deux\tmots \r\n", "deux mots"},
        {"une\r\nligne\rencore\n\nune", "une\nligne\nencore\n\nune"},
        {"<b>&amp;</b> javascript:alert(1)", "<b>&amp;</b> javascript:alert(1)"},
        {"\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85 \xe2\x80\x8f",
         "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85 \xe2\x80\x8f"},
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8f\xab",
         "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8f\xab"},
        {"", NULL},
        {" \n\t ", NULL},
        {"\xe2\x80\x8b\xe2\x80\x8d", NULL},
        {"a\x01", NULL},
        {"a\x1b[31m", NULL},
        {"a\x7f", NULL},
        {"a\xc2\x85", NULL},
        {"a\xe2\x80\xae", NULL},
        {"a\xe2\x81\xa6", NULL},
        {"a\xff", NULL},
        {"a\xed\xa0\x80", NULL},
        {"a\xc0\xaf", NULL},
    };
    char out[100];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum status status = text_rules_take_text(cases[i].text, 90, out, sizeof out);
        if (cases[i].out == NULL)
            assert_int_equal(status, STATUS_MALFORMED);
        else if (status != STATUS_OK || strcmp(out, cases[i].out) != 0)
            fail_msg("%s: %s, %s", cases[i].text, status_name(status), out);
    }
    assert_int_equal(text_rules_take_text("12345", 5, out, sizeof out), STATUS_OK);
    assert_int_equal(text_rules_take_text("12345  ", 5, out, sizeof out), STATUS_OK);
    assert_int_equal(text_rules_take_text("123456", 5, out, sizeof out), STATUS_LIMIT);
    assert_int_equal(text_rules_take_text("12345", 9, out, 5), STATUS_LIMIT);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_than_three_answers_are_not_told_at_all),
        cmocka_unit_test(the_trainer_is_told_at_most_once_a_second),
        cmocka_unit_test(an_answer_is_forgotten_after_ten_minutes),
        cmocka_unit_test(more_answers_than_there_is_room_for_push_out_the_oldest),
        cmocka_unit_test(a_message_is_seen_by_whom_it_is_for_and_by_its_author_only),
        cmocka_unit_test(one_person_and_one_class_write_no_faster_than_their_limits),
        cmocka_unit_test(a_full_chat_leaves_room_for_the_staff_and_then_is_full_for_all),
        cmocka_unit_test(a_quiet_chat_goes_out_at_once_and_a_burst_together),
        cmocka_unit_test(what_was_held_back_of_a_burst_goes_out_with_what_came_since),
        cmocka_unit_test(a_text_is_any_valid_text_without_controls_and_overrides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
