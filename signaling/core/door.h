/* Who may come in, and how: one decision, asked of everybody who shows an invite. Pure. */
#pragma once

#include "signaling/core/store.h"

enum door_answer {
    DOOR_OPEN,
    DOOR_WAIT, /* in the lobby, until staff decides */
    DOOR_LOCKED,
    DOOR_BANNED
};

struct door_caller {
    enum role role;
    bool named; /* the invite says who it is: on the roster */
    bool held;  /* was put out or sent back, and nobody has let it in since */
    bool banned;
};

enum door_answer door_decide(const struct store_class *entry, struct door_caller caller);

/* What a hold goes by: nothing but the invite where that is one person's, else the invite and the
 * name, without the number that tells two of a name apart ("Aïcha 2" is "Aïcha"). */
void door_write_key(const struct store_invite *invite, uint64_t room, const char *name,
                    struct store_hold *out);
