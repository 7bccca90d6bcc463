/* One peer on its shard: its transport, what it sends, what it receives. Wires the engines
 * together. */
#pragma once

#include "base/pool.h"
#include "base/timer_heap.h"
#include "relay/core/delivery.h"
#include "relay/core/publication.h"
#include "relay/core/room.h"
#include "rtc/transport.h"
#include "rtc/twcc_arrivals.h"

#define PARTICIPANT_BPS_MAX 8000000 /* what a publisher may send */

struct participant {
    struct pool_handle handle;
    uint64_t id;
    uint32_t session;
    struct room *room;           /* borrowed: rooms outlive their members */
    struct transport *transport; /* owned */
    bool connected;
    uint8_t handshakes; /* its DTLS datagrams that wait */
    struct timer timer, report_timer;
    uint8_t extension_ids[HEADER_EXTENSION_COUNT];
    uint32_t ssrc;                       /* of our RTCP towards it */
    uint64_t paths[TRANSPORT_PATHS_MAX]; /* keys in the shard's table of addresses; 0: free */
    uint64_t ufrag_keys[2]; /* in the shard's table: after a restart the old one as well */

    struct send_slot_parameters *send_slots; /* owned, as negotiated */
    size_t send_slot_count;
    struct publication *publications[SEND_SLOT_COUNT]; /* borrowed from the shard's table */
    bool gets_feedback; /* transport-wide feedback was negotiated for something it sends */
    struct twcc_arrivals *arrivals; /* owned; NULL before the first packet that is numbered */

    struct downlink *downlink;          /* owned; NULL: it receives no video */
    struct subscription *subscriptions; /* owned */
    size_t subscription_count;
    struct publication *aside; /* borrowed: the private voice that it hears; NULL: none */
    uint32_t thinned;          /* of them: those that get less than everything */
    struct delivery delivery;  /* what of it is known to arrive */

    usec_t rtt_us; /* 0: unknown */
    usec_t report_at;
    usec_t sign_at;        /* when it is looked again whether anything was sent to it */
    uint64_t sent_at_sign; /* bytes by the last look */
    uint64_t bytes_in;
    int64_t rate_credit_bits; /* policing of what it sends */
    usec_t rate_at;
    uint32_t loss_out_permille;
};
