/* What the tests of wire formats share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/status.h"

/* Bytes by value, for tables that are not static. */
#define OCTETS(...)                                                                                \
    {                                                                                              \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                     \
    }
#define ZEROS4 0, 0, 0, 0

/* A heap copy of exactly the first `size` bytes, so that the address sanitizer sees any read beyond
 * them. The caller frees `data`. */
static inline struct bytes_mut exact_copy(struct bytes b, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    assert_non_null(data);
    if (size > 0)
        memcpy(data, b.data, size);
    return (struct bytes_mut){data, size};
}

static inline void expect_status(const char *why, enum status got, enum status expected)
{
    if (got != expected)
        fail_msg("%s: got %s, expected %s", why, status_name(got), status_name(expected));
}
