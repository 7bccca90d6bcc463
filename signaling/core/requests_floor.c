/* Requests about the floor: who speaks, who waits, who is muted, what the class is doing. */
#include "signaling/core/requests.h"

bool dispatcher_read_id(const char *id, uint64_t *out)
{
    uint64_t number = 0;
    if (id[0] < '1' || id[0] > '9')
        return false;
    for (; *id >= '0' && *id <= '9' && number < UINT64_MAX / 16; id++)
        number = number * 10 + (uint64_t)(*id - '0');
    *out = number;
    return *id == '\0';
}

bool dispatcher_read_ids(const json_t *array, uint64_t *out, size_t *count)
{
    *count = json_array_size(array);
    if ((array != NULL && !json_is_array(array)) || *count > LIMIT_SPARED)
        return false;
    for (size_t i = 0; i < *count; i++) {
        const char *id = json_string_value(json_array_get(array, i));
        if (id == NULL || !dispatcher_read_id(id, &out[i]))
            return false;
    }
    return true;
}

struct participant *dispatcher_find_classmate(const struct service *service,
                                              const struct connection *c, const char *id)
{
    uint64_t number;
    if (!dispatcher_read_id(id, &number))
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
    enum status status = classroom_pass_floor(p->classroom, p, only, c->participant->record.id);
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
    size_t count = 0;
    if (json_array_size(message->except) > LIMIT_SPARED)
        return CLIENT_TOO_MANY;
    if (!dispatcher_read_ids(message->except, spared, &count))
        return CLIENT_NOT_FOUND;
    /* An id that is nobody's any more spares nobody: the rest is muted all the same. */
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
