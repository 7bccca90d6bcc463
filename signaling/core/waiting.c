/* Between hello and welcome, and back there: who waits, who is let in, who is put out. */
#include "signaling/core/door.h"
#include "signaling/core/requests.h"
#include "signaling/core/secrets.h"

#include "base/wipe.h"

/* --- Waiting */

void waiting_write(const struct classroom *classroom, struct text_json *text)
{
    size_t shown = 0;
    text_json_open(text, "waiting", '[');
    for (const struct waiter *w = classroom->waiting.first; w != NULL && shown < LIMIT_QUEUE_SHOWN;
         w = w->next, shown++) {
        text_json_open(text, NULL, '{');
        text_json_id(text, "id", w->id);
        text_json_string(text, "name", w->name);
        text_json_int(text, "since_ms", w->since_ms);
        text_json_close(text, '}');
    }
    text_json_close(text, ']');
    text_json_uint(text, "count", classroom->waiting.count);
}

static void send_waiting(struct service *service, const struct waiter *w)
{
    const struct store_class *record = &w->classroom->record;
    struct text_json text = {0};
    dispatcher_open_answer(&text, "waiting", w->to);
    text_json_id(&text, "id", w->id);
    text_json_string(&text, "name", w->name);
    text_json_open(&text, "class", '{'); /* a guest learns no more of it than the link says */
    text_json_string(&text, "id", record->id);
    text_json_string(&text, "title", record->title);
    text_json_string(&text, "state", "open");
    text_json_close(&text, '}');
    text_json_int(&text, "since_ms", w->since_ms);
    text_json_close(&text, '}');
    service_send_text(service, w->connection, &text);
}

/* Off the list; the socket is the caller's business. */
static struct connection *take_off(struct service *service, struct waiter *w)
{
    struct classroom *classroom = w->classroom;
    struct connection *c = service_find_connection(service, w->connection);
    if (c != NULL)
        c->waiter = NULL;
    lobby_remove(&classroom->waiting, w);
    free(w);
    classroom_note_lobby(classroom);
    service_arm_classroom(service, classroom);
    return c;
}

void waiting_leave(struct service *service, struct connection *c)
{
    if (c->waiter != NULL)
        (void)take_off(service, c->waiter);
}

void waiting_refuse(struct service *service, struct waiter *w, enum goodbye code)
{
    struct connection *c = take_off(service, w);
    if (c != NULL)
        service_say_goodbye(service, c, code);
}

void waiting_refuse_invite(struct service *service, struct classroom *classroom,
                           const char *invite_id, enum goodbye code)
{
    for (struct waiter *w = classroom->waiting.first, *next; w != NULL; w = next) {
        next = w->next;
        if (strcmp(w->invite.id, invite_id) == 0)
            waiting_refuse(service, w, code);
    }
}

static struct waiter *find_visit(const struct classroom *classroom, const struct admission *by,
                                 const struct connection *c)
{
    for (struct waiter *w = classroom->waiting.first; w != NULL; w = w->next) {
        if (secret_hash_matches(w->visit, c->visit) && strcmp(w->invite.id, by->invite.id) == 0)
            return w;
    }
    return NULL;
}

/* The same page on another socket: it keeps its place. */
static enum client_error wait_on(struct service *service, struct connection *c, struct waiter *w)
{
    struct connection *old = service_find_connection(service, w->connection);
    w->connection = c->id;
    w->to = c->hello_to;
    c->waiter = w;
    if (old != NULL) {
        old->waiter = NULL;
        service_say_goodbye(service, old, GOODBYE_TAKEN_OVER);
    }
    send_waiting(service, w);
    return CLIENT_OK;
}

enum client_error waiting_enter(struct service *service, struct instant at, struct connection *c,
                                const struct admission *admission, const char *name, bool held)
{
    struct classroom *classroom = admission->classroom;
    struct waiter *before = find_visit(classroom, admission, c);
    if (before != NULL && before->to > c->hello_to)
        return CLIENT_OK; /* late: as admission_is_late */
    if (before != NULL)
        return wait_on(service, c, before);
    if (admission->invite.personal)
        waiting_refuse_invite(service, classroom, admission->invite.id, GOODBYE_TAKEN_OVER);
    char site[REMOTE_IP_BYTES];
    ip_site_write(c->remote_ip, site);
    if (lobby_count_from(&classroom->waiting, site) >= LIMIT_WAITING_PER_IP)
        return CLIENT_LOBBY_FULL;
    struct waiter *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CLIENT_INTERNAL;
    service->last_waiter = service->last_waiter < (uint64_t)instant_ms(at)
                               ? (uint64_t)instant_ms(at)
                               : service->last_waiter + 1;
    *w = (struct waiter){.id = service->last_waiter,
                         .connection = c->id,
                         .to = c->hello_to,
                         .invite = admission->invite,
                         .held = held,
                         .since_ms = instant_ms(at),
                         .classroom = classroom};
    snprintf(w->name, sizeof w->name, "%s", name);
    memcpy(w->site, site, sizeof site);
    memcpy(w->visit, c->visit, sizeof w->visit);
    if (lobby_add(&classroom->waiting, w) != STATUS_OK) {
        free(w);
        return CLIENT_CLASS_FULL;
    }
    c->waiter = w;
    classroom_note_lobby(classroom);
    service_arm_classroom(service, classroom);
    send_waiting(service, w);
    return CLIENT_OK;
}

/* The link may have been withdrawn, or used by somebody quicker, since it was shown. */
static bool is_still_good(struct service *service, const struct waiter *w)
{
    struct store_invite now;
    return store_find_invite(service->store, w->invite.id, &now) == STATUS_OK && !now.revoked &&
           (!now.single_use || now.uses == 0);
}

