#include "signaling/shell/http2_fields.h"

#include <stdlib.h>

struct http2_head *http2_head_create(void)
{
    struct http2_head *head = calloc(1, sizeof(*head));
    if (head != NULL)
        head->w = writer_of((struct bytes_mut){(uint8_t *)head->lines, sizeof(head->lines)});
    return head;
}

static void write_line(struct writer *w, struct bytes name, struct bytes value)
{
    write_bytes(w, name);
    write_bytes(w, bytes_of_string(": "));
    write_bytes(w, value);
    write_bytes(w, bytes_of_string("\r\n"));
}

void http2_head_add_field(struct http2_head *head, struct bytes name, struct bytes value)
{
    static const struct bytes host = BYTES("host");
    if (bytes_equal_string(name, ":method")) {
        if (!bytes_to_string(value, head->method, sizeof(head->method)))
            snprintf(head->method, sizeof(head->method), "OTHER");
    } else if (bytes_equal_string(name, ":path")) {
        if (!bytes_to_string(value, head->target, sizeof(head->target)))
            head->too_large = true;
    } else if (bytes_equal_string(name, ":authority") || bytes_equal(name, host)) {
        if (!head->has_host)
            write_line(&head->w, host, value);
        head->has_host = true;
    } else if (!bytes_equal_string(name, "content-length") && !bytes_equal_string(name, "te") &&
               name.size > 0 && name.data[0] != ':') {
        write_line(&head->w, name, value); /* the length is what came: the library compares */
    }
}

static enum http_parse_result feed(struct http_parser *http, struct bytes text)
{
    return text.size > 0 ? http_parser_feed(http, &text) : HTTP_PARSE_MORE;
}

int http2_head_read(const struct http2_head *head, struct http_parser *http)
{
    const struct bytes parts[] = {
        bytes_of_string(head->method),
        bytes_of_string(" "),
        bytes_of_string(head->target),
        bytes_of_string(" HTTP/1.1\r\n"),
        bytes_of(head->lines, writer_size(&head->w)),
        bytes_of_string("\r\n"),
    };
    enum http_parse_result result = HTTP_PARSE_MORE;
    if (head->too_large || head->w.failed)
        return 431;
    for (size_t i = 0; i < COUNT_OF(parts) && result == HTTP_PARSE_MORE; i++)
        result = feed(http, parts[i]);
    if (result == HTTP_PARSE_DONE)
        return 0;
    return result == HTTP_PARSE_ERROR ? http->error_status : 400;
}

/* Cuts the next line of a head into name and value, the name in small letters. */
static bool take_line(char **at, nghttp2_nv *out)
{
    char *line = *at;
    char *end = strstr(line, "\r\n");
    char *colon = end != NULL ? memchr(line, ':', (size_t)(end - line)) : NULL;
    if (colon == NULL)
        return false;
    for (char *c = line; c < colon; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    char *value = colon + 1 + strspn(colon + 1, " ");
    *out = (nghttp2_nv){.name = (uint8_t *)line,
                        .namelen = (size_t)(colon - line),
                        .value = (uint8_t *)value,
                        .valuelen = (size_t)(end - value)};
    *at = end + 2;
    return true;
}

size_t http2_fields_of_answer(char *text, nghttp2_nv fields[HTTP2_ANSWER_FIELDS_MAX])
{
    static const struct bytes connection = BYTES("connection");
    char *at = strstr(text, "\r\n");
    CHECK(at != NULL && strlen(text) > 12);
    at += 2;
    size_t count = 0;
    fields[count++] = (nghttp2_nv){
        .name = (uint8_t *)":status", .namelen = 7, .value = (uint8_t *)text + 9, .valuelen = 3};
    while (count < HTTP2_ANSWER_FIELDS_MAX && take_line(&at, &fields[count]))
        if (!bytes_equal(bytes_of(fields[count].name, fields[count].namelen), connection))
            count++;
    return count;
}
