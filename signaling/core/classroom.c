#include "signaling/core/classroom_private.h"

#include <inttypes.h>

/* The most that one action can leave in the queue, per participant: closing four slots, the floor,
 * an aside, its rights, the person, and a share's binds. */
#define CHANGES_PER_PARTICIPANT 16
#define CHANGES_AT_LEAST 64

void classroom_init(struct classroom *classroom, const struct store_class *record)
{
    *classroom = (struct classroom){.record = *record, .relay = SIZE_MAX};
    talk_init(&classroom->talk);
    for (size_t i = 0; i < ANNOUNCEMENT_COUNT; i++) {
        classroom->announcements[i].due = USEC_NEVER;
        classroom->announcements[i].said_at = -SECONDS(60);
    }
}

void classroom_destroy(struct classroom *classroom)
{
    for (struct participant *p = classroom->first; p != NULL;) {
        struct participant *next = p->next;
        free(p);
        p = next;
    }
    floor_queue_destroy(&classroom->queue);
    lobby_destroy(&classroom->waiting);
    talk_destroy(&classroom->talk);
    free(classroom->changes);
    *classroom = (struct classroom){0};
}

size_t classroom_size(const struct classroom *classroom)
{
    size_t size = 0;
    for (size_t role = 0; role < ROLE_COUNT; role++)
        size += classroom->count[role];
    return size;
}

/* --- The queue of changes */

static enum status reserve_changes(struct classroom *classroom, size_t participants)
{
    size_t needed = CHANGES_AT_LEAST + participants * CHANGES_PER_PARTICIPANT;
    if (needed <= classroom->change_capacity)
        return STATUS_OK;
    needed = needed * 3 / 2;
    struct classroom_change *changes = realloc(classroom->changes, needed * sizeof *changes);
    if (changes == NULL)
        return STATUS_NO_MEMORY;
    classroom->changes = changes;
    classroom->change_capacity = needed;
    return STATUS_OK;
}

void classroom_push(struct classroom *classroom, struct classroom_change change)
{
    if (classroom->change_capacity == 0)
        return; /* nobody was ever here: there is nobody to tell */
    /* Drained after every action; the room for one action was made at join. */
    CHECK(classroom->change_count < classroom->change_capacity);
    classroom->changes[classroom->change_count++] = change;
}

bool classroom_poll_change(struct classroom *classroom, struct classroom_change *out)
{
    if (classroom->change_head == classroom->change_count) {
        classroom->change_head = classroom->change_count = 0;
        return false;
    }
    *out = classroom->changes[classroom->change_head++];
    return true;
}

/* Everybody at once, or itself at once and who sees everybody with the next batch. */
static void push_person(struct classroom *classroom, struct participant *p, bool wide, bool joined)
{
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_PERSON,
                                                        .participant = p->record.id,
                                                        .wide = wide,
                                                        .joined = joined});
    p->untold = !wide;
    if (!wide)
        classroom_announce(classroom, ANNOUNCE_PEOPLE);
}

void classroom_push_person(struct classroom *classroom, struct participant *p, bool wide)
{
    push_person(classroom, p, wide, false);
}

/* Whether everybody, and not only trainers and operators, sees this participant. */
bool participant_is_seen_by_all(const struct participant *p)
{
    return role_policy_is_always_allowed(p->record.role, ROLE_BE_SEEN) || p->record.floor;
}

void classroom_person_changed(struct classroom *classroom, struct participant *p)
{
    classroom_push_person(classroom, p, participant_is_seen_by_all(p));
}

/* --- What the relay is told */

/* The one place where slots are opened and closed: what the role and the floor allow, and nothing
 * else, is open. */
void classroom_refresh_grants(struct classroom *classroom, struct participant *p)
{
    unsigned wanted = p->transport_wanted && p->classroom != NULL ? participant_send_slots(p) : 0;
    if (p->mic_held)
        wanted &= ~(1u << SEND_SLOT_MIC);
    for (unsigned slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        unsigned bit = 1u << slot;
        if ((wanted & bit) == (p->grants & bit))
            continue;
        bool open = (wanted & bit) != 0;
        classroom_push(classroom, (struct classroom_change){
                                      .type = CHANGE_GRANT,
                                      .participant = p->record.id,
                                      .source = (enum send_slot)slot,
                                      .open = open,
                                      .reserved = open && slot == SEND_SLOT_MIC &&
                                                  role_policy_is_teaching(p->record.role)});
        if (open)
            continue;
        /* Opened again, the relay says anew what arrives. */
        p->sending &= ~bit;
        if (slot == SEND_SLOT_CAMERA)
            classroom_release_camera(classroom, p);
    }
    p->grants = wanted;
}

