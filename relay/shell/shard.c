#include "relay/shell/shard.h"

#include "host/host_clock.h"
#include "host/udp_batch.h"
#include "relay/shell/report_socket.h"
#include "relay/shell/stream_port.h"
#include "relay/shell/turn_times.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

struct shard_socket {
    struct udp_socket socket;
    struct udp_receive_batch *batch;
    uint32_t losses; /* counted so far */
};

struct shard {
    struct shard_config config;
    struct log log;
    struct shard_socket sockets[SHARD_SOCKETS_MAX];
    size_t socket_count;
    struct shard_socket reports[SHARD_SOCKETS_MAX]; /* beside the sockets */
    size_t report_count;                            /* as many, or none */
    struct stream_port *streams;                    /* NULL: no media over TCP */
    int epoll_fd;                                   /* of the streams */
    /* The sockets, the link, the streams' epoll, and the reports' sockets. */
    struct pollfd watched[2 * SHARD_SOCKETS_MAX + 2];
    struct shard_link link;
    struct shard_core *core;
    struct tx_batch tx;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    /* The thread's own */
    bool more;         /* input is left over from the last turn */
    usec_t looked_at;  /* last look at all that is watched */
    usec_t woken_at;   /* by something that could not wait */
    usec_t reports_at; /* last look at the reports */
    usec_t now;        /* of this turn */
    struct turn_times times;
    usec_t measure_at, cpu_then, measured_then;
    usec_t unix_minus_now;
    /* Written by the thread, read by others */
    atomic_uint cpu_permille, loop_p50_us, loop_p99_us;
    _Atomic usec_t turned_at;
};

/* --- Sending */

static const struct udp_socket *socket_for(const struct shard *s, enum net_family family)
{
    for (size_t i = 0; i < s->socket_count; i++) {
        if (s->sockets[i].socket.local.family == family)
            return &s->sockets[i].socket;
    }
    return NULL;
}

/* The longest run from the front that goes out of one socket. */
static size_t run_of_socket(const struct tx_message *messages, size_t count)
{
    size_t n = 1;
    while (n < count && n < TX_MESSAGES && messages[n].to.family == messages[0].to.family &&
           messages[n].to.protocol == messages[0].to.protocol)
        n++;
    return n;
}

static struct udp_send_result send_streams(const struct shard *s, const struct tx_message *messages,
                                           size_t count)
{
    struct udp_send_result result = {0};
    for (size_t i = 0; i < count; i++) {
        if (s->streams != NULL && stream_port_send(s->streams, s->now, &messages[i]))
            result.sent += messages[i].segments;
        else
            result.failed += messages[i].segments;
    }
    return result;
}

static struct udp_send_result send_datagrams(const struct shard *s,
                                             const struct tx_message *messages, size_t count)
{
    struct udp_message run[TX_MESSAGES];
    struct udp_send_result result = {0};
    const struct udp_socket *socket = socket_for(s, (enum net_family)messages[0].to.family);
    for (size_t i = 0; i < count; i++)
        run[i] = (struct udp_message){messages[i].to, messages[i].data, messages[i].segment_bytes,
                                      messages[i].segments};
    if (socket != NULL)
        return udp_send_messages(socket, run, count);
    for (size_t i = 0; i < count; i++)
        result.failed += run[i].segments;
    return result;
}

/* The kernel has them: how long they were with us. */
static void note_delays(const struct shard *s, const struct tx_message *messages, size_t count)
{
    usec_t now = host_clock_now();
    for (size_t i = 0; i < count; i++) {
        if (messages[i].arrived_at != 0)
            relay_stats_note_delay(s->tx.stats,
                                   messages[i].class == TX_CLASS_FIRST ? CONTROL_DELAY_VOICE
                                                                       : CONTROL_DELAY_VIDEO,
                                   now - messages[i].arrived_at, messages[i].segments);
    }
}

