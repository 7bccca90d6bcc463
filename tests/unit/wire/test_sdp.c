#include "wire/sdp.h"

#include "unit/wire/wire_test.h"

#include <stdio.h>

#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define LINE "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:0\r\n"
#define AB8 "AB:AB:AB:AB:AB:AB:AB:AB"
#define FINGERPRINT AB8 ":" AB8 ":" AB8 ":" AB8

static int set_up(void **state)
{
    *state = malloc(sizeof(struct sdp));
    return *state == NULL;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static const struct sdp_media *parse_one(struct sdp *sdp, const char *text)
{
    enum status status = sdp_parse(bytes_of_string(text), sdp);
    if (status != STATUS_OK)
        fail_msg("%s: %s", text, status_name(status));
    assert_int_equal(sdp->media_count, 1);
    return &sdp->media[0];
}

static void expect_text(struct bytes got, const char *expected)
{
    if (!bytes_equal_string(got, expected))
        fail_msg("got \"%.*s\", expected \"%s\"", (int)got.size, (const char *)got.data, expected);
}

static void an_m_line_is_read_with_its_formats(void **state)
{
    struct sdp *sdp = *state;
    const struct sdp_media *m =
        parse_one(sdp, HEAD "m=video 50000/2 UDP/TLS/RTP/SAVPF 96 97\r\na=sendonly\r\n"
                            "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
                            "a=rtcp-fb:* transport-cc\r\na=rtcp-fb:96 goog-remb \r\n"
                            "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-mux\r\n"
                            "a=rtcp-rsize\r\na=bundle-only\r\na=rtcp-fb:1 nack pli\r\n");
    expect_text(m->kind, "video");
    expect_text(m->protocol, "UDP/TLS/RTP/SAVPF");
    assert_int_equal(m->port, 50000);
    assert_int_equal(m->direction, SDP_SENDONLY);
    assert_true(m->rtcp_mux && m->rtcp_rsize && m->bundle_only);
    assert_int_equal(m->codec_count, 2);
    expect_text(m->codecs[0].name, "VP8");
    assert_int_equal(m->codecs[0].payload_type, 96);
    assert_int_equal(m->codecs[0].clock_rate, 90000);
    assert_int_equal(m->codecs[0].channels, 1);
    assert_true(m->codecs[0].nack && m->codecs[0].transport_cc && m->codecs[0].remb);
    assert_false(m->codecs[0].pli || m->codecs[0].fir);
    assert_true(m->codecs[1].transport_cc);
    expect_text(sdp_fmtp_find(m->codecs[1].fmtp, "apt"), "96");
}

static void what_stands_before_the_first_m_line_holds_where_a_line_is_silent(void **state)
{
    struct sdp *sdp = *state;
    enum status status = sdp_parse(
        bytes_of_string(HEAD "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
                             "a=fingerprint:sha-256 " FINGERPRINT "\r\na=setup:active\r\n"
                             "a=recvonly\r\na=extmap:3 urn:x\r\na=extmap-allow-mixed\r\n"
                             "a=group:LS 0 1\r\na=group:BUNDLE 0 1\r\na=group:BUNDLE 7\r\n" LINE
                             "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=ice-ufrag:efgh\r\n"
                             "a=ice-pwd:1123456789012345678901\r\na=setup:passive\r\n"
                             "a=sendonly\r\na=extmap:4 urn:y\r\n"),
        sdp);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(sdp->media_count, 2);
    expect_text(sdp->media[0].ufrag, "abcd");
    expect_text(sdp->media[0].pwd, "0123456789012345678901");
    assert_int_equal(sdp->media[0].setup, SDP_SETUP_ACTIVE);
    assert_int_equal(sdp->media[0].direction, SDP_RECVONLY);
    assert_int_equal(sdp->media[0].extension_count, 1);
    expect_text(sdp->media[1].ufrag, "efgh");
    expect_text(sdp->media[1].pwd, "1123456789012345678901");
    assert_int_equal(sdp->media[1].setup, SDP_SETUP_PASSIVE);
    assert_int_equal(sdp->media[1].direction, SDP_SENDONLY);
    assert_int_equal(sdp->media[1].extension_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(sdp->media[i].has_fingerprint);
        assert_int_equal(sdp->media[i].fingerprint[31], 0xab);
    }
    assert_true(sdp->extmap_allow_mixed);
    assert_false(sdp->ice_lite);
    assert_int_equal(sdp->bundle_count, 2);
    expect_text(sdp->bundle[1], "1");
}

static void ssrcs_pairs_rids_and_extensions_are_listed_once_and_in_order(void **state)
{
    struct sdp *sdp = *state;
    const struct sdp_media *m = parse_one(
        sdp, HEAD LINE "a=ssrc-group:FID 1 2\r\na=ssrc-group:SIM 1 3\r\na=ssrc-group:FID 5 5\r\n"
                       "a=ssrc:4294967295 cname:x\r\na=ssrc:1 cname:x\r\na=ssrc:1 msid:x y\r\n"
                       "a=ssrc:0 cname:x\r\na=ssrc:4294967296 cname:x\r\na=ssrc:-1\r\na=ssrc:\r\n"
                       "a=rid:hi send pt=111\r\na=rid:lo send\r\na=rid:hi send\r\na=rid:in recv\r\n"
                       "a=simulcast:send hi;lo\r\na=extmap:14/sendonly urn:x attributes\r\n"
                       "a=extmap:15 urn:reserved\r\na=extmap:255 urn:y\r\na=extmap:256 urn:z\r\n");
    assert_int_equal(m->ssrc_count, 2);
    assert_true(m->ssrcs[0] == 4294967295u && m->ssrcs[1] == 1);
    assert_int_equal(m->pair_count, 1);
    assert_true(m->pairs[0].ssrc == 1 && m->pairs[0].rtx_ssrc == 2);
    assert_int_equal(m->rid_count, 2);
    expect_text(m->rids[0], "hi");
    expect_text(m->rids[1], "lo");
    assert_true(m->has_simulcast);
    assert_int_equal(m->extension_count, 2);
    assert_int_equal(m->extensions[0].id, 14);
    assert_int_equal(m->extensions[0].direction, SDP_SENDONLY);
    expect_text(m->extensions[0].uri, "urn:x");
    assert_int_equal(m->extensions[1].id, 255);
}

/* Lines of any number: what is beyond a maximum is left, and writes nowhere else. */
static void lists_end_at_their_maximum(void **state)
{
    struct sdp *sdp = *state;
    static char text[SDP_BYTES_MAX];
    size_t used = (size_t)snprintf(text, sizeof text, HEAD "m=audio 9 X");
    for (unsigned i = 0; i < 200; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, " %u", i % 128);
    used += (size_t)snprintf(text + used, sizeof text - used, "\r\n");
    for (unsigned i = 1; i < 120; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "a=ssrc:%u cname:x\r\n", i);
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "a=ssrc-group:FID %u 1000\r\n", i);
        used += (size_t)snprintf(text + used, sizeof text - used, "a=rid:r%u send\r\n", i);
        used += (size_t)snprintf(text + used, sizeof text - used, "a=extmap:%u urn:x\r\n", i);
    }
    const struct sdp_media *m = parse_one(sdp, text);
    assert_int_equal(m->codec_count, SDP_CODECS_MAX);
    assert_int_equal(m->ssrc_count, SDP_SSRCS_MAX);
    assert_int_equal(m->pair_count, SDP_SSRCS_MAX / 2);
    assert_int_equal(m->rid_count, SDP_RIDS_MAX);
    assert_int_equal(m->extension_count, SDP_EXTENSIONS_MAX);
    assert_int_equal(m->ssrcs[SDP_SSRCS_MAX - 1], SDP_SSRCS_MAX);
}

