/* Who comes in, who waits, who is put out. */
#include "unit/signaling/door_bench.c"

static void the_door_is_one_table(void **state)
{
    static const struct {
        const char *why;
        bool lobby, locked;
        struct door_caller caller;
        enum door_answer expected;
    } cases[] = {
        {"open class", false, false, {ROLE_LEARNER, false, false, false}, DOOR_OPEN},
        {"a stranger", true, false, {ROLE_LEARNER, false, false, false}, DOOR_WAIT},
        {"on the roster", true, false, {ROLE_LEARNER, true, false, false}, DOOR_OPEN},
        {"put out before", false, false, {ROLE_LEARNER, true, true, false}, DOOR_WAIT},
        {"an assistant", true, false, {ROLE_ASSISTANT, false, false, false}, DOOR_OPEN},
        {"an inspector", true, false, {ROLE_INSPECTOR, false, false, false}, DOOR_OPEN},
        {"locked, on the roster", false, true, {ROLE_LEARNER, true, false, false}, DOOR_LOCKED},
        {"locked, a co-trainer", true, true, {ROLE_CO_TRAINER, true, false, false}, DOOR_LOCKED},
        {"locked, a trainer", true, true, {ROLE_TRAINER, false, false, false}, DOOR_OPEN},
        {"locked, put out before", false, true, {ROLE_LEARNER, true, true, false}, DOOR_LOCKED},
        {"banned", false, false, {ROLE_LEARNER, true, false, true}, DOOR_BANNED},
        {"banned and locked", true, true, {ROLE_ASSISTANT, true, true, true}, DOOR_BANNED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_class entry = {.lobby = cases[i].lobby, .locked = cases[i].locked};
        if (door_decide(&entry, cases[i].caller) != cases[i].expected)
            fail_msg("%s", cases[i].why);
    }
    (void)state;
}

static void a_hold_goes_by_the_name_without_its_number_and_by_a_personal_link_alone(void **state)
{
    struct store_invite for_many = {.id = "i"}, for_one = {.id = "i", .name = "Eva"};
    static const struct {
        const char *name, *key;
    } cases[] = {{"Aïcha", "Aïcha"}, {"Aïcha 2", "Aïcha"}, {"Aïcha 1234", "Aïcha"},
                 {"7", "7"},         {" 7", " 7"},         {"R2 D2", "R2 D2"},
                 {"", ""},           {"Max2", "Max2"}};
    struct store_hold key;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        door_write_key(&for_many, 3, cases[i].name, &key);
        assert_string_equal(key.name, cases[i].key);
        assert_int_equal(key.room, 3);
    }
    door_write_key(&for_one, 3, "Eva 2", &key);
    assert_string_equal(key.name, "");
    assert_string_equal(key.invite_id, "i");
    (void)state;
}

static void strangers_wait_and_the_roster_walks_in(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    assert_true(harness_got(h, c.trainer.connection, "") == false);
    uint64_t stranger = knock(h, c.link, "Zoé");
    assert_true(harness_got(h, stranger, "\"type\":\"waiting\",\"to\":9"));
    assert_true(harness_got(h, stranger, "\"title\":\"Anglais\""));
    assert_false(harness_got(h, stranger, "welcome"));
    (void)harness_join(h, "learner", "Karim"); /* asserts its welcome */
    (void)harness_join(h, "assistant", "");
    (void)harness_join(h, "operator", "");
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, c.trainer.connection, "\"type\":\"lobby\",\"waiting\":[{\"id\":"));
    assert_true(harness_got(h, c.trainer.connection, "Zoé"));
    assert_false(harness_got(h, c.inside.connection, "\"type\":\"lobby\""));
    assert_false(harness_got(h, c.inside.connection, "Zoé"));
    free(c.link);
}

