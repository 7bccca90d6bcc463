#include "signaling/shell/http2.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEXT(literal) bytes_of(literal, sizeof(literal) - 1)
#define NOW SECONDS(100)
#define ANSWERS_MAX 256
#define HEAD(status, length)                                                                       \
    TEXT("HTTP/1.1 " status " OK\r\nContent-Type: text/plain\r\nContent-Length: " length           \
         "\r\nX-Mixed: Yes\r\nConnection: keep-alive\r\n\r\n")

/* The library's client against our server; bytes pass between them in memory. */
struct pair {
    struct http2 *server;
    nghttp2_session *client;
    usec_t now;
    bool closed;  /* the server gave the client up */
    bool reading; /* whether the client takes what the server writes */
    int status[ANSWERS_MAX];
    size_t body_bytes[ANSWERS_MAX];
    uint32_t reset[ANSWERS_MAX]; /* error + 1 */
    uint32_t goaway;             /* error + 1 */
    bool connection_field, small_letters;
    size_t upload_left;
};

static size_t slot_of(int32_t stream)
{
    size_t slot = (size_t)stream / 2;
    return slot < ANSWERS_MAX ? slot : ANSWERS_MAX - 1;
}

static int note_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                       size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                       void *user)
{
    struct pair *pair = user;
    (void)session;
    (void)flags;
    if (bytes_equal_string(bytes_of(name, name_size), ":status") && value_size == 3)
        pair->status[slot_of(frame->hd.stream_id)] = atoi((const char *)value);
    pair->connection_field |= bytes_equal_string(bytes_of(name, name_size), "connection");
    pair->small_letters |= bytes_equal_string(bytes_of(name, name_size), "x-mixed");
    return 0;
}

static int note_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                     size_t size, void *user)
{
    struct pair *pair = user;
    (void)session;
    (void)flags;
    (void)data;
    pair->body_bytes[slot_of(stream)] += size;
    return 0;
}

static int note_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct pair *pair = user;
    (void)session;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        pair->reset[slot_of(frame->hd.stream_id)] = frame->rst_stream.error_code + 1;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        pair->goaway = frame->goaway.error_code + 1;
    return 0;
}

static ssize_t give_upload(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct pair *pair = user;
    (void)session;
    (void)stream;
    (void)source;
    size_t given = size < pair->upload_left ? size : pair->upload_left;
    memset(buffer, 'x', given);
    pair->upload_left -= given;
    if (pair->upload_left == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)given;
}

static ssize_t give_nothing(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
                            uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)stream;
    (void)buffer;
    (void)size;
    (void)flags;
    (void)source;
    (void)user;
    return NGHTTP2_ERR_DEFERRED;
}

static int set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, note_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, note_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, note_frame);
    nghttp2_option_set_peer_max_concurrent_streams(option, 1000);
    pair->now = NOW;
    pair->reading = true;
    assert_int_equal(nghttp2_session_client_new2(&pair->client, callbacks, pair, option), 0);
    assert_int_equal(nghttp2_submit_settings(pair->client, 0, NULL, 0), 0);
    assert_int_equal(http2_create(&pair->server, pair->now), STATUS_OK);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    nghttp2_session_del(pair->client);
    http2_free(pair->server);
    free(pair);
    return 0;
}

static void server_writes(struct pair *pair)
{
    uint8_t out[4096];
    size_t size = 0;
    while (pair->reading &&
           (size = http2_take_output(pair->server, pair->now, (struct bytes_mut){out, 4096})) > 0)
        (void)nghttp2_session_mem_recv(pair->client, out, size);
}

static void client_writes(struct pair *pair)
{
    const uint8_t *data = NULL;
    ssize_t size = 0;
    while (!pair->closed && (size = nghttp2_session_mem_send(pair->client, &data)) > 0)
        pair->closed =
            http2_handle_bytes(pair->server, pair->now, bytes_of(data, (size_t)size)) != STATUS_OK;
}

static void run(struct pair *pair)
{
    for (int i = 0; i < 50; i++) {
        client_writes(pair);
        server_writes(pair);
    }
}

#define FIELD(n, v)                                                                                \
    {                                                                                              \
        .name = (uint8_t *)(n), .value = (uint8_t *)(v), .namelen = strlen(n),                     \
        .valuelen = strlen(v)                                                                      \
    }

