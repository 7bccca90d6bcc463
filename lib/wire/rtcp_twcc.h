/* Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1): which
 * packets arrived, and when. */
#pragma once

#include "base/usec.h"
#include "wire/rtcp.h"

#define RTCP_TWCC_STATUSES_MAX 4096 /* in one packet read; more: STATUS_LIMIT */
#define RTCP_TWCC_WRITE_MAX 512     /* in one packet written: at most RTCP_TWCC_WRITE_BYTES */
#define RTCP_TWCC_WRITE_BYTES 1200
#define RTCP_TWCC_TICK_US 250
#define RTCP_TWCC_REFERENCE_US 64000
/* The reference time has 24 bits: arrival times wrap by this much (about 12.4 days). */
#define RTCP_TWCC_WRAP_US ((usec_t)RTCP_TWCC_REFERENCE_US << 24)
#define RTCP_TWCC_LOST INT64_MIN /* in place of an arrival time */

struct rtcp_twcc {
    uint32_t sender_ssrc;
    uint32_t media_ssrc;
    uint16_t base_seq;
    uint16_t status_count;
    int32_t reference_time; /* units of RTCP_TWCC_REFERENCE_US, 24 bits signed */
    uint8_t feedback_count; /* counts feedback packets */
    struct bytes chunks_and_deltas;
    size_t chunk_bytes; /* where the deltas begin */
};
/* Validates the whole packet, so that the walk below cannot fail. STATUS_UNSUPPORTED for another
 * kind of packet, STATUS_TRUNCATED, STATUS_MALFORMED (reserved symbol, no status), STATUS_LIMIT. */
MUST_CHECK enum status rtcp_parse_twcc(const struct rtcp_packet *packet, struct rtcp_twcc *out);

/* One packet's fate. Arrival times are on the receiver's clock with an unknown zero, and wrap. */
struct rtcp_twcc_status {
    uint16_t seq;
    usec_t arrival; /* RTCP_TWCC_LOST: did not arrive so far */
};
struct rtcp_twcc_iterator {
    struct reader chunks;
    struct reader deltas;
    usec_t at;
    uint16_t seq;
    uint16_t left;
    uint16_t chunk; /* symbols still to give, in chunk_left */
    uint16_t chunk_left;
};
struct rtcp_twcc_iterator rtcp_twcc_iterate(const struct rtcp_twcc *twcc);
bool rtcp_twcc_next(struct rtcp_twcc_iterator *it, struct rtcp_twcc_status *out);

/* Appends feedback about packets base_seq, base_seq + 1, ...: arrivals[i] is when base_seq + i came
 * (not negative), or RTCP_TWCC_LOST. Returns how many statuses it covers: at most
 * RTCP_TWCC_WRITE_MAX, and fewer where two arrivals lie more than 8 s apart; the caller goes on
 * from there with the next packet. 0 (nothing written) when no packet in reach arrived. */
size_t rtcp_write_twcc(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                       uint8_t feedback_count, uint16_t base_seq, const usec_t *arrivals,
                       size_t count);
