/* Chat, pace, help, and what the staff is told. */
#include "unit/signaling/talk_bench.c"

static void say(struct harness *h, const struct person *who, const char *text, const char *to,
                char *id)
{
    harness_run_for(h, SECONDS(2));
    tell(h, who, "chat_send", ",\"text\":\"%s\",\"to\":\"%s\"", text, to);
    if (id != NULL)
        read_id(h, who, "message", id);
}

/* --- Chat */

static void a_message_reaches_whom_it_is_for_and_nobody_else(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char to_one[24];
    snprintf(to_one, sizeof to_one, "%d", (int)r.learners[1].id);
    say(h, &r.learners[0], "public", "all", NULL);
    say(h, &r.learners[0], "for staff", "staff", NULL);
    say(h, &r.trainer, "for one", to_one, NULL);
    harness_run_for(h, SECONDS(1));
    const struct {
        const char *why;
        const struct person *who;
        bool staff, one;
    } readers[] = {
        {"the author", &r.learners[0], true, false},  {"the one", &r.learners[1], false, true},
        {"a learner", &r.learners[2], false, false},  {"the trainer", &r.trainer, true, true},
        {"the assistant", &r.assistant, true, false}, {"the inspector", &r.inspector, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        uint64_t c = readers[i].who->connection;
        if (harness_count(h, c, "\"text\":\"public\"") != 1 ||
            harness_count(h, c, "\"text\":\"for staff\"") != readers[i].staff ||
            harness_count(h, c, "\"text\":\"for one\"") != readers[i].one)
            fail_msg("%s", readers[i].why);
        harness_forget(h);
        tell(h, readers[i].who, "chat_history", "%s", "");
        if (harness_count(h, c, "public") != 1 ||
            harness_count(h, c, "for staff") != readers[i].staff ||
            harness_count(h, c, "for one") != readers[i].one)
            fail_msg("%s, later", readers[i].why);
        h->mark = 0;
    }
}

static void who_may_not_write_is_refused(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char to_one[24];
    snprintf(to_one, sizeof to_one, "%d", (int)r.learners[1].id);
    say(h, &r.inspector, "x", "all", NULL);
    REFUSED(h, &r.inspector, "not_allowed");
    say(h, &r.learners[0], "x", to_one, NULL);
    REFUSED(h, &r.learners[0], "not_allowed");
    say(h, &r.trainer, "x", "99999", NULL);
    REFUSED(h, &r.trainer, "not_found");
    tell(h, &r.trainer, "chat_send", ",\"text\":\" \"");
    REFUSED(h, &r.trainer, "bad_message");
    say(h, &r.assistant, "a\xe2\x80\xae", "all", NULL);
    REFUSED(h, &r.assistant, "bad_message");
    harness_run_for(h, SECONDS(1));
    assert_false(harness_got(h, r.learners[1].connection, "\"type\":\"chat\""));
}

static void a_closed_chat_takes_nothing_from_learners_but_what_is_for_the_staff(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    tell(h, &r.learners[0], "chat_open", ",\"on\":false");
    REFUSED(h, &r.learners[0], "not_allowed");
    tell(h, &r.assistant, "chat_open", ",\"on\":false");
    OK(h, &r.assistant);
    assert_true(harness_got(h, r.learners[2].connection, "\"chat\":false"));
    harness_forget(h);
    say(h, &r.learners[0], "x", "all", NULL);
    REFUSED(h, &r.learners[0], "chat_closed");
    say(h, &r.learners[0], "help me", "staff", NULL);
    say(h, &r.trainer, "listen", "all", NULL);
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "help me"));
    assert_true(harness_got(h, r.learners[0].connection, "listen"));
    harness_restart_service(h);
    struct person back = {.connection = harness_connect(h)};
    harness_resume(h, back.connection, r.learners[0].resume);
    assert_true(harness_got(h, back.connection, "\"chat\":false"));
}

