/* From what changed in a class to who is told what. Learners are told of trainers, of whoever has
 * the floor and of themselves; the rest reaches them as a count. So a join costs the same whether
 * it is the tenth or the thousandth. */
#include "signaling/core/event_log.h"
#include "signaling/core/service_internal.h"
#include "signaling/core/talk_fan_out.h"

#include <inttypes.h>

/* Who has rung for help, or speaks in private, is between itself and staff. */
enum view { VIEW_OF_ALL, VIEW_OF_STAFF, VIEW_COUNT };

static bool is_staff(const struct participant *p)
{
    return role_policy_is_always_allowed(p->record.role, ROLE_HEAR_AS_STAFF);
}

static enum view view_of(const struct participant *viewer, const struct participant *subject)
{
    return viewer == subject || is_staff(viewer) ? VIEW_OF_STAFF : VIEW_OF_ALL;
}

static void write_person(const struct participant *p, enum view view, const char *key,
                         struct text_json *text)
{
    text_json_open(text, key, '{');
    text_json_id(text, "id", p->record.id);
    text_json_string(text, "name", p->record.name);
    text_json_string(text, "role", role_name(p->record.role));
    text_json_bool(text, "here", p->here);
    if (p->record.hand_ms != 0)
        text_json_int(text, "hand", p->record.hand_ms);
    else
        text_json_null(text, "hand");
    text_json_bool(text, "floor", participant_has_floor(p));
    text_json_bool(text, "mic", p->mic_on);
    text_json_bool(text, "muted", p->record.muted);
    bool helped = view == VIEW_OF_STAFF && p->record.help_ms != 0;
    if (helped)
        text_json_int(text, "help", p->record.help_ms);
    else
        text_json_null(text, "help");
    text_json_id(text, "helper", helped ? p->record.helper : 0);
    text_json_id(text, "aside", view == VIEW_OF_STAFF ? p->record.aside : 0);
    text_json_string(text, "sharing", classroom_is_sharing(p) ? "screen" : NULL);
    text_json_string(text, "media", participant_media_name(p->media));
    text_json_close(text, '}');
}

static void write_count(const struct classroom *classroom, struct text_json *text)
{
    text_json_open(text, "count", '{');
    for (size_t role = 0; role < ROLE_COUNT; role++)
        text_json_uint(text, role_name((enum role)role), classroom->count[role]);
    text_json_close(text, '}');
}

static bool is_on_earlier_slot(const struct classroom *classroom, size_t slot)
{
    for (size_t i = 0; i < slot; i++) {
        if (classroom->slots[i] == classroom->slots[slot])
            return true;
    }
    return false;
}

static void write_name(const struct participant *p, struct text_json *text)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, p->record.id);
    text_json_string(text, id, p->record.name);
}

/* What of their voices is lost on the way to the relay, in percent; left out where nothing is. */
static void write_losses(const struct classroom *classroom, struct text_json *text)
{
    bool any = false;
    for (size_t slot = ROOM_SLOT_VOICE_0; slot <= ROOM_SLOT_VOICE_2; slot++) {
        const struct participant *p =
            classroom->slots[slot] != 0 ? classroom_find(classroom, classroom->slots[slot]) : NULL;
        if (p == NULL || p->voice_lost_percent == 0)
            continue;
        if (!any)
            text_json_open(text, "loses", '{');
        any = true;
        char id[24];
        snprintf(id, sizeof id, "%" PRIu64, p->record.id);
        text_json_uint(text, id, p->voice_lost_percent);
    }
    if (any)
        text_json_close(text, '}');
}

