#include "base/bounded_json.h"

#include "base/check.h"
#include "unit/base/base_test.h"

static void what_a_parser_would_choke_on_is_refused_and_one_less_is_not(void **state)
{
    static const struct {
        const char *why;
        struct bytes text;
        enum status expected;
    } cases[] = {
        {"nothing", BYTES(""), STATUS_OK},
        {"three deep", BYTES("[{\"a\":[]}]"), STATUS_OK},
        {"four deep", BYTES("[[[[1]]]]"), STATUS_LIMIT},
        {"one after the other is not deep", BYTES("[[],[],{}]"), STATUS_OK},
        {"brackets in a string", BYTES("[\"[[[[{{{{,,,,,,,,,,,,,,,,\"]"), STATUS_OK},
        {"a quote in a string", BYTES("[\"\\\"[[[[\"]"), STATUS_OK},
        {"a backslash at a string's end", BYTES("[\"\\\\\",[[[1]]]]"), STATUS_LIMIT},
        {"a string without an end", BYTES("[\"[[[["), STATUS_OK},
        {"a backslash at the very end", BYTES("[\"\\"), STATUS_OK},
        {"more closed than opened", BYTES("[]]"), STATUS_MALFORMED},
        {"nine separators", BYTES("1,2,3,4,5,6,7,8,9,0"), STATUS_OK},
        {"ten separators", BYTES("1,2,3,4,5,6,7,8,9,0:"), STATUS_LIMIT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum status got = bounded_json_check(cases[i].text, 3, 19);
        if (got != cases[i].expected)
            fail_msg("%s: got %s", cases[i].why, status_name(got));
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_parser_would_choke_on_is_refused_and_one_less_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
