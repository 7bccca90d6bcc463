/* Presence, hands, the floor, muting, modes and shares: who may be heard and seen. */
#include "signaling/core/classroom_private.h"

/* --- Presence, hand, floor, share */

void classroom_set_here(struct classroom *classroom, struct participant *p, bool here)
{
    if (p->here == here)
        return;
    p->here = here;
    if (!here)
        p->mic_on = false;
    classroom_person_changed(classroom, p);
}

static void queue_changed(struct classroom *classroom)
{
    classroom_announce(classroom, ANNOUNCE_QUEUE);
    classroom_announce(classroom, ANNOUNCE_QUEUE_LENGTH);
}

void classroom_set_hand(struct classroom *classroom, struct participant *p, bool raised,
                        int64_t unix_ms)
{
    if ((p->record.hand_ms != 0) == raised)
        return;
    if (raised)
        p->record.hand_ms = floor_queue_raise(&classroom->queue, p->record.id, unix_ms);
    else
        classroom_leave_queue(classroom, p);
    p->unsaved = true;
    queue_changed(classroom);
    classroom_person_changed(classroom, p);
}

void classroom_leave_queue(struct classroom *classroom, struct participant *p)
{
    if (!floor_queue_lower(&classroom->queue, p->record.id))
        return;
    p->record.hand_ms = 0;
    p->unsaved = true;
    queue_changed(classroom);
}

void classroom_lower_hands(struct classroom *classroom)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next)
        classroom_set_hand(classroom, p, false, 0);
}

struct participant *classroom_next_in_queue(const struct classroom *classroom)
{
    for (size_t i = 0; i < classroom->queue.count; i++) {
        struct participant *p = classroom_find(classroom, classroom->queue.waiters[i].participant);
        if (p != NULL && p->here)
            return p;
    }
    return NULL;
}

void classroom_set_mic(struct classroom *classroom, struct participant *p, bool on)
{
    if (p->mic_held) {
        p->mic_held = false;
        classroom_refresh_grants(classroom, p);
    }
    if (p->mic_on == on)
        return;
    p->mic_on = on;
    classroom_person_changed(classroom, p);
}

void classroom_refresh_rights(struct classroom *classroom, struct participant *p)
{
    classroom_refresh_grants(classroom, p);
    unsigned rights = participant_send_slots(p);
    if (rights == p->rights_told && p->record.muted == p->muted_told)
        return;
    p->rights_told = rights;
    p->muted_told = p->record.muted;
    classroom_push(classroom,
                   (struct classroom_change){.type = CHANGE_RIGHTS, .participant = p->record.id});
}

static void set_floor(struct classroom *classroom, struct participant *p, bool floor, uint64_t by)
{
    p->record.floor = floor;
    p->unsaved = true;
    classroom->floor_holders += floor ? 1 : (size_t)-1;
    if (floor && p->here)
        p->mic_held = false;
    classroom_refresh_grants(classroom, p); /* the relay first, then people */
    if (floor) {
        p->record.muted = false; /* told with the floor itself */
        classroom_leave_queue(classroom, p);
        if (p->record.publishes_video && classroom->share_count < LIMIT_SHARES)
            classroom_push_share(classroom, p, false);
    } else {
        classroom_drop_share(classroom, p);
        classroom_release_camera(classroom, p);
        p->mic_on = false;
    }
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_FLOOR,
                                                        .participant = p->record.id,
                                                        .granted = floor,
                                                        .by = by});
    classroom_refresh_rights(classroom, p);
    /* Wide also when it was lost: everybody knew of it until now. */
    classroom_push_person(classroom, p, true);
}

enum status classroom_give_floor(struct classroom *classroom, struct participant *p, uint64_t by)
{
    /* In a break nobody is heard: a floor would promise what the relay does not forward. */
    if (!participant_can_hold_floor(p) || classroom->record.clock.mode == CLASS_BREAK)
        return STATUS_STATE;
    if (p->record.floor)
        return STATUS_OK;
    if (classroom->floor_holders >= LIMIT_FLOOR_HOLDERS)
        return STATUS_LIMIT;
    set_floor(classroom, p, true, by);
    return STATUS_OK;
}

void classroom_take_floor(struct classroom *classroom, struct participant *p, uint64_t by)
{
    if (p->record.floor)
        set_floor(classroom, p, false, by);
}

enum status classroom_pass_floor(struct classroom *classroom, struct participant *p, bool only,
                                 uint64_t by)
{
    if (!participant_can_hold_floor(p) || classroom->record.clock.mode == CLASS_BREAK)
        return STATUS_STATE;
    if (only)
        classroom_take_other_floors(classroom, p, by);
    return classroom_give_floor(classroom, p, by);
}

void classroom_take_other_floors(struct classroom *classroom, const struct participant *kept,
                                 uint64_t by)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p != kept)
            classroom_take_floor(classroom, p, by);
    }
}

