#define _GNU_SOURCE /* mkstemp, strdup, pipe */
#include "host/settings.h"

#include "base/check.h"
#include "unit/host/host_test.h"

struct values {
    char name[SETTING_TEXT_BYTES];
    int64_t port;
    bool plain;
    struct setting_list addresses;
};
#define AT(field) offsetof(struct values, field)

static const struct setting table[] = {
    {"name", SETTING_STRING, AT(name), 0, 0, "amphi", NULL, "what it is called"},
    {"port", SETTING_INTEGER, AT(port), 1, 65535, "8443", "port", "where it listens"},
    {"plain", SETTING_BOOLEAN, AT(plain), 0, 0, NULL, NULL, "no TLS"},
    {"address", SETTING_LIST, AT(addresses), 0, 0, "127.0.0.1", "address", "where it is"},
};
static const struct settings_program program = {.name = "prog", .summary = "A program."};

#define ARGUMENTS_MAX 8
struct run {
    struct values values;
    enum settings_outcome outcome;
    struct captured said;
};

static struct run *load(const char *const *arguments)
{
    struct run *r = calloc(1, sizeof *r);
    char *argv[ARGUMENTS_MAX + 2] = {strdup("prog")};
    int argc = 1;
    assert_non_null(r);
    for (; arguments[argc - 1] != NULL; argc++)
        argv[argc] = strdup(arguments[argc - 1]);
    capture_begin(&r->said);
    r->outcome = settings_load(&program, table, COUNT_OF(table), argc, argv, &r->values, NULL);
    capture_end(&r->said);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return r;
}

/* With a file of this text in the place of "FILE". */
static struct run *load_with_file(const char *text, const char *before, const char *behind)
{
    char path[] = "/tmp/amphi-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    const char *arguments[5] = {0};
    size_t count = 0;
    if (before != NULL)
        arguments[count++] = before;
    arguments[count++] = "--config";
    arguments[count++] = path;
    if (behind != NULL)
        arguments[count++] = behind;
    struct run *r = load(arguments);
    unlink(path);
    return r;
}

static void without_arguments_there_are_the_defaults(void **state)
{
    struct run *r = load((const char *[]){NULL});
    assert_int_equal(r->outcome, SETTINGS_RUN);
    assert_string_equal(r->values.name, "amphi");
    assert_int_equal(r->values.port, 8443);
    assert_false(r->values.plain);
    assert_int_equal(r->values.addresses.count, 1);
    assert_string_equal(r->values.addresses.items[0], "127.0.0.1");
    free(r);
    (void)state;
}

static void the_command_line_is_taken_in_both_forms(void **state)
{
    struct run *r = load((const char *[]){"--name", "a b", "--port=1", "--plain", "--address", "x",
                                          "--address=y, z", NULL});
    assert_int_equal(r->outcome, SETTINGS_RUN);
    assert_string_equal(r->values.name, "a b");
    assert_int_equal(r->values.port, 1);
    assert_true(r->values.plain);
    assert_int_equal(r->values.addresses.count, 3);
    assert_string_equal(r->values.addresses.items[2], "z");
    free(r);
    (void)state;
}

static void the_command_line_wins_over_the_file_wherever_it_stands(void **state)
{
    static const char text[] = "name: from file\nport: 5\naddress: [f, g]\nplain: on\n";
    struct run *r = load_with_file(text, "--port=7", "--address=c");
    assert_int_equal(r->outcome, SETTINGS_RUN);
    assert_string_equal(r->values.name, "from file");
    assert_int_equal(r->values.port, 7);
    assert_true(r->values.plain);
    assert_int_equal(r->values.addresses.count, 1);
    assert_string_equal(r->values.addresses.items[0], "c");
    free(r);
    (void)state;
}

static void a_list_in_a_file_has_three_forms(void **state)
{
    static const char *const texts[] = {"address: a, b\n", "address: [a, b]\n",
                                        "address:\n  - a\n  - b\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct run *r = load_with_file(texts[i], NULL, NULL);
        assert_int_equal(r->outcome, SETTINGS_RUN);
        assert_int_equal(r->values.addresses.count, 2);
        assert_string_equal(r->values.addresses.items[1], "b");
        free(r);
    }
    (void)state;
}