static void who_waits_hears_nothing_and_can_only_ping_and_leave(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    uint64_t stranger = knock(h, c.link, "Zoé");
    harness_forget(h);
    ask(h, &c.trainer, "mode_set", ",\"mode\":\"discussion\"");
    ask_about(h, &c.trainer, "floor_give", &c.inside);
    harness_run_for(h, SECONDS(30)); /* nor does the deadline of hello apply */
    assert_int_equal(harness_count(h, stranger, ""), 0);
    static const char *const refused[] = {"\"offer\",\"sdp\":\"x\"", "\"mic\",\"on\":true",
                                          "\"hand\",\"raised\":true", "\"mute_all\"",
                                          "\"lobby_admit\""};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        harness_forget(h);
        harness_send(h, stranger, "{\"id\":3,\"type\":%s}", refused[i]);
        assert_true(harness_got(h, stranger, "\"to\":3,\"code\":\"not_authenticated\""));
    }
    harness_send(h, stranger, "{\"id\":4,\"type\":\"ping\"}");
    assert_true(harness_got(h, stranger, "\"type\":\"ok\",\"to\":4,\"server_time_ms\""));
    harness_send(h, stranger, "{\"id\":5,\"type\":\"leave\"}");
    assert_true(harness_got(h, stranger, "\"type\":\"ok\",\"to\":5"));
    assert_int_equal(harness_close_code(h, stranger), 1000);
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, c.trainer.connection, "\"waiting\":[],\"count\":0"));
    free(c.link);
}

static void who_is_admitted_gets_the_welcome_of_its_hello(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    struct person zoe = {.connection = knock(h, c.link, "Zoé")};
    uint64_t max = knock(h, c.link, "Max");
    admit(h, &c, zoe.connection);
    assert_true(harness_got(h, zoe.connection, "\"type\":\"welcome\",\"to\":9"));
    harness_read_welcome(h, &zoe);
    harness_offer(h, &zoe);
    assert_true(harness_got(h, zoe.connection, "\"type\":\"answer\""));
    char *id = waiting_id(h, max);
    ask(h, &c.trainer, "lobby_refuse", ",\"waiting\":\"%s\"", id);
    assert_true(harness_got(h, max, "\"type\":\"goodbye\",\"code\":\"not_now\""));
    assert_int_equal(harness_close_code(h, max), 4005);
    harness_forget(h);
    ask(h, &c.trainer, "lobby_admit", ",\"waiting\":\"%s\"", id); /* it has gone */
    ask(h, &c.trainer, "lobby_refuse", ",\"waiting\":\"x\"");
    assert_int_equal(harness_count(h, c.trainer.connection, "\"code\":\"not_found\""), 2);
    free(id);
    free(c.link);
}

static void admitting_all_and_switching_the_lobby_off_let_everybody_in(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    uint64_t a = knock(h, c.link, "A"), b = knock(h, c.link, "A");
    ask(h, &c.trainer, "lobby_admit", "%s", "");
    assert_true(harness_got(h, a, "\"name\":\"A\""));
    assert_true(harness_got(h, b, "\"name\":\"A 2\""));
    uint64_t d = knock(h, c.link, "D");
    assert_false(harness_got(h, d, "welcome"));
    ask(h, &c.trainer, "lobby_set", ",\"on\":false");
    assert_true(harness_got(h, d, "welcome"));
    assert_true(harness_got(h, c.inside.connection, "\"lobby\":false"));
    free(c.link);
}

static void who_was_kicked_comes_back_through_the_lobby_even_when_it_is_off(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    ask(h, &c.trainer, "lobby_set", ",\"on\":false");
    struct person zoe = {.connection = knock(h, c.link, "Zoé")};
    harness_read_welcome(h, &zoe);
    harness_offer(h, &zoe);
    ask_about(h, &c.trainer, "kick", &zoe);
    assert_true(harness_got(h, zoe.connection, "\"type\":\"goodbye\",\"code\":\"removed\""));
    assert_int_equal(harness_close_code(h, zoe.connection), 4004);
    assert_int_not_equal(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, zoe.id), SIZE_MAX);
    harness_disconnect(h, zoe.connection);
    uint64_t resuming = harness_connect(h);
    harness_resume(h, resuming, zoe.resume);
    assert_true(harness_got(h, resuming, "\"code\":\"invalid_token\""));
    harness_restart_service(h); /* the order to wait outlives it */
    harness_relay_up(h);
    uint64_t again = knock(h, c.link, "Zoé");
    assert_true(harness_got(h, again, "\"type\":\"waiting\""));
    uint64_t other = knock(h, c.link, "Max"); /* the same link, another person */
    assert_true(harness_got(h, other, "welcome"));
    c.trainer.connection = harness_connect(h);
    harness_resume(h, c.trainer.connection, c.trainer.resume);
    assert_true(harness_got(h, c.trainer.connection, "\"lobby\":{\"waiting\":[{\"id\""));
    ask(h, &c.trainer, "lobby_set", ",\"on\":true");
    ask(h, &c.trainer, "lobby_set", ",\"on\":false");
    assert_false(harness_got(h, again, "welcome"));
    admit(h, &c, again);
    assert_true(harness_got(h, again, "welcome"));
    harness_send(h, again, "{\"type\":\"leave\",\"id\":5}");
    uint64_t forgiven = knock(h, c.link, "Zoé"); /* admitted once, it is like anybody */
    assert_true(harness_got(h, forgiven, "welcome"));
    free(c.link);
}

