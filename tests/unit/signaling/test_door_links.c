/* What a link is good for at the door, and what becomes of it. */
#include "unit/signaling/door_bench.c"

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

static uint64_t knock_once_more(struct harness *h, const char *token, unsigned id,
                                const char *visit)
{
    uint64_t connection = harness_connect(h);
    harness_send(h, connection,
                 "{\"type\":\"hello\",\"id\":%u,\"version\":1,\"token\":\"%s\",\"visit\":\"%s\"}",
                 id, token, visit);
    return connection;
}

static void a_page_that_says_hello_again_waits_once_and_is_let_in_once(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    uint64_t first = knock_once_more(h, c.link, 2, "2718281828459045");
    uint64_t other = knock_once_more(h, c.link, 1, "3141592653589793");
    uint64_t nameless[] = {knock(h, c.link, "Zoé"), knock(h, c.link, "Zoé")};
    char *place = waiting_id(h, first);
    uint64_t again = knock_once_more(h, c.link, 5, "2718281828459045");
    char *same = waiting_id(h, again);
    assert_string_equal(same, place);
    free(place);
    free(same);
    uint64_t late = knock_once_more(h, c.link, 4, "2718281828459045");
    assert_true(harness_got(h, late, "\"code\":\"taken_over\""));
    assert_true(harness_got(h, first, "\"code\":\"taken_over\""));
    assert_true(harness_got(h, again, "\"type\":\"waiting\""));
    assert_int_equal(harness_close_code(h, other), 0);
    assert_int_equal(harness_close_code(h, nameless[0]), 0);
    struct person admitted = {.connection = again};
    admit(h, &c, again);
    harness_read_welcome(h, &admitted);
    struct person back = {.connection = knock_once_more(h, c.link, 8, "2718281828459045")};
    harness_read_welcome(h, &back); /* the lobby let it in already */
    assert_int_equal(back.id, admitted.id);
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
    for (int i = 0; i < LIMIT_WAITING; i++) {
        char site[32];
        snprintf(site, sizeof site, "192.0.2.%d", i / LIMIT_WAITING_PER_IP);
        h->remote_ip = site;
        assert_true(harness_got(h, knock(h, c.link, "Z"), "waiting"));
    }
    h->remote_ip = "198.51.100.1";
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

static void one_address_cannot_fill_a_lobby_and_is_told_so(void **state)
{
    struct harness *h = *state;
    struct door_class c = start_class(h);
    uint64_t first = 0;
    for (int i = 0; i < LIMIT_WAITING_PER_IP; i++) {
        char site[48]; /* of one household */
        snprintf(site, sizeof site, "2001:db8:1:2::%x", i + 1);
        h->remote_ip = site;
        uint64_t connection = knock(h, c.link, "Z");
        assert_true(harness_got(h, connection, "waiting"));
        first = i == 0 ? connection : first;
    }
    h->remote_ip = "2001:db8:1:2:ffff::1";
    uint64_t refused = knock(h, c.link, "Z");
    assert_true(harness_got(h, refused, "\"code\":\"lobby_full\""));
    assert_true(harness_got(h, refused, "connexion Internet"));
    h->remote_ip = "2001:db8:1:3::1";
    assert_true(harness_got(h, knock(h, c.link, "Z"), "waiting"));
    h->remote_ip = "2001:db8:1:2::9";
    harness_disconnect(h, first);
    assert_true(harness_got(h, knock(h, c.link, "Z"), "waiting"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(the_newest_page_of_a_personal_link_takes_over),
        HARNESS_TEST(a_personal_link_waits_once),
        HARNESS_TEST(a_page_that_says_hello_again_waits_once_and_is_let_in_once),
        HARNESS_TEST(a_single_use_link_that_waits_twice_is_let_in_once),
        HARNESS_TEST(who_came_by_a_single_use_link_and_was_put_out_comes_back_through_the_lobby),
        HARNESS_TEST(a_class_that_ends_says_so_to_who_waits),
        HARNESS_TEST(a_lobby_has_a_last_place_and_staff_sees_the_first_hundred),
        HARNESS_TEST(one_address_cannot_fill_a_lobby_and_is_told_so),
        HARNESS_TEST(a_program_does_not_pass_the_lobby),
        HARNESS_TEST(the_two_thousand_and_first_ban_is_too_many_and_a_kick_works_all_the_same),
        HARNESS_TEST(a_reason_has_at_most_two_hundred_characters),
        HARNESS_TEST(an_operator_who_is_sent_back_watches_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
