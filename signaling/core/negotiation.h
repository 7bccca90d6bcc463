/* One offer, one answer: turns a client's SDP into the relay's parameters, and the relay's
 * parameters into SDP. The rules are in docs/client-protocol.md, "The offer". Nothing foreign is
 * echoed: the answer is generated. Stateless but for struct negotiation.
 *
 * Receive SSRCs depend on the slot alone, so that an ICE restart's second answer says the same
 * ones: they are unique within a transport, which has keys of its own. */
#pragma once

#include "base/bytes.h"
#include "control/control_message.h"

#define NEGOTIATION_LINES_MAX 32
#define NEGOTIATION_FMTP_BYTES 80

enum negotiation_kind { NEGOTIATION_PAGE, NEGOTIATION_WHIP, NEGOTIATION_WHEP };

struct negotiation_line {
    char kind[16];     /* "audio", "video", "application" */
    char protocol[40]; /* as offered: RFC 3264 6 wants the same */
    char mid[MID_BYTES];
    uint8_t fallback_payload_type; /* a rejected line still names one */
    bool accepted;
    bool is_held;        /* accepted as inactive, for the bundle's sake */
    char held[64];       /* its one format, as in rtpmap; "" for a static one */
    bool is_received;    /* the client receives: we send */
    size_t slot;         /* index in add.receive_slots or add.send_slots */
    uint32_t extensions; /* bit n: enum header_extension n was offered here */
    uint32_t one_way;    /* bit n: offered for the media's direction alone, and answered so */
    bool rtcp_rsize;
    bool simulcast;
    char fmtp[CONTROL_CODECS_MAX][NEGOTIATION_FMTP_BYTES]; /* as the slot's codecs */
};

struct negotiation {
    enum negotiation_kind kind;
    struct control_participant_add add; /* room, participant and session are the caller's */
    struct negotiation_line lines[NEGOTIATION_LINES_MAX];
    size_t line_count;
    size_t tagged;   /* the line whose transport is the bundle's */
    bool has_bundle; /* the offer named one */
    bool extmap_allow_mixed;
    const char *fault; /* of an offer that cannot be answered, for who wrote the program; or NULL */
};

/* STATUS_MALFORMED: no SDP, or none that can be answered (no media, ICE credentials, SHA-256
 * fingerprint, rtcp-mux or BUNDLE; or itself ICE-lite). STATUS_LIMIT: too large.
 * STATUS_UNSUPPORTED: no codec in common. STATUS_NO_MEMORY. */
MUST_CHECK enum status negotiation_accept_offer(enum negotiation_kind kind, struct bytes sdp,
                                                struct negotiation *out);
/* STATUS_TRUNCATED when `out` has no room: 64 KiB always do. */
MUST_CHECK enum status negotiation_write_answer(const struct negotiation *n,
                                                const struct control_participant_added *added,
                                                struct bytes_mut out, size_t *size);

/* application/trickle-ice-sdpfrag (RFC 8840): the credentials in it; empty texts where it has
 * candidates alone. STATUS_MALFORMED, STATUS_LIMIT. */
MUST_CHECK enum status negotiation_parse_fragment(struct bytes text, struct ice_parameters *out);
/* The relay's side after an ICE restart. */
MUST_CHECK enum status negotiation_write_fragment(const struct control_participant_added *added,
                                                  struct bytes_mut out, size_t *size);