static void write_slots(const struct classroom *classroom, struct text_json *text)
{
    text_json_open(text, "slots", '{');
    for (size_t slot = 0; slot < ROOM_SLOT_VOICE_ANY; slot++)
        text_json_id(text, room_slot_name((enum room_slot)slot), classroom->slots[slot]);
    text_json_close(text, '}');
    /* Who is heard has a name for all, also where nobody was given the floor. */
    text_json_open(text, "names", '{');
    for (size_t slot = 0; slot < ROOM_SLOT_VOICE_ANY; slot++) {
        const struct participant *p =
            classroom->slots[slot] != 0 ? classroom_find(classroom, classroom->slots[slot]) : NULL;
        if (p != NULL && !is_on_earlier_slot(classroom, slot))
            write_name(p, text);
    }
    text_json_close(text, '}');
    write_losses(classroom, text);
}

static void write_speaking(const struct classroom *classroom, const char *key,
                           struct text_json *text)
{
    text_json_open(text, key, '[');
    for (size_t i = 0; i < classroom->speaking_count; i++)
        text_json_id(text, NULL, classroom->speaking[i]);
    text_json_close(text, ']');
}

void fan_out_write_class(const struct classroom *classroom, const char *key, struct text_json *text)
{
    text_json_open(text, key, '{');
    text_json_string(text, "id", classroom->record.id);
    text_json_string(text, "title", classroom->record.title);
    text_json_string(text, "state", classroom->record.ended ? "ended" : "open");
    text_json_string(text, "mode", class_mode_name(classroom->record.clock.mode));
    text_json_id(text, "lead", classroom->record.lead);
    text_json_bool(text, "lobby", classroom->record.lobby);
    text_json_bool(text, "locked", classroom->record.locked);
    text_json_bool(text, "chat", !classroom->record.chat_closed);
    text_json_int(text, "realised_ms", classroom->record.clock.counted_ms);
    text_json_string(text, "screen_codec",
                     media_codec_name(classroom->reads_av1 ? MEDIA_CODEC_AV1 : MEDIA_CODEC_VP8));
    text_json_close(text, '}');
}

static void write_ms_or_null(struct text_json *text, const char *key, int64_t ms)
{
    if (ms != 0)
        text_json_int(text, key, ms);
    else
        text_json_null(text, key);
}

static void write_mode(const struct classroom *classroom, struct text_json *text)
{
    text_json_string(text, "mode", class_mode_name(classroom->record.clock.mode));
    write_ms_or_null(text, "since_ms", classroom->record.clock.since_ms);
    write_ms_or_null(text, "until_ms", classroom->record.clock.until_ms);
    text_json_int(text, "realised_ms", classroom->record.clock.counted_ms);
}

static void write_rights(const struct participant *p, struct text_json *text)
{
    unsigned slots = participant_send_slots(p);
    text_json_open(text, "send", '[');
    for (unsigned slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        if ((slots & 1u << slot) != 0)
            text_json_string(text, NULL, send_slot_name((enum send_slot)slot));
    }
    text_json_close(text, ']');
    text_json_bool(text, "muted", p->record.muted);
}

/* With whom it speaks in private; null: nobody. */
static void write_aside(const struct participant *p, const char *key, struct text_json *text)
{
    const struct participant *with = classroom_find_aside(p);
    if (with == NULL) {
        text_json_null(text, key);
        return;
    }
    text_json_open(text, key, '{');
    text_json_id(text, "id", with->record.id);
    text_json_string(text, "name", with->record.name);
    text_json_close(text, '}');
}

/* What everybody knows of the queue: how long it is, and where itself stands. */
static void write_place(const struct participant *p, size_t place, struct text_json *text)
{
    text_json_uint(text, "length", p->classroom->queue.count);
    if (place != 0)
        text_json_uint(text, "position", place);
    else
        text_json_null(text, "position");
    write_ms_or_null(text, "since_ms", place != 0 ? p->record.hand_ms : 0);
}

static void write_queue(const struct floor_queue *queue, struct text_json *text)
{
    text_json_open(text, "queue", '[');
    for (size_t i = 0; i < queue->count && i < LIMIT_QUEUE_SHOWN; i++) {
        text_json_open(text, NULL, '{');
        text_json_id(text, "id", queue->waiters[i].participant);
        text_json_int(text, "since_ms", queue->waiters[i].since_ms);
        text_json_close(text, '}');
    }
    text_json_close(text, ']');
}