static int32_t ask_with(struct pair *pair, const char *method, const char *path, const char *extra,
                        nghttp2_data_source_read_callback upload)
{
    nghttp2_nv fields[] = {FIELD(":method", method), FIELD(":scheme", "https"),
                           FIELD(":authority", "localhost"), FIELD(":path", path),
                           FIELD("origin", extra)};
    nghttp2_data_provider provider = {.read_callback = upload};
    int32_t stream = nghttp2_submit_request(pair->client, NULL, fields, COUNT_OF(fields),
                                            upload != NULL ? &provider : NULL, NULL);
    assert_true(stream > 0);
    return stream;
}

static int32_t ask(struct pair *pair, const char *path)
{
    return ask_with(pair, "GET", path, "https://o", NULL);
}

static void answer(struct pair *pair, int32_t stream, struct bytes head, struct bytes body)
{
    assert_int_equal(http2_respond(pair->server, pair->now, stream, head, body, true), STATUS_OK);
}

static size_t answer_all(struct pair *pair)
{
    struct http2_event event;
    size_t count = 0;
    for (; http2_poll_event(pair->server, &event); count++)
        if (event.error_status != 0)
            answer(pair, event.stream, HEAD("431", "1"), TEXT("e"));
        else
            answer(pair, event.stream, HEAD("200", "5"), TEXT("hello"));
    return count;
}

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

static void a_body_is_taken_up_to_its_limit_and_refused_one_byte_beyond(void **state)
{
    struct pair *pair = *state;
    struct http2_event event;
    const int expected[] = {0, 413};
    for (size_t i = 0; i < 2; i++) {
        pair->upload_left = HTTP_BODY_BYTES_MAX + i;
        int32_t stream = ask_with(pair, "POST", "/", "o", give_upload);
        run(pair);
        assert_true(http2_poll_event(pair->server, &event));
        assert_int_equal(event.error_status, expected[i]);
        answer(pair, event.stream, HEAD("200", "0"), BYTES_NONE);
        run(pair);
        assert_int_equal(pair->status[slot_of(stream)], 200);
    }
}

static void all_unanswered_bodies_together_have_a_limit(void **state)
{
    struct pair *pair = *state;
    struct http2_event event;
    size_t taken = 0, refused = 0;
    for (size_t i = 0; i < HTTP2_BODY_BYTES_MAX / HTTP_BODY_BYTES_MAX + 1; i++) {
        pair->upload_left = HTTP_BODY_BYTES_MAX;
        ask_with(pair, "POST", "/", "o", give_upload);
        run(pair);
        assert_true(http2_poll_event(pair->server, &event));
        taken += event.error_status == 0;
        refused += event.error_status == 413;
    }
    assert_int_equal(taken, HTTP2_BODY_BYTES_MAX / HTTP_BODY_BYTES_MAX);
    assert_int_equal(refused, 1);
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

static void requests_taken_back_in_a_row_end_the_connection(void **state)
{
    struct pair *pair = *state;
    size_t resets = 0;
    for (; resets < 1000 && pair->goaway == 0 && !pair->closed; resets++) {
        int32_t stream = ask(pair, "/");
        client_writes(pair);
        nghttp2_submit_rst_stream(pair->client, 0, stream, NGHTTP2_CANCEL);
        run(pair);
    }
    assert_int_equal(pair->goaway, NGHTTP2_ENHANCE_YOUR_CALM + 1);
    assert_in_range(resets, HTTP2_CREDIT_MAX / HTTP2_PRICE_OF_RESET / 2,
                    HTTP2_CREDIT_MAX / HTTP2_PRICE_OF_RESET + 1);
    assert_true(http2_is_over(pair->server));
}

static void a_page_that_is_left_every_second_is_not_taken_for_an_attack(void **state)
{
    struct pair *pair = *state;
    for (int second = 0; second < 30; second++) {
        int32_t streams[20];
        for (size_t i = 0; i < COUNT_OF(streams); i++)
            streams[i] = ask(pair, "/");
        client_writes(pair);
        for (size_t i = 0; i < COUNT_OF(streams); i++)
            nghttp2_submit_rst_stream(pair->client, 0, streams[i], NGHTTP2_CANCEL);
        run(pair);
        pair->now += SECONDS(1);
    }
    assert_int_equal(pair->goaway, 0);
}

static void pings_and_settings_without_end_end_the_connection(void **state)
{
    struct pair *pair = *state;
    size_t sent = 0;
    for (; sent < 2 * HTTP2_CREDIT_MAX && pair->goaway == 0; sent++) {
        nghttp2_submit_ping(pair->client, 0, NULL);
        run(pair);
    }
    assert_int_equal(pair->goaway, NGHTTP2_ENHANCE_YOUR_CALM + 1);
    assert_in_range(sent, HTTP2_CREDIT_MAX / 2, HTTP2_CREDIT_MAX + 1);
}

static void pings_whose_answers_are_not_read_end_the_connection(void **state)
{
    struct pair *pair = *state;
    run(pair);
    pair->reading = false;
    for (int i = 0; i < 500 && !pair->closed; i++) {
        nghttp2_submit_ping(pair->client, 0, NULL);
        run(pair);
    }
    assert_true(pair->closed);
}

static void a_head_in_continuations_without_end_ends_the_connection(void **state)
{
    static const struct bytes begin = BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                            "\0\0\0\4\0\0\0\0\0"
                                            "\0\0\1\1\0\0\0\0\1\x82");
    static const struct bytes more = BYTES("\0\0\1\11\0\0\0\0\1\x84");
    struct pair *pair = *state;
    enum status status = http2_handle_bytes(pair->server, pair->now, begin);
    size_t sent = 0;
    for (; sent < 100 && status == STATUS_OK && !http2_is_over(pair->server); sent++) {
        status = http2_handle_bytes(pair->server, pair->now, more);
        server_writes(pair);
    }
    assert_in_range(sent, 2, 20);
}

