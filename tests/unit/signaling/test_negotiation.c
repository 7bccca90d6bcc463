/* What cannot be negotiated: offers that are refused whole, or in part. */
#include "unit/signaling/negotiation_bench.c"

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
        {"packetization-mode=1;profile-level-id=4d001f", "4d/1"},
        {"packetization-mode=1;profile-level-id=64001F", "64/1"},
        {"packetization-mode=1;profile-level-id=640c1f", "64/1"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_offer_that_cannot_be_answered_is_refused_with_its_reason),
        TEST(what_is_no_text_is_refused),
        TEST(an_offer_cut_anywhere_is_answered_or_refused),
        TEST(an_offer_of_500_media_sections_is_refused),
        TEST(an_offer_may_be_64_kib_and_no_byte_longer),
        TEST(a_codec_that_does_not_fit_costs_its_line_alone),
        TEST(feedback_for_formats_that_are_not_on_the_line_is_passed_over),
        TEST(h264_profiles_compare_without_level_and_with_packetization),
        TEST(an_extension_id_means_one_thing_in_the_whole_bundle),
        TEST(one_ssrc_declared_on_two_lines_is_the_first_one_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
