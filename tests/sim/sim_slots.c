/* Which send slots are open as signaling rules it, and the check of what was heard against it. */
#include "sim/sim_private.h"

#include <jansson.h>

/* How long after it was closed a slot may still let through what was sent: the order's way to the
 * relay, and one turn. */
#define ORDER_US (SIM_CONTROL_DELAY_US + 1000)

static int number_of(const struct sim *sim, uint64_t id)
{
    for (int i = 0; i < sim->participant_count; i++) {
        if (sim->participants[i]->id == id)
            return i;
    }
    return -1;
}

static void set_slot(struct sim *sim, int who, enum send_slot slot, bool open)
{
    struct sim_slot *s = &sim->slots[who][slot];
    if (s->open && !open)
        s->closed_at = sim->clock.now;
    s->open = open;
}

static void close_all(struct sim *sim, int who)
{
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++)
        set_slot(sim, who, (enum send_slot)slot, false);
}

void sim_slots_note_order(struct sim *sim, const struct control_message *m)
{
    int who = -1;
    if (m->type == CONTROL_GRANT)
        who = number_of(sim, m->grant.participant);
    if (who >= 0)
        set_slot(sim, who, m->grant.slot, m->grant.open);
    if (m->type == CONTROL_PARTICIPANT_REMOVE)
        who = number_of(sim, m->participant_remove.participant);
    if (who >= 0 && m->type == CONTROL_PARTICIPANT_REMOVE)
        close_all(sim, who);
    for (int i = 0; m->type == CONTROL_ROOM_CLOSE && i < sim->participant_count; i++)
        close_all(sim, i);
}

/* While the control link is down no order is given, but people are told. */
void sim_slots_note_text(struct sim *sim, const struct sim_participant *p, struct bytes text)
{
    json_t *m = json_loadb((const char *)text.data, text.size, 0, NULL);
    const char *type = json_string_value(json_object_get(m, "type"));
    bool taken =
        type != NULL && strcmp(type, "floor") == 0 && json_is_false(json_object_get(m, "granted"));
    bool gone = type != NULL && (strcmp(type, "class_ended") == 0 || strcmp(type, "goodbye") == 0);
    if (taken || gone)
        close_all(sim, p->number);
    json_decref(m);
}

bool sim_is_forbidden(const struct sim *sim, int publisher, bool video, usec_t sent_at, usec_t now)
{
    const struct sim_slot *s = &sim->slots[publisher][video ? SEND_SLOT_SCREEN : SEND_SLOT_MIC];
    if (s->open || !sim_control_is_up(sim))
        return false;
    (void)now;
    return sent_at > usec_max(s->closed_at + ORDER_US, sim->control.good_since);
}
