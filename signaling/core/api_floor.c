/* The HTTP API for what a page does in class: mode, floor, muting, the door. `by` is nobody: the
 * API speaks for the house, and no trainer is beyond it. */
#include "signaling/core/api_internal.h"
#include "signaling/core/requests.h"
#include "signaling/core/strict_json.h"
#include "signaling/core/text_rules.h"

static void answer_error(struct api_call *call, enum client_error error)
{
    fan_out_changes(call->service, call->classroom);
    api_fail(call, error);
}

static void answer_class(struct api_call *call)
{
    fan_out_changes(call->service, call->classroom);
    call->record = call->classroom->record;
    api_send_class(call);
}

static void answer_participant(struct api_call *call, const struct participant *p)
{
    fan_out_changes(call->service, call->classroom);
    struct text_json text = {0};
    api_write_participant(p, &text);
    api_send_json(call, 200, &text);
}

/* An open class; else the answer has been given. */
static bool is_open(struct api_call *call)
{
    if (call->classroom == NULL)
        api_fail(call, CLIENT_CLASS_ENDED);
    return call->classroom != NULL;
}

/* The body, `{}` when there is none; NULL when the answer has been given. */
static json_t *read_optional_body(struct api_call *call)
{
    return call->request->body.size > 0 ? api_read_body(call) : json_object();
}

/* A required `"on"`, after which the answer is the class. False: the answer has been given. */
static bool read_on(struct api_call *call, bool *on)
{
    json_t *body = is_open(call) ? api_read_body(call) : NULL;
    if (body == NULL)
        return false;
    bool good = strict_json_get_bool(body, "on", true, on);
    json_decref(body);
    if (!good)
        api_fail(call, CLIENT_BAD_MESSAGE);
    return good;
}

/* --- Mode, lead, lock, lobby */

void api_set_mode(struct api_call *call)
{
    json_t *body = is_open(call) ? api_read_body(call) : NULL;
    const char *name = NULL;
    int64_t minutes = 0;
    enum class_mode mode;
    if (body == NULL)
        return;
    bool good = strict_json_get_string(body, "mode", true, &name) &&
                strict_json_get_int(body, "minutes", false, 1, CLASS_BREAK_MINUTES_MAX, &minutes) &&
                class_mode_find(bytes_of_string(name), &mode) &&
                (minutes == 0 || mode == CLASS_BREAK);
    json_decref(body);
    if (!good) {
        api_fail(call, CLIENT_BAD_MESSAGE);
        return;
    }
    classroom_set_mode(call->classroom, mode, minutes, instant_ms(call->at), 0);
    answer_class(call);
}

void api_set_lead(struct api_call *call)
{
    json_t *body = is_open(call) ? api_read_body(call) : NULL;
    const char *id = NULL;
    uint64_t number = 0;
    if (body == NULL)
        return;
    struct participant *p = NULL;
    bool good = strict_json_get_string(body, "participant", true, &id);
    if (good && dispatcher_read_id(id, &number))
        p = classroom_find(call->classroom, number);
    json_decref(body);
    if (!good)
        api_fail(call, CLIENT_BAD_MESSAGE);
    else if (p == NULL)
        api_fail(call, CLIENT_NOT_FOUND);
    else if (classroom_give_lead(call->classroom, p) != STATUS_OK)
        api_fail(call, CLIENT_NOT_ALLOWED);
    else
        answer_class(call);
}

void api_set_lock(struct api_call *call)
{
    bool on = false;
    if (!read_on(call, &on))
        return;
    classroom_set_locked(call->classroom, on);
    answer_class(call);
}

void api_set_lobby(struct api_call *call)
{
    bool on = false;
    if (!read_on(call, &on))
        return;
    classroom_set_lobby(call->classroom, on);
    enum client_error error =
        on ? CLIENT_OK : waiting_admit_all(call->service, call->at, call->classroom, false);
    if (error != CLIENT_OK)
        answer_error(call, error);
    else
        answer_class(call);
}

void api_list_lobby(struct api_call *call)
{
    if (!is_open(call))
        return;
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    waiting_write(call->classroom, &text);
    text_json_close(&text, '}');
    api_send_json(call, 200, &text);
}

/* `{"waiting":ID}`; false when the answer has been given. *out is NULL when none was named. */
static bool read_waiter(struct api_call *call, struct waiter **out)
{
    json_t *body = is_open(call) ? read_optional_body(call) : NULL;
    const char *id = NULL;
    uint64_t number = 0;
    if (body == NULL)
        return false;
    bool good = strict_json_get_string(body, "waiting", false, &id);
    bool named = good && id != NULL;
    *out = named && dispatcher_read_id(id, &number) ? lobby_find(&call->classroom->waiting, number)
                                                    : NULL;
    json_decref(body);
    if (!good || (named && *out == NULL))
        api_fail(call, good ? CLIENT_NOT_FOUND : CLIENT_BAD_MESSAGE);
    return good && (!named || *out != NULL);
}

