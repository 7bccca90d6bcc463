/* The few session descriptions that the load generator writes and reads: WHIP and WHEP offers, and
 * Janus's in both directions. One voice and one video line, Opus and VP8. */
#pragma once

#include "base/status.h"
#include "client-demo/headless/ice_client.h"
#include "rtc/dtls.h"

#define LOAD_SDP_BYTES 8192

enum load_line { LOAD_LINE_VOICE, LOAD_LINE_VIDEO, LOAD_LINE_COUNT };

#define LOAD_EXT_MID 1
#define LOAD_EXT_AUDIO_LEVEL 2
#define LOAD_EXT_TRANSPORT_CC 3
#define LOAD_PT_RTX 97

struct load_description {
    struct ice_parameters ice;
    uint8_t fingerprint[FINGERPRINT_BYTES];
    enum dtls_role our_role;
    struct net_addr candidates[ICE_CLIENT_CANDIDATES_MAX];
    size_t candidate_count;
    struct {
        uint32_t ssrc; /* the server's, on received lines; 0: not said */
        uint8_t payload_type;
        char mid[20];
    } lines[LOAD_LINE_COUNT];
};

struct load_sdp_params {
    struct ice_parameters ice;
    uint8_t fingerprint[FINGERPRINT_BYTES];
    const struct net_addr *candidate; /* our own, and we are lite; NULL: neither is said */
    bool sends;
    bool nack;     /* negotiate retransmission requests */
    bool twcc;     /* and transport-wide numbers, and retransmissions in a stream of their own */
    uint32_t ssrc; /* first of the two that are sent with */
    const struct load_description *answers; /* NULL: an offer, else to this one */
};

MUST_CHECK enum status load_sdp_write(const struct load_sdp_params *params, char *text,
                                      size_t capacity);
MUST_CHECK enum status load_sdp_parse(const char *text, struct load_description *out);
