#include "signaling/shell/http_parser.h"

#include <stdlib.h>
#include <strings.h>

#define HEAD_FIRST_BYTES 1024
#define BODY_FIRST_BYTES 4096

/* What the head says about the body, kept until all its headers are read. */
struct head_facts {
    int version_minor;
    bool has_length, has_encoding, chunked, expects_continue;
    size_t length;
    size_t host_count;
    const char *connection, *upgrade;
};

void http_parser_init(struct http_parser *parser)
{
    *parser = (struct http_parser){.state = HTTP_PARSER_HEAD};
}

void http_parser_reset(struct http_parser *parser)
{
    free(parser->head);
    free(parser->body);
    http_parser_init(parser);
}

void http_parser_destroy(struct http_parser *parser)
{
    http_parser_reset(parser);
}

bool http_parser_is_inside(const struct http_parser *parser)
{
    return parser->state == HTTP_PARSER_HEAD ? parser->head_size > 0
                                             : parser->state < HTTP_PARSER_DONE;
}

static enum http_parse_result fail_with(struct http_parser *parser, int status)
{
    parser->state = HTTP_PARSER_ERROR;
    parser->error_status = status;
    return HTTP_PARSE_ERROR;
}

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool http_list_has(const char *list, const char *token)
{
    size_t size = strlen(token);
    for (const char *at = list; at != NULL && *at != '\0';) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ", \t");
        if (length == size && strncasecmp(at, token, size) == 0)
            return true;
        at += length;
    }
    return false;
}

/* --- Request line */

static enum http_method method_of(const char *name)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum http_method)i;
    return HTTP_OTHER;
}

/* Decodes one path character at *at. False for what no path of ours can hold: control characters,
 * a second layer of slashes, broken percent signs. */
static bool decode_path_char(const char **at, char *out)
{
    char c = *(*at)++;
    if (c == '%') {
        int high = bytes_get_hex_digit((uint8_t)(*at)[0]);
        int low = high < 0 ? -1 : bytes_get_hex_digit((uint8_t)(*at)[1]);
        if (low < 0)
            return false;
        *at += 2;
        c = (char)(high << 4 | low);
        if (c == '/')
            return false;
    }
    *out = c;
    return (unsigned char)c >= 0x20 && c != 0x7f && c != '\\';
}