static void write_queue_for(const struct participant *p, size_t place, struct text_json *text)
{
    write_place(p, place, text);
    if (is_staff(p))
        write_queue(&p->classroom->queue, text);
}

void fan_out_write_snapshot(const struct participant *viewer, struct text_json *text)
{
    const struct classroom *classroom = viewer->classroom;
    text_json_open(text, "state", '{');
    text_json_string(text, "type", "state");
    text_json_open(text, "people", '[');
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (classroom_is_visible(viewer, p))
            write_person(p, view_of(viewer, p), NULL, text);
    }
    text_json_close(text, ']');
    write_count(classroom, text);
    write_slots(classroom, text);
    write_speaking(classroom, "speaking", text);
    fan_out_write_class(classroom, "class", text);
    text_json_open(text, "mode", '{');
    write_mode(classroom, text);
    text_json_close(text, '}');
    text_json_open(text, "rights", '{');
    write_rights(viewer, text);
    text_json_close(text, '}');
    write_aside(viewer, "aside", text);
    text_json_open(text, "queue", '{');
    write_queue_for(viewer, floor_queue_position(&classroom->queue, viewer->record.id), text);
    text_json_close(text, '}');
    if (role_policy_is_always_allowed(viewer->record.role, ROLE_LOBBY)) {
        text_json_open(text, "lobby", '{');
        waiting_write(classroom, text);
        text_json_close(text, '}');
    }
    talk_write_snapshot(viewer, text);
    text_json_close(text, '}');
}

static bool sees_everybody(const struct participant *p)
{
    return role_policy_is_always_allowed(p->record.role, ROLE_SEE_EVERYBODY);
}

/* To all but `spared` (0: nobody); learners only when `wide`. */
static void send_to_class(struct service *service, const struct classroom *classroom,
                          struct bytes text, bool wide, uint64_t spared)
{
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->connection != 0 && p->record.id != spared && (wide || sees_everybody(p)))
            output_queue_send(&service->outputs, p->connection, text);
    }
}

static struct bytes write_person_event(struct service *service, const struct participant *p,
                                       enum view view)
{
    struct text_json text = {0};
    event_open(&text, "person");
    write_person(p, view, "person", &text);
    return event_finish(service, &text);
}

static void send_person(struct service *service, const struct classroom *classroom,
                        const struct classroom_change *change)
{
    const struct participant *p =
        classroom_registry_find_participant(&service->registry, change->participant);
    if (p == NULL || p->classroom != classroom)
        return;
    /* Who has just joined reads it in its own snapshot; who sees everybody is told of learners in
     * batches. */
    if (!change->wide && (change->joined || p->connection == 0 || sees_everybody(p)))
        return;
    struct bytes written[VIEW_COUNT] = {{0}};
    for (const struct participant *to = change->wide ? classroom->first : p; to != NULL;
         to = change->wide ? to->next : NULL) {
        if (to->connection == 0 || (change->joined && to == p))
            continue;
        enum view view = view_of(to, p);
        if (written[view].size == 0)
            written[view] = write_person_event(service, p, view);
        output_queue_send(&service->outputs, to->connection, written[view]);
    }
}

static struct bytes write_people_event(struct service *service, const struct classroom *classroom,
                                       enum view view)
{
    struct text_json text = {0};
    event_open(&text, "people");
    text_json_open(&text, "people", '[');
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->untold)
            write_person(p, view, NULL, &text);
    }
    text_json_close(&text, ']');
    return event_finish(service, &text);
}

/* All that changed since the last batch. */
static void send_people(struct service *service, struct classroom *classroom)
{
    struct bytes written[VIEW_COUNT] = {{0}};
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        enum view view = is_staff(p) ? VIEW_OF_STAFF : VIEW_OF_ALL;
        if (p->connection == 0 || !sees_everybody(p))
            continue;
        if (written[view].size == 0)
            written[view] = write_people_event(service, classroom, view);
        output_queue_send(&service->outputs, p->connection, written[view]);
    }
    for (struct participant *p = classroom->first; p != NULL; p = p->next)
        p->untold = false;
}

