/* Help for one learner: who hears the bell, who comes, who says that it is done; and a word in
 * private. */
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

/* --- In private */

static int private_with(const struct harness *h, const struct person *who)
{
    int with = -1;
    for (size_t i = 0; i < h->seen_count; i++) {
        const struct control_message *m = h->seen[i].message;
        if (h->seen[i].type != SERVICE_RELAY || m->type != CONTROL_ASIDE)
            continue;
        if (m->aside.participant == who->id)
            with = (int)m->aside.with;
        else if (m->aside.with == who->id)
            with = (int)m->aside.participant;
        else if (with == (int)m->aside.participant && m->aside.with == 0)
            with = 0; /* a pair ends with either */
    }
    return with;
}

/* Since harness_forget. */
static size_t times_said(const struct harness *h)
{
    size_t times = 0;
    for (size_t i = h->mark; i < h->seen_count; i++) {
        const struct control_message *m = h->seen[i].message;
        times += h->seen[i].type == SERVICE_RELAY && m->type == CONTROL_ASIDE && m->aside.with != 0;
    }
    return times;
}

static struct room open_workshop(struct harness *h)
{
    harness_relay_up(h);
    struct room r = open_room(h);
    tell(h, &r.trainer, "mode_set", ",\"mode\":\"practical\"");
    harness_offer(h, &r.trainer);
    harness_offer(h, &r.assistant);
    for (size_t i = 0; i < 3; i++)
        harness_offer(h, &r.learners[i]);
    harness_run_for(h, SECONDS(1));
    return r;
}

static void staff_speaks_with_one_learner_and_the_class_hears_neither(void **state)
{
    struct harness *h = *state;
    struct room r = open_workshop(h);
    char part[80];
    ring(h, &r.learners[0]);
    assert_int_equal(harness_grant(h, r.trainer.id, SEND_SLOT_MIC), 1);
    harness_forget(h);
    about(h, &r.trainer, "aside_start", &r.learners[0]);
    OK(h, &r.trainer);
    assert_int_equal(harness_grant(h, r.trainer.id, SEND_SLOT_MIC), 0);
    assert_int_equal(private_with(h, &r.learners[0]), (int)r.trainer.id);
    assert_before(harness_relay_place(h, CONTROL_GRANT, r.trainer.id),
                  harness_place(h, r.trainer.connection, "\"type\":\"aside\""));
    snprintf(part, sizeof part, "{\"type\":\"aside\",\"with\":{\"id\":\"%d\",\"name\":\"T\"}",
             (int)r.trainer.id);
    assert_true(harness_got(h, r.learners[0].connection, part));
    harness_run_for(h, SECONDS(1));
    snprintf(part, sizeof part, "\"aside\":\"%d\"", (int)r.trainer.id);
    assert_true(harness_got(h, r.assistant.connection, part));
    const struct person *others[] = {&r.learners[1], &r.inspector};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_false(harness_got(h, others[i]->connection, "\"type\":\"aside\""));
        assert_false(harness_got(h, others[i]->connection, "\"aside\":\""));
    }
    harness_forget(h);
    ASK(h, &r.trainer, "aside_stop");
    assert_int_equal(harness_grant(h, r.trainer.id, SEND_SLOT_MIC), 1);
    assert_int_equal(private_with(h, &r.learners[0]), 0);
    assert_true(harness_got(h, r.learners[0].connection, "{\"type\":\"aside\",\"with\":null"));
    assert_true(harness_got(h, r.learners[0].connection, "\"help\":null")); /* it was helped */
}

static void an_assistant_without_a_voice_of_its_own_helps_in_private_too(void **state)
{
    struct harness *h = *state;
    struct room r = open_workshop(h);
    about(h, &r.assistant, "aside_start", &r.learners[0]);
    OK(h, &r.assistant);
    assert_int_equal(private_with(h, &r.assistant), (int)r.learners[0].id);
    assert_int_equal(harness_grant(h, r.assistant.id, SEND_SLOT_MIC), -1);
    assert_int_equal(harness_grant(h, r.trainer.id, SEND_SLOT_MIC), 1); /* the class goes on */
    ASK(h, &r.learners[0], "aside_stop");                               /* either may end it */
    assert_int_equal(private_with(h, &r.assistant), 0);
}

