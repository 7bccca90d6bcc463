#include "signaling/core/negotiation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/answer_check.h"

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

static int set_up(void **state)
{
    *state = malloc(sizeof(struct fixture));
    return *state == NULL;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static enum status accept_text(struct fixture *f, enum negotiation_kind kind, const char *text)
{
    return negotiation_accept_offer(kind, bytes_of_string(text), &f->n);
}

/* Writes the answer to what was accepted, and checks it against the offer. */
static void answer_to(struct fixture *f, const char *what, struct bytes offer)
{
    enum status status = negotiation_write_answer(
        &f->n, &relay, (struct bytes_mut){f->text, ANSWER_BYTES}, &f->size);
    if (status != STATUS_OK)
        fail_msg("%s: answer: %s", what, status_name(status));
    f->text[f->size] = '\0';
    assert_int_equal(sdp_parse(offer, &f->offer), STATUS_OK);
    const char *wrong =
        answer_check(&f->offer, &f->n, &relay, bytes_of(f->text, f->size), &f->answer);
    if (wrong != NULL)
        fail_msg("%s: %s\n%s", what, wrong, (const char *)f->text);
}

/* OFFER with its first `from` replaced by `to`. */
static const char *change(struct fixture *f, const char *from, const char *to)
{
    const char *at = strstr(OFFER, from);
    if (at == NULL)
        fail_msg("not in the offer: %s", from);
    snprintf(f->changed, sizeof f->changed, "%.*s%s%s", (int)(at - OFFER), OFFER, to,
             at + strlen(from));
    return f->changed;
}

static bool answer_says(const struct fixture *f, const char *text)
{
    return strstr((const char *)f->text, text) != NULL;
}

/* --- Offers of real programs, as captured */

static size_t read_offer(const char *name, char *out, size_t capacity)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/support/offers/%s.sdp", AMPHI_TESTS_FOLDER, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    size_t size = fread(out, 1, capacity, file);
    fclose(file);
    return size;
}

struct summary {
    char text[4096];
    size_t used;
};

PRINTF_LIKE(2, 3) static void say(struct summary *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(s->text + s->used, sizeof s->text - s->used, format, args);
    va_end(args);
    assert_true(size >= 0 && (size_t)size < sizeof s->text - s->used);
    s->used += (size_t)size;
}

static void summarise_codecs(struct summary *s, const struct codec_parameters *codecs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct codec_parameters *c = &codecs[i];
        say(s, " %s", media_codec_name(c->codec));
        if (c->profile[0] != '\0')
            say(s, "(%s)", c->profile);
        say(s, "=%u", c->payload_type);
        if (c->rtx_payload_type != 0)
            say(s, "/%u", c->rtx_payload_type);
        if (c->red_payload_type != 0)
            say(s, "+%u", c->red_payload_type);
        if (c->nack && c->pli)
            say(s, "+");
    }
}

static void summarise_line(const struct negotiation *n, const struct negotiation_line *line,
                           struct summary *s)
{
    const struct send_slot_parameters *sent = &n->add.send_slots[line->slot];
    const struct receive_slot_parameters *received = &n->add.receive_slots[line->slot];
    if (line->is_held) {
        say(s, "held %s", line->held);
    } else if (!line->accepted) {
        say(s, "rejected");
    } else if (line->is_received) {
        say(s, "<%s", room_slot_name(received->slot));
        summarise_codecs(s, received->codecs, received->codec_count);
    } else {
        say(s, ">%s", send_slot_name(sent->slot));
        summarise_codecs(s, sent->codecs, sent->codec_count);
        if (sent->encoding_count > 0)
            say(s, " ssrcs=%zu", sent->encoding_count);
        for (size_t k = 0; k < sent->rid_count; k++)
            say(s, " %s", sent->rids[k]);
    }
}

/* What each m-line became, one to a line of text; "+" is nack and pli. Then the header extensions
 * and the relay's DTLS role. */
static void summarise(const struct negotiation *n, struct summary *s)
{
    s->used = 0;
    for (size_t i = 0; i < n->line_count; i++) {
        say(s, "%s ", n->lines[i].mid);
        summarise_line(n, &n->lines[i], s);
        say(s, "\n");
    }
    for (size_t e = 0; e < HEADER_EXTENSION_COUNT; e++) {
        if (n->add.extension_ids[e] != 0)
            say(s, "%s=%u ", header_extension_name((enum header_extension)e),
                n->add.extension_ids[e]);
    }
    say(s, "%s", n->add.relay_role == DTLS_ROLE_SERVER ? "server" : "client");
}

#define CHROMIUM_PAGE_SENDS                                                                        \
    "VP8=96/97+ VP9(0)=98/99+ H264(42/1)=102/103+ H264(42/1)=108/109+ H264(4d00/1)=116/117+ "      \
    "AV1(0)=45/46+"
#define CHROMIUM_PAGE_RECEIVES                                                                     \
    "VP9(0)=98/99+ VP8=96/97+ H264(42/1)=102/103+ H264(42/1)=108/109+ H264(4d00/1)=116/117+ "      \
    "H264(f400/1)=41/42+ AV1(0)=45/46+"
#define CHROMIUM_SENDS                                                                             \
    "VP8=96/97+ VP9(0)=98/99+ VP9(2)=100/101+ H264(42/1)=102/103+ H264(42/0)=104/107+ "            \
    "H264(42/1)=108/109+ H264(42/0)=114/115+ H264(4d00/1)=116/117+ H264(4d00/0)=39/40+ "           \
    "AV1(0)=45/46+"
#define CHROMIUM_RECEIVES                                                                          \
    "VP8=96/97+ VP9(0)=98/99+ VP9(2)=100/101+ VP9(1)=35/36+ VP9(3)=37/38+ H264(42/1)=102/103+ "    \
    "H264(42/0)=104/107+ H264(42/1)=108/109+ H264(42/0)=114/115+ H264(4d00/1)=116/117+ "           \
    "H264(4d00/0)=39/40+ H264(f400/1)=41/42+ H264(f400/0)=43/44+ AV1(0)=45/46+ AV1(1)=47/48+"
#define FIREFOX_SENDS "VP8=120/124+ VP9(0)=121/125+ AV1(0)=99/100+"
#define FIREFOX_RECEIVES "VP9(0)=121/125+ VP8=120/124+ AV1(0)=99/100+"

