#include "unit/signaling/harness.h"

static void the_grant_goes_to_the_relay_before_anybody_is_told(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    struct person learner = harness_join(h, "learner", "Aïcha");
    struct person other = harness_join(h, "learner", "Bruno");
    harness_offer(h, &learner);
    harness_send(h, learner.connection, "{\"type\":\"hand\",\"id\":2,\"raised\":true}");
    harness_run_for(h, MILLISECONDS(250));
    assert_true(harness_got(h, trainer.connection, "\"hand\":17954496"));
    harness_forget(h);
    harness_send(h, trainer.connection, "{\"type\":\"floor_give\",\"id\":3,\"participant\":\"%d\"}",
                 (int)learner.id);
    size_t grant = harness_relay_place(h, CONTROL_GRANT, learner.id);
    assert_before(grant, harness_place(h, learner.connection, "\"type\":\"floor\""));
    assert_before(grant, harness_place(h, trainer.connection, "\"to\":3"));
    assert_before(grant, harness_place(h, other.connection, "\"floor\":true"));
    assert_true(harness_got(h, other.connection, "Aïcha")); /* who is heard has a name for all */
    assert_int_equal(harness_grant(h, learner.id, SEND_SLOT_MIC), 1);
    assert_int_equal(harness_grant(h, learner.id, SEND_SLOT_SCREEN), 1);
    assert_int_equal(harness_grant(h, learner.id, SEND_SLOT_CAMERA), -1);
}

static void taking_the_floor_closes_everything_and_ends_the_share(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    struct person learner = harness_join(h, "learner", "Aïcha");
    harness_offer(h, &learner);
    harness_send(h, trainer.connection, "{\"type\":\"floor_give\",\"id\":3,\"participant\":\"%d\"}",
                 (int)learner.id);
    harness_send(h, learner.connection, "{\"type\":\"share_start\",\"id\":4,\"audio\":true}");
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), learner.id);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN_AUDIO), learner.id);
    harness_forget(h);
    harness_send(h, trainer.connection, "{\"type\":\"floor_take\",\"id\":5,\"participant\":\"%d\"}",
                 (int)learner.id);
    for (int slot = SEND_SLOT_MIC; slot <= SEND_SLOT_SCREEN_AUDIO; slot++)
        assert_int_equal(harness_grant(h, learner.id, (enum send_slot)slot), 0);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), 0);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN_AUDIO), 0);
    assert_before(harness_relay_place(h, CONTROL_GRANT, learner.id),
                  harness_place(h, learner.connection, "\"granted\":false"));
    harness_send(h, learner.connection, "{\"type\":\"share_start\",\"id\":6}");
    assert_true(harness_got(h, learner.connection, "\"code\":\"floor_required\""));
}

static void mute_all_takes_every_learners_floor_and_leaves_the_trainer(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    harness_offer(h, &trainer);
    struct person learners[3];
    for (size_t i = 0; i < 3; i++) {
        learners[i] = harness_join(h, "learner", "L");
        harness_offer(h, &learners[i]);
        harness_send(h, trainer.connection,
                     "{\"type\":\"floor_give\",\"id\":3,\"participant\":\"%d\"}",
                     (int)learners[i].id);
    }
    harness_send(h, trainer.connection, "{\"type\":\"mute_all\",\"id\":7}");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(harness_grant(h, learners[i].id, SEND_SLOT_MIC), 0);
    assert_int_equal(harness_grant(h, trainer.id, SEND_SLOT_MIC), 1);
}

static void a_trainers_slots_open_with_its_transport_and_its_voice_is_reserved(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    harness_forget(h);
    harness_offer(h, &trainer);
    size_t add = harness_relay_place(h, CONTROL_PARTICIPANT_ADD, trainer.id);
    size_t grant = harness_relay_place(h, CONTROL_GRANT, trainer.id);
    assert_before(add, grant);
    assert_true(h->seen[grant].message->grant.reserved);
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++)
        assert_int_equal(harness_grant(h, trainer.id, (enum send_slot)slot), 1);
}

