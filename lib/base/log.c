#include "base/log.h"

#include <stdarg.h>
#include <string.h>

struct log log_with(const struct log *parent, const char *format, ...)
{
    struct log child = *parent;
    size_t used = strlen(child.tag);
    if (used > 0 && used + 1 < sizeof child.tag)
        child.tag[used++] = ' ';
    va_list args;
    va_start(args, format);
    vsnprintf(child.tag + used, sizeof child.tag - used, format, args);
    va_end(args);
    return child;
}

/* What a peer sent may stand in a value: a line stays one line. */
static void replace_control_characters(char *line)
{
    for (char *at = line; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
}

void log_write(const struct log *log, enum log_level level, const char *event, const char *format,
               ...)
{
    if (log == NULL || log->sink == NULL || level > log->sink->level)
        return;
    char line[LOG_LINE_BYTES];
    size_t used = 0;
    if (log->tag[0] != '\0')
        used = (size_t)snprintf(line, sizeof line, "%s ", log->tag);
    va_list args;
    va_start(args, format);
    vsnprintf(line + used, sizeof line - used, format, args);
    va_end(args);
    replace_control_characters(line);
    log->sink->write(log->sink->context, level, event, line);
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    return (size_t)level < COUNT_OF(names) ? names[level] : "unknown";
}
