/* amphi-ctl's settings and words as a request to the API. */
#pragma once

#include "base/status.h"
#include "host/settings.h"

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

/* Where the server is, and what some commands take beside their identifiers; "" or 0: not given. */
struct command_settings {
    char data[SETTING_TEXT_BYTES];
    char url[SETTING_TEXT_BYTES];
    char key[SETTING_TEXT_BYTES];
    char key_file[SETTING_TEXT_BYTES];
    char ca[SETTING_TEXT_BYTES];
    char connect[SETTING_TEXT_BYTES];
    bool json;
    char title[SETTING_TEXT_BYTES];
    char role[SETTING_TEXT_BYTES];
    char name[SETTING_TEXT_BYTES];
    int64_t expires_in_s;
    bool single_use, personal;
    char mode[SETTING_TEXT_BYTES];
    int64_t minutes;
    char reason[SETTING_TEXT_BYTES];
};

struct command {
    struct command_settings settings;
    const char *method;
    char path[COMMAND_PATH_BYTES]; /* identifiers percent-encoded */
    json_t *body;                  /* NULL: none */
    enum command_view view;
    bool needs_no_key; /* health, metrics */
};

/* Anything but SETTINGS_RUN: all has been said, on stdout or stderr. */
enum settings_outcome command_load(int argc, char **argv, struct command *out);
void command_destroy(struct command *command);
