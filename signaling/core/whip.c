/* WHIP (RFC 9725) and WHEP: one POST with an offer makes a participant; its Location is the
 * participant until DELETE. */
#include "signaling/core/secrets.h"
#include "signaling/core/service_internal.h"

#include <strings.h>

#define SDP_TYPE "application/sdp"
#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"
#define PATH_PART_BYTES 64

struct whip_call {
    struct service *service;
    struct instant at;
    const struct http_request *request;
    enum participant_kind kind;
    char class_id[PATH_PART_BYTES];
    char session[PATH_PART_BYTES]; /* "" for the endpoint itself */
};

static void fail(const struct whip_call *call, enum client_error error)
{
    http_reply_error(call->service, call->request->exchange, error);
}

/* "/whip/CLASS" or "/whip/CLASS/SESSION" */
static bool parse_path(const char *path, struct whip_call *call)
{
    call->kind = path[3] == 'i' ? PARTICIPANT_WHIP : PARTICIPANT_WHEP;
    const char *class_id = path + strlen("/whip/");
    const char *slash = strchr(class_id, '/');
    size_t size = slash != NULL ? (size_t)(slash - class_id) : strlen(class_id);
    if (size == 0 ||
        !bytes_to_string(bytes_of(class_id, size), call->class_id, sizeof call->class_id))
        return false;
    if (slash == NULL)
        return true;
    return slash[1] != '\0' && strchr(slash + 1, '/') == NULL &&
           bytes_to_string(bytes_of_string(slash + 1), call->session, sizeof call->session);
}

static bool is_content_type(const char *given, const char *wanted)
{
    size_t size = strlen(wanted);
    return given != NULL && strncasecmp(given, wanted, size) == 0 &&
           (given[size] == '\0' || given[size] == ';' || given[size] == ' ');
}

/* Who asks: the invite token, for this class. */
static enum client_error check_token(const struct whip_call *call, struct admission *out)
{
    const char *authorization = call->request->authorization;
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
        return CLIENT_NOT_AUTHENTICATED;
    enum client_error error = admission_check_token(
        call->service, call->at, call->request->remote_ip, bytes_of_string(authorization + 7),
        call->session[0] != '\0', NULL, out);
    if (error != CLIENT_OK)
        return error;
    /* Another class is refused alike whether it exists or not. */
    return strcmp(out->classroom->record.id, call->class_id) == 0 ? CLIENT_OK : CLIENT_NOT_ALLOWED;
}

static enum client_error check_rate(const struct whip_call *call)
{
    static const struct rate_limit_rule rule = {SECONDS(1) / RATE_HTTP_SDP_PER_S,
                                                RATE_HTTP_SDP_BURST};
    struct ip_limit *limit =
        ip_limits_get(&call->service->ip_limits, call->at.now, call->request->remote_ip);
    return rate_limit_take(&limit->http_sdp, call->at.now, rule) ? CLIENT_OK : CLIENT_TOO_MANY;
}

/* --- POST */

/* `fault`: what is wrong with the offer, when it is that. */
static enum client_error check_post(const struct whip_call *call, struct admission *admission,
                                    const char **fault)
{
    enum client_error error = check_rate(call);
    if (error == CLIENT_OK)
        error = check_token(call, admission);
    if (error != CLIENT_OK)
        return error;
    enum role_action action = call->kind == PARTICIPANT_WHIP ? ROLE_WHIP : ROLE_WHEP;
    if (!role_policy_is_always_allowed(admission->invite.role, action))
        return CLIENT_NOT_ALLOWED;
    if (!is_content_type(call->request->content_type, SDP_TYPE))
        return CLIENT_CONTENT_TYPE;
    /* Before anybody joins: a bad offer must not use up an invite. */
    return offer_check(call->kind, call->request->body, fault);
}

/* A program cannot wait: the lobby is a no. By a personal link it takes the place of what was. */
static enum client_error pass_door(const struct whip_call *call, const struct admission *admission)
{
    char name[NAME_BYTES];
    bool waits = false, held = false;
    struct participant *nobody = NULL;
    enum client_error error = admission_clean_name(admission, NULL, name);
    if (error == CLIENT_OK)
        error = admission_ask_door(call->service, admission, name, &waits, &held);
    if (error == CLIENT_OK && waits)
        error = CLIENT_NOT_ALLOWED;
    if (error != CLIENT_OK)
        return error;
    return admission_take_over(call->service, call->at, admission, call->kind, NULL, &nobody);
}

