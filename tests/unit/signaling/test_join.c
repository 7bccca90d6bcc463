#include "unit/signaling/harness.h"

#include <signal.h>
#include <sys/resource.h>

static void a_learner_joins_and_sees_the_trainer_and_the_counts(void **state)
{
    struct harness *h = *state;
    struct person trainer = harness_join(h, "trainer", "Mme Petit");
    harness_forget(h);
    struct person learner = harness_join(h, "learner", "Aïcha");
    assert_true(harness_got(h, learner.connection, "\"role\":\"learner\""));
    assert_true(harness_got(h, learner.connection, "Mme Petit"));
    assert_true(harness_got(h, learner.connection,
                            "\"count\":{\"trainer\":1,\"learner\":1,\"operator\":0,"));
    harness_run_for(h, MILLISECONDS(250));
    assert_true(
        harness_got(h, trainer.connection, "\"type\":\"people\",\"people\":[{\"id\":\"2\""));
}

static void a_learner_is_not_told_of_other_learners_by_name(void **state)
{
    struct harness *h = *state;
    struct person first = harness_join(h, "learner", "Aïcha");
    harness_forget(h);
    struct person second = harness_join(h, "learner", "Bruno");
    harness_run_for(h, SECONDS(1));
    assert_false(harness_got(h, first.connection, "Bruno"));
    assert_false(harness_got(h, second.connection, "Aïcha"));
    assert_true(harness_got(h, first.connection, "\"type\":\"count\""));
}

static void a_thousand_joins_send_each_learner_a_few_counts_only(void **state)
{
    struct harness *h = *state;
    struct person trainer = harness_join(h, "trainer", "T");
    char *token = harness_invite(h, "learner", "");
    struct person first = harness_join_with(h, token);
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    for (int i = 0; i < 1000; i++) {
        uint64_t connection = harness_connect(h);
        harness_hello(h, connection, token);
        harness_run_for(h, MILLISECONDS(1));
    }
    harness_run_for(h, SECONDS(1));
    size_t counts = harness_count(h, first.connection, "\"type\":\"count\"");
    assert_in_range(counts, 1, 6); /* a second of joins, 4 a second, and the last */
    assert_int_equal(harness_count(h, first.connection, "\"type\":\"person\""), 0);
    assert_int_equal(harness_count(h, trainer.connection, "\"type\":\"person\""), 0);
    assert_in_range(harness_count(h, trainer.connection, "\"type\":\"people\""), 4, 9);
    free(token);
}

static void the_second_of_a_name_gets_a_number(void **state)
{
    struct harness *h = *state;
    char *token = harness_invite(h, "learner", "Aïcha");
    struct person people[3];
    for (size_t i = 0; i < 3; i++)
        people[i] = harness_join_with(h, token);
    free(token);
    static const char *const expected[] = {"Aïcha", "Aïcha 2", "Aïcha 3"};
    for (size_t i = 0; i < 3; i++) {
        char *name = harness_value(h, people[i].connection, "welcome", "participant", "name");
        assert_string_equal(name, expected[i]);
        free(name);
    }
}

static void a_single_use_invite_lets_one_in_who_may_resume(void **state)
{
    struct harness *h = *state;
    char *token = harness_invite_to(h, h->class_id, "learner", "Aïcha", ",\"single_use\":true");
    struct person first = harness_join_with(h, token);
    uint64_t second = harness_connect(h);
    harness_hello(h, second, token);
    assert_true(harness_got(h, second, "\"code\":\"invalid_token\""));
    harness_disconnect(h, first.connection);
    struct person again = {.connection = harness_connect(h)};
    harness_resume(h, again.connection, first.resume);
    harness_read_welcome(h, &again);
    assert_int_equal(again.id, first.id);
    free(token);
}

static struct person say_hello(struct harness *h, const char *token, const char *visit)
{
    static unsigned said; /* a page's ids grow */
    struct person person = {.connection = harness_connect(h)};
    harness_send(h, person.connection,
                 "{\"type\":\"hello\",\"id\":%u,\"version\":1,\"token\":\"%s\",\"visit\":\"%s\"}",
                 ++said, token, visit);
    return person;
}

