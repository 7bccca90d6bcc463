/* One end of a control link (docs/control-protocol.md): hello, heartbeat, request ids with
 * time-outs. Sans-IO: the owner carries frames. Both services use it.
 *
 *   waiting --hello of our version--> up
 *   waiting, up --4 s of silence, bad frame, hello out of order, another version--> closed
 *
 * After each input the owner drains events, then frames. Closed is the last event: requests still
 * under way have failed with it. A peer of another version is told so: one error frame can still be
 * polled after the close. */
#pragma once

#include "base/log.h"
#include "base/usec.h"
#include "control/control_message.h"

#define CONTROL_SESSION_PENDING_MAX 2048 /* requests under way */
#define CONTROL_HEARTBEAT_US SECONDS(1)
#define CONTROL_DEAD_AFTER_US SECONDS(4)
#define CONTROL_REQUEST_TIMEOUT_US SECONDS(5)

enum control_session_state { CONTROL_SESSION_WAITING, CONTROL_SESSION_UP, CONTROL_SESSION_CLOSED };

enum control_event_type {
    CONTROL_EVENT_UP,      /* `message` is the other side's hello */
    CONTROL_EVENT_MESSAGE, /* a request or an event of the other side */
    CONTROL_EVENT_ANSWER,  /* to our request with `context`; CONTROL_ERROR with code "timeout" if
                              none came */
    CONTROL_EVENT_CLOSED   /* `reason`; the owner closes the stream */
};
struct control_event {
    enum control_event_type type;
    const struct control_message *message; /* until the next call */
    uint64_t context;
    const char *reason; /* "silence", "bad_frame", "out_of_order", "version" */
};

struct control_pending {
    uint32_t id;
    uint64_t context;
    usec_t deadline;
};

struct control_session {
    enum control_session_state state;
    struct log log;
    usec_t heard_at;
    usec_t ping_at;
    uint32_t next_id;
    struct control_pending *pending; /* in order of their deadlines; owned */
    size_t pending_count;
    const char *close_reason;
    bool wants_hello, wants_pong, wants_version_error;
    struct control_hello hello;
    struct control_message *received; /* owned; what the event is about */
    struct control_message *own;      /* owned; hello, ping, pong, error */
    /* What poll gives next; one frame gives at most one event. */
    bool has_event;
    enum control_event_type event_type;
    uint64_t event_context;
};

/* `hello` is ours. STATUS_NO_MEMORY. */
MUST_CHECK enum status control_session_init(struct control_session *s, usec_t now,
                                            const struct control_hello *hello,
                                            const struct log *log);
void control_session_destroy(struct control_session *s);

/* One frame's payload. Poll its event before the next frame. */
void control_session_handle_frame(struct control_session *s, usec_t now, struct bytes frame);
void control_session_handle_timeout(struct control_session *s, usec_t now);
usec_t control_session_next_timeout(const struct control_session *s);
bool control_session_poll_event(struct control_session *s, usec_t now, struct control_event *out);

/* Control frames of the session's own (hello, ping, pong, version error): false when there is none.
 * Writes to `buffer` (caller's, CONTROL_MESSAGE_BYTES_MAX). */
bool control_session_poll_frame(struct control_session *s, usec_t now, struct bytes_mut buffer,
                                struct bytes *out);

/* Encodes a message for the other side into `buffer`. With `is_request` it goes out with an id of
 * ours and its answer comes as an event with `context`; message->id is not looked at. STATUS_STATE
 * unless up, STATUS_LIMIT when too many requests are under way, STATUS_TRUNCATED when it is longer
 * than `buffer`. */
MUST_CHECK enum status control_session_write(struct control_session *s, usec_t now,
                                             const struct control_message *message, bool is_request,
                                             uint64_t context, struct bytes_mut buffer,
                                             struct bytes *out);
