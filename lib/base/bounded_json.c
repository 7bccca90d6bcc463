#include "base/bounded_json.h"

/* What stands at `i` in a string: past an escaped character. */
static size_t end_of_string(struct bytes text, size_t i)
{
    for (; i < text.size && text.data[i] != '"'; i++)
        i += text.data[i] == '\\';
    return i;
}

/* A value is always next to a bracket or a separator, so tokens are at most twice their count and
 * one. */
enum status bounded_json_check(struct bytes text, size_t depth_max, size_t tokens_max)
{
    size_t depth = 0, tokens = 1;
    for (size_t i = 0; i < text.size; i++) {
        switch (text.data[i]) {
        case '"':
            i = end_of_string(text, i + 1);
            break;
        case '{':
        case '[':
            tokens += 2;
            if (++depth > depth_max)
                return STATUS_LIMIT;
            break;
        case '}':
        case ']':
            if (depth == 0)
                return STATUS_MALFORMED;
            depth--;
            break;
        case ',':
        case ':':
            tokens += 2;
            break;
        default:
            break;
        }
        if (tokens > tokens_max)
            return STATUS_LIMIT;
    }
    return STATUS_OK;
}