static void nobody_else_begins_one_and_nobody_is_in_two(void **state)
{
    struct harness *h = *state;
    struct room r = open_workshop(h);
    const struct {
        const struct person *who, *with;
    } refused[] = {{&r.learners[0], &r.learners[1]},
                   {&r.inspector, &r.learners[0]},
                   {&r.trainer, &r.assistant},
                   {&r.trainer, &r.trainer},
                   {&r.learners[0], &r.trainer}};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        harness_forget(h);
        about(h, refused[i].who, "aside_start", refused[i].with);
        REFUSED(h, refused[i].who, "not_allowed");
    }
    ASK(h, &r.trainer, "aside_stop");
    REFUSED(h, &r.trainer, "not_found");
    about(h, &r.trainer, "aside_start", &r.learners[0]);
    harness_forget(h);
    about(h, &r.assistant, "aside_start", &r.learners[0]);
    REFUSED(h, &r.assistant, "not_allowed");
    about(h, &r.trainer, "aside_start", &r.learners[1]);
    REFUSED(h, &r.trainer, "not_allowed");
    tell(h, &r.trainer, "mode_set", ",\"mode\":\"lecture\"");
    about(h, &r.trainer, "aside_start", &r.learners[1]);
    REFUSED(h, &r.trainer, "not_allowed"); /* help in private belongs to practical work */
}

static void whatever_ends_it_the_relay_is_told_before_the_class_is_heard_again(void **state)
{
    static const char *const ends[] = {"mode", "break", "mute", "kick", "leave", "other_leaves"};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        void *fresh = NULL;
        assert_int_equal(harness_setup(&fresh), 0);
        struct harness *h = fresh;
        struct room r = open_workshop(h);
        about(h, &r.trainer, "aside_start", &r.learners[0]);
        harness_forget(h);
        if (i < 2)
            tell(h, &r.trainer, "mode_set", ",\"mode\":\"%s\"", i == 0 ? "lecture" : "break");
        else if (i < 4)
            about(h, &r.trainer, ends[i], &r.learners[0]);
        else
            ASK(h, i == 4 ? &r.learners[0] : &r.trainer, "leave");
        if (private_with(h, &r.learners[0]) > 0)
            fail_msg("%s: it goes on", ends[i]);
        size_t grant = harness_relay_place(h, CONTROL_GRANT, r.trainer.id);
        for (size_t k = h->mark; k < grant && grant != SIZE_MAX; k++) {
            const struct control_message *m = h->seen[k].message;
            if (h->seen[k].type == SERVICE_RELAY && m->type == CONTROL_ASIDE)
                grant = SIZE_MAX;
        }
        if (harness_grant(h, r.trainer.id, SEND_SLOT_MIC) == 1 && grant != SIZE_MAX)
            fail_msg("%s: the class hears it before it has ended", ends[i]);
        harness_teardown(&fresh);
    }
    (void)state;
}

static void who_hears_that_it_is_over_hears_in_which_mode_the_class_is(void **state)
{
    struct harness *h = *state;
    struct room r = open_workshop(h);
    char part[80];
    about(h, &r.trainer, "aside_start", &r.learners[0]);
    tell(h, &r.trainer, "mode_set", ",\"mode\":\"break\"");
    snprintf(part, sizeof part, "\"with\":null,\"by\":\"%d\",\"mode\":\"break\"",
             (int)r.trainer.id);
    assert_true(harness_got(h, r.trainer.connection, part));
    assert_true(harness_got(h, r.learners[0].connection, part));
}

