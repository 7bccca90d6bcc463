#include "signaling/core/door.h"

#include <string.h>

enum door_answer door_decide(const struct store_class *entry, struct door_caller caller)
{
    if (caller.banned)
        return DOOR_BANNED;
    if (entry->locked && !role_policy_is_always_allowed(caller.role, ROLE_WALK_IN_LOCKED))
        return DOOR_LOCKED;
    if (caller.held)
        return DOOR_WAIT;
    bool walks_in = caller.named || role_policy_is_always_allowed(caller.role, ROLE_WALK_IN);
    return entry->lobby && !walks_in ? DOOR_WAIT : DOOR_OPEN;
}

/* Without " 2", as classroom_choose_name puts it. */
static size_t size_without_number(const char *name)
{
    size_t size = strlen(name);
    size_t digits = 0;
    while (digits < size && name[size - digits - 1] >= '0' && name[size - digits - 1] <= '9')
        digits++;
    bool numbered = digits > 0 && digits + 1 < size && name[size - digits - 1] == ' ';
    return numbered ? size - digits - 1 : size;
}

void door_write_key(const struct store_invite *invite, uint64_t room, const char *name,
                    struct store_hold *out)
{
    *out = (struct store_hold){.room = room};
    memcpy(out->invite_id, invite->id, sizeof out->invite_id);
    if (invite->name[0] == '\0' && !invite->personal && !invite->single_use)
        memcpy(out->name, name, size_without_number(name));
}
