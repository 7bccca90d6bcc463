#define _GNU_SOURCE /* memmem */

#include "signaling/shell/web_client_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GOAWAY 7

/* Preface, settings, and GET /api/x without a word that is packed. */
static const struct bytes greeting = BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                           "\0\0\0\4\0\0\0\0\0");
static const struct bytes request = BYTES("\0\0\25\1\5\0\0\0\1"
                                          "\x82\x87\x41\x09localhost\x04\x06/api/x");

static bool has_frame(struct bytes out, uint8_t type)
{
    for (size_t at = 0; at + 9 <= out.size;) {
        const uint8_t *head = out.data + at;
        if (head[3] == type)
            return true;
        at += 9 + ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2]);
    }
    return false;
}

static void a_connection_whose_numbers_are_used_up_asks_no_more_and_says_goodbye(void **state)
{
    static uint8_t out[8192];
    struct web_site site = {0};
    struct web_client client;
    struct instant at = {.now = SECONDS(1), .unix_us = SECONDS(1000000000)};
    (void)state;
    web_client_init(&client, &site, at, 7, "192.0.2.1");
    web_client_begin_http2(&client, at);
    client.exchange_count = WEB_EXCHANGES_PER_CLIENT_MAX;
    web_client_handle_bytes(&client, at, greeting);
    web_client_handle_bytes(&client, at, request); /* a service that is not there would be missed */
    size_t size = web_client_take_output(&client, at, (struct bytes_mut){out, sizeof(out)});
    assert_true(has_frame(bytes_of(out, size), GOAWAY));
    assert_non_null(memmem(out, size, "503", 3));
    assert_int_equal(client.exchange_count, WEB_EXCHANGES_PER_CLIENT_MAX);
    (void)web_client_handle_flushed(&client, at);
    assert_int_equal(client.state, WEB_CLIENT_LINGERING);
    web_client_destroy(&client, at);
}

static void a_connection_that_takes_none_of_its_answers_is_gone_after_35_s(void **state)
{
    struct web_site site = {0};
    struct web_client client;
    struct instant at = {.now = SECONDS(1), .unix_us = SECONDS(1000000000)};
    (void)state;
    web_client_init(&client, &site, at, 7, "192.0.2.1");
    web_client_begin_http2(&client, at);
    client.exchange_count = WEB_EXCHANGES_PER_CLIENT_MAX; /* answered without a service */
    web_client_handle_bytes(&client, at, greeting);
    web_client_handle_bytes(&client, at, request);
    for (int second = 0; second < 35; second++) {
        assert_int_equal(client.state, WEB_CLIENT_HTTP2);
        at.now += SECONDS(1);
        if (web_client_next_timeout(&client) <= at.now)
            web_client_handle_timeout(&client, at);
    }
    assert_int_equal(client.state, WEB_CLIENT_GONE);
    web_client_destroy(&client, at);
}

/* Without a service: as if it had just been asked. Returns how much of the body was taken, `pace`
 * bytes each second, before the connection was given up or all was written. */
static size_t take_an_answer_of_100_kb(size_t pace)
{
    static uint8_t large[100000], out[4096];
    struct web_site site = {0};
    struct web_client client;
    struct instant at = {.now = SECONDS(1), .unix_us = SECONDS(1000000000)};
    const struct http_response response = {
        .status = 200, .content_type = "text/plain", .body = bytes_of(large, sizeof(large))};
    size_t taken = 0;
    web_client_init(&client, &site, at, 7, "192.0.2.1");
    client.state = WEB_CLIENT_WAITING;
    client.exchange = web_client_begin_exchange(&client);
    web_client_respond(&client, at, client.exchange, &response);
    size_t head = client.out.bytes - sizeof(large);
    while (client.state == WEB_CLIENT_CLOSING && client.out.bytes > 0) {
        taken += web_client_take_output(&client, at, (struct bytes_mut){out, pace});
        at.now += SECONDS(1);
        if (web_client_next_timeout(&client) <= at.now)
            web_client_handle_timeout(&client, at);
    }
    web_client_destroy(&client, at);
    return taken - head;
}

static void a_slow_line_gets_the_last_answer_of_a_connection_whole(void **state)
{
    (void)state;
    assert_int_equal(take_an_answer_of_100_kb(WEB_PACE_BYTES), 100000);
    assert_in_range(take_an_answer_of_100_kb(WEB_PACE_BYTES / 2), 1, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_whose_numbers_are_used_up_asks_no_more_and_says_goodbye),
        cmocka_unit_test(a_connection_that_takes_none_of_its_answers_is_gone_after_35_s),
        cmocka_unit_test(a_slow_line_gets_the_last_answer_of_a_connection_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
