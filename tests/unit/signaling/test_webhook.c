/* What is sent to a webhook and when: the log's next event, signed, until it is taken. */
#include "signaling/core/webhook.h"
#include "unit/signaling/harness.h"

static void put_webhook(struct harness *h, const char *url)
{
    char body[200];
    snprintf(body, sizeof body, "{\"url\":\"%s\",\"secret\":\"s3cret\"}", url);
    assert_int_equal(harness_api(h, HTTP_PUT, "/api/v1/webhook", body)->status, 200);
}

/* The next attempt, or false; time does not pass. */
static bool take(struct harness *h, struct service_post *post)
{
    harness_run_for(h, 0);
    return service_poll_post(h->service, h->at, post);
}

static void answer(struct harness *h, uint64_t number, int status)
{
    service_handle_post_result(h->service, h->at, number, status);
    harness_drain(h);
}

static uint64_t seq_of(const struct service_post *post)
{
    char *text = copy_bytes(post->body);
    json_t *tree = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(tree);
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(tree, "seq"));
    json_decref(tree);
    free(text);
    return seq;
}

static void events_go_out_one_by_one_in_order_once_they_are_taken(void **state)
{
    struct harness *h = *state;
    struct service_post post, none;
    (void)harness_join(h, "trainer", "Before"); /* of what was before the webhook hears nothing */
    put_webhook(h, "https://a.example/hook");
    assert_false(take(h, &post));
    (void)harness_join(h, "learner", "A");
    (void)harness_join(h, "learner", "B");
    for (uint64_t seq = 3; seq <= 4; seq++) {
        assert_true(take(h, &post));
        assert_string_equal(post.url, "https://a.example/hook");
        assert_int_equal(seq_of(&post), seq);
        uint64_t number = post.number;
        assert_false(take(h, &none)); /* one at a time */
        answer(h, number, seq == 3 ? 204 : 200);
    }
    assert_false(take(h, &post));
}

static void
a_failed_event_is_tried_again_with_growing_waits_and_the_next_waits_behind_it(void **state)
{
    struct harness *h = *state;
    struct service_post post;
    put_webhook(h, "http://a.example");
    (void)harness_join(h, "learner", "A");
    usec_t wait = SECONDS(1);
    static const int failures[] = {0, 500, 404, 301, 0, 503, 503, 503, 503, 503, 503, 503};
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        assert_true(take(h, &post));
        assert_int_equal(seq_of(&post), 1);
        answer(h, post.number, failures[i]);
        (void)harness_join(h, "learner", "L"); /* more happens; it hurries nothing */
        harness_run_for(h, wait - 1);
        assert_false(service_poll_post(h->service, h->at, &post));
        harness_run_for(h, 1);
        wait = usec_min(wait * 2, SECONDS(300));
    }
    assert_true(take(h, &post));
    assert_int_equal(seq_of(&post), 1);
    answer(h, post.number, 200);
    assert_true(take(h, &post)); /* the next at once */
    assert_int_equal(seq_of(&post), 2);
}

static void after_kill_9_it_goes_on_where_it_was(void **state)
{
    struct harness *h = *state;
    struct service_post post;
    put_webhook(h, "http://a.example");
    (void)harness_join(h, "learner", "A");
    (void)harness_join(h, "learner", "B");
    assert_true(take(h, &post));
    answer(h, post.number, 200);
    assert_true(take(h, &post));
    assert_int_equal(seq_of(&post), 2);
    harness_restart_service(h); /* the answer to the second never came */
    assert_true(take(h, &post));
    assert_int_equal(seq_of(&post), 2);
}

static void a_result_for_an_address_that_was_changed_counts_for_nothing(void **state)
{
    struct harness *h = *state;
    struct service_post post;
    put_webhook(h, "http://a.example");
    (void)harness_join(h, "learner", "A");
    assert_true(take(h, &post));
    uint64_t old = post.number;
    put_webhook(h, "http://b.example");
    answer(h, old, 200);
    assert_false(take(h, &post)); /* b hears of what happens from now on */
    (void)harness_join(h, "learner", "B");
    assert_true(take(h, &post));
    assert_string_equal(post.url, "http://b.example");
    assert_int_equal(harness_api(h, HTTP_DELETE, "/api/v1/webhook", NULL)->status, 204);
    answer(h, post.number, 500);
    harness_run_for(h, SECONDS(10));
    assert_false(service_poll_post(h->service, h->at, &post));
    assert_int_equal(harness_api(h, HTTP_GET, "/api/v1/webhook", NULL)->status, 404);
}