static const struct {
    const char *name;
    enum negotiation_kind kind;
    const char *expected;
} golden[] = {
    {"aiortc_whep", NEGOTIATION_WHEP,
     "0 <voice_any opus=96\n"
     "1 <screen VP8=97/98+ H264(42/1)=99/100+ H264(42/1)=101/102+\n"
     "mid=1 audio_level=2 server"},
    {"aiortc_whip", NEGOTIATION_WHIP,
     "0 >mic opus=96 ssrcs=1\n"
     "1 >screen VP8=97/98+ H264(42/1)=99/100+ H264(42/1)=101/102+ ssrcs=1\n"
     "mid=1 audio_level=2 server"},
    {"chromium_page", NEGOTIATION_PAGE,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_PAGE_SENDS " ssrcs=1\n"
     "2 >screen_audio opus=111 ssrcs=1\n"
     "3 >camera " CHROMIUM_PAGE_SENDS " ssrcs=1\n"
     "4 <voice_0 opus=111+63\n"
     "5 <voice_1 opus=111+63\n"
     "6 <voice_2 opus=111+63\n"
     "7 <screen_audio opus=111+63\n"
     "8 <screen " CHROMIUM_PAGE_RECEIVES "\n"
     "9 <camera_0 " CHROMIUM_PAGE_RECEIVES "\n"
     "10 <camera_1 " CHROMIUM_PAGE_RECEIVES "\n"
     "11 <camera_2 " CHROMIUM_PAGE_RECEIVES "\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 dependency_descriptor=12 content_type=6 color_space=8 server"},
    {"chromium_page_restart", NEGOTIATION_PAGE,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_PAGE_SENDS " ssrcs=1\n"
     "2 >screen_audio opus=111 ssrcs=1\n"
     "3 >camera " CHROMIUM_PAGE_SENDS " ssrcs=1\n"
     "4 <voice_0 opus=111+63\n"
     "5 <voice_1 opus=111+63\n"
     "6 <voice_2 opus=111+63\n"
     "7 <screen_audio opus=111+63\n"
     "8 <screen " CHROMIUM_PAGE_RECEIVES "\n"
     "9 <camera_0 " CHROMIUM_PAGE_RECEIVES "\n"
     "10 <camera_1 " CHROMIUM_PAGE_RECEIVES "\n"
     "11 <camera_2 " CHROMIUM_PAGE_RECEIVES "\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 dependency_descriptor=12 content_type=6 color_space=8 server"},
    {"chromium_whep", NEGOTIATION_WHEP,
     "0 <voice_any opus=111+63\n"
     "1 <screen " CHROMIUM_RECEIVES "\n"
     "mid=4 audio_level=1 transport_cc=3 video_orientation=13 playout_delay=5 content_type=6 "
     "color_space=8 "
     "server"},
    {"chromium_whep_sendrecv", NEGOTIATION_WHEP,
     "0 <voice_any opus=111+63\n"
     "1 <screen VP8=96/97+ H264(42/1)=102/103+ H264(42/0)=104/107+ H264(42/1)=108/109+ "
     "H264(42/0)=114/115+ H264(4d00/1)=116/117+ H264(4d00/0)=39/40+ AV1(0)=45/46+ VP9(0)=98/99+ "
     "VP9(2)=100/101+\n"
     "mid=4 audio_level=1 transport_cc=3 video_orientation=13 playout_delay=5 content_type=6 "
     "color_space=8 "
     "server"},
    {"chromium_whep_two_voices", NEGOTIATION_WHEP,
     "0 <voice_any opus=111+63\n"
     "1 <screen " CHROMIUM_RECEIVES "\n"
     "2 <screen_audio opus=111+63\n"
     "mid=4 audio_level=1 transport_cc=3 video_orientation=13 playout_delay=5 content_type=6 "
     "color_space=8 "
     "server"},
    {"chromium_whip", NEGOTIATION_WHIP,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_SENDS " ssrcs=1\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 content_type=6 color_space=8 server"},
    {"chromium_whip_addtrack", NEGOTIATION_WHIP,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_SENDS " ssrcs=1\n"
     "2 rejected\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 content_type=6 color_space=8 server"},
    {"chromium_whip_pcmu_first", NEGOTIATION_WHIP,
     "0 held PCMU/8000\n"
     "1 >screen " CHROMIUM_SENDS " ssrcs=1\n"
     "mid=4 rid=10 repaired_rid=11 transport_cc=3 video_orientation=13 "
     "playout_delay=5 content_type=6 color_space=8 server"},
    {"chromium_whip_simulcast", NEGOTIATION_WHIP,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen " CHROMIUM_SENDS " h m l\n"
     "mid=4 rid=10 repaired_rid=11 audio_level=1 transport_cc=3 video_orientation=13 "
     "playout_delay=5 dependency_descriptor=12 content_type=6 color_space=8 server"},
    {"firefox_page", NEGOTIATION_PAGE,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "2 >screen_audio opus=109 ssrcs=1\n"
     "3 >camera " FIREFOX_SENDS " ssrcs=1\n"
     "4 <voice_0 opus=109\n"
     "5 <voice_1 opus=109\n"
     "6 <voice_2 opus=109\n"
     "7 <screen_audio opus=109\n"
     "8 <screen " FIREFOX_RECEIVES "\n"
     "9 <camera_0 " FIREFOX_RECEIVES "\n"
     "10 <camera_1 " FIREFOX_RECEIVES "\n"
     "11 <camera_2 " FIREFOX_RECEIVES "\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_page_restart", NEGOTIATION_PAGE,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "2 >screen_audio opus=109 ssrcs=1\n"
     "3 >camera " FIREFOX_SENDS " ssrcs=1\n"
     "4 <voice_0 opus=109\n"
     "5 <voice_1 opus=109\n"
     "6 <voice_2 opus=109\n"
     "7 <screen_audio opus=109\n"
     "8 <screen " FIREFOX_RECEIVES "\n"
     "9 <camera_0 " FIREFOX_RECEIVES "\n"
     "10 <camera_1 " FIREFOX_RECEIVES "\n"
     "11 <camera_2 " FIREFOX_RECEIVES "\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_whep", NEGOTIATION_WHEP,
     "0 <voice_any opus=109\n"
     "1 <screen " FIREFOX_SENDS "\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_whep_sendrecv", NEGOTIATION_WHEP,
     "0 <voice_any opus=109\n"
     "1 <screen " FIREFOX_SENDS "\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_whep_two_voices", NEGOTIATION_WHEP,
     "0 <voice_any opus=109\n"
     "1 <screen " FIREFOX_SENDS "\n"
     "2 <screen_audio opus=109\n"
     "mid=3 audio_level=1 transport_cc=7 playout_delay=6 server"},
    {"firefox_whip", NEGOTIATION_WHIP,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "mid=3 audio_level=1 transport_cc=7 server"},
    {"firefox_whip_addtrack", NEGOTIATION_WHIP,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "2 rejected\n"
     "mid=3 audio_level=1 transport_cc=7 server"},
    {"firefox_whip_pcmu_first", NEGOTIATION_WHIP,
     "0 held PCMU/8000\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=1\n"
     "mid=3 transport_cc=7 server"},
    {"firefox_whip_simulcast", NEGOTIATION_WHIP,
     "0 >mic opus=109 ssrcs=1\n"
     "1 >screen " FIREFOX_SENDS " ssrcs=3 h m l\n"
     "mid=3 rid=9 repaired_rid=10 audio_level=1 transport_cc=7 dependency_descriptor=8 server"},
    {"gstreamer_whep", NEGOTIATION_WHEP,
     "audio0 held OPUS/48000\n" /* without "/2": RFC 7587 7 */
     "video1 <screen VP8=96+\n"
     "server"},
    {"gstreamer_whip", NEGOTIATION_WHIP,
     "audio0 >mic opus=97 ssrcs=1\n"
     "video1 >screen VP8=96 ssrcs=1\n"
     "server"},
    {"pion_whep", NEGOTIATION_WHEP,
     "0 <voice_any opus=111\n"
     "1 <screen VP8=96/97+\n"
     "mid=1 transport_cc=2 server"},
    {"pion_whip", NEGOTIATION_WHIP,
     "0 >mic opus=111 ssrcs=1\n"
     "1 >screen VP8=96/97+ ssrcs=1\n"
     "mid=1 transport_cc=2 server"},
};

