#include "relay/shell/report_socket.h"

#include "base/check.h"
#include "host/net_socket.h"

#include <linux/filter.h>
#include <sys/socket.h>

/* Places in the group, in order of binding. */
enum { TO_MEDIA, TO_REPORTS };

/* demux_is_report, for the kernel: it begins behind the UDP header. A load from behind the end of
 * the datagram ends the program with 0, which is TO_MEDIA. */
static struct sock_filter program[] = {
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xc0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x80, 0, 3), /* version 2 */
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 201, 0, 1), /* RR */
    BPF_STMT(BPF_RET | BPF_K, TO_REPORTS),
    BPF_STMT(BPF_RET | BPF_K, TO_MEDIA),
};

static bool prepare(int fd)
{
    return udp_socket_prepare(fd) && net_socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

/* The first socket lets a second one in only now: while it was bound, nobody else had the port. */
enum status report_socket_open(struct udp_socket *out, const struct udp_socket *media,
                               const struct log *log)
{
    static const struct net_socket_config config = {
        .type = SOCK_DGRAM, .prepare = prepare, .failed = "report_socket_open_failed"};
    const struct sock_fprog filter = {.len = COUNT_OF(program), .filter = program};
    struct udp_socket opened = {.fd = -1};
    if (!net_socket_set(media->fd, SOL_SOCKET, SO_REUSEPORT, 1))
        return STATUS_SYSTEM;
    enum status status = net_socket_open(&opened.fd, &opened.local, &config, &media->local, log);
    if (status == STATUS_OK &&
        setsockopt(media->fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0) {
        *out = opened;
        return STATUS_OK;
    }
    udp_socket_close(&opened);
    (void)net_socket_set(media->fd, SOL_SOCKET, SO_REUSEPORT, 0);
    return STATUS_SYSTEM;
}
