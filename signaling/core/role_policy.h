/* Which role may do what: one table, asked by the dispatcher, the HTTP side and the classroom. */
#pragma once

#include "base/media.h"
#include "signaling/core/class_mode.h"

enum role {
    ROLE_TRAINER,
    ROLE_LEARNER,
    ROLE_OPERATOR,
    ROLE_CO_TRAINER, /* a trainer who leads only when the lead was handed over */
    ROLE_ASSISTANT,  /* queue, lobby, chat, help; no voice of its own */
    ROLE_INSPECTOR,  /* seen by all, sees all, does nothing */
    ROLE_COUNT
};

enum role_action {
    ROLE_OFFER,
    ROLE_SHARE,
    ROLE_MIC,
    ROLE_HAND,
    ROLE_HAND_LOWER, /* somebody else's */
    ROLE_FLOOR_GIVE, /* and take, next, mute, mute_all */
    ROLE_MUTE_ASK,
    ROLE_MODE,
    ROLE_LEAD_GIVE,
    ROLE_LOBBY, /* switch it, admit, refuse, see who waits */
    ROLE_LOCK,
    ROLE_KICK,       /* and send back to the lobby */
    ROLE_BE_PUT_OUT, /* by a participant: kicked, sent back, banned */
    ROLE_BAN,
    ROLE_CHAT_SEND,
    ROLE_CHAT_TO_ONE,
    ROLE_CHAT_MODERATE, /* answer, delete, open and close; write when it is closed */
    ROLE_POLL_RUN,
    ROLE_POLL_ANSWER,
    ROLE_PACE,
    ROLE_HELP,
    ROLE_HELP_ANSWER,
    ROLE_ASIDE,         /* begin one; either of the two may end it */
    ROLE_HEAR_AS_STAFF, /* whatever is said to staff: queue, questions, results, pace */
    ROLE_CLASS_END,
    ROLE_CLASS_END_ANY, /* a class other than one's own */
    ROLE_WATCH,
    ROLE_SEE_EVERYBODY,
    ROLE_BE_SEEN, /* by name, by everybody */
    ROLE_WALK_IN, /* past the lobby */
    ROLE_WALK_IN_LOCKED,
    ROLE_WHIP,
    ROLE_WHEP,
    ROLE_ACTION_COUNT
};

enum role_answer { ROLE_NEVER, ROLE_WITH_FLOOR, ROLE_WITH_LEAD, ROLE_ALWAYS };

/* What a participant has beside its role. */
struct role_standing {
    bool floor, lead;
};

enum role_answer role_policy_get(enum role role, enum role_action action);
bool role_policy_is_allowed(enum role role, enum role_action action, struct role_standing standing);
/* Whatever its standing. */
bool role_policy_is_always_allowed(enum role role, enum role_action action);

/* The send slots that are open in this mode, with or without the floor, as a bit per send slot.
 * The one place where it is decided who may be heard and seen. `muted` closes a microphone that
 * only the mode had opened. */
unsigned role_policy_send_slots(enum role role, enum class_mode mode, bool floor, bool muted);
/* Whether it is heard and seen by right: needs no floor, and cannot be given or muted. */
bool role_policy_is_teaching(enum role role);

const char *role_name(enum role role);
bool role_find(struct bytes name, enum role *out);
