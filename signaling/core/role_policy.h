/* Which role may do what: one table, asked by the dispatcher, the HTTP side and the classroom. */
#pragma once

#include "base/bytes.h"
#include "base/media.h"

enum role { ROLE_TRAINER, ROLE_LEARNER, ROLE_OPERATOR, ROLE_COUNT };

/* `FLOOR` in the table means: only while having the floor. */
enum role_action {
    ROLE_OFFER,
    ROLE_SHARE,
    ROLE_MIC,
    ROLE_HAND,
    ROLE_FLOOR_GIVE, /* and take, and mute_all */
    ROLE_CLASS_END,
    ROLE_CLASS_END_ANY, /* a class other than one's own */
    ROLE_WATCH,
    ROLE_SEE_EVERYBODY,
    ROLE_WHIP,
    ROLE_WHEP,
    ROLE_ACTION_COUNT
};

enum role_answer { ROLE_NEVER, ROLE_WITH_FLOOR, ROLE_ALWAYS };

enum role_answer role_policy_get(enum role role, enum role_action action);
bool role_policy_is_allowed(enum role role, enum role_action action, bool floor);

/* The send slots that are open for this role, with or without the floor, as a bit per send slot.
 * The one place where it is decided who may be heard and seen. */
unsigned role_policy_send_slots(enum role role, bool floor);
/* Whether its voice keeps a room slot of its own. */
bool role_policy_is_voice_reserved(enum role role);

const char *role_name(enum role role);
bool role_find(struct bytes name, enum role *out);
