/* Between the fields of HTTP/2 and the heads of HTTP/1.1, so that one parser reads every request
 * and one writer writes every answer. */
#pragma once

#include "signaling/shell/http_parser.h"

#include <nghttp2/nghttp2.h>

#define HTTP2_METHOD_BYTES 24
#define HTTP2_ANSWER_FIELDS_MAX 48

/* A request's head while its fields come in. */
struct http2_head {
    char method[HTTP2_METHOD_BYTES];
    char target[HTTP_HEAD_BYTES_MAX];
    char lines[HTTP_HEAD_BYTES_MAX];
    struct writer w; /* of `lines` */
    bool has_host, too_large;
};

/* NULL when there is no memory; free() it. */
struct http2_head *http2_head_create(void);
/* The library has let through nothing but names and values of HTTP (RFC 9113 section 8.2.1), no
 * header of a connection, and each pseudo-header once. */
void http2_head_add_field(struct http2_head *head, struct bytes name, struct bytes value);
/* Gives the head to `http`, a fresh parser. 0, or the status that refuses the request. */
int http2_head_read(const struct http2_head *head, struct http_parser *http);

/* The fields of an answer's head as HTTP/1.1 writes it, without those of a connection; returns how
 * many. They point into `text`, which is written to. */
size_t http2_fields_of_answer(char *text, nghttp2_nv fields[HTTP2_ANSWER_FIELDS_MAX]);
