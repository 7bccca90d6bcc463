/* What a client may ask for over its WebSocket. Who asks is the connection's participant, never
 * what the message says. */
#include "signaling/core/client_message.h"
#include "signaling/core/requests.h"
#include "signaling/core/secrets.h"
#include "signaling/core/talk_fan_out.h"

#include "base/wipe.h"

#define PROTOCOL_VERSION 1
#define CLOSE_NORMAL 1000

void dispatcher_open_answer(struct text_json *text, const char *type, uint32_t to)
{
    text_json_open(text, NULL, '{');
    text_json_string(text, "type", type);
    if (to != 0)
        text_json_uint(text, "to", to);
}

/* What was asked for goes to the relay and to the others first: `ok` means done. */
void dispatcher_send_ok(struct service *service, const struct connection *c, uint32_t to)
{
    fan_out_changes(service, c->participant->classroom);
    struct text_json text = {0};
    dispatcher_open_answer(&text, "ok", to);
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
}

/* Many errors in a short time are a broken or hostile program: it loses its socket, nobody else
 * notices. */
static void count_error(struct service *service, struct instant at, struct connection *c)
{
    if (at.now - c->errors_since > LIMIT_ERRORS_WITHIN_US) {
        c->errors_since = at.now;
        c->errors = 0;
    }
    if (++c->errors > LIMIT_ERRORS)
        service_say_goodbye(service, c, GOODBYE_PROTOCOL);
}

void dispatcher_refuse(struct service *service, struct instant at, struct connection *c,
                       uint32_t to, enum client_error error)
{
    if (c->closing)
        return;
    service->counters.requests[error]++;
    struct text_json text = {0};
    dispatcher_open_answer(&text, "error", to);
    text_json_string(&text, "code", client_error_name(error));
    text_json_string(&text, "text", client_error_sentence(error, c->language));
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
    count_error(service, at, c);
}

/* --- hello */

/* Where else media can go through, as RTCPeerConnection takes it. */
static void write_ice_servers(const struct service *service, struct instant at,
                              const struct participant *p, struct text_json *text)
{
    const struct turn_config *turn = &service->config.turn;
    struct turn_credentials credentials;
    text_json_open(text, "ice_servers", '[');
    if (turn->url_count > 0 && turn_credentials_make(turn->secret, at.unix_us / SECONDS(1),
                                                     p->record.id, &credentials) == STATUS_OK) {
        text_json_open(text, NULL, '{');
        text_json_open(text, "urls", '[');
        for (size_t i = 0; i < turn->url_count; i++)
            text_json_string(text, NULL, turn->urls[i]);
        text_json_close(text, ']');
        text_json_string(text, "username", credentials.username);
        text_json_string(text, "credential", credentials.password);
        text_json_close(text, '}');
    }
    text_json_close(text, ']');
}

static void send_welcome(struct service *service, struct instant at, const struct connection *c,
                         uint32_t to, const char *resume_token, bool resumed)
{
    const struct participant *p = c->participant;
    struct text_json text = {0};
    dispatcher_open_answer(&text, "welcome", to);
    text_json_uint(&text, "version", PROTOCOL_VERSION);
    text_json_open(&text, "participant", '{');
    text_json_id(&text, "id", p->record.id);
    text_json_string(&text, "name", p->record.name);
    text_json_string(&text, "role", role_name(p->record.role));
    text_json_close(&text, '}');
    fan_out_write_class(p->classroom, "class", &text);
    text_json_string(&text, "resume_token", resume_token);
    text_json_int(&text, "resume_for_s", service->config.resume_for_us / SECONDS(1));
    text_json_bool(&text, "resumed", resumed);
    text_json_string(&text, "media", participant_media_name(p->media));
    text_json_int(&text, "server_time_ms", instant_ms(at));
    write_ice_servers(service, at, p, &text);
    fan_out_write_snapshot(p, &text);
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
}

