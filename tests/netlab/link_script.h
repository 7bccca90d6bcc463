/* The words that set an emulated line, one change per line of text:
 *
 *     [at SECONDS] [down|up] NAME VALUE [NAME VALUE]...      # comment
 *
 *     delay 30ms jitter 5ms          both directions, at once
 *     at 10 down rate 400k queue 200ms
 *     at 40 down rate 3M
 *
 * Names: delay, jitter, queue (time: us, ms or s), loss, burst-loss, reorder, duplicate (share: 5%
 * or 0.05), burst-length (packets), rate (bit/s: k or M; 0 is without limit). */
#pragma once

#include "netlab/link_model.h"

enum { LINK_CHANGE_SETTINGS_MAX = 16 };

enum link_direction {
    LINK_DOWN, /* from the first namespace to the second */
    LINK_UP,
    LINK_DIRECTION_COUNT,
};

struct link_setting {
    size_t field; /* index into the table of names */
    double value; /* in the unit of struct link_config */
};

struct link_change {
    usec_t at; /* after the line of text took effect */
    bool applies[LINK_DIRECTION_COUNT];
    size_t setting_count; /* 0: an empty line or a comment */
    struct link_setting settings[LINK_CHANGE_SETTINGS_MAX];
};

/* STATUS_MALFORMED for an unknown name or a value without sense, STATUS_LIMIT for too many
 * settings on one line. Ranges are checked by link_model_set_config. */
MUST_CHECK enum status link_script_parse_line(struct bytes line, struct link_change *out);
void link_change_apply(const struct link_change *change, struct link_config *config);
