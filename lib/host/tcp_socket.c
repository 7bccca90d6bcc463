#include "host/tcp_socket.h"

#include "host/net_sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static bool set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

enum status tcp_listener_open(struct tcp_listener *out, const struct net_addr *local,
                              const struct log *log)
{
    enum status status = STATUS_SYSTEM;
    struct sockaddr_storage addr;
    socklen_t addr_bytes = net_sockaddr_of(local, &addr);
    struct tcp_listener opened;
    if (addr_bytes == 0)
        return STATUS_CONFIG;
    int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        goto done;
    if (local->family == NET_FAMILY_IPV6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        goto done;
    /* Connections of a relay that has ended a moment ago do not keep the next one out. */
    if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        goto done;
    if (bind(fd, (struct sockaddr *)&addr, addr_bytes) != 0 ||
        listen(fd, TCP_SOCKET_BACKLOG) != 0) {
        status = errno == EADDRINUSE ? STATUS_EXISTS : STATUS_SYSTEM;
        goto done;
    }
    addr_bytes = sizeof addr;
    if (getsockname(fd, (struct sockaddr *)&addr, &addr_bytes) != 0 ||
        !net_addr_of_sockaddr(&addr, &opened.local))
        goto done;
    opened.local.protocol = NET_PROTOCOL_TCP;
    opened.fd = fd;
    *out = opened;
    fd = -1; /* handed over to *out */
    status = STATUS_OK;
done:
    if (status != STATUS_OK) {
        int error = errno;
        log_warn(log, "tcp_open_failed", "port=%u errno=%d", local->port, error);
        if (fd >= 0)
            close(fd);
        errno = error;
    }
    return status;
}

void tcp_listener_close(struct tcp_listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

static bool prepare(int fd)
{
    return set(fd, IPPROTO_TCP, TCP_NODELAY, 1) && set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set(fd, IPPROTO_TCP, TCP_KEEPIDLE, TCP_SOCKET_PROBE_AFTER_S) &&
           set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2) &&
           set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_SOCKET_DEAD_AFTER_MS) &&
           set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_SOCKET_UNSENT_BYTES);
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