static void a_hello_that_waited_in_a_socket_given_up_takes_nothing_over(void **state)
{
    struct harness *h = *state;
    char *token = harness_invite(h, "learner", "Aïcha");
    struct person now = {.connection = harness_connect(h)};
    harness_send(h, now.connection,
                 "{\"type\":\"hello\",\"id\":7,\"version\":1,\"token\":\"%s\","
                 "\"visit\":\"2718281828459045\"}",
                 token);
    harness_read_welcome(h, &now);
    uint64_t late = harness_connect(h), reloaded = harness_connect(h);
    harness_send(h, late,
                 "{\"type\":\"hello\",\"id\":6,\"version\":1,\"token\":\"%s\","
                 "\"visit\":\"2718281828459045\"}",
                 token);
    assert_true(harness_got(h, late, "\"code\":\"taken_over\""));
    late = harness_connect(h);
    harness_send(h, late,
                 "{\"type\":\"hello\",\"id\":6,\"version\":1,\"resume\":\"%s\","
                 "\"visit\":\"2718281828459045\"}",
                 now.resume);
    assert_true(harness_got(h, late, "\"code\":\"taken_over\""));
    assert_false(harness_got(h, late, "welcome"));
    assert_int_equal(harness_close_code(h, now.connection), 0);
    /* The token is as it was, and another page of the same person is not late. */
    harness_send(h, reloaded,
                 "{\"type\":\"hello\",\"id\":1,\"version\":1,\"resume\":\"%s\","
                 "\"visit\":\"3141592653589793\"}",
                 now.resume);
    assert_true(harness_got(h, reloaded, "\"resumed\":true"));
    assert_true(harness_got(h, now.connection, "\"code\":\"taken_over\""));
    free(token);
}

static void a_page_whose_welcome_was_lost_says_hello_again_and_is_one_participant(void **state)
{
    struct harness *h = *state;
    struct person trainer = harness_join(h, "trainer", "T");
    char *tokens[] = {harness_invite(h, "learner", "Aïcha"),
                      harness_invite_to(h, h->class_id, "learner", "Bruno", ",\"single_use\":true"),
                      harness_invite_to(h, h->class_id, "learner", "Chloé", ",\"personal\":true")};
    for (size_t i = 0; i < 3; i++) {
        struct person first = say_hello(h, tokens[i], "2718281828459045");
        harness_read_welcome(h, &first);
        struct person again = say_hello(h, tokens[i], "2718281828459045");
        harness_read_welcome(h, &again);
        assert_int_equal(again.id, first.id);
        assert_true(harness_got(h, first.connection, "\"code\":\"taken_over\""));
        harness_disconnect(h, first.connection);
        harness_disconnect(h, again.connection);
        struct person back = {.connection = harness_connect(h)};
        harness_resume(h, back.connection, again.resume);
        harness_read_welcome(h, &back);
        assert_int_equal(back.id, first.id);
        free(tokens[i]);
    }
    harness_run_for(h, SECONDS(120));
    assert_false(harness_got(h, trainer.connection, "person_left"));
    assert_false(harness_got(h, trainer.connection, "Aïcha 2"));
}

static void another_word_another_link_or_none_is_another_person(void **state)
{
    struct harness *h = *state;
    char *token = harness_invite(h, "learner", "Aïcha"), *other = harness_invite(h, "learner", "B");
    struct person first = say_hello(h, token, "2718281828459045");
    harness_read_welcome(h, &first);
    struct person others[] = {say_hello(h, token, "3141592653589793"),
                              say_hello(h, other, "2718281828459045"), harness_join_with(h, token),
                              harness_join_with(h, token)};
    for (size_t i = 0; i < 4; i++) {
        harness_read_welcome(h, &others[i]);
        assert_int_equal(others[i].id, first.id + 1 + i);
    }
    uint64_t short_word = say_hello(h, token, "271828182845904").connection;
    assert_true(harness_got(h, short_word, "\"code\":\"bad_message\""));
    free(token);
    free(other);
}

