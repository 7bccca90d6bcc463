#include "relay/core/relay_stats.h"

const char *drop_reason_name(enum drop_reason reason)
{
    static const char *const names[] = {
#define X(name, text) text,
        DROP_REASON_LIST(X)
#undef X
    };
    return (size_t)reason < COUNT_OF(names) ? names[reason] : "unknown";
}

void relay_stats_note_delay(struct relay_stats *stats, enum control_delay_kind kind, usec_t delay,
                            uint64_t packets)
{
    struct control_delays *d = &stats->delays[kind];
    size_t bucket = 0;
    while (bucket + 1 < CONTROL_DELAY_BUCKETS && delay > control_delay_edges_us[bucket])
        bucket++;
    d->packets[bucket] += packets;
    d->sum_us += (uint64_t)usec_max(delay, 0) * packets;
}

enum drop_reason drop_reason_of_input(enum transport_input input)
{
    switch (input) {
    case TRANSPORT_INPUT_BAD_STUN:
        return DROP_BAD_STUN;
    case TRANSPORT_INPUT_STUN_AUTH:
        return DROP_STUN_AUTH;
    case TRANSPORT_INPUT_UNKNOWN_PATH:
        return DROP_UNKNOWN_PATH;
    case TRANSPORT_INPUT_BAD_DTLS:
        return DROP_BAD_DTLS;
    case TRANSPORT_INPUT_NO_KEYS:
        return DROP_NO_KEYS;
    case TRANSPORT_INPUT_SRTP_AUTH:
        return DROP_SRTP_AUTH;
    case TRANSPORT_INPUT_SRTP_REPLAY:
        return DROP_SRTP_REPLAY;
    case TRANSPORT_INPUT_BAD_RTP:
        return DROP_BAD_RTP;
    default:
        return DROP_NOT_OURS;
    }
}
