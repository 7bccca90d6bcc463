#include "host/udp_socket.h"

#include "host/net_sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

/* Beyond the system's limit where we may (CAP_NET_ADMIN), up to it otherwise. */
static void set_buffer(int fd, int force, int ordinary)
{
    int bytes = UDP_SOCKET_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, ordinary, &bytes, sizeof bytes);
}

enum status udp_socket_open(struct udp_socket *out, const struct net_addr *local,
                            const struct log *log)
{
    enum status status = STATUS_SYSTEM;
    struct sockaddr_storage addr;
    socklen_t addr_bytes = net_sockaddr_of(local, &addr);
    struct udp_socket opened;
    int one = 1;
    if (addr_bytes == 0)
        return STATUS_CONFIG;
    int fd = socket(addr.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        goto done;
    if (local->family == NET_FAMILY_IPV6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) != 0)
        goto done;
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    if (bind(fd, (struct sockaddr *)&addr, addr_bytes) != 0) {
        status = errno == EADDRINUSE ? STATUS_EXISTS : STATUS_SYSTEM;
        goto done;
    }
    addr_bytes = sizeof addr;
    if (getsockname(fd, (struct sockaddr *)&addr, &addr_bytes) != 0 ||
        !net_addr_of_sockaddr(&addr, &opened.local))
        goto done;
    opened.fd = fd;
    *out = opened;
    fd = -1; /* handed over to *out */
    status = STATUS_OK;
done:
    if (status != STATUS_OK) {
        int error = errno;
        log_warn(log, "udp_open_failed", "port=%u errno=%d", local->port, error);
        if (fd >= 0)
            close(fd);
        errno = error;
    }
    return status;
}

void udp_socket_close(struct udp_socket *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
