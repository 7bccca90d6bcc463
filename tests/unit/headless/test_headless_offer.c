#include "client-demo/headless/headless_offer.h"

#include "wire/sdp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct headless_offer_params params = {
    .ice = {.ufrag = "uFrA", .pwd = "aPasswordOfTwentyFourChars"},
    .fingerprint = {0xab, 0xcd, [31] = 0x12},
    .ssrcs = {1111, 2222},
    .rtx_ssrc = 3333,
};

static void the_offer_has_every_line_in_the_order_of_the_protocol(void **state)
{
    (void)state;
    static char text[HEADLESS_OFFER_BYTES_MAX];
    struct sdp *sdp = malloc(sizeof(*sdp));
    assert_non_null(sdp);
    assert_int_equal(headless_offer_write(&params, text, sizeof(text)), STATUS_OK);
    assert_int_equal(sdp_parse(bytes_of_string(text), sdp), STATUS_OK);
    assert_int_equal(sdp->media_count, HEADLESS_LINE_COUNT);
    assert_int_equal(sdp->bundle_count, HEADLESS_LINE_COUNT);
    for (size_t i = 0; i < HEADLESS_LINE_COUNT; i++) {
        const struct sdp_media *m = &sdp->media[i];
        char mid[8];
        snprintf(mid, sizeof(mid), "%zu", i);
        assert_true(bytes_equal_string(m->mid, mid));
        assert_int_equal(m->direction, headless_line_is_sent((enum headless_line)i) ? SDP_SENDONLY
                                                                                    : SDP_RECVONLY);
        bool video = headless_line_kind((enum headless_line)i) == MEDIA_KIND_VIDEO;
        assert_true(bytes_equal_string(m->kind, video ? "video" : "audio"));
        assert_true(bytes_equal_string(m->ufrag, "uFrA"));
        assert_true(bytes_equal_string(m->pwd, "aPasswordOfTwentyFourChars"));
        assert_memory_equal(m->fingerprint, params.fingerprint, FINGERPRINT_BYTES);
        assert_int_equal(m->setup, SDP_SETUP_ACTPASS);
        assert_true(m->rtcp_mux);
    }
    assert_int_equal(sdp->media[HEADLESS_LINE_MIC].ssrcs[0], 1111);
    assert_int_equal(sdp->media[HEADLESS_LINE_SCREEN].pairs[0].ssrc, 2222);
    assert_int_equal(sdp->media[HEADLESS_LINE_SCREEN].pairs[0].rtx_ssrc, 3333);
    free(sdp);
}

/* What browsers offer too: redundant voice (RFC 2198) and transport-wide feedback. */
static void the_offer_asks_for_redundancy_and_feedback_as_browsers_do(void **state)
{
    (void)state;
    static char text[HEADLESS_OFFER_BYTES_MAX];
    assert_int_equal(headless_offer_write(&params, text, sizeof(text)), STATUS_OK);
    assert_non_null(strstr(text, "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"));
    assert_non_null(strstr(text, "a=rtcp-fb:111 transport-cc\r\n"));
    assert_non_null(strstr(text, "a=rtcp-fb:96 transport-cc\r\n"));
    assert_non_null(strstr(text, "a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-"
                                 "wide-cc-extensions-01\r\n"));
}

static void lines_have_the_names_of_the_protocol(void **state)
{
    (void)state;
    static const char *const names[HEADLESS_LINE_COUNT] = {
        "mic", "screen", "voice_0", "voice_1", "voice_2", "screen_audio", "screen"};
    for (size_t i = 0; i < HEADLESS_LINE_COUNT; i++)
        assert_string_equal(headless_line_name((enum headless_line)i), names[i]);
}

static void an_offer_without_room_fails_and_never_overflows(void **state)
{
    (void)state;
    static char text[HEADLESS_OFFER_BYTES_MAX];
    for (size_t room = 0; room < 2000; room += 37) {
        memset(text, 0x55, sizeof(text));
        assert_int_equal(headless_offer_write(&params, text, room), STATUS_TRUNCATED);
        assert_int_equal(text[room], 0x55);
    }
}

/* --- The answer */

/* Replaces the first `from` of a good answer by `to`. */
static char *make_answer(const char *from, const char *to)
{
    static char text[16384], changed[16384];
    size_t used = (size_t)snprintf(text, sizeof(text),
                                   "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                                   "a=ice-lite\r\na=group:BUNDLE 0 1 2 3 4 5 6\r\n");
    for (int i = 0; i < HEADLESS_LINE_COUNT; i++) {
        bool video = headless_line_kind((enum headless_line)i) == MEDIA_KIND_VIDEO;
        bool sent = headless_line_is_sent((enum headless_line)i);
        used += (size_t)snprintf(
            text + used, sizeof(text) - used,
            "m=%s 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=mid:%d\r\na=%s\r\n"
            "a=rtcp-mux\r\na=ice-ufrag:relay\r\na=ice-pwd:thePasswordOfTheRelay1234\r\n"
            "a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:"
            "16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"
            "a=setup:passive\r\na=rtpmap:%d %s\r\n",
            video ? "video" : "audio", video ? 96 : 111, i, sent ? "recvonly" : "sendonly",
            video ? 96 : 111, video ? "VP8/90000" : "opus/48000/2");
        if (!sent && video)
            used += (size_t)snprintf(text + used, sizeof(text) - used,
                                     "a=ssrc-group:FID %d %d\r\na=ssrc:%d cname:r\r\n", 500 + i,
                                     600 + i, 600 + i);
        if (!sent)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "a=ssrc:%d cname:r\r\n",
                                     500 + i);
        if (i == 0)
            used += (size_t)snprintf(text + used, sizeof(text) - used,
                                     "a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host\r\n"
                                     "a=candidate:2 1 udp 2130706430 2001:db8::1 40001 typ host\r\n"
                                     "a=end-of-candidates\r\n");
    }
    assert_true(used < sizeof(text));
    char *at = from[0] != '\0' ? strstr(text, from) : NULL;
    assert_true(at != NULL || from[0] == '\0');
    if (at == NULL)
        return text;
    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return changed;
}

