#include "unit/signaling/harness.h"

#include "signaling/core/door.h"

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

/* --- In class */

struct door_class {
    struct person trainer, inside;
    char *link; /* a learner's, for many */
};

static struct door_class start_class(struct harness *h)
{
    struct door_class c;
    harness_relay_up(h);
    c.trainer = harness_join(h, "trainer", "T");
    harness_offer(h, &c.trainer);
    c.link = harness_invite(h, "learner", "");
    c.inside = harness_join(h, "learner", "Inès");
    harness_offer(h, &c.inside);
    ask(h, &c.trainer, "lobby_set", ",\"on\":true");
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    return c;
}

static uint64_t knock(struct harness *h, const char *token, const char *name)
{
    uint64_t connection = harness_connect(h);
    harness_send(h, connection,
                 "{\"type\":\"hello\",\"id\":9,\"version\":1,\"token\":\"%s\",\"name\":\"%s\"}",
                 token, name);
    return connection;
}

/* The id under which a socket waits; caller frees. */
static char *waiting_id(struct harness *h, uint64_t connection)
{
    return harness_value(h, connection, "waiting", NULL, "id");
}

static void admit(struct harness *h, const struct door_class *c, uint64_t connection)
{
    char *id = waiting_id(h, connection);
    assert_non_null(id);
    ask(h, &c->trainer, "lobby_admit", ",\"waiting\":\"%s\"", id);
    free(id);
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

/* --- Personal links */

static void the_newest_page_of_a_personal_link_takes_over(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    char *token = harness_invite_to(h, h->class_id, "learner", "Aïcha", ",\"personal\":true");
    struct person first = harness_join_with(h, token);
    harness_offer(h, &first);
    harness_relay_state(h, first.id, 1, CONTROL_MEDIA_CONNECTED);
    ask(h, &first, "hand", ",\"raised\":true");
    harness_forget(h);
    struct person second = harness_join_with(h, token);
    assert_int_equal(second.id, first.id);
    assert_true(harness_got(h, second.connection, "\"resumed\":false,\"media\":\"none\""));
    assert_true(harness_got(h, second.connection, "\"position\":1")); /* the hand kept its place */
    assert_true(harness_got(h, first.connection, "\"code\":\"taken_over\""));
    assert_int_equal(harness_close_code(h, first.connection), 4001);
    assert_int_not_equal(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, first.id), SIZE_MAX);
    harness_disconnect(h, first.connection);
    harness_offer(h, &second);
    assert_true(harness_got(h, second.connection, "\"type\":\"answer\""));
    uint64_t old = harness_connect(h);
    harness_resume(h, old, first.resume); /* the page of before cannot take it back */
    assert_true(harness_got(h, old, "\"code\":\"invalid_token\""));
    harness_run_for(h, SECONDS(1));
    assert_false(harness_got(h, trainer.connection, "Aïcha 2"));
    assert_false(harness_got(h, trainer.connection, "person_left"));
    harness_restart_service(h); /* nor after a restart: one person, one participant */
    struct person third = harness_join_with(h, token);
    assert_int_equal(third.id, first.id);
    free(token);
}

static void a_personal_link_waits_once(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    char *token = harness_invite_to(h, h->class_id, "learner", "", ",\"personal\":true");
    uint64_t first = knock(h, token, "Zoé");
    uint64_t second = knock(h, token, "Zoé");
    assert_true(harness_got(h, first, "\"code\":\"taken_over\""));
    ask(h, &c.trainer, "lobby_admit", "%s", "");
    assert_false(harness_got(h, first, "welcome"));
    assert_true(harness_got(h, second, "welcome"));
    free(token);
    free(c.link);
}

/* --- What happens to a link while somebody waits with it */

static void a_single_use_link_that_waits_twice_is_let_in_once(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    char *token = harness_invite_to(h, h->class_id, "learner", "", ",\"single_use\":true");
    uint64_t first = knock(h, token, "Zoé"), second = knock(h, token, "Zoé");
    ask(h, &c.trainer, "lobby_admit", "%s", "");
    assert_true(harness_got(h, first, "welcome"));
    assert_false(harness_got(h, second, "welcome"));
    assert_true(harness_got(h, second, "\"code\":\"revoked\""));
    free(token);
    free(c.link);
}

static void who_came_by_a_single_use_link_and_was_put_out_comes_back_through_the_lobby(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    char *token = harness_invite_to(h, h->class_id, "learner", "Zoé", ",\"single_use\":true");
    struct person zoe = {.connection = knock(h, token, "")};
    harness_read_welcome(h, &zoe);
    assert_true(harness_got(h, knock(h, token, ""), "\"code\":\"invalid_token\""));
    harness_forget(h);
    ask_about(h, &c.trainer, "to_lobby", &zoe);
    assert_true(harness_got(h, zoe.connection, "\"type\":\"waiting\""));
    admit(h, &c, zoe.connection);
    assert_true(harness_got(h, zoe.connection, "\"type\":\"welcome\""));
    harness_read_welcome(h, &zoe);
    assert_true(harness_got(h, knock(h, token, ""), "\"code\":\"invalid_token\""));
    ask_about(h, &c.trainer, "to_lobby", &zoe);
    harness_disconnect(h, zoe.connection); /* a reload while it waits */
    uint64_t again = knock(h, token, "");
    assert_true(harness_got(h, again, "\"type\":\"waiting\""));
    admit(h, &c, again);
    assert_true(harness_got(h, again, "\"type\":\"welcome\""));
    zoe.connection = again;
    harness_read_welcome(h, &zoe);
    ask_about(h, &c.trainer, "kick", &zoe);
    uint64_t back = knock(h, token, "");
    assert_true(harness_got(h, back, "\"type\":\"waiting\""));
    free(token);
    free(c.link);
}

