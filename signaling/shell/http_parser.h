/* One HTTP/1.1 request out of a byte stream (RFC 9112): strict where requests are smuggled (one
 * length, no folding, no bare line feeds), percent-decoded once. Sans-IO; head and body grow as
 * they arrive, a complete head takes just its size; both are freed on reset.
 *
 * libwebsockets' own parser is not used: it rewrites "..", takes a request with two lengths,
 * answers nothing to a head it cannot read, and offers HTTP/2 and raw modes that a client picks
 * (docs/decisions/http-and-websocket-framing.md). */
#pragma once

#include "base/bytes.h"
#include "signaling/core/service.h"

#define HTTP_HEAD_BYTES_MAX 8192 /* request line and headers */
#define HTTP_HEADERS_PARSED_MAX 100
#define HTTP_PATH_BYTES_MAX 1024 /* decoded, with its zero */
#define HTTP_BODY_BYTES_MAX 65536

/* What the server looks at. Strings point into the parser and are NULL when absent. */
struct http_message {
    enum http_method method;
    char path[HTTP_PATH_BYTES_MAX]; /* decoded, without query; no control character, no "..": safe
                                       to compare with an allow-list, never given to open() */
    const char *query;              /* as it came, behind the question mark */
    bool keep_alive;
    bool upgrade_websocket; /* Upgrade: websocket and Connection: upgrade */
    const char *host, *authorization, *content_type, *if_match, *if_none_match, *origin;
    const char *accept_encoding, *forwarded_for; /* of several, the last */
    const char *websocket_key, *websocket_version, *websocket_protocols;
    const char *websocket_extensions; /* of several, the last */
    struct bytes body;
};

enum http_parse_result {
    HTTP_PARSE_MORE,     /* give it more bytes */
    HTTP_PARSE_CONTINUE, /* head is read, the client waits for "100 Continue" before its body */
    HTTP_PARSE_DONE,     /* `message` is complete; reset before the next */
    HTTP_PARSE_ERROR     /* answer `error_status` and close: where the next request starts is
                            unknown */
};

enum http_parser_state {
    HTTP_PARSER_HEAD,
    HTTP_PARSER_BODY,
    HTTP_PARSER_CHUNK_SIZE,
    HTTP_PARSER_CHUNK_DATA,
    HTTP_PARSER_CHUNK_END,
    HTTP_PARSER_TRAILER,
    HTTP_PARSER_DONE,
    HTTP_PARSER_ERROR
};

struct http_parser {
    enum http_parser_state state;
    char *head; /* NULL between requests */
    size_t head_size, head_capacity;
    uint8_t *body;
    size_t body_size, body_capacity;
    size_t body_left; /* of a Content-Length body, or of the present chunk */
    char line[16];    /* chunk size or trailer line */
    size_t line_size;
    int error_status;
    struct http_message message;
};

void http_parser_init(struct http_parser *parser);
void http_parser_destroy(struct http_parser *parser);
/* Ready for the next request of the same connection. */
void http_parser_reset(struct http_parser *parser);

/* Takes bytes off the front of *input; leaves what belongs to the next request. */
enum http_parse_result http_parser_feed(struct http_parser *parser, struct bytes *input);

/* Whether a request has begun to arrive and is not complete. */
bool http_parser_is_inside(const struct http_parser *parser);

/* Whether a comma-separated header value holds `token`, without regard to case. */
bool http_list_has(const char *list, const char *token);
