#include "signaling/shell/ws_deflate.h"

#include "signaling/shell/ws_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_offer_is_taken_when_we_can_keep_to_all_of_it(void **state)
{
    static const struct {
        const char *extensions;
        bool expected;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"permessage-deflate", true},
        {"Permessage-Deflate ; Client_Max_Window_Bits", true},
        {"permessage-deflate; client_max_window_bits=10; server_no_context_takeover", true},
        {"permessage-deflate; server_max_window_bits=10", false},
        {"permessage-deflate; server_max_window_bits=10, permessage-deflate", true},
        {"permessage-deflate; unknown", false},
        {"permessage-deflate;", false},
        {"permessage-deflat", false},
        {"x-webkit-deflate-frame, bzip2;q=1", false},
        {",,;,", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (ws_deflate_is_offered(cases[i].extensions) != cases[i].expected)
            fail_msg("%s", cases[i].extensions != NULL ? cases[i].extensions : "none");
}

static void a_text_comes_back_as_it_was(void **state)
{
    static uint8_t text[WS_MESSAGE_BYTES_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)("a=rtpmap:96 VP8/90000\r\n"[i % 23] + (i % 509 == 0));
    for (size_t size = 64; size <= sizeof(text);
         size = size * 2 > sizeof(text) && size < sizeof(text) - 1 ? sizeof(text) - 1
                : size < sizeof(text) - 1                          ? size * 2
                                                                   : size + 1) {
        struct bytes_mut packed, plain;
        assert_int_equal(ws_deflate_pack(bytes_of(text, size), &packed), STATUS_OK);
        assert_in_range(packed.size, 1, size);
        enum status status = ws_deflate_unpack(bytes_const(packed), WS_MESSAGE_BYTES_MAX, &plain);
        free(packed.data);
        if (size > WS_MESSAGE_BYTES_MAX) {
            assert_int_equal(status, STATUS_LIMIT);
            continue;
        }
        assert_int_equal(status, STATUS_OK);
        assert_int_equal(plain.size, size);
        assert_memory_equal(plain.data, text, size);
        free(plain.data);
    }
}

static void what_does_not_get_smaller_is_left_as_it_is(void **state)
{
    struct bytes_mut packed;
    (void)state;
    assert_int_equal(ws_deflate_pack(bytes_of("kP9x!", 5), &packed), STATUS_OK);
    assert_int_equal(packed.size, 0);
}

static void a_bomb_stops_at_the_limit_and_nonsense_is_told(void **state)
{
    static uint8_t zeros[4u << 20];
    static const struct {
        struct bytes packed;
        enum status expected;
    } cases[] = {
        {BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), STATUS_OK}, /* RFC 7692 section 7.2.3.1: "Hello" */
        {BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), STATUS_MALFORMED}, /* behind a last block */
        {BYTES("\xff\xff\xff"), STATUS_MALFORMED},
        {BYTES("\x07"), STATUS_MALFORMED},
        {BYTES("\xf2\x48\xcd"), STATUS_MALFORMED}, /* cut in a block: the tail is no sense then */
    };
    struct bytes_mut packed, plain;
    (void)state;
    assert_int_equal(ws_deflate_pack(bytes_of(zeros, sizeof(zeros)), &packed), STATUS_OK);
    assert_in_range(packed.size, 1, 8192);
    assert_int_equal(ws_deflate_unpack(bytes_const(packed), WS_MESSAGE_BYTES_MAX, &plain),
                     STATUS_LIMIT);
    free(packed.data);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum status status = ws_deflate_unpack(cases[i].packed, 100, &plain);
        if (status == STATUS_OK) {
            assert_int_equal(plain.size, 5);
            assert_memory_equal(plain.data, "Hello", 5);
            free(plain.data);
        }
        if (status != cases[i].expected)
            fail_msg("case %zu: %s", i, status_name(status));
    }
}

/* "Hello" packed, masked with zeros, in one frame or two. */
static void a_packed_message_is_read_where_that_was_agreed_and_refused_where_not(void **state)
{
    static const struct {
        struct bytes frames;
        bool agreed;
        enum ws_event_type type;
        uint16_t code;
    } cases[] = {
        {BYTES("\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00"), true, WS_EVENT_TEXT, 0},
        {BYTES("\x41\x83\0\0\0\0\xf2\x48\xcd\x80\x84\0\0\0\0\xc9\xc9\x07\x00"), true, WS_EVENT_TEXT,
         0},
        {BYTES("\x81\x85\0\0\0\0Hello"), true, WS_EVENT_TEXT, 0},
        {BYTES("\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00"), false, WS_EVENT_FAIL,
         WS_CODE_PROTOCOL},
        {BYTES("\xc9\x80\0\0\0\0"), true, WS_EVENT_FAIL, WS_CODE_PROTOCOL}, /* a packed ping */
        {BYTES("\x01\x80\0\0\0\0\xc0\x80\0\0\0\0"), true, WS_EVENT_FAIL, WS_CODE_PROTOCOL},
        {BYTES("\xa1\x80\0\0\0\0"), true, WS_EVENT_FAIL, WS_CODE_PROTOCOL}, /* RSV2 */
        {BYTES("\xc1\x83\0\0\0\0\xff\xff\xff"), true, WS_EVENT_FAIL, WS_CODE_BAD_DATA},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ws_receiver receiver;
        struct ws_event event;
        struct bytes input = cases[i].frames;
        ws_receiver_init(&receiver);
        receiver.takes_packed = cases[i].agreed;
        ws_receiver_feed(&receiver, &input, &event);
        if (event.type != cases[i].type || event.code != cases[i].code)
            fail_msg("case %zu: type %d code %u", i, (int)event.type, event.code);
        if (event.type == WS_EVENT_TEXT)
            assert_true(bytes_equal_string(event.payload, "Hello"));
        ws_receiver_destroy(&receiver);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_is_taken_when_we_can_keep_to_all_of_it),
        cmocka_unit_test(a_text_comes_back_as_it_was),
        cmocka_unit_test(what_does_not_get_smaller_is_left_as_it_is),
        cmocka_unit_test(a_bomb_stops_at_the_limit_and_nonsense_is_told),
        cmocka_unit_test(a_packed_message_is_read_where_that_was_agreed_and_refused_where_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