static void what_real_programs_offer_is_understood(void **state)
{
    struct fixture *f = *state;
    static struct summary s;
    for (size_t i = 0; i < COUNT_OF(golden); i++) {
        size_t size = read_offer(golden[i].name, f->changed, sizeof f->changed);
        struct bytes offer = bytes_of(f->changed, size);
        enum status status = negotiation_accept_offer(golden[i].kind, offer, &f->n);
        if (status != STATUS_OK)
            fail_msg("%s: %s", golden[i].name, status_name(status));
        summarise(&f->n, &s);
        if (strcmp(s.text, golden[i].expected) != 0)
            fail_msg("%s became:\n%s\n--- expected:\n%s", golden[i].name, s.text,
                     golden[i].expected);
        answer_to(f, golden[i].name, offer);
    }
}

/* --- Offers that cannot be answered */

static void an_offer_that_cannot_be_answered_is_refused_with_its_reason(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *from, *to;
        enum status expected;
    } cases[] = {
        {"nothing is wrong", "v=0", "v=0", STATUS_OK},
        {"another version", "v=0", "v=1", STATUS_MALFORMED},
        {"more behind the version", "v=0", "v=0 x", STATUS_MALFORMED},
        {"no media", AUDIO VIDEO, "", STATUS_MALFORMED},
        {"only a data channel", AUDIO VIDEO,
         "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n", STATUS_MALFORMED},
        {"all lines inactive", AUDIO VIDEO,
         "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=inactive\r\na=rtcp-mux\r\n"
         "a=rtpmap:111 opus/48000/2\r\n",
         STATUS_MALFORMED},
        {"codecs that we lack", AUDIO VIDEO,
         "m=audio 9 UDP/TLS/RTP/SAVPF 0 9\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:0 PCMU/8000\r\n"
         "a=rtpmap:9 G722/8000\r\n"
         "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtcp-mux\r\na=rtpmap:96 H265/90000\r\n",
         STATUS_UNSUPPORTED},
        {"a codec called none", AUDIO VIDEO,
         "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:96 none/48000/2\r\n",
         STATUS_UNSUPPORTED},
        {"a payload type that looks like RTCP", AUDIO VIDEO,
         "m=audio 9 UDP/TLS/RTP/SAVPF 72\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:72 opus/48000/2\r\n",
         STATUS_UNSUPPORTED},
        {"a payload type without rtpmap", "a=rtpmap:111 opus/48000/2\r\n", "", STATUS_OK},
        {"sha-1 alone", "sha-256 " FINGERPRINT,
         "sha-1 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB", STATUS_MALFORMED},
        {"sha-512 beside sha-256", "a=setup", "a=fingerprint:sha-512 AB:AB\r\na=setup", STATUS_OK},
        {"a fingerprint too short", "sha-256 AB:", "sha-256 ", STATUS_MALFORMED},
        {"a fingerprint too long", "sha-256 ", "sha-256 AB:", STATUS_MALFORMED},
        {"a fingerprint without hex", "sha-256 AB", "sha-256 AG", STATUS_MALFORMED},
        {"a fingerprint without colons", "sha-256 AB:", "sha-256 AB-", STATUS_MALFORMED},
        {"no fingerprint", "a=fingerprint", "a=x-fingerprint", STATUS_MALFORMED},
        {"no ufrag", "a=ice-ufrag", "a=x-ufrag", STATUS_MALFORMED},
        {"no password", "a=ice-pwd", "a=x-pwd", STATUS_MALFORMED},
        {"a ufrag too short", "ice-ufrag:abcd", "ice-ufrag:abc", STATUS_MALFORMED},
        {"a password too short", "ice-pwd:0", "ice-pwd:", STATUS_MALFORMED},
        {"a space in the ufrag", "ice-ufrag:abcd", "ice-ufrag:ab cd", STATUS_MALFORMED},
        {"ICE-lite on both sides", "a=setup", "a=ice-lite\r\na=setup", STATUS_MALFORMED},
        {"holdconn", "actpass", "holdconn", STATUS_MALFORMED},
        {"a setup that does not exist", "actpass", "actpas", STATUS_MALFORMED},
        {"equal mids", "a=mid:1", "a=mid:0", STATUS_MALFORMED},
        {"an empty mid", "a=mid:1", "a=mid:", STATUS_MALFORMED},
        {"a mid of 17 characters", "a=mid:1", "a=mid:01234567890123456", STATUS_MALFORMED},
        {"no mid", "a=mid:1\r\n", "", STATUS_OK}, /* not in the bundle: that line is rejected */
        {"no BUNDLE", "a=group:BUNDLE 0 1\r\n", "", STATUS_MALFORMED},
        {"a BUNDLE of strangers", "BUNDLE 0 1", "BUNDLE 2 3", STATUS_MALFORMED},
        {"no rtcp-mux", "a=rtcp-mux\r\n", "", STATUS_MALFORMED},
        {"CR in a line", "a=setup", "a=x\ry\r\na=setup", STATUS_MALFORMED},
        {"a line without =", "a=setup", "setup\r\na=setup", STATUS_MALFORMED},
        {"a port above 65535", "m=audio 9", "m=audio 65536", STATUS_MALFORMED},
        {"a negative port", "m=audio 9", "m=audio -1", STATUS_MALFORMED},
        {"a port beyond 64 bits", "m=audio 9", "m=audio 18446744073709551625", STATUS_MALFORMED},
        {"payload type 128", "SAVPF 111", "SAVPF 128", STATUS_MALFORMED},
        {"payload type as text", "SAVPF 111", "SAVPF opus", STATUS_MALFORMED},
        {"clock rate above 32 bits", "opus/48000", "opus/4294967296", STATUS_MALFORMED},
        {"clock rate 0", "opus/48000", "opus/0", STATUS_MALFORMED},
        {"256 channels", "48000/2", "48000/256", STATUS_MALFORMED},
        {"extension id 0", "extmap:4", "extmap:0", STATUS_MALFORMED},
        {"extension id above 4351", "extmap:4", "extmap:4352", STATUS_MALFORMED},
        {"extension id as text", "extmap:4", "extmap:four", STATUS_MALFORMED},
        {"an extension without URI", "extmap:4 urn", "extmap:4  urn", STATUS_MALFORMED},
        {"a kind too long to repeat", "m=audio", "m=audioaudioaudio1", STATUS_MALFORMED},
        {"invalid UTF-8", "s=-", "s=\xc3", STATUS_MALFORMED},
        {"an overlong form", "s=-", "s=\xc0\xaf", STATUS_MALFORMED},
        {"a surrogate", "s=-", "s=\xed\xa0\x80", STATUS_MALFORMED},
        {"UTF-8", "s=-", "s=\xc3\xa9\xf0\x9f\x8e\x93", STATUS_OK},
        {"LF alone", "\r\ns=-\r\n", "\ns=-\n", STATUS_OK},
        {"an empty line", "s=-", "\r\n\r\ns=-", STATUS_OK},
        {"a candidate with a name", "a=setup",
         "a=candidate:1 1 udp 1 host.invalid 9 typ host\r\na=setup", STATUS_OK},
        {"attributes that nobody knows", "a=setup", "a=x:\r\na=\r\na=:y\r\na=setup", STATUS_OK},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *offer = change(f, cases[i].from, cases[i].to);
        enum status got = accept_text(f, NEGOTIATION_WHIP, offer);
        if (got != cases[i].expected)
            fail_msg("%s: got %s, expected %s", cases[i].why, status_name(got),
                     status_name(cases[i].expected));
        if (got == STATUS_OK)
            answer_to(f, cases[i].why, bytes_of_string(offer));
    }
}

