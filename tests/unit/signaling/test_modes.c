#include "unit/signaling/harness.h"

#include "signaling/core/class_mode.h"

static void set_mode(struct harness *h, const struct person *who, const char *mode)
{
    ask(h, who, "mode_set", ",\"mode\":\"%s\"", mode);
}

static void raise_hand(struct harness *h, const struct person *who)
{
    ask(h, who, "hand", ",\"raised\":true");
}

/* A trainer and learners, all with media. */
struct class_of_three {
    struct person trainer, learners[3];
};

static struct class_of_three start_class(struct harness *h)
{
    struct class_of_three c;
    harness_relay_up(h);
    c.trainer = harness_join(h, "trainer", "T");
    harness_offer(h, &c.trainer);
    for (size_t i = 0; i < 3; i++) {
        c.learners[i] = harness_join(h, "learner", "L");
        harness_offer(h, &c.learners[i]);
    }
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    return c;
}

static unsigned open_slots(const struct harness *h, const struct person *who)
{
    unsigned open = 0;
    for (unsigned slot = 0; slot < SEND_SLOT_COUNT; slot++)
        open |= harness_grant(h, who->id, (enum send_slot)slot) == 1 ? 1u << slot : 0;
    return open;
}

#define MIC (1u << SEND_SLOT_MIC)
#define ALL_SLOTS ((1u << SEND_SLOT_COUNT) - 1)

static void a_discussion_opens_every_microphone_and_nothing_more(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    set_mode(h, &c.trainer, "discussion");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(open_slots(h, &c.learners[i]), MIC);
        size_t told = harness_place(h, c.learners[i].connection,
                                    "\"type\":\"rights\",\"send\":[\"mic\"],\"muted\":false");
        assert_before(harness_relay_place(h, CONTROL_GRANT, c.learners[i].id), told);
        assert_true(
            harness_got(h, c.learners[i].connection, "\"type\":\"mode\",\"mode\":\"discussion\""));
        assert_false(harness_got(h, c.learners[i].connection, "\"type\":\"floor\""));
    }
    assert_int_equal(open_slots(h, &c.trainer), ALL_SLOTS);
    assert_false(harness_got(h, c.trainer.connection, "\"type\":\"rights\""));
    struct person late = harness_join(h, "learner", "Tard");
    harness_offer(h, &late);
    assert_int_equal(open_slots(h, &late), MIC);
    assert_true(harness_got(h, late.connection, "\"rights\":{\"send\":[\"mic\"]"));
    ask(h, &late, "share_start", "%s", ""); /* a microphone is not the floor */
    assert_true(harness_got(h, late.connection, "\"code\":\"floor_required\""));
    set_mode(h, &c.trainer, "lecture");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(open_slots(h, &c.learners[i]), 0);
}

static void
a_raised_hand_is_heard_in_a_discussion_when_its_page_has_said_so_and_not_before(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    raise_hand(h, &c.learners[0]);
    raise_hand(h, &c.learners[1]);
    raise_hand(h, &c.learners[2]);
    set_mode(h, &c.trainer, "discussion");
    for (size_t i = 0; i < 3; i++) /* asked for the floor, and may still be sending */
        assert_int_equal(open_slots(h, &c.learners[i]), 0);
    ask(h, &c.learners[0], "mic", ",\"on\":false"); /* nothing of before goes to the class */
    ask(h, &c.learners[1], "mic", ",\"on\":true");
    ask_about(h, &c.trainer, "floor_give", &c.learners[2]); /* what it had asked for */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(open_slots(h, &c.learners[i]) & MIC, MIC);
    set_mode(h, &c.trainer, "discussion"); /* said again: nothing is opened, and nothing closed */
    assert_int_equal(open_slots(h, &c.learners[0]), MIC);
    ask_about(h, &c.trainer, "mute", &c.learners[0]);
    ask(h, &c.trainer, "mute", ",\"participant\":\"%d\",\"on\":false", (int)c.learners[0].id);
    assert_int_equal(open_slots(h, &c.learners[0]), 0); /* lifting a mute opens it likewise */
    ask(h, &c.learners[0], "mic", ",\"on\":true");
    assert_int_equal(open_slots(h, &c.learners[0]), MIC);
}