static void bind_slot(struct classroom *classroom, enum room_slot slot, uint64_t participant,
                      enum send_slot source)
{
    if (classroom->bound[slot].participant == participant &&
        (participant == 0 || classroom->bound[slot].source == source))
        return;
    classroom->bound[slot].participant = participant;
    classroom->bound[slot].source = source;
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_BIND,
                                                        .slot = slot,
                                                        .participant = participant,
                                                        .source = source});
}

/* The newest sharer is on the screen, with its sound when it sends any. */
static void refresh_screen(struct classroom *classroom)
{
    const struct participant *top = NULL;
    if (classroom->share_count > 0)
        top = classroom_find(classroom, classroom->shares[classroom->share_count - 1]);
    bind_slot(classroom, ROOM_SLOT_SCREEN, top != NULL ? top->record.id : 0, SEND_SLOT_SCREEN);
    bool audio = top != NULL && top->record.share_audio;
    bind_slot(classroom, ROOM_SLOT_SCREEN_AUDIO, audio ? top->record.id : 0,
              SEND_SLOT_SCREEN_AUDIO);
}

void classroom_drop_share(struct classroom *classroom, struct participant *p)
{
    if (p->record.share_order == 0)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < classroom->share_count; i++) {
        if (classroom->shares[i] != p->record.id)
            classroom->shares[kept++] = classroom->shares[i];
    }
    classroom->share_count = kept;
    p->record.share_order = 0;
    p->record.share_audio = false;
    p->unsaved = true;
    refresh_screen(classroom);
}

void classroom_release_camera(struct classroom *classroom, struct participant *p)
{
    if (p->record.camera == 0)
        return;
    enum room_slot slot = (enum room_slot)(ROOM_SLOT_CAMERA_0 + p->record.camera - 1);
    p->record.camera = 0;
    p->unsaved = true;
    bind_slot(classroom, slot, 0, SEND_SLOT_CAMERA);
}

static void take_camera(struct classroom *classroom, struct participant *p)
{
    for (unsigned i = 0; p->record.camera == 0 && i < ROOM_CAMERA_SLOTS; i++) {
        enum room_slot slot = (enum room_slot)(ROOM_SLOT_CAMERA_0 + i);
        if (classroom->bound[slot].participant != 0)
            continue;
        p->record.camera = i + 1;
        p->unsaved = true;
        bind_slot(classroom, slot, p->record.id, SEND_SLOT_CAMERA);
    }
}

/* AV1 writes text in a fifth of what VP8 takes (docs/decisions/screen-encodings.md), but not
 * everybody can read it: one who cannot, and the class goes on in what all can. */
static void refresh_screen_codec(struct classroom *classroom)
{
    bool any = false, all = true;
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (!p->transport_wanted || p->screen_codecs == 0)
            continue;
        any = true;
        all = all && (p->screen_codecs >> MEDIA_CODEC_AV1 & 1) != 0;
    }
    if (classroom->reads_av1 == (any && all))
        return;
    classroom->reads_av1 = any && all;
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_CLASS});
}

void classroom_handle_transport_added(struct classroom *classroom, struct participant *p)
{
    /* A new transport starts with everything closed and bound to nothing. */
    p->transport_wanted = true;
    p->grants = 0;
    p->sending = 0;
    p->screen = CONTROL_QUALITY_FULL; /* and thins nothing, until the relay says so */
    memset(p->demand, 0, sizeof p->demand);
    refresh_screen_codec(classroom);
    classroom_refresh_grants(classroom, p);
    for (size_t slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (classroom->bound[slot].participant == p->record.id)
            classroom_push(classroom,
                           (struct classroom_change){.type = CHANGE_BIND,
                                                     .slot = (enum room_slot)slot,
                                                     .participant = p->record.id,
                                                     .source = classroom->bound[slot].source});
    }
    classroom_repeat_aside(classroom, p);
}

void classroom_repeat_relay_state(struct classroom *classroom)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        p->grants = 0; /* what is not granted again is closed by the relay itself */
        classroom_refresh_grants(classroom, p);
        if (p->record.aside > p->record.id) /* once for both */
            classroom_repeat_aside(classroom, p);
    }
    for (size_t slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (classroom->bound[slot].participant != 0)
            classroom_push(classroom, (struct classroom_change){
                                          .type = CHANGE_BIND,
                                          .slot = (enum room_slot)slot,
                                          .participant = classroom->bound[slot].participant,
                                          .source = classroom->bound[slot].source});
    }
}

/* --- Joining and leaving */

