/* What a peer that asks too much, or takes too little, gets: each limit, and one past it. */
#include "unit/signaling_shell/http2_bench.c"

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

static void all_heads_that_wait_together_have_a_limit_and_their_exact_size_counts(void **state)
{
    enum { ORIGIN_BYTES = 6000 };
    static char origin[ORIGIN_BYTES + 1];
    struct pair *pair = *state;
    struct http2_event event;
    const size_t head =
        strlen("GET / HTTP/1.1\r\nhost: localhost\r\norigin: \r\n\r\n") + ORIGIN_BYTES;
    int32_t waiting = 0;
    memset(origin, 'o', ORIGIN_BYTES);
    for (size_t i = 0; i < HTTP2_HEAD_BYTES_MAX / head; i++) {
        waiting = ask_with(pair, "GET", "/", origin, NULL);
        run(pair);
        assert_true(http2_poll_event(pair->server, &event));
        assert_int_equal(event.error_status, 0);
        assert_string_equal(event.message->origin, origin);
    }
    for (int i = 0; i < 2; i++) { /* what is refused does not count */
        ask_with(pair, "HEAD", "/", origin, NULL);
        run(pair);
        assert_true(http2_poll_event(pair->server, &event));
        assert_int_equal(event.error_status, 431);
        assert_int_equal(event.message->method, HTTP_HEAD);
        answer(pair, event.stream, HEAD("431", "0"), BYTES_NONE);
        run(pair);
    }
    answer(pair, waiting, HEAD("200", "0"), BYTES_NONE);
    ask_with(pair, "GET", "/", origin, NULL);
    run(pair);
    assert_true(http2_poll_event(pair->server, &event));
    assert_int_equal(event.error_status, 0);
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

#define P(name) cmocka_unit_test_setup_teardown(name, set_up_for_pieces, tear_down)

/* Asks for 100 kB without a window. Returns the stream. */
static int32_t ask_for_much(struct pair *pair)
{
    static uint8_t large[100000];
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    struct http2_event event;
    nghttp2_submit_settings(pair->client, 0, &window, 1);
    int32_t stream = ask(pair, "/");
    run(pair);
    assert_true(http2_poll_event(pair->server, &event));
    answer(pair, event.stream, HEAD("200", "100000"), bytes_of(large, sizeof(large)));
    run(pair);
    return stream;
}

/* Lets a window for `bytes` more come every `every_us`, until the server has said goodbye or has
 * sent all. Returns how long that took. */
static usec_t take_in_pieces(struct pair *pair, int32_t stream, int32_t bytes, usec_t every_us)
{
    while (pair->goaway == 0 && http2_stream_count(pair->server) > 0) {
        pair->now += every_us;
        http2_handle_timeout(pair->server, pair->now);
        nghttp2_submit_window_update(pair->client, 0, stream, bytes);
        nghttp2_submit_window_update(pair->client, 0, 0, bytes);
        run(pair);
    }
    return pair->now - NOW;
}

static void a_peer_that_takes_a_byte_each_29_s_is_let_go_all_the_same(void **state)
{
    struct pair *pair = *state;
    int32_t stream = ask_for_much(pair);
    usec_t limit = HTTP2_TAKEN_WITHIN_US + SECONDS(100000 / HTTP2_PACE_BYTES);
    usec_t took = take_in_pieces(pair, stream, 1, SECONDS(29));
    assert_true(pair->goaway != 0);
    assert_in_range(took, limit, limit + SECONDS(29));
    assert_in_range(pair->body_bytes[slot_of(stream)], 2, 10);
    assert_true(http2_is_over(pair->server));
}

static void a_line_of_8_kbit_s_gets_a_hundred_thousand_bytes(void **state)
{
    struct pair *pair = *state;
    int32_t stream = ask_for_much(pair);
    (void)take_in_pieces(pair, stream, HTTP2_PACE_BYTES, SECONDS(1));
    assert_int_equal(pair->goaway, 0);
    assert_int_equal(pair->body_bytes[slot_of(stream)], 100000);
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

static void who_takes_the_goodbye_slowly_is_given_5_s_for_each_piece_and_30_s_in_all(void **state)
{
    struct pair *pair = *state;
    uint8_t byte[1];
    run(pair);
    pair->now = http2_next_timeout(pair->server);
    http2_handle_timeout(pair->server, pair->now);
    usec_t began = pair->now;
    for (int i = 0; i < 6; i++) {
        pair->now += HTTP2_GOODBYE_WITHIN_US - 1;
        http2_handle_timeout(pair->server, pair->now);
        assert_false(http2_is_lost(pair->server));
        assert_int_equal(
            http2_take_output(pair->server, pair->now, (struct bytes_mut){byte, sizeof(byte)}), 1);
    }
    assert_int_equal(http2_next_timeout(pair->server), began + HTTP2_GONE_WITHIN_US);
    http2_handle_timeout(pair->server, began + HTTP2_GONE_WITHIN_US);
    assert_true(http2_is_lost(pair->server));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_body_is_taken_up_to_its_limit_and_refused_one_byte_beyond),
        T(all_unanswered_bodies_together_have_a_limit),
        T(all_heads_that_wait_together_have_a_limit_and_their_exact_size_counts),
        T(requests_taken_back_in_a_row_end_the_connection),
        T(a_page_that_is_left_every_second_is_not_taken_for_an_attack),
        T(pings_and_settings_without_end_end_the_connection),
        T(pings_whose_answers_are_not_read_end_the_connection),
        T(a_head_in_continuations_without_end_ends_the_connection),
        T(a_request_that_does_not_end_is_408_after_20_s),
        T(an_answer_that_does_not_come_is_asked_for_after_30_s),
        T(a_peer_that_takes_none_of_its_answers_is_let_go_after_30_s_and_costs_no_memory),
        P(a_peer_that_takes_a_byte_each_29_s_is_let_go_all_the_same),
        P(a_line_of_8_kbit_s_gets_a_hundred_thousand_bytes),
        T(a_peer_that_takes_not_even_the_goodbye_is_lost_5_s_later),
        T(who_takes_the_goodbye_slowly_is_given_5_s_for_each_piece_and_30_s_in_all),
        T(copied_answers_that_wait_have_a_limit_and_one_alone_always_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
