/* What the tests of the control link share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/control_message.h"

/* A heap copy, so that the address sanitizer sees a read past the end. */
static inline enum status parse_text(const char *text, size_t size, struct control_message *out)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, text, size);
    enum status status = control_message_parse(bytes_of(exact, size), out);
    free(exact);
    return status;
}
