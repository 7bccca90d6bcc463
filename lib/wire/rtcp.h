/* RTCP (RFC 3550 section 6): compound packets, reports, SDES, BYE. Reduced-size packets (RFC 5506)
 * are accepted. Feedback is in rtcp_feedback.h and rtcp_twcc.h, XR in rtcp_xr.h. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define RTCP_PACKETS_MAX 32 /* in one compound packet */
#define RTCP_COUNT_MAX 31   /* blocks, chunks or sources: the count field has five bits */

enum rtcp_type {
    RTCP_TYPE_SR = 200,
    RTCP_TYPE_RR = 201,
    RTCP_TYPE_SDES = 202,
    RTCP_TYPE_BYE = 203,
    RTCP_TYPE_APP = 204,
    RTCP_TYPE_RTPFB = 205,
    RTCP_TYPE_PSFB = 206,
    RTCP_TYPE_XR = 207
};

struct rtcp_packet {
    uint8_t type;      /* enum rtcp_type, or another */
    uint8_t count;     /* blocks, sources, or the feedback format */
    struct bytes body; /* behind the first four bytes, without padding */
};

/* Walks a compound packet. STATUS_NOT_FOUND at its end; STATUS_TRUNCATED or STATUS_MALFORMED when
 * a length or padding lies, STATUS_LIMIT past RTCP_PACKETS_MAX: the walk is then over. Packets
 * given before stay valid. */
struct rtcp_iterator {
    struct reader r;
    size_t left;
};
struct rtcp_iterator rtcp_iterate(struct bytes compound);
MUST_CHECK enum status rtcp_next(struct rtcp_iterator *it, struct rtcp_packet *out);

struct rtcp_report_block {
    uint32_t ssrc;           /* whose packets it is about */
    uint8_t fraction_lost;   /* of 256, since the last report */
    int32_t cumulative_lost; /* 24 bits signed on the wire; written values are clamped */
    uint32_t highest_seq;    /* extended by the number of wraps */
    uint32_t jitter;         /* timestamp units */
    uint32_t last_sr;        /* middle 32 bits of the last SR's NTP time; 0: none */
    uint32_t delay_since_sr; /* 1/65536 s */
};

struct rtcp_sender_info {
    uint64_t ntp; /* 32.32 seconds */
    uint32_t rtp_timestamp;
    uint32_t packet_count;
    uint32_t octet_count;
};

/* SR and RR alike. */
struct rtcp_report {
    uint32_t ssrc; /* of who reports */
    bool has_sender_info;
    struct rtcp_sender_info sender;
    size_t block_count;
    struct rtcp_report_block blocks[RTCP_COUNT_MAX];
};
/* For RTCP_TYPE_SR and RTCP_TYPE_RR; STATUS_UNSUPPORTED for others, STATUS_TRUNCATED. A profile's
 * own extension behind the blocks is ignored. */
MUST_CHECK enum status rtcp_parse_report(const struct rtcp_packet *packet, struct rtcp_report *out);

struct rtcp_sdes {
    size_t chunk_count;
    struct {
        uint32_t ssrc;
        struct bytes cname; /* empty: none in this chunk */
    } chunks[RTCP_COUNT_MAX];
};
MUST_CHECK enum status rtcp_parse_sdes(const struct rtcp_packet *packet, struct rtcp_sdes *out);

struct rtcp_bye {
    size_t ssrc_count;
    uint32_t ssrcs[RTCP_COUNT_MAX];
    struct bytes reason; /* empty: none */
};
MUST_CHECK enum status rtcp_parse_bye(const struct rtcp_packet *packet, struct rtcp_bye *out);

/* Writers append one packet; without room the writer fails. Counts above RTCP_COUNT_MAX and texts
 * above 255 bytes are our bug (CHECK). */
void rtcp_write_report(struct writer *w, const struct rtcp_report *report); /* SR or RR */
void rtcp_write_sdes(struct writer *w, uint32_t ssrc, struct bytes cname);
void rtcp_write_bye(struct writer *w, const uint32_t *ssrcs, size_t count, struct bytes reason);

/* For writers of other packet types: the first four bytes with a length still to come, and that
 * length once the body stands behind (its size must be a multiple of 4). */
size_t rtcp_begin_packet(struct writer *w, uint8_t type, uint8_t count);
void rtcp_end_packet(struct writer *w, size_t begun_at);
