#include "signaling/shell/script_text.h"

#include <string.h>

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static size_t skip_blanks(const uint8_t *text, size_t at, size_t size)
{
    while (at < size && is_blank(text[at]))
        at++;
    return at;
}

static size_t find_line_end(const uint8_t *text, size_t at, size_t size)
{
    const uint8_t *end = memchr(text + at, '\n', size - at);
    return end != NULL ? (size_t)(end - text) : size;
}

static bool starts(const uint8_t *text, size_t at, size_t size, char second)
{
    return at + 1 < size && text[at] == '/' && text[at + 1] == (uint8_t)second;
}

/* Behind the comment that begins at `at`; 0: it has no end. */
static size_t find_comment_end(const uint8_t *text, size_t at, size_t size)
{
    for (size_t i = at + 2; i + 1 < size; i++) {
        if (text[i] == '*' && text[i + 1] == '/')
            return i + 2;
    }
    return 0;
}

static bool has_odd_backticks(const uint8_t *text, size_t from, size_t to)
{
    bool odd = false;
    for (size_t i = from; i < to; i++) {
        if (text[i] == '\\')
            i++;
        else if (text[i] == '`')
            odd = !odd;
    }
    return odd;
}

struct strip {
    uint8_t *text;
    size_t size, at, kept;
    bool in_template; /* where the line begins */
};

static void keep_to(struct strip *s, size_t end)
{
    memmove(s->text + s->kept, s->text + s->at, end - s->at);
    s->kept += end - s->at;
    s->at = end;
}

static void drop_to(struct strip *s, size_t end)
{
    for (; s->at < end; s->at++) {
        if (s->text[s->at] == '\n')
            s->text[s->kept++] = '\n';
    }
}

/* A comment with which the line begins: dropped where nothing is behind it on its last line. */
static void pass_comment(struct strip *s)
{
    size_t first = skip_blanks(s->text, s->at, s->size);
    if (starts(s->text, first, s->size, '/')) {
        drop_to(s, find_line_end(s->text, first, s->size));
        return;
    }
    if (!starts(s->text, first, s->size, '*'))
        return;
    size_t end = find_comment_end(s->text, first, s->size);
    size_t next = end > 0 ? skip_blanks(s->text, end, s->size) : s->size;
    if (end > 0 && (next == s->size || s->text[next] == '\n'))
        drop_to(s, next);
    else
        keep_to(s, end > 0 ? end : s->size);
}

size_t script_text_strip(uint8_t *text, size_t size)
{
    struct strip s = {.text = text, .size = size};
    while (s.at < size) {
        if (!s.in_template)
            pass_comment(&s);
        size_t end = find_line_end(text, s.at, size);
        s.in_template ^= has_odd_backticks(text, s.at, end);
        keep_to(&s, end < size ? end + 1 : end);
    }
    return s.kept;
}