static void a_question_keeps_when_it_was_answered_first(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char question[24], plain[24];
    tell(h, &r.learners[0], "chat_send", ",\"text\":\"pourquoi ?\",\"question\":true");
    read_id(h, &r.learners[0], "message", question);
    say(h, &r.learners[1], "ah", "all", plain);
    harness_forget(h);
    harness_run_for(h, SECONDS(30));
    int64_t answered_ms = h->at.unix_us / 1000;
    tell(h, &r.learners[1], "chat_answered", ",\"message\":\"%s\"", question);
    REFUSED(h, &r.learners[1], "not_allowed");
    tell(h, &r.assistant, "chat_answered", ",\"message\":\"%s\"", plain);
    REFUSED(h, &r.assistant, "not_found");
    tell(h, &r.assistant, "chat_answered", ",\"message\":\"%s\"", question);
    OK(h, &r.assistant);
    harness_run_for(h, SECONDS(30));
    tell(h, &r.trainer, "chat_answered", ",\"message\":\"%s\"", question);
    char part[200];
    snprintf(part, sizeof part, "{\"type\":\"chat_changed\",\"id\":\"%s\",\"answered_ms\":%lld,",
             question, (long long)answered_ms);
    assert_int_equal(harness_count(h, r.learners[2].connection, part), 1);
    assert_int_equal(harness_count(h, r.learners[2].connection, "chat_changed"), 1);
    tell(h, &r.learners[2], "chat_history", "%s", "");
    snprintf(part, sizeof part, "\"answered_ms\":%lld", (long long)answered_ms);
    assert_true(harness_got(h, r.learners[2].connection, part));
}

static void a_deleted_message_is_gone_for_everybody_and_from_the_past(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char id[24], private[24], to_one[24];
    snprintf(to_one, sizeof to_one, "%d", (int)r.learners[1].id);
    say(h, &r.learners[0], "rude", "all", id);
    say(h, &r.trainer, "secret", to_one, private);
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    tell(h, &r.learners[0], "chat_delete", ",\"message\":\"%s\"", id);
    REFUSED(h, &r.learners[0], "not_allowed");
    tell(h, &r.assistant, "chat_delete", ",\"message\":\"%s\"", private);
    REFUSED(h, &r.assistant, "not_found"); /* what it may not see is not there */
    tell(h, &r.assistant, "chat_delete", ",\"message\":\"%s\"", id);
    OK(h, &r.assistant);
    assert_true(harness_got(h, r.learners[2].connection, "\"deleted\":true"));
    tell(h, &r.learners[2], "chat_history", "%s", "");
    assert_false(harness_got(h, r.learners[2].connection, "rude"));
    tell(h, &r.assistant, "chat_delete", ",\"message\":\"%s\"", id);
    assert_int_equal(harness_count(h, r.assistant.connection, "not_found"), 2);
}

static void a_late_joiner_reads_the_class_so_far_page_by_page(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char text[24];
    for (int i = 0; i < LIMIT_MESSAGES_LISTED + 5; i++) {
        snprintf(text, sizeof text, "message %d.", i);
        say(h, &r.learners[0], text, "all", NULL);
    }
    harness_restart_service(h);
    struct person late = harness_join(h, "learner", "Late");
    harness_forget(h);
    tell(h, &late, "chat_history", "%s", "");
    assert_true(harness_got(h, late.connection, "\"more\":true"));
    assert_true(harness_got(h, late.connection, "message 54."));
    assert_true(harness_got(h, late.connection, "message 5."));
    assert_false(harness_got(h, late.connection, "message 4."));
    /* The first on this page is the sixth message of the class. */
    harness_forget(h);
    tell(h, &late, "chat_history", ",\"before\":\"6\"");
    assert_true(harness_got(h, late.connection, "\"more\":false"));
    assert_true(harness_got(h, late.connection, "message 0."));
    assert_true(harness_got(h, late.connection, "message 4."));
    assert_false(harness_got(h, late.connection, "message 5."));
}

