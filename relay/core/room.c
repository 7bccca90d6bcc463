#include "relay/core/room.h"

enum status room_add_listener(struct room *room, struct subscription *s)
{
    struct room_listeners *l = &room->listeners[s->slot];
    if (l->count == l->capacity) {
        uint32_t capacity = l->capacity == 0 ? 16 : l->capacity * 2;
        struct subscription **more = realloc(l->list, capacity * sizeof(struct subscription *));
        if (more == NULL)
            return STATUS_NO_MEMORY;
        l->list = more;
        l->capacity = capacity;
    }
    s->room_place = l->count;
    l->list[l->count++] = s;
    return STATUS_OK;
}

void room_remove_listener(struct room *room, struct subscription *s)
{
    struct room_listeners *l = &room->listeners[s->slot];
    CHECK(s->room_place < l->count && l->list[s->room_place] == s);
    l->list[s->room_place] = l->list[--l->count];
    l->list[s->room_place]->room_place = s->room_place;
}

void room_destroy(struct room *room)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++)
        free(room->listeners[slot].list);
    memset(room->listeners, 0, sizeof room->listeners);
}
