#include "relay/shell/stream_port.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    uint32_t serial; /* tells this connection's events from those of the last one in its place */
    bool wants_write;
    bool broken; /* to be closed when the sweep comes by */
};

struct stream_port {
    struct stream_port_config config;
    struct stream_peers peers;
    struct tcp_listener listeners[STREAM_LISTENERS_MAX];
    size_t listener_count;
    struct connection *connections; /* by place */
    uint32_t serial;
    usec_t accept_at; /* 0: accepting */
    usec_t sweep_at;
    uint8_t input[STREAM_READ_BYTES];
};

/* --- Names in epoll: the listeners first, then serial and place */

static uint64_t id_of(const struct stream_port *s, uint32_t place)
{
    return (uint64_t)s->connections[place].serial << 32 |
           (s->config.first_id + STREAM_LISTENERS_MAX + place);
}

static bool watch(const struct stream_port *s, int operation, int fd, uint32_t events, uint64_t id)
{
    struct epoll_event event = {.events = events, .data.u64 = id};
    return epoll_ctl(s->config.epoll_fd, operation, fd, &event) == 0;
}

/* --- Coming and going */

static void close_connection(struct stream_port *s, usec_t now, uint32_t place)
{
    struct net_addr from = stream_peers_get(&s->peers, place)->addr;
    bool verified = stream_peers_get(&s->peers, place)->verified;
    close(s->connections[place].fd); /* leaves epoll by itself */
    s->connections[place].fd = -1;
    stream_peers_remove(&s->peers, place);
    if (verified)
        s->config.owner.handle_closed(s->config.owner.context, now, &from);
}

/* Of those that have proved nothing: the shard does not know them. */
static void close_evicted(struct stream_port *s, uint32_t place)
{
    close(s->connections[place].fd);
    s->connections[place].fd = -1;
}

static void admit(struct stream_port *s, usec_t now, int fd, const struct net_addr *from)
{
    uint32_t place;
    uint32_t evicted = STREAM_NOBODY;
    bool admitted = s->config.owner.is_admitted(s->config.owner.context, from) &&
                    stream_peers_admit(&s->peers, now, from, &place, &evicted);
    if (evicted != STREAM_NOBODY)
        close_evicted(s, evicted);
    if (!admitted) {
        close(fd);
        return;
    }
    s->connections[place] = (struct connection){.fd = fd, .serial = ++s->serial};
    if (!watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, id_of(s, place)))
        close_connection(s, now, place);
}

static void set_accepting(struct stream_port *s, bool on)
{
    for (size_t i = 0; i < s->listener_count; i++)
        (void)watch(s, EPOLL_CTL_MOD, s->listeners[i].fd, on ? EPOLLIN : 0, s->config.first_id + i);
}

static void accept_some(struct stream_port *s, usec_t now, const struct tcp_listener *l)
{
    for (int i = 0; i < STREAM_ACCEPTS_EACH_TURN; i++) {
        int fd;
        struct net_addr from;
        enum status status = tcp_listener_accept(l, &fd, &from);
        if (status == STATUS_NOT_FOUND)
            return;
        if (status == STATUS_OK)
            admit(s, now, fd, &from);
        if (status == STATUS_LIMIT) {
            /* The listener stays readable: looking again at once would be a busy loop. */
            log_warn(&s->config.log, "tcp_accept_paused", "errno=%d", errno);
            s->accept_at = now + STREAM_PAUSE_US;
            set_accepting(s, false);
            return;
        }
    }
}

/* --- Reading */

/* False when the connection was closed. */
static bool handle_frame(struct stream_port *s, usec_t now, uint32_t place, struct bytes_mut frame)
{
    struct stream_peer *peer = stream_peers_get(&s->peers, place);
    const struct net_addr from = peer->addr;
    s->config.owner.handle_datagram(s->config.owner.context, now, &from, frame);
    if (peer->verified)
        return true;
    /* What comes first proves that it is one of our participants, or it goes at once. */
    if (s->config.owner.is_path(s->config.owner.context, &from) &&
        stream_peers_verify(&s->peers, place) == STATUS_OK)
        return true;
    close_connection(s, now, place);
    return false;
}

static bool handle_input(struct stream_port *s, usec_t now, uint32_t place, struct bytes_mut input)
{
    struct bytes_mut frame;
    enum status status;
    struct stream_peer *peer = stream_peers_get(&s->peers, place);
    while ((status = stream_frames_take(&peer->in, &input, &frame)) == STATUS_OK) {
        if (!handle_frame(s, now, place, frame))
            return false;
    }
    if (status == STATUS_TRUNCATED)
        return true;
    close_connection(s, now, place);
    return false;
}

static void read_some(struct stream_port *s, usec_t now, uint32_t place)
{
    ssize_t got = recv(s->connections[place].fd, s->input, sizeof s->input, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got <= 0)
        close_connection(s, now, place);
    else
        (void)handle_input(s, now, place, (struct bytes_mut){s->input, (size_t)got});
}

/* --- Writing */

static void watch_write(struct stream_port *s, uint32_t place, bool on)
{
    struct connection *c = &s->connections[place];
    if (c->wants_write == on)
        return;
    c->wants_write = on;
    if (!watch(s, EPOLL_CTL_MOD, c->fd, on ? EPOLLIN | EPOLLOUT : EPOLLIN, id_of(s, place)))
        c->broken = true;
}