static void nobody_writes_faster_than_the_limit_even_with_a_new_socket(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    for (int i = 0; i < RATE_CHAT_BURST; i++)
        tell(h, &r.learners[0], "chat_send", ",\"text\":\"x\"");
    assert_false(harness_got(h, r.learners[0].connection, "too_many"));
    harness_disconnect(h, r.learners[0].connection);
    struct person back = {.connection = harness_connect(h)};
    harness_resume(h, back.connection, r.learners[0].resume);
    tell(h, &back, "chat_send", ",\"text\":\"x\"");
    REFUSED(h, &back, "too_many");
}

/* --- Pace and help */

static void the_pace_is_for_staff_and_says_nothing_under_three_answers(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    tell(h, &r.learners[0], "pace", ",\"value\":\"lost\"");
    tell(h, &r.learners[1], "pace", ",\"value\":\"lost\"");
    tell(h, &r.learners[1], "pace", ",\"value\":\"slow\"");
    REFUSED(h, &r.learners[1], "bad_message");
    harness_run_for(h, SECONDS(5));
    assert_false(harness_got(h, r.trainer.connection, "\"type\":\"pace\""));
    tell(h, &r.learners[2], "pace", ",\"value\":\"fast\"");
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.assistant.connection,
                            "{\"type\":\"pace\",\"fast\":1,\"fine\":0,\"lost\":2}"));
    assert_false(harness_got(h, r.learners[0].connection, "\"type\":\"pace\""));
    assert_false(harness_got(h, r.inspector.connection, "\"type\":\"pace\""));
    harness_forget(h);
    harness_run_for(h, SECONDS(601));
    assert_true(harness_got(h, r.assistant.connection, "\"fast\":0,\"fine\":0,\"lost\":0"));
}

static void a_bell_is_heard_by_the_staff_and_the_learner_knows_who_comes(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char part[120];
    tell(h, &r.trainer, "help", ",\"on\":true");
    REFUSED(h, &r.trainer, "not_allowed");
    tell(h, &r.trainer, "help_answer", ",\"participant\":\"%d\"", (int)r.learners[0].id);
    REFUSED(h, &r.trainer, "not_found"); /* nobody rang */
    tell(h, &r.learners[0], "help", ",\"on\":true");
    OK(h, &r.learners[0]);
    harness_run_for(h, SECONDS(1));
    snprintf(part, sizeof part, "\"help\":%lld", (long long)(h->at.unix_us / 1000 - 1000));
    assert_true(harness_got(h, r.trainer.connection, part));
    assert_false(harness_got(h, r.learners[1].connection, part));
    harness_forget(h);
    tell(h, &r.assistant, "help_answer", ",\"participant\":\"%d\"", (int)r.learners[0].id);
    OK(h, &r.assistant);
    snprintf(part, sizeof part, "{\"type\":\"help_coming\",\"by\":\"%d\"", (int)r.assistant.id);
    assert_true(harness_got(h, r.learners[0].connection, part));
    assert_false(harness_got(h, r.learners[1].connection, "help_coming"));
    harness_run_for(h, SECONDS(1));
    snprintf(part, sizeof part, "\"helper\":\"%d\"", (int)r.assistant.id);
    assert_true(harness_got(h, r.trainer.connection, part));
    harness_forget(h);
    tell(h, &r.assistant, "leave", "%s", "");
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"helper\":null")); /* it rings on */
    tell(h, &r.learners[0], "help", ",\"on\":false");
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"help\":null"));
}

/* --- Whatever happens */

