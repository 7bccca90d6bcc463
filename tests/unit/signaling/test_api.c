#include "unit/signaling/harness.h"

static void answers_have_the_statuses_of_the_protocol(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "L");
    char class_path[120], invites[160], participant[200], floor[220], missing[200];
    snprintf(class_path, sizeof class_path, "/api/v1/classes/%s", h->class_id);
    snprintf(invites, sizeof invites, "%s/invites", class_path);
    snprintf(participant, sizeof participant, "%s/participants/%d", class_path, (int)person.id);
    snprintf(floor, sizeof floor, "%s/floor", participant);
    snprintf(missing, sizeof missing, "%s/invites/none", class_path);
    const char *json = "application/json";
    const struct {
        const char *why;
        enum http_method method;
        const char *path, *key, *type, *body;
        int status;
        const char *code; /* NULL: not an error */
    } cases[] = {
        {"no key", HTTP_GET, "/api/v1/classes", NULL, NULL, NULL, 401, "not_authenticated"},
        {"wrong key", HTTP_GET, "/api/v1/classes", "x", NULL, NULL, 401, "not_authenticated"},
        {"unknown path without key", HTTP_GET, "/api/v1/x", NULL, NULL, NULL, 401,
         "not_authenticated"},
        {"unknown path", HTTP_GET, "/api/v1/x", API_KEY, NULL, NULL, 404, "not_found"},
        {"empty part", HTTP_GET, "/api/v1/classes//x", API_KEY, NULL, NULL, 404, "not_found"},
        {"slash at the end", HTTP_GET, "/api/v1/classes/", API_KEY, NULL, NULL, 404, "not_found"},
        {"seven parts", HTTP_GET, "/api/v1/classes/a/b/c/d/e/f", API_KEY, NULL, NULL, 404,
         "not_found"},
        {"method", HTTP_PUT, "/api/v1/classes", API_KEY, NULL, NULL, 405, "method_not_allowed"},
        {"list", HTTP_GET, "/api/v1/classes", API_KEY, NULL, NULL, 200, NULL},
        {"create", HTTP_POST, "/api/v1/classes", API_KEY, json, "{\"title\":\"t\"}", 201, NULL},
        {"charset", HTTP_POST, "/api/v1/classes", API_KEY, "application/json; charset=utf-8",
         "{\"title\":\"t\"}", 201, NULL},
        {"no title", HTTP_POST, "/api/v1/classes", API_KEY, json, "{}", 400, "bad_message"},
        {"empty title", HTTP_POST, "/api/v1/classes", API_KEY, json, "{\"title\":\" \"}", 400,
         "bad_message"},
        {"title is a number", HTTP_POST, "/api/v1/classes", API_KEY, json, "{\"title\":1}", 400,
         "bad_message"},
        {"twice the same key", HTTP_POST, "/api/v1/classes", API_KEY, json,
         "{\"title\":\"a\",\"title\":\"b\"}", 400, "bad_message"},
        {"not JSON", HTTP_POST, "/api/v1/classes", API_KEY, json, "title=t", 400, "bad_message"},
        {"an array", HTTP_POST, "/api/v1/classes", API_KEY, json, "[]", 400, "bad_message"},
        {"no body", HTTP_POST, "/api/v1/classes", API_KEY, json, NULL, 400, "bad_message"},
        {"another type", HTTP_POST, "/api/v1/classes", API_KEY, "text/plain", "{}", 415,
         "content_type"},
        {"no type", HTTP_POST, "/api/v1/classes", API_KEY, NULL, "{}", 415, "content_type"},
        {"get class", HTTP_GET, class_path, API_KEY, NULL, NULL, 200, NULL},
        {"unknown class", HTTP_GET, "/api/v1/classes/none", API_KEY, NULL, NULL, 404, "not_found"},
        {"invite", HTTP_POST, invites, API_KEY, json, "{\"role\":\"learner\"}", 201, NULL},
        {"no role", HTTP_POST, invites, API_KEY, json, "{}", 400, "bad_message"},
        {"unknown role", HTTP_POST, invites, API_KEY, json, "{\"role\":\"king\"}", 400,
         "bad_message"},
        {"expired at birth", HTTP_POST, invites, API_KEY, json,
         "{\"role\":\"learner\",\"expires_in_s\":0}", 400, "bad_message"},
        {"too long a life", HTTP_POST, invites, API_KEY, json,
         "{\"role\":\"learner\",\"expires_in_s\":34560001}", 400, "bad_message"},
        {"longest life", HTTP_POST, invites, API_KEY, json,
         "{\"role\":\"learner\",\"expires_in_s\":34560000}", 201, NULL},
        {"a fraction of a second", HTTP_POST, invites, API_KEY, json,
         "{\"role\":\"learner\",\"expires_in_s\":1.5}", 400, "bad_message"},
        {"single_use is a string", HTTP_POST, invites, API_KEY, json,
         "{\"role\":\"learner\",\"single_use\":\"no\"}", 400, "bad_message"},
        {"list invites", HTTP_GET, invites, API_KEY, NULL, NULL, 200, NULL},
        {"unknown invite", HTTP_DELETE, missing, API_KEY, NULL, NULL, 404, "not_found"},
        {"give floor", HTTP_PUT, floor, API_KEY, NULL, NULL, 200, NULL},
        {"take floor", HTTP_DELETE, floor, API_KEY, NULL, NULL, 200, NULL},
        {"floor by POST", HTTP_POST, floor, API_KEY, NULL, NULL, 405, "method_not_allowed"},
        {"remove", HTTP_DELETE, participant, API_KEY, NULL, NULL, 204, NULL},
        {"remove again", HTTP_DELETE, participant, API_KEY, NULL, NULL, 404, "not_found"},
        {"openapi", HTTP_GET, "/api/v1/openapi.json", NULL, NULL, NULL, 200, NULL},
        {"health without relay", HTTP_GET, "/healthz", NULL, NULL, NULL, 503, NULL},
        {"metrics", HTTP_GET, "/metrics", NULL, NULL, NULL, 200, NULL},
        {"post to metrics", HTTP_POST, "/metrics", NULL, NULL, NULL, 405, "method_not_allowed"},
        {"elsewhere", HTTP_GET, "/etc/passwd", NULL, NULL, NULL, 404, "not_found"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t exchange = harness_http(h, cases[i].method, cases[i].path, cases[i].key,
                                         cases[i].type, NULL, cases[i].body);
        const struct seen *response = harness_response(h, exchange);
        if (response == NULL || response->status != cases[i].status)
            fail_msg("%s: %d", cases[i].why, response != NULL ? response->status : 0);
        if (cases[i].code == NULL)
            continue;
        assert_string_equal(response->content_type, "application/problem+json");
        char *code = body_value(response, "code");
        assert_string_equal(code, cases[i].code);
        free(code);
    }
}

