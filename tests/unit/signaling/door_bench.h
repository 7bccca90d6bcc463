/* A class with a trainer at its door, for the tests of the door. */
#pragma once

#include "signaling/core/door.h"
#include "unit/signaling/harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct door_class {
    struct person trainer, inside;
    char *link; /* a learner's, for many */
};

struct door_class start_class(struct harness *h);
uint64_t knock(struct harness *h, const char *token, const char *name);
/* The id under which a socket waits; caller frees. */
char *waiting_id(struct harness *h, uint64_t connection);
void admit(struct harness *h, const struct door_class *c, uint64_t connection);