static void mute(struct classroom *classroom, struct participant *p, uint64_t by)
{
    bool had_floor = p->record.floor;
    bool changed = !p->record.muted;
    p->record.muted = p->unsaved = true;
    p->mic_on = false;
    classroom_take_floor(classroom, p, by);
    classroom_end_aside(classroom, p, by);
    classroom_refresh_rights(classroom, p);
    if (changed && !had_floor)
        classroom_person_changed(classroom, p);
}

/* Whose hand is up sends already, so that nothing is lost when the floor comes, which is all that
 * it has asked for. Where something else opens the microphone the class hears nothing of it before
 * its page has said what the microphone does now. */
static void hold_what_waits_for_the_floor(struct participant *p)
{
    bool opens = (participant_send_slots(p) & ~p->grants & 1u << SEND_SLOT_MIC) != 0;
    if (opens && p->record.hand_ms != 0 && !p->record.floor && p->record.kind == PARTICIPANT_PAGE)
        p->mic_held = true;
}

static void unmute(struct classroom *classroom, struct participant *p)
{
    if (!p->record.muted)
        return;
    p->record.muted = false;
    p->unsaved = true;
    hold_what_waits_for_the_floor(p);
    classroom_refresh_rights(classroom, p);
    classroom_person_changed(classroom, p);
}

enum status classroom_set_muted(struct classroom *classroom, struct participant *p, bool muted,
                                uint64_t by)
{
    if (!participant_can_hold_floor(p))
        return STATUS_STATE;
    if (muted)
        mute(classroom, p, by);
    else
        unmute(classroom, p);
    return STATUS_OK;
}

static bool is_among(const uint64_t *participants, size_t count, uint64_t participant)
{
    for (size_t i = 0; i < count; i++) {
        if (participants[i] == participant)
            return true;
    }
    return false;
}

void classroom_mute_all(struct classroom *classroom, const uint64_t *spared, size_t spared_count,
                        uint64_t by)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (is_among(spared, spared_count, p->record.id) || !participant_can_hold_floor(p))
            continue;
        if (classroom->record.clock.mode == CLASS_DISCUSSION)
            mute(classroom, p, by);
        else
            classroom_take_floor(classroom, p, by);
    }
}

/* --- Mode and lead */

void classroom_set_mode(struct classroom *classroom, enum class_mode mode, int64_t minutes,
                        int64_t unix_ms, uint64_t by)
{
    class_clock_set_mode(&classroom->record.clock, mode, minutes, unix_ms);
    classroom->unsaved = true;
    /* What closes goes to the relay before what opens, and both before anybody is told. */
    for (struct participant *p = classroom->first; p != NULL; p = p->next)
        classroom_take_floor(classroom, p, by);
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        classroom_end_aside(classroom, p, by);
        unmute(classroom, p);
        hold_what_waits_for_the_floor(p);
        classroom_refresh_rights(classroom, p);
    }
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_MODE});
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_CLASS});
}

static void set_door(struct classroom *classroom, bool *setting, bool on)
{
    if (*setting == on)
        return;
    *setting = on;
    classroom->unsaved = true;
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_CLASS});
}

void classroom_set_lobby(struct classroom *classroom, bool on)
{
    set_door(classroom, &classroom->record.lobby, on);
}

void classroom_set_locked(struct classroom *classroom, bool on)
{
    set_door(classroom, &classroom->record.locked, on);
}

void classroom_note_lobby(struct classroom *classroom)
{
    classroom_announce(classroom, ANNOUNCE_LOBBY);
}

enum status classroom_give_lead(struct classroom *classroom, struct participant *p)
{
    if (!role_policy_is_teaching(p->record.role))
        return STATUS_STATE;
    if (classroom->record.lead != p->record.id) {
        classroom->record.lead = p->record.id;
        classroom->unsaved = true;
        classroom_push(classroom, (struct classroom_change){.type = CHANGE_CLASS});
    }
    return STATUS_OK;
}

/* --- Shares */

enum status classroom_start_share(struct classroom *classroom, struct participant *p, bool audio)
{
    if (!role_policy_is_allowed(p->record.role, ROLE_SHARE, participant_standing(p)))
        return STATUS_AUTH;
    if (classroom->record.clock.mode == CLASS_BREAK)
        return STATUS_STATE;
    if (p->record.share_order == 0 && classroom->share_count >= LIMIT_SHARES)
        return STATUS_LIMIT;
    if (p->record.share_order != 0) {
        size_t kept = 0;
        for (size_t i = 0; i < classroom->share_count; i++) {
            if (classroom->shares[i] != p->record.id)
                classroom->shares[kept++] = classroom->shares[i];
        }
        classroom->share_count = kept;
    }
    classroom_push_share(classroom, p, audio);
    classroom_person_changed(classroom, p);
    return STATUS_OK;
}

void classroom_stop_share(struct classroom *classroom, struct participant *p)
{
    if (p->record.share_order == 0)
        return;
    classroom_drop_share(classroom, p);
    classroom_person_changed(classroom, p);
}

bool classroom_is_sharing(const struct participant *p)
{
    return p->record.share_order != 0;
}