/* A message's text says who may read it: "R" and then the connections' letters. */
static void in_no_order_of_things_does_a_message_reach_somebody_who_may_not_see_it(void **state)
{
    struct harness *h = *state;
    struct rng rng = rng_of_seed(20261127);
    for (int round = 0; round < 3; round++) {
        struct room r = open_room(h);
        struct person *people[] = {&r.trainer,     &r.assistant,   &r.inspector,
                                   &r.learners[0], &r.learners[1], &r.learners[2]};
        const bool staff[] = {true, true, false, false, false, false};
        for (int step = 0; step < 400; step++) {
            size_t from = rng_next(&rng) % 6, to = rng_next(&rng) % 6;
            char text[40], recipient[24];
            switch (rng_next(&rng) % 8) {
            case 0:
                snprintf(text, sizeof text, "S%zu.", from);
                tell(h, people[from], "chat_send", ",\"text\":\"%s\",\"to\":\"staff\"", text);
                break;
            case 1:
                snprintf(text, sizeof text, "P%zu-%zu.", from, to);
                snprintf(recipient, sizeof recipient, "%d", (int)people[to]->id);
                tell(h, people[from], "chat_send", ",\"text\":\"%s\",\"to\":\"%s\"", text,
                     recipient);
                break;
            case 2:
                tell(h, people[from], "chat_history", "%s", "");
                break;
            case 3: /* the socket is lost, and another one comes back */
                harness_disconnect(h, people[from]->connection);
                people[from]->connection = harness_connect(h);
                harness_resume(h, people[from]->connection, people[from]->resume);
                harness_read_welcome(h, people[from]);
                break;
            case 4:
                tell(h, people[from], "chat_delete", ",\"message\":\"%d\"",
                     (int)(rng_next(&rng) % 50) + 1);
                break;
            default:
                harness_run_for(h, MILLISECONDS(rng_next(&rng) % 1500));
                break;
            }
            for (size_t i = 0; i < 6; i++) {
                for (size_t author = 0; author < 6; author++) {
                    snprintf(text, sizeof text, "\"text\":\"S%zu.", author);
                    assert_true(staff[i] || i == author ||
                                !harness_got(h, people[i]->connection, text));
                    for (size_t one = 0; one < 6; one++) {
                        snprintf(text, sizeof text, "\"text\":\"P%zu-%zu.", author, one);
                        assert_true(i == author || i == one ||
                                    !harness_got(h, people[i]->connection, text));
                        assert_true(staff[author] || !harness_got(h, people[i]->connection, text));
                    }
                }
            }
            harness_forget(h);
        }
        harness_new_class(h, "Autre", h->class_id);
    }
}

/* --- Events */

static const char *const happened[] = {
    "class_started", "joined", "joined", "joined", "joined",      "joined",
    "joined",        "floor",  "floor",  "mode",   "left",        "left",
    "left",          "left",   "left",   "left",   "class_ended",
};

static bool check_event(void *context, const struct store_event *event)
{
    size_t *count = context;
    assert_true(*count < COUNT_OF(happened));
    assert_string_equal(event->type, happened[*count]);
    assert_int_equal(event->seq, ++*count);
    json_t *data = json_loads(event->data, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(data));
    json_decref(data);
    return true;
}

static void the_log_tells_what_happened_in_order_and_without_a_gap(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    tell(h, &r.trainer, "floor_give", ",\"participant\":\"%d\"", (int)r.learners[0].id);
    tell(h, &r.trainer, "mode_set", ",\"mode\":\"discussion\"");
    tell(h, &r.learners[2], "leave", "%s", "");
    tell(h, &r.trainer, "class_end", "%s", "");
    size_t count = 0;
    harness_restart_service(h);
    assert_int_equal(store_each_event(h->store, 0, 100, check_event, &count), STATUS_OK);
    assert_int_equal(count, COUNT_OF(happened));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(a_message_reaches_whom_it_is_for_and_nobody_else),
        HARNESS_TEST(who_may_not_write_is_refused),
        HARNESS_TEST(a_closed_chat_takes_nothing_from_learners_but_what_is_for_the_staff),
        HARNESS_TEST(a_question_keeps_when_it_was_answered_first),
        HARNESS_TEST(a_deleted_message_is_gone_for_everybody_and_from_the_past),
        HARNESS_TEST(a_late_joiner_reads_the_class_so_far_page_by_page),
        HARNESS_TEST(nobody_writes_faster_than_the_limit_even_with_a_new_socket),
        HARNESS_TEST(the_pace_is_for_staff_and_says_nothing_under_three_answers),
        HARNESS_TEST(a_bell_is_heard_by_the_staff_and_the_learner_knows_who_comes),
        HARNESS_TEST(in_no_order_of_things_does_a_message_reach_somebody_who_may_not_see_it),
        HARNESS_TEST(the_log_tells_what_happened_in_order_and_without_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
