#include "signaling/core/client_message.h"
#include "signaling/core/limits.h"
#include "unit/signaling/harness.h"

/* Messages as strangers send them, each with the status that refuses it. */
static const struct {
    const char *why;
    struct bytes text;
    enum status expected;
} bad_texts[] = {
    {"empty", BYTES(""), STATUS_MALFORMED},
    {"not JSON", BYTES("hello"), STATUS_MALFORMED},
    {"an array", BYTES("[1]"), STATUS_MALFORMED},
    {"a string", BYTES("\"ping\""), STATUS_MALFORMED},
    {"cut", BYTES("{\"type\":\"ping\",\"id\":1"), STATUS_MALFORMED},
    {"data behind", BYTES("{\"type\":\"ping\",\"id\":1}x"), STATUS_MALFORMED},
    {"two objects", BYTES("{\"type\":\"ping\",\"id\":1}{}"), STATUS_MALFORMED},
    {"byte order mark", BYTES("\xef\xbb\xbf{\"type\":\"ping\",\"id\":1}"), STATUS_MALFORMED},
    {"duplicate key", BYTES("{\"type\":\"ping\",\"id\":1,\"id\":2}"), STATUS_MALFORMED},
    {"invalid UTF-8", BYTES("{\"type\":\"ping\",\"id\":1,\"x\":\"\xff\"}"), STATUS_MALFORMED},
    {"a lone surrogate", BYTES("{\"type\":\"ping\",\"id\":1,\"x\":\"\\ud800\"}"), STATUS_MALFORMED},
    {"an escaped NUL", BYTES("{\"type\":\"ping\",\"id\":1,\"x\":\"\\u0000\"}"), STATUS_MALFORMED},
    {"a raw NUL", BYTES("{\"type\":\"ping\",\0\"id\":1}"), STATUS_MALFORMED},
    {"1e999999", BYTES("{\"type\":\"ping\",\"id\":1e999999}"), STATUS_MALFORMED},
    {"closing first", BYTES("}{"), STATUS_MALFORMED},
    {"no id", BYTES("{\"type\":\"ping\"}"), STATUS_MALFORMED},
    {"id 0", BYTES("{\"type\":\"ping\",\"id\":0}"), STATUS_MALFORMED},
    {"negative id", BYTES("{\"type\":\"ping\",\"id\":-1}"), STATUS_MALFORMED},
    {"id past the limit", BYTES("{\"type\":\"ping\",\"id\":2147483648}"), STATUS_MALFORMED},
    {"id is a fraction", BYTES("{\"type\":\"ping\",\"id\":1.0}"), STATUS_MALFORMED},
    {"id is a string", BYTES("{\"type\":\"ping\",\"id\":\"1\"}"), STATUS_MALFORMED},
    {"no type", BYTES("{\"id\":1}"), STATUS_MALFORMED},
    {"type is a number", BYTES("{\"type\":1,\"id\":1}"), STATUS_MALFORMED},
    {"unknown type", BYTES("{\"type\":\"sudo\",\"id\":1}"), STATUS_UNSUPPORTED},
    {"type in capitals", BYTES("{\"type\":\"PING\",\"id\":1}"), STATUS_UNSUPPORTED},
    {"mic without on", BYTES("{\"type\":\"mic\",\"id\":1}"), STATUS_MALFORMED},
    {"on is a number", BYTES("{\"type\":\"mic\",\"id\":1,\"on\":1}"), STATUS_MALFORMED},
    {"on is null", BYTES("{\"type\":\"mic\",\"id\":1,\"on\":null}"), STATUS_MALFORMED},
    {"participant is a number", BYTES("{\"type\":\"floor_give\",\"id\":1,\"participant\":3}"),
     STATUS_MALFORMED},
    {"sdp is an object", BYTES("{\"type\":\"offer\",\"id\":1,\"sdp\":{}}"), STATUS_MALFORMED},
    {"version is a string", BYTES("{\"type\":\"hello\",\"id\":1,\"version\":\"1\"}"),
     STATUS_MALFORMED},
    {"seventeen deep", BYTES("{\"type\":\"ping\",\"id\":1,\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"),
     STATUS_LIMIT},
};

