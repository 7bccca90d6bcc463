/* Signaling comes and goes: what each side knows is compared and made equal
 * (docs/control-protocol.md). */
#include "relay/core/director_private.h"

static void tell_slots(struct director *d, const struct director_room *room)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (room->slots[slot].ref.participant == 0)
            continue;
        struct control_message *m = director_tell(d, CONTROL_SLOT_BOUND);
        if (m != NULL)
            m->slot_bound = (struct control_slot_bound){room->id, (enum room_slot)slot,
                                                        room->slots[slot].ref.participant};
    }
}

static void tell_publications(struct director *d, const struct director_participant *p)
{
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        struct control_message *m =
            p->present && p->active[slot] ? director_tell(d, CONTROL_PUBLICATION) : NULL;
        if (m != NULL)
            m->publication =
                (struct control_publication){p->id, (enum send_slot)slot, true, p->codecs[slot]};
    }
}

void director_tell_quality(struct director *d, const struct director_participant *p)
{
    struct control_message *m = director_tell(d, CONTROL_PARTICIPANT_QUALITY);
    if (m != NULL)
        m->participant_quality = (struct control_participant_quality){p->id, p->screen};
}

void director_tell_demand(struct director *d, const struct director_participant *p,
                          enum send_slot slot)
{
    struct control_message *m = director_tell(d, CONTROL_DEMAND);
    if (m != NULL)
        m->demand = (struct control_demand){p->id, slot, p->demand[slot]};
}

/* What is not as it is for most. */
static void tell_differences(struct director *d, const struct director_participant *p)
{
    if (p->present && p->screen != CONTROL_QUALITY_FULL)
        director_tell_quality(d, p);
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        if (p->present && p->demand[slot] != 0)
            director_tell_demand(d, p, (enum send_slot)slot);
    }
}

static void close_unconfirmed(struct director *d, usec_t now, struct director_participant *p)
{
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        struct control_grant closed = {p->id, (enum send_slot)slot, false, false};
        if (p->grants[slot].open && !p->grants[slot].confirmed)
            director_apply_grant(d, now, p, &closed);
    }
    if (p->aside != 0 && !p->aside_confirmed)
        director_end_aside(d, now, p);
    if (!p->present && !director_has_grants(p))
        director_forget_participant(d, now, p);
}

static void empty_unconfirmed(struct director *d, usec_t now, struct director_room *room)
{
    for (int slot = ROOM_SLOT_SCREEN; slot <= ROOM_SLOT_CAMERA_2; slot++) {
        if (room->slots[slot].ref.participant != 0 && !room->slots[slot].confirmed)
            director_room_bind(d, now, room, (enum room_slot)slot, (struct publication_ref){0});
    }
    if (director_room_is_unused(room))
        director_room_free_if_empty(d, room);
}

/* Resync's end: what signaling did not say again is not so any more; what only the relay knows is
 * told. */
void director_handle_sync_end(struct director *d, usec_t now)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct director_participant *p;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL)
        close_unconfirmed(d, now, p);
    struct director_room *room;
    at = 0;
    while ((room = pool_next(&d->rooms, &at, &handle)) != NULL)
        empty_unconfirmed(d, now, room);
    at = 0;
    while ((room = pool_next(&d->rooms, &at, &handle)) != NULL)
        tell_slots(d, room);
    at = 0;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL) {
        tell_publications(d, p);
        tell_differences(d, p);
    }
    d->synced = true;
}

void director_handle_connected(struct director *d, usec_t now)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct director_participant *p;
    (void)now;
    director_queue_clear(&d->messages);
    d->connected = true;
    d->synced = false;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL) {
        for (int slot = 0; slot < SEND_SLOT_COUNT; slot++)
            p->grants[slot].confirmed = false;
        p->aside_confirmed = false;
        struct control_message *m = p->present ? director_tell(d, CONTROL_SYNC_PARTICIPANT) : NULL;
        if (m != NULL)
            m->sync_participant =
                (struct control_sync_participant){p->room, p->id, p->session, p->state};
    }
    struct director_room *room;
    at = 0;
    while ((room = pool_next(&d->rooms, &at, &handle)) != NULL) {
        for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++)
            room->slots[slot].confirmed = false;
        room->speaker_count = 0;
    }
    (void)director_tell(d, CONTROL_SYNC_END);
}

void director_handle_disconnected(struct director *d, usec_t now)
{
    (void)now;
    d->connected = false;
    director_queue_clear(&d->messages);
}
