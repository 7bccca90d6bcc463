#include "signaling/shell/relay_link.h"

#include "control/control_session.h"
#include "host/frame_stream.h"
#include "host/random_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum relay_link_state {
    RELAY_LINK_DOWN, /* timer: the next try */
    RELAY_LINK_OPEN, /* connected; the session has not said hello yet */
    RELAY_LINK_UP    /* the service knows of it */
};

struct relay_link {
    struct relay_links *links;
    size_t number;
    struct sockaddr_un address;
    enum relay_link_state state;
    struct frame_stream stream;
    struct control_session session;
    struct event_watch *watch;
    struct event_timer timer;
    usec_t wait_us; /* before the next try */
};

struct relay_links {
    struct event_loop *loop;
    struct service *service;
    const struct log *log;
    struct control_hello hello;
    struct control_message *message; /* a copy to write ids into */
    uint8_t *frame;                  /* CONTROL_MESSAGE_BYTES_MAX */
    struct relay_link links[SERVICE_RELAYS_MAX];
    size_t count;
};

static struct bytes_mut frame_room(const struct relay_link *link)
{
    return (struct bytes_mut){link->links->frame, CONTROL_MESSAGE_BYTES_MAX};
}

/* --- Ends */

static void close_link(struct relay_link *link, struct instant at, const char *reason)
{
    bool was_up = link->state == RELAY_LINK_UP;
    if (link->state == RELAY_LINK_DOWN)
        return;
    log_info(link->links->log, "relay_link_closed", "relay=%zu reason=%s", link->number, reason);
    if (link->watch != NULL)
        event_watch_remove(link->watch);
    link->watch = NULL;
    frame_stream_destroy(&link->stream);
    control_session_destroy(&link->session);
    link->state = RELAY_LINK_DOWN;
    event_timer_arm(&link->timer, at.now, at.now + link->wait_us);
    if (was_up)
        service_handle_relay_disconnected(link->links->service, at, link->number);
}

/* --- Turn */

static void handle_event(struct relay_link *link, struct instant at,
                         const struct control_event *event)
{
    struct service *service = link->links->service;
    switch (event->type) {
    case CONTROL_EVENT_UP:
        link->state = RELAY_LINK_UP;
        link->wait_us = RELAY_RECONNECT_FIRST_US;
        log_info(link->links->log, "relay_link_up", "relay=%zu", link->number);
        service_handle_relay_connected(service, at, link->number);
        service_handle_relay_message(service, at, link->number, event->message);
        break;
    case CONTROL_EVENT_MESSAGE:
        service_handle_relay_message(service, at, link->number, event->message);
        break;
    case CONTROL_EVENT_ANSWER: /* the session's ids are its own: the service gets back its own */
        *link->links->message = *event->message;
        link->links->message->to = (uint32_t)event->context;
        service_handle_relay_message(service, at, link->number, link->links->message);
        break;
    case CONTROL_EVENT_CLOSED:
        close_link(link, at, event->reason != NULL ? event->reason : "closed");
        break;
    }
}

/* Events first, then the session's own frames, then the socket. */
static void settle(struct relay_link *link, struct instant at)
{
    struct control_event event;
    struct bytes frame;
    while (link->state != RELAY_LINK_DOWN &&
           control_session_poll_event(&link->session, at.now, &event))
        handle_event(link, at, &event);
    while (link->state != RELAY_LINK_DOWN &&
           control_session_poll_frame(&link->session, at.now, frame_room(link), &frame))
        if (frame_stream_queue(&link->stream, frame) != STATUS_OK)
            close_link(link, at, "queue_full");
    if (link->state == RELAY_LINK_DOWN)
        return;
    if (frame_stream_flush(&link->stream) != STATUS_OK) {
        close_link(link, at, "write_failed");
        return;
    }
    if (frame_stream_wants_write(&link->stream))
        event_watch_want_writable(link->watch);
    event_timer_arm(&link->timer, at.now, control_session_next_timeout(&link->session));
}

static void handle_readable(void *context)
{
    struct relay_link *link = context;
    struct instant at = event_loop_instant();
    struct bytes frame;
    enum status filled = frame_stream_fill(&link->stream);
    enum status status = STATUS_OK;
    while (link->state != RELAY_LINK_DOWN &&
           (status = frame_stream_next(&link->stream, &frame)) == STATUS_OK) {
        control_session_handle_frame(&link->session, at.now, frame);
        settle(link, at);
    }
    if (status == STATUS_LIMIT)
        close_link(link, at, "frame_too_long");
    else if (filled != STATUS_OK)
        close_link(link, at, "hung_up");
}

static void handle_writable(void *context)
{
    settle(context, event_loop_instant());
}

static void handle_gone(void *context)
{
    struct relay_link *link = context;
    link->watch = NULL;
    close_link(link, event_loop_instant(), "hung_up");
}

/* --- Begins */