static void malformed_messages_are_refused(void **state)
{
    for (size_t i = 0; i < COUNT_OF(bad_texts); i++) {
        struct client_message message;
        enum status got = client_message_parse(bad_texts[i].text, &message);
        if (got != bad_texts[i].expected)
            fail_msg("%s: got %s", bad_texts[i].why, status_name(got));
    }
    (void)state;
}

static void fields_arrive_with_their_types(void **state)
{
    struct client_message message;
    struct bytes hello = BYTES("{\"type\":\"hello\",\"id\":7,\"version\":1,\"token\":\"t\","
                               "\"lang\":\"en\",\"name\":\"A\xc3\xaf"
                               "cha\",\"more\":[1]}");
    assert_int_equal(client_message_parse(hello, &message), STATUS_OK);
    assert_int_equal(message.type, CLIENT_MESSAGE_HELLO);
    assert_int_equal(message.id, 7);
    assert_int_equal(message.version, 1);
    assert_string_equal(message.token, "t");
    assert_string_equal(message.name, "Aïcha");
    assert_null(message.resume);
    client_message_destroy(&message);
    struct bytes deep = BYTES("{\"type\":\"ping\",\"id\":1,\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}");
    assert_int_equal(client_message_parse(deep, &message), STATUS_OK); /* sixteen deep */
    client_message_destroy(&message);
    (void)state;
}

static void a_request_number_survives_a_bad_request(void **state)
{
    struct client_message message;
    struct bytes text = BYTES("{\"type\":\"mic\",\"id\":9,\"on\":3}");
    assert_int_equal(client_message_parse(text, &message), STATUS_MALFORMED);
    assert_int_equal(message.id, 9);
    (void)state;
}

/* A message of `size` bytes in all, padded inside a string. */
static char *padded(size_t size)
{
    static const char head[] = "{\"type\":\"ping\",\"id\":1,\"x\":\"";
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'a', size);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + size - 2, "\"}", 3);
    return text;
}

static void sixty_four_kibibytes_pass_and_one_more_does_not(void **state)
{
    for (size_t over = 0; over < 2; over++) {
        size_t size = LIMIT_CLIENT_MESSAGE_BYTES + over;
        char *text = padded(size);
        struct client_message message;
        enum status got = client_message_parse(bytes_of(text, size), &message);
        assert_int_equal(got, over == 0 ? STATUS_OK : STATUS_LIMIT);
        if (got == STATUS_OK)
            client_message_destroy(&message);
        free(text);
    }
    (void)state;
}

static void a_hundred_thousand_levels_and_ten_thousand_keys_cost_nothing(void **state)
{
    struct client_message message;
    static char deep[60000], wide[60000];
    memset(deep, '[', sizeof deep);
    assert_int_equal(client_message_parse(bytes_of(deep, sizeof deep), &message), STATUS_LIMIT);
    size_t used = (size_t)snprintf(wide, sizeof wide, "{\"type\":\"ping\",\"id\":1");
    for (int i = 0; used + 20 < sizeof wide; i++)
        used += (size_t)snprintf(wide + used, sizeof wide - used, ",\"k%d\":1", i);
    wide[used++] = '}';
    assert_int_equal(client_message_parse(bytes_of(wide, used), &message), STATUS_LIMIT);
    (void)state;
}

static void bad_messages_cost_their_sender_only(void **state)
{
    struct harness *h = *state;
    struct person good = harness_join(h, "learner", "L");
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    for (size_t i = 0; i < COUNT_OF(bad_texts); i++) {
        uint64_t stranger = harness_connect(h);
        harness_send_bytes(h, stranger, bad_texts[i].text);
        if (!harness_got(h, stranger, "\"type\":\"error\""))
            fail_msg("%s: no error", bad_texts[i].why);
        harness_disconnect(h, stranger);
    }
    assert_int_equal(harness_count(h, good.connection, ""), 0);
    harness_send(h, good.connection, "{\"type\":\"ping\",\"id\":3}");
    assert_true(harness_got(h, good.connection, "\"to\":3"));
}

