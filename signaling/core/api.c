/* The HTTP API for integrators and operators (docs/client-protocol.md, section 3). */
#include "signaling/core/access_token.h"
#include "signaling/core/api_internal.h"
#include "signaling/core/secrets.h"
#include "signaling/core/strict_json.h"
#include "signaling/core/talk_fan_out.h"
#include "signaling/core/text_rules.h"

#include "base/wipe.h"

#include <inttypes.h>
#include <strings.h>

void api_fail(const struct api_call *call, enum client_error error)
{
    http_reply_error(call->service, call->request->exchange, error);
}

void api_send_json(const struct api_call *call, int status, struct text_json *body)
{
    http_reply_json(call->service, call->request->exchange, status, body);
}

/* False for a path too long or deep to be one of ours, and for empty parts. */
static bool split_path(const char *path, struct api_call *call)
{
    while (*path != '\0') {
        const char *slash = strchr(path, '/');
        size_t size = slash != NULL ? (size_t)(slash - path) : strlen(path);
        if (size == 0 || call->part_count == PARTS_MAX ||
            !bytes_to_string(bytes_of(path, size), call->parts[call->part_count++], PART_BYTES))
            return false;
        path += size;
        if (*path == '/' && *++path == '\0')
            return false;
    }
    return call->part_count > 0;
}

static bool is_part(const struct api_call *call, size_t at, const char *text)
{
    return at < call->part_count && strcmp(call->parts[at], text) == 0;
}

/* --- Who asks */

static bool is_key_right(const struct service *service, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    uint8_t given[RESUME_HASH_BYTES], expected[RESUME_HASH_BYTES];
    secret_hash(bytes_of_string(authorization + sizeof scheme - 1), given);
    secret_hash(bytes_of_string(service->config.api_key), expected);
    return secret_equal(bytes_of(given, sizeof given), bytes_of(expected, sizeof expected));
}

/* --- Bodies */

static bool is_json_type(const char *content_type)
{
    static const char json[] = "application/json";
    return content_type != NULL && strncasecmp(content_type, json, sizeof json - 1) == 0 &&
           (content_type[sizeof json - 1] == '\0' || content_type[sizeof json - 1] == ';' ||
            content_type[sizeof json - 1] == ' ');
}

/* The object in the body; on failure the answer has been given. */
json_t *api_read_body(const struct api_call *call)
{
    json_t *body = NULL;
    enum client_error error = CLIENT_BAD_MESSAGE;
    if (!is_json_type(call->request->content_type))
        error = CLIENT_CONTENT_TYPE;
    else if (strict_json_parse(call->request->body, LIMIT_HTTP_BODY_BYTES, &body) == STATUS_OK &&
             json_is_object(body))
        return body;
    json_decref(body);
    api_fail(call, error);
    return NULL;
}

/* --- Classes */

static void write_class(const struct service *service, const struct store_class *record,
                        int64_t now_ms, struct text_json *text)
{
    const struct classroom *classroom = classroom_registry_find(&service->registry, record->id);
    text_json_open(text, NULL, '{');
    text_json_string(text, "class_id", record->id);
    text_json_string(text, "title", record->title);
    text_json_string(text, "state", record->ended ? "ended" : "open");
    text_json_int(text, "created_ms", record->created_ms);
    if (record->started_ms != 0)
        text_json_int(text, "started_ms", record->started_ms);
    if (record->ended)
        text_json_int(text, "ended_ms", record->ended_ms);
    text_json_string(text, "mode", class_mode_name(record->clock.mode));
    text_json_int(text, "realised_ms", class_clock_realised_ms(&record->clock, now_ms));
    text_json_id(text, "lead", record->lead);
    text_json_bool(text, "lobby", record->lobby);
    text_json_bool(text, "locked", record->locked);
    text_json_uint(text, "waiting", classroom != NULL ? classroom->waiting.count : 0);
    text_json_open(text, "count", '{');
    for (size_t role = 0; role < ROLE_COUNT; role++)
        text_json_uint(text, role_name((enum role)role),
                       classroom != NULL ? classroom->count[role] : 0);
    text_json_close(text, '}');
    text_json_close(text, '}');
}

