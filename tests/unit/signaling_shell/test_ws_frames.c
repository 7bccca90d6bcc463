#include "signaling/shell/send_queue.h"
#include "signaling/shell/ws_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MASK "\x00\x00\x00\x00" /* a mask all the same */

static void the_frames_of_rfc_6455_section_5_7_are_read(void **state)
{
    /* The masked "Hello", a fragmented one, and a ping between the fragments. */
    static const struct bytes text = BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
                                           "\x01\x83" MASK "Hel"
                                           "\x89\x85" MASK "Hello"
                                           "\x80\x82" MASK "lo");
    static const struct {
        enum ws_event_type type;
        const char *payload;
    } expected[] = {{WS_EVENT_TEXT, "Hello"}, {WS_EVENT_PING, "Hello"}, {WS_EVENT_TEXT, "Hello"}};
    (void)state;
    for (size_t step = 1; step <= text.size; step++) {
        struct ws_receiver receiver;
        size_t seen = 0;
        ws_receiver_init(&receiver);
        for (size_t at = 0; at < text.size; at += step) {
            size_t size = step < text.size - at ? step : text.size - at;
            struct bytes input = {text.data + at, size};
            while (input.size > 0) {
                struct ws_event event;
                ws_receiver_feed(&receiver, &input, &event);
                if (event.type == WS_EVENT_NONE)
                    continue;
                assert_true(seen < COUNT_OF(expected));
                assert_int_equal(event.type, expected[seen].type);
                assert_true(bytes_equal_string(event.payload, expected[seen].payload));
                seen++;
            }
        }
        assert_int_equal(seen, COUNT_OF(expected));
        ws_receiver_destroy(&receiver);
    }
}

static void a_broken_frame_fails_with_its_code_and_nothing_follows(void **state)
{
    static const struct {
        const char *why;
        struct bytes text;
        enum ws_event_type type;
        uint16_t code;
    } cases[] = {
        {"no mask", BYTES("\x81\x00"), WS_EVENT_FAIL, 1002},
        {"reserved bit", BYTES("\xc1\x80" MASK), WS_EVENT_FAIL, 1002},
        {"opcode 7", BYTES("\x87\x80" MASK), WS_EVENT_FAIL, 1002},
        {"binary", BYTES("\x82\x80" MASK), WS_EVENT_FAIL, 1003},
        {"continuation of nothing", BYTES("\x80\x80" MASK), WS_EVENT_FAIL, 1002},
        {"text inside a text", BYTES("\x01\x80" MASK "\x81\x80" MASK), WS_EVENT_FAIL, 1002},
        {"ping in fragments", BYTES("\x09\x80" MASK), WS_EVENT_FAIL, 1002},
        {"long ping", BYTES("\x89\xfe\x00\x7e" MASK), WS_EVENT_FAIL, 1002},
        {"125 as 16 bits", BYTES("\x81\xfe\x00\x7d" MASK), WS_EVENT_FAIL, 1002},
        {"65535 as 64 bits", BYTES("\x81\xff\0\0\0\0\0\0\xff\xff" MASK), WS_EVENT_FAIL, 1002},
        {"2^63", BYTES("\x81\xff\x80\0\0\0\0\0\0\0" MASK), WS_EVENT_FAIL, 1002},
        {"2^62", BYTES("\x81\xff\x40\0\0\0\0\0\0\0" MASK), WS_EVENT_FAIL, 1009},
        {"65537", BYTES("\x81\xff\0\0\0\0\0\x01\0\x01" MASK), WS_EVENT_FAIL, 1009},
        {"not UTF-8", BYTES("\x81\x81" MASK "\xff"), WS_EVENT_FAIL, 1007},
        {"close without code", BYTES("\x88\x80" MASK), WS_EVENT_CLOSE, 1000},
        {"close 1001", BYTES("\x88\x82" MASK "\x03\xe9"), WS_EVENT_CLOSE, 1001},
        {"close 1006", BYTES("\x88\x82" MASK "\x03\xee"), WS_EVENT_CLOSE, 1002},
        {"close of one byte", BYTES("\x88\x81" MASK "\x03"), WS_EVENT_CLOSE, 1002},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ws_receiver receiver;
        struct ws_event event = {0};
        struct bytes input = cases[i].text;
        struct bytes more = BYTES("\x81\x80" MASK);
        ws_receiver_init(&receiver);
        ws_receiver_feed(&receiver, &input, &event);
        if (event.type != cases[i].type || event.code != cases[i].code)
            fail_msg("%s: got type %d, code %d", cases[i].why, event.type, event.code);
        ws_receiver_feed(&receiver, &more, &event);
        assert_int_equal(event.type, WS_EVENT_NONE);
        ws_receiver_destroy(&receiver);
    }
}