static void a_break_closes_every_slot_and_its_end_opens_those_of_the_trainer(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    ask_about(h, &c.trainer, "floor_give", &c.learners[0]);
    ask(h, &c.trainer, "mode_set", ",\"mode\":\"break\",\"minutes\":15");
    assert_int_equal(open_slots(h, &c.trainer), 0);
    assert_int_equal(open_slots(h, &c.learners[0]), 0);
    assert_true(harness_got(h, c.trainer.connection, "\"type\":\"rights\",\"send\":[]"));
    char until[64];
    snprintf(until, sizeof until, "\"until_ms\":%lld", (long long)(h->at.unix_us / 1000 + 900000));
    assert_true(harness_got(h, c.learners[1].connection, until));
    harness_forget(h);
    ask_about(h, &c.trainer, "floor_give", &c.learners[1]); /* nobody is heard in a break */
    ASK(h, &c.trainer, "share_start");
    assert_int_equal(harness_count(h, c.trainer.connection, "\"code\":\"not_allowed\""), 2);
    set_mode(h, &c.trainer, "lecture");
    assert_int_equal(open_slots(h, &c.trainer), ALL_SLOTS);
    assert_int_equal(open_slots(h, &c.learners[0]), 0); /* the floor went with the break */
}

static void a_camera_gives_its_place_up_in_a_break_and_takes_one_when_it_sends_again(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    struct control_message *message = calloc(1, sizeof *message);
    assert_non_null(message);
    message->type = CONTROL_PUBLICATION;
    message->publication = (struct control_publication){
        .participant = c.trainer.id, .slot = SEND_SLOT_CAMERA, .active = true};
    harness_relay_says(h, message);
    assert_int_equal(harness_bound(h, ROOM_SLOT_CAMERA_0), c.trainer.id);
    set_mode(h, &c.trainer, "break");
    assert_int_equal(harness_bound(h, ROOM_SLOT_CAMERA_0), 0);
    harness_relay_says(h, message); /* a word that crossed ours on the link */
    assert_int_equal(harness_bound(h, ROOM_SLOT_CAMERA_0), 0);
    set_mode(h, &c.trainer, "lecture");
    harness_relay_says(h, message);
    assert_int_equal(harness_bound(h, ROOM_SLOT_CAMERA_0), c.trainer.id);
    free(message);
}

static void a_change_of_mode_takes_every_floor_and_lifts_every_mute(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    ask_about(h, &c.trainer, "floor_give", &c.learners[0]);
    ask_about(h, &c.trainer, "mute", &c.learners[1]);
    assert_true(harness_got(h, c.learners[1].connection, "\"muted\":true"));
    harness_forget(h);
    set_mode(h, &c.trainer, "practical");
    assert_true(harness_got(h, c.learners[0].connection, "\"granted\":false"));
    assert_int_equal(open_slots(h, &c.learners[0]), 0);
    assert_true(harness_got(h, c.learners[1].connection,
                            "\"type\":\"rights\",\"send\":[],\"muted\":false"));
    assert_before(harness_place(h, c.learners[0].connection, "\"granted\":false"),
                  harness_place(h, c.learners[0].connection, "\"type\":\"mode\""));
}

static void who_is_muted_in_a_discussion_is_closed_until_it_is_lifted(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    set_mode(h, &c.trainer, "discussion");
    ask_about(h, &c.trainer, "mute", &c.learners[0]);
    assert_int_equal(open_slots(h, &c.learners[0]), 0);
    assert_int_equal(open_slots(h, &c.learners[1]), MIC);
    ask(h, &c.learners[0], "mic", ",\"on\":true"); /* its own word changes nothing */
    assert_int_equal(open_slots(h, &c.learners[0]), 0);
    ask(h, &c.trainer, "mute", ",\"participant\":\"%d\",\"on\":false", (int)c.learners[0].id);
    assert_int_equal(open_slots(h, &c.learners[0]), MIC);
    ask(h, &c.trainer, "mute_all", ",\"except\":[\"%d\"]", (int)c.learners[2].id);
    assert_int_equal(open_slots(h, &c.learners[0]), 0);
    assert_int_equal(open_slots(h, &c.learners[1]), 0);
    assert_int_equal(open_slots(h, &c.learners[2]), MIC);
    assert_int_equal(open_slots(h, &c.trainer), ALL_SLOTS);
    ask_about(h, &c.trainer, "floor_give", &c.learners[0]); /* the floor is more than a mute */
    assert_int_equal(open_slots(h, &c.learners[0]) & MIC, MIC);
    harness_forget(h);
    ask_about(h, &c.trainer, "mute", &c.trainer);
    assert_true(harness_got(h, c.trainer.connection, "\"code\":\"not_allowed\""));
}