static void what_is_not_http_2_is_given_up(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(
        http2_handle_bytes(pair->server, NOW, TEXT("GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
        STATUS_MALFORMED);
}

static void a_request_that_does_not_end_is_408_after_20_s(void **state)
{
    struct pair *pair = *state;
    struct http2_event event;
    ask_with(pair, "POST", "/", "o", give_nothing);
    run(pair);
    assert_false(http2_poll_event(pair->server, &event));
    assert_int_equal(http2_next_timeout(pair->server), NOW + HTTP2_REQUEST_WITHIN_US);
    http2_handle_timeout(pair->server, NOW + HTTP2_REQUEST_WITHIN_US);
    assert_true(http2_poll_event(pair->server, &event));
    assert_int_equal(event.error_status, 408);
    answer(pair, event.stream, HEAD("408", "0"), BYTES_NONE);
    run(pair);
    assert_int_equal(http2_stream_count(pair->server), 0);
}

static void an_answer_that_does_not_come_is_asked_for_after_30_s(void **state)
{
    struct pair *pair = *state;
    struct http2_event event;
    ask(pair, "/api/x");
    run(pair);
    assert_true(http2_poll_event(pair->server, &event));
    http2_set_exchange(pair->server, event.stream, 5);
    http2_handle_timeout(pair->server, http2_next_timeout(pair->server));
    assert_true(http2_poll_event(pair->server, &event));
    assert_int_equal(event.type, HTTP2_EVENT_OVERDUE);
    assert_int_equal(event.exchange, 5);
    answer(pair, event.stream, HEAD("503", "0"), BYTES_NONE);
    run(pair);
    assert_int_equal(pair->status[0], 503);
}

static void
a_peer_that_takes_none_of_its_answers_is_let_go_after_30_s_and_costs_no_memory(void **state)
{
    static uint8_t large[1 << 20];
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    struct pair *pair = *state;
    struct http2_event event;
    nghttp2_submit_settings(pair->client, 0, &window, 1);
    for (int i = 0; i < 50; i++)
        ask(pair, "/");
    run(pair);
    while (http2_poll_event(pair->server, &event))
        answer(pair, event.stream, HEAD("200", "1048576"), bytes_of(large, sizeof(large)));
    run(pair);
    assert_int_equal(pair->body_bytes[0], 0);
    usec_t due = http2_next_timeout(pair->server);
    assert_int_equal(due, NOW + HTTP2_STALLED_AFTER_US);
    http2_handle_timeout(pair->server, due);
    run(pair);
    assert_true(pair->goaway != 0);
    assert_true(http2_is_over(pair->server));
}

static void a_peer_that_takes_not_even_the_goodbye_is_lost_5_s_later(void **state)
{
    struct pair *pair = *state;
    for (int asks = 0; asks < 2; asks++) { /* idle, and with an answer that waits */
        run(pair);
        pair->reading = false;
        if (asks == 1) {
            ask(pair, "/");
            run(pair);
            assert_int_equal(answer_all(pair), 1);
        }
        pair->now = http2_next_timeout(pair->server);
        http2_handle_timeout(pair->server, pair->now);
        run(pair);
        assert_false(http2_is_over(pair->server));
        assert_int_equal(http2_next_timeout(pair->server), pair->now + HTTP2_GOODBYE_WITHIN_US);
        http2_handle_timeout(pair->server, pair->now + HTTP2_GOODBYE_WITHIN_US - 1);
        assert_false(http2_is_lost(pair->server));
        http2_handle_timeout(pair->server, pair->now + HTTP2_GOODBYE_WITHIN_US);
        assert_true(http2_is_over(pair->server));
        assert_true(http2_is_lost(pair->server));
        (void)tear_down(state);
        (void)set_up(state);
        pair = *state;
    }
}

static void who_takes_the_goodbye_slowly_is_given_5_s_for_each_piece(void **state)
{
    struct pair *pair = *state;
    uint8_t byte[1];
    run(pair);
    pair->now = http2_next_timeout(pair->server);
    http2_handle_timeout(pair->server, pair->now);
    for (int i = 0; i < 4; i++) {
        pair->now += HTTP2_GOODBYE_WITHIN_US - 1;
        http2_handle_timeout(pair->server, pair->now);
        assert_false(http2_is_lost(pair->server));
        assert_int_equal(
            http2_take_output(pair->server, pair->now, (struct bytes_mut){byte, sizeof(byte)}), 1);
    }
}

static void copied_answers_that_wait_have_a_limit_and_one_alone_always_has_room(void **state)
{
    static uint8_t large[HTTP2_ANSWER_BYTES_MAX];
    struct pair *pair = *state;
    struct http2_event event;
    struct bytes half = bytes_of(large, sizeof(large) / 2);
    for (int i = 0; i < 3; i++)
        ask(pair, "/api/x");
    client_writes(pair);
    assert_true(http2_has_room(pair->server, 2 * sizeof(large)));
    for (int i = 0; i < 2; i++) {
        assert_true(http2_poll_event(pair->server, &event));
        assert_true(http2_has_room(pair->server, half.size));
        assert_int_equal(http2_respond(pair->server, pair->now, event.stream, HEAD("200", "131072"),
                                       half, false),
                         STATUS_OK);
    }
    assert_false(http2_has_room(pair->server, 1));
    assert_true(http2_poll_event(pair->server, &event));
    answer(pair, event.stream, HEAD("503", "5"), TEXT("hello"));
    run(pair);
    assert_int_equal(pair->status[2], 503);
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

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_is_read_as_one_of_http_1_1_and_its_answer_comes_back),
        T(a_hundred_requests_are_taken_at_once_in_their_order_and_one_more_is_refused),
        T(what_http_1_1_refuses_is_refused),
        T(a_body_is_taken_up_to_its_limit_and_refused_one_byte_beyond),
        T(all_unanswered_bodies_together_have_a_limit),
        T(whoever_asked_is_told_when_a_request_is_given_up),
        T(requests_taken_back_in_a_row_end_the_connection),
        T(a_page_that_is_left_every_second_is_not_taken_for_an_attack),
        T(pings_and_settings_without_end_end_the_connection),
        T(pings_whose_answers_are_not_read_end_the_connection),
        T(a_head_in_continuations_without_end_ends_the_connection),
        T(what_is_not_http_2_is_given_up),
        T(a_request_that_does_not_end_is_408_after_20_s),
        T(an_answer_that_does_not_come_is_asked_for_after_30_s),
        T(a_peer_that_takes_none_of_its_answers_is_let_go_after_30_s_and_costs_no_memory),
        T(a_peer_that_takes_not_even_the_goodbye_is_lost_5_s_later),
        T(who_takes_the_goodbye_slowly_is_given_5_s_for_each_piece),
        T(copied_answers_that_wait_have_a_limit_and_one_alone_always_has_room),
        T(a_connection_that_asks_for_nothing_is_closed_kindly),
        T(goodbye_lets_a_request_in_work_be_answered),
        T(at_the_end_every_exchange_is_named_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