static void an_answer_gives_transport_streams_and_addresses(void **state)
{
    (void)state;
    struct headless_answer answer;
    struct net_addr first, second;
    assert_int_equal(headless_answer_parse(bytes_of_string(make_answer("", "")), &answer),
                     STATUS_OK);
    assert_string_equal(answer.ice.ufrag, "relay");
    assert_string_equal(answer.ice.pwd, "thePasswordOfTheRelay1234");
    assert_int_equal(answer.fingerprint[0], 1);
    assert_int_equal(answer.fingerprint[31], 0x20);
    assert_int_equal(answer.our_role, DTLS_ROLE_CLIENT);
    assert_int_equal(answer.candidate_count, 2);
    assert_int_equal(net_addr_parse_ip("192.0.2.1", 40000, &first), STATUS_OK);
    assert_int_equal(net_addr_parse_ip("2001:db8::1", 40001, &second), STATUS_OK);
    assert_true(net_addr_equal(&answer.candidates[0], &first));
    assert_true(net_addr_equal(&answer.candidates[1], &second));
    for (size_t i = HEADLESS_LINE_VOICE_0; i < HEADLESS_LINE_COUNT; i++) {
        assert_true(answer.lines[i].accepted);
        assert_int_equal(answer.lines[i].ssrc, 500 + i);
    }
    assert_int_equal(answer.lines[HEADLESS_LINE_SCREEN_IN].rtx_ssrc, 606);
    assert_false(answer.has_abs_capture_time);
}

static void refused_and_inactive_lines_are_not_used(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"a=recvonly", "a=inactive"},
        {"m=audio 9", "m=audio 0"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct headless_answer answer;
        const char *text = make_answer(cases[i].from, cases[i].to);
        assert_int_equal(headless_answer_parse(bytes_of_string(text), &answer), STATUS_OK);
        assert_false(answer.lines[HEADLESS_LINE_MIC].accepted);
        assert_true(answer.lines[HEADLESS_LINE_SCREEN].accepted);
    }
}

static void who_shakes_hands_first_follows_the_setup_line(void **state)
{
    (void)state;
    struct headless_answer answer;
    const char *text = make_answer("a=setup:passive", "a=setup:active");
    assert_int_equal(headless_answer_parse(bytes_of_string(text), &answer), STATUS_OK);
    assert_int_equal(answer.our_role, DTLS_ROLE_SERVER);
}

static void what_lacks_something_needed_is_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *why, *from, *to;
    } cases[] = {
        {"not SDP", "v=0", "{}"},
        {"no fingerprint", "a=fingerprint:sha-256", "a=fingerprint:sha-1"},
        {"a line too few", "m=video 9", "a=x"},
        {"a line too many", "m=audio 9", "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=audio 9"},
        {"no password", "a=ice-pwd:thePasswordOfTheRelay1234", "a=x"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct headless_answer answer;
        const char *text = make_answer(cases[i].from, cases[i].to);
        enum status status = headless_answer_parse(bytes_of_string(text), &answer);
        if (status != STATUS_MALFORMED)
            fail_msg("%s: %s", cases[i].why, status_name(status));
    }
}

static void candidates_that_cannot_be_used_are_passed_over(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "a=candidate:2 1 tcp 1 192.0.2.2 40001 typ host",
        "a=candidate:2 1 udp 1 name.local 1 typ host",
        "a=candidate:2 1 udp 1 192.0.2.2 65536 typ host",
        "a=candidate:2 1 udp 1 192.0.2.2",
        "a=candidate:",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct headless_answer answer;
        const char *text =
            make_answer("a=candidate:2 1 udp 2130706430 2001:db8::1 40001 typ host", lines[i]);
        assert_int_equal(headless_answer_parse(bytes_of_string(text), &answer), STATUS_OK);
        assert_int_equal(answer.candidate_count, 1);
    }
    static char many[4096] = "";
    for (size_t i = 0, used = 0; i < 20; i++)
        used += (size_t)snprintf(many + used, sizeof(many) - used,
                                 "a=candidate:9 1 udp 1 192.0.2.%zu 1 typ host\r\n", i + 10);
    struct headless_answer answer;
    const char *text = make_answer("a=end-of-candidates\r\n", many);
    assert_int_equal(headless_answer_parse(bytes_of_string(text), &answer), STATUS_OK);
    assert_int_equal(answer.candidate_count, ICE_CLIENT_CANDIDATES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_offer_has_every_line_in_the_order_of_the_protocol),
        cmocka_unit_test(the_offer_asks_for_redundancy_and_feedback_as_browsers_do),
        cmocka_unit_test(lines_have_the_names_of_the_protocol),
        cmocka_unit_test(an_offer_without_room_fails_and_never_overflows),
        cmocka_unit_test(an_answer_gives_transport_streams_and_addresses),
        cmocka_unit_test(refused_and_inactive_lines_are_not_used),
        cmocka_unit_test(who_shakes_hands_first_follows_the_setup_line),
        cmocka_unit_test(what_lacks_something_needed_is_malformed),
        cmocka_unit_test(candidates_that_cannot_be_used_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