static size_t send_messages(void *context, const struct tx_message *messages, size_t count,
                            size_t *failed)
{
    const struct shard *s = context;
    size_t sent = 0;
    *failed = 0;
    for (size_t at = 0; at < count;) {
        size_t n = run_of_socket(messages + at, count - at);
        struct udp_send_result result = messages[at].to.protocol == NET_PROTOCOL_TCP
                                            ? send_streams(s, messages + at, n)
                                            : send_datagrams(s, messages + at, n);
        note_delays(s, messages + at, n);
        sent += result.sent;
        *failed += result.failed;
        at += n;
    }
    return sent;
}

/* --- The turn */

#define LOOK_AT_ALL_US 1000 /* busy for this long: connections and other threads' wake-ups too */
#define REPORTS_EVERY_US MILLISECONDS(5)
#define REPORTS_WAIT_US MILLISECONDS(25) /* for what wakes the thread: voice comes each 20 ms */

/* Between two portions of video nothing is waited for: to take what has come, if anything, is
 * cheaper than to ask first. */
static bool look_at_sockets(struct shard *s)
{
    for (size_t i = 0; i < COUNT_OF(s->watched); i++)
        s->watched[i].revents = i < s->socket_count ? POLLIN : 0;
    return true;
}

/* Reports wake nobody while something else will do so soon: until when they need not. */
static usec_t reports_wait_until(const struct shard *s, usec_t now)
{
    usec_t until = usec_max(s->woken_at + REPORTS_WAIT_US, s->reports_at + REPORTS_EVERY_US);
    return s->report_count > 0 && now < until ? until : USEC_NEVER;
}

/* ppoll passes over what is below 0. */
static void watch_reports(struct shard *s, bool watched)
{
    for (size_t i = 0; i < s->report_count; i++)
        s->watched[s->socket_count + 2 + i].fd = watched ? s->reports[i].socket.fd : -1;
}

/* True when some of what is watched is ready. By ppoll, not epoll: a socket that stands in an epoll
 * set has somebody waiting all the time, whom the kernel looks up for every message that it has
 * sent: a sixteenth of what a packet costs. Microseconds matter to video that is held back. */
static bool wait_for_input(struct shard *s, usec_t now)
{
    usec_t until = usec_min(shard_core_next_timeout(s->core), s->measure_at);
    until = usec_min(until, tx_batch_next_timeout(&s->tx));
    if (s->streams != NULL)
        until = usec_min(until, stream_port_next_timeout(s->streams));
    usec_t reports_until = reports_wait_until(s, now);
    watch_reports(s, reports_until == USEC_NEVER);
    until = usec_min(until, reports_until);
    usec_t left = s->more || until <= now ? 0 : until - now;
    if (left == 0 && now - s->looked_at < LOOK_AT_ALL_US)
        return look_at_sockets(s);
    struct timespec wait = {.tv_sec = left / SECONDS(1), .tv_nsec = left % SECONDS(1) * 1000};
    nfds_t count = s->socket_count + 2 + s->report_count;
    bool is_ready = ppoll(s->watched, count, &wait, NULL) > 0;
    s->looked_at = host_clock_now();
    return is_ready;
}

/* The kernel takes no datagram from the wire that claims one of our own addresses. */
static bool is_admitted(const struct shard *s, const struct net_addr *from)
{
    for (size_t i = 0; i < s->config.source_count; i++) {
        struct net_addr source = s->config.sources[i];
        source.port = from->port;
        if (net_addr_equal(&source, from))
            return true;
    }
    return s->config.sources == NULL;
}

/* On our own clock; the kernel's is the day's and may be set. */
static usec_t arrival_of(const struct shard *s, usec_t now, const struct udp_received *r)
{
    usec_t at = r->arrived_unix - s->unix_minus_now;
    return r->arrived_unix != 0 && at <= now && now - at < SHARD_LOAD_US ? at : now;
}

