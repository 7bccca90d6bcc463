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

/* Behind a comment that begins at `at`, where nothing but blanks follows on its last line: at that
 * line's end. Else `at`. */
static size_t skip_comment(const uint8_t *text, size_t at, size_t size)
{
    if (starts(text, at, size, '/'))
        return find_line_end(text, at, size);
    if (!starts(text, at, size, '*'))
        return at;
    for (size_t i = at + 2; i + 1 < size; i++) {
        if (text[i] != '*' || text[i + 1] != '/')
            continue;
        size_t end = skip_blanks(text, i + 2, size);
        return end == size || text[end] == '\n' ? end : at;
    }
    return at;
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

size_t script_text_strip(uint8_t *text, size_t size)
{
    size_t kept = 0;
    bool in_template = false;
    for (size_t at = 0; at < size;) {
        size_t first = skip_blanks(text, at, size);
        size_t end = in_template ? first : skip_comment(text, first, size);
        if (end > first) {
            for (; at < end; at++) {
                if (text[at] == '\n')
                    text[kept++] = '\n';
            }
        } else {
            end = find_line_end(text, at, size);
            in_template ^= has_odd_backticks(text, at, end);
            memmove(text + kept, text + at, end - at);
            kept += end - at;
            at = end;
        }
        if (at < size) {
            text[kept++] = '\n';
            at++;
        }
    }
    return kept;
}
