/* One offer that is right, ways to change it, and what is answered: for the tests of negotiation.
 */
#pragma once

#include "signaling/core/negotiation.h"
#include "support/answer_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ANSWER_BYTES 81920
#define FINGERPRINT                                                                                \
    "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:"   \
    "AB:"                                                                                          \
    "AB"
#define TRANSPORT                                                                                  \
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 " FINGERPRINT   \
    "\r\na=setup:actpass\r\n"
#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define AUDIO                                                                                      \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\n"             \
    "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"                                                  \
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"                                   \
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=ssrc:1000 cname:x\r\n"
#define VIDEO                                                                                      \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendrecv\r\n"           \
    "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\n"    \
    "a=fmtp:97 apt=96\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                       \
    "a=ssrc-group:FID 2000 2001\r\na=ssrc:2000 cname:x\r\na=ssrc:2001 cname:x\r\n"
#define OFFER HEAD "a=group:BUNDLE 0 1\r\n" TRANSPORT AUDIO VIDEO

/* The relay's side of every answer here. */
static const struct control_participant_added relay = {
    .local_ice = {"relayufrag", "relaypasswordrelaypassword"},
    .local_fingerprint = {0x01, 0xfe, 0x30},
    .candidates = {{.addr = {{127, 0, 0, 1}, 40000, NET_FAMILY_IPV4, 0}, .priority = 2130706431},
                   {.addr = {{[15] = 1}, 40000, NET_FAMILY_IPV6, 0}, .priority = 2130706175},
                   {.addr = {{127, 0, 0, 1}, 40000, NET_FAMILY_IPV4, 0},
                    .tcp = true,
                    .priority = 9}},
    .candidate_count = 3,
};

struct fixture {
    struct negotiation n;
    struct sdp offer, answer;
    uint8_t text[ANSWER_BYTES + 1];
    size_t size;
    char changed[SDP_BYTES_MAX + 4096];
};

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int set_up(void **state);
int tear_down(void **state);
enum status accept_text(struct fixture *f, enum negotiation_kind kind, const char *text);
/* Writes the answer to what was accepted, and checks it against the offer. */
void answer_to(struct fixture *f, const char *what, struct bytes offer);
/* OFFER with its first `from` replaced by `to`. */
const char *change(struct fixture *f, const char *from, const char *to);
bool answer_says(const struct fixture *f, const char *text);