static void mute_all_spares_thirty_two_and_no_more(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    for (int count = 32; count <= 33; count++) {
        char except[300] = "";
        for (int i = 0; i < count; i++)
            snprintf(except + strlen(except), sizeof except - strlen(except), "%s\"%d\"",
                     i > 0 ? "," : "", i + 1);
        harness_forget(h);
        ask(h, &c.trainer, "mute_all", ",\"except\":[%s]", except);
        assert_true(harness_got(h, c.trainer.connection,
                                count == 32 ? "\"type\":\"ok\"" : "\"code\":\"too_many\""));
    }
}

static void asking_somebody_to_mute_tells_that_one_and_closes_nothing(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    ask_about(h, &c.trainer, "floor_give", &c.learners[0]);
    harness_forget(h);
    ask_about(h, &c.trainer, "mute_ask", &c.learners[0]);
    assert_true(harness_got(h, c.learners[0].connection, "\"type\":\"mute_asked\",\"by\":\"1\""));
    assert_false(harness_got(h, c.learners[1].connection, "mute_asked"));
    assert_int_equal(open_slots(h, &c.learners[0]) & MIC, MIC);
}

static void the_next_in_the_queue_is_the_one_who_waits_longest_and_is_here(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    raise_hand(h, &c.learners[2]);
    raise_hand(h, &c.learners[0]);
    raise_hand(h, &c.learners[1]);
    raise_hand(h, &c.learners[2]); /* again: keeps its place */
    harness_disconnect(h, c.learners[2].connection);
    harness_forget(h);
    ASK(h, &c.trainer, "floor_next");
    char expected[64];
    snprintf(expected, sizeof expected, "\"to\":77,\"participant\":\"%d\"", (int)c.learners[0].id);
    assert_true(harness_got(h, c.trainer.connection, expected));
    ASK(h, &c.trainer, "floor_next"); /* `only` is true: the one before loses it */
    assert_int_equal(open_slots(h, &c.learners[0]), 0);
    assert_int_equal(open_slots(h, &c.learners[1]) & MIC, MIC);
    harness_forget(h);
    ASK(h, &c.trainer, "floor_next");
    assert_true(harness_got(h, c.trainer.connection, "\"code\":\"not_found\""));
    c.learners[2].connection = harness_connect(h);
    harness_resume(h, c.learners[2].connection, c.learners[2].resume);
    assert_true(harness_got(h, c.learners[2].connection, "\"position\":1")); /* it kept its place */
    ask(h, &c.trainer, "floor_next", ",\"only\":false");
    assert_int_equal(open_slots(h, &c.learners[1]) & MIC, MIC);
    assert_int_equal(open_slots(h, &c.learners[2]) & MIC, MIC);
}

static void everybody_knows_its_place_and_staff_the_whole_order(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    struct person assistant = harness_join(h, "assistant", "A");
    raise_hand(h, &c.learners[1]);
    raise_hand(h, &c.learners[0]);
    harness_run_for(h, SECONDS(1));
    char order[80];
    snprintf(order, sizeof order, "\"queue\":[{\"id\":\"%d\"", (int)c.learners[1].id);
    assert_true(harness_got(h, c.trainer.connection, order));
    assert_true(harness_got(h, assistant.connection, order));
    assert_true(harness_got(h, c.learners[0].connection, "\"length\":2,\"position\":2"));
    assert_true(harness_got(h, c.learners[1].connection, "\"length\":2,\"position\":1"));
    assert_true(harness_got(h, c.learners[2].connection, "\"length\":2,\"position\":null"));
    for (size_t i = 0; i < 3; i++)
        assert_false(harness_got(h, c.learners[i].connection, "\"queue\":["));
    harness_forget(h);
    ask(h, &assistant, "hand_lower", "%s", "");
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, c.learners[1].connection, "\"length\":0,\"position\":null"));
    assert_true(harness_got(h, c.trainer.connection, "\"queue\":[]"));
    harness_forget(h);
    harness_run_for(h, SECONDS(2));
    assert_int_equal(harness_count(h, c.learners[2].connection, "queue"), 0); /* nothing new */
}