static void who_is_sent_back_keeps_its_socket_and_waits(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    ask_about(h, &c.trainer, "floor_give", &c.inside);
    harness_forget(h);
    ask_about(h, &c.trainer, "to_lobby", &c.inside);
    assert_true(harness_got(h, c.inside.connection, "\"type\":\"waiting\",\"to\":1"));
    assert_int_equal(harness_close_code(h, c.inside.connection), 0);
    assert_int_not_equal(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, c.inside.id), SIZE_MAX);
    assert_true(harness_got(h, c.trainer.connection, "\"reason\":\"lobby\""));
    harness_send(h, c.inside.connection, "{\"type\":\"mic\",\"id\":5,\"on\":true}");
    assert_true(harness_got(h, c.inside.connection, "\"code\":\"not_authenticated\""));
    uint64_t before = c.inside.id;
    admit(h, &c, c.inside.connection);
    harness_read_welcome(h, &c.inside);
    assert_true(c.inside.id != before); /* a new participant: floor and hand are gone */
    assert_true(harness_got(h, c.inside.connection, "\"rights\":{\"send\":[]"));
    assert_true(harness_got(h, c.inside.connection, "\"name\":\"Inès\""));
    free(c.link);
}

static void a_ban_holds_for_link_and_name_and_says_why(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    ask(h, &c.trainer, "lobby_set", ",\"on\":false");
    struct person zoe = {.connection = knock(h, c.link, "Zoé")};
    harness_read_welcome(h, &zoe);
    struct person max = {.connection = knock(h, c.link, "Max")};
    harness_read_welcome(h, &max);
    harness_forget(h);
    ask(h, &c.trainer, "ban", ",\"participant\":\"%d\",\"reason\":\"\"", (int)zoe.id);
    ask(h, &c.trainer, "ban", ",\"participant\":\"%d\"", (int)zoe.id);
    assert_int_equal(harness_count(h, c.trainer.connection, "\"code\":\"bad_message\""), 2);
    ask(h, &c.trainer, "ban", ",\"participant\":\"%d\",\"reason\":\"Insultes répétées\"",
        (int)zoe.id);
    assert_true(harness_got(h, zoe.connection, "\"reason\":\"Insultes répétées\""));
    assert_int_equal(harness_close_code(h, zoe.connection), 4006);
    assert_int_equal(harness_close_code(h, max.connection), 0);
    harness_restart_service(h);
    for (int i = 0; i < 2; i++) {
        uint64_t again = knock(h, c.link, i == 0 ? "Zoé" : "Zoé 2");
        assert_true(harness_got(h, again, "\"code\":\"banned\""));
    }
    uint64_t other = knock(h, c.link, "Léa");
    assert_true(harness_got(h, other, "welcome"));
    free(c.link);
}

static void a_locked_class_lets_in_trainers_and_who_resumes(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    struct person helper = harness_join(h, "co_trainer", "Co");
    harness_forget(h);
    ask(h, &helper, "lock", ",\"on\":true");
    assert_true(harness_got(h, helper.connection, "\"code\":\"not_allowed\""));
    ask(h, &c.trainer, "lock", ",\"on\":true");
    assert_true(harness_got(h, c.inside.connection, "\"locked\":true"));
    char *named = harness_invite(h, "learner", "Karim");
    uint64_t late = knock(h, named, "");
    assert_true(harness_got(h, late, "\"code\":\"class_locked\""));
    assert_true(harness_got(h, knock(h, c.link, "Zoé"), "\"code\":\"class_locked\""));
    harness_disconnect(h, c.inside.connection);
    struct person back = {.connection = harness_connect(h)};
    harness_resume(h, back.connection, c.inside.resume);
    harness_read_welcome(h, &back);
    assert_int_equal(back.id, c.inside.id);
    (void)harness_join(h, "trainer", "T2");
    free(named);
    free(c.link);
}

