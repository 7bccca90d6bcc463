/* Asides: staff and one learner who speak in private. Their microphones are not granted then, and
 * go to the other one alone by an order of its own: a relay that does not know it, or has lost it,
 * lets nobody hear them. */
#include "signaling/core/classroom_private.h"

struct participant *classroom_find_aside(const struct participant *p)
{
    struct participant *with =
        p->record.aside != 0 ? classroom_find(p->classroom, p->record.aside) : NULL;
    return with != NULL && with->record.aside == p->record.id ? with : NULL;
}

static void tell_relay(struct classroom *classroom, const struct participant *p, uint64_t with)
{
    classroom_push(classroom, (struct classroom_change){
                                  .type = CHANGE_ASIDE, .participant = p->record.id, .by = with});
}

void classroom_repeat_aside(struct classroom *classroom, const struct participant *p)
{
    const struct participant *with = classroom_find_aside(p);
    if (with != NULL && p->transport_wanted && with->transport_wanted)
        tell_relay(classroom, p, with->record.id);
}

/* The relay first; and of the aside before its rights, lest its page believes that nobody hears it.
 */
static void tell(struct classroom *classroom, struct participant *p, uint64_t by)
{
    classroom_refresh_grants(classroom, p);
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_ASIDE_TOLD,
                                                        .participant = p->record.id,
                                                        .by = by});
    classroom_refresh_rights(classroom, p);
    classroom_person_changed(classroom, p);
}

static void set(struct participant *p, uint64_t with)
{
    p->record.aside = with;
    p->unsaved = true;
    if (with != 0)
        return;
    /* What its page does with the microphone now it has to say anew. One that is away still sends
     * what is meant for one, and is not heard by the class before it has. */
    p->mic_on = p->mic_on && role_policy_is_teaching(p->record.role);
    p->mic_held = p->mic_held || !p->here;
}

enum status classroom_start_aside(struct classroom *classroom, struct participant *staff,
                                  struct participant *learner)
{
    bool possible = classroom->record.clock.mode == CLASS_PRACTICAL && staff->record.aside == 0 &&
                    learner->record.aside == 0 && learner->record.role == ROLE_LEARNER &&
                    staff->here && learner->here && staff->record.kind == PARTICIPANT_PAGE &&
                    learner->record.kind == PARTICIPANT_PAGE;
    if (!possible)
        return STATUS_STATE;
    set(staff, learner->record.id);
    set(learner, staff->record.id);
    /* What the class hears of them is closed before they hear each other. */
    classroom_refresh_grants(classroom, staff);
    classroom_refresh_grants(classroom, learner);
    classroom_repeat_aside(classroom, staff);
    if (learner->record.help_ms != 0)
        learner->record.helper = staff->record.id;
    tell(classroom, staff, staff->record.id);
    tell(classroom, learner, staff->record.id);
    return STATUS_OK;
}

void classroom_end_aside(struct classroom *classroom, struct participant *p, uint64_t by)
{
    struct participant *with = classroom_find_aside(p);
    if (p->record.aside == 0)
        return;
    tell_relay(classroom, p, 0);
    set(p, 0);
    if (with != NULL)
        set(with, 0);
    tell(classroom, p, by);
    if (with != NULL)
        tell(classroom, with, by);
}