static void a_page_that_resumes_is_the_same_participant_without_leave_and_join(void **state)
{
    struct harness *h = *state;
    struct person trainer = harness_join(h, "trainer", "T");
    struct person learner = harness_join(h, "learner", "Aïcha");
    harness_disconnect(h, learner.connection);
    harness_run_for(h, MILLISECONDS(250));
    assert_true(harness_got(h, trainer.connection, "\"here\":false"));
    harness_run_for(h, SECONDS(59));
    harness_forget(h);
    struct person again = {.connection = harness_connect(h)};
    harness_resume(h, again.connection, learner.resume);
    harness_read_welcome(h, &again);
    assert_int_equal(again.id, learner.id);
    assert_true(harness_got(h, again.connection, "\"resumed\":true"));
    assert_false(harness_got(h, trainer.connection, "person_left"));
    harness_run_for(h, MILLISECONDS(250));
    assert_true(harness_got(h, trainer.connection, "\"here\":true"));
    harness_run_for(h, SECONDS(120));
    assert_false(harness_got(h, trainer.connection, "person_left"));
}

static void after_sixty_seconds_without_a_socket_a_participant_has_left(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    struct person learner = harness_join(h, "learner", "Aïcha");
    harness_offer(h, &learner);
    harness_disconnect(h, learner.connection);
    harness_forget(h);
    harness_run_for(h, SECONDS(61));
    assert_true(harness_got(h, trainer.connection, "\"reason\":\"timeout\""));
    assert_true(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, learner.id) != SIZE_MAX);
    uint64_t late = harness_connect(h);
    harness_resume(h, late, learner.resume);
    assert_true(harness_got(h, late, "\"code\":\"invalid_token\""));
}

static void the_token_before_stays_good_until_the_new_one_was_used(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "Aïcha");
    char first[96];
    memcpy(first, person.resume, sizeof first);
    harness_disconnect(h, person.connection);
    /* The welcome with the second token is lost: the page comes with the first again. */
    for (int i = 0; i < 2; i++) {
        person.connection = harness_connect(h);
        harness_resume(h, person.connection, first);
        harness_read_welcome(h, &person);
    }
    char third[96];
    memcpy(third, person.resume, sizeof third);
    person.connection = harness_connect(h);
    harness_resume(h, person.connection, third);
    harness_read_welcome(h, &person);
    uint64_t old = harness_connect(h);
    harness_resume(h, old, first);
    assert_true(harness_got(h, old, "\"code\":\"invalid_token\""));
}

static void the_newest_socket_takes_over(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "Aïcha");
    uint64_t old = person.connection;
    harness_forget(h);
    person.connection = harness_connect(h);
    harness_resume(h, person.connection, person.resume);
    harness_read_welcome(h, &person);
    assert_true(harness_got(h, old, "\"code\":\"taken_over\""));
    assert_int_not_equal(harness_close_code(h, old), 0);
    harness_forget(h);
    harness_disconnect(h, old);
    harness_run_for(h, SECONDS(120)); /* the old socket's end is nobody's leaving */
    harness_send(h, person.connection, "{\"type\":\"ping\",\"id\":9}");
    assert_true(harness_got(h, person.connection, "server_time_ms"));
}

static void bad_tokens_get_one_answer(void **state)
{
    struct harness *h = *state;
    char other_class[64];
    harness_new_class(h, "autre", other_class);
    char *revoked = harness_invite(h, "learner", "x");
    char *good = harness_invite(h, "learner", "x");
    const struct seen *invites = harness_api(h, HTTP_GET, "/api/v1/classes", NULL);
    (void)invites;
    char path[200];
    snprintf(path, sizeof path, "/api/v1/classes/%s/invites", h->class_id);
    json_t *tree = json_loads(harness_api(h, HTTP_GET, path, NULL)->text, 0, NULL);
    json_t *list = json_object_get(tree, "invites");
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) { /* both were made in one millisecond: revoke both */
        snprintf(path, sizeof path, "/api/v1/classes/%s/invites/%s", h->class_id,
                 json_string_value(json_object_get(json_array_get(list, i), "invite_id")));
        assert_int_equal(harness_api(h, HTTP_DELETE, path, NULL)->status, 204);
    }
    json_decref(tree);
    char forged[5000];
    snprintf(forged, sizeof forged, "%s", good);
    forged[strlen(forged) - 3] ^= 1;
    const char *bad[] = {"", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", forged, revoked};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint64_t connection = harness_connect(h);
        harness_hello(h, connection, bad[i]);
        if (!harness_got(h, connection, "\"code\":\"invalid_token\""))
            fail_msg("token %zu", i);
    }
    free(revoked);
    free(good);
}

