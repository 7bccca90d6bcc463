/* Quiz questions from a GIFT text (the subset in docs/client-protocol.md): every question and every
 * error is handed out as it is found, in the order of the text. Sans-IO; allocates nothing.
 *
 *     // a comment
 *     ::title:: Question? { =right ~wrong #why ~wrong }       single
 *     Question? { ~%50%one ~%50%two ~%-100%three }            multiple
 *     Question? { =one =two }   Question? { }                 text
 *     Statement. { T }                                        single: true or false
 *
 * Questions are separated by blank lines. An error ends its question, not the text. */
#pragma once

#include "signaling/core/poll.h"
#include "signaling/core/sentences.h"

#define GIFT_ERROR_LIST(X)                                                                         \
    X(UNCLOSED_BRACES, "unclosed_braces")                                                          \
    X(NO_ANSWERS, "no_answers")                                                                    \
    X(NO_QUESTION, "no_question")                                                                  \
    X(MATCHING, "matching")                                                                        \
    X(NUMERIC, "numeric")                                                                          \
    X(TOO_LONG, "too_long")                                                                        \
    X(TOO_MANY, "too_many")                                                                        \
    X(BAD_WEIGHT, "bad_weight")                                                                    \
    X(BAD_TEXT, "bad_text")                                                                        \
    X(TEXT_AFTER_ANSWERS, "text_after_answers")

enum gift_error {
    GIFT_OK,
#define X(name, text) GIFT_##name,
    GIFT_ERROR_LIST(X)
#undef X
        GIFT_ERROR_COUNT
};

struct gift_sink {
    void *context;
    const char *true_text, *false_text; /* the options of a true-or-false question */
    /* Both borrow what they are given. Lines count from 1. */
    void (*on_question)(void *context, unsigned line, const struct poll_question *question);
    void (*on_error)(void *context, unsigned line, enum gift_error error);
};

/* Stops after LIMIT_GIFT_QUESTIONS questions (the next one is the error too_many) and after
 * LIMIT_GIFT_ERRORS errors. */
void gift_parse(struct bytes text, const struct gift_sink *sink);

const char *gift_error_name(enum gift_error error);
const char *gift_error_sentence(enum gift_error error, enum language language);