static enum client_error add_class(const struct api_call *call, const json_t *body,
                                   struct store_class *record)
{
    const char *title = NULL;
    *record = (struct store_class){.created_ms = instant_ms(call->at)};
    if (!strict_json_get_string(body, "title", true, &title) ||
        text_rules_clean(title, LIMIT_TITLE_CODE_POINTS, record->title, sizeof record->title) !=
            STATUS_OK ||
        record->title[0] == '\0')
        return CLIENT_BAD_MESSAGE;
    if (call->service->registry.class_count >= call->service->config.classes_max)
        return CLIENT_TOO_MANY;
    struct classroom *classroom;
    if (secret_id_make(record->id) != STATUS_OK ||
        store_add_class(call->service->store, record) != STATUS_OK ||
        classroom_registry_open(&call->service->registry, record, &classroom) != STATUS_OK)
        return CLIENT_INTERNAL;
    classroom->timer.owner = classroom;
    return CLIENT_OK;
}

static void handle_create_class(struct api_call *call)
{
    json_t *body = api_read_body(call);
    if (body == NULL)
        return;
    struct store_class record;
    enum client_error error = add_class(call, body, &record);
    json_decref(body);
    if (error != CLIENT_OK) {
        api_fail(call, error);
        return;
    }
    struct text_json text = {0};
    write_class(call->service, &record, instant_ms(call->at), &text);
    api_send_json(call, 201, &text);
}

struct listing {
    struct service *service;
    int64_t now_ms;
    struct text_json text;
};

static bool list_class(void *context, const struct store_class *record)
{
    struct listing *listing = context;
    write_class(listing->service, record, listing->now_ms, &listing->text);
    return true;
}

static void handle_list_classes(struct api_call *call)
{
    struct listing listing = {.service = call->service, .now_ms = instant_ms(call->at)};
    text_json_open(&listing.text, NULL, '{');
    text_json_open(&listing.text, "classes", '[');
    enum status status =
        store_each_class(call->service->store, false, LIMIT_CLASSES_LISTED, list_class, &listing);
    text_json_close(&listing.text, ']');
    text_json_close(&listing.text, '}');
    if (status == STATUS_OK) {
        api_send_json(call, 200, &listing.text);
        return;
    }
    text_json_destroy(&listing.text);
    api_fail(call, CLIENT_INTERNAL);
}

void api_send_class(struct api_call *call)
{
    struct text_json text = {0};
    write_class(call->service, &call->record, instant_ms(call->at), &text);
    api_send_json(call, 200, &text);
}

static void handle_end_class(struct api_call *call)
{
    if (call->classroom != NULL) {
        service_end_class(call->service, call->at, call->classroom, 0);
        call->classroom = NULL;
        if (store_find_class(call->service->store, call->parts[1], &call->record) != STATUS_OK) {
            api_fail(call, CLIENT_INTERNAL);
            return;
        }
    }
    api_send_class(call);
}

/* --- Invites */

static void write_date(int64_t unix_ms, char *out, size_t capacity)
{
    /* Days to a date by the civil calendar, without a library call that reads a time zone. */
    int64_t seconds = unix_ms / 1000;
    int64_t days = seconds / 86400, rest = seconds % 86400;
    int64_t z = days + 719468;
    int64_t era = z / 146097, doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * mp + 2) / 5 + 1;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    snprintf(out, capacity,
             "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 "Z",
             year, month, day, rest / 3600, rest / 60 % 60, rest % 60);
}

static void write_invite_fields(const struct store_invite *invite, struct text_json *text)
{
    char date[64];
    write_date(invite->expires_ms, date, sizeof date);
    text_json_string(text, "invite_id", invite->id);
    text_json_string(text, "class_id", invite->class_id);
    text_json_string(text, "role", role_name(invite->role));
    text_json_string(text, "name", invite->name);
    text_json_string(text, "expires_at", date);
    text_json_bool(text, "single_use", invite->single_use);
    text_json_bool(text, "personal", invite->personal);
    text_json_uint(text, "uses", invite->uses);
    text_json_bool(text, "revoked", invite->revoked);
}