static void lift_hold(struct service *service, const struct waiter *w)
{
    struct store_hold hold;
    door_write_key(&w->invite, w->classroom->record.room, w->name, &hold);
    if (w->held && store_lift_hold(service->store, &hold) != STATUS_OK)
        service->counters.store_errors++;
}

enum client_error waiting_admit(struct service *service, struct instant at, struct waiter *w)
{
    if (!is_still_good(service, w)) {
        waiting_refuse(service, w, GOODBYE_REVOKED);
        return CLIENT_NOT_FOUND;
    }
    struct admission admission = {.classroom = w->classroom, .invite = w->invite};
    char resume_token[RESUME_TOKEN_BYTES] = "";
    struct participant *p = NULL;
    enum client_error error =
        admission_join(service, at, &admission, PARTICIPANT_PAGE, w->name, resume_token, &p);
    if (error != CLIENT_OK)
        return error;
    lift_hold(service, w);
    struct connection *c = take_off(service, w);
    CHECK(c != NULL); /* whoever waits has a socket */
    dispatcher_welcome(service, at, c, p, resume_token, false);
    memory_wipe(resume_token, sizeof resume_token);
    return CLIENT_OK;
}

enum client_error waiting_admit_all(struct service *service, struct instant at,
                                    struct classroom *classroom, bool held_as_well)
{
    for (struct waiter *w = classroom->waiting.first, *next; w != NULL; w = next) {
        next = w->next;
        if (w->held && !held_as_well)
            continue;
        enum client_error error = waiting_admit(service, at, w);
        if (error != CLIENT_OK && error != CLIENT_NOT_FOUND)
            return error; /* full: the rest goes on waiting */
    }
    return CLIENT_OK;
}

/* --- Putting out */

/* Remembers that whoever this is waits, or stays out. */
static enum client_error hold(struct service *service, struct instant at,
                              const struct participant *p, bool banned, const char *reason,
                              struct store_invite *invite, struct store_hold *out)
{
    uint64_t room = p->record.room, count = 0;
    if (store_find_invite(service->store, p->record.invite_id, invite) != STATUS_OK ||
        store_count_holds(service->store, room, &count) != STATUS_OK)
        return CLIENT_INTERNAL;
    door_write_key(invite, room, p->record.name, out);
    out->banned = banned;
    out->at_ms = instant_ms(at);
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    if (count >= LIMIT_HOLDS_PER_CLASS)
        return CLIENT_TOO_MANY;
    return store_set_hold(service->store, out) == STATUS_OK ? CLIENT_OK : CLIENT_INTERNAL;
}

/* Whoever is put out may come back through the lobby, by a link that is good for one person too. */
static void give_back_link(struct service *service, const struct store_invite *invite)
{
    if (invite->single_use && store_give_back_invite_use(service->store, invite->id) != STATUS_OK)
        service->counters.store_errors++;
}

enum client_error moderation_kick(struct service *service, struct instant at, struct participant *p)
{
    struct store_invite invite;
    struct store_hold kept;
    enum client_error error = hold(service, at, p, false, "", &invite, &kept);
    if (error == CLIENT_INTERNAL)
        return error;
    give_back_link(service, &invite);
    /* With the list full it can come back without waiting; out it goes in any case. */
    service_remove_participant(service, at, p, LEAVE_REMOVED, GOODBYE_REMOVED);
    return CLIENT_OK;
}

enum client_error moderation_ban(struct service *service, struct instant at, struct participant *p,
                                 const char *reason)
{
    struct classroom *classroom = p->classroom;
    struct store_invite invite;
    struct store_hold kept;
    enum client_error error = hold(service, at, p, true, reason, &invite, &kept);
    if (error != CLIENT_OK)
        return error;
    /* By one person's invite all are the same person; by a link for many only the name is known,
     * and somebody else may bear it. */
    bool one_person = kept.name[0] == '\0';
    if (one_person)
        waiting_refuse_invite(service, classroom, invite.id, GOODBYE_BANNED);
    for (struct participant *other = classroom->first, *next; other != NULL; other = next) {
        next = other->next;
        if (other != p && !(one_person && strcmp(other->record.invite_id, invite.id) == 0))
            continue;
        struct connection *c = service_find_connection(service, other->connection);
        if (c != NULL)
            service_say_goodbye_for(service, c, GOODBYE_BANNED, reason);
        service_remove_participant(service, at, other, LEAVE_REMOVED, GOODBYE_BANNED);
    }
    return CLIENT_OK;
}

enum client_error moderation_to_lobby(struct service *service, struct instant at,
                                      struct participant *p)
{
    if (p->record.kind != PARTICIPANT_PAGE)
        return CLIENT_NOT_ALLOWED; /* a program cannot wait */
    struct admission admission = {.classroom = p->classroom};
    struct store_hold kept;
    enum client_error error = hold(service, at, p, false, "", &admission.invite, &kept);
    if (error == CLIENT_INTERNAL)
        return error;
    give_back_link(service, &admission.invite);
    struct connection *c = service_find_connection(service, p->connection);
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s", kept.name[0] != '\0' ? kept.name : p->record.name);
    if (c != NULL) { /* it outlives the participant, and nothing else of it */
        c->participant = NULL;
        service->watchers -= c->watching;
        c->watching = false;
        p->connection = 0;
    }
    service_remove_participant(service, at, p, LEAVE_LOBBY, GOODBYE_COUNT);
    if (c == NULL)
        return CLIENT_OK;
    error = waiting_enter(service, at, c, &admission, name, true);
    if (error != CLIENT_OK)
        service_say_goodbye(service, c, GOODBYE_REMOVED);
    return CLIENT_OK;
}