static void handle_post(const struct whip_call *call)
{
    struct admission admission;
    struct participant *p = NULL;
    const char *fault = NULL;
    enum client_error error = check_post(call, &admission, &fault);
    if (error == CLIENT_OK)
        error = pass_door(call, &admission);
    if (error == CLIENT_OK)
        error = admission_join(call->service, call->at, &admission, call->kind, NULL, NULL, &p);
    if (error != CLIENT_OK) {
        http_reply_fault(call->service, call->request->exchange, error, fault);
        return;
    }
    fan_out_changes(call->service, p->classroom);
    struct offer_reply reply = {.exchange = call->request->exchange};
    error = offer_start(call->service, call->at, p, call->request->body, false, reply);
    if (error == CLIENT_OK)
        return;
    service_remove_participant(call->service, call->at, p, LEAVE_REMOVED, GOODBYE_COUNT);
    fail(call, error);
}

/* --- The answer from the relay, for POST and PATCH */

static const char *kind_path(const struct participant *p)
{
    return p->record.kind == PARTICIPANT_WHIP ? "whip" : "whep";
}

static void add_etag(struct service *service, const struct participant *p,
                     struct http_response *response)
{
    char etag[ETAG_BYTES + 2];
    snprintf(etag, sizeof etag, "\"%s\"", p->record.etag);
    http_reply_add_header(response, "ETag", output_queue_keep_string(&service->outputs, etag));
}

/* Where else media can go through (RFC 9725 section 4.6): the same that the page's welcome says. */
static void add_ice_servers(struct service *service, struct instant at, const struct participant *p,
                            struct http_response *response)
{
    const struct turn_config *turn = &service->config.turn;
    struct turn_credentials credentials;
    if (turn->url_count == 0 || turn_credentials_make(turn->secret, at.unix_us / SECONDS(1),
                                                      p->record.id, &credentials) != STATUS_OK)
        return;
    for (size_t i = 0; i < turn->url_count; i++) {
        char link[TURN_URL_BYTES + TURN_USERNAME_BYTES + TURN_PASSWORD_BYTES + 100];
        snprintf(link, sizeof link,
                 "<%s>; rel=\"ice-server\"; username=\"%s\"; credential=\"%s\"; "
                 "credential-type=\"password\"",
                 turn->urls[i], credentials.username, credentials.password);
        http_reply_add_header(response, "Link", output_queue_keep_string(&service->outputs, link));
    }
}

void whip_handle_answer(struct service *service, struct instant at, struct participant *p,
                        struct offer_reply reply, struct bytes sdp)
{
    struct text_json text = {0};
    text_json_bytes(&text, sdp);
    struct http_response response = {.status = reply.is_patch ? 200 : 201,
                                     .content_type = reply.is_patch ? FRAGMENT_TYPE : SDP_TYPE,
                                     .body = output_queue_keep(&service->outputs, &text)};
    if (!reply.is_patch) {
        char location[CLASS_ID_BYTES + SESSION_ID_BYTES + 16];
        snprintf(location, sizeof location, "/%s/%s/%s", kind_path(p), p->classroom->record.id,
                 p->record.http_session);
        http_reply_add_header(&response, "Location",
                              output_queue_keep_string(&service->outputs, location));
        add_ice_servers(service, at, p, &response);
    }
    add_etag(service, p, &response);
    service->counters.requests[CLIENT_OK]++;
    http_reply_send(service, reply.exchange, &response);
}

/* --- PATCH and DELETE on a session */

/* The session's participant, when the token is the one that made it. */
static enum client_error find_session(const struct whip_call *call, struct participant **out)
{
    struct admission admission;
    enum client_error error = check_token(call, &admission);
    if (error != CLIENT_OK)
        return error;
    struct participant *p =
        classroom_registry_find_session(&call->service->registry, call->session);
    /* Somebody else's session is as unknown as none. */
    if (p == NULL || p->classroom != admission.classroom || p->record.kind != call->kind ||
        strcmp(p->record.invite_id, admission.invite.id) != 0)
        return CLIENT_NOT_FOUND;
    *out = p;
    return CLIENT_OK;
}

/* Whether `tag` stands among the tags of an If-Match, none of which is a weak one (RFC 9110
 * sections 8.8.3.2 and 13.1.1). A list that is none has no more tags from there on. */
