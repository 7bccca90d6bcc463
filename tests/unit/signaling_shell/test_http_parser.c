#include "signaling/shell/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define GET "GET / HTTP/1.1\r\nHost: x\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: x\r\n"

static enum http_parse_result feed(struct http_parser *parser, struct bytes *input)
{
    enum http_parse_result result;
    do
        result = http_parser_feed(parser, input);
    while (result == HTTP_PARSE_CONTINUE && input->size > 0);
    return result;
}

static void a_request_is_read_whole_or_byte_by_byte_alike(void **state)
{
    static const struct bytes text =
        BYTES("\r\nPATCH /a%20b/%c3%a9?q=%00 HTTP/1.1\r\nHost: h\r\nOrigin:  http://o \t\r\n"
              "Content-Type: application/sdp\r\nTransfer-Encoding: chunked\r\nIf-Match: \"e\"\r\n"
              "authorization: Bearer t\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    (void)state;
    for (size_t step = 1; step <= text.size;
         step = step == 1 ? 7 : text.size + (step == text.size)) {
        struct http_parser parser;
        enum http_parse_result result = HTTP_PARSE_MORE;
        http_parser_init(&parser);
        for (size_t at = 0; at < text.size; at += step) {
            assert_int_equal(result, HTTP_PARSE_MORE);
            size_t size = step < text.size - at ? step : text.size - at;
            struct bytes input = {text.data + at, size};
            result = feed(&parser, &input);
            assert_int_equal(input.size, 0);
        }
        assert_int_equal(result, HTTP_PARSE_DONE);
        assert_int_equal(parser.message.method, HTTP_PATCH);
        assert_string_equal(parser.message.path, "/a b/\xc3\xa9");
        assert_string_equal(parser.message.origin, "http://o");
        assert_string_equal(parser.message.if_match, "\"e\"");
        assert_string_equal(parser.message.authorization, "Bearer t");
        assert_true(bytes_equal_string(parser.message.body, "abcde"));
        assert_true(parser.message.keep_alive);
        http_parser_destroy(&parser);
    }
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    static const struct {
        const char *why;
        struct bytes text;
        int status;
    } cases[] = {
        {"length beside chunked",
         BYTES(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
        {"two lengths", BYTES(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400},
        {"a list of lengths", BYTES(POST "Content-Length: 1,1\r\n\r\n"), 400},
        {"length with a space inside", BYTES(POST "Content-Length: 1 1\r\n\r\n"), 400},
        {"empty length", BYTES(POST "Content-Length:\r\n\r\n"), 400},
        {"length past the limit", BYTES(POST "Content-Length: 65537\r\n\r\n"), 413},
        {"length that would wrap", BYTES(POST "Content-Length: 99999999999999999999999\r\n\r\n"),
         413},
        {"unknown coding", BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501},
        {"folded line", BYTES(GET "A: b\r\n c\r\n\r\n"), 400},
        {"space before the colon", BYTES(GET "A : b\r\n\r\n"), 400},
        {"line feed alone", BYTES("GET / HTTP/1.1\nHost: x\r\n\r\n"), 400},
        {"carriage return alone", BYTES(GET "A: b\rC: d\r\n\r\n"), 400},
        {"zero byte", BYTES(GET "A: b\0c\r\n\r\n"), 400},
        {"host twice", BYTES(GET "Host: y\r\n\r\n"), 400},
        {"no host", BYTES("GET / HTTP/1.1\r\n\r\n"), 400},
        {"absolute target", BYTES("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"dots", BYTES("GET /a/../b HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"encoded dots", BYTES("GET /%2E%2e HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"encoded slash", BYTES("GET /a%2fb HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"encoded zero", BYTES("GET /a%00 HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"cut percent", BYTES("GET /a% HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"version 2", BYTES("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505},
        {"three words", BYTES("GET / HTTP/1.1 x\r\nHost: x\r\n\r\n"), 400},
        {"chunk past the limit", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n10001\r\n"), 413},
        {"chunk without end", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n1\r\naX"), 0},
        {"chunk with a wrong end", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n1\r\naX\r\n"),
         400},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_parser parser;
        struct bytes input = cases[i].text;
        http_parser_init(&parser);
        enum http_parse_result result = feed(&parser, &input);
        if (result != (cases[i].status == 0 ? HTTP_PARSE_MORE : HTTP_PARSE_ERROR) ||
            parser.error_status != cases[i].status)
            fail_msg("%s: got result %d, status %d", cases[i].why, result, parser.error_status);
        http_parser_destroy(&parser);
    }
}

/* Feeds `prefix`, then `filler` times `count`, then `suffix`. */
static int status_of_long(const char *prefix, const char *filler, size_t count, const char *suffix)
{
    struct http_parser parser;
    enum http_parse_result result;
    struct bytes input = bytes_of_string(prefix);
    http_parser_init(&parser);
    result = http_parser_feed(&parser, &input);
    for (size_t i = 0; i < count && result == HTTP_PARSE_MORE; i++) {
        input = bytes_of_string(filler);
        result = http_parser_feed(&parser, &input);
    }
    input = bytes_of_string(suffix);
    if (result == HTTP_PARSE_MORE)
        result = http_parser_feed(&parser, &input);
    int status = result == HTTP_PARSE_ERROR  ? parser.error_status
                 : result == HTTP_PARSE_DONE ? 200
                                             : 0;
    http_parser_destroy(&parser);
    return status;
}

static void every_limit_holds_to_the_byte(void **state)
{
    (void)state;
    size_t fixed = strlen(GET "X: \r\n\r\n");
    assert_int_equal(status_of_long(GET "X: ", "a", HTTP_HEAD_BYTES_MAX - fixed, "\r\n\r\n"), 200);
    assert_int_equal(status_of_long(GET "X: ", "a", HTTP_HEAD_BYTES_MAX - fixed + 1, "\r\n\r\n"),
                     431);
    assert_int_equal(status_of_long(GET, "a: b\r\n", HTTP_HEADERS_PARSED_MAX - 1, "\r\n"), 200);
    assert_int_equal(status_of_long(GET, "a: b\r\n", HTTP_HEADERS_PARSED_MAX, "\r\n"), 431);
    assert_int_equal(
        status_of_long("GET /", "a", HTTP_PATH_BYTES_MAX - 2, " HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_int_equal(
        status_of_long("GET /", "a", HTTP_PATH_BYTES_MAX - 1, " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
    assert_int_equal(status_of_long("GET /", "a", 2 * HTTP_HEAD_BYTES_MAX, ""), 414);
    assert_int_equal(status_of_long(POST "Content-Length: 65536\r\n\r\n", "a", 65535, ""), 0);
    assert_int_equal(status_of_long(POST "Content-Length: 65536\r\n\r\n", "a", 65535, "a"), 200);
    assert_int_equal(
        status_of_long(POST "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", 65536, "0\r\n\r\n"),
        200);
    assert_int_equal(
        status_of_long(POST "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", 65537, "0\r\n\r\n"),
        413);
}

static void what_belongs_to_the_next_request_is_left(void **state)
{
    struct http_parser parser;
    struct bytes input = BYTES(POST "Content-Length: 2\r\n\r\nab" GET "Connection: close\r\n\r\n!");
    (void)state;
    http_parser_init(&parser);
    assert_int_equal(feed(&parser, &input), HTTP_PARSE_DONE);
    assert_true(bytes_equal_string(parser.message.body, "ab"));
    http_parser_reset(&parser);
    assert_false(http_parser_is_inside(&parser));
    assert_int_equal(feed(&parser, &input), HTTP_PARSE_DONE);
    assert_int_equal(parser.message.method, HTTP_GET);
    assert_false(parser.message.keep_alive);
    assert_true(bytes_equal_string(input, "!"));
    http_parser_destroy(&parser);
}

static void a_list_is_searched_by_whole_words(void **state)
{
    (void)state;
    assert_true(http_list_has("keep-alive, Upgrade", "upgrade"));
    assert_true(http_list_has("a,amphi.v1", "amphi.v1"));
    assert_false(http_list_has("amphi.v10", "amphi.v1"));
    assert_false(http_list_has("xamphi.v1", "amphi.v1"));
    assert_false(http_list_has("", "a"));
    assert_false(http_list_has(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_whole_or_byte_by_byte_alike),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(every_limit_holds_to_the_byte),
        cmocka_unit_test(what_belongs_to_the_next_request_is_left),
        cmocka_unit_test(a_list_is_searched_by_whole_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