static void a_class_that_ends_says_so_to_who_waits(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    uint64_t stranger = knock(h, c.link, "Zoé");
    ask(h, &c.trainer, "class_end", "%s", "");
    assert_before(harness_place(h, stranger, "\"type\":\"class_ended\""),
                  harness_place(h, stranger, "\"type\":\"goodbye\",\"code\":\"class_ended\""));
    assert_int_equal(harness_close_code(h, stranger), 1000);
    harness_disconnect(h, stranger);
    free(c.link);
}

static void a_lobby_has_a_last_place_and_staff_sees_the_first_hundred(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    for (int i = 0; i < LIMIT_WAITING; i++)
        assert_true(harness_got(h, knock(h, c.link, "Z"), "waiting"));
    assert_true(harness_got(h, knock(h, c.link, "Z"), "\"code\":\"class_full\""));
    harness_run_for(h, SECONDS(1));
    assert_true(harness_got(h, c.trainer.connection, "\"count\":1500}"));
    const char *text = h->seen[harness_place(h, c.trainer.connection, "\"count\":1500}")].text;
    json_t *tree = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(tree, "waiting")), 100);
    json_decref(tree);
    assert_in_range(harness_count(h, c.trainer.connection, "\"type\":\"lobby\""), 1, 6);
    free(c.link);
}

static void a_program_does_not_pass_the_lobby(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    char path[100];
    snprintf(path, sizeof path, "/whip/%s", h->class_id);
    uint64_t exchange = harness_http(h, HTTP_POST, path, c.link, "application/sdp", NULL, OFFER);
    assert_int_equal(harness_response(h, exchange)->status, 403);
    char *token = harness_invite_to(h, h->class_id, "learner", "Caméra", ",\"personal\":true");
    exchange = harness_http(h, HTTP_POST, path, token, "application/sdp", NULL, OFFER);
    assert_int_equal(harness_response(h, exchange)->status, 201);
    exchange = harness_http(h, HTTP_POST, path, token, "application/sdp", NULL, OFFER);
    assert_int_equal(harness_response(h, exchange)->status, 201);
    const struct seen *list = NULL;
    snprintf(path, sizeof path, "/api/v1/classes/%s/participants", h->class_id);
    list = harness_api(h, HTTP_GET, path, NULL);
    assert_non_null(strstr(list->text, "Caméra"));
    assert_null(strstr(list->text, "Caméra 2")); /* one live connection */
    free(token);
    free(c.link);
}

static void the_two_thousand_and_first_ban_is_too_many_and_a_kick_works_all_the_same(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    for (int i = 0; i < LIMIT_HOLDS_PER_CLASS; i++) {
        struct store_hold hold = {.room = 1, .invite_id = "i", .reason = "r", .banned = true};
        snprintf(hold.name, sizeof hold.name, "N%d", i);
        assert_int_equal(store_set_hold(h->store, &hold), STATUS_OK);
    }
    ask(h, &c.trainer, "ban", ",\"participant\":\"%d\",\"reason\":\"r\"", (int)c.inside.id);
    assert_true(harness_got(h, c.trainer.connection, "\"code\":\"too_many\""));
    assert_int_equal(harness_close_code(h, c.inside.connection), 0);
    ask_about(h, &c.trainer, "kick", &c.inside);
    assert_int_equal(harness_close_code(h, c.inside.connection), 4004);
    free(c.link);
}

static void a_reason_has_at_most_two_hundred_characters(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    char reason[202] = "";
    memset(reason, 'a', 201);
    ask(h, &c.trainer, "ban", ",\"participant\":\"%d\",\"reason\":\"%s\"", (int)c.inside.id,
        reason);
    assert_true(harness_got(h, c.trainer.connection, "\"code\":\"bad_message\""));
    ask(h, &c.trainer, "ban", ",\"participant\":\"%d\",\"reason\":\"%s\"", (int)c.inside.id,
        reason + 1);
    assert_true(harness_got(h, c.inside.connection, reason + 1));
    free(c.link);
}

static void an_operator_who_is_sent_back_watches_no_more(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    struct person operator= harness_join(h, "operator", "O");
    ask(h, &operator, "watch", ",\"on\":true");
    assert_true(harness_got(h, operator.connection, "\"type\":\"overview\""));
    char path[160];
    snprintf(path, sizeof path, "/api/v1/classes/%s/participants/%d/to_lobby", h->class_id,
             (int)operator.id);
    assert_int_equal(harness_api(h, HTTP_POST, path, NULL)->status, 204);
    harness_forget(h);
    harness_run_for(h, SECONDS(10));
    assert_int_equal(harness_count(h, operator.connection, ""), 0);
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
        HARNESS_TEST(the_newest_page_of_a_personal_link_takes_over),
        HARNESS_TEST(a_personal_link_waits_once),
        HARNESS_TEST(a_single_use_link_that_waits_twice_is_let_in_once),
        HARNESS_TEST(who_came_by_a_single_use_link_and_was_put_out_comes_back_through_the_lobby),
        HARNESS_TEST(a_class_that_ends_says_so_to_who_waits),
        HARNESS_TEST(a_lobby_has_a_last_place_and_staff_sees_the_first_hundred),
        HARNESS_TEST(a_program_does_not_pass_the_lobby),
        HARNESS_TEST(the_two_thousand_and_first_ban_is_too_many_and_a_kick_works_all_the_same),
        HARNESS_TEST(a_reason_has_at_most_two_hundred_characters),
        HARNESS_TEST(an_operator_who_is_sent_back_watches_no_more),
        HARNESS_TEST(what_a_page_does_the_api_does_too),
        HARNESS_TEST(an_ended_class_is_409_and_an_empty_one_takes_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