static void send_person_left(struct service *service, const struct classroom *classroom,
                             const struct classroom_change *change)
{
    struct text_json text = {0};
    event_open(&text, "person_left");
    text_json_id(&text, "id", change->participant);
    text_json_string(&text, "reason", leave_reason_name(change->reason));
    send_to_class(service, classroom, event_finish(service, &text), change->wide,
                  change->participant);
}

static void send_floor(struct service *service, const struct classroom_change *change)
{
    const struct participant *p =
        classroom_registry_find_participant(&service->registry, change->participant);
    if (p == NULL || p->connection == 0)
        return;
    struct text_json text = {0};
    event_open(&text, "floor");
    text_json_bool(&text, "granted", change->granted);
    text_json_id(&text, "by", change->by);
    output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
}

static void send_rights(struct service *service, const struct classroom_change *change)
{
    const struct participant *p =
        classroom_registry_find_participant(&service->registry, change->participant);
    if (p == NULL || p->connection == 0)
        return;
    struct text_json text = {0};
    event_open(&text, "rights");
    write_rights(p, &text);
    output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
}

static void send_aside(struct service *service, const struct classroom_change *change)
{
    const struct participant *p =
        classroom_registry_find_participant(&service->registry, change->participant);
    if (p == NULL || p->connection == 0 || p->classroom == NULL)
        return;
    struct text_json text = {0};
    event_open(&text, "aside");
    write_aside(p, "with", &text);
    text_json_id(&text, "by", change->by);
    text_json_string(&text, "mode", class_mode_name(p->classroom->record.clock.mode));
    output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
}

static void tell_relay_aside(struct service *service, const struct classroom *classroom,
                             const struct classroom_change *change)
{
    struct control_message message = {
        .type = CONTROL_ASIDE, .aside = {.participant = change->participant, .with = change->by}};
    service_tell_relay(service, classroom->relay, &message);
}

static void note_places(struct service *service, struct classroom *classroom)
{
    for (struct participant *p = classroom->first; p != NULL; p = p->next)
        p->queue_place = 0;
    for (size_t i = 0; i < classroom->queue.count; i++) {
        struct participant *p = classroom_registry_find_participant(
            &service->registry, classroom->queue.waiters[i].participant);
        if (p != NULL)
            p->queue_place = i + 1;
    }
}

static struct bytes write_queue_event(struct service *service, struct participant *p)
{
    struct text_json text = {0};
    event_open(&text, "queue");
    write_queue_for(p, p->queue_place, &text);
    return event_finish(service, &text);
}

/* Staff has the whole order; a learner its own place, while it has one and once when it is out. */
static void send_queue(struct service *service, struct classroom *classroom)
{
    struct bytes for_staff = BYTES_NONE;
    note_places(service, classroom);
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        bool concerned = p->queue_place != p->queue_told || p->queue_place != 0;
        p->queue_told = p->queue_place;
        if (p->connection == 0 || (!is_staff(p) && !concerned))
            continue;
        p->queue_length_told = classroom->queue.count;
        if (is_staff(p) && for_staff.size == 0)
            for_staff = write_queue_event(service, p);
        output_queue_send(&service->outputs, p->connection,
                          is_staff(p) ? for_staff : write_queue_event(service, p));
    }
}

/* To those who are not in it: one text for all. */
static void send_queue_length(struct service *service, struct classroom *classroom)
{
    struct bytes written = BYTES_NONE;
    note_places(service, classroom);
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        bool told = p->queue_length_told == classroom->queue.count;
        if (p->connection == 0 || p->queue_place != 0 || is_staff(p) || told)
            continue;
        p->queue_length_told = classroom->queue.count;
        if (written.size == 0)
            written = write_queue_event(service, p);
        output_queue_send(&service->outputs, p->connection, written);
    }
}