/* The newest socket is the participant's; the one before is told why it ends. */
static void attach(struct service *service, struct connection *c, struct participant *p)
{
    struct connection *old = service_find_connection(service, p->connection);
    p->connection = c->id;
    p->gone_at = USEC_NEVER;
    if (p->record.gone_ms != 0) {
        p->record.gone_ms = 0;
        p->unsaved = true;
        service_save_participant(service, p);
    }
    c->participant = p;
    memcpy(p->visit, c->visit, sizeof p->visit);
    p->hello = c->hello_to;
    if (old != NULL) {
        old->participant = NULL;
        service->watchers -= old->watching;
        old->watching = false;
        service_say_goodbye(service, old, GOODBYE_TAKEN_OVER);
    }
    service_arm_participant(service, p);
}

void dispatcher_welcome(struct service *service, struct instant at, struct connection *c,
                        struct participant *p, const char *resume_token, bool resumed)
{
    attach(service, c, p);
    classroom_set_here(p->classroom, p, true);
    send_welcome(service, at, c, c->hello_to, resume_token, resumed);
    fan_out_restore_media(service, p);
    fan_out_changes(service, p->classroom);
}

/* With an invite: into class, into the lobby, or nowhere. *out is NULL when it waits, or is late.
 */
static enum client_error come_in(struct service *service, struct instant at, struct connection *c,
                                 const struct client_message *message, char *resume_token,
                                 struct participant **out)
{
    struct admission admission;
    char name[NAME_BYTES];
    bool waits = false, held = false;
    enum client_error error = admission_check_token(
        service, at, c->remote_ip, bytes_of_string(message->token), false, c->visit, &admission);
    if (error == CLIENT_OK && admission.again != NULL && admission_is_late(admission.again, c))
        return CLIENT_OK;
    if (error == CLIENT_OK)
        error = admission_clean_name(&admission, message->name, name);
    if (error != CLIENT_OK)
        return error;
    enum client_error door = admission_ask_door(service, &admission, name, &waits, &held);
    if (door == CLIENT_BANNED || door == CLIENT_INTERNAL)
        return door;
    error = admission_take_over(service, at, &admission, PARTICIPANT_PAGE, resume_token, out);
    if (error != CLIENT_OK || *out != NULL)
        return error;
    if (door != CLIENT_OK)
        return door;
    if (waits)
        return waiting_enter(service, at, c, &admission, name, held);
    return admission_join(service, at, &admission, PARTICIPANT_PAGE, name, resume_token, out);
}

static enum client_error handle_hello(struct service *service, struct instant at,
                                      struct connection *c, const struct client_message *message)
{
    if (message->version != PROTOCOL_VERSION)
        return CLIENT_VERSION;
    if (message->lang != NULL && !language_find(message->lang, &c->language))
        return CLIENT_BAD_MESSAGE;
    if ((message->token == NULL) == (message->resume == NULL))
        return CLIENT_BAD_MESSAGE;
    if (message->visit != NULL && strlen(message->visit) < LIMIT_VISIT_BYTES_MIN)
        return CLIENT_BAD_MESSAGE;
    char resume_token[RESUME_TOKEN_BYTES] = "";
    struct participant *p = NULL;
    bool resumed = message->resume != NULL;
    c->hello_to = message->id;
    if (message->visit != NULL)
        secret_hash(bytes_of_string(message->visit), c->visit);
    enum client_error error =
        resumed ? admission_resume(service, at, c, message->resume, resume_token, &p)
                : come_in(service, at, c, message, resume_token, &p);
    if (error == CLIENT_OK && p != NULL)
        dispatcher_welcome(service, at, c, p, resume_token, resumed);
    else if (error == CLIENT_OK && c->waiter == NULL)
        service_say_goodbye(service, c, GOODBYE_TAKEN_OVER);
    memory_wipe(resume_token, sizeof resume_token);
    return error;
}

/* --- Requests of a participant. Each answers itself or returns an error. */