static void write_some(struct stream_port *s, usec_t now, uint32_t place)
{
    struct connection *c = &s->connections[place];
    struct stream_queue *out = &stream_peers_get(&s->peers, place)->out;
    for (int i = 0; i < STREAM_WRITES_EACH_TURN && !c->broken; i++) {
        struct bytes bytes = stream_queue_peek(out, now);
        if (bytes.size == 0)
            break;
        ssize_t sent = send(c->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent > 0)
            stream_queue_consume(out, (size_t)sent);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            c->broken = true; /* closed by the next event or sweep: nothing may vanish here */
    }
    watch_write(s, place, !stream_queue_is_empty(out));
    s->config.stats->drops[DROP_STREAM_LATE] += out->dropped;
    out->dropped = 0;
}

bool stream_port_send(struct stream_port *s, usec_t now, const struct tx_message *message)
{
    uint32_t place = stream_peers_find(&s->peers, &message->to);
    if (place == STREAM_NOBODY)
        return false;
    struct stream_queue *out = &stream_peers_get(&s->peers, place)->out;
    enum stream_class class =
        message->class == TX_CLASS_VIDEO ? STREAM_CLASS_VIDEO : STREAM_CLASS_FIRST;
    for (size_t i = 0; i < message->segments; i++)
        (void)stream_queue_push(out, now, class, tx_message_get(message, i));
    write_some(s, now, place);
    return true;
}

/* --- Events */

void stream_port_handle_event(struct stream_port *s, usec_t now, uint64_t id, uint32_t events)
{
    uint32_t at = (uint32_t)id - s->config.first_id;
    if (at < STREAM_LISTENERS_MAX) {
        accept_some(s, now, &s->listeners[at]);
        return;
    }
    uint32_t place = at - STREAM_LISTENERS_MAX;
    struct stream_peer *peer = stream_peers_get(&s->peers, place);
    /* Closed earlier in this turn, and perhaps followed by another. */
    if (peer == NULL || s->connections[place].serial != id >> 32)
        return;
    if ((events & EPOLLOUT) != 0 && peer->verified)
        write_some(s, now, place);
    if ((events & ~(uint32_t)EPOLLOUT) != 0)
        read_some(s, now, place);
}

/* The participant has left, or has come by so many other ways that this one was given up. */
static void sweep(struct stream_port *s, usec_t now)
{
    for (uint32_t place = 0; place < s->config.peers.connections_max; place++) {
        const struct stream_peer *peer = stream_peers_get(&s->peers, place);
        if (peer != NULL && peer->verified &&
            (s->connections[place].broken ||
             !s->config.owner.is_path(s->config.owner.context, &peer->addr)))
            close_connection(s, now, place);
    }
}

void stream_port_handle_timeout(struct stream_port *s, usec_t now)
{
    uint32_t late;
    while ((late = stream_peers_find_late(&s->peers, now)) != STREAM_NOBODY)
        close_connection(s, now, late);
    if (s->accept_at != 0 && now >= s->accept_at) {
        s->accept_at = 0;
        set_accepting(s, true);
    }
    if (now >= s->sweep_at) {
        if (s->peers.free_count < s->config.peers.connections_max)
            sweep(s, now);
        s->sweep_at = now + STREAM_SWEEP_US;
    }
}

usec_t stream_port_next_timeout(const struct stream_port *s)
{
    usec_t next = stream_peers_next_timeout(&s->peers);
    if (s->accept_at != 0)
        next = usec_min(next, s->accept_at);
    if (s->peers.free_count < s->config.peers.connections_max)
        next = usec_min(next, s->sweep_at);
    return next;
}

/* --- Life */

enum status stream_port_create(struct stream_port **out, const struct stream_port_config *config)
{
    struct stream_port *s = calloc(1, sizeof *s);
    if (s == NULL)
        return STATUS_NO_MEMORY;
    s->config = *config;
    enum status status = stream_peers_init(&s->peers, &config->peers);
    if (status == STATUS_OK) {
        s->connections = calloc(config->peers.connections_max, sizeof *s->connections);
        status = s->connections != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK)
        *out = s;
    else
        stream_port_free(s);
    return status;
}

enum status stream_port_listen(struct stream_port *s, const struct net_addr *local)
{
    if (s->listener_count == STREAM_LISTENERS_MAX)
        return STATUS_LIMIT;
    struct tcp_listener *l = &s->listeners[s->listener_count];
    enum status status = tcp_listener_open(l, local, &s->config.log);
    if (status != STATUS_OK)
        return status;
    uint64_t id = s->config.first_id + s->listener_count++;
    return watch(s, EPOLL_CTL_ADD, l->fd, EPOLLIN, id) ? STATUS_OK : STATUS_SYSTEM;
}

void stream_port_free(struct stream_port *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->listener_count; i++)
        tcp_listener_close(&s->listeners[i]);
    for (uint32_t i = 0; s->connections != NULL && i < s->config.peers.connections_max; i++) {
        if (stream_peers_get(&s->peers, i) != NULL)
            close(s->connections[i].fd);
    }
    stream_peers_destroy(&s->peers);
    free(s->connections);
    free(s);
}
