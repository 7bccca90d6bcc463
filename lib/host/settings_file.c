/* Settings from a YAML file, by libcyaml with a schema made from the table. Every value is read as
 * text, so that file and command line have one parser. A list is one text with commas or a YAML
 * sequence: a schema knows one form only, so a sequence is found out by failing, and read again. */
#include "base/bytes.h"
#include "host/settings_private.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

struct file_value {
    char *text;   /* a scalar, or */
    char **items; /* a sequence */
    uint32_t item_count;
};

struct reading {
    struct settings_loading *loading;
    const char *path;
    bool is_sequence[SETTINGS_MAX];
    cyaml_schema_field_t fields[SETTINGS_MAX + 1];
    char messages[1024]; /* of libcyaml: first what is wrong, then where; one a line */
};

static const cyaml_schema_value_t item_schema = {.type = CYAML_STRING,
                                                 .flags = CYAML_FLAG_POINTER,
                                                 .data_size = sizeof(char),
                                                 .string = {.min = 0, .max = SETTING_TEXT_BYTES}};

PRINTF_LIKE(3, 0)
static void keep_message(cyaml_log_t level, void *context, const char *format, va_list args)
{
    struct reading *r = context;
    size_t used = strlen(r->messages);
    (void)level;
    vsnprintf(r->messages + used, sizeof r->messages - used, format, args);
}

/* The word behind `mark` in the messages, up to one of `ends`. */
static bool find_word(const struct reading *r, const char *mark, const char *ends, char *out,
                      size_t capacity)
{
    const char *at = strstr(r->messages, mark);
    if (at == NULL)
        return false;
    at += strlen(mark);
    return bytes_to_string(bytes_of(at, strcspn(at, ends)), out, capacity);
}

