/* The rules of a class's chat: who may write to whom, who may see what, how fast, and when what was
 * written goes out. The messages themselves are the store's. Sans-IO; allocates nothing.
 *
 * A message goes out at once when none has for CHAT_HOLD_US, otherwise together with the others of
 * that time: a thousand learners who all write their name cost a few writes each, not a thousand.
 * Of a burst CHAT_AT_ONCE go out each time, so that what else is said meanwhile does not wait
 * behind all of it.
 */
#pragma once

#include "signaling/core/rate_limit.h"
#include "signaling/core/store.h"

struct chat {
    struct rate_limit learners; /* all of a class together */
    uint64_t message_count;     /* kept for this class, deleted ones too */
    uint64_t last_id, said_id;  /* newest message; newest that was handed out */
    usec_t due, said_at;        /* USEC_NEVER: nothing to hand out */
};

void chat_init(struct chat *chat);
/* After a restart: everything up to `last_id` has been handed out or is in the history. */
void chat_restore(struct chat *chat, uint64_t last_id, uint64_t count);

/* Whether one more may be written now; counts it. `mine` is the author's own limit. */
MUST_CHECK enum status chat_take_place(struct chat *chat, usec_t now, struct rate_limit *mine,
                                       bool staff);
void chat_note_message(struct chat *chat, usec_t now, uint64_t id);
/* True when messages after *after are to be handed out now, all of them. */
bool chat_poll_due(struct chat *chat, usec_t now, uint64_t *after);
/* But only those up to `last` were: the others are due CHAT_HOLD_US later. */
void chat_hold_rest(struct chat *chat, uint64_t last);

/* The one rule of who sees a message. `staff`: whether the viewer is. */
bool chat_may_see(uint64_t viewer, bool staff, uint64_t author, int64_t recipient);
