/* Feedback messages: generic NACK and PLI (RFC 4585), FIR (RFC 5104), REMB
 * (draft-alvestrand-rmcat-remb-03). Transport-wide feedback is in rtcp_twcc.h. */
#pragma once

#include "wire/rtcp.h"

#define RTCP_NACK_ITEMS_MAX 64 /* FCI entries; more: STATUS_LIMIT */
#define RTCP_NACK_SEQS_MAX (17 * RTCP_NACK_ITEMS_MAX)
#define RTCP_FIR_ITEMS_MAX 32
#define RTCP_REMB_SSRCS_MAX 32

enum rtcp_feedback {
    RTCP_FEEDBACK_NONE, /* no feedback packet, or one that we do not know */
    RTCP_FEEDBACK_NACK,
    RTCP_FEEDBACK_TWCC,
    RTCP_FEEDBACK_PLI,
    RTCP_FEEDBACK_FIR,
    RTCP_FEEDBACK_REMB
};
enum rtcp_feedback rtcp_feedback_of(const struct rtcp_packet *packet);

/* The parsers below return STATUS_UNSUPPORTED for another kind of packet, STATUS_TRUNCATED or
 * STATUS_MALFORMED for a bad one, STATUS_LIMIT past the maximum above. */
struct rtcp_nack {
    uint32_t sender_ssrc;
    uint32_t media_ssrc;
    size_t item_count;
    struct {
        uint16_t first; /* this packet is lost */
        uint16_t mask;  /* bit i: first + i + 1 as well */
    } items[RTCP_NACK_ITEMS_MAX];
};
MUST_CHECK enum status rtcp_parse_nack(const struct rtcp_packet *packet, struct rtcp_nack *out);
/* The sequence numbers asked for, in the order of the packet; returns how many were stored. */
size_t rtcp_nack_list(const struct rtcp_nack *nack, uint16_t *seqs, size_t capacity);
/* Appends one NACK. `seqs` ascend (wrap-aware); returns how many of them fitted into
 * RTCP_NACK_ITEMS_MAX entries, from the front. 0 writes nothing. */
size_t rtcp_write_nack(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                       const uint16_t *seqs, size_t count);

struct rtcp_pli {
    uint32_t sender_ssrc;
    uint32_t media_ssrc;
};
MUST_CHECK enum status rtcp_parse_pli(const struct rtcp_packet *packet, struct rtcp_pli *out);
void rtcp_write_pli(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc);

struct rtcp_fir_item {
    uint32_t ssrc;
    uint8_t seq; /* a repeated number is the same request (RFC 5104 4.3.1.2) */
};
struct rtcp_fir {
    uint32_t sender_ssrc;
    size_t item_count;
    struct rtcp_fir_item items[RTCP_FIR_ITEMS_MAX];
};
MUST_CHECK enum status rtcp_parse_fir(const struct rtcp_packet *packet, struct rtcp_fir *out);
void rtcp_write_fir(struct writer *w, uint32_t sender_ssrc, const struct rtcp_fir_item *items,
                    size_t count);

struct rtcp_remb {
    uint32_t sender_ssrc;
    uint64_t rate_bps; /* UINT64_MAX when it needs more than 64 bits */
    size_t ssrc_count;
    uint32_t ssrcs[RTCP_REMB_SSRCS_MAX];
};
MUST_CHECK enum status rtcp_parse_remb(const struct rtcp_packet *packet, struct rtcp_remb *out);
/* The rate is rounded down to 18 significant bits. */
void rtcp_write_remb(struct writer *w, const struct rtcp_remb *remb);
