/* Polls, from question to score. */
#include "unit/signaling/talk_bench.c"

/* --- Polls */

#define SINGLE                                                                                     \
    ",\"kind\":\"single\",\"question\":\"Capitale ?\",\"options\":[\"Paris\",\"Lyon\"],"           \
    "\"correct\":[0]"

static void start_poll(struct harness *h, const struct person *who, const char *what, char *id)
{
    tell(h, who, "poll_start", "%s", what);
    read_id(h, who, "poll", id);
}

static void a_poll_runs_from_question_to_score_and_learners_know_the_answer_last(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char id[24];
    tell(h, &r.learners[0], "poll_start", "%s", SINGLE);
    REFUSED(h, &r.learners[0], "not_allowed");
    start_poll(h, &r.trainer, SINGLE, id);
    tell(h, &r.trainer, "poll_start", "%s", SINGLE);
    REFUSED(h, &r.trainer, "poll_open");
    assert_true(harness_got(h, r.assistant.connection, "\"correct\":[0]"));
    assert_true(harness_got(h, r.learners[0].connection, "\"options\":[\"Paris\",\"Lyon\"]"));
    harness_forget(h);
    answer(h, &r.learners[0], id, "\"choices\":[1]");
    answer(h, &r.learners[0], id, "\"choices\":[0]");
    answer(h, &r.learners[1], id, "\"choices\":[1]");
    answer(h, &r.trainer, id, "\"choices\":[1]");
    REFUSED(h, &r.trainer, "not_allowed");
    answer(h, &r.learners[2], id, "\"choices\":[2]");
    REFUSED(h, &r.learners[2], "bad_message");
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"answered\":2,\"counts\":[1,1]"));
    assert_false(harness_got(h, r.learners[0].connection, "poll_results"));
    assert_false(harness_got(h, r.learners[0].connection, "correct"));
    harness_forget(h);
    tell(h, &r.trainer, "poll_close", ",\"poll\":\"%s\"", id);
    assert_true(
        harness_got(h, r.learners[0].connection, "\"right\":true,\"score\":1,\"streak\":1"));
    assert_true(
        harness_got(h, r.learners[1].connection, "\"right\":false,\"score\":0,\"streak\":0"));
    assert_true(harness_got(h, r.learners[2].connection, "\"right\":false"));
    assert_false(harness_got(h, r.trainer.connection, "poll_score"));
    assert_false(harness_got(h, r.learners[0].connection, "correct"));
    answer(h, &r.learners[2], id, "\"choices\":[0]");
    REFUSED(h, &r.learners[2], "not_found");
    harness_forget(h);
    tell(h, &r.assistant, "poll_show", ",\"poll\":\"%s\",\"on\":true", id);
    assert_true(harness_got(h, r.learners[1].connection, "\"correct\":[0]"));
    assert_true(harness_got(h, r.learners[1].connection, "\"counts\":[1,1]"));
    tell(h, &r.trainer, "poll_start", "%s", SINGLE);
    assert_true(harness_got(h, r.learners[1].connection, "\"open\":true"));
}

static void a_streak_grows_with_right_answers_and_ends_with_a_missing_one(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char id[24];
    for (int round = 1; round <= 3; round++) {
        harness_forget(h);
        start_poll(h, &r.trainer, SINGLE, id);
        if (round < 3)
            answer(h, &r.learners[0], id, "\"choices\":[0]");
        if (round == 2) { /* kill -9 in the middle of a quiz */
            harness_restart_service(h);
            struct person *people[] = {&r.trainer, &r.learners[0]};
            for (size_t i = 0; i < 2; i++) {
                people[i]->connection = harness_connect(h);
                harness_resume(h, people[i]->connection, people[i]->resume);
                harness_read_welcome(h, people[i]);
            }
            assert_true(harness_got(h, r.learners[0].connection, "\"answer\":[0]"));
            assert_true(harness_got(h, r.trainer.connection, "\"answered\":1,\"counts\":[1,0]"));
        }
        tell(h, &r.trainer, "poll_close", ",\"poll\":\"%s\"", id);
        assert_true(harness_got(h, r.learners[0].connection,
                                round == 1   ? "\"score\":1,\"streak\":1"
                                : round == 2 ? "\"score\":2,\"streak\":2"
                                             : "\"score\":2,\"streak\":0"));
    }
    harness_forget(h);
    start_poll(h, &r.trainer, ",\"kind\":\"scale\",\"question\":\"Q\",\"min\":1,\"max\":3", id);
    answer(h, &r.learners[0], id, "\"value\":3");
    tell(h, &r.trainer, "poll_close", ",\"poll\":\"%s\"", id);
    assert_true(harness_got(h, r.learners[0].connection, "\"right\":null,\"score\":2"));
    assert_true(harness_got(h, r.trainer.connection, "\"counts\":[0,0,1]"));
}