static void memory_grows_with_what_came_not_with_what_was_announced(void **state)
{
    struct ws_receiver receiver;
    struct ws_event event;
    struct bytes input = BYTES("\x81\xff\0\0\0\0\0\x01\0\0" MASK "x"); /* 65536 announced */
    (void)state;
    ws_receiver_init(&receiver);
    ws_receiver_feed(&receiver, &input, &event);
    assert_int_equal(event.type, WS_EVENT_NONE);
    assert_true(receiver.message_capacity <= 4096);
    ws_receiver_destroy(&receiver);
}

static void the_accept_key_is_that_of_rfc_6455_section_1_3(void **state)
{
    char accept[WS_ACCEPT_BYTES];
    (void)state;
    assert_int_equal(ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept), STATUS_OK);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    static const char *const bad[] = {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=x",
                                      "!!!!!!!!!!!!!!!!!!!!!!==", "dGhlIHNhbXBsZSBub25jZQ==x"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(ws_accept_key(bad[i], accept), STATUS_MALFORMED);
}

static void headers_use_the_shortest_length(void **state)
{
    static const struct {
        size_t size;
        struct bytes header;
    } cases[] = {{0, BYTES("\x81\x00")},
                 {125, BYTES("\x81\x7d")},
                 {126, BYTES("\x81\x7e\x00\x7e")},
                 {65535, BYTES("\x81\x7e\xff\xff")},
                 {65536, BYTES("\x81\x7f\0\0\0\0\0\x01\0\0")}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t header[WS_HEADER_BYTES_MAX];
        size_t size = ws_write_header(WS_TEXT, cases[i].size, header);
        assert_true(bytes_equal(bytes_of(header, size), cases[i].header));
    }
}

static void utf_8_is_told_from_what_only_looks_like_it(void **state)
{
    static const struct {
        struct bytes text;
        bool good;
    } cases[] = {
        {BYTES(""), true},
        {BYTES("a\0b"), true},
        {BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), true},
        {BYTES("\xf4\x8f\xbf\xbf"), true},
        {BYTES("\x80"), false},
        {BYTES("\xc0\x80"), false},
        {BYTES("\xe0\x9f\xbf"), false},
        {BYTES("\xed\xa0\x80"), false},
        {BYTES("\xf0\x8f\xbf\xbf"), false},
        {BYTES("\xf4\x90\x80\x80"), false},
        {BYTES("\xf5\x80\x80\x80"), false},
        {BYTES("\xe2\x82"), false},
        {BYTES("\xe2\x28\xa1"), false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(ws_is_utf8(cases[i].text), cases[i].good);
}

static void a_queue_that_is_cut_ends_between_two_chunks(void **state)
{
    struct send_queue queue = {0};
    uint8_t out[64];
    (void)state;
    assert_int_equal(send_queue_push(&queue, (struct bytes)BYTES("ab"), (struct bytes)BYTES("cd")),
                     STATUS_OK);
    assert_int_equal(send_queue_push_borrowed(&queue, (struct bytes)BYTES("efgh")), STATUS_OK);
    assert_int_equal(send_queue_take(&queue, (struct bytes_mut){out, 3}), 3);
    send_queue_drop_unsent(&queue);
    assert_int_equal(queue.bytes, 1);
    assert_int_equal(send_queue_push(&queue, (struct bytes)BYTES("!"), BYTES_NONE), STATUS_OK);
    assert_int_equal(send_queue_take(&queue, (struct bytes_mut){out, sizeof(out)}), 2);
    assert_memory_equal(out, "d!", 2);
    assert_int_equal(queue.bytes, 0);
    assert_int_equal(send_queue_push(&queue, (struct bytes)BYTES("x"), BYTES_NONE), STATUS_OK);
    send_queue_drop_unsent(&queue);
    assert_null(queue.first);
    send_queue_destroy(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frames_of_rfc_6455_section_5_7_are_read),
        cmocka_unit_test(a_broken_frame_fails_with_its_code_and_nothing_follows),
        cmocka_unit_test(memory_grows_with_what_came_not_with_what_was_announced),
        cmocka_unit_test(the_accept_key_is_that_of_rfc_6455_section_1_3),
        cmocka_unit_test(headers_use_the_shortest_length),
        cmocka_unit_test(utf_8_is_told_from_what_only_looks_like_it),
        cmocka_unit_test(a_queue_that_is_cut_ends_between_two_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
