/* Tells apart what shares one UDP port, by the first bytes (RFC 7983, RFC 9443; RTP from RTCP by
 * RFC 5761 section 4). Looks at no more than two bytes and judges nothing else. */
#pragma once

#include "base/bytes.h"

#define DEMUX_DATAGRAM_BYTES_MAX 1500

enum demux_kind {
    DEMUX_NONE, /* no protocol we speak (ZRTP, TURN channels, QUIC), too short, or too long */
    DEMUX_STUN,
    DEMUX_DTLS,
    DEMUX_RTP,
    DEMUX_RTCP
};

enum demux_kind demux_classify(struct bytes datagram);

/* SRTCP that begins with a receiver report. Nobody waits for one: who misses something says so in a
 * datagram of its own (RFC 5506), unless a report happens to be due at that moment. */
bool demux_is_report(struct bytes datagram);
const char *demux_kind_name(enum demux_kind kind);