void api_admit(struct api_call *call)
{
    struct waiter *w = NULL;
    if (!read_waiter(call, &w))
        return;
    enum client_error error =
        w != NULL ? waiting_admit(call->service, call->at, w)
                  : waiting_admit_all(call->service, call->at, call->classroom, true);
    if (error != CLIENT_OK)
        answer_error(call, error);
    else
        api_list_lobby(call);
}

void api_refuse(struct api_call *call)
{
    struct waiter *w = NULL;
    if (!read_waiter(call, &w))
        return;
    if (w == NULL) {
        api_fail(call, CLIENT_BAD_MESSAGE);
        return;
    }
    waiting_refuse(call->service, w, GOODBYE_NOT_NOW);
    api_list_lobby(call);
}

/* --- Floor and muting */

void api_set_floor(struct api_call *call)
{
    struct participant *p = api_find_participant(call);
    if (p == NULL)
        return;
    enum status status = STATUS_OK;
    if (call->request->method == HTTP_PUT)
        status = classroom_give_floor(call->classroom, p, 0);
    else
        classroom_take_floor(call->classroom, p, 0);
    if (status != STATUS_OK)
        answer_error(call, status == STATUS_LIMIT ? CLIENT_TOO_MANY : CLIENT_NOT_ALLOWED);
    else
        answer_participant(call, p);
}

void api_floor_next(struct api_call *call)
{
    json_t *body = is_open(call) ? read_optional_body(call) : NULL;
    bool only = true;
    if (body == NULL)
        return;
    bool good = strict_json_get_bool(body, "only", false, &only);
    json_decref(body);
    struct participant *p = good ? classroom_next_in_queue(call->classroom) : NULL;
    if (p == NULL) {
        api_fail(call, good ? CLIENT_NOT_FOUND : CLIENT_BAD_MESSAGE);
        return;
    }
    enum status status = classroom_pass_floor(call->classroom, p, only, 0);
    if (status != STATUS_OK)
        answer_error(call, status == STATUS_LIMIT ? CLIENT_TOO_MANY : CLIENT_NOT_ALLOWED);
    else
        answer_participant(call, p);
}

void api_set_mute(struct api_call *call)
{
    struct participant *p = api_find_participant(call);
    if (p == NULL)
        return;
    bool on = call->request->method == HTTP_PUT;
    if (classroom_set_muted(call->classroom, p, on, 0) != STATUS_OK)
        answer_error(call, CLIENT_NOT_ALLOWED);
    else
        answer_participant(call, p);
}

void api_mute_all(struct api_call *call)
{
    json_t *body = is_open(call) ? read_optional_body(call) : NULL;
    uint64_t spared[LIMIT_SPARED];
    size_t count = 0;
    if (body == NULL)
        return;
    bool good = dispatcher_read_ids(json_object_get(body, "except"), spared, &count);
    json_decref(body);
    if (!good) {
        api_fail(call, CLIENT_BAD_MESSAGE);
        return;
    }
    classroom_mute_all(call->classroom, spared, count, 0);
    answer_class(call);
}

void api_lower_hand(struct api_call *call)
{
    struct participant *p = api_find_participant(call);
    if (p == NULL)
        return;
    classroom_set_hand(call->classroom, p, false, 0);
    answer_participant(call, p);
}

/* --- Putting out */

static void answer_put_out(struct api_call *call, enum client_error error)
{
    if (error != CLIENT_OK)
        api_fail(call, error);
    else
        http_reply_empty(call->service, call->request->exchange, 204);
}

void api_kick(struct api_call *call)
{
    struct participant *p = api_find_participant(call);
    if (p != NULL)
        answer_put_out(call, moderation_kick(call->service, call->at, p));
}

void api_to_lobby(struct api_call *call)
{
    struct participant *p = api_find_participant(call);
    if (p != NULL)
        answer_put_out(call, moderation_to_lobby(call->service, call->at, p));
}

void api_ban(struct api_call *call)
{
    struct participant *p = api_find_participant(call);
    json_t *body = p != NULL ? api_read_body(call) : NULL;
    const char *given = NULL;
    char reason[REASON_BYTES] = "";
    if (body == NULL)
        return;
    bool good =
        strict_json_get_string(body, "reason", true, &given) &&
        text_rules_clean(given, LIMIT_REASON_CODE_POINTS, reason, sizeof reason) == STATUS_OK &&
        reason[0] != '\0';
    json_decref(body);
    if (!good)
        api_fail(call, CLIENT_BAD_MESSAGE);
    else
        answer_put_out(call, moderation_ban(call->service, call->at, p, reason));
}
