/* The one offer of a headless participant, and what it needs of the answer
 * (docs/client-protocol.md, "The offer"). */
#pragma once

#include "base/rng.h"
#include "base/status.h"
#include "client-demo/headless/ice_client.h"

#define HEADLESS_OFFER_BYTES_MAX 16384

/* Payload types of our own choosing; each codec has one throughout. */
#define HEADLESS_PT_OPUS 111
#define HEADLESS_PT_RED 63
#define HEADLESS_PT_VP8 96
#define HEADLESS_PT_VP8_RTX 97
#define HEADLESS_PT_VP9 98
#define HEADLESS_PT_VP9_RTX 99
#define HEADLESS_PT_H264 102
#define HEADLESS_PT_H264_RTX 103
#define HEADLESS_PT_AV1 45
#define HEADLESS_PT_AV1_RTX 46

/* Header extension ids, the same on every line. */
#define HEADLESS_EXT_MID 1
#define HEADLESS_EXT_AUDIO_LEVEL 2
#define HEADLESS_EXT_ABS_CAPTURE_TIME 3
#define HEADLESS_EXT_TRANSPORT_CC 4
#define HEADLESS_EXT_RID 5
#define HEADLESS_EXT_REPAIRED_RID 6

#define HEADLESS_ENCODINGS 2
extern const char *const headless_rids[HEADLESS_ENCODINGS];

/* The lines, by mid: "0" mic and "1" screen are sent; the rest is received. */
enum headless_line {
    HEADLESS_LINE_MIC,
    HEADLESS_LINE_SCREEN,
    HEADLESS_LINE_VOICE_0,
    HEADLESS_LINE_VOICE_1,
    HEADLESS_LINE_VOICE_2,
    HEADLESS_LINE_SCREEN_AUDIO,
    HEADLESS_LINE_SCREEN_IN,
    HEADLESS_LINE_COUNT
};
const char *headless_line_name(enum headless_line line); /* "voice_0", as in the protocol */
bool headless_line_is_sent(enum headless_line line);
enum media_kind headless_line_kind(enum headless_line line);

struct headless_offer_params {
    struct ice_parameters ice;
    uint8_t fingerprint[FINGERPRINT_BYTES];
    uint32_t ssrcs[2]; /* of mic and screen */
    uint32_t rtx_ssrc; /* of screen */
    /* A client that does not know RTX, transport-wide feedback, NACK, redundancy of voice; or that
     * says what its line carries (REMB). */
    bool lacks_rtx, lacks_numbers, lacks_nack, lacks_red, sends_remb;
    bool repeats_voice;   /* NACK of the voice that it sends */
    bool has_rids;        /* the screen in two encodings, "h" and "l", told apart by rid */
    bool is_active_setup; /* "active": the relay is then the DTLS server; otherwise "actpass" */
};
/* Writes the SDP text to `text` (HEADLESS_OFFER_BYTES_MAX); STATUS_TRUNCATED cannot happen then. */
MUST_CHECK enum status headless_offer_write(const struct headless_offer_params *params, char *text,
                                            size_t capacity);

struct headless_answer {
    struct ice_parameters ice;
    uint8_t fingerprint[FINGERPRINT_BYTES];
    enum dtls_role our_role;
    struct net_addr candidates[ICE_CLIENT_CANDIDATES_MAX]; /* UDP */
    size_t candidate_count;
    struct {
        bool accepted;
        uint32_t ssrc, rtx_ssrc; /* received lines: what the relay sends with */
    } lines[HEADLESS_LINE_COUNT];
    bool has_abs_capture_time;
};
/* STATUS_MALFORMED when it is no SDP or lacks what we need. */
MUST_CHECK enum status headless_answer_parse(struct bytes sdp, struct headless_answer *out);