static enum client_error handle_offer(struct service *service, struct instant at,
                                      struct connection *c, const struct client_message *message)
{
    static const struct rate_limit_rule rule = {SECONDS(60) / RATE_SDP_PER_MINUTE, RATE_SDP_BURST};
    if (!rate_limit_take(&c->sdp, at.now, rule))
        return CLIENT_TOO_MANY;
    struct offer_reply reply = {.connection = c->id, .to = message->id};
    return offer_start(service, at, c->participant, bytes_of_string(message->sdp), message->flag,
                       reply);
}

static enum client_error handle_share_start(struct service *service, struct instant at,
                                            struct connection *c,
                                            const struct client_message *message)
{
    (void)at;
    struct participant *p = c->participant;
    enum status status = classroom_start_share(p->classroom, p, message->flag);
    if (status == STATUS_AUTH)
        return CLIENT_FLOOR_REQUIRED;
    if (status == STATUS_STATE)
        return CLIENT_NOT_ALLOWED;
    if (status != STATUS_OK)
        return CLIENT_TOO_MANY;
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

static enum client_error handle_share_stop(struct service *service, struct instant at,
                                           struct connection *c,
                                           const struct client_message *message)
{
    (void)at;
    classroom_stop_share(c->participant->classroom, c->participant);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

static enum client_error handle_mic(struct service *service, struct instant at,
                                    struct connection *c, const struct client_message *message)
{
    (void)at;
    classroom_set_mic(c->participant->classroom, c->participant, message->flag);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

static enum client_error handle_hand(struct service *service, struct instant at,
                                     struct connection *c, const struct client_message *message)
{
    classroom_set_hand(c->participant->classroom, c->participant, message->flag, instant_ms(at));
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

static enum client_error handle_class_end(struct service *service, struct instant at,
                                          struct connection *c,
                                          const struct client_message *message)
{
    struct participant *p = c->participant;
    struct classroom *classroom = p->classroom;
    if (message->class_id != NULL && strcmp(message->class_id, classroom->record.id) != 0) {
        if (!role_policy_is_always_allowed(p->record.role, ROLE_CLASS_END_ANY))
            return CLIENT_NOT_ALLOWED;
        classroom = classroom_registry_find(&service->registry, message->class_id);
        if (classroom == NULL)
            return CLIENT_NOT_FOUND;
    }
    dispatcher_send_ok(service, c, message->id);
    service_end_class(service, at, classroom, p->record.id);
    return CLIENT_OK;
}

static enum client_error handle_watch(struct service *service, struct instant at,
                                      struct connection *c, const struct client_message *message)
{
    if (message->flag && !c->watching && service->watchers >= LIMIT_WATCHERS)
        return CLIENT_TOO_MANY;
    service->watchers += (size_t)message->flag - (size_t)c->watching;
    c->watching = message->flag;
    dispatcher_send_ok(service, c, message->id);
    if (c->watching)
        overview_send_first(service, at, c);
    return CLIENT_OK;
}

static enum client_error handle_leave(struct service *service, struct instant at,
                                      struct connection *c, const struct client_message *message)
{
    dispatcher_send_ok(service, c, message->id);
    service_remove_participant(service, at, c->participant, LEAVE_LEFT, GOODBYE_COUNT);
    return CLIENT_OK;
}

static enum client_error handle_ping(struct service *service, struct instant at,
                                     struct connection *c, const struct client_message *message)
{
    struct text_json text = {0};
    dispatcher_open_answer(&text, "ok", message->id);
    text_json_int(&text, "server_time_ms", instant_ms(at));
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
    return CLIENT_OK;
}

#define ANYBODY ROLE_ACTION_COUNT

static const struct {
    enum role_action action; /* ANYBODY: no right needed */
    enum client_error (*handle)(struct service *, struct instant, struct connection *,
                                const struct client_message *);
} requests[CLIENT_MESSAGE_TYPE_COUNT] = {
    [CLIENT_MESSAGE_HELLO] = {ANYBODY, NULL}, /* only the first */
    [CLIENT_MESSAGE_OFFER] = {ROLE_OFFER, handle_offer},
    [CLIENT_MESSAGE_SHARE_START] = {ROLE_SHARE, handle_share_start},
    [CLIENT_MESSAGE_SHARE_STOP] = {ANYBODY, handle_share_stop},
    [CLIENT_MESSAGE_MIC] = {ROLE_MIC, handle_mic},
    [CLIENT_MESSAGE_HAND] = {ROLE_HAND, handle_hand},
    [CLIENT_MESSAGE_FLOOR_GIVE] = {ROLE_FLOOR_GIVE, request_floor_give},
    [CLIENT_MESSAGE_FLOOR_TAKE] = {ROLE_FLOOR_GIVE, request_floor_take},
    [CLIENT_MESSAGE_FLOOR_NEXT] = {ROLE_FLOOR_GIVE, request_floor_next},
    [CLIENT_MESSAGE_HAND_LOWER] = {ROLE_HAND_LOWER, request_hand_lower},
    [CLIENT_MESSAGE_MUTE] = {ROLE_FLOOR_GIVE, request_mute},
    [CLIENT_MESSAGE_MUTE_ALL] = {ROLE_FLOOR_GIVE, request_mute_all},
    [CLIENT_MESSAGE_MUTE_ASK] = {ROLE_MUTE_ASK, request_mute_ask},
    [CLIENT_MESSAGE_MODE_SET] = {ROLE_MODE, request_mode_set},
    [CLIENT_MESSAGE_LEAD_GIVE] = {ROLE_LEAD_GIVE, request_lead_give},
    [CLIENT_MESSAGE_LOBBY_SET] = {ROLE_LOBBY, request_lobby_set},
    [CLIENT_MESSAGE_LOBBY_ADMIT] = {ROLE_LOBBY, request_lobby_admit},
    [CLIENT_MESSAGE_LOBBY_REFUSE] = {ROLE_LOBBY, request_lobby_refuse},
    [CLIENT_MESSAGE_LOCK] = {ROLE_LOCK, request_lock},
    [CLIENT_MESSAGE_KICK] = {ROLE_KICK, request_kick},
    [CLIENT_MESSAGE_TO_LOBBY] = {ROLE_KICK, request_to_lobby},
    [CLIENT_MESSAGE_BAN] = {ROLE_BAN, request_ban},
    [CLIENT_MESSAGE_CHAT_SEND] = {ROLE_CHAT_SEND, request_chat_send},
    [CLIENT_MESSAGE_CHAT_ANSWERED] = {ROLE_CHAT_MODERATE, request_chat_answered},
    [CLIENT_MESSAGE_CHAT_DELETE] = {ROLE_CHAT_MODERATE, request_chat_delete},
    [CLIENT_MESSAGE_CHAT_OPEN] = {ROLE_CHAT_MODERATE, request_chat_open},
    [CLIENT_MESSAGE_CHAT_HISTORY] = {ANYBODY, request_chat_history},
    [CLIENT_MESSAGE_POLL_START] = {ROLE_POLL_RUN, request_poll_start},
    [CLIENT_MESSAGE_POLL_ANSWER] = {ROLE_POLL_ANSWER, request_poll_answer},
    [CLIENT_MESSAGE_POLL_CLOSE] = {ROLE_POLL_RUN, request_poll_close},
    [CLIENT_MESSAGE_POLL_SHOW] = {ROLE_POLL_RUN, request_poll_show},
    [CLIENT_MESSAGE_POLL_IMPORT] = {ROLE_POLL_RUN, request_poll_import},
    [CLIENT_MESSAGE_PACE] = {ROLE_PACE, request_pace},
    [CLIENT_MESSAGE_HELP] = {ROLE_HELP, request_help},
    [CLIENT_MESSAGE_HELP_ANSWER] = {ROLE_HELP_ANSWER, request_help_answer},
    [CLIENT_MESSAGE_HELP_DONE] = {ROLE_HELP_ANSWER, request_help_done},
    [CLIENT_MESSAGE_ASIDE_START] = {ROLE_ASIDE, request_aside_start},
    [CLIENT_MESSAGE_ASIDE_STOP] = {ANYBODY, request_aside_stop},
    [CLIENT_MESSAGE_REPORT] = {ANYBODY, request_report},
    [CLIENT_MESSAGE_DELIVERY_LIST] = {ROLE_HEAR_AS_STAFF, request_delivery_list},
    [CLIENT_MESSAGE_CLASS_END] = {ROLE_CLASS_END, handle_class_end},
    [CLIENT_MESSAGE_WATCH] = {ROLE_WATCH, handle_watch},
    [CLIENT_MESSAGE_LEAVE] = {ANYBODY, handle_leave},
    [CLIENT_MESSAGE_PING] = {ANYBODY, handle_ping},
};

static enum client_error check_right(const struct participant *p, enum role_action action)
{
    if (action == ANYBODY)
        return CLIENT_OK;
    if (role_policy_is_allowed(p->record.role, action, participant_standing(p)))
        return CLIENT_OK;
    return role_policy_get(p->record.role, action) == ROLE_WITH_FLOOR ? CLIENT_FLOOR_REQUIRED
                                                                      : CLIENT_NOT_ALLOWED;
}

/* Who waits may ask whether the server is there, and go. */
static enum client_error handle_waiting(struct service *service, struct instant at,
                                        struct connection *c, const struct client_message *message)
{
    if (message->type == CLIENT_MESSAGE_PING)
        return handle_ping(service, at, c, message);
    if (message->type != CLIENT_MESSAGE_LEAVE)
        return CLIENT_NOT_AUTHENTICATED;
    struct text_json text = {0};
    dispatcher_open_answer(&text, "ok", message->id);
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
    service_close_connection(service, c, CLOSE_NORMAL);
    return CLIENT_OK;
}

static enum client_error handle_request(struct service *service, struct instant at,
                                        struct connection *c, const struct client_message *message)
{
    if (c->waiter != NULL)
        return handle_waiting(service, at, c, message);
    if (c->participant == NULL)
        return message->type == CLIENT_MESSAGE_HELLO ? handle_hello(service, at, c, message)
                                                     : CLIENT_NOT_AUTHENTICATED;
    if (requests[message->type].handle == NULL)
        return CLIENT_BAD_MESSAGE;
    enum client_error error = check_right(c->participant, requests[message->type].action);
    if (error != CLIENT_OK)
        return error;
    struct classroom *classroom = c->participant->classroom;
    uint64_t room = classroom->record.room;
    error = requests[message->type].handle(service, at, c, message);
    /* The class may be gone: class_end frees it. */
    if (classroom_registry_find_room(&service->registry, room) != NULL) {
        fan_out_changes(service, classroom);
        talk_fan_out_due(service, at, classroom);
    }
    return error;
}

static enum client_error error_of_parse(enum status status)
{
    if (status == STATUS_LIMIT)
        return CLIENT_TOO_LARGE;
    return status == STATUS_UNSUPPORTED ? CLIENT_UNKNOWN_TYPE : CLIENT_BAD_MESSAGE;
}

void dispatcher_handle_message(struct service *service, struct instant at, struct connection *c,
                               struct bytes text)
{
    static const struct rate_limit_rule rule = {SECONDS(1) / RATE_MESSAGES_PER_S,
                                                RATE_MESSAGES_BURST};
    service->counters.messages++;
    if (!rate_limit_take(&c->messages, at.now, rule)) {
        dispatcher_refuse(service, at, c, 0, CLIENT_TOO_MANY);
        return;
    }
    struct client_message message;
    enum status status = client_message_parse(text, &message);
    if (status != STATUS_OK) {
        /* A stranger learns nothing about what it sent wrong. */
        dispatcher_refuse(service, at, c, message.id,
                          c->participant == NULL && status == STATUS_UNSUPPORTED
                              ? CLIENT_NOT_AUTHENTICATED
                              : error_of_parse(status));
        return;
    }
    enum client_error error = handle_request(service, at, c, &message);
    if (error == CLIENT_OK)
        service->counters.requests[CLIENT_OK]++;
    else
        dispatcher_refuse(service, at, c, message.id, error);
    client_message_destroy(&message);
}
