#include "signaling/core/role_policy.h"

#include "base/check.h"

#define NO ROLE_NEVER
#define FLOOR ROLE_WITH_FLOOR
#define LEAD ROLE_WITH_LEAD
#define YES ROLE_ALWAYS

/* clang-format off */
static const enum role_answer policy[ROLE_ACTION_COUNT][ROLE_COUNT] = {
    /*                       trainer learner operator co-trainer assistant inspector */
    [ROLE_OFFER]          = {YES,    YES,    YES,     YES,       YES,      YES},
    [ROLE_SHARE]          = {YES,    FLOOR,  NO,      YES,       FLOOR,    NO},
    [ROLE_MIC]            = {YES,    YES,    YES,     YES,       YES,      NO},
    [ROLE_HAND]           = {NO,     YES,    NO,      NO,        NO,       NO},
    [ROLE_HAND_LOWER]     = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_FLOOR_GIVE]     = {YES,    NO,     NO,      YES,       NO,       NO},
    [ROLE_MUTE_ASK]       = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_MODE]           = {YES,    NO,     NO,      YES,       NO,       NO},
    [ROLE_LEAD_GIVE]      = {YES,    NO,     NO,      LEAD,      NO,       NO},
    [ROLE_LOBBY]          = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_LOCK]           = {YES,    NO,     NO,      LEAD,      NO,       NO},
    [ROLE_KICK]           = {YES,    NO,     NO,      YES,       NO,       NO},
    [ROLE_BE_PUT_OUT]     = {NO,     YES,    NO,      YES,       YES,      NO},
    [ROLE_BAN]            = {YES,    NO,     NO,      LEAD,      NO,       NO},
    [ROLE_CHAT_SEND]      = {YES,    YES,    NO,      YES,       YES,      NO},
    [ROLE_CHAT_TO_ONE]    = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_CHAT_MODERATE]  = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_POLL_RUN]       = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_POLL_ANSWER]    = {NO,     YES,    NO,      NO,        NO,       NO},
    [ROLE_PACE]           = {NO,     YES,    NO,      NO,        NO,       NO},
    [ROLE_HELP]           = {NO,     YES,    NO,      NO,        NO,       NO},
    [ROLE_HELP_ANSWER]    = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_ASIDE]          = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_HEAR_AS_STAFF]  = {YES,    NO,     NO,      YES,       YES,      NO},
    [ROLE_CLASS_END]      = {YES,    NO,     YES,     LEAD,      NO,       NO},
    [ROLE_CLASS_END_ANY]  = {NO,     NO,     YES,     NO,        NO,       NO},
    [ROLE_WATCH]          = {NO,     NO,     YES,     NO,        NO,       NO},
    [ROLE_SEE_EVERYBODY]  = {YES,    NO,     YES,     YES,       YES,      YES},
    [ROLE_BE_SEEN]        = {YES,    NO,     NO,      YES,       NO,       YES},
    [ROLE_WALK_IN]        = {YES,    NO,     YES,     YES,       YES,      YES},
    [ROLE_WALK_IN_LOCKED] = {YES,    NO,     NO,      NO,        NO,       NO},
    [ROLE_WHIP]           = {YES,    YES,    NO,      YES,       NO,       NO},
    [ROLE_WHEP]           = {YES,    YES,    YES,     YES,       YES,      YES},
};
/* clang-format on */

enum role_answer role_policy_get(enum role role, enum role_action action)
{
    CHECK(role < ROLE_COUNT && action < ROLE_ACTION_COUNT);
    return policy[action][role];
}

bool role_policy_is_allowed(enum role role, enum role_action action, struct role_standing standing)
{
    enum role_answer answer = role_policy_get(role, action);
    return answer == ROLE_ALWAYS || (answer == ROLE_WITH_FLOOR && standing.floor) ||
           (answer == ROLE_WITH_LEAD && standing.lead);
}

bool role_policy_is_always_allowed(enum role role, enum role_action action)
{
    return role_policy_get(role, action) == ROLE_ALWAYS;
}

bool role_policy_is_teaching(enum role role)
{
    return role == ROLE_TRAINER || role == ROLE_CO_TRAINER;
}

unsigned role_policy_send_slots(enum role role, enum class_mode mode, bool floor, bool muted)
{
    const unsigned voice_and_screen =
        1u << SEND_SLOT_MIC | 1u << SEND_SLOT_SCREEN | 1u << SEND_SLOT_SCREEN_AUDIO;
    if (mode == CLASS_BREAK)
        return 0;
    if (role_policy_is_teaching(role))
        return voice_and_screen | 1u << SEND_SLOT_CAMERA;
    if (role != ROLE_LEARNER && role != ROLE_ASSISTANT)
        return 0;
    if (floor)
        return voice_and_screen;
    return mode == CLASS_DISCUSSION && !muted ? 1u << SEND_SLOT_MIC : 0;
}

static const char *const role_names[ROLE_COUNT] = {"trainer",    "learner",   "operator",
                                                   "co_trainer", "assistant", "inspector"};

const char *role_name(enum role role)
{
    return role < ROLE_COUNT ? role_names[role] : "unknown";
}

bool role_find(struct bytes name, enum role *out)
{
    for (size_t i = 0; i < COUNT_OF(role_names); i++) {
        if (!bytes_equal_string(name, role_names[i]))
            continue;
        *out = (enum role)i;
        return true;
    }
    return false;
}