static bool is_full(const struct classroom *classroom, enum role role, size_t participants_max)
{
    size_t staff = classroom_size(classroom) - classroom->count[ROLE_LEARNER];
    return classroom_size(classroom) >= participants_max ||
           (role != ROLE_LEARNER && staff >= LIMIT_STAFF_PER_CLASS);
}

void classroom_push_share(struct classroom *classroom, struct participant *p, bool audio)
{
    classroom->shares[classroom->share_count++] = p->record.id;
    p->record.share_order = ++classroom->share_order;
    p->record.share_audio = audio;
    p->unsaved = true;
    refresh_screen(classroom);
}

enum status classroom_add(struct classroom *classroom, struct participant *p,
                          size_t participants_max, bool restored)
{
    if (!restored && is_full(classroom, p->record.role, participants_max))
        return STATUS_LIMIT;
    enum status status = reserve_changes(classroom, classroom_size(classroom) + 1);
    if (status == STATUS_OK)
        status = floor_queue_reserve(&classroom->queue, classroom_size(classroom) + 1);
    if (status != STATUS_OK)
        return status;
    p->classroom = classroom;
    p->previous = classroom->last;
    *(classroom->last != NULL ? &classroom->last->next : &classroom->first) = p;
    classroom->last = p;
    classroom->count[p->record.role]++;
    p->record.floor = participant_can_hold_floor(p) && p->record.floor;
    classroom->floor_holders += p->record.floor;
    p->rights_told = participant_send_slots(p);
    classroom_announce(classroom, ANNOUNCE_COUNT);
    classroom_announce(classroom, ANNOUNCE_DELIVERY);
    if (restored) {
        if (p->record.hand_ms != 0)
            floor_queue_restore(&classroom->queue, p->record.id, p->record.hand_ms);
        return STATUS_OK;
    }
    class_clock_start(&classroom->record.clock, p->record.joined_ms);
    push_person(classroom, p, participant_is_seen_by_all(p), true);
    if (p->record.role == ROLE_TRAINER && classroom->record.lead == 0)
        return classroom_give_lead(classroom, p);
    return STATUS_OK;
}

/* The one with the smallest order above `after`; orders are few, so no sorting. */
static struct participant *next_sharer(const struct classroom *classroom, uint32_t after)
{
    struct participant *next = NULL;
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->record.share_order > after &&
            (next == NULL || p->record.share_order < next->record.share_order))
            next = p;
    }
    return next;
}

void classroom_finish_restore(struct classroom *classroom)
{
    struct participant *p;
    while (classroom->share_count < LIMIT_SHARES &&
           (p = next_sharer(classroom, classroom->share_order)) != NULL) {
        classroom->shares[classroom->share_count++] = p->record.id;
        classroom->share_order = p->record.share_order;
    }
    for (p = classroom->first; p != NULL; p = p->next) {
        if (p->record.aside != 0 && classroom_find_aside(p) == NULL) {
            p->record.aside = 0; /* the other one is gone */
            p->unsaved = true;
        }
        if (p->record.camera == 0 || p->record.camera > ROOM_CAMERA_SLOTS)
            continue;
        enum room_slot slot = (enum room_slot)(ROOM_SLOT_CAMERA_0 + p->record.camera - 1);
        classroom->bound[slot].participant = p->record.id;
        classroom->bound[slot].source = SEND_SLOT_CAMERA;
    }
    if (classroom->first != NULL)
        refresh_screen(classroom);
    /* What the relay was told before the restart it will be told again at resync. */
    classroom->change_head = classroom->change_count = 0;
    for (size_t slot = ROOM_SLOT_SCREEN; slot <= ROOM_SLOT_CAMERA_2; slot++)
        classroom->slots[slot] = classroom->bound[slot].participant;
}

/* Who led has left for good: the trainer who has been here longest leads. */
static void pass_lead_on(struct classroom *classroom, uint64_t left)
{
    if (classroom->record.lead != left)
        return;
    classroom->record.lead = 0;
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (classroom->record.lead == 0 && p->record.role == ROLE_TRAINER)
            classroom->record.lead = p->record.id;
    }
    classroom->unsaved = true;
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_CLASS});
}

