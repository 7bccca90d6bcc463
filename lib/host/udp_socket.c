#include "host/udp_socket.h"

#include "host/net_socket.h"

#include <sys/socket.h>

/* Beyond the system's limit where we may (CAP_NET_ADMIN), up to it otherwise. */
static void set_buffer(int fd, int force, int ordinary)
{
    if (!net_socket_set(fd, SOL_SOCKET, force, UDP_SOCKET_BUFFER_BYTES))
        (void)net_socket_set(fd, SOL_SOCKET, ordinary, UDP_SOCKET_BUFFER_BYTES);
}

bool udp_socket_prepare(int fd)
{
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    return true;
}

enum status udp_socket_open(struct udp_socket *out, const struct net_addr *local,
                            const struct log *log)
{
    static const struct net_socket_config config = {
        .type = SOCK_DGRAM, .prepare = udp_socket_prepare, .failed = "udp_open_failed"};
    return net_socket_open(&out->fd, &out->local, &config, local, log);
}

void udp_socket_close(struct udp_socket *s)
{
    net_socket_close(&s->fd);
}
