/* Structured log lines: a stable event name and key=value pairs. Never keys, tokens, addresses or
 * people's names. The sink (lib/host) adds the time, and limits each event to ten lines a second.
 */
#pragma once

#include "base/check.h"

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_TRACE
};

struct log_sink {
    enum log_level level; /* lines above it are not written */
    void (*write)(void *context, enum log_level level, const char *event, const char *line);
    void *context;
};

#define LOG_TAG_BYTES 64
#define LOG_LINE_BYTES 512

/* Copied by value; borrows the sink, which outlives it. A NULL sink is silent. */
struct log {
    const struct log_sink *sink;
    char tag[LOG_TAG_BYTES]; /* "room=12 participant=7", or empty */
};

/* The same sink with its own context, e.g. log_with(parent, "shard=%u", n). */
PRINTF_LIKE(2, 3) struct log log_with(const struct log *parent, const char *format, ...);

PRINTF_LIKE(4, 5)
void log_write(const struct log *log, enum log_level level, const char *event, const char *format,
               ...);

const char *log_level_name(enum log_level level);

#define log_error(log, event, ...) log_write(log, LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warn(log, event, ...) log_write(log, LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_info(log, event, ...) log_write(log, LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(log, event, ...) log_write(log, LOG_LEVEL_DEBUG, event, __VA_ARGS__)
#define log_trace(log, event, ...) log_write(log, LOG_LEVEL_TRACE, event, __VA_ARGS__)
