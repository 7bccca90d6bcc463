/* What is answered: lines and slots, candidates, sizes, fragments. */
#include "unit/signaling/negotiation_bench.c"

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
        TEST(lines_become_slots_by_direction_and_order),
        TEST(a_receiving_slot_has_the_same_ssrc_in_every_answer),
        TEST(the_tagged_line_s_transport_is_the_bundle_s),
        TEST(the_tagged_line_is_made_inactive_rather_than_rejected),
        TEST(a_single_line_needs_no_bundle_and_gets_none),
        TEST(the_side_that_begins_dtls_follows_the_offer),
        TEST(simulcast_is_answered_only_where_it_was_offered),
        TEST(candidates_are_written_for_udp_and_tcp_and_both_families),
        TEST(an_answer_without_room_is_never_cut),
        TEST(the_largest_answer_fits_into_80_kib),
        TEST(a_fragment_gives_the_new_credentials_or_none),
        TEST(a_fragment_is_bounded),
        TEST(our_fragment_says_the_relay_s_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