static void what_is_no_text_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why;
        struct bytes text;
    } cases[] = {
        {"nothing", BYTES("")},
        {"two characters", BYTES("v=")},
        {"the head alone", BYTES("v=0\r\n")},
        {"HTML", BYTES("<!doctype html>")},
        {"JSON", BYTES("{\"type\":\"offer\",\"sdp\":\"v=0\"}")},
        {"a byte order mark", BYTES("\xef\xbb\xbf" OFFER)},
        {"NUL behind", BYTES(OFFER "\0")},
        {"NUL in a line", BYTES(HEAD "a=group:BUNDLE 0\0 1\r\n" TRANSPORT AUDIO VIDEO)},
        {"CR alone as line end", BYTES("v=0\ro=- 1 1 IN IP4 127.0.0.1\rs=-\rt=0 0\r")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum status got = negotiation_accept_offer(NEGOTIATION_PAGE, cases[i].text, &f->n);
        if (got != STATUS_MALFORMED)
            fail_msg("%s: got %s", cases[i].why, status_name(got));
    }
    assert_int_equal(negotiation_accept_offer(NEGOTIATION_PAGE, BYTES_NONE, &f->n),
                     STATUS_MALFORMED);
}

/* Every offer cut at every byte: accepted or refused, and what is accepted can be answered. */
static void an_offer_cut_anywhere_is_answered_or_refused(void **state)
{
    struct fixture *f = *state;
    size_t accepted = 0;
    for (size_t size = 0; size <= sizeof OFFER - 1; size++) {
        uint8_t *copy = malloc(size + 1); /* exact: the sanitizer sees a byte too far */
        assert_non_null(copy);
        memcpy(copy, OFFER, size);
        if (negotiation_accept_offer(NEGOTIATION_PAGE, bytes_of(copy, size), &f->n) == STATUS_OK) {
            answer_to(f, "cut", bytes_of(copy, size));
            accepted++;
        }
        free(copy);
    }
    assert_true(accepted > 0 && accepted < sizeof OFFER);
}

static void an_offer_of_500_media_sections_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t used = (size_t)snprintf(f->changed, sizeof f->changed, "%s",
                                   HEAD "a=group:BUNDLE 0 1\r\n" TRANSPORT AUDIO VIDEO);
    for (unsigned i = 0; i < 500; i++)
        used += (size_t)snprintf(f->changed + used, sizeof f->changed - used,
                                 "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:m%u\r\n", i);
    assert_int_equal(accept_text(f, NEGOTIATION_PAGE, f->changed), STATUS_LIMIT);
}

static void an_offer_may_be_64_kib_and_no_byte_longer(void **state)
{
    struct fixture *f = *state;
    size_t used = (size_t)snprintf(f->changed, sizeof f->changed, "%sa=x:", OFFER);
    memset(f->changed + used, 'x', SDP_BYTES_MAX + 1 - used);
    assert_int_equal(
        negotiation_accept_offer(NEGOTIATION_PAGE, bytes_of(f->changed, SDP_BYTES_MAX), &f->n),
        STATUS_OK);
    assert_int_equal(
        negotiation_accept_offer(NEGOTIATION_PAGE, bytes_of(f->changed, SDP_BYTES_MAX + 1), &f->n),
        STATUS_LIMIT);
}

/* --- What is refused in part */

