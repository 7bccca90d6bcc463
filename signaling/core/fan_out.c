/* From what changed in a class to who is told what. Learners are told of trainers, of whoever has
 * the floor and of themselves; the rest reaches them as a count. So a join costs the same whether
 * it is the tenth or the thousandth. */
#include "signaling/core/service_internal.h"

static void write_person(const struct participant *p, const char *key, struct text_json *text)
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

static void write_slots(const struct classroom *classroom, struct text_json *text)
{
    text_json_open(text, "slots", '{');
    for (size_t slot = 0; slot < ROOM_SLOT_VOICE_ANY; slot++)
        text_json_id(text, room_slot_name((enum room_slot)slot), classroom->slots[slot]);
    text_json_close(text, '}');
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
    text_json_close(text, '}');
}

void fan_out_write_snapshot(const struct participant *viewer, struct text_json *text)
{
    const struct classroom *classroom = viewer->classroom;
    text_json_open(text, "state", '{');
    text_json_string(text, "type", "state");
    text_json_open(text, "people", '[');
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (classroom_is_visible(viewer, p))
            write_person(p, NULL, text);
    }
    text_json_close(text, ']');
    write_count(classroom, text);
    write_slots(classroom, text);
    write_speaking(classroom, "speaking", text);
    fan_out_write_class(classroom, "class", text);
    text_json_close(text, '}');
}

static void open_event(struct text_json *text, const char *type)
{
    text_json_open(text, NULL, '{');
    text_json_string(text, "type", type);
}

static struct bytes finish_event(struct service *service, struct text_json *text)
{
    text_json_close(text, '}');
    return output_queue_keep(&service->outputs, text);
}

/* `about` 0 is about nobody in particular. A learner that is not `wide`ly told is left out, unless
 * it is about itself. */
static void send_to_class(struct service *service, const struct classroom *classroom,
                          struct bytes text, bool wide, uint64_t about, bool spare_subject)
{
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        bool subject = p->record.id == about;
        if (p->connection == 0 || (subject && spare_subject))
            continue;
        if (wide || subject || role_policy_is_allowed(p->record.role, ROLE_SEE_EVERYBODY, false))
            output_queue_send(&service->outputs, p->connection, text);
    }
}

static void send_person(struct service *service, const struct classroom *classroom,
                        const struct classroom_change *change)
{
    const struct participant *p =
        classroom_registry_find_participant(&service->registry, change->participant);
    if (p == NULL || p->classroom != classroom)
        return;
    struct text_json text = {0};
    open_event(&text, "person");
    write_person(p, "person", &text);
    /* Who has just joined reads it in its own snapshot. */
    send_to_class(service, classroom, finish_event(service, &text), change->wide,
                  change->participant, change->joined);
}

static void send_person_left(struct service *service, const struct classroom *classroom,
                             const struct classroom_change *change)
{
    struct text_json text = {0};
    open_event(&text, "person_left");
    text_json_id(&text, "id", change->participant);
    text_json_string(&text, "reason", leave_reason_name(change->reason));
    send_to_class(service, classroom, finish_event(service, &text), change->wide,
                  change->participant, true);
}

static void send_floor(struct service *service, const struct classroom_change *change)
{
    const struct participant *p =
        classroom_registry_find_participant(&service->registry, change->participant);
    if (p == NULL || p->connection == 0)
        return;
    struct text_json text = {0};
    open_event(&text, "floor");
    text_json_bool(&text, "granted", change->granted);
    text_json_id(&text, "by", change->by);
    output_queue_send(&service->outputs, p->connection, finish_event(service, &text));
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

static void send_change(struct service *service, const struct classroom *classroom,
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
    case CHANGE_FLOOR:
        send_floor(service, change);
        break;
    case CHANGE_PERSON:
        send_person(service, classroom, change);
        break;
    case CHANGE_PERSON_LEFT:
        send_person_left(service, classroom, change);
        break;
    case CHANGE_COUNT:
        open_event(&text, "count");
        write_count(classroom, &text);
        send_to_class(service, classroom, finish_event(service, &text), true, 0, false);
        break;
    case CHANGE_SLOTS:
        open_event(&text, "slots");
        write_slots(classroom, &text);
        send_to_class(service, classroom, finish_event(service, &text), true, 0, false);
        break;
    case CHANGE_SPEAKING:
        open_event(&text, "speaking");
        write_speaking(classroom, "ids", &text);
        send_to_class(service, classroom, finish_event(service, &text), true, 0, false);
        break;
    }
}

void fan_out_changes(struct service *service, struct classroom *classroom)
{
    struct classroom_change change;
    while (classroom_poll_change(classroom, &change)) {
        struct participant *p =
            classroom_registry_find_participant(&service->registry, change.participant);
        if (p != NULL)
            service_save_participant(service, p);
        send_change(service, classroom, &change);
    }
    service_arm_classroom(service, classroom);
}

void fan_out_set_media(struct service *service, struct participant *p, enum participant_media media)
{
    bool changed = p->media != media;
    classroom_set_media(p->classroom, p, media);
    if (changed && p->connection != 0) {
        struct text_json text = {0};
        open_event(&text, "media");
        text_json_string(&text, "media", participant_media_name(media));
        output_queue_send(&service->outputs, p->connection, finish_event(service, &text));
    }
    fan_out_changes(service, p->classroom);
}

void fan_out_media_reset(struct service *service, struct participant *p, const char *reason)
{
    if (p->connection == 0)
        return;
    struct text_json text = {0};
    open_event(&text, "media_reset");
    text_json_string(&text, "reason", reason);
    output_queue_send(&service->outputs, p->connection, finish_event(service, &text));
}