/* What one look finds. True when there may be more; *lost: the buffer had been full. */
static bool take_in(struct shard *s, usec_t now, struct shard_socket *from, bool *lost)
{
    size_t cut = 0;
    bool more = false;
    size_t count = udp_receive_batch_fetch(from->batch, &from->socket, &cut, &more);
    for (size_t i = 0; i < count; i++) {
        const struct udp_received *r = udp_receive_batch_get(from->batch, i);
        tx_batch_set_arrival(&s->tx, arrival_of(s, now, r));
        if (is_admitted(s, &r->from))
            shard_core_handle_datagram(s->core, now, &r->from, r->data, &s->tx);
        else
            s->tx.stats->drops[DROP_UNKNOWN_ADDRESS]++;
    }
    tx_batch_set_arrival(&s->tx, 0);
    uint32_t losses = udp_receive_batch_get_losses(from->batch);
    *lost = losses != from->losses;
    s->tx.stats->drops[DROP_RECEIVE_BLOCKED] += losses - from->losses;
    from->losses = losses;
    s->tx.stats->drops[DROP_TOO_LONG] += cut;
    return more;
}

static void receive(struct shard *s, usec_t now, struct shard_socket *from)
{
    bool lost;
    s->more = take_in(s, now, from, &lost) || s->more;
    if (lost)
        shard_core_note_overload(s->core, now);
}

static void receive_reports(struct shard *s, usec_t now)
{
    bool more = false, lost;
    for (size_t i = 0; i < s->report_count; i++)
        more = take_in(s, now, &s->reports[i], &lost) || more;
    s->more = s->more || more;
    s->reports_at = more ? 0 : now;
}

/* --- What the TCP side asks and tells */

static bool stream_is_admitted(void *context, const struct net_addr *from)
{
    struct net_addr source = *from;
    source.protocol = NET_PROTOCOL_UDP; /* the list is of addresses */
    return is_admitted(context, &source);
}

static void stream_handle_datagram(void *context, usec_t now, const struct net_addr *from,
                                   struct bytes_mut datagram)
{
    struct shard *s = context;
    shard_core_handle_datagram(s->core, now, from, datagram, &s->tx);
}

static bool stream_is_path(void *context, const struct net_addr *from)
{
    const struct shard *s = context;
    return shard_core_is_path(s->core, from);
}

static void stream_handle_closed(void *context, usec_t now, const struct net_addr *from)
{
    struct shard *s = context;
    shard_core_handle_path_closed(s->core, now, from, &s->tx);
}

static void measure(struct shard *s, usec_t now)
{
    usec_t cpu = host_clock_thread_cpu();
    usec_t elapsed = now - s->measured_then;
    if (elapsed > 0)
        atomic_store_explicit(&s->cpu_permille, (unsigned)((cpu - s->cpu_then) * 1000 / elapsed),
                              memory_order_relaxed);
    atomic_store_explicit(&s->loop_p50_us, turn_times_get_permille(&s->times, 500),
                          memory_order_relaxed);
    atomic_store_explicit(&s->loop_p99_us, turn_times_get_permille(&s->times, 990),
                          memory_order_relaxed);
    s->times = (struct turn_times){0};
    s->cpu_then = cpu;
    s->measured_then = now;
    s->measure_at = now + SHARD_LOAD_US;
    s->unix_minus_now = host_clock_unix() - host_clock_now();
}

/* A transport takes a while to make: of a class that comes in all at once a few per turn. True when
 * some wait. */
static bool handle_messages(struct shard *s, usec_t now)
{
    const struct shard_message *message;
    for (int added = 0; added < SHARD_ADDS_EACH_TURN && shard_link_next(&s->link, &message);) {
        added += message->type == SHARD_PARTICIPANT_ADD;
        shard_core_handle_message(s->core, now, message, &s->tx);
        if (added == SHARD_ADDS_EACH_TURN)
            return true;
    }
    return false;
}

static void handle_streams(struct shard *s, usec_t now)
{
    struct epoll_event ready[SHARD_EVENTS];
    int count = epoll_wait(s->epoll_fd, ready, (int)COUNT_OF(ready), 0);
    for (int i = 0; i < count && s->streams != NULL; i++)
        stream_port_handle_event(s->streams, now, ready[i].data.u64, ready[i].events);
}

static void handle_ready(struct shard *s, usec_t now)
{
    for (size_t i = 0; i < s->socket_count + 2; i++) {
        if (s->watched[i].revents == 0)
            continue;
        s->woken_at = now;
        if (i < s->socket_count)
            receive(s, now, &s->sockets[i]);
    }
    if (s->watched[s->socket_count].revents != 0)
        shard_link_drain_fd(&s->link);
    if (s->watched[s->socket_count + 1].revents != 0)
        handle_streams(s, now);
}

