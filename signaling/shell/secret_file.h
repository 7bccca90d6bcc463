/* Keys that live in a file of their own: made at first start, refused when others can read them. */
#pragma once

#include "base/bytes.h"
#include "base/log.h"
#include "base/status.h"

#define SECRET_TEXT_BYTES_MAX 256

/* Reads the one line of text at `path` into `out` (SECRET_TEXT_BYTES_MAX). Where there is no file,
 * makes one (mode 0600) with 256 random bits in hexadecimal. STATUS_AUTH when group or others may
 * read it or it belongs to somebody else, STATUS_CONFIG when it holds fewer than `least`
 * characters, STATUS_SYSTEM. All are logged. */
MUST_CHECK enum status secret_file_load(const char *path, size_t least, char *out,
                                        const struct log *log);