static enum client_error read_invite(const struct api_call *call, const json_t *body,
                                     struct store_invite *out)
{
    const char *role = NULL, *name = "";
    int64_t expires_in_s = INVITE_DEFAULT_S;
    struct store_invite invite = {.created_ms = instant_ms(call->at)};
    if (!strict_json_get_string(body, "role", true, &role) ||
        !strict_json_get_string(body, "name", false, &name) ||
        !strict_json_get_int(body, "expires_in_s", false, 1, INVITE_MAX_S, &expires_in_s) ||
        !strict_json_get_bool(body, "single_use", false, &invite.single_use) ||
        !strict_json_get_bool(body, "personal", false, &invite.personal) ||
        (invite.personal && invite.single_use) || !role_find(bytes_of_string(role), &invite.role) ||
        text_rules_clean(name, LIMIT_NAME_CODE_POINTS, invite.name,
                         LIMIT_NAME_CODE_POINTS * 4 + 1) != STATUS_OK)
        return CLIENT_BAD_MESSAGE;
    invite.expires_ms = (invite.created_ms / 1000 + expires_in_s) * 1000;
    memcpy(invite.class_id, call->record.id, sizeof invite.class_id);
    if (secret_id_make(invite.id) != STATUS_OK)
        return CLIENT_INTERNAL;
    *out = invite;
    return CLIENT_OK;
}

static enum client_error sign_invite(const struct api_call *call, const struct store_invite *invite,
                                     char *token, size_t capacity)
{
    struct access_claims claims = {.role = invite->role,
                                   .not_before_s = invite->created_ms / 1000,
                                   .expires_s = invite->expires_ms / 1000};
    memcpy(claims.class_id, invite->class_id, sizeof claims.class_id);
    memcpy(claims.invite_id, invite->id, sizeof claims.invite_id);
    memcpy(claims.name, invite->name, sizeof claims.name);
    memcpy(claims.title, call->record.title, sizeof claims.title);
    return access_token_sign(&claims, call->service->config.token_key, token, capacity) == STATUS_OK
               ? CLIENT_OK
               : CLIENT_INTERNAL;
}

static enum client_error add_invite(const struct api_call *call, const json_t *body,
                                    struct store_invite *invite, char *token, size_t capacity)
{
    uint64_t count = 0;
    if (call->classroom == NULL)
        return CLIENT_CLASS_ENDED;
    enum client_error error = read_invite(call, body, invite);
    if (error != CLIENT_OK)
        return error;
    if (store_count_invites(call->service->store, invite->class_id, &count) != STATUS_OK)
        return CLIENT_INTERNAL;
    if (count >= LIMIT_INVITES_PER_CLASS)
        return CLIENT_TOO_MANY;
    error = sign_invite(call, invite, token, capacity);
    if (error == CLIENT_OK && store_add_invite(call->service->store, invite) != STATUS_OK)
        error = CLIENT_INTERNAL;
    return error;
}

/* In the fragment, so that no server log ever sees the token. */
static void write_url(const char *base_url, const char *token, struct text_json *text)
{
    size_t capacity = strlen(base_url) + strlen(token) + 3;
    char *url = malloc(capacity);
    if (url == NULL)
        return;
    snprintf(url, capacity, "%s/#%s", base_url, token);
    text_json_string(text, "url", url);
    memory_wipe(url, capacity);
    free(url);
}

static void handle_create_invite(struct api_call *call)
{
    json_t *body = api_read_body(call);
    if (body == NULL)
        return;
    struct store_invite invite;
    char token[LIMIT_TOKEN_BYTES + 1];
    enum client_error error = add_invite(call, body, &invite, token, sizeof token);
    json_decref(body);
    if (error != CLIENT_OK) {
        api_fail(call, error);
        return;
    }
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    write_invite_fields(&invite, &text);
    text_json_string(&text, "token", token);
    write_url(call->service->config.base_url, token, &text);
    text_json_close(&text, '}');
    memory_wipe(token, sizeof token);
    api_send_json(call, 201, &text);
}

static bool list_invite(void *context, const struct store_invite *invite)
{
    struct text_json *text = context;
    text_json_open(text, NULL, '{');
    write_invite_fields(invite, text);
    text_json_close(text, '}');
    return true;
}

static void handle_list_invites(struct api_call *call)
{
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_open(&text, "invites", '[');
    enum status status =
        store_each_invite(call->service->store, call->record.id, list_invite, &text);
    text_json_close(&text, ']');
    text_json_close(&text, '}');
    if (status == STATUS_OK) {
        api_send_json(call, 200, &text);
        return;
    }
    text_json_destroy(&text);
    api_fail(call, CLIENT_INTERNAL);
}

