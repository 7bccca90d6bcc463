#include "host/udp_batch.h"

#include "host/net_sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <time.h>

#define CONTROL_BYTES 64

struct udp_receive_batch {
    struct mmsghdr messages[UDP_BATCH_DATAGRAMS];
    struct iovec vectors[UDP_BATCH_DATAGRAMS];
    struct sockaddr_storage from[UDP_BATCH_DATAGRAMS];
    _Alignas(struct cmsghdr) uint8_t control[UDP_BATCH_DATAGRAMS][CONTROL_BYTES];
    struct udp_received received[UDP_BATCH_DATAGRAMS];
    size_t used; /* messages that the kernel has written to */
    uint32_t losses;
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
    b->used = UDP_BATCH_DATAGRAMS;
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

void udp_socket_ask_losses(const struct udp_socket *socket)
{
    int one = 1;
    (void)setsockopt(socket->fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
}

uint32_t udp_receive_batch_get_losses(const struct udp_receive_batch *batch)
{
    return batch->losses;
}

/* Returns when it arrived, 0 when that is not told. */
static usec_t read_control(struct msghdr *message, uint32_t *losses)
{
    usec_t arrived = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        struct timespec at;
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(losses, CMSG_DATA(c), sizeof *losses);
        } else if (c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&at, CMSG_DATA(c), sizeof at);
            arrived = SECONDS(at.tv_sec) + at.tv_nsec / 1000;
        }
    }
    return arrived;
}

/* Room again for what the kernel wrote: most looks find a few datagrams, or none. */
static void make_ready(struct udp_receive_batch *b)
{
    for (size_t i = 0; i < b->used; i++) {
        b->messages[i].msg_hdr.msg_namelen = sizeof b->from[i];
        b->messages[i].msg_hdr.msg_control = b->control[i];
        b->messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    }
    b->used = 0;
}

