#include "host/tcp_socket.h"

#include "host/net_sockaddr.h"
#include "host/net_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* Connections of a relay that has ended a moment ago do not keep the next one out. */
static bool prepare_listener(int fd)
{
    return net_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

enum status tcp_listener_open(struct tcp_listener *out, const struct net_addr *local,
                              const struct log *log)
{
    static const struct net_socket_config config = {.type = SOCK_STREAM,
                                                    .backlog = TCP_SOCKET_BACKLOG,
                                                    .prepare = prepare_listener,
                                                    .failed = "tcp_open_failed"};
    enum status status = net_socket_open(&out->fd, &out->local, &config, local, log);
    if (status == STATUS_OK)
        out->local.protocol = NET_PROTOCOL_TCP;
    return status;
}

void tcp_listener_close(struct tcp_listener *l)
{
    net_socket_close(&l->fd);
}

static bool prepare(int fd)
{
    return net_socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
           net_socket_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           net_socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, TCP_SOCKET_PROBE_AFTER_S) &&
           net_socket_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2) &&
           net_socket_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_SOCKET_DEAD_AFTER_MS) &&
           net_socket_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_SOCKET_UNSENT_BYTES);
}

enum status tcp_listener_accept(const struct tcp_listener *l, int *fd, struct net_addr *from)
{
    struct sockaddr_storage addr;
    socklen_t addr_bytes = sizeof addr;
    int accepted =
        accept4(l->fd, (struct sockaddr *)&addr, &addr_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return STATUS_NOT_FOUND;
    if (accepted < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM
                   ? STATUS_LIMIT
                   : STATUS_SYSTEM; /* gone before it was taken, and the like (accept(2)) */
    if (!net_addr_of_sockaddr(&addr, from) || !prepare(accepted)) {
        close(accepted);
        return STATUS_SYSTEM;
    }
    from->protocol = NET_PROTOCOL_TCP;
    *fd = accepted;
    return STATUS_OK;
}