static size_t repeat(char *out, size_t used, size_t capacity, const char *line, size_t count)
{
    size_t size = strlen(line);
    for (size_t i = 0; i < count && used + size < capacity; i++) {
        memcpy(out + used, line, size);
        used += size;
    }
    return used;
}

static void too_much_is_refused_as_a_limit(void **state)
{
    struct sdp *sdp = *state;
    static char text[SDP_BYTES_MAX + 1];
    static const struct {
        const char *line;
        size_t count;
        enum status expected;
    } cases[] = {
        {"m=audio 9 X 0\r\n", SDP_MEDIA_MAX, STATUS_OK},
        {"m=audio 9 X 0\r\n", SDP_MEDIA_MAX + 1, STATUS_LIMIT},
        {"m=audio 9 X 0\r\n", 1000, STATUS_LIMIT},
        {"a=x\r\n", SDP_LINES_MAX - 1, STATUS_OK},
        {"a=x\r\n", SDP_LINES_MAX, STATUS_LIMIT},
        {"\r\n", SDP_LINES_MAX, STATUS_LIMIT},
        {"\n", 60000, STATUS_LIMIT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t used = repeat(text, 0, sizeof text, "v=0\r\n", 1);
        used = repeat(text, used, sizeof text, cases[i].line, cases[i].count);
        expect_status(cases[i].line, sdp_parse(bytes_of(text, used), sdp), cases[i].expected);
    }
    memset(text, 'x', sizeof text);
    memcpy(text, "v=0\r\na=", 7);
    expect_status("64 KiB", sdp_parse(bytes_of(text, SDP_BYTES_MAX), sdp), STATUS_OK);
    expect_status("one more", sdp_parse(bytes_of(text, SDP_BYTES_MAX + 1), sdp), STATUS_LIMIT);
}

static void text_that_is_no_sdp_is_refused(void **state)
{
    struct sdp *sdp = *state;
    static const struct {
        const char *why;
        struct bytes text;
        enum status expected;
    } cases[] = {
        {"the version alone", BYTES("v=0"), STATUS_OK},
        {"no last line end", BYTES(HEAD "m=audio 9 X 0"), STATUS_OK},
        {"empty lines first", BYTES("\r\n\nv=0\n"), STATUS_OK},
        {"nothing", BYTES(""), STATUS_MALFORMED},
        {"empty lines", BYTES("\r\n\r\n"), STATUS_MALFORMED},
        {"version 1", BYTES("v=1\r\n"), STATUS_MALFORMED},
        {"version behind", BYTES("s=-\r\nv=0\r\n"), STATUS_MALFORMED},
        {"NUL at the end", BYTES(HEAD "\0"), STATUS_MALFORMED},
        {"NUL in a value", BYTES(HEAD "a=mid:0\0\r\n"), STATUS_MALFORMED},
        {"CR alone", BYTES("v=0\rs=-\rm=audio 9 X 0\r"), STATUS_MALFORMED},
        {"CR CR LF", BYTES("v=0\r\r\n"), STATUS_MALFORMED},
        {"one letter", BYTES("v=0\r\na\r\n"), STATUS_MALFORMED},
        {"no equals sign", BYTES("v=0\r\nab\r\n"), STATUS_MALFORMED},
        {"a key of two letters", BYTES("v=0\r\nab=c\r\n"), STATUS_MALFORMED},
        {"an m-line of nothing", BYTES("v=0\r\nm=\r\n"), STATUS_MALFORMED},
        {"an m-line of a kind", BYTES("v=0\r\nm=audio\r\n"), STATUS_MALFORMED},
        {"an m-line without protocol", BYTES("v=0\r\nm=audio 9\r\n"), STATUS_MALFORMED},
        {"an m-line without formats", BYTES("v=0\r\nm=audio 9 X\r\n"), STATUS_OK},
        {"two spaces", BYTES("v=0\r\nm=audio  9 X 0\r\n"), STATUS_MALFORMED},
        {"a UTF-8 character cut", BYTES("v=0\r\ns=\xe2\x82"), STATUS_MALFORMED},
        {"above U+10FFFF", BYTES("v=0\r\ns=\xf4\x90\x80\x80\r\n"), STATUS_MALFORMED},
        {"the last character", BYTES("v=0\r\ns=\xf4\x8f\xbf\xbf\r\n"), STATUS_OK},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut exact = exact_copy(cases[i].text, cases[i].text.size);
        expect_status(cases[i].why, sdp_parse(bytes_const(exact), sdp), cases[i].expected);
        free(exact.data);
    }
}

static void attributes_out_of_their_form_are_refused_or_passed_over(void **state)
{
    struct sdp *sdp = *state;
    static const struct {
        const char *line;
        enum status expected;
    } cases[] = {
        {"a=rtpmap:111 opus/48000/2", STATUS_OK},
        {"a=rtpmap:111 opus", STATUS_MALFORMED},
        {"a=rtpmap:111 /48000", STATUS_MALFORMED},
        {"a=rtpmap:111", STATUS_MALFORMED},
        {"a=rtpmap:111 opus/99999999999", STATUS_MALFORMED},
        {"a=rtpmap:111 opus/48000/x", STATUS_MALFORMED},
        {"a=rtpmap:96 opus/x", STATUS_OK}, /* not on the line */
        {"a=rtpmap:999 opus/48000", STATUS_OK},
        {"a=fmtp:96 x=1", STATUS_OK},
        {"a=fmtp", STATUS_OK},
        {"a=rtcp-fb", STATUS_OK},
        {"a=extmap:0 urn:x", STATUS_MALFORMED},
        {"a=extmap:1", STATUS_MALFORMED},
        {"a=extmap:4351 urn:x", STATUS_OK},
        {"a=extmap:4352 urn:x", STATUS_MALFORMED},
        {"a=mid:a b", STATUS_MALFORMED},
        {"a=mid", STATUS_MALFORMED},
        {"a=setup:", STATUS_MALFORMED},
        {"a=setup:holdconn", STATUS_OK}, /* the negotiation refuses it */
        {"a=ice-ufrag:abc", STATUS_MALFORMED},
        {"a=ice-pwd:012345678901234567890", STATUS_MALFORMED},
        {"a=fingerprint:sha-1 AB", STATUS_OK},
        {"a=fingerprint:SHA-256 " FINGERPRINT, STATUS_OK},
        {"a=fingerprint:sha-256 " FINGERPRINT ":AB", STATUS_MALFORMED},
        {"a=fingerprint:sha-256 " AB8, STATUS_MALFORMED},
        {"a=fingerprint:sha-256", STATUS_MALFORMED},
        {"a=ssrc-group:FID", STATUS_OK},
        {"a=rid", STATUS_OK},
        {"a=", STATUS_OK},
        {"a=:", STATUS_OK},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[400];
        snprintf(text, sizeof text, "%s%s\r\n", HEAD LINE, cases[i].line);
        expect_status(cases[i].line, sdp_parse(bytes_of_string(text), sdp), cases[i].expected);
    }
}

static void format_parameters_are_found_by_key_without_case(void **state)
{
    static const struct {
        const char *fmtp, *key, *expected;
    } cases[] = {
        {"a=1;b=2", "b", "2"},
        {" a = 1 ; B = 2 ", "b", "2"},
        {"apt=96;rtx-time=3000", "apt", "96"},
        {"xapt=1;apt=2", "apt", "2"},
        {"apt", "apt", ""},
        {"a=1;;b=2;", "b", "2"},
        {"a=1;a=2", "a", "1"},
        {"a=x=y", "a", "x=y"},
        {"", "a", ""},
        {";;;", "a", ""},
        {"0-15", "a", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_text(sdp_fmtp_find(bytes_of_string(cases[i].fmtp), cases[i].key), cases[i].expected);
    assert_int_equal(sdp_fmtp_find(BYTES_NONE, "a").size, 0);
    (void)state;
}

static void a_number_is_digits_up_to_its_maximum(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool valid;
        uint64_t value;
    } cases[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"007", 9, true, 7},
        {"127", 127, true, 127},
        {"128", 127, false, 0},
        {"4294967295", UINT32_MAX, true, UINT32_MAX},
        {"4294967296", UINT32_MAX, false, 0},
        {"00000000001", 9, false, 0},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {"+1", 9, false, 0},
        {"-1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"0x1", 99, false, 0},
        {"1e1", 99, false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t value = 77;
        bool valid = sdp_parse_number(bytes_of_string(cases[i].text), cases[i].max, &value);
        if (valid != cases[i].valid || value != (valid ? cases[i].value : 77))
            fail_msg("\"%s\"", cases[i].text);
    }
    (void)state;
}

static void a_fragment_gives_the_first_credentials(void **state)
{
    struct sdp_fragment fragment;
    struct bytes text = bytes_of_string("m=audio 9 X 0\r\na=mid:0\r\na=ice-pwd:"
                                        "0123456789012345678901\r\na=ice-ufrag:abcd\r\n"
                                        "m=audio 9 X 0\r\na=ice-ufrag:efgh\r\n");
    assert_int_equal(sdp_parse_fragment(text, &fragment), STATUS_OK);
    expect_text(fragment.ufrag, "abcd");
    expect_text(fragment.pwd, "0123456789012345678901");
    assert_int_equal(sdp_parse_fragment(BYTES_NONE, &fragment), STATUS_OK);
    assert_int_equal(fragment.ufrag.size, 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_m_line_is_read_with_its_formats, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_stands_before_the_first_m_line_holds_where_a_line_is_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            ssrcs_pairs_rids_and_extensions_are_listed_once_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_end_at_their_maximum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_much_is_refused_as_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_that_is_no_sdp_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(attributes_out_of_their_form_are_refused_or_passed_over,
                                        set_up, tear_down),
        cmocka_unit_test(format_parameters_are_found_by_key_without_case),
        cmocka_unit_test(a_number_is_digits_up_to_its_maximum),
        cmocka_unit_test(a_fragment_gives_the_first_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