static void an_expired_token_is_told_apart(void **state)
{
    struct harness *h = *state;
    char *token = harness_invite_to(h, h->class_id, "learner", "x", ",\"expires_in_s\":60");
    harness_run_for(h, SECONDS(60));
    uint64_t connection = harness_connect(h);
    harness_hello(h, connection, token);
    assert_true(harness_got(h, connection, "\"code\":\"expired_token\""));
    free(token);
}

static void the_thirty_first_bad_token_of_a_minute_is_too_many_and_good_ones_pass(void **state)
{
    struct harness *h = *state;
    char *good = harness_invite(h, "learner", "x");
    uint64_t connection = 0;
    for (int i = 0; i < 31; i++) {
        connection = harness_connect(h);
        harness_hello(h, connection, "nonsense");
        assert_true(harness_got(h, connection, i < 30 ? "invalid_token" : "too_many"));
        harness_disconnect(h, connection);
    }
    (void)harness_join_with(h, good);
    h->remote_ip = "192.0.2.7"; /* another address has its own account */
    connection = harness_connect(h);
    harness_hello(h, connection, "nonsense");
    assert_true(harness_got(h, connection, "invalid_token"));
    free(good);
}

static void a_socket_without_hello_is_closed_after_ten_seconds(void **state)
{
    struct harness *h = *state;
    uint64_t connection = harness_connect(h);
    harness_run_for(h, SECONDS(10) - 1);
    assert_int_equal(harness_close_code(h, connection), 0);
    harness_run_for(h, 1);
    assert_int_equal(harness_close_code(h, connection), 1008);
}

static void one_more_than_the_class_takes_is_refused(void **state)
{
    struct harness *h = *state;
    h->participants_max = 3;
    harness_restart_service(h);
    char *token = harness_invite(h, "learner", "x");
    for (int i = 0; i < 3; i++)
        (void)harness_join_with(h, token);
    uint64_t fourth = harness_connect(h);
    harness_hello(h, fourth, token);
    assert_true(harness_got(h, fourth, "\"code\":\"class_full\""));
    free(token);
}

static void typed_names_are_cleaned_and_bad_ones_refused(void **state)
{
    struct harness *h = *state;
    char *token = harness_invite(h, "learner", "");
    static const struct {
        const char *typed, *expected; /* NULL: refused */
    } cases[] = {
        {"  Aïcha   Ben  ", "Aïcha Ben"},
        {"", "Participant"},
        {"a\\u202eb", NULL},
        {"a\\nb", NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123",
         "0123456789012345678901234567890123456789012345678901234567890123"},
        {"01234567890123456789012345678901234567890123456789012345678901234", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t connection = harness_connect(h);
        harness_send(h, connection,
                     "{\"type\":\"hello\",\"id\":1,\"version\":1,\"token\":\"%s\",\"name\":\"%s\"}",
                     token, cases[i].typed);
        char *name = harness_value(h, connection, "welcome", "participant", "name");
        if (cases[i].expected == NULL)
            assert_true(name == NULL && harness_got(h, connection, "bad_message"));
        else
            assert_string_equal(name, cases[i].expected);
        free(name);
    }
    free(token);
}

static void only_our_own_origins_may_open_a_socket(void **state)
{
    struct harness *h = *state;
    assert_true(service_is_origin_allowed(h->service, NULL));
    assert_true(service_is_origin_allowed(h->service, "https://classe.example.org"));
    static const char *const others[] = {"",
                                         "null",
                                         "https://classe.example.org.evil.example",
                                         "http://classe.example.org",
                                         "https://classe.example.org:8443",
                                         "https://evil.example"};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(service_is_origin_allowed(h->service, others[i]));
}

static void a_shutdown_says_goodbye_to_everybody(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "x");
    service_shut_down(h->service, h->at);
    harness_drain(h);
    assert_true(harness_got(h, person.connection, "\"code\":\"shutting_down\""));
    assert_int_equal(harness_close_code(h, person.connection), 1001);
}

static void a_socket_that_was_told_to_close_hears_nothing_after_goodbye(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "x");
    for (int i = 0; i < 21; i++)
        harness_send(h, person.connection, "{");
    harness_forget(h);
    (void)harness_join(h, "trainer", "T");
    harness_run_for(h, SECONDS(1));
    assert_int_equal(harness_count(h, person.connection, ""), 0);
    harness_disconnect(h, person.connection);
    harness_run_for(h, SECONDS(59));
    person.connection = harness_connect(h);
    harness_resume(h, person.connection, person.resume);
    harness_read_welcome(h, &person);
}