static void an_empty_file_changes_nothing(void **state)
{
    static const char *const texts[] = {"", "# only a remark\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct run *r = load_with_file(texts[i], NULL, NULL);
        assert_int_equal(r->outcome, SETTINGS_RUN);
        assert_int_equal(r->values.port, 8443);
        free(r);
    }
    (void)state;
}

static void a_bad_option_is_said_in_one_sentence(void **state)
{
    static const struct {
        const char *arguments[3];
        const char *sentence;
    } cases[] = {
        {{"--colour"}, "prog: unknown option '--colour'\n"},
        {{"--port"}, "prog: --port needs a value\n"},
        {{"--port", "many"}, "--port: expected a whole number from 1 to 65535, got 'many'\n"},
        {{"--port=0"}, "--port: expected a whole number from 1 to 65535, got '0'\n"},
        {{"--port=1x"}, "expected a whole number"},
        {{"--port=99999999999999999999"}, "expected a whole number"},
        {{"--plain=maybe"}, "--plain: expected true or false, got 'maybe'\n"},
        {{"--address="}, "--address: expected at most 16 values"},
        {{"--address=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"}, "expected at most 16 values"},
        {{"word"}, "prog: unexpected 'word'\n"},
        {{"--config", "/nowhere/x"}, "expected a file that can be read, got '/nowhere/x'"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run *r = load(cases[i].arguments);
        if (r->outcome != SETTINGS_EXIT_USAGE || strstr(r->said.text, cases[i].sentence) == NULL)
            fail_msg("%s: outcome %d, said: %s", cases[i].arguments[0], (int)r->outcome,
                     r->said.text);
        free(r);
    }
    (void)state;
}

static void a_bad_file_is_named_with_line_key_and_what_was_expected(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"name: x\n\nport: many\n",
         ":3: port: expected a whole number from 1 to 65535, got 'many'\n"},
        {"name: x\ncolour: red\n", ":2: colour: expected a key of --help\n"},
        {"port: [1, 2]\n", ":1: port: expected one value\n"},
        {"address: {a: b}\n", ":1: address: expected a list of at most 16 values\n"},
        {"port: 1\nname: x\nport: 2\n", "port: expected once, got it twice\n"},
        {"- a\n", "expected lines of 'key: value'"},
        {"\tname: x\n", "expected lines of 'key: value'"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run *r = load_with_file(cases[i].text, NULL, NULL);
        if (r->outcome != SETTINGS_EXIT_USAGE || strstr(r->said.text, cases[i].sentence) == NULL ||
            strncmp(r->said.text, "prog: /tmp/", 11) != 0)
            fail_msg("%s: outcome %d, said: %s", cases[i].text, (int)r->outcome, r->said.text);
        free(r);
    }
    (void)state;
}

static void words_that_are_no_options_are_kept_where_a_program_takes_them(void **state)
{
    static const struct settings_program taking = {
        .name = "prog", .summary = "A program.", .takes_arguments = true};
    char words[][16] = {"prog", "list", "--port=3", "class"};
    char *argv[] = {words[0], words[1], words[2], words[3], NULL};
    struct values values = {0};
    size_t count = 0;
    assert_int_equal(settings_load(&taking, table, COUNT_OF(table), 4, argv, &values, &count),
                     SETTINGS_RUN);
    assert_int_equal(count, 2);
    assert_string_equal(argv[1], "list");
    assert_string_equal(argv[2], "class");
    assert_int_equal(values.port, 3);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_arguments_there_are_the_defaults),
        cmocka_unit_test(the_command_line_is_taken_in_both_forms),
        cmocka_unit_test(the_command_line_wins_over_the_file_wherever_it_stands),
        cmocka_unit_test(a_list_in_a_file_has_three_forms),
        cmocka_unit_test(an_empty_file_changes_nothing),
        cmocka_unit_test(a_bad_option_is_said_in_one_sentence),
        cmocka_unit_test(a_bad_file_is_named_with_line_key_and_what_was_expected),
        cmocka_unit_test(words_that_are_no_options_are_kept_where_a_program_takes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
