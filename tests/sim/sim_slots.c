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

static void end_aside(struct sim *sim, int who)
{
    int with = sim->asides[who].with;
    if (with < 0)
        return;
    sim->asides[who].with = sim->asides[with].with = -1;
    sim->asides[who].ended_at = sim->asides[with].ended_at = sim->clock.now;
}

static void begin_aside(struct sim *sim, int who, int with)
{
    sim->asides[who].said_at = sim->asides[with].said_at = sim->clock.now;
    if (sim->asides[who].with == with)
        return;
    end_aside(sim, who);
    end_aside(sim, with);
    sim->asides[who].with = sim->asides[who].last = with;
    sim->asides[with].with = sim->asides[with].last = who;
    sim->asides[who].began_at = sim->asides[with].began_at = sim->clock.now;
}

/* What signaling did not say again with this link is over. */
static void end_unsaid_asides(struct sim *sim)
{
    for (int i = 0; i < sim->participant_count; i++) {
        if (sim->asides[i].with >= 0 && sim->asides[i].said_at < sim->control.opened_at)
            end_aside(sim, i);
    }
}

static void note_aside(struct sim *sim, const struct control_aside *aside)
{
    int who = number_of(sim, aside->participant);
    int with = aside->with != 0 ? number_of(sim, aside->with) : -1;
    if (who >= 0 && with >= 0)
        begin_aside(sim, who, with);
    else if (who >= 0)
        end_aside(sim, who);
}

void sim_slots_note_order(struct sim *sim, const struct control_message *m)
{
    int who = -1;
    if (m->type == CONTROL_SYNC_END)
        end_unsaid_asides(sim);
    if (m->type == CONTROL_ASIDE)
        note_aside(sim, &m->aside);
    if (m->type == CONTROL_GRANT)
        who = number_of(sim, m->grant.participant);
    if (who >= 0)
        set_slot(sim, who, m->grant.slot, m->grant.open);
    if (m->type == CONTROL_PARTICIPANT_REMOVE)
        who = number_of(sim, m->participant_remove.participant);
    if (who >= 0 && m->type == CONTROL_PARTICIPANT_REMOVE) {
        close_all(sim, who);
        end_aside(sim, who);
    }
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
    if (type != NULL && strcmp(type, "aside") == 0 && json_is_null(json_object_get(m, "with")))
        end_aside(sim, p->number);
    json_decref(m);
}

/* What was said while both of a pair were in it, from when the relay knew until it was told that it
 * is over, is for the other one. */
static bool is_for_another(const struct sim *sim, int publisher, int listener, usec_t sent_at)
{
    const struct sim_aside *a = &sim->asides[publisher];
    if (a->last < 0 || a->last == listener)
        return false;
    usec_t end = a->with >= 0 ? USEC_NEVER : a->ended_at;
    return sent_at > a->began_at + ORDER_US && sent_at < end;
}

bool sim_is_forbidden(const struct sim *sim, int publisher, int listener, bool video,
                      usec_t sent_at)
{
    const struct sim_slot *s = &sim->slots[publisher][video ? SEND_SLOT_SCREEN : SEND_SLOT_MIC];
    if (!sim_control_is_up(sim))
        return false;
    bool known = sent_at > sim->control.good_since;
    if (known && !video && is_for_another(sim, publisher, listener, sent_at))
        return true;
    if (s->open || (!video && sim->asides[publisher].with == listener))
        return false;
    usec_t closed_at = s->closed_at;
    if (!video && sim->asides[publisher].last == listener)
        closed_at = usec_max(closed_at, sim->asides[publisher].ended_at);
    return sent_at > usec_max(closed_at + ORDER_US, sim->control.good_since);
}
