#include "signaling/core/rate_limit.h"
#include "signaling/core/sentences.h"
#include "signaling/core/text_json.h"
#include "signaling/core/text_rules.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

static void names_lose_what_nobody_sees(void **state)
{
    static const struct {
        const char *why, *text, *cleaned;
        enum status expected;
    } cases[] = {
        {"plain", "Aïcha", "Aïcha", STATUS_OK},
        {"trimmed", "  Aïcha \xc2\xa0", "Aïcha", STATUS_OK},
        {"one space where there were more", "A  \xe2\x80\x83 B", "A B", STATUS_OK},
        {"empty", "", "", STATUS_OK},
        {"only spaces", "   ", "", STATUS_OK},
        {"another script", "\xd8\xb9\xd8\xa7\xd8\xa6\xd8\xb4\xd8\xa9",
         "\xd8\xb9\xd8\xa7\xd8\xa6\xd8\xb4\xd8\xa9", STATUS_OK},
        {"an emoji", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", STATUS_OK},
        {"a line feed", "a\nb", NULL, STATUS_MALFORMED},
        {"delete", "a\x7f", NULL, STATUS_MALFORMED},
        {"C1 control", "a\xc2\x85", NULL, STATUS_MALFORMED},
        {"right-to-left override", "a\xe2\x80\xae", NULL, STATUS_MALFORMED},
        {"isolate", "a\xe2\x81\xa6", NULL, STATUS_MALFORMED},
        {"zero width space", "a\xe2\x80\x8b", NULL, STATUS_MALFORMED},
        {"tag", "a\xf3\xa0\x81\xa1", NULL, STATUS_MALFORMED},
        {"overlong slash", "\xc0\xaf", NULL, STATUS_MALFORMED},
        {"surrogate", "\xed\xa0\x80", NULL, STATUS_MALFORMED},
        {"past the last code point", "\xf4\x90\x80\x80", NULL, STATUS_MALFORMED},
        {"cut in a character", "a\xc3", NULL, STATUS_MALFORMED},
        {"continuation first", "\x80", NULL, STATUS_MALFORMED},
        {"five long", "abcde", NULL, STATUS_LIMIT},
        {"four long", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "éééé", STATUS_OK},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[17] = "?";
        size_t points = cases[i].expected == STATUS_LIMIT || i == COUNT_OF(cases) - 1 ? 4 : 64;
        enum status got = text_rules_clean(cases[i].text, points, out, sizeof out);
        if (got != cases[i].expected || (got == STATUS_OK && strcmp(out, cases[i].cleaned) != 0))
            fail_msg("%s: %s '%s'", cases[i].why, status_name(got), out);
    }
    (void)state;
}

static void each_code_has_a_sentence_in_both_languages(void **state)
{
    for (int code = 0; code < CLIENT_ERROR_COUNT; code++) {
        const char *french = client_error_sentence((enum client_error)code, LANGUAGE_FRENCH);
        const char *english = client_error_sentence((enum client_error)code, LANGUAGE_ENGLISH);
        if (french == NULL || english == NULL || strcmp(french, english) == 0)
            fail_msg("%s", client_error_name((enum client_error)code));
        assert_in_range(client_error_http_status((enum client_error)code), 200, 599);
    }
    for (int code = 0; code < GOODBYE_COUNT; code++) {
        const char *french = goodbye_sentence((enum goodbye)code, LANGUAGE_FRENCH);
        const char *english = goodbye_sentence((enum goodbye)code, LANGUAGE_ENGLISH);
        if (french == NULL || english == NULL || strcmp(french, english) == 0)
            fail_msg("%s", goodbye_name((enum goodbye)code));
        assert_in_range(goodbye_close_code((enum goodbye)code), 1000, 4999);
    }
    (void)state;
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    const struct rate_limit_rule rule = {SECONDS(1), 3};
    struct rate_limit limit = {0};
    usec_t now = SECONDS(50);
    for (int i = 0; i < 3; i++)
        assert_true(rate_limit_take(&limit, now, rule));
    assert_false(rate_limit_take(&limit, now, rule));
    assert_false(rate_limit_take(&limit, now + SECONDS(1) - 1, rule));
    assert_true(rate_limit_take(&limit, now + SECONDS(1), rule));
    assert_false(rate_limit_take(&limit, now + SECONDS(1), rule));
    for (int i = 0; i < 3; i++)
        assert_true(rate_limit_take(&limit, now + SECONDS(100), rule));
    assert_false(rate_limit_take(&limit, now + SECONDS(100), rule));
    (void)state;
}

static void an_idle_address_makes_room_for_another(void **state)
{
    const uint64_t key[2] = {1, 2};
    const struct rate_limit_rule rule = {SECONDS(1), 1};
    struct ip_limits limits;
    assert_int_equal(ip_limits_init(&limits, key), STATUS_OK);
    /* Far more addresses than places: nobody crashes, and all are fresh after an idle time. */
    for (int round = 0; round < 2; round++) {
        size_t granted = 0;
        for (int i = 0; i < 4 * LIMIT_IP_BUCKETS; i++) {
            char ip[32];
            snprintf(ip, sizeof ip, "10.%d.%d.%d", round, i / 256, i % 256);
            struct ip_limit *entry = ip_limits_get(&limits, SECONDS(10 * round), ip);
            granted += rate_limit_take(&entry->failed_tokens, SECONDS(10 * round), rule);
        }
        assert_in_range(granted, LIMIT_IP_BUCKETS * 9 / 10, LIMIT_IP_BUCKETS);
    }
    ip_limits_destroy(&limits);
    (void)state;
}

static void whatever_is_written_parses_back(void **state)
{
    static const char nasty[] = "\"\\/<script>&\n\r\t\x01\x7f \xc3\xa9 \xf0\x9f\x98\x80";
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_string(&text, "nasty", nasty);
    text_json_string(&text, "none", NULL);
    text_json_open(&text, "list", '[');
    text_json_int(&text, NULL, -5);
    text_json_uint(&text, NULL, UINT64_C(9007199254740993));
    text_json_number(&text, NULL, -0.5);
    text_json_number(&text, NULL, (double)NAN);
    text_json_close(&text, ']');
    text_json_bool(&text, "yes", true);
    text_json_id(&text, "id", 17);
    text_json_id(&text, "nobody", 0);
    text_json_close(&text, '}');
    assert_false(text.failed);
    assert_null(strstr(text.data, "<"));
    json_t *tree = json_loads(text.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(tree);
    assert_string_equal(json_string_value(json_object_get(tree, "nasty")), nasty);
    assert_true(json_is_null(json_object_get(tree, "none")));
    const json_t *list = json_object_get(tree, "list");
    assert_int_equal(json_integer_value(json_array_get(list, 0)), -5);
    assert_int_equal(json_integer_value(json_array_get(list, 1)), 9007199254740993);
    assert_true(json_real_value(json_array_get(list, 2)) < -0.49);
    assert_string_equal(json_string_value(json_object_get(tree, "id")), "17");
    assert_true(json_is_null(json_object_get(tree, "nobody")));
    json_decref(tree);
    text_json_destroy(&text);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lose_what_nobody_sees),
        cmocka_unit_test(each_code_has_a_sentence_in_both_languages),
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(an_idle_address_makes_room_for_another),
        cmocka_unit_test(whatever_is_written_parses_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
