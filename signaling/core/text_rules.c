#include "signaling/core/text_rules.h"

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

bool text_rules_next_code_point(const char **at, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)*at;
    size_t more;
    uint32_t value, least;
    if (p[0] == 0)
        return false;
    if (p[0] < 0x80) {
        more = 0, value = p[0], least = 0;
    } else if ((p[0] & 0xe0) == 0xc0) {
        more = 1, value = p[0] & 0x1fu, least = 0x80;
    } else if ((p[0] & 0xf0) == 0xe0) {
        more = 2, value = p[0] & 0x0fu, least = 0x800;
    } else if ((p[0] & 0xf8) == 0xf0) {
        more = 3, value = p[0] & 0x07u, least = 0x10000;
    } else {
        return false;
    }
    for (size_t i = 1; i <= more; i++) {
        if (!is_continuation(p[i]))
            return false;
        value = value << 6 | (p[i] & 0x3fu);
    }
    if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return false;
    *at += more + 1;
    *out = value;
    return true;
}

/* Characters that nobody sees but that change how others read a list of names. */
static bool is_refused(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } refused[] = {
        {0x00, 0x1f},       {0x7f, 0x9f},                          /* controls */
        {0xad, 0xad},       {0x61c, 0x61c},      {0x180e, 0x180e}, /* soft hyphen, ALM */
        {0x200b, 0x200b},   {0x200e, 0x200f},    {0x2028, 0x202e}, /* marks, overrides */
        {0x2060, 0x206f},   {0xfeff, 0xfeff},    {0xfff9, 0xfffb}, /* isolates, BOM */
        {0xfdd0, 0xfdef},   {0xe000, 0xf8ff},    {0xfffe, 0xffff}, /* not characters */
        {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},                   /* tags, private use */
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (c >= refused[i].first && c <= refused[i].last)
            return true;
    }
    return false;
}

static bool is_space(uint32_t c)
{
    return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

enum status text_rules_clean(const char *text, size_t code_points_max, char *out, size_t capacity)
{
    size_t used = 0, points = 0;
    bool space_due = false;
    while (*text != '\0') {
        const char *start = text;
        uint32_t c;
        if (!text_rules_next_code_point(&text, &c) || is_refused(c))
            return STATUS_MALFORMED;
        if (is_space(c)) {
            space_due = points > 0;
            continue;
        }
        size_t size = (size_t)(text - start);
        points += space_due ? 2 : 1;
        if (points > code_points_max || used + space_due + size + 1 > capacity)
            return STATUS_LIMIT;
        if (space_due)
            out[used++] = ' ';
        space_due = false;
        memcpy(out + used, start, size);
        used += size;
    }
    if (capacity > 0)
        out[used] = '\0';
    return STATUS_OK;
}

/* Bidirectional embeddings, overrides and isolates. Marks (U+200E, U+200F, U+061C) stay: Arabic and
 * Hebrew need them. */
static bool is_turning(uint32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

/* Nobody sees it, alone. */
static bool is_blank(uint32_t c)
{
    return is_space(c) || c == '\n' || c == 0xad || c == 0x61c || c == 0x180e || c == 0x115f ||
           c == 0x1160 || c == 0x3164 || c == 0x2800 || (c >= 0x200b && c <= 0x200f) ||
           c == 0x2028 || c == 0x2029 || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0000 && c <= 0xe0fff);
}

static bool is_trimmed(uint32_t c)
{
    return is_space(c) || c == '\n';
}

/* One code point with line ends and tabs made alike; false at the end or where it is refused. */
static bool next_written(const char **at, uint32_t *c)
{
    if ((*at)[0] == '\r') {
        *at += (*at)[1] == '\n' ? 2 : 1;
        *c = '\n';
        return true;
    }
    const char *after = *at;
    if (!text_rules_next_code_point(&after, c))
        return false;
    if (*c == '\t')
        *c = ' ';
    if ((is_control(*c) && *c != '\n') || is_turning(*c))
        return false;
    *at = after;
    return true;
}

enum status text_rules_take_text(const char *text, size_t code_points_max, char *out,
                                 size_t capacity)
{
    size_t used = 0, points = 0, end = 0, end_points = 0;
    bool seen = false;
    while (*text != '\0') {
        const char *start = text;
        uint32_t c;
        if (!next_written(&text, &c))
            return STATUS_MALFORMED;
        if (used == 0 && is_trimmed(c))
            continue;
        size_t size = c == '\n' || c == ' ' ? 1 : (size_t)(text - start);
        if (used + size + 1 > capacity)
            return STATUS_LIMIT;
        memcpy(out + used, start, size);
        if (c == '\n' || c == ' ')
            out[used] = (char)c;
        used += size;
        points++;
        seen = seen || !is_blank(c);
        if (is_trimmed(c))
            continue;
        end = used;
        end_points = points;
    }
    if (!seen)
        return STATUS_MALFORMED;
    if (end_points > code_points_max)
        return STATUS_LIMIT;
    out[end] = '\0';
    return STATUS_OK;
}

enum status text_rules_squeeze(const char *text, char *out, size_t capacity)
{
    size_t used = 0;
    bool space_due = false;
    while (*text != '\0') {
        const char *start = text;
        uint32_t c;
        if (!text_rules_next_code_point(&text, &c))
            return STATUS_MALFORMED;
        if (is_trimmed(c)) {
            space_due = used > 0;
            continue;
        }
        size_t size = (size_t)(text - start);
        if (used + space_due + size + 1 > capacity)
            return STATUS_LIMIT;
        if (space_due)
            out[used++] = ' ';
        space_due = false;
        memcpy(out + used, start, size);
        used += size;
    }
    if (capacity == 0)
        return STATUS_LIMIT;
    out[used] = '\0';
    return STATUS_OK;
}
