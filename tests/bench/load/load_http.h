/* HTTP requests side by side, by libcurl, in the caller's thread. I/O. */
#pragma once

#include "base/status.h"

struct load_http;
/* `body` is zero-terminated, empty when there is none; `location` is that header's value or "".
 * `status` 0: no answer came. */
struct load_http_answer {
    long status;
    const char *body;
    const char *location;
};
typedef void load_http_done(void *owner, void *subject, const struct load_http_answer *answer);

MUST_CHECK enum status load_http_create(struct load_http **out);
void load_http_free(struct load_http *http);

/* `body`, `type` and `bearer` may be NULL; all are copied. `done` is called from load_http_poll. */
MUST_CHECK enum status load_http_request(struct load_http *http, const char *method,
                                         const char *url, const char *body, const char *type,
                                         const char *bearer, load_http_done *done, void *owner,
                                         void *subject);
/* Does what is due, without waiting. Returns how many requests are still open. */
int load_http_poll(struct load_http *http);
