/* One class's media on one shard: who is in it here, and who listens to which slot. */
#pragma once

#include "base/pool.h"
#include "relay/core/publication.h"

struct room_listeners {
    struct subscription **list; /* dense, for the forwarding loop; owned */
    uint32_t count, capacity;
};

struct room {
    struct pool_handle handle;
    uint64_t id;
    uint64_t members_on;                        /* bit n: shard n has participants of it */
    uint32_t members;                           /* here */
    struct publication *slots[ROOM_SLOT_COUNT]; /* borrowed from the shard's table; NULL: nobody */
    struct publication_ref
        refs[ROOM_SLOT_COUNT]; /* as the director said, also where nothing has come yet */
    uint32_t homes[ROOM_SLOT_COUNT];
    struct room_listeners listeners[ROOM_SLOT_COUNT]; /* who gets everything */
    struct room_listeners thinned[ROOM_SLOT_COUNT];   /* who gets less: see thinning.c */
    uint32_t thin_voices;                   /* subscriptions that get a voice thin, or are to */
    uint32_t thin_pending[ROOM_SLOT_COUNT]; /* of them: in the wrong one of the two lists */
};

MUST_CHECK enum status room_add_listener(struct room *room, struct subscription *s);
void room_remove_listener(struct room *room, struct subscription *s);
/* From one list to the other, and notes it in `s`. STATUS_NO_MEMORY: it stays. */
MUST_CHECK enum status room_move_listener(struct room *room, struct subscription *s, bool thinned);
void room_destroy(struct room *room);
