#include "signaling/shell/web_server.h"

#include "base/hash_map.h"
#include "host/net_sockaddr.h"
#include "host/random_bytes.h"
#include "signaling/shell/tls_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define WRITE_BYTES 16384
#define ACCEPTS_PER_TURN 64
#define BACKLOG 1024
#define TICK_US SECONDS(1)

struct web_listener {
    struct web_server *server;
    struct event_watch *watch;
    int fd;
};

struct web_socket {
    struct web_client client;
    struct tls_stream tls; /* in use when the server has a certificate */
    bool established;      /* its TLS handshake is over */
    uint8_t *unsent;       /* what the kernel has not taken of the last piece; NULL: all taken */
    size_t unsent_from, unsent_size;
    struct web_server *server;
    struct lws *wsi;
    uint64_t ip_hash;
    struct web_socket *next, *previous;
};

struct web_server {
    struct event_loop *loop;
    const struct web_site *site;
    const struct log *log;
    struct web_server_config config;
    struct lws_vhost *vhost;
    struct tls_server *tls; /* NULL: none */
    struct web_listener listeners[WEB_LISTENERS_MAX];
    size_t listener_count;
    int spare_fd; /* given up for a moment when descriptors run out, to refuse who waits */
    struct web_socket *first;
    struct web_socket *adopting;
    size_t count;
    uint64_t last_number;
    struct hash_map by_number;
    struct hash_map by_ip; /* how many sockets */
    uint64_t ip_key[2];
    struct event_timer tick;
    uint8_t scratch[WRITE_BYTES];
    uint8_t plain[WRITE_BYTES];
};

/* --- Sockets */

static void count_ip(struct web_server *server, uint64_t ip_hash, int change)
{
    uint64_t count = 0;
    (void)hash_map_find(&server->by_ip, ip_hash, &count);
    count += (uint64_t)change;
    if (count == 0)
        hash_map_remove(&server->by_ip, ip_hash);
    else if (hash_map_set(&server->by_ip, ip_hash, count) != STATUS_OK)
        log_warn(server->log, "ip_table_full", "connections=%zu", server->count);
}

static void remove_socket(struct web_socket *socket, struct instant at)
{
    struct web_server *server = socket->server;
    web_client_destroy(&socket->client, at);
    tls_stream_destroy(&socket->tls);
    free(socket->unsent);
    hash_map_remove(&server->by_number, socket->client.number);
    count_ip(server, socket->ip_hash, -1);
    if (socket->previous != NULL)
        socket->previous->next = socket->next;
    else
        server->first = socket->next;
    if (socket->next != NULL)
        socket->next->previous = socket->previous;
    server->count--;
    free(socket);
}

static struct web_socket *add_socket(struct web_server *server, struct instant at,
                                     const struct net_addr *remote, uint64_t ip_hash)
{
    char text[NET_ADDR_TEXT_BYTES];
    struct web_socket *socket = calloc(1, sizeof(*socket));
    uint64_t number = server->last_number + 1;
    if (socket == NULL ||
        (server->tls != NULL && tls_stream_init(&socket->tls, server->tls) != STATUS_OK) ||
        hash_map_set(&server->by_number, number, (uint64_t)(uintptr_t)socket) != STATUS_OK) {
        if (socket != NULL)
            tls_stream_destroy(&socket->tls);
        free(socket);
        return NULL;
    }
    server->last_number = number;
    web_client_init(&socket->client, server->site, at, number, net_addr_write_ip(remote, text));
    socket->server = server;
    socket->ip_hash = ip_hash;
    socket->next = server->first;
    if (server->first != NULL)
        server->first->previous = socket;
    server->first = socket;
    server->count++;
    count_ip(server, ip_hash, 1);
    return socket;
}

static bool has_output(const struct web_socket *socket)
{
    bool tls = socket->tls.ssl != NULL;
    return socket->unsent != NULL || (tls && tls_stream_has_output(&socket->tls)) ||
           ((!tls || socket->established) && web_client_has_output(&socket->client));
}

