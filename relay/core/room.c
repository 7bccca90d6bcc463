#include "relay/core/room.h"

static struct room_listeners *listeners_of(struct room *room, const struct subscription *s,
                                           bool thinned)
{
    return thinned ? &room->thinned[s->slot] : &room->listeners[s->slot];
}

static enum status add(struct room_listeners *l, struct subscription *s)
{
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

static void remove_at(struct room_listeners *l, uint32_t place)
{
    l->list[place] = l->list[--l->count];
    l->list[place]->room_place = place;
}

enum status room_add_listener(struct room *room, struct subscription *s)
{
    return add(listeners_of(room, s, s->is_thinned), s);
}

void room_remove_listener(struct room *room, struct subscription *s)
{
    struct room_listeners *l = listeners_of(room, s, s->is_thinned);
    CHECK(s->room_place < l->count && l->list[s->room_place] == s);
    remove_at(l, s->room_place);
}

enum status room_move_listener(struct room *room, struct subscription *s, bool thinned)
{
    struct room_listeners *from = listeners_of(room, s, s->is_thinned);
    uint32_t place = s->room_place;
    if (thinned == s->is_thinned)
        return STATUS_OK;
    enum status status = add(listeners_of(room, s, thinned), s);
    if (status != STATUS_OK)
        return status;
    uint32_t new_place = s->room_place;
    remove_at(from, place);
    s->room_place = new_place;
    s->is_thinned = thinned;
    return STATUS_OK;
}

void room_destroy(struct room *room)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        free(room->listeners[slot].list);
        free(room->thinned[slot].list);
    }
    memset(room->listeners, 0, sizeof room->listeners);
    memset(room->thinned, 0, sizeof room->thinned);
}
