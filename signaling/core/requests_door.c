/* Requests about the door: who comes in, who has to leave. */
#include "signaling/core/requests.h"
#include "signaling/core/text_rules.h"

static struct waiter *find_waiter(const struct connection *c, const char *id)
{
    uint64_t number = 0;
    if (!dispatcher_read_id(id, &number))
        return NULL;
    return lobby_find(&c->participant->classroom->waiting, number);
}

/* Nobody puts out who leads or teaches, who watches over the class, or itself. */
static bool can_be_put_out(const struct participant *p, const struct connection *c)
{
    return p != c->participant && p->classroom->record.lead != p->record.id &&
           role_policy_is_always_allowed(p->record.role, ROLE_BE_PUT_OUT);
}

REQUEST(lobby_set)
{
    struct classroom *classroom = c->participant->classroom;
    classroom_set_lobby(classroom, message->flag);
    enum client_error error =
        message->flag ? CLIENT_OK : waiting_admit_all(service, at, classroom, false);
    if (error == CLIENT_OK)
        dispatcher_send_ok(service, c, message->id);
    return error;
}

REQUEST(lobby_admit)
{
    enum client_error error;
    if (message->waiting == NULL) {
        error = waiting_admit_all(service, at, c->participant->classroom, true);
    } else {
        struct waiter *w = find_waiter(c, message->waiting);
        error = w != NULL ? waiting_admit(service, at, w) : CLIENT_NOT_FOUND;
    }
    if (error == CLIENT_OK)
        dispatcher_send_ok(service, c, message->id);
    return error;
}

REQUEST(lobby_refuse)
{
    (void)at;
    struct waiter *w = find_waiter(c, message->waiting);
    if (w == NULL)
        return CLIENT_NOT_FOUND;
    waiting_refuse(service, w, GOODBYE_NOT_NOW);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(lock)
{
    (void)at;
    classroom_set_locked(c->participant->classroom, message->flag);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(kick)
{
    struct participant *p = dispatcher_find_classmate(service, c, message->participant);
    if (p == NULL)
        return CLIENT_NOT_FOUND;
    enum client_error error =
        can_be_put_out(p, c) ? moderation_kick(service, at, p) : CLIENT_NOT_ALLOWED;
    if (error == CLIENT_OK)
        dispatcher_send_ok(service, c, message->id);
    return error;
}

REQUEST(to_lobby)
{
    struct participant *p = dispatcher_find_classmate(service, c, message->participant);
    if (p == NULL)
        return CLIENT_NOT_FOUND;
    enum client_error error =
        can_be_put_out(p, c) ? moderation_to_lobby(service, at, p) : CLIENT_NOT_ALLOWED;
    if (error == CLIENT_OK)
        dispatcher_send_ok(service, c, message->id);
    return error;
}

REQUEST(ban)
{
    char reason[REASON_BYTES];
    struct participant *p = dispatcher_find_classmate(service, c, message->participant);
    if (p == NULL)
        return CLIENT_NOT_FOUND;
    if (text_rules_clean(message->reason, LIMIT_REASON_CODE_POINTS, reason, sizeof reason) !=
            STATUS_OK ||
        reason[0] == '\0')
        return CLIENT_BAD_MESSAGE;
    /* A ban goes by the invite: one that brought the asker in as well would shut it out, too. */
    bool own_invite = strcmp(p->record.invite_id, c->participant->record.invite_id) == 0;
    enum client_error error = can_be_put_out(p, c) && !own_invite
                                  ? moderation_ban(service, at, p, reason)
                                  : CLIENT_NOT_ALLOWED;
    if (error == CLIENT_OK)
        dispatcher_send_ok(service, c, message->id);
    return error;
}
