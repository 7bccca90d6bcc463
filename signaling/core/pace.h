/* How the class goes for its learners: too fast, fine, lost. Anonymous: numbers only, none under
 * PACE_ANSWERS_MIN answers, and who leaves takes nothing along (a number that falls as somebody
 * goes would name him). Answers are forgotten after PACE_FORGET_US. Nothing of it is stored.
 * Sans-IO; allocates at the first answer. */
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"
#include "base/usec.h"
#include "signaling/core/limits.h"

enum pace_value { PACE_FAST, PACE_FINE, PACE_LOST, PACE_NONE, PACE_VALUE_COUNT };

struct pace_answer {
    uint64_t participant;
    usec_t at;
    enum pace_value value;
};

struct pace_numbers {
    size_t counts[PACE_NONE];
};

/* Zero-initialised is empty. */
struct pace {
    struct pace_answer *answers; /* oldest first; LIMIT_PACE_ANSWERS */
    size_t count;
    struct pace_numbers said;
    usec_t said_at;
    bool said_ever;
};

void pace_destroy(struct pace *pace);
/* PACE_NONE takes an answer back. Past LIMIT_PACE_ANSWERS the oldest goes. */
MUST_CHECK enum status pace_set(struct pace *pace, usec_t now, uint64_t participant,
                                enum pace_value value);
/* Zeros when there are fewer than PACE_ANSWERS_MIN. */
struct pace_numbers pace_get_numbers(const struct pace *pace, usec_t now);

/* True, at most once a PACE_INTERVAL_US, when what should be shown has changed. */
bool pace_poll_change(struct pace *pace, usec_t now, struct pace_numbers *out);
usec_t pace_next_timeout(const struct pace *pace, usec_t now);

bool pace_value_find(struct bytes name, enum pace_value *out);