static void a_body_past_64_KiB_is_too_large(void **state)
{
    struct harness *h = *state;
    char *body = malloc(65538);
    assert_non_null(body);
    memset(body, ' ', 65537);
    body[65537] = '\0';
    uint64_t exchange =
        harness_http(h, HTTP_POST, "/api/v1/classes", API_KEY, "application/json", NULL, body);
    assert_int_equal(harness_response(h, exchange)->status, 413);
    free(body);
}

static void an_invite_says_everything_and_lists_without_tokens(void **state)
{
    struct harness *h = *state;
    char path[160];
    snprintf(path, sizeof path, "/api/v1/classes/%s/invites", h->class_id);
    const struct seen *made = harness_api(
        h, HTTP_POST, path, "{\"role\":\"trainer\",\"name\":\"Mme Petit\",\"expires_in_s\":3600}");
    char *token = body_value(made, "token"), *url = body_value(made, "url");
    char *expires = body_value(made, "expires_at");
    assert_string_equal(expires, "2026-11-23T17:00:00Z");
    char expected[6000];
    snprintf(expected, sizeof expected, "https://classe.example.org/#%s", token);
    assert_string_equal(url, expected);
    const struct seen *list = harness_api(h, HTTP_GET, path, NULL);
    assert_non_null(strstr(list->text, "Mme Petit"));
    assert_null(strstr(list->text, token));
    free(token);
    free(url);
    free(expires);
}

static void revoking_an_invite_puts_out_who_came_by_it(void **state)
{
    struct harness *h = *state;
    struct person learner = harness_join(h, "learner", "L");
    struct person trainer = harness_join(h, "trainer", "T");
    char path[200];
    snprintf(path, sizeof path, "/api/v1/classes/%s/participants", h->class_id);
    json_t *tree = json_loads(harness_api(h, HTTP_GET, path, NULL)->text, 0, NULL);
    json_t *first = json_array_get(json_object_get(tree, "participants"), 0);
    snprintf(path, sizeof path, "/api/v1/classes/%s/invites/%s", h->class_id,
             json_string_value(json_object_get(first, "invite_id")));
    json_decref(tree);
    harness_forget(h);
    assert_int_equal(harness_api(h, HTTP_DELETE, path, NULL)->status, 204);
    assert_true(harness_got(h, learner.connection, "\"code\":\"revoked\""));
    assert_true(harness_got(h, trainer.connection, "\"reason\":\"removed\""));
    uint64_t back = harness_connect(h);
    harness_resume(h, back, learner.resume);
    assert_true(harness_got(h, back, "\"code\":\"invalid_token\""));
}

