/* A file, whole, in memory. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/* *out is malloc'ed; the caller frees out->data. STATUS_SYSTEM, STATUS_LIMIT above `max` bytes,
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status whole_file_load(const char *path, size_t max, struct bytes_mut *out);
