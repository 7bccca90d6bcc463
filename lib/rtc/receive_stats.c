#include "rtc/receive_stats.h"

void receive_stats_handle_packet(struct receive_stats *s, usec_t now, uint64_t seq,
                                 uint32_t timestamp, uint32_t clock_rate, size_t bytes)
{
    uint32_t arrival = (uint32_t)((uint64_t)now * clock_rate / 1000000u);
    uint32_t transit = arrival - timestamp;
    if (!s->started) {
        s->started = true;
        s->base_seq = s->highest = seq;
    } else {
        int32_t delta = (int32_t)(transit - s->transit);
        double distance = delta < 0 ? -(double)delta : (double)delta;
        s->jitter += (distance - s->jitter) / 16;
    }
    s->transit = transit;
    if (seq > s->highest)
        s->highest = seq;
    s->received++;
    s->bytes += bytes;
}

void receive_stats_handle_sender_report(struct receive_stats *s, usec_t now, uint64_t ntp)
{
    s->last_sr = (uint32_t)(ntp >> 16);
    s->last_sr_at = now;
}

/* Of 256 (RFC 3550 A.3); a whole interval lost would need nine bits. */
static uint8_t fraction_of(int64_t lost, uint64_t expected)
{
    if (lost <= 0 || expected == 0)
        return 0;
    uint64_t fraction = (uint64_t)lost * 256 / expected;
    return fraction > UINT8_MAX ? UINT8_MAX : (uint8_t)fraction;
}

void receive_stats_take_block(struct receive_stats *s, usec_t now, uint32_t ssrc,
                              struct rtcp_report_block *out)
{
    uint64_t expected = s->started ? s->highest - s->base_seq + 1 : 0;
    uint64_t expected_interval = expected - s->expected_before;
    int64_t lost_interval =
        (int64_t)expected_interval - (int64_t)(s->received - s->received_before);
    s->expected_before = expected;
    s->received_before = s->received;
    s->fraction_lost = fraction_of(lost_interval, expected_interval);
    *out = (struct rtcp_report_block){
        .ssrc = ssrc,
        .fraction_lost = s->fraction_lost,
        .cumulative_lost = (int32_t)((int64_t)expected - (int64_t)s->received),
        /* Unwrapping begins one cycle up. */
        .highest_seq = s->started ? (uint32_t)(s->highest - 0x10000) : 0,
        .jitter = (uint32_t)s->jitter,
        .last_sr = s->last_sr,
        .delay_since_sr =
            s->last_sr == 0 ? 0 : (uint32_t)((uint64_t)(now - s->last_sr_at) * 65536 / 1000000u),
    };
}

bool receive_stats_round_trip(const struct rtcp_report_block *block, uint64_t ntp_now,
                              usec_t *rtt_us)
{
    if (block->last_sr == 0)
        return false;
    uint32_t middle = (uint32_t)(ntp_now >> 16);
    uint32_t rtt = middle - block->last_sr - block->delay_since_sr;
    if (rtt > 60u << 16) /* negative, or more than a minute */
        return false;
    *rtt_us = (usec_t)((uint64_t)rtt * 1000000u >> 16);
    return true;
}

uint64_t ntp_of_usec(uint64_t ntp_at_zero, usec_t at)
{
    uint64_t seconds = (uint64_t)(at / SECONDS(1));
    uint64_t fraction = ((uint64_t)(at % SECONDS(1)) << 32) / 1000000u;
    return ntp_at_zero + (seconds << 32) + fraction;
}
