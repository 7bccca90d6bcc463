/* The part of the classroom that is about talking: the help bell, the chat's door, who is reached.
 */
#include "signaling/core/classroom_private.h"

/* Told from here on, and again when it is another by so much. */
#define VOICE_LOSS_TOLD_PERMILLE 30
#define VOICE_LOSS_APART_PERCENT 3

void classroom_set_chat_open(struct classroom *classroom, bool open)
{
    if (classroom->record.chat_closed == !open)
        return;
    classroom->record.chat_closed = !open;
    classroom->unsaved = true;
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_CLASS});
}

void classroom_set_help(struct classroom *classroom, struct participant *p, bool on,
                        int64_t unix_ms)
{
    if ((p->record.help_ms != 0) == on)
        return;
    p->record.help_ms = on ? unix_ms : 0;
    p->record.helper = 0;
    p->unsaved = true;
    classroom_person_changed(classroom, p);
}

void classroom_set_helper(struct classroom *classroom, struct participant *p, uint64_t helper)
{
    if (p->record.helper == helper)
        return;
    p->record.helper = helper;
    p->unsaved = true;
    classroom_person_changed(classroom, p);
}

/* Whoever was coming has left: the bell rings on, for somebody else to answer. */
void classroom_forget_helper(struct classroom *classroom, uint64_t helper)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->record.helper == helper)
            classroom_set_helper(classroom, p, 0);
    }
}

/* --- Who is reached */

struct delivery_state participant_get_delivery(const struct participant *p)
{
    return delivery_judge(p->media == MEDIA_CONNECTED, p->classroom->slots[ROOM_SLOT_SCREEN] != 0,
                          p->screen, &p->delivered, p->claim);
}

void classroom_set_claim(struct classroom *classroom, struct participant *p,
                         struct delivery_claim claim)
{
    if (p->claim.sound != claim.sound || p->claim.picture != claim.picture)
        classroom_announce(classroom, ANNOUNCE_DELIVERY);
    p->claim = claim;
}

void classroom_set_voice_loss(struct classroom *classroom, struct participant *p, uint32_t permille)
{
    unsigned told = p->voice_lost_percent;
    unsigned lost = permille >= VOICE_LOSS_TOLD_PERMILLE ? (permille + 5) / 10 : 0;
    unsigned apart = lost > told ? lost - told : told - lost;
    if (apart < VOICE_LOSS_APART_PERCENT && (lost == 0) == (told == 0))
        return;
    p->voice_lost_percent = lost;
    for (size_t slot = ROOM_SLOT_VOICE_0; slot <= ROOM_SLOT_VOICE_2; slot++) {
        if (classroom->slots[slot] == p->record.id)
            classroom_announce(classroom, ANNOUNCE_SLOTS);
    }
}

void classroom_forget_delivered(struct classroom *classroom)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next)
        p->delivered = (struct control_delivery){0};
    classroom_announce(classroom, ANNOUNCE_DELIVERY);
}

void classroom_set_delivered(struct classroom *classroom, struct participant *p,
                             const struct control_delivery *delivered)
{
    struct delivery_state before = participant_get_delivery(p);
    p->delivered = *delivered;
    if (!delivery_is_equal(before, participant_get_delivery(p)))
        classroom_announce(classroom, ANNOUNCE_DELIVERY);
}
