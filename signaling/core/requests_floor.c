/* Requests about the floor: who speaks, who waits, who is muted, what the class is doing. */
#include "signaling/core/requests.h"

struct participant *dispatcher_find_classmate(const struct service *service,
                                              const struct connection *c, const char *id)
{
    uint64_t number = 0;
    if (id[0] < '1' || id[0] > '9')
        return NULL;
    for (; *id >= '0' && *id <= '9' && number < UINT64_MAX / 16; id++)
        number = number * 10 + (uint64_t)(*id - '0');
    if (*id != '\0')
        return NULL;
    struct participant *p = classroom_registry_find_participant(&service->registry, number);
    return p != NULL && p->classroom == c->participant->classroom ? p : NULL;
}

#define FIND(p, id)                                                                                \
    struct participant *p = dispatcher_find_classmate(service, c, id);                             \
    if ((p) == NULL)                                                                               \
    return CLIENT_NOT_FOUND

static enum client_error give(struct connection *c, struct participant *p, bool only)
{
    uint64_t by = c->participant->record.id;
    if (!role_policy_is_teaching(p->record.role) && only)
        classroom_take_other_floors(p->classroom, p, by);
    enum status status = classroom_give_floor(p->classroom, p, by);
    if (status != STATUS_OK)
        return status == STATUS_LIMIT ? CLIENT_TOO_MANY : CLIENT_NOT_ALLOWED;
    return CLIENT_OK;
}

REQUEST(floor_give)
{
    (void)at;
    FIND(p, message->participant);
    enum client_error error = give(c, p, message->flag);
    if (error == CLIENT_OK)
        dispatcher_send_ok(service, c, message->id);
    return error;
}

REQUEST(floor_take)
{
    (void)at;
    FIND(p, message->participant);
    classroom_take_floor(p->classroom, p, c->participant->record.id);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(floor_next)
{
    (void)at;
    struct participant *p = classroom_next_in_queue(c->participant->classroom);
    if (p == NULL)
        return CLIENT_NOT_FOUND;
    enum client_error error = give(c, p, message->flag);
    if (error != CLIENT_OK)
        return error;
    fan_out_changes(service, p->classroom);
    struct text_json text = {0};
    dispatcher_open_answer(&text, "ok", message->id);
    text_json_id(&text, "participant", p->record.id);
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
    return CLIENT_OK;
}

REQUEST(hand_lower)
{
    (void)at;
    if (message->participant == NULL) {
        classroom_lower_hands(c->participant->classroom);
    } else {
        FIND(p, message->participant);
        classroom_set_hand(p->classroom, p, false, 0);
    }
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(mute)
{
    (void)at;
    FIND(p, message->participant);
    if (classroom_set_muted(p->classroom, p, message->flag, c->participant->record.id) != STATUS_OK)
        return CLIENT_NOT_ALLOWED;
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(mute_all)
{
    (void)at;
    uint64_t spared[LIMIT_SPARED];
    size_t count = json_array_size(message->except);
    if (count > LIMIT_SPARED)
        return CLIENT_TOO_MANY;
    for (size_t i = 0; i < count; i++) {
        FIND(p, json_string_value(json_array_get(message->except, i)));
        spared[i] = p->record.id;
    }
    classroom_mute_all(c->participant->classroom, spared, count, c->participant->record.id);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(mute_ask)
{
    (void)at;
    FIND(p, message->participant);
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_string(&text, "type", "mute_asked");
    text_json_id(&text, "by", c->participant->record.id);
    text_json_close(&text, '}');
    service_send_text(service, p->connection, &text);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(mode_set)
{
    enum class_mode mode;
    if (!class_mode_find(bytes_of_string(message->mode), &mode) || message->minutes < 0 ||
        message->minutes > CLASS_BREAK_MINUTES_MAX ||
        (message->minutes != 0 && mode != CLASS_BREAK))
        return CLIENT_BAD_MESSAGE;
    classroom_set_mode(c->participant->classroom, mode, message->minutes, instant_ms(at),
                       c->participant->record.id);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(lead_give)
{
    (void)at;
    FIND(p, message->participant);
    if (classroom_give_lead(p->classroom, p) != STATUS_OK)
        return CLIENT_NOT_ALLOWED;
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}