static void ending_a_class_twice_answers_the_same(void **state)
{
    struct harness *h = *state;
    char path[160], invites[200];
    snprintf(path, sizeof path, "/api/v1/classes/%s", h->class_id);
    snprintf(invites, sizeof invites, "%s/invites", path);
    for (int i = 0; i < 2; i++) {
        const struct seen *response = harness_api(h, HTTP_DELETE, path, NULL);
        assert_int_equal(response->status, 200);
        char *ended = body_value(response, "state");
        assert_string_equal(ended, "ended");
        free(ended);
    }
    const struct seen *late = harness_api(h, HTTP_POST, invites, "{\"role\":\"learner\"}");
    assert_int_equal(late->status, 409);
    char *code = body_value(late, "code");
    assert_string_equal(code, "class_ended");
    free(code);
}

static void classes_invites_and_their_use_survive_a_restart(void **state)
{
    struct harness *h = *state;
    char *single = harness_invite_to(h, h->class_id, "learner", "x", ",\"single_use\":true");
    char *many = harness_invite(h, "learner", "y");
    (void)harness_join_with(h, single);
    harness_restart_service(h);
    uint64_t again = harness_connect(h);
    harness_hello(h, again, single);
    assert_true(harness_got(h, again, "\"code\":\"invalid_token\""));
    (void)harness_join_with(h, many);
    free(single);
    free(many);
}

static void the_thirty_first_wrong_key_of_a_minute_is_too_many(void **state)
{
    struct harness *h = *state;
    for (int i = 0; i < 31; i++) {
        uint64_t exchange = harness_http(h, HTTP_GET, "/api/v1/classes", "wrong", NULL, NULL, NULL);
        assert_int_equal(harness_response(h, exchange)->status, i < 30 ? 401 : 429);
    }
    assert_int_equal(harness_api(h, HTTP_GET, "/api/v1/classes", NULL)->status, 200);
}

static void one_class_more_than_configured_is_refused(void **state)
{
    struct harness *h = *state;
    for (int i = 1; i < 500; i++)
        assert_int_equal(harness_api(h, HTTP_POST, "/api/v1/classes", "{\"title\":\"t\"}")->status,
                         201);
    assert_int_equal(harness_api(h, HTTP_POST, "/api/v1/classes", "{\"title\":\"t\"}")->status,
                     429);
}

static void health_and_metrics_tell_whether_a_relay_is_there(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    (void)harness_join(h, "learner", "L");
    uint64_t exchange = harness_http(h, HTTP_GET, "/healthz", NULL, NULL, NULL, NULL);
    assert_int_equal(harness_response(h, exchange)->status, 200);
    assert_non_null(strstr(harness_response(h, exchange)->text, "\"ok\":true,\"relay\":true"));
    exchange = harness_http(h, HTTP_GET, "/metrics", NULL, NULL, NULL, NULL);
    const char *text = harness_response(h, exchange)->text;
    assert_non_null(strstr(text, "amphi_participants{role=\"learner\"} 1\n"));
    assert_non_null(strstr(text, "amphi_relay_connected{relay=\"0\"} 1\n"));
    assert_non_null(strstr(text, "amphi_rooms 1\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(answers_have_the_statuses_of_the_protocol),
        HARNESS_TEST(a_body_past_64_KiB_is_too_large),
        HARNESS_TEST(an_invite_says_everything_and_lists_without_tokens),
        HARNESS_TEST(revoking_an_invite_puts_out_who_came_by_it),
        HARNESS_TEST(ending_a_class_twice_answers_the_same),
        HARNESS_TEST(classes_invites_and_their_use_survive_a_restart),
        HARNESS_TEST(the_thirty_first_wrong_key_of_a_minute_is_too_many),
        HARNESS_TEST(one_class_more_than_configured_is_refused),
        HARNESS_TEST(health_and_metrics_tell_whether_a_relay_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