static bool opens_the_door(const struct participant *p)
{
    return role_policy_is_always_allowed(p->record.role, ROLE_LOBBY);
}

static void send_lobby(struct service *service, const struct classroom *classroom)
{
    struct text_json text = {0};
    event_open(&text, "lobby");
    waiting_write(classroom, &text);
    struct bytes written = event_finish(service, &text);
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->connection != 0 && opens_the_door(p))
            output_queue_send(&service->outputs, p->connection, written);
    }
}

static void tell_relay_grant(struct service *service, const struct classroom *classroom,
                             const struct classroom_change *change)
{
    struct control_message message = {.type = CONTROL_GRANT,
                                      .grant = {.participant = change->participant,
                                                .slot = change->source,
                                                .open = change->open,
                                                .reserved = change->reserved}};
    service_tell_relay(service, classroom->relay, &message);
}

static void tell_relay_bind(struct service *service, const struct classroom *classroom,
                            const struct classroom_change *change)
{
    struct control_message message = {.type = CONTROL_BIND,
                                      .bind = {.room = classroom->record.room,
                                               .slot = change->slot,
                                               .participant = change->participant,
                                               .source = change->source}};
    service_tell_relay(service, classroom->relay, &message);
}

static void send_change(struct service *service, struct classroom *classroom,
                        const struct classroom_change *change)
{
    struct text_json text = {0};
    switch (change->type) {
    case CHANGE_GRANT:
        tell_relay_grant(service, classroom, change);
        break;
    case CHANGE_BIND:
        tell_relay_bind(service, classroom, change);
        break;
    case CHANGE_ASIDE:
        tell_relay_aside(service, classroom, change);
        break;
    case CHANGE_ASIDE_TOLD:
        send_aside(service, change);
        break;
    case CHANGE_FLOOR:
        send_floor(service, change);
        break;
    case CHANGE_PERSON:
        send_person(service, classroom, change);
        break;
    case CHANGE_PEOPLE:
        send_people(service, classroom);
        break;
    case CHANGE_PERSON_LEFT:
        send_person_left(service, classroom, change);
        break;
    case CHANGE_COUNT:
        event_open(&text, "count");
        write_count(classroom, &text);
        send_to_class(service, classroom, event_finish(service, &text), true, 0);
        break;
    case CHANGE_SLOTS:
        event_open(&text, "slots");
        write_slots(classroom, &text);
        send_to_class(service, classroom, event_finish(service, &text), true, 0);
        break;
    case CHANGE_MODE:
        event_open(&text, "mode");
        write_mode(classroom, &text);
        send_to_class(service, classroom, event_finish(service, &text), true, 0);
        break;
    case CHANGE_CLASS:
        event_open(&text, "class");
        fan_out_write_class(classroom, "class", &text);
        send_to_class(service, classroom, event_finish(service, &text), true, 0);
        break;
    case CHANGE_RIGHTS:
        send_rights(service, change);
        break;
    case CHANGE_QUEUE:
        send_queue(service, classroom);
        break;
    case CHANGE_LOBBY:
        send_lobby(service, classroom);
        break;
    case CHANGE_DELIVERY:
        talk_send_delivery(service, classroom);
        break;
    case CHANGE_QUEUE_LENGTH:
        send_queue_length(service, classroom);
        break;
    case CHANGE_SPEAKING:
        event_open(&text, "speaking");
        write_speaking(classroom, "ids", &text);
        send_to_class(service, classroom, event_finish(service, &text), true, 0);
        break;
    }
}

void fan_out_changes(struct service *service, struct classroom *classroom)
{
    service_save_classroom(service, classroom);
    struct classroom_change change;
    while (classroom_poll_change(classroom, &change)) {
        struct participant *p =
            classroom_registry_find_participant(&service->registry, change.participant);
        if (p != NULL)
            service_save_participant(service, p);
        event_log_note_change(service, classroom, &change);
        send_change(service, classroom, &change);
    }
    service_arm_classroom(service, classroom);
}