void classroom_remove(struct classroom *classroom, struct participant *p, enum leave_reason reason,
                      usec_t now)
{
    bool wide = participant_is_seen_by_all(p);
    p->transport_wanted = false; /* the relay has been told: nothing is granted any more */
    p->grants = 0;
    classroom_end_aside(classroom, p, 0);
    classroom_drop_share(classroom, p);
    classroom_release_camera(classroom, p);
    classroom->floor_holders -= p->record.floor;
    p->record.floor = false;
    classroom_leave_queue(classroom, p);
    p->unsaved = true;
    for (size_t slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (classroom->slots[slot] == p->record.id)
            classroom_set_slot(classroom, (enum room_slot)slot, 0, now);
    }
    *(p->previous != NULL ? &p->previous->next : &classroom->first) = p->next;
    *(p->next != NULL ? &p->next->previous : &classroom->last) = p->previous;
    p->previous = p->next = NULL;
    p->classroom = NULL;
    refresh_screen_codec(classroom);
    classroom->count[p->record.role]--;
    classroom_announce(classroom, ANNOUNCE_COUNT);
    classroom_announce(classroom, ANNOUNCE_DELIVERY);
    classroom_push(classroom, (struct classroom_change){.type = CHANGE_PERSON_LEFT,
                                                        .participant = p->record.id,
                                                        .reason = reason,
                                                        .wide = wide});
    pass_lead_on(classroom, p->record.id);
    classroom_forget_helper(classroom, p->record.id);
}

struct participant *classroom_find(const struct classroom *classroom, uint64_t participant)
{
    struct participant *p = classroom->first;
    while (p != NULL && p->record.id != participant)
        p = p->next;
    return p;
}

/* 1 for "Aïcha", n for "Aïcha n", 0 for other names. */
static unsigned long number_of(const char *name, const char *base)
{
    size_t size = strlen(base);
    if (strncmp(name, base, size) != 0)
        return 0;
    if (name[size] == '\0')
        return 1;
    if (name[size] != ' ' || name[size + 1] < '1' || name[size + 1] > '9')
        return 0;
    char *end;
    unsigned long number = strtoul(name + size + 1, &end, 10);
    return *end == '\0' && number < 100000 ? number : 0;
}

void classroom_choose_name(const struct classroom *classroom, const char *wanted, char *out)
{
    unsigned long largest = 0;
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        unsigned long number = number_of(p->record.name, wanted);
        largest = number > largest ? number : largest;
    }
    if (largest == 0)
        snprintf(out, NAME_BYTES, "%s", wanted);
    else
        snprintf(out, NAME_BYTES, "%s %lu", wanted, largest + 1);
}

/* --- What the relay says */

void classroom_set_media(struct classroom *classroom, struct participant *p,
                         enum participant_media media)
{
    if (media == MEDIA_NONE) {
        p->transport_wanted = false;
        p->grants = p->sending = 0;
        p->rates = (struct participant_rates){0};
        p->delivered = (struct control_delivery){0};
        refresh_screen_codec(classroom);
    }
    if (p->media == media)
        return;
    p->media = media;
    if (media != MEDIA_CONNECTED)
        p->claim = (struct delivery_claim){0}; /* of a connection that is no more */
    classroom_announce(classroom, ANNOUNCE_DELIVERY);
    classroom_person_changed(classroom, p);
}

void classroom_note_delivery(struct classroom *classroom)
{
    classroom_announce(classroom, ANNOUNCE_DELIVERY);
}

void classroom_set_publication(struct classroom *classroom, struct participant *p,
                               enum send_slot slot, bool active)
{
    unsigned bit = 1u << slot;
    p->sending = active ? p->sending | bit : p->sending & ~bit;
    if (slot != SEND_SLOT_CAMERA)
        return;
    if (active && (p->grants & bit) != 0)
        take_camera(classroom, p);
    else
        classroom_release_camera(classroom, p);
}

void classroom_set_slot(struct classroom *classroom, enum room_slot slot, uint64_t participant,
                        usec_t now)
{
    if (participant != 0 && classroom_find(classroom, participant) == NULL)
        participant = 0;
    if (classroom->slots[slot] == participant)
        return;
    classroom->slots[slot] = participant;
    if (slot == ROOM_SLOT_VOICE_ANY)
        return;
    if (slot == ROOM_SLOT_SCREEN)
        classroom_announce(classroom, ANNOUNCE_DELIVERY);
    usec_t *due = &classroom->announcements[ANNOUNCE_SLOTS].due;
    bool gathering = *due != USEC_NEVER;
    classroom_announce(classroom, ANNOUNCE_SLOTS);
    if (!gathering)
        *due = usec_max(*due, now + SLOTS_HOLD_US);
}

