/* A program's settings from ONE table: the command line, a YAML file (by libcyaml) and --help. The
 * command line wins over the file, the file over the defaults. Blocking I/O, at start only. */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTING_TEXT_BYTES 2048 /* a string's, with its zero */
#define SETTING_LIST_MAX 16     /* values of a list */
#define SETTING_ITEM_BYTES 256  /* one value's, with its zero */
#define SETTINGS_MAX 64         /* in one table */

struct setting_list {
    char items[SETTING_LIST_MAX][SETTING_ITEM_BYTES];
    size_t count;
};

enum setting_type {
    SETTING_STRING,  /* char[SETTING_TEXT_BYTES] */
    SETTING_INTEGER, /* int64_t, within min..max */
    SETTING_BOOLEAN, /* bool; --key alone means true */
    SETTING_LIST     /* struct setting_list: --key may be repeated, or one value with commas */
};

struct setting {
    const char *key; /* "media-port": --media-port on the command line, media-port: in the file */
    enum setting_type type;
    size_t offset;        /* of the value in the program's struct */
    int64_t min, max;     /* SETTING_INTEGER */
    const char *fallback; /* the default, as text; NULL: empty, 0, false */
    const char *unit;     /* for --help: "ms", "port"; NULL: none */
    const char *help;
};

struct settings_program {
    const char *name;     /* "amphi-relay" */
    const char *summary;  /* one line for --help */
    const char *usage;    /* behind the name: "[options]"; NULL the same */
    bool takes_arguments; /* words that are no options are kept, see settings_result */
};

enum settings_outcome { SETTINGS_RUN, SETTINGS_EXIT_OK, SETTINGS_EXIT_USAGE };

/* Fills `values`. --help and --version print and give SETTINGS_EXIT_OK (exit 0). Anything wrong is
 * said in one sentence on stderr (file, line, key and what was expected) and gives
 * SETTINGS_EXIT_USAGE (exit 2). Arguments that are no options are moved to
 * argv[1..*argument_count]. */
enum settings_outcome settings_load(const struct settings_program *program,
                                    const struct setting *table, size_t count, int argc,
                                    char **argv, void *values, size_t *argument_count);

/* Where the values came from, for what a program refuses after loading. Borrows program and table.
 */
struct settings_origins {
    const struct settings_program *program;
    const struct setting *table;
    size_t count;
    char file[SETTING_TEXT_BYTES]; /* "": there was none */
    bool is_from_file[SETTINGS_MAX];
};

/* settings_load() that also notes the origins. */
enum settings_outcome settings_load_noting(const struct settings_program *program,
                                           const struct setting *table, size_t count, int argc,
                                           char **argv, void *values, size_t *argument_count,
                                           struct settings_origins *origins);

/* Says on stderr that a loaded value cannot be used: "prog: FILE:LINE: key: expected …, got '…'" or
 * "prog: --key: expected …". Gives SETTINGS_EXIT_USAGE. */
enum settings_outcome settings_refuse(const struct settings_origins *origins, const char *key,
                                      const char *expected, const char *got);

/* One value from text, as both sources do it. STATUS_CONFIG, and what was expected in `expected`
 * (SETTING_ITEM_BYTES). */
MUST_CHECK enum status settings_set(const struct setting *setting, void *values, const char *text,
                                    char *expected);