static void a_hundred_hands_send_each_page_four_queues_a_second(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    char *token = harness_invite(h, "learner", "");
    for (int i = 0; i < 100; i++) {
        struct person one = harness_join_with(h, token);
        harness_send(h, one.connection, "{\"type\":\"hand\",\"id\":2,\"raised\":true}");
        harness_run_for(h, MILLISECONDS(10));
    }
    assert_in_range(harness_count(h, c.trainer.connection, "\"type\":\"queue\""), 3, 6);
    assert_in_range(harness_count(h, c.learners[0].connection, "\"type\":\"queue\""), 3, 6);
    assert_in_range(harness_count(h, c.trainer.connection, "\"type\":\"people\""), 3, 6);
    free(token);
}

static void a_restart_keeps_mode_queue_mute_floor_and_lead(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    set_mode(h, &c.trainer, "discussion");
    ask_about(h, &c.trainer, "mute", &c.learners[0]);
    raise_hand(h, &c.learners[2]);
    raise_hand(h, &c.learners[1]);
    harness_restart_service(h);
    harness_relay_hello(h, "boot-1");
    for (size_t i = 0; i < 3; i++)
        harness_relay_holds(h, 1, c.learners[i].id, 1);
    harness_forget(h);
    harness_relay_sync_end(h);
    assert_int_equal(harness_relay_place(h, CONTROL_GRANT, c.learners[0].id), SIZE_MAX);
    assert_int_not_equal(harness_relay_place(h, CONTROL_GRANT, c.learners[1].id), SIZE_MAX);
    c.learners[1].connection = harness_connect(h);
    harness_resume(h, c.learners[1].connection, c.learners[1].resume);
    assert_true(harness_got(h, c.learners[1].connection, "\"length\":2,\"position\":2"));
    assert_true(harness_got(h, c.learners[1].connection, "\"mode\":\"discussion\""));
    assert_true(harness_got(h, c.learners[1].connection, "\"lead\":\"1\""));
    c.learners[0].connection = harness_connect(h);
    harness_resume(h, c.learners[0].connection, c.learners[0].resume);
    assert_true(harness_got(h, c.learners[0].connection, "\"send\":[],\"muted\":true"));
}

static void the_lead_stays_with_its_trainer_and_can_be_handed_to_a_co_trainer(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    struct person helper = harness_join(h, "co_trainer", "Co");
    harness_forget(h);
    ASK(h, &helper, "class_end"); /* as the trainer, but for this */
    ask_about(h, &helper, "lead_give", &helper);
    assert_int_equal(harness_count(h, helper.connection, "\"code\":\"not_allowed\""), 2);
    harness_disconnect(h, c.trainer.connection); /* the class goes on and waits */
    harness_run_for(h, SECONDS(5));
    set_mode(h, &helper, "discussion");
    assert_int_equal(open_slots(h, &c.learners[0]), MIC);
    assert_true(harness_got(h, helper.connection, "\"lead\":\"1\""));
    c.trainer.connection = harness_connect(h);
    harness_resume(h, c.trainer.connection, c.trainer.resume);
    harness_forget(h);
    ask_about(h, &c.trainer, "lead_give", &c.learners[0]);
    assert_true(harness_got(h, c.trainer.connection, "\"code\":\"not_allowed\""));
    ask_about(h, &c.trainer, "lead_give", &helper);
    char lead[32];
    snprintf(lead, sizeof lead, "\"lead\":\"%d\"", (int)helper.id);
    assert_true(harness_got(h, c.learners[1].connection, lead));
    ASK(h, &helper, "class_end");
    assert_true(harness_got(h, c.learners[1].connection, "\"type\":\"class_ended\""));
}

