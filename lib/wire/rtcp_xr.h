/* RTCP extended reports (RFC 3611 sections 4.4, 4.5): only what gives a receiver its round trip. */
#pragma once

#include "wire/rtcp.h"

#define RTCP_XR_BLOCKS_MAX 16 /* report blocks looked at in one packet */
#define RTCP_XR_DLRR_MAX 16   /* sub-blocks kept; further ones are ignored */

struct rtcp_dlrr {
    uint32_t ssrc;
    uint32_t last_rr; /* middle 32 bits of the RRTR's NTP time */
    uint32_t delay;   /* since then, 1/65536 s */
};

struct rtcp_xr {
    uint32_t ssrc;
    bool has_rrtr;
    uint64_t rrtr_ntp; /* receiver reference time, 32.32 seconds */
    size_t dlrr_count;
    struct rtcp_dlrr dlrr[RTCP_XR_DLRR_MAX];
};
/* Other block types are skipped. STATUS_UNSUPPORTED for other packets, STATUS_TRUNCATED,
 * STATUS_MALFORMED, STATUS_LIMIT past RTCP_XR_BLOCKS_MAX. */
MUST_CHECK enum status rtcp_parse_xr(const struct rtcp_packet *packet, struct rtcp_xr *out);

void rtcp_write_xr_rrtr(struct writer *w, uint32_t ssrc, uint64_t ntp);
/* At most RTCP_XR_DLRR_MAX (CHECK). */
void rtcp_write_xr_dlrr(struct writer *w, uint32_t ssrc, const struct rtcp_dlrr *items,
                        size_t count);