static void a_codec_that_does_not_fit_costs_its_line_alone(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *from, *to;
        bool accepts_audio, accepts_video;
    } cases[] = {
        {"v=0", "v=0", true, true},
        {"48000/2", "48000/1", false, true},
        {"48000/2", "48000", false, true}, /* RFC 7587 7: "/2" always */
        {"opus/48000/2", "opus/16000/2", false, true},
        {"opus", "OPUS", true, true},
        {"VP8/90000", "VP8/48000", true, false},
        {"rtx/90000", "rtx/92000", true, true}, /* accepted without RTX */
        {"m=video 9", "m=video 0", true, false},
        {"m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 RTP/AVP", true, false},
        {"m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 TCP/DTLS/RTP/SAVPF", true, true},
        {"BUNDLE 0 1", "BUNDLE 0", true, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *offer = change(f, cases[i].from, cases[i].to);
        assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
        answer_to(f, cases[i].to, bytes_of_string(offer));
        if (f->n.lines[0].accepted != cases[i].accepts_audio ||
            f->n.lines[1].accepted != cases[i].accepts_video)
            fail_msg("%s: %d %d", cases[i].to, f->n.lines[0].accepted, f->n.lines[1].accepted);
    }
}

static void feedback_for_formats_that_are_not_on_the_line_is_passed_over(void **state)
{
    struct fixture *f = *state;
    const char *offer = change(f, "a=rtcp-fb:96 nack pli",
                               "a=rtcp-fb:119 nack\r\na=rtcp-fb:300 nack pli\r\n"
                               "a=rtcp-fb:x nack\r\na=rtcp-fb:*  ccm fir");
    assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
    const struct codec_parameters *vp8 = &f->n.add.send_slots[1].codecs[0];
    assert_true(vp8->fir);
    assert_false(vp8->nack || vp8->pli);
}

static void h264_profiles_compare_without_level_and_with_packetization(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *fmtp, *profile;
    } cases[] = {
        {"packetization-mode=1;profile-level-id=42e01f", "42/1"},
        {"packetization-mode=1; profile-level-id=42E034", "42/1"},
        {"profile-level-id=42001f;packetization-mode=1", "42/1"}, /* baseline */
        {"profile-level-id=42c01f;PACKETIZATION-MODE=1", "42/1"},
        {"packetization-mode=0;profile-level-id=42e01f", "42/0"},
        {"profile-level-id=42e01f", "42/0"},
        {"packetization-mode=1", "42/1"},
        {"packetization-mode=1;profile-level-id=4d001f", "4d00/1"},
        {"packetization-mode=1;profile-level-id=64001F", "6400/1"},
        {"packetization-mode=1;profile-level-id=640c1f", "640c/1"},
        {"packetization-mode=1;profile-level-id=zz\"\\1f", "42/1"},
        {"packetization-mode=7;profile-level-id=42e0", "42/0"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[200];
        snprintf(line, sizeof line, "H264/90000\r\na=fmtp:96 %s", cases[i].fmtp);
        const char *offer = change(f, "VP8/90000", line);
        assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
        answer_to(f, cases[i].fmtp, bytes_of_string(offer));
        if (strcmp(f->n.add.send_slots[1].codecs[0].profile, cases[i].profile) != 0)
            fail_msg("%s: %s", cases[i].fmtp, f->n.add.send_slots[1].codecs[0].profile);
    }
    /* The last one's answer: nothing of what cannot be understood is repeated. */
    assert_true(answer_says(f, "packetization-mode=0;profile-level-id=42001f\r\n"));
}

static void an_extension_id_means_one_thing_in_the_whole_bundle(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *from, *to, *says, *hides;
    } cases[] = {
        {"id 15 is reserved", "a=extmap:1 ", "a=extmap:15 ", "a=extmap:4 ", "audio-level"},
        {"id 16", "a=extmap:1 ", "a=extmap:16 ", "a=extmap:16 ", "a=extmap:15"},
        {"id 255", "a=extmap:1 ", "a=extmap:255 ", "a=extmap:255 ", "a=extmap:15"},
        {"id 256 is a proposal", "a=extmap:1 ", "a=extmap:256 ", "a=extmap:4 ", "audio-level"},
        {"another URI under a used id", "sdes:mid\r\na=ssrc-group",
         "sdes:rtp-stream-id\r\na=ssrc-group", "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
         "rtp-stream-id"},
        {"a used URI under another id",
         "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=ssrc-g",
         "a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=ssrc-g", "a=extmap:4 ", "extmap:7"},
        {"for the other direction", "a=extmap:1 ", "a=extmap:1/recvonly ", "a=extmap:4 ",
         "audio-level"},
        {"for this direction", "a=extmap:1 ", "a=extmap:1/sendonly ", "a=extmap:1/recvonly urn",
         "/sendonly"},
        {"inactive", "a=extmap:1 ", "a=extmap:1/inactive ", "a=extmap:4 ", "audio-level"},
        {"unknown", "rtp-hdrext:ssrc-audio-level", "rtp-hdrext:toffset", "a=extmap:4 ", "extmap:1"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *offer = change(f, cases[i].from, cases[i].to);
        assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
        answer_to(f, cases[i].why, bytes_of_string(offer));
        if (!answer_says(f, cases[i].says) || answer_says(f, cases[i].hides))
            fail_msg("%s: %s", cases[i].why, (const char *)f->text);
    }
}

static void one_ssrc_declared_on_two_lines_is_the_first_one_s(void **state)
{
    struct fixture *f = *state;
    const char *offer = change(f, "a=ssrc:2000 cname:x", "a=ssrc:1000 cname:x\r\na=ssrc:0 cname:x");
    assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
    assert_int_equal(f->n.add.send_slots[0].encodings[0].ssrc, 1000);
    assert_int_equal(f->n.add.send_slots[1].encoding_count, 0);
}

/* --- Lines and slots */

/* Kinds and directions as letters: A, V; s(end), r(eceive), b(oth). */
static const char *write_lines(struct fixture *f, const char *lines)
{
    size_t used = (size_t)snprintf(f->changed, sizeof f->changed, "%s", HEAD "a=group:BUNDLE");
    for (size_t i = 0; lines[i * 2] != '\0'; i++)
        used += (size_t)snprintf(f->changed + used, sizeof f->changed - used, " %zu", i);
    used += (size_t)snprintf(f->changed + used, sizeof f->changed - used, "\r\n%s", TRANSPORT);
    for (size_t i = 0; lines[i * 2] != '\0'; i++) {
        const char *codec = lines[i * 2] == 'A'
                                ? "audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 opus/48000/2"
                                : "video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000";
        const char *direction = lines[i * 2 + 1] == 's'   ? "sendonly"
                                : lines[i * 2 + 1] == 'r' ? "recvonly"
                                                          : "sendrecv";
        used +=
            (size_t)snprintf(f->changed + used, sizeof f->changed - used,
                             "m=%s\r\na=mid:%zu\r\na=%s\r\na=rtcp-mux\r\n", codec, i, direction);
    }
    return f->changed;
}