/* A Unix socket connects at once or not at all. */
static int open_socket(const struct relay_link *link)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&link->address, sizeof(link->address)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static enum status try_open(struct relay_link *link, struct instant at)
{
    struct relay_links *links = link->links;
    struct event_watch_callbacks callbacks = {.context = link,
                                              .on_readable = handle_readable,
                                              .on_writable = handle_writable,
                                              .on_gone = handle_gone};
    int fd = open_socket(link);
    if (fd < 0)
        return STATUS_SYSTEM;
    enum status status = frame_stream_init(&link->stream, fd); /* takes the descriptor */
    if (status != STATUS_OK)
        return status;
    status = control_session_init(&link->session, at.now, &links->hello, links->log);
    if (status != STATUS_OK) {
        frame_stream_destroy(&link->stream);
        return status;
    }
    status = event_loop_watch(links->loop, fd, &callbacks, &link->watch);
    if (status != STATUS_OK) {
        control_session_destroy(&link->session);
        frame_stream_destroy(&link->stream);
    }
    return status;
}

static void open_link(struct relay_link *link, struct instant at)
{
    enum status status = try_open(link, at);
    if (status != STATUS_OK) {
        log_debug(link->links->log, "relay_link_failed", "relay=%zu errno=%d", link->number, errno);
        event_timer_arm(&link->timer, at.now, at.now + link->wait_us);
    } else {
        link->state = RELAY_LINK_OPEN;
    }
    link->wait_us = usec_min(2 * link->wait_us, RELAY_RECONNECT_LAST_US);
    if (status == STATUS_OK)
        settle(link, at); /* our hello */
}

static void handle_due(void *context)
{
    struct relay_link *link = context;
    struct instant at = event_loop_instant();
    if (link->state == RELAY_LINK_DOWN) {
        open_link(link, at);
        return;
    }
    /* When we were away ourselves (a disk that lets its writers wait), what the relay has said
     * meanwhile waits to be read: it was not silent. */
    handle_readable(link);
    if (link->state == RELAY_LINK_DOWN)
        return;
    control_session_handle_timeout(&link->session, at.now);
    settle(link, at);
}

/* --- Out */

/* Grants and bindings are repeated whole at the next resync; nobody waits for their answers, so
 * they may go without a number when too many are under way. */
static bool may_go_unnumbered(enum control_type type)
{
    return type != CONTROL_PARTICIPANT_ADD && type != CONTROL_ICE_RESTART;
}

void relay_links_send(struct relay_links *links, struct instant at, size_t relay,
                      const struct control_message *message)
{
    CHECK(relay < links->count);
    struct relay_link *link = &links->links[relay];
    struct bytes frame;
    if (link->state != RELAY_LINK_UP)
        return; /* the service hears of it, or has already */
    *links->message = *message;
    enum status status =
        control_session_write(&link->session, at.now, links->message, message->id != 0, message->id,
                              frame_room(link), &frame);
    if (status == STATUS_LIMIT && may_go_unnumbered(message->type))
        status = control_session_write(&link->session, at.now, links->message, false, 0,
                                       frame_room(link), &frame);
    if (status == STATUS_OK)
        status = frame_stream_queue(&link->stream, frame);
    if (status != STATUS_OK) {
        close_link(link, at, status_name(status));
        return;
    }
    event_watch_want_writable(link->watch); /* flushed once a turn */
}

/* --- Life */

static enum status init_link(struct relay_link *link, struct relay_links *links, size_t number,
                             const char *path)
{
    *link = (struct relay_link){.links = links,
                                .number = number,
                                .address.sun_family = AF_UNIX,
                                .wait_us = RELAY_RECONNECT_FIRST_US};
    if (strlen(path) >= sizeof(link->address.sun_path)) {
        log_error(links->log, "relay_socket_path_too_long", "path=%s most=%zu", path,
                  sizeof(link->address.sun_path) - 1);
        return STATUS_CONFIG;
    }
    memcpy(link->address.sun_path, path, strlen(path) + 1);
    event_timer_init(&link->timer, links->loop, link, handle_due);
    return STATUS_OK;
}

static void make_hello(struct control_hello *hello)
{
    uint8_t id[16];
    *hello = (struct control_hello){.version = CONTROL_VERSION,
                                    .name = "amphi-signaling/" AMPHI_VERSION};
    random_bytes(id, sizeof(id));
    for (size_t i = 0; i < sizeof(id); i++)
        snprintf(hello->boot_id + 2 * i, 3, "%02x", id[i]);
}

enum status relay_links_create(struct relay_links **out, const char *const *paths, size_t count,
                               struct event_loop *loop, struct service *service,
                               const struct log *log)
{
    CHECK(count <= SERVICE_RELAYS_MAX);
    struct relay_links *links = calloc(1, sizeof(*links));
    if (links == NULL)
        return STATUS_NO_MEMORY;
    links->loop = loop;
    links->service = service;
    links->log = log;
    links->message = malloc(sizeof(*links->message));
    links->frame = malloc(CONTROL_MESSAGE_BYTES_MAX);
    make_hello(&links->hello);
    enum status status =
        links->message != NULL && links->frame != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = init_link(&links->links[i], links, i, paths[i]);
        links->count = i + 1;
    }
    if (status != STATUS_OK) {
        relay_links_free(links);
        return status;
    }
    for (size_t i = 0; i < links->count; i++)
        open_link(&links->links[i], event_loop_instant());
    *out = links;
    return STATUS_OK;
}

void relay_links_free(struct relay_links *links)
{
    if (links == NULL)
        return;
    for (size_t i = 0; i < links->count; i++) {
        struct relay_link *link = &links->links[i];
        close_link(link, event_loop_instant(), "stopping");
        if (link->timer.loop != NULL)
            event_timer_arm(&link->timer, 0, USEC_NEVER);
    }
    free(links->message);
    free(links->frame);
    free(links);
}
