#include "host/settings.h"

#include "base/bytes.h"
#include "host/settings_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum settings_outcome settings_complain(const struct settings_loading *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", l->program->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nSee %s --help.\n", l->program->name);
    va_end(args);
    return SETTINGS_EXIT_USAGE;
}

static enum status set_integer(const struct setting *s, void *value, const char *text,
                               char *expected)
{
    snprintf(expected, SETTING_ITEM_BYTES, "a whole number from %lld to %lld", (long long)s->min,
             (long long)s->max);
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < s->min || number > s->max)
        return STATUS_CONFIG;
    *(int64_t *)value = number;
    return STATUS_OK;
}

static enum status set_boolean(void *value, const char *text, char *expected)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},
                 {"false", false}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(text, words[i].text) == 0) {
            *(bool *)value = words[i].value;
            return STATUS_OK;
        }
    }
    snprintf(expected, SETTING_ITEM_BYTES, "true or false");
    return STATUS_CONFIG;
}

static enum status add_items(struct setting_list *list, const char *text, char *expected)
{
    snprintf(expected, SETTING_ITEM_BYTES,
             "at most %d values of at most %d characters, with commas between", SETTING_LIST_MAX,
             SETTING_ITEM_BYTES - 1);
    for (const char *at = text;;) {
        at += strspn(at, " ");
        size_t rest = strcspn(at, ",");
        size_t length = rest;
        while (length > 0 && at[length - 1] == ' ')
            length--;
        if (list->count == SETTING_LIST_MAX || length == 0 ||
            !bytes_to_string(bytes_of(at, length), list->items[list->count], SETTING_ITEM_BYTES))
            return STATUS_CONFIG;
        list->count++;
        if (at[rest] == '\0')
            return STATUS_OK;
        at += rest + 1;
    }
}

enum status settings_set(const struct setting *s, void *values, const char *text, char *expected)
{
    void *value = (uint8_t *)values + s->offset;
    switch (s->type) {
    case SETTING_STRING:
        snprintf(expected, SETTING_ITEM_BYTES, "at most %d characters", SETTING_TEXT_BYTES - 1);
        return bytes_to_string(bytes_of_string(text), value, SETTING_TEXT_BYTES) ? STATUS_OK
                                                                                 : STATUS_CONFIG;
    case SETTING_INTEGER:
        return set_integer(s, value, text, expected);
    case SETTING_BOOLEAN:
        return set_boolean(value, text, expected);
    case SETTING_LIST:
        return add_items(value, text, expected);
    }
    return STATUS_CONFIG;
}

enum status settings_set_from(struct settings_loading *l, size_t index, const char *text,
                              enum settings_source source, char *expected)
{
    const struct setting *s = &l->table[index];
    if (source < l->sources[index])
        return STATUS_OK;
    if (s->type == SETTING_LIST && source > l->sources[index])
        ((struct setting_list *)(void *)(l->values + s->offset))->count = 0;
    l->sources[index] = source;
    return settings_set(s, l->values, text, expected);
}

/* --- The command line */

static void print_help(const struct settings_loading *l)
{
    printf("%s: %s\n\nUsage: %s %s\n\n", l->program->name, l->program->summary, l->program->name,
           l->program->usage != NULL ? l->program->usage : "[options]");
    for (size_t i = 0; i < l->count; i++) {
        const struct setting *s = &l->table[i];
        static const char *const kinds[] = {"TEXT", "N", "", "VALUE,..."};
        char left[64];
        snprintf(left, sizeof left, "--%s %s", s->key, kinds[s->type]);
        printf("  %-28s %s", left, s->help);
        if (s->type == SETTING_INTEGER)
            printf(" (%s%s%lld to %lld; default %s)", s->unit != NULL ? s->unit : "",
                   s->unit != NULL ? ", " : "", (long long)s->min, (long long)s->max,
                   s->fallback != NULL ? s->fallback : "0");
        else if (s->fallback != NULL && s->fallback[0] != '\0')
            printf(" (default %s)", s->fallback);
        printf("\n");
    }
    printf("  %-28s %s\n", "--config FILE",
           "the same settings as YAML lines 'key: value'; the command line wins");
    printf("  %-28s this text\n  %-28s name and version\n", "--help", "--version");
}

static size_t find_setting(const struct settings_loading *l, const char *key, size_t length)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strlen(l->table[i].key) == length && strncmp(l->table[i].key, key, length) == 0)
            return i;
    }
    return l->count;
}

struct option {
    const char *key;
    size_t key_length;
    const char *value; /* behind '='; NULL: none */
};