static void an_aside_outlives_a_restart_and_a_new_connection(void **state)
{
    struct harness *h = *state;
    struct room r = open_workshop(h);
    about(h, &r.trainer, "aside_start", &r.learners[0]);
    harness_forget(h);
    harness_offer(h, &r.learners[0]); /* a new transport: the relay has forgotten it */
    assert_int_equal(times_said(h), 1);
    harness_restart_service(h);
    harness_forget(h);
    harness_relay_hello(h, "boot-2");
    harness_relay_sync_end(h);
    assert_int_equal(times_said(h), 0); /* this relay is another one, and holds nobody */
    struct person back = {.connection = harness_connect(h)};
    harness_resume(h, back.connection, r.trainer.resume);
    char part[60];
    snprintf(part, sizeof part, "\"aside\":{\"id\":\"%d\"", (int)r.learners[0].id);
    assert_true(harness_got(h, back.connection, part));
    assert_true(harness_grant(h, r.trainer.id, SEND_SLOT_MIC) != 1);
}

static void
who_was_away_when_it_ended_is_heard_by_the_class_when_its_page_says_so_again(void **state)
{
    struct harness *h = *state;
    struct room r = open_workshop(h);
    tell(h, &r.trainer, "mic", ",\"on\":true");
    about(h, &r.trainer, "aside_start", &r.learners[0]);
    harness_disconnect(h, r.trainer.connection);
    ASK(h, &r.learners[0], "aside_stop");
    assert_int_equal(private_with(h, &r.trainer), 0);
    assert_int_equal(harness_grant(h, r.trainer.id, SEND_SLOT_MIC), 0);
    struct person back = {.id = r.trainer.id, .connection = harness_connect(h)};
    harness_resume(h, back.connection, r.trainer.resume);
    assert_true(harness_got(h, back.connection, "\"aside\":null"));
    assert_true(harness_got(h, back.connection, "\"send\":[\"mic\""));
    harness_run_for(h, SECONDS(1));
    tell(h, &back, "mode_set", ",\"mode\":\"lecture\"");
    assert_int_equal(harness_grant(h, r.trainer.id, SEND_SLOT_MIC), 0);
    tell(h, &back, "mic", ",\"on\":false"); /* it knows: nothing of before goes to the class */
    assert_int_equal(harness_grant(h, r.trainer.id, SEND_SLOT_MIC), 1);
}

static void
the_floor_ends_the_silence_of_one_whose_page_never_says_what_its_microphone_does(void **state)
{
    struct harness *h = *state;
    struct room r = open_workshop(h);
    about(h, &r.trainer, "aside_start", &r.learners[0]);
    harness_disconnect(h, r.learners[0].connection);
    ASK(h, &r.trainer, "aside_stop");
    struct person back = {.id = r.learners[0].id, .connection = harness_connect(h)};
    harness_resume(h, back.connection, r.learners[0].resume);
    about(h, &r.trainer, "floor_give", &back);
    assert_int_equal(harness_grant(h, back.id, SEND_SLOT_MIC), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(who_rings_is_known_to_staff_alone_though_all_see_it_speak),
        HARNESS_TEST(staff_says_that_it_is_done_and_the_bell_is_silent),
        HARNESS_TEST(staff_speaks_with_one_learner_and_the_class_hears_neither),
        HARNESS_TEST(an_assistant_without_a_voice_of_its_own_helps_in_private_too),
        HARNESS_TEST(nobody_else_begins_one_and_nobody_is_in_two),
        cmocka_unit_test(whatever_ends_it_the_relay_is_told_before_the_class_is_heard_again),
        HARNESS_TEST(who_hears_that_it_is_over_hears_in_which_mode_the_class_is),
        HARNESS_TEST(an_aside_outlives_a_restart_and_a_new_connection),
        HARNESS_TEST(who_was_away_when_it_ended_is_heard_by_the_class_when_its_page_says_so_again),
        HARNESS_TEST(
            the_floor_ends_the_silence_of_one_whose_page_never_says_what_its_microphone_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
