/* One poll or quiz question: what is asked, who answered what, the results. Deterministic, without
 * I/O; what it must not forget is the store's.
 *
 *     open --> closed     shown is apart from that: results may be shown from the start, and hidden
 *
 * Answers are anonymous to everybody but the one who gave them: results are numbers and texts. */
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"
#include "signaling/core/limits.h"

enum poll_kind { POLL_SINGLE, POLL_MULTIPLE, POLL_TEXT, POLL_SCALE, POLL_KIND_COUNT };

struct poll_question {
    enum poll_kind kind;
    char question[POLL_QUESTION_BYTES];
    size_t text_count; /* single, multiple: the options; text: the right texts, may be none */
    char texts[LIMIT_POLL_OPTIONS][POLL_OPTION_BYTES];
    unsigned correct; /* single, multiple: a bit per right option; 0: none is known */
    int min, max;     /* scale */
};

struct poll_answer {
    uint64_t participant;
    unsigned choices; /* a bit per option; scale: the bit of value - min */
    char *text;       /* text: owned; else NULL */
};

struct poll {
    uint64_t id;
    struct poll_question question;
    int64_t at_ms, closed_ms; /* 0: open */
    bool shown;
    struct poll_answer *answers; /* in the order of the first answer of each */
    size_t answer_count, answer_capacity;
    size_t answered; /* how many people, also once answers are forgotten */
    size_t counts[LIMIT_POLL_OPTIONS];
};

enum poll_mark { POLL_UNKNOWN, POLL_RIGHT, POLL_WRONG };

/* Whether a question is complete: as many options as its kind needs, a scale of a size. */
bool poll_question_is_valid(const struct poll_question *question);
/* How many counts its results have: options, or values of a scale. */
size_t poll_question_count(const struct poll_question *question);
bool poll_question_has_right_answer(const struct poll_question *question);

/* Takes a copy of `question`, which is valid. */
void poll_init(struct poll *poll, uint64_t id, const struct poll_question *question, int64_t at_ms);
void poll_destroy(struct poll *poll);

/* Turns what somebody sent into bits: STATUS_MALFORMED when it does not answer this question: no
 * choice, one twice or outside, several where one is asked for, a value off the scale. */
MUST_CHECK enum status poll_read_choices(const struct poll_question *question,
                                         const int64_t *choices, size_t count, unsigned *out);
MUST_CHECK enum status poll_read_value(const struct poll_question *question, int64_t value,
                                       unsigned *out);

/* The last answer of a participant counts. `text` is copied; NULL for kinds without. STATUS_STATE
 * once closed, STATUS_LIMIT past LIMIT_POLL_ANSWERS people, STATUS_NO_MEMORY. */
MUST_CHECK enum status poll_set_answer(struct poll *poll, uint64_t participant, unsigned choices,
                                       const char *text);
const struct poll_answer *poll_find_answer(const struct poll *poll, uint64_t participant);

/* Right, wrong (a missing answer too), or unknown where the question has no right answer. Several
 * choices are right when they are exactly the right ones; texts when they are equal but for case,
 * spaces and the kind of apostrophe. */
enum poll_mark poll_mark_participant(const struct poll *poll, uint64_t participant);

void poll_close(struct poll *poll, int64_t unix_ms);
/* Who answered what is forgotten; results stay, with at most LIMIT_POLL_TEXTS texts. */
void poll_forget_answers(struct poll *poll);

const char *poll_kind_name(enum poll_kind kind);
bool poll_kind_find(struct bytes name, enum poll_kind *out);
