#include "signaling/core/text_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

void text_json_destroy(struct text_json *text)
{
    free(text->data);
    *text = (struct text_json){0};
}

static bool make_room(struct text_json *text, size_t more)
{
    if (text->failed)
        return false;
    size_t needed = text->size + more + 1;
    if (needed <= text->capacity)
        return true;
    size_t capacity = text->capacity == 0 ? 256 : text->capacity;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

static void add(struct text_json *text, const char *data, size_t size)
{
    if (!make_room(text, size))
        return;
    memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

static void add_char(struct text_json *text, char c)
{
    add(text, &c, 1);
}

/* Escapes what RFC 8259 asks for, and '<', '>' and '&' so that a text may stand in a page. */
static void add_quoted(struct text_json *text, const char *value)
{
    add_char(text, '"');
    const char *run = value;
    const char *at = value;
    for (; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        bool plain =
            c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0x7f;
        if (plain)
            continue;
        add(text, run, (size_t)(at - run));
        run = at + 1;
        char escaped[8];
        int size = c == '"' || c == '\\' ? snprintf(escaped, sizeof escaped, "\\%c", c)
                   : c == '\n'           ? snprintf(escaped, sizeof escaped, "\\n")
                   : c == '\r'           ? snprintf(escaped, sizeof escaped, "\\r")
                                         : snprintf(escaped, sizeof escaped, "\\u%04x", c);
        add(text, escaped, (size_t)size);
    }
    add(text, run, (size_t)(at - run));
    add_char(text, '"');
}

static void begin_value(struct text_json *text, const char *key)
{
    if (text->needs_comma)
        add_char(text, ',');
    if (key != NULL) {
        add_quoted(text, key);
        add_char(text, ':');
    }
    text->needs_comma = true;
}

void text_json_open(struct text_json *text, const char *key, char bracket)
{
    begin_value(text, key);
    add_char(text, bracket);
    text->needs_comma = false;
}

void text_json_close(struct text_json *text, char bracket)
{
    add_char(text, bracket);
    text->needs_comma = true;
}

void text_json_string(struct text_json *text, const char *key, const char *value)
{
    begin_value(text, key);
    if (value == NULL)
        add(text, "null", 4);
    else
        add_quoted(text, value);
}

void text_json_uint(struct text_json *text, const char *key, uint64_t value)
{
    begin_value(text, key);
    text_json_raw(text, "%" PRIu64, value);
}

void text_json_int(struct text_json *text, const char *key, int64_t value)
{
    begin_value(text, key);
    text_json_raw(text, "%" PRId64, value);
}

void text_json_number(struct text_json *text, const char *key, double value)
{
    begin_value(text, key);
    /* Thousandths by integers: printf would write a comma in a French locale. */
    int64_t thousandths = isfinite(value) ? (int64_t)llround(value * 1000) : 0;
    int64_t whole = thousandths / 1000;
    int64_t rest = thousandths % 1000;
    text_json_raw(text, "%s%" PRId64 ".%03" PRId64, thousandths < 0 ? "-" : "",
                  whole < 0 ? -whole : whole, rest < 0 ? -rest : rest);
}

void text_json_bool(struct text_json *text, const char *key, bool value)
{
    begin_value(text, key);
    text_json_raw(text, "%s", value ? "true" : "false");
}

void text_json_null(struct text_json *text, const char *key)
{
    text_json_string(text, key, NULL);
}

void text_json_id(struct text_json *text, const char *key, uint64_t value)
{
    begin_value(text, key);
    if (value == 0)
        text_json_raw(text, "null");
    else
        text_json_raw(text, "\"%" PRIu64 "\"", value);
}

void text_json_value(struct text_json *text, const char *key, struct bytes value)
{
    begin_value(text, key);
    text_json_bytes(text, value);
}

void text_json_raw(struct text_json *text, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    /* Callers write numbers and short fixed texts; what does not fit is our bug. */
    CHECK(size >= 0 && (size_t)size < sizeof small);
    add(text, small, (size_t)size);
}

void text_json_bytes(struct text_json *text, struct bytes bytes)
{
    add(text, (const char *)bytes.data, bytes.size);
}