size_t udp_receive_batch_fetch(struct udp_receive_batch *b, const struct udp_socket *socket,
                               size_t *cut, bool *more)
{
    make_ready(b);
    /* An ICMP error of an earlier send (ECONNREFUSED) only costs this call. */
    int count = recvmmsg(socket->fd, b->messages, UDP_BATCH_DATAGRAMS, MSG_DONTWAIT, NULL);
    *more = count == UDP_BATCH_DATAGRAMS || (count < 0 && errno == ECONNREFUSED);
    b->used = count > 0 ? (size_t)count : 0;
    size_t kept = 0;
    for (int i = 0; i < count; i++) {
        struct udp_received *r = &b->received[kept];
        if ((b->messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
            !net_addr_of_sockaddr(&b->from[i], &r->from)) {
            (*cut)++;
            continue;
        }
        r->data = (struct bytes_mut){b->data[i], b->messages[i].msg_len};
        r->arrived_unix = read_control(&b->messages[i].msg_hdr, &b->losses);
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

/* --- Sending. Datagrams in a row to one address, of one size but for a shorter last, go as one
 * message that the kernel cuts up (UDP_SEGMENT, Linux 4.18): a message costs far more than a
 * segment. */

#define SEGMENTS_MAX 16 /* per message: one lost message loses them all */
#define SEGMENTS_BYTES_MAX 60000
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

struct outgoing {
    struct mmsghdr messages[UDP_BATCH_DATAGRAMS];
    struct iovec vectors[UDP_BATCH_DATAGRAMS];
    struct sockaddr_storage to[UDP_BATCH_DATAGRAMS];
    _Alignas(struct cmsghdr) uint8_t control[UDP_BATCH_DATAGRAMS][CMSG_SPACE(sizeof(uint16_t))];
    size_t datagrams[UDP_BATCH_DATAGRAMS]; /* in each message */
};

/* How many datagrams from the first on can go as one message. */
static size_t run_length(const struct udp_outgoing *d, size_t count)
{
    size_t n = 1;
    size_t bytes = d[0].data.size;
    while (n < count && n < SEGMENTS_MAX && d[n].data.size <= d[0].data.size &&
           d[n].data.size > 0 && d[n - 1].data.size == d[0].data.size &&
           bytes + d[n].data.size <= SEGMENTS_BYTES_MAX && net_addr_equal(&d[n].to, &d[0].to)) {
        bytes += d[n].data.size;
        n++;
    }
    return n;
}

static void set_segment_size(struct msghdr *message, uint8_t *control, size_t size)
{
    uint16_t segment = (uint16_t)size;
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(sizeof segment);
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
}

/* Up to UDP_BATCH_DATAGRAMS datagrams as messages; returns how many messages. */
static size_t fill_messages(struct outgoing *o, const struct udp_outgoing *datagrams, size_t count,
                            bool segmented)
{
    size_t n = count < UDP_BATCH_DATAGRAMS ? count : UDP_BATCH_DATAGRAMS;
    size_t messages = 0;
    for (size_t at = 0; at < n;) {
        size_t run = segmented ? run_length(datagrams + at, n - at) : 1;
        for (size_t i = at; i < at + run; i++) /* sendmmsg only reads; iovec has no const */
            o->vectors[i] =
                (struct iovec){(void *)(uintptr_t)datagrams[i].data.data, datagrams[i].data.size};
        struct msghdr *m = &o->messages[messages].msg_hdr;
        *m = (struct msghdr){.msg_name = &o->to[messages],
                             .msg_namelen = net_sockaddr_of(&datagrams[at].to, &o->to[messages]),
                             .msg_iov = &o->vectors[at],
                             .msg_iovlen = run};
        if (run > 1)
            set_segment_size(m, o->control[messages], datagrams[at].data.size);
        o->datagrams[messages++] = run;
        at += run;
    }
    return messages;
}

static size_t datagrams_in(const struct outgoing *o, size_t messages)
{
    size_t count = 0;
    for (size_t i = 0; i < messages; i++)
        count += o->datagrams[i];
    return count;
}

struct udp_send_result udp_send_batch(const struct udp_socket *socket,
                                      const struct udp_outgoing *datagrams, size_t count)
{
    struct udp_send_result result = {0};
    struct outgoing o;
    bool segmented = true;
    for (size_t done = 0; done < count;) {
        size_t n = fill_messages(&o, datagrams + done, count - done, segmented);
        int sent = sendmmsg(socket->fd, o.messages, (unsigned)n, MSG_DONTWAIT);
        if (sent > 0) {
            result.sent += datagrams_in(&o, (size_t)sent);
            done += datagrams_in(&o, (size_t)sent);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            result.blocked += count - done;
            return result;
        } else if (o.datagrams[0] > 1 && errno != EINTR) {
            segmented = false; /* no UDP_SEGMENT here, or an odd route: one by one */
        } else if (errno != EINTR) {
            result.failed++; /* this one cannot be sent; go on behind it */
            done++;
        }
    }
    return result;
}

/* --- Messages that are segmented already */

static void fill_message(struct outgoing *o, size_t at, const struct udp_message *m)
{
    /* sendmmsg only reads; iovec has no const */
    o->vectors[at] = (struct iovec){(void *)(uintptr_t)m->data.data, m->data.size};
    o->messages[at].msg_hdr = (struct msghdr){.msg_name = &o->to[at],
                                              .msg_namelen = net_sockaddr_of(&m->to, &o->to[at]),
                                              .msg_iov = &o->vectors[at],
                                              .msg_iovlen = 1};
    if (m->segments > 1)
        set_segment_size(&o->messages[at].msg_hdr, o->control[at], m->segment_bytes);
}

static bool is_full_buffer(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

/* Datagram by datagram: no UDP_SEGMENT here, or an odd route, or an address that cannot be
 * reached. False when the socket's buffer is full. */
static bool send_segments(const struct udp_socket *socket, const struct udp_message *m,
                          struct udp_send_result *result)
{
    struct sockaddr_storage to;
    socklen_t to_bytes = net_sockaddr_of(&m->to, &to);
    for (size_t i = 0; i < m->segments; i++) {
        size_t at = i * m->segment_bytes;
        size_t left = m->data.size - at;
        size_t size = left < m->segment_bytes ? left : m->segment_bytes;
        ssize_t sent;
        do {
            sent = sendto(socket->fd, m->data.data + at, size, MSG_DONTWAIT, (struct sockaddr *)&to,
                          to_bytes);
        } while (sent < 0 && errno == EINTR);
        if (sent < 0 && is_full_buffer(errno)) {
            result->blocked += m->segments - i;
            return false;
        }
        result->sent += sent >= 0;
        result->failed += sent < 0;
    }
    return true;
}

static struct udp_send_result with_blocked(struct udp_send_result result,
                                           const struct udp_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        result.blocked += messages[i].segments;
    return result;
}

struct udp_send_result udp_send_messages(const struct udp_socket *socket,
                                         const struct udp_message *messages, size_t count)
{
    struct udp_send_result result = {0};
    static _Thread_local struct outgoing o; /* 15 kB that need no clearing */
    for (size_t done = 0; done < count;) {
        size_t n = count - done < UDP_BATCH_DATAGRAMS ? count - done : UDP_BATCH_DATAGRAMS;
        for (size_t i = 0; i < n; i++)
            fill_message(&o, i, &messages[done + i]);
        int sent = sendmmsg(socket->fd, o.messages, (unsigned)n, MSG_DONTWAIT);
        for (int i = 0; i < sent; i++)
            result.sent += messages[done++].segments;
        if (sent > 0 || errno == EINTR)
            continue;
        if (is_full_buffer(errno))
            return with_blocked(result, messages + done, count - done);
        if (!send_segments(socket, &messages[done++], &result))
            return with_blocked(result, messages + done, count - done);
    }
    return result;
}
