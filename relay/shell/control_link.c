#include "relay/shell/control_link.h"

#include "control/control_session.h"
#include "host/frame_stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4

struct control_link {
    struct control_link_config config;
    struct sockaddr_un address;
    bool bound; /* the socket file is ours */
    int listen_fd;
    bool open; /* stream and session live */
    struct frame_stream stream;
    struct control_session session;
    uint8_t *frame; /* CONTROL_MESSAGE_BYTES_MAX */
};

static struct bytes_mut frame_room(const struct control_link *link)
{
    return (struct bytes_mut){link->frame, CONTROL_MESSAGE_BYTES_MAX};
}

/* --- One connection */

static void close_connection(struct control_link *link, usec_t now, const char *reason)
{
    if (!link->open)
        return;
    log_info(&link->config.log, "control_link_closed", "reason=%s", reason);
    link->open = false;
    frame_stream_destroy(&link->stream);
    control_session_destroy(&link->session);
    director_handle_disconnected(link->config.director, now);
}

static void queue_own_frames(struct control_link *link, usec_t now)
{
    struct bytes frame;
    while (link->open &&
           control_session_poll_frame(&link->session, now, frame_room(link), &frame)) {
        if (frame_stream_queue(&link->stream, frame) != STATUS_OK)
            close_connection(link, now, "queue_full");
    }
}

static void write_queued(struct control_link *link, usec_t now)
{
    if (link->open && frame_stream_flush(&link->stream) != STATUS_OK)
        close_connection(link, now, "write_failed");
}

static void handle_events(struct control_link *link, usec_t now)
{
    struct control_event event;
    while (link->open && control_session_poll_event(&link->session, now, &event)) {
        switch (event.type) {
        case CONTROL_EVENT_UP:
            log_info(&link->config.log, "control_link_up", "peer=%s", event.message->hello.name);
            director_handle_connected(link->config.director, now);
            break;
        case CONTROL_EVENT_MESSAGE:
            director_handle_message(link->config.director, now, event.message);
            break;
        case CONTROL_EVENT_ANSWER: /* a relay asks nothing */
            break;
        case CONTROL_EVENT_CLOSED:
            queue_own_frames(link, now); /* tells another version why */
            write_queued(link, now);
            close_connection(link, now, event.reason);
            break;
        }
    }
}

static void handle_input(struct control_link *link, usec_t now)
{
    struct bytes frame;
    enum status filled = frame_stream_fill(&link->stream);
    enum status status = STATUS_OK;
    while (link->open && (status = frame_stream_next(&link->stream, &frame)) == STATUS_OK) {
        control_session_handle_frame(&link->session, now, frame);
        handle_events(link, now);
    }
    if (status == STATUS_LIMIT)
        close_connection(link, now, "frame_too_long");
    else if (filled != STATUS_OK)
        close_connection(link, now, "hung_up");
}

static void queue_message(struct control_link *link, usec_t now, const struct control_message *m)
{
    struct bytes frame;
    enum status status =
        control_session_write(&link->session, now, m, false, 0, frame_room(link), &frame);
    if (status != STATUS_OK)
        log_error(&link->config.log, "control_message_unwritable", "type=%s status=%s",
                  control_type_name(m->type), status_name(status));
    else if (frame_stream_queue(&link->stream, frame) != STATUS_OK)
        close_connection(link, now, "queue_full"); /* it comes back and resyncs */
}

void control_link_flush(struct control_link *link, usec_t now)
{
    const struct control_message *m;
    while (director_poll_message(link->config.director, &m)) {
        if (link->open)
            queue_message(link, now, m);
    }
    queue_own_frames(link, now);
    write_queued(link, now);
}

/* --- Coming in */

