/* Help for one learner: who hears the bell, who comes, who says that it is done. */
#include "unit/signaling/talk_bench.c"

static void ring(struct harness *h, const struct person *who)
{
    tell(h, who, "help", ",\"on\":true");
    harness_run_for(h, SECONDS(1));
}

static void about(struct harness *h, const struct person *who, const char *type,
                  const struct person *whom)
{
    tell(h, who, type, ",\"participant\":\"%d\"", (int)whom->id);
}

static bool reads_of_help(const struct harness *h, const struct person *who)
{
    return harness_count(h, who->connection, "\"help\":1") > 0;
}

static void who_rings_is_known_to_staff_alone_though_all_see_it_speak(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    about(h, &r.trainer, "floor_give", &r.learners[0]); /* from now on all are told of it */
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    ring(h, &r.learners[0]);
    about(h, &r.assistant, "help_answer", &r.learners[0]);
    harness_run_for(h, SECONDS(1));
    assert_true(reads_of_help(h, &r.trainer));
    assert_true(reads_of_help(h, &r.assistant));
    assert_true(reads_of_help(h, &r.learners[0]));
    assert_false(reads_of_help(h, &r.learners[1]));
    assert_false(reads_of_help(h, &r.inspector));
    char part[40];
    snprintf(part, sizeof part, "\"helper\":\"%d\"", (int)r.assistant.id);
    assert_false(harness_got(h, r.learners[1].connection, part));
    struct person late = harness_join(h, "learner", "Late"); /* nor in a snapshot */
    assert_false(reads_of_help(h, &late));
}

static void staff_says_that_it_is_done_and_the_bell_is_silent(void **state)
{
    struct harness *h = *state;
    struct room r = open_room(h);
    about(h, &r.trainer, "help_done", &r.learners[0]);
    REFUSED(h, &r.trainer, "not_found"); /* nobody rang */
    ring(h, &r.learners[0]);
    about(h, &r.learners[1], "help_done", &r.learners[0]);
    REFUSED(h, &r.learners[1], "not_allowed");
    about(h, &r.inspector, "help_done", &r.learners[0]);
    REFUSED(h, &r.inspector, "not_allowed");
    harness_forget(h);
    about(h, &r.assistant, "help_done", &r.learners[0]);
    OK(h, &r.assistant);
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, r.trainer.connection, "\"help\":null"));
    assert_true(harness_got(h, r.learners[0].connection, "\"help\":null"));
    ring(h, &r.learners[0]); /* and may be rung again */
    assert_true(reads_of_help(h, &r.trainer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(who_rings_is_known_to_staff_alone_though_all_see_it_speak),
        HARNESS_TEST(staff_says_that_it_is_done_and_the_bell_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