static bool lists_tag(const char *list, const char *tag)
{
    for (const char *at = list + strspn(list, " \t,"); *at != '\0'; at += strspn(at, " \t,")) {
        bool is_weak = strncmp(at, "W/", 2) == 0;
        at += is_weak ? 2 : 0;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (end == NULL)
            return false;
        size_t size = (size_t)(end + 1 - at);
        if (!is_weak && size == strlen(tag) && strncmp(at, tag, size) == 0)
            return true;
        at = end + 1 + strspn(end + 1, " \t");
        if (*at != ',' && *at != '\0')
            return false;
    }
    return false;
}

/* Whether If-Match names the session's present state; "*" matches any. */
static enum client_error check_match(const char *if_match, const struct participant *p,
                                     bool required)
{
    char etag[ETAG_BYTES + 2];
    if (if_match == NULL)
        return required ? CLIENT_PRECONDITION : CLIENT_OK;
    snprintf(etag, sizeof etag, "\"%s\"", p->record.etag);
    if (strcmp(if_match, "*") == 0 || lists_tag(if_match, etag))
        return CLIENT_OK;
    return CLIENT_STALE;
}

static void handle_patch(const struct whip_call *call)
{
    struct participant *p = NULL;
    struct ice_fragment fragment;
    enum client_error error = check_rate(call);
    if (error == CLIENT_OK)
        error = find_session(call, &p);
    if (error == CLIENT_OK && !is_content_type(call->request->content_type, FRAGMENT_TYPE))
        error = CLIENT_CONTENT_TYPE;
    if (error == CLIENT_OK && offer_parse_fragment(call->request->body, &fragment) != STATUS_OK) {
        http_reply_fault(call->service, call->request->exchange, CLIENT_BAD_SDP,
                         "The body is no fragment of SDP (RFC 8840).");
        return;
    }
    bool restart = error == CLIENT_OK && offer_is_restart(p, &fragment);
    if (error == CLIENT_OK)
        error = check_match(call->request->if_match, p, restart);
    if (error != CLIENT_OK) {
        fail(call, error);
        return;
    }
    if (!restart) { /* candidates: the relay answers to where checks come from */
        http_reply_empty(call->service, call->request->exchange, 204);
        return;
    }
    struct offer_reply reply = {.exchange = call->request->exchange, .is_patch = true};
    error = offer_start_fragment(call->service, call->at, p, &fragment, reply);
    if (error != CLIENT_OK)
        fail(call, error);
}

static void handle_delete(const struct whip_call *call)
{
    struct participant *p = NULL;
    enum client_error error = find_session(call, &p);
    if (error != CLIENT_OK) {
        fail(call, error);
        return;
    }
    service_remove_participant(call->service, call->at, p, LEAVE_LEFT, GOODBYE_COUNT);
    http_reply_empty(call->service, call->request->exchange, 200);
}

static void handle_options(const struct whip_call *call)
{
    struct http_response response = {.status = 204};
    bool endpoint = call->session[0] == '\0';
    http_reply_add_header(&response, endpoint ? "Accept-Post" : "Accept-Patch",
                          endpoint ? SDP_TYPE : FRAGMENT_TYPE);
    http_reply_add_header(&response, "Allow",
                          endpoint ? "POST, OPTIONS" : "PATCH, DELETE, OPTIONS");
    http_reply_send(call->service, call->request->exchange, &response);
}

void whip_handle(struct service *service, struct instant at, const struct http_request *request)
{
    struct whip_call call = {.service = service, .at = at, .request = request};
    bool known = parse_path(request->path, &call);
    bool session = call.session[0] != '\0';
    if (!known)
        fail(&call, CLIENT_NOT_FOUND);
    else if (request->method == HTTP_OPTIONS)
        handle_options(&call);
    else if (!session && request->method == HTTP_POST)
        handle_post(&call);
    else if (session && request->method == HTTP_PATCH)
        handle_patch(&call);
    else if (session && request->method == HTTP_DELETE)
        handle_delete(&call);
    else
        http_reply_method(service, request->exchange,
                          session ? "PATCH, DELETE, OPTIONS" : "POST, OPTIONS");
}

/* The client of a POST went away before its answer: the session that it never learnt of ends. */
void service_handle_http_aborted(struct service *service, struct instant at, uint64_t exchange)
{
    for (size_t i = 0; i < service->registry.class_count; i++) {
        struct participant *p = service->registry.classes[i]->first;
        while (p != NULL && offer_get_exchange(p) != exchange)
            p = p->next;
        if (p == NULL)
            continue;
        bool patch = offer_is_patch(p);
        offer_cancel(service, at, p, CLIENT_OK);
        if (!patch)
            service_remove_participant(service, at, p, LEAVE_LEFT, GOODBYE_COUNT);
        return;
    }
}
