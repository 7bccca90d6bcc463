/* Calls of the HTTP API by libcurl: it verifies certificates, and a command line has no reason for
 * a TLS client of its own. */
#pragma once

#include "base/status.h"

#include <jansson.h>
#include <stddef.h>

#define API_RESPONSE_BYTES_MAX (64u * 1024 * 1024)
#define API_TIMEOUT_S 15L

struct api_client {
    const char *base_url; /* without a slash at the end */
    const char *key;      /* NULL: no Authorization */
    const char *ca;       /* PEM file to trust instead of the system's; NULL */
    const char *connect;  /* IP address that takes base_url's host's place on the wire; NULL */
};

struct api_answer {
    long status;
    char *text; /* the body, zero-terminated; never NULL after success */
    size_t size;
};

/* `body` NULL: none. STATUS_SYSTEM when the server cannot be reached: what failed is in
 * error[256]. */
MUST_CHECK enum status api_call(const struct api_client *client, const char *method,
                                const char *path, const json_t *body, struct api_answer *out,
                                char error[256]);
void api_answer_destroy(struct api_answer *answer);
