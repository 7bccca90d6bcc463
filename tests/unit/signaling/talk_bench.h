/* A room with a trainer and learners who talk, for the tests of what is said. */
#pragma once

#include "base/rng.h"
#include "unit/signaling/harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OK(h, who) assert_true(harness_got(h, (who)->connection, "\"type\":\"ok\",\"to\":77"))
#define REFUSED(h, who, name)                                                                      \
    assert_true(harness_got(h, (who)->connection, "\"to\":77,\"code\":\"" name "\""))

struct room {
    struct person trainer, assistant, learners[3], inspector;
};

/* At once: what a burst does is part of what is tested here. */
__attribute__((format(printf, 4, 5))) void tell(struct harness *h, const struct person *who,
                                                const char *type, const char *format, ...);
struct room open_room(struct harness *h);
/* The id in the last `key` answer to somebody. */
void read_id(const struct harness *h, const struct person *who, const char *key, char *out);
void answer(struct harness *h, const struct person *who, const char *poll, const char *what);