static void handle_revoke_invite(struct api_call *call)
{
    struct store_invite invite;
    enum status status = store_find_invite(call->service->store, call->parts[3], &invite);
    if (status != STATUS_OK || strcmp(invite.class_id, call->record.id) != 0) {
        api_fail(call, status == STATUS_SYSTEM ? CLIENT_INTERNAL : CLIENT_NOT_FOUND);
        return;
    }
    if (store_revoke_invite(call->service->store, invite.id) != STATUS_OK) {
        api_fail(call, CLIENT_INTERNAL);
        return;
    }
    if (call->classroom != NULL)
        waiting_refuse_invite(call->service, call->classroom, invite.id, GOODBYE_REVOKED);
    for (struct participant *p = call->classroom != NULL ? call->classroom->first : NULL, *next;
         p != NULL; p = next) {
        next = p->next;
        if (strcmp(p->record.invite_id, invite.id) == 0)
            service_remove_participant(call->service, call->at, p, LEAVE_REMOVED, GOODBYE_REVOKED);
    }
    http_reply_empty(call->service, call->request->exchange, 204);
}

/* --- Participants */

void api_write_participant(const struct participant *p, struct text_json *text)
{
    text_json_open(text, NULL, '{');
    text_json_id(text, "id", p->record.id);
    text_json_string(text, "name", p->record.name);
    text_json_string(text, "role", role_name(p->record.role));
    text_json_string(text, "via", participant_kind_name(p->record.kind));
    text_json_bool(text, "here", p->here);
    text_json_bool(text, "floor", participant_has_floor(p));
    if (p->record.hand_ms != 0)
        text_json_int(text, "hand", p->record.hand_ms);
    else
        text_json_null(text, "hand");
    text_json_bool(text, "mic", p->mic_on);
    text_json_bool(text, "muted", p->record.muted);
    text_json_string(text, "hears", control_hearing_name(p->delivered.hears));
    text_json_bool(text, "reached", p->delivered.reached);
    text_json_uint(text, "behind_s", p->delivered.screen_behind_ms / 1000);
    text_json_string(text, "path", talk_path_name(p));
    text_json_string(text, "sharing", classroom_is_sharing(p) ? "screen" : NULL);
    text_json_string(text, "media", participant_media_name(p->media));
    text_json_string(text, "invite_id", p->record.invite_id);
    text_json_int(text, "joined_ms", p->record.joined_ms);
    text_json_close(text, '}');
}

static void handle_list_participants(struct api_call *call)
{
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_open(&text, "participants", '[');
    const struct participant *p = call->classroom != NULL ? call->classroom->first : NULL;
    for (; p != NULL; p = p->next)
        api_write_participant(p, &text);
    text_json_close(&text, ']');
    text_json_close(&text, '}');
    api_send_json(call, 200, &text);
}

/* The participant that the path names; NULL when the answer has been given. */
struct participant *api_find_participant(struct api_call *call)
{
    char *end;
    uint64_t id = strtoull(call->parts[3], &end, 10);
    struct participant *p = NULL;
    if (*end == '\0' && call->parts[3][0] >= '1' && call->parts[3][0] <= '9')
        p = classroom_registry_find_participant(&call->service->registry, id);
    if (p != NULL && p->classroom == call->classroom)
        return p;
    api_fail(call, CLIENT_NOT_FOUND);
    return NULL;
}

static void handle_openapi(struct api_call *call)
{
    const char *text = call->service->config.openapi_json;
    if (text == NULL) {
        api_fail(call, CLIENT_NOT_FOUND);
        return;
    }
    struct http_response response = {
        .status = 200, .content_type = "application/json", .body = bytes_of_string(text)};
    http_reply_send(call->service, call->request->exchange, &response);
}

/* --- Which path is which. "*" stands for any one part. */

