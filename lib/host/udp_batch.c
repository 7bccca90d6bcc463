#include "host/udp_batch.h"

#include "host/net_sockaddr.h"

#include <errno.h>
#include <time.h>

#define CONTROL_BYTES 64

struct udp_receive_batch {
    struct mmsghdr messages[UDP_BATCH_DATAGRAMS];
    struct iovec vectors[UDP_BATCH_DATAGRAMS];
    struct sockaddr_storage from[UDP_BATCH_DATAGRAMS];
    _Alignas(struct cmsghdr) uint8_t control[UDP_BATCH_DATAGRAMS][CONTROL_BYTES];
    struct udp_received received[UDP_BATCH_DATAGRAMS];
    uint8_t data[UDP_BATCH_DATAGRAMS][UDP_BATCH_DATAGRAM_BYTES];
};

enum status udp_receive_batch_create(struct udp_receive_batch **out)
{
    struct udp_receive_batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < UDP_BATCH_DATAGRAMS; i++) {
        b->vectors[i] = (struct iovec){b->data[i], UDP_BATCH_DATAGRAM_BYTES};
        b->messages[i].msg_hdr =
            (struct msghdr){.msg_name = &b->from[i], .msg_iov = &b->vectors[i], .msg_iovlen = 1};
    }
    *out = b;
    return STATUS_OK;
}

void udp_receive_batch_free(struct udp_receive_batch *batch)
{
    free(batch);
}

void udp_socket_ask_times(const struct udp_socket *socket)
{
    int one = 1;
    (void)setsockopt(socket->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
}

static usec_t arrival_of(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        struct timespec at;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&at, CMSG_DATA(c), sizeof at);
        return SECONDS(at.tv_sec) + at.tv_nsec / 1000;
    }
    return 0;
}

size_t udp_receive_batch_fetch(struct udp_receive_batch *b, const struct udp_socket *socket,
                               size_t *cut, bool *more)
{
    for (size_t i = 0; i < UDP_BATCH_DATAGRAMS; i++) {
        b->messages[i].msg_hdr.msg_namelen = sizeof b->from[i];
        b->messages[i].msg_hdr.msg_control = b->control[i];
        b->messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    }
    /* An ICMP error of an earlier send (ECONNREFUSED) only costs this call. */
    int count = recvmmsg(socket->fd, b->messages, UDP_BATCH_DATAGRAMS, MSG_DONTWAIT, NULL);
    *more = count == UDP_BATCH_DATAGRAMS || (count < 0 && errno == ECONNREFUSED);
    size_t kept = 0;
    for (int i = 0; i < count; i++) {
        struct udp_received *r = &b->received[kept];
        if ((b->messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
            !net_addr_of_sockaddr(&b->from[i], &r->from)) {
            (*cut)++;
            continue;
        }
        r->data = (struct bytes_mut){b->data[i], b->messages[i].msg_len};
        r->arrived_unix = arrival_of(&b->messages[i].msg_hdr);
        kept++;
    }
    return kept;
}

const struct udp_received *udp_receive_batch_get(const struct udp_receive_batch *batch,
                                                 size_t index)
{
    CHECK(index < UDP_BATCH_DATAGRAMS);
    return &batch->received[index];
}

static size_t fill_messages(const struct udp_outgoing *datagrams, size_t count,
                            struct mmsghdr *messages, struct iovec *vectors,
                            struct sockaddr_storage *to)
{
    size_t n = count < UDP_BATCH_DATAGRAMS ? count : UDP_BATCH_DATAGRAMS;
    for (size_t i = 0; i < n; i++) {
        /* sendmmsg only reads; iovec has no const. */
        vectors[i] =
            (struct iovec){(void *)(uintptr_t)datagrams[i].data.data, datagrams[i].data.size};
        messages[i].msg_hdr =
            (struct msghdr){.msg_name = &to[i],
                            .msg_namelen = net_sockaddr_of(&datagrams[i].to, &to[i]),
                            .msg_iov = &vectors[i],
                            .msg_iovlen = 1};
    }
    return n;
}

struct udp_send_result udp_send_batch(const struct udp_socket *socket,
                                      const struct udp_outgoing *datagrams, size_t count)
{
    struct udp_send_result result = {0};
    struct mmsghdr messages[UDP_BATCH_DATAGRAMS];
    struct iovec vectors[UDP_BATCH_DATAGRAMS];
    struct sockaddr_storage to[UDP_BATCH_DATAGRAMS];
    size_t done = 0;
    while (done < count) {
        size_t n = fill_messages(datagrams + done, count - done, messages, vectors, to);
        int sent = sendmmsg(socket->fd, messages, (unsigned)n, MSG_DONTWAIT);
        if (sent > 0) {
            result.sent += (size_t)sent;
            done += (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            result.blocked += count - done;
            return result;
        } else if (errno != EINTR) {
            result.failed++; /* this one cannot be sent; go on behind it */
            done++;
        }
    }
    return result;
}