static void the_signature_is_the_hmac_of_time_and_body(void **state)
{
    char signature[WEBHOOK_SIGNATURE_BYTES];
    /* echo -n '1795449600.{"seq":1}' | openssl dgst -sha256 -hmac s3cret */
    assert_int_equal(webhook_sign("s3cret", 1795449600, bytes_of_string("{\"seq\":1}"), signature),
                     STATUS_OK);
    assert_string_equal(
        signature,
        "t=1795449600,v1=c7e7361070f953c4be7eace0debfa7a46de66bf5b507647e3ca4f8e3c1d0a490");
    (void)state;
}

static void only_a_complete_http_address_is_taken(void **state)
{
    struct harness *h = *state;
    static const struct {
        const char *url;
        bool fine;
    } cases[] = {
        {"https://a.example/hook?x=1", true},
        {"http://127.0.0.1:8080", true},
        {"http://[::1]:80/x", true},
        {"ftp://a.example/", false},
        {"file:///etc/passwd", false},
        {"https://", false},
        {"https:///x", false},
        {"http://:80/", false},
        {"http://user:word@a.example/", false},
        {"http://a.example/x y", false},
        {"http://a.example/#x", false},
        {"a.example", false},
        {"http://a.example/\xc3\xa9", false},
        {"", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"url\":\"%s\",\"secret\":\"s\"}", cases[i].url);
        int status = harness_api(h, HTTP_PUT, "/api/v1/webhook", body)->status;
        if (status != (cases[i].fine ? 200 : 400))
            fail_msg("%s: %d", cases[i].url, status);
    }
    static const char *const bad[] = {"{\"url\":\"http://a.example\"}",
                                      "{\"url\":\"http://a.example\",\"secret\":\"\"}",
                                      "{\"url\":1,\"secret\":\"s\"}", "[]"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(harness_api(h, HTTP_PUT, "/api/v1/webhook", bad[i])->status, 400);
    /* The secret is never told again. */
    const struct seen *seen = harness_api(h, HTTP_GET, "/api/v1/webhook", NULL);
    assert_int_equal(seen->status, 200);
    assert_null(strstr(seen->text, "secret"));
}

static const struct seen *get_events(struct harness *h, const char *query)
{
    struct http_request request = {.exchange = ++h->next_exchange,
                                   .method = HTTP_GET,
                                   .path = "/api/v1/events",
                                   .query = query,
                                   .authorization = "Bearer " API_KEY,
                                   .remote_ip = h->remote_ip};
    service_handle_http(h->service, h->at, &request);
    harness_drain(h);
    return harness_response(h, request.exchange);
}

static void the_log_is_read_from_any_number_on(void **state)
{
    struct harness *h = *state;
    for (int i = 0; i < 4; i++)
        (void)harness_join(h, "learner", "A");
    static const struct {
        const char *query;
        int status;
        const char *part; /* NULL: no event at all */
    } cases[] = {
        {NULL, 200, "{\"events\":[{\"seq\":1,\"type\":\"class_started\""},
        {"", 200, "{\"events\":[{\"seq\":1,"},
        {"after=0", 200, "{\"events\":[{\"seq\":1,"},
        {"after=3", 200, "{\"events\":[{\"seq\":4,\"type\":\"joined\""},
        {"x=1&after=4", 200, "{\"events\":[{\"seq\":5,"},
        {"after=5", 200, NULL},
        {"after=999999999999", 200, NULL},
        {"after=", 400, NULL},
        {"after=-1", 400, NULL},
        {"after=1x", 400, NULL},
        {"after=99999999999999999999999", 400, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct seen *seen = get_events(h, cases[i].query);
        bool fine = seen->status == cases[i].status;
        if (fine && seen->status == 200)
            fine =
                strstr(seen->text, "\"last\":5}") != NULL &&
                strstr(seen->text, cases[i].part != NULL ? cases[i].part : "\"events\":[]") != NULL;
        if (!fine)
            fail_msg("%s: %d %s", cases[i].query, seen->status, seen->text);
    }
    assert_int_equal(
        harness_response(h, harness_http(h, HTTP_GET, "/api/v1/events", "wrong", NULL, NULL, NULL))
            ->status,
        401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(events_go_out_one_by_one_in_order_once_they_are_taken),
        HARNESS_TEST(a_failed_event_is_tried_again_with_growing_waits_and_the_next_waits_behind_it),
        HARNESS_TEST(after_kill_9_it_goes_on_where_it_was),
        HARNESS_TEST(a_result_for_an_address_that_was_changed_counts_for_nothing),
        HARNESS_TEST(the_signature_is_the_hmac_of_time_and_body),
        HARNESS_TEST(only_a_complete_http_address_is_taken),
        HARNESS_TEST(the_log_is_read_from_any_number_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
