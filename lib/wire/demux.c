#include "wire/demux.h"

#include "base/check.h"

#define RTCP_RECEIVER_REPORT 201

/* RFC 5761 section 4: RTCP packet types 192..223 stand where RTP has its marker and payload type.
 * That takes payload types 64..95 with a marker away from RTP; nobody negotiates those. */
static enum demux_kind rtp_or_rtcp(struct bytes datagram)
{
    if (datagram.size < 2)
        return DEMUX_NONE;
    uint8_t type = datagram.data[1];
    return type >= 192 && type <= 223 ? DEMUX_RTCP : DEMUX_RTP;
}

enum demux_kind demux_classify(struct bytes datagram)
{
    if (datagram.size == 0 || datagram.size > DEMUX_DATAGRAM_BYTES_MAX)
        return DEMUX_NONE;
    uint8_t first = datagram.data[0];
    if (first <= 3)
        return DEMUX_STUN;
    if (first >= 20 && first <= 63)
        return DEMUX_DTLS;
    if (first >= 128 && first <= 191)
        return rtp_or_rtcp(datagram);
    return DEMUX_NONE;
}

bool demux_is_report(struct bytes datagram)
{
    return datagram.size >= 2 && datagram.data[0] >> 6 == 2 &&
           datagram.data[1] == RTCP_RECEIVER_REPORT;
}

const char *demux_kind_name(enum demux_kind kind)
{
    static const char *const names[] = {"none", "stun", "dtls", "rtp", "rtcp"};
    return (size_t)kind < COUNT_OF(names) ? names[kind] : "unknown";
}
