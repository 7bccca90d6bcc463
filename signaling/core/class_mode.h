/* What a class is doing now, and how long it has been at work. A mode says by itself whose
 * microphones are open (role_policy.h has the table); this module keeps the clock. Times are
 * milliseconds since 1970, because they are shown and kept. Sans-IO; embedded in the classroom. */
#pragma once

#include "base/bytes.h"

enum class_mode {
    CLASS_LECTURE,    /* the trainer speaks; hands up */
    CLASS_DISCUSSION, /* every microphone is open */
    CLASS_PRACTICAL,  /* learners work; a bell calls for help */
    CLASS_QUIZ,
    CLASS_BREAK, /* no media at all; the clock of realised time stands */
    CLASS_MODE_COUNT
};

#define CLASS_BREAK_MINUTES_MAX 240

struct class_clock {
    enum class_mode mode;
    int64_t since_ms;    /* of this mode */
    int64_t until_ms;    /* of a break with an end; 0: none */
    int64_t counted_ms;  /* realised before `counting_ms` */
    int64_t counting_ms; /* 0: it stands still */
};

/* The first arrival: a class that nobody entered realises nothing. Later calls do nothing. */
void class_clock_start(struct class_clock *clock, int64_t now_ms);
/* `minutes` counts for a break only; 0: without an end. */
void class_clock_set_mode(struct class_clock *clock, enum class_mode mode, int64_t minutes,
                          int64_t now_ms);
/* The end of the class. */
void class_clock_stop(struct class_clock *clock, int64_t now_ms);
int64_t class_clock_realised_ms(const struct class_clock *clock, int64_t now_ms);

const char *class_mode_name(enum class_mode mode);
bool class_mode_find(struct bytes name, enum class_mode *out);