static void an_inspector_is_seen_by_all_sees_all_and_can_do_nothing(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    struct person inspector = harness_join(h, "inspector", "Mme Contrôle");
    assert_true(harness_got(h, c.learners[0].connection, "Mme Contrôle"));
    char somebody[32];
    snprintf(somebody, sizeof somebody, "{\"id\":\"%d\"", (int)c.learners[0].id);
    assert_true(harness_got(h, inspector.connection, somebody));
    harness_offer(h, &inspector);
    set_mode(h, &c.trainer, "discussion");
    assert_int_equal(open_slots(h, &inspector), 0);
    static const char *const requests[] = {"share_start", "mute_all", "floor_next", "class_end"};
    harness_forget(h);
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        ASK(h, &inspector, requests[i]);
    ask(h, &inspector, "mic", ",\"on\":true");
    ask(h, &inspector, "hand", ",\"raised\":true");
    ask_about(h, &inspector, "mute", &c.learners[0]);
    ask_about(h, &inspector, "hand_lower", &c.learners[0]);
    assert_int_equal(harness_count(h, inspector.connection, "\"code\":\"not_allowed\""), 8);
}

static void only_known_modes_and_sensible_breaks_are_taken(void **state)
{
    struct harness *h = *state;
    struct class_of_three c = start_class(h);
    static const char *const bad[] = {"\"siesta\"",
                                      "\"\"",
                                      "\"break\",\"minutes\":241",
                                      "\"break\",\"minutes\":-1",
                                      "\"break\",\"minutes\":1.5",
                                      "\"lecture\",\"minutes\":5",
                                      "7"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        harness_forget(h);
        ask(h, &c.trainer, "mode_set", ",\"mode\":%s", bad[i]);
        if (!harness_got(h, c.trainer.connection, "\"code\":\"bad_message\""))
            fail_msg("%s", bad[i]);
    }
    ask(h, &c.trainer, "mode_set", ",\"mode\":\"break\",\"minutes\":240");
    assert_true(harness_got(h, c.learners[0].connection, "\"mode\":\"break\""));
}

static void a_break_stops_the_clock_of_realised_time(void **state)
{
    struct class_clock clock = {0};
    assert_int_equal(class_clock_realised_ms(&clock, 99), 0);
    class_clock_start(&clock, 1000);
    class_clock_start(&clock, 5000); /* only the first arrival counts */
    assert_int_equal(class_clock_realised_ms(&clock, 61000), 60000);
    class_clock_set_mode(&clock, CLASS_BREAK, 10, 61000);
    assert_int_equal(clock.until_ms, 661000);
    assert_int_equal(class_clock_realised_ms(&clock, 900000), 60000);
    class_clock_set_mode(&clock, CLASS_QUIZ, 0, 900000);
    assert_int_equal(class_clock_realised_ms(&clock, 900000), 60000);
    assert_int_equal(class_clock_realised_ms(&clock, 905000), 65000);
    assert_int_equal(class_clock_realised_ms(&clock, 1000), 60000); /* a clock set back */
    class_clock_stop(&clock, 910000);
    assert_int_equal(class_clock_realised_ms(&clock, 990000), 70000);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(a_discussion_opens_every_microphone_and_nothing_more),
        HARNESS_TEST(
            a_raised_hand_is_heard_in_a_discussion_when_its_page_has_said_so_and_not_before),
        HARNESS_TEST(a_break_closes_every_slot_and_its_end_opens_those_of_the_trainer),
        HARNESS_TEST(a_camera_gives_its_place_up_in_a_break_and_takes_one_when_it_sends_again),
        HARNESS_TEST(a_change_of_mode_takes_every_floor_and_lifts_every_mute),
        HARNESS_TEST(who_is_muted_in_a_discussion_is_closed_until_it_is_lifted),
        HARNESS_TEST(mute_all_spares_thirty_two_and_no_more),
        HARNESS_TEST(asking_somebody_to_mute_tells_that_one_and_closes_nothing),
        HARNESS_TEST(the_next_in_the_queue_is_the_one_who_waits_longest_and_is_here),
        HARNESS_TEST(everybody_knows_its_place_and_staff_the_whole_order),
        HARNESS_TEST(a_hundred_hands_send_each_page_four_queues_a_second),
        HARNESS_TEST(a_restart_keeps_mode_queue_mute_floor_and_lead),
        HARNESS_TEST(the_lead_stays_with_its_trainer_and_can_be_handed_to_a_co_trainer),
        HARNESS_TEST(an_inspector_is_seen_by_all_sees_all_and_can_do_nothing),
        HARNESS_TEST(only_known_modes_and_sensible_breaks_are_taken),
        cmocka_unit_test(a_break_stops_the_clock_of_realised_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
