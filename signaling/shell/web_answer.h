/* The answer to one request, whatever version of HTTP it goes out in: a file of the page, a
 * response of the service, or a problem that the shell itself has with the request. */
#pragma once

#include "signaling/shell/http_parser.h"
#include "signaling/shell/web_site.h"

#define WEB_HEAD_BYTES 8192 /* of an answer: 12 headers and the security lines */

struct web_answer {
    int status;
    const char *content_type;
    struct bytes body;
    bool borrowed_body; /* lives as long as the program */
    struct http_header headers[HTTP_HEADERS_MAX + 4];
    size_t header_count;
};

void web_answer_add_header(struct web_answer *answer, const char *name, const char *value);

/* A problem document, with one header more unless `name` is NULL. */
struct web_answer web_answer_of_problem(int status, const char *name, const char *value);
/* The file that `request` names, or why it is not to be had. */
struct web_answer web_answer_of_file(const struct web_site *site,
                                     const struct http_message *request);
/* What the service said; borrows from `response` and `request`. */
struct web_answer web_answer_of_response(const struct web_site *site,
                                         const struct http_message *request,
                                         const struct http_response *response);

/* The head as HTTP/1.1 has it. Fails the writer when there is no room. */
void web_answer_write_head(struct writer *w, const struct web_site *site,
                           const struct web_answer *answer, bool keep_alive, usec_t unix_us);
/* Without what HEAD, 204 and 304 leave out. */
struct bytes web_answer_get_body(const struct web_answer *answer, enum http_method method);

/* Whether requests for `path` are for the service; the others are for files, or for "/ws". */
bool web_path_is_for_service(const char *path);
