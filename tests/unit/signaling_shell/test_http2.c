#include "unit/signaling_shell/http2_bench.c"

static void a_request_is_read_as_one_of_http_1_1_and_its_answer_comes_back(void **state)
{
    struct pair *pair = *state;
    struct http2_event event;
    pair->upload_left = 1000;
    int32_t stream = ask_with(pair, "POST", "/a%20b?q=1", "https://o", give_upload);
    run(pair);
    assert_true(http2_poll_event(pair->server, &event));
    assert_int_equal(event.type, HTTP2_EVENT_REQUEST);
    assert_int_equal(event.error_status, 0);
    assert_int_equal(event.message->method, HTTP_POST);
    assert_string_equal(event.message->path, "/a b");
    assert_string_equal(event.message->query, "q=1");
    assert_string_equal(event.message->host, "localhost");
    assert_string_equal(event.message->origin, "https://o");
    assert_int_equal(event.message->body.size, 1000);
    answer(pair, event.stream, HEAD("201", "5"), TEXT("hello"));
    run(pair);
    assert_int_equal(pair->status[slot_of(stream)], 201);
    assert_int_equal(pair->body_bytes[slot_of(stream)], 5);
    assert_true(pair->small_letters);
    assert_false(pair->connection_field);
    assert_int_equal(http2_stream_count(pair->server), 0);
}

static void
a_hundred_requests_are_taken_at_once_in_their_order_and_one_more_is_refused(void **state)
{
    struct pair *pair = *state;
    struct http2_event event;
    int32_t last = 0, streams[HTTP2_STREAMS_MAX];
    for (size_t i = 0; i < HTTP2_STREAMS_MAX; i++)
        streams[i] = ask(pair, "/");
    client_writes(pair); /* before the client knows the limit */
    int32_t above = ask(pair, "/");
    client_writes(pair);
    for (size_t i = 0; i < HTTP2_STREAMS_MAX; i++) {
        assert_true(http2_poll_event(pair->server, &event));
        assert_true(event.stream > last);
        last = event.stream;
        answer(pair, event.stream, HEAD("200", "5"), TEXT("hello"));
    }
    assert_false(http2_poll_event(pair->server, &event));
    run(pair);
    for (size_t i = 0; i < HTTP2_STREAMS_MAX; i++)
        assert_int_equal(pair->status[slot_of(streams[i])], 200);
    assert_int_equal(pair->status[slot_of(above)], 0);
    assert_true(pair->reset[slot_of(above)] != 0);
}

static void what_http_1_1_refuses_is_refused(void **state)
{
    static char long_value[HTTP_HEAD_BYTES_MAX + 1];
    struct pair *pair = *state;
    struct http2_event event;
    memset(long_value, 'a', sizeof(long_value) - 1);
    const struct {
        const char *method, *path, *origin;
        int status;
    } cases[] = {
        {"GET", "/../etc", "o", 400},  {"GET", "/a%2fb", "o", 400},
        {"GET", "/%zz", "o", 400},     {"OPTIONS", "*", "o", 400},
        {"GET", "/", long_value, 431}, {"GET", "/a HTTP/1.1", "o", 400},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int32_t stream = ask_with(pair, cases[i].method, cases[i].path, cases[i].origin, NULL);
        run(pair);
        if (!http2_poll_event(pair->server, &event)) {
            assert_true(pair->reset[slot_of(stream)] != 0); /* the library has refused it */
            continue;
        }
        assert_int_equal(event.error_status, cases[i].status);
        answer(pair, event.stream, HEAD("400", "0"), BYTES_NONE);
        run(pair);
        assert_int_equal(pair->status[slot_of(stream)], 400);
    }
    assert_int_equal(pair->goaway, 0);
}

static void whoever_asked_is_told_when_a_request_is_given_up(void **state)
{
    struct pair *pair = *state;
    struct http2_event event;
    const struct http_message *message = NULL;
    int32_t found = 0;
    int32_t stream = ask(pair, "/api/x");
    run(pair);
    assert_true(http2_poll_event(pair->server, &event));
    http2_set_exchange(pair->server, event.stream, 77);
    assert_true(http2_find_exchange(pair->server, 77, &found, &message));
    assert_int_equal(found, stream);
    nghttp2_submit_rst_stream(pair->client, 0, stream, NGHTTP2_CANCEL);
    run(pair);
    assert_false(http2_find_exchange(pair->server, 77, &found, &message));
    assert_true(http2_poll_event(pair->server, &event));
    assert_int_equal(event.type, HTTP2_EVENT_ABORTED);
    assert_int_equal(event.exchange, 77);
    assert_false(http2_poll_event(pair->server, &event));
    answer(pair, stream, HEAD("200", "5"), TEXT("hello")); /* too late, and no harm */
    assert_int_equal(http2_stream_count(pair->server), 0);
}

static void what_is_not_http_2_is_given_up(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(
        http2_handle_bytes(pair->server, NOW, TEXT("GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
        STATUS_MALFORMED);
}

static void a_connection_that_asks_for_nothing_is_closed_kindly(void **state)
{
    struct pair *pair = *state;
    run(pair);
    assert_int_equal(http2_next_timeout(pair->server), NOW + HTTP2_FIRST_REQUEST_WITHIN_US);
    ask(pair, "/");
    run(pair);
    assert_int_equal(answer_all(pair), 1);
    run(pair);
    assert_int_equal(http2_next_timeout(pair->server), NOW + HTTP2_IDLE_US);
    pair->now = NOW + HTTP2_IDLE_US;
    http2_handle_timeout(pair->server, pair->now);
    run(pair);
    assert_int_equal(pair->goaway, NGHTTP2_NO_ERROR + 1);
    assert_true(http2_is_over(pair->server));
}

static void goodbye_lets_a_request_in_work_be_answered(void **state)
{
    struct pair *pair = *state;
    int32_t stream = ask(pair, "/");
    run(pair);
    http2_shut_down(pair->server);
    run(pair);
    assert_int_equal(pair->goaway, NGHTTP2_NO_ERROR + 1);
    assert_int_equal(answer_all(pair), 1);
    run(pair);
    assert_int_equal(pair->status[slot_of(stream)], 200);
    assert_true(http2_is_over(pair->server));
}

static void at_the_end_every_exchange_is_named_once(void **state)
{
    struct pair *pair = *state;
    struct http2_event event;
    uint64_t sum = 0, exchange = 0;
    for (int i = 0; i < 3; i++)
        ask(pair, "/api/x");
    run(pair);
    for (uint64_t i = 1; http2_poll_event(pair->server, &event); i *= 2)
        http2_set_exchange(pair->server, event.stream, i);
    while ((exchange = http2_take_exchange(pair->server)) != 0)
        sum += exchange;
    assert_int_equal(sum, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_is_read_as_one_of_http_1_1_and_its_answer_comes_back),
        T(a_hundred_requests_are_taken_at_once_in_their_order_and_one_more_is_refused),
        T(what_http_1_1_refuses_is_refused),
        T(whoever_asked_is_told_when_a_request_is_given_up),
        T(what_is_not_http_2_is_given_up),
        T(a_connection_that_asks_for_nothing_is_closed_kindly),
        T(goodbye_lets_a_request_in_work_be_answered),
        T(at_the_end_every_exchange_is_named_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
