/* What the two sources of settings share. Private to lib/host/settings*.c. */
#pragma once

#include "base/check.h"
#include "host/settings.h"

/* Where a value came from decides whether the next one adds to a list or replaces it. */
enum settings_source {
    SETTINGS_FROM_NOWHERE,
    SETTINGS_FROM_DEFAULT,
    SETTINGS_FROM_FILE,
    SETTINGS_FROM_COMMAND_LINE
};

struct settings_loading {
    const struct settings_program *program;
    const struct setting *table;
    size_t count;
    uint8_t *values;
    enum settings_source sources[SETTINGS_MAX];
    const char *file; /* NULL: none */
};

/* Says what is wrong on stderr. */
PRINTF_LIKE(2, 3)
enum settings_outcome settings_complain(const struct settings_loading *l, const char *format, ...);

/* Replaces what a weaker source said, and is silent where a stronger one has spoken; a list grows
 * within one source. `expected` as in settings_set. */
MUST_CHECK enum status settings_set_from(struct settings_loading *l, size_t index, const char *text,
                                         enum settings_source source, char *expected);

/* The line on which a top-level key stands; 0: none. */
unsigned settings_find_line(const char *path, const char *key);

enum settings_outcome settings_load_file(struct settings_loading *l, const char *path);