static void nobody_puts_out_who_teaches_leads_or_inspects(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    struct person second = harness_join(h, "trainer", "T2");
    struct person helper = harness_join(h, "co_trainer", "Co");
    struct person inspector = harness_join(h, "inspector", "I");
    struct person assistant = harness_join(h, "assistant", "A");
    const struct {
        const struct person *who, *whom;
        const char *type;
    } cases[] = {
        {&c.trainer, &second, "kick"},       {&c.trainer, &inspector, "kick"},
        {&c.trainer, &c.trainer, "kick"},    {&helper, &c.trainer, "to_lobby"},
        {&helper, &helper, "kick"},          {&assistant, &c.inside, "kick"},
        {&c.inside, &assistant, "kick"},     {&helper, &c.inside, "ban"},
        {&inspector, &c.inside, "to_lobby"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        harness_run_for(h, SECONDS(3));
        harness_forget(h);
        ask(h, cases[i].who, cases[i].type, ",\"participant\":\"%d\",\"reason\":\"r\"",
            (int)cases[i].whom->id);
        if (!harness_got(h, cases[i].who->connection, "\"code\":\"not_allowed\""))
            fail_msg("case %zu", i);
        assert_int_equal(harness_close_code(h, cases[i].whom->connection), 0);
    }
    ask_about(h, &c.trainer, "kick", &helper); /* a co-trainer can be asked to leave */
    assert_int_equal(harness_close_code(h, helper.connection), 4004);
    free(c.link);
}

/* --- The same over HTTP */

static const struct seen *call(struct harness *h, enum http_method method, const char *rest,
                               const char *body)
{
    char path[200];
    snprintf(path, sizeof path, "/api/v1/classes/%s/%s", h->class_id, rest);
    return harness_api(h, method, path, body);
}

static void what_a_page_does_the_api_does_too(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    char path[100];
    assert_int_equal(call(h, HTTP_PUT, "mode", "{\"mode\":\"discussion\"}")->status, 200);
    assert_int_equal(harness_grant(h, c.inside.id, SEND_SLOT_MIC), 1);
    snprintf(path, sizeof path, "participants/%d/mute", (int)c.inside.id);
    assert_non_null(strstr(call(h, HTTP_PUT, path, NULL)->text, "\"muted\":true"));
    assert_int_equal(harness_grant(h, c.inside.id, SEND_SLOT_MIC), 0);
    assert_int_equal(call(h, HTTP_DELETE, path, NULL)->status, 200);
    assert_int_equal(harness_grant(h, c.inside.id, SEND_SLOT_MIC), 1);
    assert_int_equal(call(h, HTTP_POST, "mute_all", NULL)->status, 200);
    assert_int_equal(harness_grant(h, c.inside.id, SEND_SLOT_MIC), 0);
    ask(h, &c.inside, "hand", ",\"raised\":true");
    assert_int_equal(call(h, HTTP_POST, "floor/next", NULL)->status, 200);
    assert_true(harness_got(h, c.inside.connection, "\"granted\":true,\"by\":null"));
    assert_int_equal(call(h, HTTP_POST, "floor/next", "{\"only\":false}")->status, 404);
    assert_int_equal(call(h, HTTP_PUT, "mode", "{\"mode\":\"break\",\"minutes\":5}")->status, 200);
    assert_int_equal(call(h, HTTP_PUT, "mode", "{\"mode\":\"siesta\"}")->status, 400);
    assert_int_equal(call(h, HTTP_PUT, "lock", "{\"on\":true}")->status, 200);
    assert_non_null(strstr(call(h, HTTP_PUT, "lock", "{\"on\":false}")->text, "\"locked\":false"));
    assert_int_equal(call(h, HTTP_PUT, "lock", "{}")->status, 400);
    uint64_t a = knock(h, c.link, "A"), b = knock(h, c.link, "B"), d = knock(h, c.link, "D");
    assert_non_null(strstr(call(h, HTTP_GET, "lobby", NULL)->text, "\"count\":3"));
    char *id = waiting_id(h, b);
    snprintf(path, sizeof path, "{\"waiting\":\"%s\"}", id);
    assert_int_equal(call(h, HTTP_POST, "lobby/refuse", path)->status, 200);
    assert_int_equal(call(h, HTTP_POST, "lobby/admit", path)->status, 404);
    assert_int_equal(call(h, HTTP_POST, "lobby/refuse", NULL)->status, 400);
    assert_true(harness_got(h, b, "not_now"));
    assert_int_equal(call(h, HTTP_POST, "lobby/admit", NULL)->status, 200);
    assert_true(harness_got(h, a, "welcome") && harness_got(h, d, "welcome"));
    free(id);
    snprintf(path, sizeof path, "participants/%d/to_lobby", (int)c.inside.id);
    assert_int_equal(call(h, HTTP_POST, path, NULL)->status, 204);
    assert_true(harness_got(h, c.inside.connection, "\"type\":\"waiting\""));
    assert_int_equal(call(h, HTTP_PUT, "lobby", "{\"on\":false}")->status, 200);
    struct person e = {.connection = knock(h, c.link, "E")};
    harness_read_welcome(h, &e);
    snprintf(path, sizeof path, "participants/%d/ban", (int)e.id);
    assert_int_equal(call(h, HTTP_POST, path, "{\"reason\":\" \"}")->status, 400);
    assert_int_equal(call(h, HTTP_POST, path, "{\"reason\":\"Non\"}")->status, 204);
    assert_int_equal(harness_close_code(h, e.connection), 4006);
    snprintf(path, sizeof path, "{\"participant\":\"%d\"}", (int)c.trainer.id);
    assert_int_equal(call(h, HTTP_PUT, "lead", path)->status, 200);
    assert_int_equal(call(h, HTTP_PUT, "lead", "{\"participant\":\"x\"}")->status, 404);
    free(c.link);
}

static void an_ended_class_is_409_and_an_empty_one_takes_every_setting(void **state)
{
    struct harness *h = *state;
    assert_int_equal(call(h, HTTP_PUT, "mode", "{\"mode\":\"quiz\"}")->status, 200);
    assert_int_equal(call(h, HTTP_PUT, "lobby", "{\"on\":true}")->status, 200);
    assert_int_equal(call(h, HTTP_POST, "mute_all", "{\"except\":[]}")->status, 200);
    harness_run_for(h, SECONDS(1));
    struct person trainer = harness_join(h, "trainer", "T");
    assert_true(harness_got(h, trainer.connection, "\"mode\":\"quiz\""));
    assert_int_equal(call(h, HTTP_POST, "end", NULL)->status, 200);
    static const char *const puts[] = {"lobby", "lock"};
    for (size_t i = 0; i < COUNT_OF(puts); i++)
        assert_int_equal(call(h, HTTP_PUT, puts[i], "{\"on\":true}")->status, 409);
    assert_int_equal(call(h, HTTP_PUT, "mode", "{\"mode\":\"quiz\"}")->status, 409);
    assert_int_equal(call(h, HTTP_POST, "floor/next", NULL)->status, 409);
    assert_int_equal(call(h, HTTP_POST, "lobby/admit", NULL)->status, 409);
    assert_int_equal(call(h, HTTP_GET, "lobby", NULL)->status, 409);
    assert_int_equal(call(h, HTTP_DELETE, "lobby", NULL)->status, 405);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_door_is_one_table),
        cmocka_unit_test(a_hold_goes_by_the_name_without_its_number_and_by_a_personal_link_alone),
        HARNESS_TEST(strangers_wait_and_the_roster_walks_in),
        HARNESS_TEST(who_waits_hears_nothing_and_can_only_ping_and_leave),
        HARNESS_TEST(who_is_admitted_gets_the_welcome_of_its_hello),
        HARNESS_TEST(admitting_all_and_switching_the_lobby_off_let_everybody_in),
        HARNESS_TEST(who_was_kicked_comes_back_through_the_lobby_even_when_it_is_off),
        HARNESS_TEST(who_is_sent_back_keeps_its_socket_and_waits),
        HARNESS_TEST(a_ban_holds_for_link_and_name_and_says_why),
        HARNESS_TEST(a_locked_class_lets_in_trainers_and_who_resumes),
        HARNESS_TEST(nobody_puts_out_who_teaches_leads_or_inspects),
        HARNESS_TEST(what_a_page_does_the_api_does_too),
        HARNESS_TEST(an_ended_class_is_409_and_an_empty_one_takes_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