static void the_newest_sharer_is_shown_and_stopping_returns_to_the_one_before(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person first = harness_join(h, "trainer", "A");
    struct person second = harness_join(h, "trainer", "B");
    harness_offer(h, &first);
    harness_offer(h, &second);
    harness_send(h, first.connection, "{\"type\":\"share_start\",\"id\":2,\"audio\":true}");
    harness_send(h, second.connection, "{\"type\":\"share_start\",\"id\":2}");
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), second.id);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN_AUDIO), 0);
    harness_send(h, second.connection, "{\"type\":\"leave\",\"id\":3}");
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), first.id);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN_AUDIO), first.id);
    assert_int_equal(harness_close_code(h, second.connection), 1000);
    harness_send(h, first.connection, "{\"type\":\"share_stop\",\"id\":4}");
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), 0);
}

static void a_trainers_camera_gets_a_slot_while_it_sends(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "A");
    harness_offer(h, &trainer);
    struct control_message *message = calloc(1, sizeof *message);
    message->type = CONTROL_PUBLICATION;
    message->publication = (struct control_publication){
        .participant = trainer.id, .slot = SEND_SLOT_CAMERA, .active = true};
    harness_relay_says(h, message);
    assert_int_equal(harness_bound(h, ROOM_SLOT_CAMERA_0), trainer.id);
    message->publication.active = false;
    harness_relay_says(h, message);
    assert_int_equal(harness_bound(h, ROOM_SLOT_CAMERA_0), 0);
    free(message);
}