void classroom_set_speaking(struct classroom *classroom, const uint64_t *participants, size_t count)
{
    uint64_t speaking[CONTROL_SPEAKERS_MAX];
    size_t known = 0;
    for (size_t i = 0; i < count && i < CONTROL_SPEAKERS_MAX; i++) {
        if (classroom_find(classroom, participants[i]) != NULL)
            speaking[known++] = participants[i];
    }
    if (known == classroom->speaking_count &&
        memcmp(speaking, classroom->speaking, known * sizeof speaking[0]) == 0)
        return;
    for (size_t i = 0; i < known; i++)
        classroom_find(classroom, speaking[i])->has_spoken = true;
    memcpy(classroom->speaking, speaking, known * sizeof speaking[0]);
    classroom->speaking_count = known;
    classroom_announce(classroom, ANNOUNCE_SPEAKING);
}

/* --- Time */

static const struct {
    usec_t interval_us, per_person_us;
    enum classroom_change_type change;
} announcement_rules[ANNOUNCEMENT_COUNT] = {
    [ANNOUNCE_COUNT] = {BATCH_INTERVAL_US, BATCH_PER_PERSON_US, CHANGE_COUNT},
    [ANNOUNCE_PEOPLE] = {BATCH_INTERVAL_US, 0, CHANGE_PEOPLE},
    [ANNOUNCE_QUEUE] = {BATCH_INTERVAL_US, 0, CHANGE_QUEUE},
    [ANNOUNCE_QUEUE_LENGTH] = {BATCH_INTERVAL_US, BATCH_PER_PERSON_US, CHANGE_QUEUE_LENGTH},
    [ANNOUNCE_SLOTS] = {SLOTS_HOLD_US, SLOTS_PER_PERSON_US, CHANGE_SLOTS},
    [ANNOUNCE_SPEAKING] = {BATCH_INTERVAL_US, BATCH_PER_PERSON_US, CHANGE_SPEAKING},
    [ANNOUNCE_LOBBY] = {BATCH_INTERVAL_US, 0, CHANGE_LOBBY},
    [ANNOUNCE_DELIVERY] = {DELIVERY_INTERVAL_US, 0, CHANGE_DELIVERY},
};

void classroom_announce(struct classroom *classroom, enum announcement what)
{
    if (classroom->announcements[what].due != USEC_NEVER)
        return;
    usec_t for_all = announcement_rules[what].per_person_us * (usec_t)classroom_size(classroom);
    classroom->announcements[what].due = classroom->announcements[what].said_at +
                                         usec_max(announcement_rules[what].interval_us, for_all);
}

usec_t classroom_next_timeout(const struct classroom *classroom)
{
    usec_t next = USEC_NEVER;
    for (size_t i = 0; i < ANNOUNCEMENT_COUNT; i++)
        next = usec_min(next, classroom->announcements[i].due);
    return next;
}

void classroom_handle_timeout(struct classroom *classroom, usec_t now)
{
    for (size_t i = 0; i < ANNOUNCEMENT_COUNT; i++) {
        if (classroom->announcements[i].due > now)
            continue;
        classroom->announcements[i].due = USEC_NEVER;
        classroom->announcements[i].said_at = now;
        classroom_push(classroom, (struct classroom_change){.type = announcement_rules[i].change});
    }
}

/* --- Views */

bool participant_can_hold_floor(const struct participant *p)
{
    return p->record.role == ROLE_LEARNER || p->record.role == ROLE_ASSISTANT;
}

struct role_standing participant_standing(const struct participant *p)
{
    return (struct role_standing){.floor = p->record.floor,
                                  .lead = p->classroom->record.lead == p->record.id};
}

unsigned participant_send_slots(const struct participant *p)
{
    unsigned slots = role_policy_send_slots(p->record.role, p->classroom->record.clock.mode,
                                            p->record.floor, p->record.muted);
    return p->record.aside != 0 ? slots & ~(1u << SEND_SLOT_MIC) : slots;
}

bool participant_has_floor(const struct participant *p)
{
    return role_policy_is_teaching(p->record.role) || p->record.floor;
}

bool classroom_is_visible(const struct participant *viewer, const struct participant *subject)
{
    return viewer == subject || participant_is_seen_by_all(subject) ||
           role_policy_is_always_allowed(viewer->record.role, ROLE_SEE_EVERYBODY);
}

const char *participant_media_name(enum participant_media media)
{
    static const char *const names[] = {"none", "connecting", "connected", "quiet"};
    return (size_t)media < COUNT_OF(names) ? names[media] : "unknown";
}

const char *leave_reason_name(enum leave_reason reason)
{
    static const char *const names[] = {"left", "timeout", "ended", "removed", "lobby"};
    return (size_t)reason < COUNT_OF(names) ? names[reason] : "unknown";
}

const char *participant_kind_name(enum participant_kind kind)
{
    static const char *const names[] = {"page", "whip", "whep"};
    return (size_t)kind < COUNT_OF(names) ? names[kind] : "unknown";
}