static bool has_dot_segment(const char *path)
{
    for (const char *at = path; (at = strchr(at, '/')) != NULL;) {
        at++;
        size_t length = strcspn(at, "/");
        if ((length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.'))
            return true;
    }
    return false;
}

/* Origin-form only: "*" and absolute URIs are for proxies. Returns 0 or the status. */
static int parse_target(const char *target, char path[HTTP_PATH_BYTES_MAX])
{
    if (target[0] != '/')
        return 400;
    size_t size = 0;
    for (const char *at = target; *at != '\0' && *at != '?';) {
        char c = 0;
        if (*at == '#' || !decode_path_char(&at, &c))
            return 400;
        if (size + 1 >= HTTP_PATH_BYTES_MAX)
            return 414;
        path[size++] = c;
    }
    path[size] = '\0';
    return has_dot_segment(path) ? 400 : 0;
}

static int parse_request_line(char *line, struct http_message *message, struct head_facts *facts)
{
    char *target = strchr(line, ' ');
    char *version = target != NULL ? strchr(target + 1, ' ') : NULL;
    if (version == NULL || target == line)
        return 400;
    *target++ = '\0';
    *version++ = '\0';
    for (const char *c = line; *c != '\0'; c++)
        if (!is_token_char(*c))
            return 400;
    for (const char *c = target; *c != '\0'; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
            return 400;
    message->method = method_of(line);
    const char *question = strchr(target, '?');
    message->query = question != NULL ? question + 1 : NULL;
    int status = parse_target(target, message->path);
    if (status != 0)
        return status;
    if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 || version[6] != '.')
        return 400;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return 505;
    facts->version_minor = version[7] - '0';
    return 0;
}

/* --- Headers */

static int parse_length(const char *value, struct head_facts *facts)
{
    size_t length = 0;
    if (facts->has_length || *value == '\0')
        return 400; /* two lengths, even equal ones: somebody in between may read the other */
    for (const char *c = value; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return 400;
        if (length <= HTTP_BODY_BYTES_MAX)
            length = length * 10 + (size_t)(*c - '0');
    }
    facts->has_length = true;
    facts->length = length;
    return 0;
}

/* Headers that may stand only once, and where their value goes. */
static const char **single_header(struct http_message *message, struct head_facts *facts,
                                  const char *name)
{
    const struct {
        const char *name;
        const char **value;
    } singles[] = {
        {"authorization", &message->authorization},
        {"content-type", &message->content_type},
        {"if-match", &message->if_match},
        {"origin", &message->origin},
        {"sec-websocket-key", &message->websocket_key},
        {"sec-websocket-version", &message->websocket_version},
        {"sec-websocket-protocol", &message->websocket_protocols},
        {"upgrade", &facts->upgrade},
        {"connection", &facts->connection},
        {"host", &message->host},
    };
    for (size_t i = 0; i < COUNT_OF(singles); i++)
        if (strcasecmp(name, singles[i].name) == 0)
            return singles[i].value;
    return NULL;
}

static int take_header(struct http_message *message, struct head_facts *facts, const char *name,
                       const char *value)
{
    const char **single = single_header(message, facts, name);
    if (single != NULL) {
        if (*single != NULL)
            return 400;
        *single = value;
        return 0;
    }
    if (strcasecmp(name, "content-length") == 0)
        return parse_length(value, facts);
    if (strcasecmp(name, "transfer-encoding") == 0) {
        if (facts->has_encoding)
            return 400;
        facts->has_encoding = true;
        facts->chunked = strcasecmp(value, "chunked") == 0;
    } else if (strcasecmp(name, "expect") == 0) {
        facts->expects_continue = strcasecmp(value, "100-continue") == 0;
    } else if (strcasecmp(name, "if-none-match") == 0) {
        message->if_none_match = value;
    } else if (strcasecmp(name, "accept-encoding") == 0) {
        message->accept_encoding = value;
    } else if (strcasecmp(name, "sec-websocket-extensions") == 0) {
        message->websocket_extensions = value;
    } else if (strcasecmp(name, "x-forwarded-for") == 0) {
        message->forwarded_for = value;
    }
    return 0;
}

static int parse_header_line(char *line, struct http_message *message, struct head_facts *facts)
{
    char *colon = strchr(line, ':');
    if (colon == NULL || colon == line)
        return 400;
    for (const char *c = line; c < colon; c++)
        if (!is_token_char(*c)) /* also a folded line and a space before the colon */
            return 400;
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    char *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    for (const char *c = value; *c != '\0'; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return 400;
    return take_header(message, facts, line, value);
}

static int check_head(struct http_message *message, const struct head_facts *facts)
{
    if (facts->version_minor == 1 && message->host == NULL)
        return 400;
    if (facts->has_encoding) {
        if (facts->has_length || facts->version_minor == 0)
            return 400;
        if (!facts->chunked)
            return 501;
    }
    if (facts->has_length && facts->length > HTTP_BODY_BYTES_MAX)
        return 413;
    bool close = http_list_has(facts->connection, "close");
    bool keep = http_list_has(facts->connection, "keep-alive");
    message->keep_alive = !close && (facts->version_minor == 1 || keep);
    message->upgrade_websocket = facts->version_minor == 1 &&
                                 http_list_has(facts->connection, "upgrade") &&
                                 http_list_has(facts->upgrade, "websocket");
    return 0;
}

/* Splits the head in place at CR LF. Returns 0 or the status to answer. */
static int parse_head(struct http_parser *parser, struct head_facts *facts)
{
    char *line = parser->head;
    size_t header_count = 0;
    if (memchr(parser->head, '\0', parser->head_size) != NULL)
        return 400;
    parser->head[parser->head_size - 2] = '\0'; /* the empty line */
    for (size_t i = 0; *line != '\0'; i++) {
        char *end = strstr(line, "\r\n");
        if (end == NULL)
            return 400;
        *end = '\0';
        if (strpbrk(line, "\r\n") != NULL)
            return 400;
        if (i > 0 && ++header_count > HTTP_HEADERS_PARSED_MAX)
            return 431;
        int status = i == 0 ? parse_request_line(line, &parser->message, facts)
                            : parse_header_line(line, &parser->message, facts);
        if (status != 0)
            return status;
        line = end + 2;
    }
    return check_head(&parser->message, facts);
}

static enum http_parse_result begin_body(struct http_parser *parser)
{
    struct head_facts facts = {0};
    int status = parse_head(parser, &facts);
    if (status != 0)
        return fail_with(parser, status);
    parser->body_left = facts.length;
    if (facts.chunked)
        parser->state = HTTP_PARSER_CHUNK_SIZE;
    else
        parser->state = facts.length > 0 ? HTTP_PARSER_BODY : HTTP_PARSER_DONE;
    if (parser->state == HTTP_PARSER_DONE)
        return HTTP_PARSE_DONE;
    return facts.expects_continue ? HTTP_PARSE_CONTINUE : HTTP_PARSE_MORE;
}

/* A head that can no longer become a request is answered without waiting for its end, so that what
 * is not HTTP at all (a TLS hello, an HTTP/2 preface) does not hold the socket. */
static bool is_hopeless(const struct http_parser *parser)
{
    const char *end = memchr(parser->head, '\n', parser->head_size);
    size_t size = end != NULL ? (size_t)(end - parser->head) : parser->head_size;
    size_t spaces = 0;
    for (size_t i = 0; i < size; i++) {
        spaces += parser->head[i] == ' ';
        if (spaces == 0 && !is_token_char(parser->head[i]))
            return true;
    }
    return spaces > 2 || (end != NULL && (spaces != 2 || end[-1] != '\r'));
}

/* Room for one more character and the closing zero. */
static bool grow_head(struct http_parser *parser)
{
    size_t capacity = parser->head_capacity;
    if (parser->head_size + 1 < capacity)
        return true;
    capacity = capacity > 0 ? 2 * capacity : HEAD_FIRST_BYTES;
    if (capacity > HTTP_HEAD_BYTES_MAX)
        capacity = HTTP_HEAD_BYTES_MAX + 1;
    char *grown = realloc(parser->head, capacity);
    if (grown == NULL)
        return false;
    parser->head = grown;
    parser->head_capacity = capacity;
    return true;
}

/* It may have to wait for long, and nothing points into it yet. */
static enum http_parse_result finish_head(struct http_parser *parser)
{
    parser->head[parser->head_size] = '\0';
    char *exact = realloc(parser->head, parser->head_size + 1);
    if (exact != NULL) {
        parser->head = exact;
        parser->head_capacity = parser->head_size + 1;
    }
    return begin_body(parser);
}

static enum http_parse_result feed_head(struct http_parser *parser, struct bytes *input)
{
    while (input->size > 0) {
        char c = (char)*input->data;
        input->data++;
        input->size--;
        /* An empty line before the request line is to be ignored (RFC 9112 section 2.2). */
        if (parser->head_size == 0 && (c == '\r' || c == '\n'))
            continue;
        if (parser->head_size == HTTP_HEAD_BYTES_MAX) {
            bool first_line = memchr(parser->head, '\n', parser->head_size) == NULL;
            return fail_with(parser, first_line ? 414 : 431);
        }
        if (!grow_head(parser))
            return fail_with(parser, 503);
        parser->head[parser->head_size++] = c;
        if (c == '\n' && parser->head_size >= 4 &&
            memcmp(parser->head + parser->head_size - 4, "\r\n\r\n", 4) == 0)
            return finish_head(parser);
    }
    if (parser->head_size > 0 && is_hopeless(parser))
        return fail_with(parser, 400);
    return HTTP_PARSE_MORE;
}

/* --- Body */

/* Room grows with what has come, not with what was announced. */
static bool append_body(struct http_parser *parser, const uint8_t *data, size_t size)
{
    if (parser->body_size + size > parser->body_capacity) {
        size_t capacity = parser->body_capacity > 0 ? parser->body_capacity : BODY_FIRST_BYTES;
        while (capacity < parser->body_size + size)
            capacity *= 2;
        uint8_t *grown = realloc(parser->body, capacity);
        if (grown == NULL)
            return false;
        parser->body = grown;
        parser->body_capacity = capacity;
    }
    memcpy(parser->body + parser->body_size, data, size);
    parser->body_size += size;
    return true;
}

static enum http_parse_result finish_body(struct http_parser *parser)
{
    parser->state = HTTP_PARSER_DONE;
    parser->message.body = bytes_of(parser->body, parser->body_size);
    return HTTP_PARSE_DONE;
}

static enum http_parse_result feed_data(struct http_parser *parser, struct bytes *input)
{
    size_t size = input->size < parser->body_left ? input->size : parser->body_left;
    if (size > 0 && !append_body(parser, input->data, size))
        return fail_with(parser, 503);
    input->data += size;
    input->size -= size;
    parser->body_left -= size;
    if (parser->body_left > 0)
        return HTTP_PARSE_MORE;
    if (parser->state == HTTP_PARSER_BODY)
        return finish_body(parser);
    parser->state = HTTP_PARSER_CHUNK_END;
    return HTTP_PARSE_MORE;
}

static enum http_parse_result take_chunk_size(struct http_parser *parser)
{
    size_t size = 0;
    if (parser->line_size == 0 || parser->line_size > 8)
        return fail_with(parser, 400);
    for (size_t i = 0; i < parser->line_size; i++) {
        int digit = bytes_get_hex_digit(
            (uint8_t)parser->line[i]); /* extensions are refused: nobody needs them here */
        if (digit < 0)
            return fail_with(parser, 400);
        size = size << 4 | (size_t)digit;
    }
    if (parser->body_size + size > HTTP_BODY_BYTES_MAX)
        return fail_with(parser, 413);
    parser->body_left = size;
    parser->state = size > 0 ? HTTP_PARSER_CHUNK_DATA : HTTP_PARSER_TRAILER;
    return HTTP_PARSE_MORE;
}

/* A line of the chunked coding has ended, without its CR LF in `line`. */
static enum http_parse_result take_chunk_line(struct http_parser *parser)
{
    enum http_parse_result result = HTTP_PARSE_MORE;
    if (parser->state == HTTP_PARSER_CHUNK_SIZE)
        result = take_chunk_size(parser);
    else if (parser->line_size > 0)
        result = fail_with(parser, 400); /* bytes after a chunk, or a trailer */
    else if (parser->state == HTTP_PARSER_TRAILER)
        result = finish_body(parser);
    else
        parser->state = HTTP_PARSER_CHUNK_SIZE;
    parser->line_size = 0;
    return result;
}

static enum http_parse_result feed_chunk_line(struct http_parser *parser, struct bytes *input)
{
    while (input->size > 0) {
        char c = (char)*input->data;
        input->data++;
        input->size--;
        if (c == '\n') {
            if (parser->line_size == 0 || parser->line[parser->line_size - 1] != '\r')
                return fail_with(parser, 400);
            parser->line_size--;
            return take_chunk_line(parser);
        }
        if (parser->line_size == sizeof(parser->line))
            return fail_with(parser, 400);
        parser->line[parser->line_size++] = c;
    }
    return HTTP_PARSE_MORE;
}

enum http_parse_result http_parser_feed(struct http_parser *parser, struct bytes *input)
{
    enum http_parse_result result = HTTP_PARSE_MORE;
    while (input->size > 0 && result == HTTP_PARSE_MORE) {
        switch (parser->state) {
        case HTTP_PARSER_HEAD:
            result = feed_head(parser, input);
            break;
        case HTTP_PARSER_BODY:
        case HTTP_PARSER_CHUNK_DATA:
            result = feed_data(parser, input);
            break;
        case HTTP_PARSER_CHUNK_SIZE:
        case HTTP_PARSER_CHUNK_END:
        case HTTP_PARSER_TRAILER:
            result = feed_chunk_line(parser, input);
            break;
        case HTTP_PARSER_DONE:
            return HTTP_PARSE_DONE;
        case HTTP_PARSER_ERROR:
            return HTTP_PARSE_ERROR;
        }
    }
    return result;
}