static void nothing_but_hello_is_heard_from_a_stranger(void **state)
{
    struct harness *h = *state;
    for (int type = CLIENT_MESSAGE_OFFER; type < CLIENT_MESSAGE_TYPE_COUNT; type++) {
        uint64_t connection = harness_connect(h);
        harness_forget(h);
        harness_send(h, connection,
                     "{\"type\":\"%s\",\"id\":4,\"on\":true,\"raised\":true,\"sdp\":\"\","
                     "\"participant\":\"1\",\"mode\":\"quiz\",\"text\":\"t\",\"message\":\"1\","
                     "\"poll\":\"1\",\"gift\":\"g\",\"value\":\"fine\",\"waiting\":\"1\","
                     "\"reason\":\"r\",\"sound\":\"ok\"}",
                     client_message_name((enum client_message_type)type));
        assert_true(harness_got(h, connection, "\"to\":4,\"code\":\"not_authenticated\""));
    }
}

static void a_hello_must_be_the_first_and_of_our_version(void **state)
{
    struct harness *h = *state;
    char *token = harness_invite(h, "learner", "L");
    uint64_t connection = harness_connect(h);
    harness_send(h, connection, "{\"type\":\"hello\",\"id\":1,\"version\":2,\"token\":\"%s\"}",
                 token);
    assert_true(harness_got(h, connection, "\"code\":\"version\""));
    harness_send(h, connection,
                 "{\"type\":\"hello\",\"id\":1,\"version\":1,\"token\":\"%s\",\"resume\":\"x\"}",
                 token);
    assert_true(harness_got(h, connection, "\"code\":\"bad_message\""));
    harness_hello(h, connection, token);
    assert_true(harness_got(h, connection, "\"type\":\"welcome\""));
    harness_forget(h);
    harness_hello(h, connection, token);
    assert_true(harness_got(h, connection, "\"code\":\"bad_message\""));
    free(token);
}

static void the_sixty_first_message_of_a_burst_is_too_many(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "L");
    harness_run_for(h, SECONDS(10));
    harness_forget(h);
    for (int i = 0; i < 61; i++)
        harness_send(h, person.connection, "{\"type\":\"ping\",\"id\":3}");
    assert_int_equal(harness_count(h, person.connection, "\"to\":3"), 60);
    assert_int_equal(harness_count(h, person.connection, "\"code\":\"too_many\""), 1);
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    for (int i = 0; i < 20; i++)
        harness_send(h, person.connection, "{\"type\":\"ping\",\"id\":4}");
    assert_int_equal(harness_count(h, person.connection, "\"to\":4"), 20);
}

static void the_twenty_first_error_in_ten_seconds_closes_the_socket(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "L");
    for (int i = 0; i < 20; i++)
        harness_send(h, person.connection, "{");
    assert_int_equal(harness_close_code(h, person.connection), 0);
    harness_send(h, person.connection, "{");
    assert_true(harness_got(h, person.connection, "\"code\":\"protocol\""));
    assert_int_equal(harness_close_code(h, person.connection), 1008);
    harness_forget(h);
    harness_send(h, person.connection, "{\"type\":\"ping\",\"id\":4}");
    assert_int_equal(h->seen_count - h->mark, 0); /* it is heard no more */
    harness_disconnect(h, person.connection);
    struct person again = {.connection = harness_connect(h)};
    harness_resume(h, again.connection, person.resume);
    harness_read_welcome(h, &again); /* the participant is not punished for its page */
    assert_int_equal(again.id, person.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(fields_arrive_with_their_types),
        cmocka_unit_test(a_request_number_survives_a_bad_request),
        cmocka_unit_test(sixty_four_kibibytes_pass_and_one_more_does_not),
        cmocka_unit_test(a_hundred_thousand_levels_and_ten_thousand_keys_cost_nothing),
        HARNESS_TEST(bad_messages_cost_their_sender_only),
        HARNESS_TEST(nothing_but_hello_is_heard_from_a_stranger),
        HARNESS_TEST(a_hello_must_be_the_first_and_of_our_version),
        HARNESS_TEST(the_sixty_first_message_of_a_burst_is_too_many),
        HARNESS_TEST(the_twenty_first_error_in_ten_seconds_closes_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
