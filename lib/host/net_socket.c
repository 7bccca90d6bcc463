#include "host/net_socket.h"

#include "host/net_sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

enum status net_socket_open(int *out, struct net_addr *bound,
                            const struct net_socket_config *config, const struct net_addr *local,
                            const struct log *log)
{
    enum status status = STATUS_SYSTEM;
    struct sockaddr_storage addr;
    socklen_t addr_bytes = net_sockaddr_of(local, &addr);
    struct net_addr opened;
    if (addr_bytes == 0)
        return STATUS_CONFIG;
    int fd = socket(addr.ss_family, config->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        goto done;
    if (local->family == NET_FAMILY_IPV6 && !net_socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        goto done;
    if (!config->prepare(fd))
        goto done;
    if (bind(fd, (struct sockaddr *)&addr, addr_bytes) != 0 ||
        (config->backlog > 0 && listen(fd, config->backlog) != 0)) {
        status = errno == EADDRINUSE ? STATUS_EXISTS : STATUS_SYSTEM;
        goto done;
    }
    addr_bytes = sizeof addr;
    if (getsockname(fd, (struct sockaddr *)&addr, &addr_bytes) != 0 ||
        !net_addr_of_sockaddr(&addr, &opened))
        goto done;
    *bound = opened;
    *out = fd;
    fd = -1; /* handed over to *out */
    status = STATUS_OK;
done:
    if (status != STATUS_OK) {
        int error = errno;
        log_warn(log, config->failed, "port=%u errno=%d", local->port, error);
        net_socket_close(&fd);
        errno = error;
    }
    return status;
}

void net_socket_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool net_socket_set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}
