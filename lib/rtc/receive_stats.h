/* Loss and jitter of one received SSRC for our reports (RFC 3550 6.4.1, A.3, A.8), and its sender's
 * clock. Sans-IO. */
#pragma once

#include "base/usec.h"
#include "wire/rtcp.h"

/* Zero-initialised is ready. */
struct receive_stats {
    uint64_t base_seq, highest; /* unwrapped */
    bool started;
    uint64_t received, bytes;
    uint64_t expected_before, received_before; /* at the last report */
    uint32_t transit;
    double jitter;
    uint32_t last_sr;
    usec_t last_sr_at;
    uint8_t fraction_lost; /* of the last report */
};

/* `clock_rate` in Hz. Duplicates count as received, as the RFC wants. */
void receive_stats_handle_packet(struct receive_stats *s, usec_t now, uint64_t seq,
                                 uint32_t timestamp, uint32_t clock_rate, size_t bytes);
void receive_stats_handle_sender_report(struct receive_stats *s, usec_t now, uint64_t ntp);
/* The block about `ssrc` for a report at `now`; begins a new interval. */
void receive_stats_take_block(struct receive_stats *s, usec_t now, uint32_t ssrc,
                              struct rtcp_report_block *out);

/* Round trip from a report block about what we sent: now - last_sr - delay (RFC 3550 6.4.1).
 * `ntp_now` is 32.32. False when the receiver has seen no sender report, or the result is nonsense.
 */
bool receive_stats_round_trip(const struct rtcp_report_block *block, uint64_t ntp_now,
                              usec_t *rtt_us);

/* NTP (32.32) of a monotonic instant. */
uint64_t ntp_of_usec(uint64_t ntp_at_zero, usec_t at);
