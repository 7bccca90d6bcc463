/* Many datagrams per system call: recvmmsg into a fixed block, sendmmsg from the caller's memory.
 */
#pragma once

#include "base/net_addr.h"
#include "base/usec.h"
#include "host/udp_socket.h"

#define UDP_BATCH_DATAGRAMS 64
#define UDP_BATCH_DATAGRAM_BYTES                                                                   \
    2048 /* longer ones are cut by the kernel, and then dropped here                               \
          */

struct udp_received {
    struct net_addr from;
    struct bytes_mut data; /* in the batch's block, until the next receive */
    usec_t arrived_unix;   /* when the kernel took it in; 0: not asked for */
};

/* From now on datagrams of this socket come with the kernel's time of arrival: for those who
 * measure. */
void udp_socket_ask_times(const struct udp_socket *socket);

/* Also with how many datagrams were lost because this socket's buffer was full. */
void udp_socket_ask_losses(const struct udp_socket *socket);

struct udp_receive_batch; /* heap, about 150 kB */
MUST_CHECK enum status udp_receive_batch_create(struct udp_receive_batch **out);
void udp_receive_batch_free(struct udp_receive_batch *batch);

/* Fetches what is there, at most UDP_BATCH_DATAGRAMS; *cut counts datagrams that were too long.
 * Returns how many stand in udp_receive_batch_get. *more: the batch was full, so there may be more.
 */
size_t udp_receive_batch_fetch(struct udp_receive_batch *batch, const struct udp_socket *socket,
                               size_t *cut, bool *more);
/* Datagrams that the socket's buffer had no room for, since it was opened (mod 2^32), as far as the
 * last fetch told; 0 unless asked for. */
uint32_t udp_receive_batch_get_losses(const struct udp_receive_batch *batch);
const struct udp_received *udp_receive_batch_get(const struct udp_receive_batch *batch,
                                                 size_t index);

struct udp_outgoing {
    struct net_addr to;
    struct bytes data;
};
struct udp_send_result {
    size_t sent;
    size_t blocked; /* dropped: the socket's buffer is full */
    size_t failed;  /* dropped: unreachable and the like */
};
/* Sends all, in calls of UDP_BATCH_DATAGRAMS. Never waits: what does not fit is dropped and
 * counted. */
struct udp_send_result udp_send_batch(const struct udp_socket *socket,
                                      const struct udp_outgoing *datagrams, size_t count);

/* Datagrams of `segment_bytes` each (the last may be shorter), one behind the other, to one
 * address: one message that the kernel cuts up (UDP_SEGMENT, Linux 4.18). */
struct udp_message {
    struct net_addr to;
    struct bytes data;
    uint16_t segment_bytes;
    uint16_t segments;
};
/* As udp_send_batch; the result counts datagrams. Where the kernel takes no segments, or not of
 * this size on this route, they go one by one. */
struct udp_send_result udp_send_messages(const struct udp_socket *socket,
                                         const struct udp_message *messages, size_t count);