/* `before` is the time of the last look at the clock. Returns the time now. */
static usec_t turn(struct shard *s, usec_t before)
{
    bool is_ready = wait_for_input(s, before);
    usec_t now = s->now = host_clock_now();
    s->more = false;
    if (is_ready)
        handle_ready(s, now);
    if (s->report_count > 0 && now - s->reports_at >= REPORTS_EVERY_US)
        receive_reports(s, now);
    s->more = handle_messages(s, now) || s->more;
    shard_core_handle_timeout(s->core, now, &s->tx); /* also what could still wait */
    if (s->streams != NULL && stream_port_next_timeout(s->streams) <= now)
        stream_port_handle_timeout(s->streams, now);
    tx_batch_flush_some(&s->tx, now, SHARD_TX_PORTION);
    s->more = shard_link_release(&s->link) || s->more;
    shard_link_wake(&s->link);
    if (now >= s->measure_at)
        measure(s, now);
    atomic_store_explicit(&s->turned_at, now, memory_order_relaxed);
    usec_t end = host_clock_now();
    turn_times_note(&s->times, end - now);
    return end;
}

/* Where the kernel shares time among sessions first (autogroup), a thread's nice value counts only
 * within its own. As a service we are a session of our own. */
static void raise_session(void)
{
    int fd = getsid(0) == getpid() ? open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    (void)!write(fd, SHARD_SESSION_NICE, sizeof SHARD_SESSION_NICE - 1);
    close(fd);
}

/* Voice comes before whatever else the machine does, where we may say so (root, or a LimitNICE=
 * in the unit); nobody else is starved by it. */
static void raise_priority(const struct shard *s)
{
    raise_session();
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), SHARD_NICE) != 0)
        log_debug(&s->log, "priority_not_raised", "errno=%d", errno);
}

static void *run(void *context)
{
    struct shard *s = context;
    raise_priority(s);
    usec_t now = host_clock_now();
    measure(s, now);
    while (!atomic_load_explicit(&s->stopping, memory_order_acquire))
        now = turn(s, now);
    return NULL;
}

/* --- Life */

