/* The log sink of the services: one line on stderr per event,
 * "2026-11-23T17:04:05.123Z info event tag key=value". At most ten lines a second of one event;
 * what is left out is counted and said in a line of its own by the first line of a later second.
 * Any thread may write; none waits for whoever reads stderr: a full pipe loses lines. */
#pragma once

#include "base/log.h"

#include <stdbool.h>

struct log_stderr; /* holds the counts; lives as long as the sink is used */

/* NULL when out of memory. */
struct log_stderr *log_stderr_create(enum log_level level);
void log_stderr_free(struct log_stderr *l);
struct log log_stderr_get(struct log_stderr *l);

/* "error", "warn", "info", "debug", "trace" */
bool log_level_find(const char *name, enum log_level *out);