/* The file's mode keeps others out; this keeps out who got in by a group or a mistake. */
static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void accept_connection(struct control_link *link, usec_t now)
{
    int fd = accept4(link->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (!is_trusted(fd)) {
        log_warn(&link->config.log, "control_link_refused", "reason=user");
        close(fd);
        return;
    }
    close_connection(link, now, "replaced");
    if (frame_stream_init(&link->stream, fd) != STATUS_OK)
        return; /* it has closed fd */
    if (control_session_init(&link->session, now, &link->config.hello, &link->config.log) !=
        STATUS_OK) {
        frame_stream_destroy(&link->stream);
        return;
    }
    link->open = true;
}

void control_link_prepare(const struct control_link *link, struct pollfd *fds)
{
    fds[0] = (struct pollfd){.fd = link->listen_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = -1};
    if (!link->open)
        return;
    fds[1] = (struct pollfd){.fd = link->stream.fd, .events = POLLIN};
    if (frame_stream_wants_write(&link->stream))
        fds[1].events |= POLLOUT;
}

void control_link_handle(struct control_link *link, usec_t now, const struct pollfd *fds)
{
    if (link->open && (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        handle_input(link, now);
    if (link->open && control_session_next_timeout(&link->session) <= now)
        control_session_handle_timeout(&link->session, now);
    handle_events(link, now);
    if ((fds[0].revents & POLLIN) != 0)
        accept_connection(link, now);
}

usec_t control_link_next_timeout(const struct control_link *link)
{
    return link->open ? control_session_next_timeout(&link->session) : USEC_NEVER;
}

/* --- Life */

/* A file of a relay that was killed is in the way; one of a relay that lives must stay. */
static enum status clear_path(const struct control_link *link)
{
    struct stat info;
    if (lstat(link->address.sun_path, &info) < 0)
        return errno == ENOENT ? STATUS_OK : STATUS_SYSTEM;
    if (!S_ISSOCK(info.st_mode)) {
        errno = EEXIST;
        return STATUS_EXISTS;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return STATUS_SYSTEM;
    bool lives = connect(fd, (const struct sockaddr *)&link->address, sizeof link->address) == 0;
    close(fd);
    if (lives)
        return STATUS_EXISTS;
    return unlink(link->address.sun_path) == 0 ? STATUS_OK : STATUS_SYSTEM;
}

static enum status listen_on_path(struct control_link *link)
{
    enum status status = clear_path(link);
    if (status != STATUS_OK)
        return status;
    link->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->listen_fd < 0)
        return STATUS_SYSTEM;
    mode_t before = umask(0177); /* the file is 0600 from its first moment */
    link->bound =
        bind(link->listen_fd, (const struct sockaddr *)&link->address, sizeof link->address) == 0;
    umask(before);
    return link->bound && listen(link->listen_fd, BACKLOG) == 0 ? STATUS_OK : STATUS_SYSTEM;
}

enum status control_link_create(struct control_link **out, const struct control_link_config *config)
{
    struct control_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return STATUS_NO_MEMORY;
    *link = (struct control_link){
        .config = *config, .listen_fd = -1, .stream.fd = -1, .address.sun_family = AF_UNIX};
    link->frame = malloc(CONTROL_MESSAGE_BYTES_MAX);
    enum status status = link->frame != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK &&
        !bytes_to_string(bytes_of_string(config->path), link->address.sun_path,
                         sizeof link->address.sun_path))
        status = STATUS_CONFIG;
    if (status == STATUS_OK)
        status = listen_on_path(link);
    if (status == STATUS_OK)
        *out = link;
    else
        control_link_free(link);
    return status;
}

void control_link_free(struct control_link *link)
{
    if (link == NULL)
        return;
    int error = errno; /* of what made the caller give up */
    if (link->open) {
        frame_stream_destroy(&link->stream);
        control_session_destroy(&link->session);
    }
    if (link->bound)
        unlink(link->address.sun_path);
    if (link->listen_fd >= 0)
        close(link->listen_fd);
    free(link->frame);
    free(link);
    errno = error;
}