static void requests_need_the_right_role(void **state)
{
    struct harness *h = *state;
    struct person trainer = harness_join(h, "trainer", "T");
    struct person learner = harness_join(h, "learner", "L");
    struct person operator= harness_join(h, "operator", "O");
    const struct {
        const struct person *who;
        const char *request, *code;
    } cases[] = {
        {&learner, "\"floor_give\",\"participant\":\"1\"", "not_allowed"},
        {&learner, "\"floor_take\",\"participant\":\"1\"", "not_allowed"},
        {&learner, "\"mute_all\"", "not_allowed"},
        {&learner, "\"class_end\"", "not_allowed"},
        {&learner, "\"watch\",\"on\":true", "not_allowed"},
        {&learner, "\"share_start\"", "floor_required"},
        {&trainer, "\"hand\",\"raised\":true", "not_allowed"},
        {&trainer, "\"watch\",\"on\":true", "not_allowed"},
        {&trainer, "\"class_end\",\"class\":\"another\"", "not_allowed"},
        {&operator, "\"share_start\"", "not_allowed"},
        {&operator, "\"floor_give\",\"participant\":\"1\"", "not_allowed"},
        {&operator, "\"hand\",\"raised\":true", "not_allowed"},
        {&operator, "\"class_end\",\"class\":\"another\"", "not_found"},
        {&trainer, "\"floor_give\",\"participant\":\"1\"", "not_allowed"}, /* a trainer has it */
        {&trainer, "\"floor_give\",\"participant\":\"999\"", "not_found"},
        {&trainer, "\"floor_give\",\"participant\":\"\"", "not_found"},
        {&trainer, "\"floor_give\",\"participant\":\"1x\"", "not_found"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        harness_forget(h);
        harness_send(h, cases[i].who->connection, "{\"id\":%zu,\"type\":%s}", i + 10,
                     cases[i].request);
        char expected[64];
        snprintf(expected, sizeof expected, "\"to\":%zu,\"code\":\"%s\"", i + 10, cases[i].code);
        if (!harness_got(h, cases[i].who->connection, expected))
            fail_msg("%s", cases[i].request);
        harness_run_for(h, SECONDS(4)); /* each error is forgiven after a while */
    }
}

static void nobody_acts_on_another_class(void **state)
{
    struct harness *h = *state;
    struct person learner = harness_join(h, "learner", "L");
    char other[64];
    harness_new_class(h, "autre", other);
    char *token = harness_invite_to(h, other, "trainer", "T", "");
    struct person trainer = harness_join_with(h, token);
    harness_send(h, trainer.connection, "{\"type\":\"floor_give\",\"id\":3,\"participant\":\"%d\"}",
                 (int)learner.id);
    assert_true(harness_got(h, trainer.connection, "\"code\":\"not_found\""));
    free(token);
}

static void the_thirty_third_floor_is_refused(void **state)
{
    struct harness *h = *state;
    struct person trainer = harness_join(h, "trainer", "T");
    char *token = harness_invite(h, "learner", "L");
    for (int i = 0; i < 33; i++) {
        struct person learner = harness_join_with(h, token);
        harness_forget(h);
        harness_run_for(h, SECONDS(1));
        harness_send(h, trainer.connection,
                     "{\"type\":\"floor_give\",\"id\":3,\"participant\":\"%d\"}", (int)learner.id);
        assert_true(harness_got(h, trainer.connection,
                                i < 32 ? "\"type\":\"ok\",\"to\":3" : "\"code\":\"too_many\""));
    }
    free(token);
}

static void the_end_of_a_class_reaches_everybody_and_closes_it_for_good(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char *token = harness_invite(h, "learner", "L");
    struct person trainer = harness_join(h, "trainer", "T");
    struct person learner = harness_join_with(h, token);
    harness_offer(h, &learner);
    harness_forget(h);
    harness_send(h, trainer.connection, "{\"type\":\"class_end\",\"id\":3}");
    const struct person *all[] = {&trainer, &learner};
    for (size_t i = 0; i < 2; i++) {
        size_t ended = harness_place(h, all[i]->connection, "\"type\":\"class_ended\"");
        size_t goodbye = harness_place(h, all[i]->connection, "\"code\":\"class_ended\"");
        assert_before(ended, goodbye);
        assert_int_equal(harness_close_code(h, all[i]->connection), 1000);
    }
    assert_true(harness_got(h, trainer.connection, "\"type\":\"ok\",\"to\":3"));
    assert_true(harness_relay_place(h, CONTROL_ROOM_CLOSE, 1) != SIZE_MAX);
    uint64_t late = harness_connect(h);
    harness_hello(h, late, token);
    assert_true(harness_got(h, late, "\"code\":\"class_ended\""));
    uint64_t resuming = harness_connect(h);
    harness_resume(h, resuming, learner.resume);
    assert_true(harness_got(h, resuming, "\"code\":\"invalid_token\""));
    harness_restart_service(h); /* and it stays ended */
    late = harness_connect(h);
    harness_hello(h, late, token);
    assert_true(harness_got(h, late, "\"code\":\"class_ended\""));
    free(token);
}

static void speakers_and_slots_reach_the_class_at_a_bounded_rate(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    harness_offer(h, &trainer);
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    struct control_message *message = calloc(1, sizeof *message);
    for (int i = 0; i < 100; i++) {
        message->type = CONTROL_SPEAKERS;
        message->speakers = (struct control_speakers){
            .room = 1, .participants = {trainer.id, 999}, .count = (size_t)(i % 3)};
        harness_relay_says(h, message);
        message->type = CONTROL_SLOT_BOUND;
        message->slot_bound = (struct control_slot_bound){
            .room = 1, .slot = ROOM_SLOT_VOICE_0, .participant = i % 2 == 0 ? trainer.id : 0};
        harness_relay_says(h, message);
        harness_run_for(h, MILLISECONDS(10));
    }
    free(message);
    assert_in_range(harness_count(h, trainer.connection, "\"type\":\"speaking\""), 2, 5);
    assert_in_range(harness_count(h, trainer.connection, "\"type\":\"slots\""), 10, 51);
    assert_false(harness_got(h, trainer.connection, "999"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(the_grant_goes_to_the_relay_before_anybody_is_told),
        HARNESS_TEST(taking_the_floor_closes_everything_and_ends_the_share),
        HARNESS_TEST(mute_all_takes_every_learners_floor_and_leaves_the_trainer),
        HARNESS_TEST(a_trainers_slots_open_with_its_transport_and_its_voice_is_reserved),
        HARNESS_TEST(the_newest_sharer_is_shown_and_stopping_returns_to_the_one_before),
        HARNESS_TEST(a_trainers_camera_gets_a_slot_while_it_sends),
        HARNESS_TEST(requests_need_the_right_role),
        HARNESS_TEST(nobody_acts_on_another_class),
        HARNESS_TEST(the_thirty_third_floor_is_refused),
        HARNESS_TEST(the_end_of_a_class_reaches_everybody_and_closes_it_for_good),
        HARNESS_TEST(speakers_and_slots_reach_the_class_at_a_bounded_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
