#include "signaling/core/role_policy.h"

#include "base/check.h"

#define NO ROLE_NEVER
#define FLOOR ROLE_WITH_FLOOR
#define YES ROLE_ALWAYS

static const enum role_answer policy[ROLE_ACTION_COUNT][ROLE_COUNT] = {
    /*                       trainer learner operator */
    [ROLE_OFFER] = {YES, YES, YES},        [ROLE_SHARE] = {YES, FLOOR, NO},
    [ROLE_MIC] = {YES, YES, YES},          [ROLE_HAND] = {NO, YES, NO},
    [ROLE_FLOOR_GIVE] = {YES, NO, NO},     [ROLE_CLASS_END] = {YES, NO, YES},
    [ROLE_CLASS_END_ANY] = {NO, NO, YES},  [ROLE_WATCH] = {NO, NO, YES},
    [ROLE_SEE_EVERYBODY] = {YES, NO, YES}, [ROLE_WHIP] = {YES, YES, NO},
    [ROLE_WHEP] = {YES, YES, YES},
};

enum role_answer role_policy_get(enum role role, enum role_action action)
{
    CHECK(role < ROLE_COUNT && action < ROLE_ACTION_COUNT);
    return policy[action][role];
}

bool role_policy_is_allowed(enum role role, enum role_action action, bool floor)
{
    enum role_answer answer = role_policy_get(role, action);
    return answer == ROLE_ALWAYS || (answer == ROLE_WITH_FLOOR && floor);
}

unsigned role_policy_send_slots(enum role role, bool floor)
{
    const unsigned voice_and_screen =
        1u << SEND_SLOT_MIC | 1u << SEND_SLOT_SCREEN | 1u << SEND_SLOT_SCREEN_AUDIO;
    if (role == ROLE_TRAINER)
        return voice_and_screen | 1u << SEND_SLOT_CAMERA;
    return role == ROLE_LEARNER && floor ? voice_and_screen : 0;
}

bool role_policy_is_voice_reserved(enum role role)
{
    return role == ROLE_TRAINER;
}

static const char *const role_names[] = {"trainer", "learner", "operator"};

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
