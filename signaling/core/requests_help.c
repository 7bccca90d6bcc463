/* Requests about how the class goes: the pace, the help bell, who answers it, and help in private.
 */
#include "signaling/core/requests.h"
#include "signaling/core/talk_fan_out.h"

REQUEST(pace)
{
    enum pace_value value;
    struct participant *p = c->participant;
    if (!pace_value_find(bytes_of_string(message->value), &value))
        return CLIENT_BAD_MESSAGE;
    if (pace_set(&p->classroom->talk.pace, at.now, p->record.id, value) != STATUS_OK)
        return CLIENT_INTERNAL;
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(help)
{
    struct participant *p = c->participant;
    classroom_set_help(p->classroom, p, message->flag, instant_ms(at));
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(help_answer)
{
    (void)at;
    struct participant *p = dispatcher_find_classmate(service, c, message->participant);
    if (p == NULL || p->record.help_ms == 0)
        return CLIENT_NOT_FOUND;
    classroom_set_helper(p->classroom, p, c->participant->record.id);
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_string(&text, "type", "help_coming");
    text_json_id(&text, "by", c->participant->record.id);
    text_json_string(&text, "name", c->participant->record.name);
    text_json_close(&text, '}');
    service_send_text(service, p->connection, &text);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

/* The bell is silent again: whoever rang has been helped. */
REQUEST(help_done)
{
    struct participant *p = dispatcher_find_classmate(service, c, message->participant);
    if (p == NULL || p->record.help_ms == 0)
        return CLIENT_NOT_FOUND;
    classroom_set_help(p->classroom, p, false, instant_ms(at));
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(aside_start)
{
    (void)at;
    struct participant *p = dispatcher_find_classmate(service, c, message->participant);
    if (p == NULL)
        return CLIENT_NOT_FOUND;
    if (classroom_start_aside(p->classroom, c->participant, p) != STATUS_OK)
        return CLIENT_NOT_ALLOWED;
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(aside_stop)
{
    struct participant *p = c->participant;
    struct participant *with = classroom_find_aside(p);
    if (with == NULL)
        return CLIENT_NOT_FOUND;
    classroom_end_aside(p->classroom, p, p->record.id);
    /* Who came to help has helped. */
    if (role_policy_is_always_allowed(p->record.role, ROLE_HELP_ANSWER))
        classroom_set_help(p->classroom, with, false, instant_ms(at));
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}
