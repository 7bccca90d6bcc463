/* amphi-ctl's arguments as a request to the API: no I/O, so that a test can look at every form. */
#pragma once

#include "base/status.h"

#include <jansson.h>
#include <stdbool.h>

#define COMMAND_PATH_BYTES 512
#define COMMAND_ERROR_BYTES 256

enum command_view {
    VIEW_CLASSES,
    VIEW_CLASS,
    VIEW_INVITES,
    VIEW_INVITE,
    VIEW_PARTICIPANTS,
    VIEW_PARTICIPANT,
    VIEW_HEALTH,
    VIEW_TEXT, /* as it comes */
    VIEW_NOTHING
};

enum command_kind { COMMAND_CALL, COMMAND_HELP, COMMAND_VERSION };

struct command {
    enum command_kind kind;
    const char *method;
    char path[COMMAND_PATH_BYTES]; /* identifiers percent-encoded */
    json_t *body;                  /* NULL: none */
    enum command_view view;
    bool json;                                    /* --json */
    bool needs_no_key;                            /* health, metrics */
    const char *url, *key, *key_file, *ca, *data; /* as given; NULL */
};

/* STATUS_CONFIG for a bad argument, in words in error (COMMAND_ERROR_BYTES). */
MUST_CHECK enum status command_parse(int argc, char **argv, struct command *out, char *error);
void command_destroy(struct command *command);
extern const char command_usage[];