static void lines_become_slots_by_direction_and_order(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *lines;
        enum negotiation_kind kind;
        const char *slots;
    } cases[] = {
        {"AsVsAsVsArArArArVrVrVrVr", NEGOTIATION_PAGE,
         "mic screen screen_audio camera voice_0 voice_1 voice_2 screen_audio screen camera_0 "
         "camera_1 camera_2"},
        {"VrArVsArAsArAsVrVsAr", NEGOTIATION_PAGE,
         "screen voice_0 screen voice_1 mic voice_2 screen_audio camera_0 camera screen_audio"},
        {"AsAsAs", NEGOTIATION_PAGE, "mic screen_audio -"},
        {"VsVsVs", NEGOTIATION_WHIP, "screen camera -"},
        {"ArVr", NEGOTIATION_PAGE, "voice_any screen"},
        {"ArArVr", NEGOTIATION_WHEP, "voice_any screen_audio screen"},
        {"ArArAr", NEGOTIATION_WHEP, "voice_0 voice_1 voice_2"},
        {"ArArArArArVrVrVrVrVr", NEGOTIATION_WHEP,
         "voice_0 voice_1 voice_2 screen_audio - screen camera_0 camera_1 camera_2 -"},
        {"AbVb", NEGOTIATION_PAGE, "mic screen"},
        {"AbVb", NEGOTIATION_WHIP, "mic screen"},
        {"AbVb", NEGOTIATION_WHEP, "voice_any screen"},
        {"AsVr", NEGOTIATION_WHEP, "- screen"}, /* a WHEP client sends nothing */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char got[256] = "";
        const char *offer = write_lines(f, cases[i].lines);
        assert_int_equal(accept_text(f, cases[i].kind, offer), STATUS_OK);
        answer_to(f, cases[i].lines, bytes_of_string(offer));
        for (size_t k = 0; k < f->n.line_count; k++) {
            const struct negotiation_line *line = &f->n.lines[k];
            const char *slot = !line->accepted ? "-"
                               : line->is_received
                                   ? room_slot_name(f->n.add.receive_slots[line->slot].slot)
                                   : send_slot_name(f->n.add.send_slots[line->slot].slot);
            size_t used = strlen(got);
            snprintf(got + used, sizeof got - used, "%s%s", k == 0 ? "" : " ", slot);
        }
        if (strcmp(got, cases[i].slots) != 0)
            fail_msg("%s: %s", cases[i].lines, got);
    }
    assert_int_equal(accept_text(f, NEGOTIATION_WHEP, write_lines(f, "AsVs")), STATUS_MALFORMED);
}

