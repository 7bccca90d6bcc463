/* The messages that are being put together for the kernel: packets of one receiver lie behind each
 * other in a block, where payloads are sealed into place: each at once, or, where a cipher gains by
 * it, all together when the block is full or the turn ends. Then the sink gets them. Memory is
 * taken once. tx_batch decides what goes in. */
#pragma once

#include "base/check.h"
#include "base/net_addr.h"
#include "base/status.h"
#include "base/usec.h"
#include "relay/core/relay_stats.h"
#include "rtc/srtp_sender.h"

#define TX_PACKET_BYTES 1600        /* a whole datagram as it is put together */
#define TX_SEGMENTS_MAX 16          /* packets in a message: one lost message loses them all */
#define TX_MESSAGES 64              /* given to the sink at once, at most */
#define TX_JOBS 160                 /* packets in them, at most */
#define TX_BLOCK_BYTES (256 * 1024) /* where they are put together: stays in the L2 cache */

enum tx_class { TX_CLASS_FIRST, TX_CLASS_VIDEO, TX_CLASS_COUNT }; /* voice, then video */

/* One datagram, or several of `segment_bytes` each (the last may be shorter) to one address. */
struct tx_message {
    struct net_addr to;
    struct bytes data;
    uint16_t segment_bytes;
    uint16_t segments;
    enum tx_class class; /* what a connection that does not keep up loses first */
    usec_t arrived_at;   /* when its oldest packet had come in; 0: made here */
};
/* Datagram `index` of a message. */
struct bytes tx_message_get(const struct tx_message *m, size_t index);

/* Where messages go: the shell's sendmmsg, a test's list. Returns how many datagrams it took;
 * *failed counts those of the rest that could not be sent for another reason than a full buffer. */
struct tx_sink {
    void *context;
    size_t (*send)(void *context, const struct tx_message *messages, size_t count, size_t *failed);
};

struct tx_plan_part { /* of a message; no jobs: it is sent as it is */
    uint16_t first_job, jobs;
};

struct tx_plan {
    struct tx_sink sink;
    struct relay_stats *stats; /* borrowed */
    struct srtp_worker *worker;
    size_t committed; /* of the jobs: those of messages */
    size_t count, job_count, used;
    size_t waiting; /* jobs that are not sealed yet */
    bool has_failed;
    bool failed[TX_JOBS];     /* could not be sealed */
    uint16_t places[TX_JOBS]; /* among the jobs, of those that wait */
    struct srtp_job jobs[TX_JOBS];
    struct tx_message messages[TX_MESSAGES];
    struct tx_plan_part parts[TX_MESSAGES];
    uint8_t block[TX_BLOCK_BYTES];
};

/* Heap. `stats` is borrowed: what went out, and what did not. */
MUST_CHECK enum status tx_plan_create(struct tx_plan **out, const struct tx_sink *sink,
                                      struct relay_stats *stats);
void tx_plan_free(struct tx_plan *p); /* what it holds is not sent */

/* Room for one more message of `bytes` (of TX_PACKET_BYTES and less each packet) with `jobs`
 * packets to seal; what lies there goes out first when there is none. Valid until it is committed.
 */
uint8_t *tx_plan_make_room(struct tx_plan *p, size_t bytes, size_t jobs);
/* A packet in that room, to be sealed. */
void tx_plan_add_job(struct tx_plan *p, const struct srtp_job *job);
/* What was written to the room is `message` (its data is set here), with the packets added since
 * the last one. */
void tx_plan_commit(struct tx_plan *p, const struct tx_message *message, size_t bytes);

/* Seals and sends all. */
void tx_plan_emit(struct tx_plan *p);
