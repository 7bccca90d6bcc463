/* The head of an HTTP response as text, and the names of statuses. */
#pragma once

#include "base/bytes.h"
#include "base/usec.h"
#include "signaling/core/service.h"

struct http_head {
    int status;
    const char *content_type; /* NULL: no Content-Type, and no Content-Length for 1xx, 204, 304 */
    size_t content_length;
    const struct http_header *headers; /* those with a control character are left out */
    size_t header_count;
    const char *fixed_lines; /* complete lines with CR LF, or "" */
    bool keep_alive;
    usec_t unix_us; /* for Date */
};

/* Fails the writer when there is no room. */
void http_write_head(struct writer *w, const struct http_head *head);

/* The problem document (RFC 9457) for what the shell itself refuses; static text. */
struct http_problem {
    int status;
    const char *reason; /* of the status line */
    const char *body;   /* application/problem+json; NULL for success */
};
const char *http_reason(int status);
/* Never NULL: 500 for a status that has no text. */
const struct http_problem *http_problem_of(int status);