static const struct route {
    const char *parts[PARTS_MAX];
    struct {
        enum http_method method;
        void (*handle)(struct api_call *);
    } methods[3];
    const char *allow;
} routes[] = {
    {{"events"}, {{HTTP_GET, api_list_events}}, "GET"},
    {{"webhook"},
     {{HTTP_GET, api_get_webhook}, {HTTP_PUT, api_set_webhook}, {HTTP_DELETE, api_remove_webhook}},
     "GET, PUT, DELETE"},
    {{"classes"}, {{HTTP_GET, handle_list_classes}, {HTTP_POST, handle_create_class}}, "GET, POST"},
    {{"classes", "*"},
     {{HTTP_GET, api_send_class}, {HTTP_DELETE, handle_end_class}},
     "GET, DELETE"},
    {{"classes", "*", "end"}, {{HTTP_POST, handle_end_class}}, "POST"},
    {{"classes", "*", "invites"},
     {{HTTP_GET, handle_list_invites}, {HTTP_POST, handle_create_invite}},
     "GET, POST"},
    {{"classes", "*", "invites", "*"}, {{HTTP_DELETE, handle_revoke_invite}}, "DELETE"},
    {{"classes", "*", "participants"}, {{HTTP_GET, handle_list_participants}}, "GET"},
    {{"classes", "*", "participants", "*"}, {{HTTP_DELETE, api_kick}}, "DELETE"},
    {{"classes", "*", "participants", "*", "floor"},
     {{HTTP_PUT, api_set_floor}, {HTTP_DELETE, api_set_floor}},
     "PUT, DELETE"},
    {{"classes", "*", "participants", "*", "mute"},
     {{HTTP_PUT, api_set_mute}, {HTTP_DELETE, api_set_mute}},
     "PUT, DELETE"},
    {{"classes", "*", "participants", "*", "hand"}, {{HTTP_DELETE, api_lower_hand}}, "DELETE"},
    {{"classes", "*", "participants", "*", "to_lobby"}, {{HTTP_POST, api_to_lobby}}, "POST"},
    {{"classes", "*", "participants", "*", "ban"}, {{HTTP_POST, api_ban}}, "POST"},
    {{"classes", "*", "floor", "next"}, {{HTTP_POST, api_floor_next}}, "POST"},
    {{"classes", "*", "mute_all"}, {{HTTP_POST, api_mute_all}}, "POST"},
    {{"classes", "*", "mode"}, {{HTTP_PUT, api_set_mode}}, "PUT"},
    {{"classes", "*", "lead"}, {{HTTP_PUT, api_set_lead}}, "PUT"},
    {{"classes", "*", "lock"}, {{HTTP_PUT, api_set_lock}}, "PUT"},
    {{"classes", "*", "lobby"},
     {{HTTP_GET, api_list_lobby}, {HTTP_PUT, api_set_lobby}},
     "GET, PUT"},
    {{"classes", "*", "lobby", "admit"}, {{HTTP_POST, api_admit}}, "POST"},
    {{"classes", "*", "lobby", "refuse"}, {{HTTP_POST, api_refuse}}, "POST"},
};

static const struct route *find_route(const struct api_call *call)
{
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        size_t count = 0;
        while (count < PARTS_MAX && routes[i].parts[count] != NULL)
            count++;
        bool fits = count == call->part_count;
        for (size_t part = 0; fits && part < count; part++)
            fits = strcmp(routes[i].parts[part], "*") == 0 ||
                   is_part(call, part, routes[i].parts[part]);
        if (fits)
            return &routes[i];
    }
    return NULL;
}

/* False when the answer has been given. */
static bool find_class(struct api_call *call)
{
    if (call->part_count < 2)
        return true;
    enum status status = store_find_class(call->service->store, call->parts[1], &call->record);
    if (status != STATUS_OK) {
        api_fail(call, status == STATUS_NOT_FOUND ? CLIENT_NOT_FOUND : CLIENT_INTERNAL);
        return false;
    }
    call->classroom = classroom_registry_find(&call->service->registry, call->record.id);
    return true;
}

static void run_route(struct api_call *call, const struct route *route)
{
    enum http_method method = call->request->method == HTTP_HEAD ? HTTP_GET : call->request->method;
    for (size_t i = 0; i < COUNT_OF(route->methods); i++) {
        if (route->methods[i].handle == NULL || route->methods[i].method != method)
            continue;
        if (find_class(call))
            route->methods[i].handle(call);
        return;
    }
    http_reply_method(call->service, call->request->exchange, route->allow);
}

void api_handle(struct service *service, struct instant at, const struct http_request *request)
{
    struct api_call call = {.service = service, .at = at, .request = request};
    bool split = split_path(request->path + strlen("/api/v1/"), &call);
    if (split && call.part_count == 1 && is_part(&call, 0, "openapi.json")) {
        if (request->method == HTTP_GET || request->method == HTTP_HEAD)
            handle_openapi(&call);
        else
            http_reply_method(service, request->exchange, "GET, HEAD");
        return;
    }
    if (!is_key_right(service, request->authorization)) {
        api_fail(&call, admission_count_failure(service, at, request->remote_ip,
                                                CLIENT_NOT_AUTHENTICATED));
        return;
    }
    const struct route *route = split ? find_route(&call) : NULL;
    if (route == NULL)
        api_fail(&call, CLIENT_NOT_FOUND);
    else
        run_route(&call, route);
}