static void results_shown_while_a_poll_is_open_reach_everybody_at_most_twice_a_second(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char id[24];
    start_poll(h, &r.trainer, ",\"kind\":\"text\",\"question\":\"Un mot ?\"", id);
    tell(h, &r.trainer, "poll_show", ",\"poll\":\"%s\"", id);
    harness_forget(h);
    for (int i = 0; i < 20; i++) {
        char text[40];
        snprintf(text, sizeof text, "\"text\":\"<b>%d</b>\"", i);
        answer(h, &r.learners[i % 3], id, text);
        harness_run_for(h, MILLISECONDS(100));
    }
    harness_run_for(h, SECONDS(1));
    size_t told = harness_count(h, r.learners[0].connection, "poll_results");
    assert_true(told >= 4 && told <= 6);
    assert_true(harness_got(h, r.learners[0].connection, "\\u003cb\\u003e19\\u003c/b\\u003e"));
    assert_true(harness_got(h, r.learners[0].connection, "\"answered\":3,\"counts\":[]"));
    tell(h, &r.trainer, "poll_close", ",\"poll\":\"%s\"", id);
    assert_true(harness_got(h, r.learners[0].connection, "\"right\":null"));
}

static void a_gift_text_comes_back_as_questions_that_can_be_started(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    tell(h, &r.learners[0], "poll_import", ",\"gift\":\"Q {T}\"");
    REFUSED(h, &r.learners[0], "not_allowed");
    tell(h, &r.trainer, "poll_import",
         ",\"gift\":\"Capitale ? {=Paris ~Lyon}\\n\\nFaux {#1}\\n\\nIl pleut. {F}\"");
    assert_true(harness_got(h, r.trainer.connection,
                            "\"questions\":[{\"line\":1,\"kind\":\"single\",\"question\":"
                            "\"Capitale ?\",\"options\":[\"Paris\",\"Lyon\"],\"correct\":[0]},"
                            "{\"line\":5,\"kind\":\"single\",\"question\":\"Il pleut.\","
                            "\"options\":[\"Vrai\",\"Faux\"],\"correct\":[1]}]"));
    assert_true(
        harness_got(h, r.trainer.connection, "\"errors\":[{\"line\":3,\"code\":\"numeric\""));
}

static void a_class_holds_so_many_polls_and_not_one_more(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    char id[24];
    for (int i = 0; i < LIMIT_POLLS_PER_CLASS; i++) {
        harness_run_for(h, SECONDS(1));
        harness_forget(h);
        start_poll(h, &r.trainer, SINGLE, id);
        tell(h, &r.trainer, "poll_close", ",\"poll\":\"%s\"", id);
    }
    tell(h, &r.trainer, "poll_start", "%s", SINGLE);
    REFUSED(h, &r.trainer, "too_many");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(a_poll_runs_from_question_to_score_and_learners_know_the_answer_last),
        HARNESS_TEST(a_streak_grows_with_right_answers_and_ends_with_a_missing_one),
        HARNESS_TEST(results_shown_while_a_poll_is_open_reach_everybody_at_most_twice_a_second),
        HARNESS_TEST(a_gift_text_comes_back_as_questions_that_can_be_started),
        HARNESS_TEST(a_class_holds_so_many_polls_and_not_one_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
