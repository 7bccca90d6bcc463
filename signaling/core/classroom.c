#include "signaling/core/classroom.h"

#include <inttypes.h>

/* The most that one action can leave in the queue, per participant: closing four slots, the floor,
 * the person, and a share's binds. */
#define CHANGES_PER_PARTICIPANT 12
#define CHANGES_AT_LEAST 64

void classroom_init(struct classroom *classroom, const struct store_class *record)
{
    *classroom = (struct classroom){.record = *record,
                                    .relay = SIZE_MAX,
                                    .count_due = USEC_NEVER,
                                    .slots_due = USEC_NEVER,
                                    .speaking_due = USEC_NEVER,
                                    .count_said_at = -COUNT_INTERVAL_US,
                                    .speaking_said_at = -SPEAKING_INTERVAL_US};
}

void classroom_destroy(struct classroom *classroom)
{
    for (struct participant *p = classroom->first; p != NULL;) {
        struct participant *next = p->next;
        free(p);
        p = next;
    }
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

static void push(struct classroom *classroom, struct classroom_change change)
{
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

static void push_person(struct classroom *classroom, const struct participant *p, bool wide)
{
    push(classroom, (struct classroom_change){
                        .type = CHANGE_PERSON, .participant = p->record.id, .wide = wide});
}

/* Whether everybody, and not only trainers and operators, sees this participant. */
static bool is_seen_by_all(const struct participant *p)
{
    return p->record.role == ROLE_TRAINER || p->record.floor;
}

static void person_changed(struct classroom *classroom, const struct participant *p)
{
    push_person(classroom, p, is_seen_by_all(p));
}

/* --- What the relay is told */

/* The one place where slots are opened and closed: what the role and the floor allow, and nothing
 * else, is open. */
static void refresh_grants(struct classroom *classroom, struct participant *p)
{
    unsigned wanted = p->transport_wanted && p->classroom != NULL
                          ? role_policy_send_slots(p->record.role, p->record.floor)
                          : 0;
    for (unsigned slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        unsigned bit = 1u << slot;
        if ((wanted & bit) == (p->grants & bit))
            continue;
        bool open = (wanted & bit) != 0;
        push(classroom,
             (struct classroom_change){.type = CHANGE_GRANT,
                                       .participant = p->record.id,
                                       .source = (enum send_slot)slot,
                                       .open = open,
                                       .reserved = open && slot == SEND_SLOT_MIC &&
                                                   role_policy_is_voice_reserved(p->record.role)});
        if (!open)
            p->sending &= ~bit;
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
    push(classroom,
         (struct classroom_change){
             .type = CHANGE_BIND, .slot = slot, .participant = participant, .source = source});
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

static void drop_share(struct classroom *classroom, struct participant *p)
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

static void release_camera(struct classroom *classroom, struct participant *p)
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

void classroom_handle_transport_added(struct classroom *classroom, struct participant *p)
{
    /* A new transport starts with everything closed and bound to nothing. */
    p->transport_wanted = true;
    p->grants = 0;
    p->sending = 0;
    refresh_grants(classroom, p);
    for (size_t slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (classroom->bound[slot].participant == p->record.id)
            push(classroom, (struct classroom_change){.type = CHANGE_BIND,
                                                      .slot = (enum room_slot)slot,
                                                      .participant = p->record.id,
                                                      .source = classroom->bound[slot].source});
    }
}

void classroom_repeat_relay_state(struct classroom *classroom)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        p->grants = 0; /* what is not granted again is closed by the relay itself */
        refresh_grants(classroom, p);
    }
    for (size_t slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (classroom->bound[slot].participant != 0)
            push(classroom,
                 (struct classroom_change){.type = CHANGE_BIND,
                                           .slot = (enum room_slot)slot,
                                           .participant = classroom->bound[slot].participant,
                                           .source = classroom->bound[slot].source});
    }
}

/* --- Joining and leaving */

static void counts_changed(struct classroom *classroom, usec_t now)
{
    if (classroom->count_due == USEC_NEVER)
        classroom->count_due = usec_max(now, classroom->count_said_at + COUNT_INTERVAL_US);
}

static bool is_full(const struct classroom *classroom, enum role role, size_t participants_max)
{
    size_t staff = classroom->count[ROLE_TRAINER] + classroom->count[ROLE_OPERATOR];
    return classroom_size(classroom) >= participants_max ||
           (role != ROLE_LEARNER && staff >= LIMIT_STAFF_PER_CLASS);
}

static void push_share(struct classroom *classroom, struct participant *p, bool audio)
{
    classroom->shares[classroom->share_count++] = p->record.id;
    p->record.share_order = ++classroom->share_order;
    p->record.share_audio = audio;
    p->unsaved = true;
    refresh_screen(classroom);
}

enum status classroom_add(struct classroom *classroom, struct participant *p,
                          size_t participants_max, bool restored, usec_t now)
{
    if (!restored && is_full(classroom, p->record.role, participants_max))
        return STATUS_LIMIT;
    enum status status = reserve_changes(classroom, classroom_size(classroom) + 1);
    if (status != STATUS_OK)
        return status;
    p->classroom = classroom;
    p->previous = classroom->last;
    *(classroom->last != NULL ? &classroom->last->next : &classroom->first) = p;
    classroom->last = p;
    classroom->count[p->record.role]++;
    p->record.floor = p->record.role == ROLE_LEARNER && p->record.floor;
    classroom->floor_holders += p->record.floor;
    counts_changed(classroom, now);
    if (restored)
        return STATUS_OK;
    push(classroom, (struct classroom_change){.type = CHANGE_PERSON,
                                              .participant = p->record.id,
                                              .wide = is_seen_by_all(p),
                                              .joined = true});
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

void classroom_remove(struct classroom *classroom, struct participant *p, enum leave_reason reason,
                      usec_t now)
{
    bool wide = is_seen_by_all(p);
    drop_share(classroom, p);
    release_camera(classroom, p);
    classroom->floor_holders -= p->record.floor;
    p->record.floor = false;
    p->record.hand_ms = 0;
    p->unsaved = true;
    for (size_t slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (classroom->slots[slot] == p->record.id)
            classroom_set_slot(classroom, (enum room_slot)slot, 0, now);
    }
    *(p->previous != NULL ? &p->previous->next : &classroom->first) = p->next;
    *(p->next != NULL ? &p->next->previous : &classroom->last) = p->previous;
    p->previous = p->next = NULL;
    p->classroom = NULL;
    classroom->count[p->record.role]--;
    counts_changed(classroom, now);
    push(classroom, (struct classroom_change){.type = CHANGE_PERSON_LEFT,
                                              .participant = p->record.id,
                                              .reason = reason,
                                              .wide = wide});
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

/* --- Presence, hand, floor, share */

void classroom_set_here(struct classroom *classroom, struct participant *p, bool here)
{
    if (p->here == here)
        return;
    p->here = here;
    if (!here)
        p->mic_on = false;
    person_changed(classroom, p);
}

void classroom_set_hand(struct classroom *classroom, struct participant *p, bool raised,
                        int64_t unix_ms)
{
    if ((p->record.hand_ms != 0) == raised)
        return;
    p->record.hand_ms = raised ? unix_ms : 0;
    p->unsaved = true;
    person_changed(classroom, p);
}

void classroom_set_mic(struct classroom *classroom, struct participant *p, bool on)
{
    if (p->mic_on == on)
        return;
    p->mic_on = on;
    person_changed(classroom, p);
}

static void set_floor(struct classroom *classroom, struct participant *p, bool floor, uint64_t by)
{
    p->record.floor = floor;
    p->unsaved = true;
    classroom->floor_holders += floor ? 1 : (size_t)-1;
    refresh_grants(classroom, p); /* the relay first, then people */
    if (floor) {
        p->record.hand_ms = 0;
        if (p->record.publishes_video && classroom->share_count < LIMIT_SHARES)
            push_share(classroom, p, false);
    } else {
        drop_share(classroom, p);
        release_camera(classroom, p);
        p->mic_on = false;
    }
    push(classroom,
         (struct classroom_change){
             .type = CHANGE_FLOOR, .participant = p->record.id, .granted = floor, .by = by});
    /* Wide also when it was lost: everybody knew of it until now. */
    push_person(classroom, p, true);
}

enum status classroom_give_floor(struct classroom *classroom, struct participant *p, uint64_t by)
{
    if (p->record.role != ROLE_LEARNER)
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

void classroom_mute_all(struct classroom *classroom, uint64_t by)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next)
        classroom_take_floor(classroom, p, by);
}

enum status classroom_start_share(struct classroom *classroom, struct participant *p, bool audio)
{
    if (!role_policy_is_allowed(p->record.role, ROLE_SHARE, p->record.floor))
        return STATUS_AUTH;
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
    push_share(classroom, p, audio);
    person_changed(classroom, p);
    return STATUS_OK;
}

void classroom_stop_share(struct classroom *classroom, struct participant *p)
{
    if (p->record.share_order == 0)
        return;
    drop_share(classroom, p);
    person_changed(classroom, p);
}

bool classroom_is_sharing(const struct participant *p)
{
    return p->record.share_order != 0;
}

/* --- What the relay says */

void classroom_set_media(struct classroom *classroom, struct participant *p,
                         enum participant_media media)
{
    if (media == MEDIA_NONE) {
        p->transport_wanted = false;
        p->grants = p->sending = 0;
        p->rates = (struct participant_rates){0};
    }
    if (p->media == media)
        return;
    p->media = media;
    person_changed(classroom, p);
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
        release_camera(classroom, p);
}

void classroom_set_slot(struct classroom *classroom, enum room_slot slot, uint64_t participant,
                        usec_t now)
{
    if (participant != 0 && classroom_find(classroom, participant) == NULL)
        participant = 0;
    if (classroom->slots[slot] == participant)
        return;
    classroom->slots[slot] = participant;
    if (slot != ROOM_SLOT_VOICE_ANY && classroom->slots_due == USEC_NEVER)
        classroom->slots_due = now + SLOTS_HOLD_US;
}

void classroom_set_speaking(struct classroom *classroom, const uint64_t *participants, size_t count,
                            usec_t now)
{
    classroom->speaking_count = 0;
    for (size_t i = 0; i < count && i < CONTROL_SPEAKERS_MAX; i++) {
        if (classroom_find(classroom, participants[i]) != NULL)
            classroom->speaking[classroom->speaking_count++] = participants[i];
    }
    if (classroom->speaking_due == USEC_NEVER)
        classroom->speaking_due = usec_max(now, classroom->speaking_said_at + SPEAKING_INTERVAL_US);
}

/* --- Time */

usec_t classroom_next_timeout(const struct classroom *classroom)
{
    return usec_min(classroom->count_due, usec_min(classroom->slots_due, classroom->speaking_due));
}

static bool take_due(usec_t *due, usec_t now)
{
    if (*due > now)
        return false;
    *due = USEC_NEVER;
    return true;
}

void classroom_handle_timeout(struct classroom *classroom, usec_t now)
{
    if (classroom->change_capacity == 0) { /* nobody was ever here */
        classroom->count_due = classroom->slots_due = classroom->speaking_due = USEC_NEVER;
        return;
    }
    if (take_due(&classroom->count_due, now)) {
        classroom->count_said_at = now;
        push(classroom, (struct classroom_change){.type = CHANGE_COUNT});
    }
    if (take_due(&classroom->slots_due, now))
        push(classroom, (struct classroom_change){.type = CHANGE_SLOTS});
    if (take_due(&classroom->speaking_due, now)) {
        classroom->speaking_said_at = now;
        push(classroom, (struct classroom_change){.type = CHANGE_SPEAKING});
    }
}

/* --- Views */

bool participant_has_floor(const struct participant *p)
{
    return p->record.role == ROLE_TRAINER || p->record.floor;
}

bool classroom_is_visible(const struct participant *viewer, const struct participant *subject)
{
    return viewer == subject || is_seen_by_all(subject) ||
           role_policy_is_allowed(viewer->record.role, ROLE_SEE_EVERYBODY, false);
}

const char *participant_media_name(enum participant_media media)
{
    static const char *const names[] = {"none", "connecting", "connected", "quiet"};
    return (size_t)media < COUNT_OF(names) ? names[media] : "unknown";
}

const char *leave_reason_name(enum leave_reason reason)
{
    static const char *const names[] = {"left", "timeout", "ended", "removed"};
    return (size_t)reason < COUNT_OF(names) ? names[reason] : "unknown";
}

const char *participant_kind_name(enum participant_kind kind)
{
    static const char *const names[] = {"page", "whip", "whep"};
    return (size_t)kind < COUNT_OF(names) ? names[kind] : "unknown";
}
