#include "control/control_session.h"

enum status control_session_init(struct control_session *s, usec_t now,
                                 const struct control_hello *hello, const struct log *log)
{
    *s = (struct control_session){.log = *log,
                                  .hello = *hello,
                                  .heard_at = now,
                                  .ping_at = now + CONTROL_HEARTBEAT_US,
                                  .wants_hello = true};
    s->pending = calloc(CONTROL_SESSION_PENDING_MAX, sizeof *s->pending);
    s->scratch = calloc(1, sizeof *s->scratch);
    if (s->pending != NULL && s->scratch != NULL)
        return STATUS_OK;
    control_session_destroy(s);
    return STATUS_NO_MEMORY;
}

void control_session_destroy(struct control_session *s)
{
    free(s->pending);
    free(s->scratch);
    *s = (struct control_session){.state = CONTROL_SESSION_CLOSED};
}

static void set_event(struct control_session *s, enum control_event_type type, uint64_t context)
{
    s->has_event = true;
    s->event_type = (int)type;
    s->event_context = context;
}

static void close_session(struct control_session *s, const char *reason)
{
    if (s->state == CONTROL_SESSION_CLOSED)
        return;
    log_info(&s->log, "control_closed", "reason=%s", reason);
    s->state = CONTROL_SESSION_CLOSED;
    s->close_reason = reason;
    set_event(s, CONTROL_EVENT_CLOSED, 0);
}

static void handle_hello(struct control_session *s)
{
    if (s->state != CONTROL_SESSION_WAITING || s->scratch->type != CONTROL_HELLO) {
        close_session(s, "out_of_order");
        return;
    }
    if (s->scratch->hello.version != CONTROL_VERSION) {
        close_session(s, "version");
        return;
    }
    s->state = CONTROL_SESSION_UP;
    set_event(s, CONTROL_EVENT_UP, 0);
}

/* An answer to a request that has timed out, or was never made, is dropped. */
static void handle_answer(struct control_session *s)
{
    for (size_t i = 0; i < s->pending_count; i++) {
        if (s->pending[i].id != s->scratch->to)
            continue;
        set_event(s, CONTROL_EVENT_ANSWER, s->pending[i].context);
        s->pending_count--;
        memmove(&s->pending[i], &s->pending[i + 1], (s->pending_count - i) * sizeof *s->pending);
        return;
    }
}

void control_session_handle_frame(struct control_session *s, usec_t now, struct bytes frame)
{
    if (s->state == CONTROL_SESSION_CLOSED)
        return;
    s->heard_at = now;
    enum status status = control_message_parse(frame, s->scratch);
    if (status == STATUS_UNSUPPORTED)
        return; /* a newer version's event */
    if (status != STATUS_OK) {
        close_session(s, "bad_frame");
    } else if (s->state == CONTROL_SESSION_WAITING || s->scratch->type == CONTROL_HELLO) {
        handle_hello(s);
    } else if (s->scratch->type == CONTROL_PING) {
        s->wants_pong = true;
    } else if (s->scratch->type == CONTROL_PONG) {
        return;
    } else if (s->scratch->to != 0) {
        handle_answer(s);
    } else {
        set_event(s, CONTROL_EVENT_MESSAGE, 0);
    }
}

void control_session_handle_timeout(struct control_session *s, usec_t now)
{
    if (s->state != CONTROL_SESSION_CLOSED && now - s->heard_at >= CONTROL_DEAD_AFTER_US)
        close_session(s, "silence");
}

usec_t control_session_next_timeout(const struct control_session *s)
{
    if (s->state == CONTROL_SESSION_CLOSED)
        return USEC_NEVER;
    usec_t next = usec_min(s->heard_at + CONTROL_DEAD_AFTER_US, s->ping_at);
    return s->pending_count > 0 ? usec_min(next, s->pending[0].deadline) : next;
}

bool control_session_poll_event(struct control_session *s, usec_t now, struct control_event *out)
{
    if (!s->has_event && s->pending_count > 0 && s->pending[0].deadline <= now) {
        set_event(s, CONTROL_EVENT_ANSWER, s->pending[0].context);
        s->pending_count--;
        memmove(&s->pending[0], &s->pending[1], s->pending_count * sizeof *s->pending);
        memset(s->scratch, 0, sizeof *s->scratch);
        s->scratch->type = CONTROL_ERROR;
        snprintf(s->scratch->error.code, sizeof s->scratch->error.code, "timeout");
    }
    if (!s->has_event)
        return false;
    s->has_event = false;
    *out = (struct control_event){.type = (enum control_event_type)s->event_type,
                                  .message = s->scratch,
                                  .context = s->event_context,
                                  .reason = s->close_reason};
    return true;
}

bool control_session_poll_frame(struct control_session *s, usec_t now, struct bytes_mut buffer,
                                struct bytes *out)
{
    struct control_message *m = calloc(1, sizeof *m);
    if (m == NULL || s->state == CONTROL_SESSION_CLOSED) {
        free(m);
        return false;
    }
    bool has_frame = true;
    if (s->wants_hello) {
        s->wants_hello = false;
        m->type = CONTROL_HELLO;
        m->hello = s->hello;
    } else if (s->wants_pong) {
        s->wants_pong = false;
        m->type = CONTROL_PONG;
    } else if (s->ping_at <= now && s->state == CONTROL_SESSION_UP) {
        s->ping_at = now + CONTROL_HEARTBEAT_US;
        m->type = CONTROL_PING;
    } else {
        if (s->ping_at <= now)
            s->ping_at = now + CONTROL_HEARTBEAT_US;
        has_frame = false;
    }
    size_t size = 0;
    has_frame = has_frame && control_message_write(m, buffer, &size) == STATUS_OK;
    free(m);
    *out = bytes_of(buffer.data, size);
    return has_frame;
}

enum status control_session_write(struct control_session *s, usec_t now,
                                  struct control_message *message, bool is_request,
                                  uint64_t context, struct bytes_mut buffer, struct bytes *out)
{
    if (s->state != CONTROL_SESSION_UP)
        return STATUS_STATE;
    if (is_request && s->pending_count == CONTROL_SESSION_PENDING_MAX)
        return STATUS_LIMIT;
    message->id = 0;
    if (is_request) {
        s->next_id = s->next_id == UINT32_MAX ? 1 : s->next_id + 1;
        message->id = s->next_id;
    }
    size_t size = 0;
    enum status status = control_message_write(message, buffer, &size);
    if (status != STATUS_OK)
        return status;
    if (is_request)
        s->pending[s->pending_count++] = (struct control_pending){
            .id = message->id, .context = context, .deadline = now + CONTROL_REQUEST_TIMEOUT_US};
    *out = bytes_of(buffer.data, size);
    return STATUS_OK;
}
