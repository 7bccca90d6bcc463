/* What a class says to each other beside voice: chat, polls, pace. Owned by its classroom; the
 * texts go out through talk_fan_out.h. Nothing here looks at media: a class without any sound can
 * still write, ask and answer. Deterministic, without I/O. */
#pragma once

#include "signaling/core/chat.h"
#include "signaling/core/pace.h"
#include "signaling/core/poll.h"

struct talk {
    struct chat chat;
    struct pace pace;
    struct poll *polls[LIMIT_POLLS_PER_CLASS]; /* oldest first */
    size_t poll_count;
    usec_t results_due, results_said_at; /* of the open poll; USEC_NEVER: nothing to say */
    usec_t due;                          /* when talk_fan_out_due has something to do next */
};

void talk_init(struct talk *talk);
void talk_destroy(struct talk *talk);

/* The one that is open, or NULL: at most one is. */
struct poll *talk_open_poll(const struct talk *talk);
struct poll *talk_newest_poll(const struct talk *talk);
struct poll *talk_find_poll(const struct talk *talk, uint64_t id);
/* STATUS_STATE while another is open, STATUS_LIMIT past LIMIT_POLLS_PER_CLASS, STATUS_NO_MEMORY.
 * `id` is the store's. */
MUST_CHECK enum status talk_check_place(const struct talk *talk);
MUST_CHECK enum status talk_add_poll(struct talk *talk, uint64_t id,
                                     const struct poll_question *question, int64_t at_ms);

/* An answer has come: results are due within POLL_RESULTS_INTERVAL_US. */
void talk_note_answer(struct talk *talk, usec_t now);
/* True, and nothing due any more, when results should go out now. */
bool talk_poll_results_due(struct talk *talk, usec_t now);

usec_t talk_next_timeout(const struct talk *talk, usec_t now);