/* After anything that may have changed the client, outside its own callback. */
static void settle(struct web_socket *socket)
{
    if (socket->wsi == NULL)
        return;
    if (socket->client.state == WEB_CLIENT_GONE)
        lws_set_timeout(socket->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    else if (has_output(socket) || socket->client.state == WEB_CLIENT_CLOSING)
        lws_callback_on_writable(socket->wsi);
}

/* All that was taken is with the kernel. */
static void shut_down_writing(struct web_socket *socket)
{
    int fd = lws_get_socket_fd(socket->wsi);
    uint8_t goodbye[256];
    if (socket->tls.ssl != NULL) {
        tls_stream_close(&socket->tls);
        size_t size = tls_stream_take(&socket->tls, (struct bytes_mut){goodbye, sizeof(goodbye)});
        (void)!send(fd, goodbye, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    (void)shutdown(fd, SHUT_WR);
}

/* Up to room.size bytes for the socket: the client's, sealed where there is TLS. */
static size_t take_output(struct web_socket *socket, struct instant at, struct bytes_mut room)
{
    if (socket->tls.ssl == NULL)
        return web_client_take_output(&socket->client, at, room);
    if (socket->established && !tls_stream_has_output(&socket->tls)) {
        struct bytes_mut plain = {socket->server->plain, sizeof(socket->server->plain)};
        plain.size = web_client_take_output(&socket->client, at, plain);
        if (plain.size > 0 && tls_stream_write(&socket->tls, bytes_const(plain)) != STATUS_OK)
            return 0; /* failed: handle_socket closes */
    }
    return tls_stream_take(&socket->tls, room);
}

static bool send_piece(const struct web_socket *socket, struct bytes piece, size_t *sent)
{
    ssize_t size =
        send(lws_get_socket_fd(socket->wsi), piece.data, piece.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return false;
    *sent = size > 0 ? (size_t)size : 0;
    return true;
}

static bool keep_unsent(struct web_socket *socket, struct bytes rest)
{
    socket->unsent = malloc(rest.size);
    if (socket->unsent == NULL)
        return false;
    memcpy(socket->unsent, rest.data, rest.size);
    socket->unsent_from = 0;
    socket->unsent_size = rest.size;
    return true;
}

static bool send_unsent(struct web_socket *socket)
{
    struct bytes rest =
        bytes_of(socket->unsent + socket->unsent_from, socket->unsent_size - socket->unsent_from);
    size_t sent = 0;
    if (!send_piece(socket, rest, &sent))
        return false;
    socket->unsent_from += sent;
    if (sent == rest.size) {
        free(socket->unsent);
        socket->unsent = NULL;
    }
    return true;
}

/* One piece per call. Not by lws_write: while lws keeps a rest it neither reads the socket nor
 * stops asking whether it can be read, and the loop spins on whatever the peer sends. */
static int write_some(struct web_socket *socket, struct instant at)
{
    struct bytes_mut room = {socket->server->scratch, WRITE_BYTES};
    size_t sent = 0;
    if (socket->unsent != NULL) {
        lws_callback_on_writable(socket->wsi);
        return send_unsent(socket) ? 0 : -1;
    }
    size_t size = take_output(socket, at, room);
    if (size > 0) {
        if (!send_piece(socket, bytes_of(room.data, size), &sent) ||
            (sent < size && !keep_unsent(socket, bytes_of(room.data + sent, size - sent))))
            return -1;
        lws_callback_on_writable(socket->wsi);
        return 0;
    }
    if (socket->tls.failed)
        return -1;
    if (web_client_handle_flushed(&socket->client, at))
        shut_down_writing(socket);
    return 0;
}

/* Opens what came as far as it goes. An alert that answers it is still written. */
static void read_tls(struct web_socket *socket, struct instant at, struct bytes bytes)
{
    struct tls_stream *tls = &socket->tls;
    struct bytes_mut room = {socket->server->plain, sizeof(socket->server->plain)};
    if (tls->ended)
        return;
    if (tls_stream_feed(tls, bytes) != STATUS_OK)
        tls->failed = true;
    for (size_t size = 1; size > 0 && socket->client.state != WEB_CLIENT_GONE;) {
        size = tls_stream_read(tls, room);
        if (!socket->established && tls_stream_is_established(tls)) {
            socket->established = true;
            if (tls_stream_has_chosen_http2(tls))
                web_client_begin_http2(&socket->client, at);
        }
        if (size > 0)
            web_client_handle_bytes(&socket->client, at, bytes_of(room.data, size));
    }
    if (tls->ended)
        web_client_handle_end(&socket->client, at);
    if (tls->failed)
        lws_callback_on_writable(socket->wsi);
}

static int handle_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t len)
{
    struct web_socket *socket = lws_get_opaque_user_data(wsi);
    (void)user;
    if (socket == NULL)
        return 0;
    struct instant at = event_loop_instant();
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
        socket->wsi = wsi;
        return 0;
    case LWS_CALLBACK_RAW_RX:
        if (socket->tls.ssl != NULL)
            read_tls(socket, at, bytes_of(in, len));
        else
            web_client_handle_bytes(&socket->client, at, bytes_of(in, len));
        break;
    case LWS_CALLBACK_RAW_WRITEABLE:
        if (write_some(socket, at) < 0)
            return -1;
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        if (socket->server->adopting == socket)
            socket->server->adopting = NULL;
        remove_socket(socket, at);
        return 0;
    default:
        return 0;
    }
    if (socket->client.state == WEB_CLIENT_GONE)
        return -1;
    settle(socket);
    return 0;
}

static const struct lws_protocols web_protocols[] = {
    {.name = "amphi-web", .callback = handle_socket},
    {0},
};

/* --- Accepting */

/* An IPv4 peer of a dual-stack socket is an IPv4 peer. */
static bool get_remote(const struct sockaddr_storage *from, struct net_addr *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct net_addr addr;
    if (!net_addr_of_sockaddr(from, &addr))
        return false;
    if (addr.family == NET_FAMILY_IPV6 && memcmp(addr.ip, mapped, sizeof(mapped)) == 0) {
        memmove(addr.ip, addr.ip + sizeof(mapped), 4);
        memset(addr.ip + 4, 0, sizeof(addr.ip) - 4);
        addr.family = NET_FAMILY_IPV4;
    }
    *out = addr;
    return true;
}

static uint64_t hash_site(const struct web_server *server, struct net_addr remote)
{
    if (remote.family == NET_FAMILY_IPV6)
        memset(remote.ip + 8, 0, 8); /* a household or school has a /64 */
    return net_addr_hash(&remote, server->ip_key);
}

static bool is_full(const struct web_server *server, const struct net_addr *remote,
                    uint64_t ip_hash)
{
    uint64_t count = 0;
    uint64_t most =
        net_addr_is_loopback(remote) ? WEB_CONNECTIONS_LOOPBACK_MAX : WEB_CONNECTIONS_PER_IP_MAX;
    (void)hash_map_find(&server->by_ip, ip_hash, &count);
    return server->count >= server->config.connections_max || count >= most;
}

/* Takes `fd` over. */
static void adopt(struct web_server *server, int fd, const struct net_addr *remote)
{
    static const int one = 1;
    uint64_t ip_hash = hash_site(server, *remote);
    struct web_socket *socket = NULL;
    struct instant at = event_loop_instant();
    if (!is_full(server, remote, ip_hash))
        socket = add_socket(server, at, remote, ip_hash);
    if (socket == NULL) {
        log_info(server->log, "connection_refused", "connections=%zu", server->count);
        close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    /* Few segments on the way: one that is lost again and again goes out at even times, not after
     * twice as long each. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &one, sizeof(one));
    lws_adopt_desc_t adopted = {
        .vh = server->vhost,
        .type = LWS_ADOPT_SOCKET,
        .fd.sockfd = fd,
        .vh_prot_name = web_protocols[0].name,
        .opaque = socket,
    };
    server->adopting = socket;
    if (lws_adopt_descriptor_vhost_via_info(&adopted) == NULL && server->adopting == socket)
        remove_socket(socket, at); /* lws has closed the descriptor without a word */
    server->adopting = NULL;
}

/* Without this a full descriptor table would leave the waiting connection, and the loop would spin
 * on it. */
static void refuse_one(struct web_server *server, int listen_fd)
{
    log_warn(server->log, "descriptors_exhausted", "connections=%zu", server->count);
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_some(void *context)
{
    struct web_listener *listener = context;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t from_bytes = sizeof(from);
        int fd = accept4(listener->fd, (struct sockaddr *)&from, &from_bytes,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                refuse_one(listener->server, listener->fd);
            return;
        }
        struct net_addr remote;
        if (get_remote(&from, &remote))
            adopt(listener->server, fd, &remote);
        else
            close(fd);
    }
}

static void ignore(void *context)
{
    (void)context;
}

static enum status open_listener(struct web_server *server, const struct net_addr *local)
{
    static const int one = 1, zero = 0;
    struct sockaddr_storage addr;
    socklen_t addr_bytes = net_sockaddr_of(local, &addr);
    struct web_listener *listener = &server->listeners[server->listener_count];
    int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return STATUS_SYSTEM;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (addr.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, net_addr_is_any(local) ? &zero : &one,
                         sizeof(one));
    if (bind(fd, (struct sockaddr *)&addr, addr_bytes) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return STATUS_SYSTEM;
    }
    *listener = (struct web_listener){.server = server, .fd = fd};
    server->listener_count++;
    struct event_watch_callbacks callbacks = {
        .context = listener, .on_readable = accept_some, .on_writable = ignore};
    return event_loop_watch(server->loop, fd, &callbacks, &listener->watch);
}

/* --- Output of the service */

static struct web_socket *find_socket(const struct web_server *server, uint64_t number)
{
    uint64_t value = 0;
    return hash_map_find(&server->by_number, number, &value) ? (struct web_socket *)(uintptr_t)value
                                                             : NULL;
}

void web_server_handle_output(struct web_server *server, struct instant at,
                              const struct service_output *output)
{
    bool response = output->type == SERVICE_RESPONSE;
    uint64_t number = response ? web_exchange_client(output->exchange) : output->connection;
    struct web_socket *socket = find_socket(server, number);
    if (socket == NULL)
        return;
    if (response)
        web_client_respond(&socket->client, at, output->exchange, &output->response);
    else if (output->type == SERVICE_SEND)
        web_client_send_text(&socket->client, at, output->text, output->packable);
    else if (output->type == SERVICE_CLOSE)
        web_client_close(&socket->client, at, output->code);
    settle(socket);
}

/* --- Life */

static void handle_tick(void *context)
{
    struct web_server *server = context;
    struct instant at = event_loop_instant();
    for (struct web_socket *socket = server->first; socket != NULL; socket = socket->next) {
        if (web_client_next_timeout(&socket->client) > at.now)
            continue;
        web_client_handle_timeout(&socket->client, at);
        settle(socket);
    }
    event_timer_arm(&server->tick, at.now, at.now + TICK_US);
}

/* Of raw sockets: TLS is ours (tls_stream.h). */
static enum status create_vhost(struct web_server *server)
{
    const struct web_server_config *config = &server->config;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "web",
        .protocols = web_protocols,
    };
    if (config->cert != NULL) {
        enum status status =
            tls_server_create(&server->tls, config->cert, config->key, server->log);
        if (status != STATUS_OK)
            return status;
    }
    server->vhost = lws_create_vhost(event_loop_context(server->loop), &info);
    return server->vhost != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status open_listeners(struct web_server *server)
{
    for (size_t i = 0; i < server->config.listen_count; i++) {
        const struct net_addr *local = &server->config.listen[i];
        char text[NET_ADDR_TEXT_BYTES];
        enum status status = open_listener(server, local);
        if (status != STATUS_OK) {
            log_error(server->log, "listen_failed", "address=%s port=%u reason=\"%s\"",
                      net_addr_write_ip(local, text), local->port, strerror(errno));
            return status;
        }
    }
    return STATUS_OK;
}

enum status web_server_create(struct web_server **out, const struct web_server_config *config,
                              struct event_loop *loop, const struct web_site *site,
                              const struct log *log)
{
    struct web_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return STATUS_NO_MEMORY;
    server->loop = loop;
    server->site = site;
    server->log = log;
    server->config = *config;
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    random_bytes(server->ip_key, sizeof(server->ip_key));
    event_timer_init(&server->tick, loop, server, handle_tick);
    enum status status = hash_map_init(&server->by_number, (uint32_t)config->connections_max);
    if (status == STATUS_OK)
        status = hash_map_init(&server->by_ip, (uint32_t)config->connections_max);
    if (status == STATUS_OK)
        status = create_vhost(server);
    if (status == STATUS_OK)
        status = open_listeners(server);
    if (status != STATUS_OK) {
        web_server_free(server);
        return status;
    }
    handle_tick(server);
    *out = server;
    return STATUS_OK;
}

static void close_listener(struct web_listener *listener)
{
    if (listener->watch != NULL)
        event_watch_remove(listener->watch);
    close(listener->fd);
}

static void close_listeners(struct web_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        close_listener(&server->listeners[i]);
    server->listener_count = 0;
}

void web_server_free(struct web_server *server)
{
    if (server == NULL)
        return;
    close_listeners(server);
    event_timer_arm(&server->tick, 0, USEC_NEVER);
    if (server->vhost != NULL)
        lws_vhost_destroy(server->vhost);
    while (server->first != NULL) { /* those that lws has not let go of */
        if (server->first->wsi != NULL)
            lws_set_opaque_user_data(server->first->wsi, NULL);
        remove_socket(server->first, event_loop_instant());
    }
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    hash_map_destroy(&server->by_number);
    hash_map_destroy(&server->by_ip);
    tls_server_free(server->tls);
    free(server);
}

void web_server_reload_certificate(struct web_server *server)
{
    if (server->tls != NULL && tls_server_reload(server->tls) == STATUS_OK)
        log_info(server->log, "certificate_reloaded", "cert=%s", server->config.cert);
}

void web_server_stop_accepting(struct web_server *server, struct instant at)
{
    close_listeners(server);
    for (struct web_socket *socket = server->first; socket != NULL; socket = socket->next) {
        web_client_stop(&socket->client, at);
        settle(socket);
    }
}

size_t web_server_connection_count(const struct web_server *server)
{
    return server->count;
}
