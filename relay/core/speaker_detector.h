/* Who is talking, from audio levels (RFC 6464): smoothed loudness per voice, with hysteresis.
 * Sans-IO. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levels are in -dBov: 0 is loudest, 127 silence. */
#define SPEAKER_LOUD_LEVEL 40   /* at least this loud counts as speech */
#define SPEAKER_ON_US 60000     /* loud for this long: speaking */
#define SPEAKER_OFF_US 500000   /* quiet for this long: not any more */
#define SPEAKER_TAKE_DB 6       /* a challenger must be this much louder */
#define SPEAKER_HOLD_US 1000000 /* a voice keeps its slot for at least this long */

/* Zero-initialised is silent. */
struct speaker {
    uint8_t level; /* smoothed */
    bool has_level;
    bool speaking;
    usec_t loud_since; /* 0: not loud */
    usec_t loud_at;    /* last loud instant */
};

void speaker_handle_level(struct speaker *s, usec_t now, uint8_t level);
/* Without levels for a while a speaker falls silent: call before looking. */
void speaker_handle_timeout(struct speaker *s, usec_t now);

/* Whether `challenger` may take the slot that `holder` has had since `since`. */
bool speaker_may_take(const struct speaker *challenger, const struct speaker *holder, usec_t now,
                      usec_t since);