static void watch(struct shard *s, size_t place, int fd)
{
    s->watched[place] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static enum status set_up(struct shard_socket *socket)
{
    udp_socket_ask_times(&socket->socket);
    udp_socket_ask_losses(&socket->socket);
    return udp_receive_batch_create(&socket->batch);
}

/* Reports have a socket of their own beside each, or, where the kernel gives none, come with the
 * rest. */
static enum status open_report_sockets(struct shard *s)
{
    for (size_t i = 0; i < s->socket_count; i++) {
        struct shard_socket *socket = &s->reports[i];
        if (report_socket_open(&socket->socket, &s->sockets[i].socket, &s->log) != STATUS_OK)
            return STATUS_OK;
        s->report_count = i + 1;
        enum status status = set_up(socket);
        if (status != STATUS_OK)
            return status;
        watch(s, s->socket_count + 2 + i, socket->socket.fd);
    }
    return STATUS_OK;
}

static enum status open_sockets(struct shard *s, struct net_addr *failed)
{
    for (size_t i = 0; i < s->config.bind_count; i++) {
        struct shard_socket *socket = &s->sockets[i];
        *failed = s->config.bind[i];
        enum status status = udp_socket_open(&socket->socket, failed, &s->log);
        if (status != STATUS_OK)
            return status;
        s->socket_count = i + 1;
        status = set_up(socket);
        if (status != STATUS_OK)
            return status;
        watch(s, i, socket->socket.fd);
    }
    watch(s, s->socket_count, shard_link_get_fd(&s->link));
    watch(s, s->socket_count + 1, s->epoll_fd);
    return open_report_sockets(s);
}

static enum status create_core(struct shard *s)
{
    struct shard_port port = shard_link_get_port(&s->link);
    struct tx_sink sink = {.context = s, .send = send_messages};
    enum status status = shard_core_create(&s->core, host_clock_now(), &s->config.core, &port);
    if (status != STATUS_OK)
        return status;
    return tx_batch_init(&s->tx, s->config.core.participants_max, SHARD_TX_ENTRIES, &sink,
                         shard_core_get_stats(s->core));
}

static enum status open_streams(struct shard *s, struct net_addr *failed)
{
    struct stream_port_config config = {
        .peers = s->config.streams,
        .epoll_fd = s->epoll_fd,
        .first_id = SHARD_SOCKETS_MAX + 1,
        .owner = {.context = s,
                  .is_admitted = stream_is_admitted,
                  .handle_datagram = stream_handle_datagram,
                  .is_path = stream_is_path,
                  .handle_closed = stream_handle_closed},
        .stats = shard_core_get_stats(s->core),
        .log = s->log,
    };
    if (s->config.streams.connections_max == 0)
        return STATUS_OK;
    enum status status = stream_port_create(&s->streams, &config);
    for (size_t i = 0; i < s->config.bind_count && status == STATUS_OK; i++) {
        *failed = s->config.bind[i];
        failed->protocol = NET_PROTOCOL_TCP;
        status = stream_port_listen(s->streams, failed);
    }
    return status;
}

enum status shard_create(struct shard **out, const struct shard_config *config,
                         struct net_addr *failed)
{
    *failed = (struct net_addr){0};
    if (config->bind_count == 0 || config->bind_count > SHARD_SOCKETS_MAX)
        return STATUS_CONFIG;
    struct shard *s = calloc(1, sizeof *s);
    if (s == NULL)
        return STATUS_NO_MEMORY;
    s->config = *config;
    s->log = config->core.log;
    shard_link_init(&s->link, config->links, config->core.shard);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    enum status status = s->epoll_fd >= 0 ? open_sockets(s, failed) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = create_core(s);
    if (status == STATUS_OK)
        status = open_streams(s, failed);
    if (status == STATUS_OK)
        *out = s;
    else
        shard_free(s);
    return status;
}

static void stop(struct shard *s)
{
    if (!s->running)
        return;
    atomic_store_explicit(&s->stopping, true, memory_order_release);
    shard_links_wake(s->config.links, s->config.core.shard);
    pthread_join(s->thread, NULL);
    s->running = false;
}

static void close_socket(struct shard_socket *socket)
{
    udp_receive_batch_free(socket->batch);
    udp_socket_close(&socket->socket);
}

void shard_free(struct shard *s)
{
    if (s == NULL)
        return;
    int error = errno; /* of what made the caller give up */
    stop(s);
    stream_port_free(s->streams);
    shard_core_free(s->core);
    tx_batch_destroy(&s->tx);
    for (size_t i = 0; i < s->report_count; i++)
        close_socket(&s->reports[i]);
    for (size_t i = 0; i < s->socket_count; i++)
        close_socket(&s->sockets[i]);
    if (s->epoll_fd >= 0)
        close(s->epoll_fd);
    free(s);
    errno = error;
}

static void pin(const struct shard *s)
{
    cpu_set_t set;
    if (s->config.cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)s->config.cpu, &set);
    int error = pthread_setaffinity_np(s->thread, sizeof set, &set);
    if (error != 0)
        log_warn(&s->log, "pin_failed", "cpu=%d errno=%d", s->config.cpu, error);
}

enum status shard_start(struct shard *s)
{
    char name[16];
    atomic_store_explicit(&s->turned_at, host_clock_now(), memory_order_relaxed);
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        return STATUS_SYSTEM;
    s->running = true;
    snprintf(name, sizeof name, "shard-%u", s->config.core.shard);
    (void)pthread_setname_np(s->thread, name);
    pin(s);
    return STATUS_OK;
}

struct shard_load shard_get_load(const struct shard *s)
{
    return (struct shard_load){
        .cpu_permille = atomic_load_explicit(&s->cpu_permille, memory_order_relaxed),
        .loop_p50_us = atomic_load_explicit(&s->loop_p50_us, memory_order_relaxed),
        .loop_p99_us = atomic_load_explicit(&s->loop_p99_us, memory_order_relaxed),
        .turned_at = atomic_load_explicit(&s->turned_at, memory_order_relaxed),
    };
}
