/* Session descriptions, as far as we negotiate (RFC 8866, 8829, 8839, 8843, 8851): parsed into
 * bounded arrays of borrowed views. What we do not use is skipped, never echoed. Stateless. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define SDP_BYTES_MAX 65536
#define SDP_LINES_MAX 2000
#define SDP_MEDIA_MAX 32
#define SDP_CODECS_MAX 64     /* payload types per m-line; more are ignored */
#define SDP_EXTENSIONS_MAX 32 /* per m-line; more are ignored */
#define SDP_RIDS_MAX 8
#define SDP_SSRCS_MAX 16
#define SDP_FINGERPRINT_BYTES 32
#define SDP_MID_CHARACTERS_MAX 16
#define SDP_UFRAG_CHARACTERS_MIN 4 /* RFC 8839 5.4 */
#define SDP_PWD_CHARACTERS_MIN 22
#define SDP_ICE_CHARACTERS_MAX 256

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };
enum sdp_setup {
    SDP_SETUP_NONE,
    SDP_SETUP_ACTPASS,
    SDP_SETUP_ACTIVE,
    SDP_SETUP_PASSIVE,
    SDP_SETUP_HOLDCONN
};

struct sdp_codec {
    uint8_t payload_type;
    struct bytes name; /* empty: no rtpmap */
    uint32_t clock_rate;
    uint8_t channels; /* 1 when not said */
    struct bytes fmtp;
    bool nack, pli, fir, transport_cc, remb;
};

struct sdp_extension {
    uint8_t id;
    enum sdp_direction direction;
    struct bytes uri;
};

struct sdp_media {
    struct bytes kind; /* "audio", "video", "application" */
    uint16_t port;
    struct bytes protocol; /* "UDP/TLS/RTP/SAVPF" */
    struct bytes mid;      /* empty: none */
    enum sdp_direction direction;
    bool rtcp_mux, rtcp_rsize, bundle_only;
    struct sdp_codec codecs[SDP_CODECS_MAX];
    size_t codec_count;
    struct sdp_extension extensions[SDP_EXTENSIONS_MAX];
    size_t extension_count;
    struct bytes rids[SDP_RIDS_MAX]; /* direction send, in their order */
    size_t rid_count;
    bool has_simulcast;            /* a=simulcast: rids may be answered as such */
    uint32_t ssrcs[SDP_SSRCS_MAX]; /* each once, in their order */
    size_t ssrc_count;
    struct {
        uint32_t ssrc, rtx_ssrc;
    } pairs[SDP_SSRCS_MAX / 2]; /* ssrc-group FID */
    size_t pair_count;
    /* With the session's values where the m-line says nothing. */
    struct bytes ufrag, pwd;
    bool has_fingerprint; /* sha-256 */
    uint8_t fingerprint[SDP_FINGERPRINT_BYTES];
    enum sdp_setup setup;
};

struct sdp {                  /* about 230 kB: on the heap */
    struct sdp_media session; /* its own attributes; inherited by m-lines */
    struct sdp_media media[SDP_MEDIA_MAX];
    size_t media_count;
    struct bytes bundle[SDP_MEDIA_MAX]; /* mids of the first BUNDLE group */
    size_t bundle_count;
    bool extmap_allow_mixed, ice_lite;
};

/* STATUS_MALFORMED: not SDP, NUL or invalid UTF-8, a number or value out of its form, two equal
 * mids. STATUS_LIMIT: more bytes, lines or m-lines than above. *out is overwritten even then. */
MUST_CHECK enum status sdp_parse(struct bytes text, struct sdp *out);

/* application/trickle-ice-sdpfrag (RFC 8840 9): lines of an SDP without its head. */
struct sdp_fragment {
    struct bytes ufrag, pwd; /* the first ones, of the bundle; both empty: candidates alone */
};
/* STATUS_MALFORMED, also when only one of the two is there; STATUS_LIMIT. */
MUST_CHECK enum status sdp_parse_fragment(struct bytes text, struct sdp_fragment *out);

/* The value of `key` in "a=1;b=2" (RFC 4566 fmtp style, keys without case); empty when absent. */
struct bytes sdp_fmtp_find(struct bytes fmtp, const char *key);
/* A decimal number of at most `max`, and nothing else. */
bool sdp_parse_number(struct bytes text, uint64_t max, uint64_t *out);
