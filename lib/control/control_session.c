#include "control/control_session.h"

#include "control/control_message_private.h"

enum status control_session_init(struct control_session *s, usec_t now,
                                 const struct control_hello *hello, const struct log *log)
{
    *s = (struct control_session){.log = *log,
                                  .hello = *hello,
                                  .heard_at = now,
                                  .ping_at = now + CONTROL_HEARTBEAT_US,
                                  .wants_hello = true};
    s->pending = calloc(CONTROL_SESSION_PENDING_MAX, sizeof *s->pending);
    s->received = calloc(1, sizeof *s->received);
    s->own = calloc(1, sizeof *s->own);
    if (s->pending != NULL && s->received != NULL && s->own != NULL)
        return STATUS_OK;
    control_session_destroy(s);
    return STATUS_NO_MEMORY;
}

void control_session_destroy(struct control_session *s)
{
    free(s->pending);
    free(s->received);
    free(s->own);
    *s = (struct control_session){.state = CONTROL_SESSION_CLOSED};
}

static void set_event(struct control_session *s, enum control_event_type type, uint64_t context)
{
    s->has_event = true;
    s->event_type = type;
    s->event_context = context;
}

static void close_session(struct control_session *s, const char *reason)
{
    if (s->state == CONTROL_SESSION_CLOSED)
        return;
    log_info(&s->log, "control_closed", "reason=%s", reason);
    s->state = CONTROL_SESSION_CLOSED;
    s->close_reason = reason;
    s->pending_count = 0; /* the owner fails them: it hears of the close */
    set_event(s, CONTROL_EVENT_CLOSED, 0);
}

static void handle_hello(struct control_session *s)
{
    if (s->state != CONTROL_SESSION_WAITING || s->received->type != CONTROL_HELLO) {
        close_session(s, "out_of_order");
        return;
    }
    if (s->received->hello.version != CONTROL_VERSION) {
        s->wants_version_error = true;
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
        if (s->pending[i].id != s->received->to)
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
    enum status status = control_message_parse(frame, s->received);
    if (status == STATUS_UNSUPPORTED)
        return; /* a newer version's event */
    if (status != STATUS_OK) {
        close_session(s, "bad_frame");
    } else if (s->state == CONTROL_SESSION_WAITING || s->received->type == CONTROL_HELLO) {
        handle_hello(s);
    } else if (s->received->type == CONTROL_PING) {
        s->wants_pong = true;
    } else if (s->received->type == CONTROL_PONG) {
        return;
    } else if (s->received->to != 0) {
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

static void give_up_overdue_request(struct control_session *s)
{
    set_event(s, CONTROL_EVENT_ANSWER, s->pending[0].context);
    s->pending_count--;
    memmove(&s->pending[0], &s->pending[1], s->pending_count * sizeof *s->pending);
    memset(s->received, 0, sizeof *s->received);
    s->received->type = CONTROL_ERROR;
    snprintf(s->received->error.code, sizeof s->received->error.code, "timeout");
    snprintf(s->received->error.text, sizeof s->received->error.text, "no answer in time");
}

bool control_session_poll_event(struct control_session *s, usec_t now, struct control_event *out)
{
    if (!s->has_event && s->pending_count > 0 && s->pending[0].deadline <= now)
        give_up_overdue_request(s);
    if (!s->has_event)
        return false;
    s->has_event = false;
    *out = (struct control_event){.type = s->event_type,
                                  .message = s->received,
                                  .context = s->event_context,
                                  .reason = s->close_reason};
    return true;
}

/* Takes the next frame of our own into s->own. A ping waits until both hellos are there. */
static bool take_own(struct control_session *s, usec_t now)
{
    struct control_message *m = s->own;
    memset(m, 0, sizeof *m);
    if (s->wants_hello) {
        s->wants_hello = false;
        m->type = CONTROL_HELLO;
        m->hello = s->hello;
        return true;
    }
    if (s->wants_version_error) {
        s->wants_version_error = false;
        m->type = CONTROL_ERROR;
        snprintf(m->error.code, sizeof m->error.code, "version");
        snprintf(m->error.text, sizeof m->error.text, "this side speaks version %d",
                 CONTROL_VERSION);
        return true;
    }
    if (s->state == CONTROL_SESSION_CLOSED)
        return false;
    if (s->wants_pong) {
        s->wants_pong = false;
        m->type = CONTROL_PONG;
        return true;
    }
    if (s->ping_at > now)
        return false;
    s->ping_at = now + CONTROL_HEARTBEAT_US;
    m->type = CONTROL_PING;
    return s->state == CONTROL_SESSION_UP;
}

bool control_session_poll_frame(struct control_session *s, usec_t now, struct bytes_mut buffer,
                                struct bytes *out)
{
    size_t size = 0;
    if (s->own == NULL || !take_own(s, now) ||
        control_message_write(s->own, buffer, &size) != STATUS_OK)
        return false;
    *out = bytes_of(buffer.data, size);
    return true;
}

enum status control_session_write(struct control_session *s, usec_t now,
                                  const struct control_message *message, bool is_request,
                                  uint64_t context, struct bytes_mut buffer, struct bytes *out)
{
    if (s->state != CONTROL_SESSION_UP)
        return STATUS_STATE;
    if (is_request && s->pending_count == CONTROL_SESSION_PENDING_MAX)
        return STATUS_LIMIT;
    uint32_t id = !is_request ? 0 : s->next_id == UINT32_MAX ? 1 : s->next_id + 1;
    size_t size = 0;
    enum status status = control_message_write_as(message, id, buffer, &size);
    if (status != STATUS_OK)
        return status;
    if (is_request) {
        s->next_id = id;
        s->pending[s->pending_count++] = (struct control_pending){
            .id = id, .context = context, .deadline = now + CONTROL_REQUEST_TIMEOUT_US};
    }
    *out = bytes_of(buffer.data, size);
    return STATUS_OK;
}