static void a_receiving_slot_has_the_same_ssrc_in_every_answer(void **state)
{
    struct fixture *f = *state;
    uint32_t ssrcs[8];
    assert_int_equal(accept_text(f, NEGOTIATION_PAGE, write_lines(f, "ArArArVr")), STATUS_OK);
    for (size_t i = 0; i < 4; i++)
        ssrcs[i] = f->n.add.receive_slots[i].ssrc;
    assert_int_equal(accept_text(f, NEGOTIATION_PAGE, write_lines(f, "AsVsArArArVr")), STATUS_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(f->n.add.receive_slots[i].ssrc, ssrcs[i]);
}

/* RFC 8843 7.1.3: only the tagged line needs the bundle's transport. */
static void the_tagged_line_s_transport_is_the_bundle_s(void **state)
{
    struct fixture *f = *state;
    static const char with[] =
        HEAD "a=group:BUNDLE 1 0 2\r\n"
             "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=bundle-only\r\n"
             "a=rtpmap:111 opus/48000/2\r\n"
             "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtcp-mux\r\n" TRANSPORT
             "a=rtpmap:96 H265/90000\r\n"
             "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=rtcp-mux\r\n"
             "a=ice-ufrag:other\r\na=ice-pwd:9999999999999999999999\r\na=rtpmap:96 VP8/90000\r\n";
    assert_int_equal(accept_text(f, NEGOTIATION_WHIP, with), STATUS_OK);
    assert_string_equal(f->n.add.remote_ice.ufrag, "abcd");
    assert_int_equal(f->n.add.remote_fingerprint[0], 0xab);
    assert_true(f->n.lines[0].accepted && !f->n.lines[1].accepted && f->n.lines[2].accepted);
    answer_to(f, "the tagged line has no codec of ours", bytes_of_string(with));
    assert_true(answer_says(f, "a=group:BUNDLE 1 0 2\r\n"));
    assert_true(answer_says(f, "a=rtpmap:96 H265/90000\r\na=inactive\r\n"));
}

/* Chromium loses the bundle's transport when its first line is rejected. */
static void the_tagged_line_is_made_inactive_rather_than_rejected(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *from, *to, *says;
    } cases[] = {
        {"no codec of ours", "opus/48000/2", "L16/44100/2",
         "a=rtpmap:111 L16/44100/2\r\na=inactive\r\n"},
        {"one channel", "opus/48000/2", "G726-32/8000/1",
         "a=rtpmap:111 G726-32/8000\r\na=inactive\r\n"},
        {"a static format without rtpmap", "SAVPF 111", "SAVPF 0",
         "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"},
        {"RTX first", "SAVPF 111\r\n",
         "SAVPF 97 98\r\na=rtpmap:97 rtx/8000\r\na=rtpmap:98 PCMU/8000\r\n",
         "m=audio 9 UDP/TLS/RTP/SAVPF 98\r\n"},
        {"inactive already", "a=sendrecv", "a=inactive",
         "a=rtpmap:111 opus/48000/2\r\na=inactive\r\n"},
        {"a dynamic format without rtpmap", "a=rtpmap:111", "a=x-rtpmap:111",
         "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"},
        {"a name that nobody should repeat", "opus/48000/2", "<b>;/48000",
         "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"},
        {"port 0", "m=audio 9", "m=audio 0", "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"},
        {"other tag", "BUNDLE 0 1\r\n" TRANSPORT AUDIO,
         "BUNDLE 1 0\r\n" TRANSPORT "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=rtcp-mux\r\n",
         "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *offer = change(f, cases[i].from, cases[i].to);
        assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
        answer_to(f, cases[i].why, bytes_of_string(offer));
        assert_false(f->n.lines[0].accepted);
        if (!answer_says(f, cases[i].says))
            fail_msg("%s: %s", cases[i].why, (const char *)f->text);
    }
}

static void a_single_line_needs_no_bundle_and_gets_none(void **state)
{
    struct fixture *f = *state;
    static const char offer[] = HEAD TRANSPORT AUDIO;
    assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
    answer_to(f, "one line", bytes_of_string(offer));
    assert_false(answer_says(f, "BUNDLE"));
}

static void the_side_that_begins_dtls_follows_the_offer(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *to;
        enum dtls_role role;
        const char *says;
    } cases[] = {
        {"a=setup:actpass\r\n", DTLS_ROLE_SERVER, "a=setup:passive\r\n"},
        {"a=setup:active\r\n", DTLS_ROLE_SERVER, "a=setup:passive\r\n"},
        {"a=setup:passive\r\n", DTLS_ROLE_CLIENT, "a=setup:active\r\n"},
        {"", DTLS_ROLE_SERVER, "a=setup:passive\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *offer = change(f, "a=setup:actpass\r\n", cases[i].to);
        assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
        answer_to(f, cases[i].to, bytes_of_string(offer));
        assert_int_equal(f->n.add.relay_role, cases[i].role);
        assert_true(answer_says(f, cases[i].says));
    }
}

static void simulcast_is_answered_only_where_it_was_offered(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *rids;
        size_t count;
        const char *says, *hides;
    } cases[] = {
        {"a=rid:h send\r\na=rid:l send pt=96\r\na=simulcast:send h;l\r\n", 2,
         "a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n", "send"},
        {"a=rid:h send\r\n", 1, "a=rid:h recv\r\n", "simulcast"},
        {"a=rid:h send\r\na=rid:h send\r\na=rid:l recv\r\na=rid:a;b send\r\na=rid: send\r\n"
         "a=simulcast:send h\r\n",
         1, "a=rid:h recv\r\na=simulcast:recv h\r\n", "a;b"},
        {"a=simulcast:send h;l\r\n", 0, "a=recvonly\r\n", "simulcast"},
        {"a=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=rid:4 send\r\na=rid:5 send\r\n"
         "a=simulcast:send 1;2;3;4;5\r\n",
         4, "a=simulcast:recv 1;2;3;4\r\n", "a=rid:5"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char lines[400];
        snprintf(lines, sizeof lines, "a=mid:1\r\n%s", cases[i].rids);
        const char *offer = change(f, "a=mid:1\r\n", lines);
        assert_int_equal(accept_text(f, NEGOTIATION_WHIP, offer), STATUS_OK);
        answer_to(f, cases[i].rids, bytes_of_string(offer));
        assert_int_equal(f->n.add.send_slots[1].rid_count, cases[i].count);
        if (!answer_says(f, cases[i].says) || answer_says(f, cases[i].hides))
            fail_msg("%s: %s", cases[i].rids, (const char *)f->text);
    }
}

/* --- Answers */

static void candidates_are_written_for_udp_and_tcp_and_both_families(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(accept_text(f, NEGOTIATION_WHIP, OFFER), STATUS_OK);
    answer_to(f, "offer", bytes_of_string(OFFER));
    assert_true(answer_says(f, "\r\na=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\n"
                               "a=candidate:2 1 udp 2130706175 ::1 40000 typ host\r\n"
                               "a=candidate:3 1 tcp 9 127.0.0.1 40000 typ host tcptype passive\r\n"
                               "a=end-of-candidates\r\n"));
}

static void an_answer_without_room_is_never_cut(void **state)
{
    struct fixture *f = *state;
    size_t size = 12345;
    assert_int_equal(accept_text(f, NEGOTIATION_WHIP, OFFER), STATUS_OK);
    answer_to(f, "offer", bytes_of_string(OFFER));
    for (size_t room = 0; room <= f->size; room++) {
        uint8_t *exact = malloc(room + 1);
        assert_non_null(exact);
        assert_int_equal(
            negotiation_write_answer(&f->n, &relay, (struct bytes_mut){exact, room}, &size),
            STATUS_TRUNCATED);
        free(exact);
    }
    assert_int_equal(size, 12345);
}

/* As many lines, codecs, extensions and candidates, and as long texts, as there can be. */
static void the_largest_answer_fits_into_80_kib(void **state)
{
    struct fixture *f = *state;
    static struct control_participant_added added;
    static const enum media_kind kinds[] = {MEDIA_KIND_AUDIO, MEDIA_KIND_VIDEO};
    size_t used = (size_t)snprintf(f->changed, sizeof f->changed, "%s",
                                   HEAD "a=group:BUNDLE 0 1 2 3 4 5 6 7 8 9 10 11\r\n" TRANSPORT);
    for (unsigned line = 0; line < 12; line++) {
        bool sends = line < 4;
        enum media_kind kind = sends ? kinds[line % 2] : kinds[line >= 8];
        used += (size_t)snprintf(f->changed + used, sizeof f->changed - used,
                                 "m=%s 9 UDP/TLS/RTP/SAVPF", media_kind_name(kind));
        for (unsigned i = 0; i < 32; i++)
            used += (size_t)snprintf(f->changed + used, sizeof f->changed - used, " %u", 96 + i);
        used += (size_t)snprintf(f->changed + used, sizeof f->changed - used,
                                 "\r\na=mid:%u\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
                                 "a=rtcp-fb:* nack\r\na=rtcp-fb:* nack pli\r\n"
                                 "a=rtcp-fb:* ccm fir\r\na=rtcp-fb:* transport-cc\r\n",
                                 line, sends ? "sendonly" : "recvonly");
        for (unsigned i = 0; i < 16; i++)
            used += (size_t)snprintf(
                f->changed + used, sizeof f->changed - used,
                "a=rtpmap:%u %s\r\n%sa=rtpmap:%u rtx/%u\r\na=fmtp:%u apt=%u\r\n", 112 + i,
                kind == MEDIA_KIND_AUDIO ? "opus/48000/2" : "H264/90000", "", 96 + i,
                kind == MEDIA_KIND_AUDIO ? 48000 : 90000, 96 + i, 112 + i);
        for (unsigned e = 0; e < HEADER_EXTENSION_COUNT; e++)
            used += (size_t)snprintf(
                f->changed + used, sizeof f->changed - used, "a=extmap:%u/%s %s\r\n", 200 + e,
                sends ? "sendonly" : "recvonly", header_extension_uri((enum header_extension)e));
    }
    assert_true(used < sizeof f->changed - 1);
    added = relay;
    memset(added.local_ice.ufrag, 'u', sizeof added.local_ice.ufrag - 1);
    memset(added.local_ice.pwd, 'p', sizeof added.local_ice.pwd - 1);
    added.candidate_count = CONTROL_CANDIDATES_MAX;
    for (size_t i = 0; i < CONTROL_CANDIDATES_MAX; i++) {
        added.candidates[i].addr = (struct net_addr){.family = NET_FAMILY_IPV6, .port = UINT16_MAX};
        memset(added.candidates[i].addr.ip, 0xfe, sizeof added.candidates[i].addr.ip);
        added.candidates[i].tcp = true;
        added.candidates[i].priority = UINT32_MAX;
    }
    assert_int_equal(negotiation_accept_offer(NEGOTIATION_PAGE, bytes_of(f->changed, used), &f->n),
                     STATUS_OK);
    for (size_t i = 0; i < 12; i++)
        assert_true(f->n.lines[i].accepted);
    assert_int_equal(f->n.add.send_slots[0].codec_count, CONTROL_CODECS_MAX);
    assert_int_equal(negotiation_write_answer(&f->n, &added,
                                              (struct bytes_mut){f->text, ANSWER_BYTES}, &f->size),
                     STATUS_OK);
}

/* --- Fragments */

static void a_fragment_gives_the_new_credentials_or_none(void **state)
{
    static const struct {
        const char *why;
        struct bytes text;
        enum status expected;
        const char *ufrag;
    } cases[] = {
        {"empty", BYTES(""), STATUS_OK, ""},
        {"a candidate alone",
         BYTES("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
               "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"),
         STATUS_OK, ""},
        {"RFC 9725 figure 7",
         BYTES("a=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\n"
               "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:ysXw\r\n"
               "a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"
               "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\n"),
         STATUS_OK, "ysXw"},
        {"before the lines, LF alone",
         BYTES("a=ice-ufrag:new1\na=ice-pwd:0123456789012345678901\nm=audio 9 X 0\n"), STATUS_OK,
         "new1"},
        {"the same on each line",
         BYTES("a=ice-ufrag:new1\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 X 0\r\n"
               "a=ice-ufrag:new2\r\na=ice-pwd:1123456789012345678901\r\n"),
         STATUS_OK, "new1"},
        {"a ufrag without password", BYTES("a=ice-ufrag:new1\r\n"), STATUS_MALFORMED, ""},
        {"a password without ufrag", BYTES("a=ice-pwd:0123456789012345678901\r\n"),
         STATUS_MALFORMED, ""},
        {"too short", BYTES("a=ice-ufrag:new\r\na=ice-pwd:0123456789012345678901\r\n"),
         STATUS_MALFORMED, ""},
        {"NUL", BYTES("a=ice-ufrag:ne\0w1\r\na=ice-pwd:0123456789012345678901\r\n"),
         STATUS_MALFORMED, ""},
        {"a space", BYTES("a=ice-ufrag:ne w1\r\na=ice-pwd:0123456789012345678901\r\n"),
         STATUS_MALFORMED, ""},
        {"JSON", BYTES("{}"), STATUS_MALFORMED, ""},
        {"no lines", BYTES("hello"), STATUS_MALFORMED, ""},
        {"CR alone", BYTES("a=ice-ufrag:new1\ra=ice-pwd:0123456789012345678901\r"),
         STATUS_MALFORMED, ""},
        {"invalid UTF-8", BYTES("a=x:\xff\r\n"), STATUS_MALFORMED, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ice_parameters ice = {"before", "before"};
        enum status got = negotiation_parse_fragment(cases[i].text, &ice);
        if (got != cases[i].expected)
            fail_msg("%s: %s", cases[i].why, status_name(got));
        assert_string_equal(ice.ufrag, got == STATUS_OK ? cases[i].ufrag : "before");
    }
    (void)state;
}

static void a_fragment_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct ice_parameters ice;
    memset(f->changed, 'a', sizeof f->changed);
    memcpy(f->changed, "a=", 2);
    assert_int_equal(negotiation_parse_fragment(bytes_of(f->changed, SDP_BYTES_MAX), &ice),
                     STATUS_OK);
    assert_int_equal(negotiation_parse_fragment(bytes_of(f->changed, SDP_BYTES_MAX + 1), &ice),
                     STATUS_LIMIT);
    memset(f->changed, '\n', SDP_BYTES_MAX);
    assert_int_equal(negotiation_parse_fragment(bytes_of(f->changed, SDP_BYTES_MAX), &ice),
                     STATUS_LIMIT);
}

static void our_fragment_says_the_relay_s_credentials(void **state)
{
    struct fixture *f = *state;
    struct ice_parameters ice;
    assert_int_equal(
        negotiation_write_fragment(&relay, (struct bytes_mut){f->text, ANSWER_BYTES}, &f->size),
        STATUS_OK);
    assert_int_equal(negotiation_parse_fragment(bytes_of(f->text, f->size), &ice), STATUS_OK);
    assert_string_equal(ice.ufrag, relay.local_ice.ufrag);
    assert_string_equal(ice.pwd, relay.local_ice.pwd);
    assert_int_equal(
        negotiation_write_fragment(&relay, (struct bytes_mut){f->text, f->size}, &f->size),
        STATUS_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_real_programs_offer_is_understood, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_offer_that_cannot_be_answered_is_refused_with_its_reason,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_text_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_offer_cut_anywhere_is_answered_or_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_offer_of_500_media_sections_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_offer_may_be_64_kib_and_no_byte_longer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_codec_that_does_not_fit_costs_its_line_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            feedback_for_formats_that_are_not_on_the_line_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(h264_profiles_compare_without_level_and_with_packetization,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_extension_id_means_one_thing_in_the_whole_bundle, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_ssrc_declared_on_two_lines_is_the_first_one_s, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lines_become_slots_by_direction_and_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_receiving_slot_has_the_same_ssrc_in_every_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_tagged_line_s_transport_is_the_bundle_s, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_tagged_line_is_made_inactive_rather_than_rejected,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_single_line_needs_no_bundle_and_gets_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_side_that_begins_dtls_follows_the_offer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(simulcast_is_answered_only_where_it_was_offered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(candidates_are_written_for_udp_and_tcp_and_both_families,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_without_room_is_never_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_answer_fits_into_80_kib, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fragment_gives_the_new_credentials_or_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_fragment_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(our_fragment_says_the_relay_s_credentials, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