/* libcyaml tells the line of some errors only. */
unsigned settings_find_line(const char *path, const char *key)
{
    FILE *file = fopen(path, "r");
    char line[1024];
    unsigned number = 0;
    unsigned found = 0;
    size_t length = strlen(key);
    while (file != NULL && found == 0 && fgets(line, sizeof line, file) != NULL) {
        number++;
        size_t start = strspn(line, " \t{\"'");
        if (strncmp(line + start, key, length) == 0 && strchr(":\"' \t", line[start + length]))
            found = number;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static const struct setting *find_setting(const struct reading *r, const char *key, size_t *index)
{
    for (*index = 0; *index < r->loading->count; (*index)++) {
        if (strcmp(r->loading->table[*index].key, key) == 0)
            return &r->loading->table[*index];
    }
    return NULL;
}

static enum settings_outcome complain_of_file(const struct reading *r)
{
    char key[128];
    size_t index;
    if (find_word(r, "Unexpected key: ", "\n", key, sizeof key))
        return settings_complain(r->loading, "%s:%u: %s: expected a key of --help", r->path,
                                 settings_find_line(r->path, key), key);
    if (find_word(r, "already seen: ", "\n", key, sizeof key))
        return settings_complain(r->loading, "%s:%u: %s: expected once, got it twice", r->path,
                                 settings_find_line(r->path, key), key);
    if (find_word(r, "in mapping field '", "'", key, sizeof key)) {
        const struct setting *s = find_setting(r, key, &index);
        return settings_complain(r->loading, "%s:%u: %s: expected %s", r->path,
                                 settings_find_line(r->path, key), key,
                                 s != NULL && s->type == SETTING_LIST
                                     ? "a list of at most " TEXT_OF(SETTING_LIST_MAX) " values"
                                     : "one value");
    }
    static const char prefix[] = "Load: ";
    const char *said = r->messages;
    if (strncmp(said, prefix, sizeof prefix - 1) == 0)
        said += sizeof prefix - 1;
    return settings_complain(r->loading, "%s: expected lines of 'key: value': %.*s", r->path,
                             (int)strcspn(said, "\n"), said);
}

static enum settings_outcome take(const struct reading *r, size_t index, const char *text)
{
    char expected[SETTING_ITEM_BYTES] = "";
    const char *key = r->loading->table[index].key;
    if (settings_set_from(r->loading, index, text, SETTINGS_FROM_FILE, expected) == STATUS_OK)
        return SETTINGS_RUN;
    return settings_complain(r->loading, "%s:%u: %s: expected %s, got '%s'", r->path,
                             settings_find_line(r->path, key), key, expected, text);
}

static enum settings_outcome take_all(const struct reading *r, const struct file_value *values)
{
    enum settings_outcome outcome = SETTINGS_RUN;
    for (size_t i = 0; i < r->loading->count && outcome == SETTINGS_RUN; i++) {
        const struct file_value *v = &values[i];
        if (!r->is_sequence[i]) {
            outcome = v->text != NULL ? take(r, i, v->text) : SETTINGS_RUN;
            continue;
        }
        for (uint32_t n = 0; n < v->item_count && outcome == SETTINGS_RUN; n++)
            outcome = take(r, i, v->items[n]);
    }
    return outcome;
}

static void make_fields(struct reading *r)
{
    for (size_t i = 0; i < r->loading->count; i++) {
        uint32_t at = (uint32_t)(i * sizeof(struct file_value));
        cyaml_schema_field_t *f = &r->fields[i];
        *f = (cyaml_schema_field_t){.key = r->loading->table[i].key};
        f->data_offset = at + (uint32_t)offsetof(struct file_value, text);
        f->value = item_schema;
        f->value.flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;
        if (!r->is_sequence[i])
            continue;
        f->data_offset = at + (uint32_t)offsetof(struct file_value, items);
        f->count_offset = at + (uint32_t)offsetof(struct file_value, item_count);
        f->count_size = sizeof(uint32_t);
        f->value.type = CYAML_SEQUENCE;
        f->value.data_size = sizeof(char *);
        f->value.sequence.entry = &item_schema;
        f->value.sequence.min = 0;
        f->value.sequence.max = SETTING_LIST_MAX;
    }
}

/* Notes that a list is written as a sequence; false when the error was another. */
static bool note_sequence(struct reading *r)
{
    char key[128];
    size_t index;
    if (strstr(r->messages, "got event: SEQUENCE_START") == NULL ||
        !find_word(r, "in mapping field '", "'", key, sizeof key))
        return false;
    const struct setting *s = find_setting(r, key, &index);
    if (s == NULL || s->type != SETTING_LIST || r->is_sequence[index])
        return false;
    r->is_sequence[index] = true;
    return true;
}

static enum settings_outcome read_file(struct reading *r)
{
    const cyaml_config_t config = {.log_fn = keep_message,
                                   .log_ctx = r,
                                   .mem_fn = cyaml_mem,
                                   .log_level = CYAML_LOG_ERROR,
                                   .flags = CYAML_CFG_NO_ALIAS};
    const cyaml_schema_value_t schema = {
        .type = CYAML_MAPPING,
        .flags = CYAML_FLAG_POINTER,
        .data_size = (uint32_t)(r->loading->count * sizeof(struct file_value)),
        .mapping = {.fields = r->fields}};
    cyaml_err_t error;
    cyaml_data_t *values;
    do {
        values = NULL;
        r->messages[0] = '\0';
        make_fields(r);
        error = cyaml_load_file(r->path, &config, &schema, &values, NULL);
    } while (error != CYAML_OK && note_sequence(r));
    if (error != CYAML_OK)
        return complain_of_file(r);
    enum settings_outcome outcome =
        values != NULL ? take_all(r, (const struct file_value *)values) : SETTINGS_RUN;
    cyaml_free(&config, &schema, values, 0);
    return outcome;
}

enum settings_outcome settings_load_file(struct settings_loading *l, const char *path)
{
    struct reading r = {.loading = l, .path = path};
    FILE *probe = fopen(path, "r");
    if (probe == NULL)
        return settings_complain(l, "--config: expected a file that can be read, got '%s': %s",
                                 path, strerror(errno));
    fclose(probe);
    l->file = path;
    return read_file(&r);
}