/* "--key" or "--key=value"; false for anything else. */
static bool split_option(const char *argument, struct option *out)
{
    if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0')
        return false;
    out->key = argument + 2;
    out->key_length = strcspn(out->key, "=");
    out->value = out->key[out->key_length] == '=' ? out->key + out->key_length + 1 : NULL;
    return true;
}

static bool is_key(const struct option *o, const char *key)
{
    return bytes_equal_string(bytes_of(o->key, o->key_length), key);
}

static enum settings_outcome take_option(struct settings_loading *l, const struct option *o,
                                         int argc, char **argv, int *at)
{
    size_t index = find_setting(l, o->key, o->key_length);
    bool is_config = is_key(o, "config");
    if (index == l->count && !is_config)
        return settings_complain(l, "unknown option '%s'", argv[*at]);
    const char *value = o->value;
    if (value == NULL && !is_config && l->table[index].type == SETTING_BOOLEAN)
        value = "true";
    if (value == NULL) {
        if (*at + 1 >= argc)
            return settings_complain(l, "%s needs a value", argv[*at]);
        value = argv[++*at];
    }
    if (is_config)
        return settings_load_file(l, value);
    char expected[SETTING_ITEM_BYTES] = "";
    if (settings_set_from(l, index, value, SETTINGS_FROM_COMMAND_LINE, expected) != STATUS_OK)
        return settings_complain(l, "--%s: expected %s, got '%s'", l->table[index].key, expected,
                                 value);
    return SETTINGS_RUN;
}

static enum settings_outcome take_command_line(struct settings_loading *l, int argc, char **argv,
                                               size_t *argument_count)
{
    int kept = 1;
    for (int at = 1; at < argc; at++) {
        struct option option;
        if (!split_option(argv[at], &option)) {
            if (!l->program->takes_arguments)
                return settings_complain(l, "unexpected '%s'", argv[at]);
            argv[kept++] = argv[at];
            continue;
        }
        if (is_key(&option, "help")) {
            print_help(l);
            return SETTINGS_EXIT_OK;
        }
        if (is_key(&option, "version")) {
            printf("%s %s\n", l->program->name, AMPHI_VERSION);
            return SETTINGS_EXIT_OK;
        }
        enum settings_outcome outcome = take_option(l, &option, argc, argv, &at);
        if (outcome != SETTINGS_RUN)
            return outcome;
    }
    if (argument_count != NULL)
        *argument_count = (size_t)(kept - 1);
    return SETTINGS_RUN;
}

enum settings_outcome settings_load_noting(const struct settings_program *program,
                                           const struct setting *table, size_t count, int argc,
                                           char **argv, void *values, size_t *argument_count,
                                           struct settings_origins *origins)
{
    CHECK(count <= SETTINGS_MAX);
    struct settings_loading l = {
        .program = program, .table = table, .count = count, .values = values};
    for (size_t i = 0; i < count; i++) {
        char expected[SETTING_ITEM_BYTES];
        if (table[i].fallback != NULL && table[i].fallback[0] != '\0')
            CHECK(settings_set_from(&l, i, table[i].fallback, SETTINGS_FROM_DEFAULT, expected) ==
                  STATUS_OK);
    }
    enum settings_outcome outcome = take_command_line(&l, argc, argv, argument_count);
    *origins = (struct settings_origins){.program = program, .table = table, .count = count};
    if (l.file != NULL)
        snprintf(origins->file, sizeof origins->file, "%s", l.file);
    for (size_t i = 0; i < count; i++)
        origins->is_from_file[i] = l.sources[i] == SETTINGS_FROM_FILE;
    return outcome;
}

enum settings_outcome settings_load(const struct settings_program *program,
                                    const struct setting *table, size_t count, int argc,
                                    char **argv, void *values, size_t *argument_count)
{
    struct settings_origins unused;
    return settings_load_noting(program, table, count, argc, argv, values, argument_count, &unused);
}

enum settings_outcome settings_refuse(const struct settings_origins *origins, const char *key,
                                      const char *expected, const char *got)
{
    const struct settings_loading l = {.program = origins->program};
    for (size_t i = 0; i < origins->count; i++)
        if (origins->is_from_file[i] && strcmp(origins->table[i].key, key) == 0)
            return settings_complain(&l, "%s:%u: %s: expected %s, got '%s'", origins->file,
                                     settings_find_line(origins->file, key), key, expected, got);
    return settings_complain(&l, "--%s: expected %s, got '%s'", key, expected, got);
}