static void a_participant_removed_while_its_socket_closes_is_forgotten(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "x");
    for (int i = 0; i < 21; i++)
        harness_send(h, person.connection, "{");
    char path[160];
    snprintf(path, sizeof path, "/api/v1/classes/%s", h->class_id);
    assert_int_equal(harness_api(h, HTTP_DELETE, path, NULL)->status, 200);
    harness_disconnect(h, person.connection);
}

/* The disk is full: files may not grow any more. */
static void what_the_disk_refuses_is_not_acknowledged(void **state)
{
    struct harness *h = *state;
    static const char path[] = "test_join.db";
    (void)remove(path);
    service_free(h->service);
    store_close(h->store);
    assert_int_equal(store_open(&h->store, path, NULL), STATUS_OK);
    harness_start_service(h);
    harness_relay_up(h);
    harness_new_class(h, "t", h->class_id);
    char *token = harness_invite(h, "learner", "L");
    struct person here = harness_join_with(h, token);

    struct rlimit before, full;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    full.rlim_cur = 4096;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    uint64_t refused[2];
    for (size_t i = 0; i < 2; i++) {
        refused[i] = harness_connect(h);
        harness_hello(h, refused[i], token);
    }
    uint64_t health = harness_http(h, HTTP_GET, "/healthz", NULL, NULL, NULL, NULL);
    harness_send(h, here.connection, "{\"type\":\"ping\",\"id\":77}");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);

    for (size_t i = 0; i < 2; i++)
        assert_false(harness_got(h, refused[i], "welcome"));
    assert_int_equal(harness_close_code(h, refused[0]), 1011);
    assert_int_equal(harness_response(h, health)->status, 503);
    assert_true(harness_got(h, here.connection, "\"to\":77")); /* the class goes on */
    struct person back = harness_join_with(h, token);
    /* A number that was rolled back on the disk was seen by others in memory. */
    assert_true(back.id > here.id + 1);
    free(token);
    (void)remove(path);
    (void)remove("test_join.db-wal");
    (void)remove("test_join.db-shm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(a_learner_joins_and_sees_the_trainer_and_the_counts),
        HARNESS_TEST(a_learner_is_not_told_of_other_learners_by_name),
        HARNESS_TEST(a_thousand_joins_send_each_learner_a_few_counts_only),
        HARNESS_TEST(the_second_of_a_name_gets_a_number),
        HARNESS_TEST(a_single_use_invite_lets_one_in_who_may_resume),
        HARNESS_TEST(a_page_whose_welcome_was_lost_says_hello_again_and_is_one_participant),
        HARNESS_TEST(a_hello_that_waited_in_a_socket_given_up_takes_nothing_over),
        HARNESS_TEST(another_word_another_link_or_none_is_another_person),
        HARNESS_TEST(a_page_that_resumes_is_the_same_participant_without_leave_and_join),
        HARNESS_TEST(after_sixty_seconds_without_a_socket_a_participant_has_left),
        HARNESS_TEST(the_token_before_stays_good_until_the_new_one_was_used),
        HARNESS_TEST(the_newest_socket_takes_over),
        HARNESS_TEST(bad_tokens_get_one_answer),
        HARNESS_TEST(an_expired_token_is_told_apart),
        HARNESS_TEST(the_thirty_first_bad_token_of_a_minute_is_too_many_and_good_ones_pass),
        HARNESS_TEST(a_socket_without_hello_is_closed_after_ten_seconds),
        HARNESS_TEST(one_more_than_the_class_takes_is_refused),
        HARNESS_TEST(typed_names_are_cleaned_and_bad_ones_refused),
        HARNESS_TEST(only_our_own_origins_may_open_a_socket),
        HARNESS_TEST(a_shutdown_says_goodbye_to_everybody),
        HARNESS_TEST(a_socket_that_was_told_to_close_hears_nothing_after_goodbye),
        HARNESS_TEST(a_participant_removed_while_its_socket_closes_is_forgotten),
        HARNESS_TEST(what_the_disk_refuses_is_not_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
