/* gzip content coding (RFC 1952; RFC 9110 section 8.4.1.3): compressing a file once, and reading
 * whether a client takes the result. */
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"

/* Compresses `plain` as tightly as zlib can. On STATUS_OK `*out` is the caller's to free(), or
 * empty when compression would not save anything. STATUS_NO_MEMORY otherwise. */
MUST_CHECK enum status gzip_compress(struct bytes plain, struct bytes_mut *out);

/* Whether an Accept-Encoding value (NULL when absent) lets the answer be gzip: named, or by "*",
 * with a weight above 0 (RFC 9110 section 12.5.3). What cannot be read counts as no. */
bool gzip_is_accepted(const char *accept_encoding);
