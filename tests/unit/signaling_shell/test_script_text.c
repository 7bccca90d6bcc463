#include "signaling/shell/script_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void whole_lines_of_comment_are_taken_out_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *text, *kept;
    } cases[] = {
        {"", ""},
        {"a();", "a();"},
        {"a();\n", "a();\n"},
        {"\n\n", "\n\n"},
        {"// why\na();", "\na();"},
        {"  // why", ""},
        {"a(); // why\n", "a(); // why\n"},
        {"a('http://b');\n", "a('http://b');\n"},
        {"/** one */\n\t/* two */  \na();", "\n\na();"},
        {"/**\n * one\n */\na();\n", "\n\n\na();\n"},
        {"/** @type {any} */ (a).b();\n", "/** @type {any} */ (a).b();\n"},
        {"/* one\n two */ a();\n", "/* one\n two */ a();\n"},
        {"/* no end\na();\n", "/* no end\na();\n"},
        {"/* one\n// two */ a();\n// why\n", "/* one\n// two */ a();\n\n"},
        {"/* one\n// two\n", "/* one\n// two\n"},
        {"/", "/"},
        {"/*", "/*"},
        {"/*/", "/*/"},
        {"a\n / b;\n", "a\n / b;\n"},
        {"a = `\n// text\n`;\n// why\n", "a = `\n// text\n`;\n\n"},
        {"a = `\\`\n/* text */\n`;\n", "a = `\\`\n/* text */\n`;\n"},
        {"a = `x`;\n// why\n", "a = `x`;\n\n"},
        {"// `odd\n// why\n", "\n\n"},
        {".a { color: red; }\n/* why */\r\n.b {}", ".a { color: red; }\n\n.b {}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t text[100];
        size_t size = strlen(cases[i].text);
        memcpy(text, cases[i].text, size);
        size_t kept = script_text_strip(text, size);
        if (kept != strlen(cases[i].kept) || memcmp(text, cases[i].kept, kept) != 0)
            fail_msg("case %zu: \"%.*s\"", i, (int)kept, (const char *)text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_lines_of_comment_are_taken_out_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
