/* A store in a file of the program's own folder: the program says its name (STORE_PATH) and
 * includes store_bench.c. */
#pragma once

#include "signaling/core/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

void remove_files(void);
struct store *open_store(void);
struct store_class add_class(struct store *store, const char *id);
/* Walker: the last one, as a struct store_participant at `context`. */
bool keep_participant(void *context, const struct store_participant *participant);
