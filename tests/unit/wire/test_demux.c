#include "wire/demux.h"

#include "unit/wire/wire_test.h"

static void the_first_bytes_tell_the_protocol(void **state)
{
    const struct {
        const char *why;
        struct bytes datagram;
        enum demux_kind expected;
    } cases[] = {
        {"empty", {NULL, 0}, DEMUX_NONE},
        {"STUN, lowest", OCTETS(0), DEMUX_STUN},
        {"STUN, highest", OCTETS(3), DEMUX_STUN},
        {"above STUN", OCTETS(4), DEMUX_NONE},
        {"ZRTP", OCTETS(16), DEMUX_NONE},
        {"below DTLS", OCTETS(19), DEMUX_NONE},
        {"DTLS, lowest", OCTETS(20), DEMUX_DTLS},
        {"DTLS, highest", OCTETS(63), DEMUX_DTLS},
        {"TURN channel", OCTETS(64), DEMUX_NONE},
        {"QUIC", OCTETS(80), DEMUX_NONE},
        {"QUIC, highest", OCTETS(127), DEMUX_NONE},
        {"RTP, lowest", OCTETS(128, 96), DEMUX_RTP},
        {"RTP, highest", OCTETS(191, 111), DEMUX_RTP},
        {"RTP without a second byte", OCTETS(128), DEMUX_NONE},
        {"RTP with marker, type 63", OCTETS(128, 191), DEMUX_RTP},
        {"RTCP, lowest", OCTETS(128, 192), DEMUX_RTCP},
        {"RTCP sender report", OCTETS(128, 200), DEMUX_RTCP},
        {"RTCP, highest", OCTETS(128, 223), DEMUX_RTCP},
        {"RTP with marker, type 96", OCTETS(128, 224), DEMUX_RTP},
        {"RTP type 72 without marker", OCTETS(128, 72), DEMUX_RTP},
        {"QUIC long header", OCTETS(192, 200), DEMUX_NONE},
        {"all ones", OCTETS(255, 255), DEMUX_NONE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum demux_kind got = demux_classify(cases[i].datagram);
        if (got != cases[i].expected)
            fail_msg("%s: got %s", cases[i].why, demux_kind_name(got));
    }
    (void)state;
}

static void a_datagram_above_1500_bytes_is_nobodys(void **state)
{
    uint8_t data[DEMUX_DATAGRAM_BYTES_MAX + 1] = {0x80, 96};
    assert_int_equal(demux_classify(bytes_of(data, DEMUX_DATAGRAM_BYTES_MAX)), DEMUX_RTP);
    assert_int_equal(demux_classify(bytes_of(data, sizeof data)), DEMUX_NONE);
    (void)state;
}

static void only_what_begins_with_a_receiver_report_may_wait(void **state)
{
    static const struct {
        const char *what;
        struct bytes datagram;
        bool may_wait;
    } cases[] = {
        {"receiver report", BYTES("\x81\xc9\0\7"), true},
        {"receiver report with padding", BYTES("\xa2\xc9"), true},
        {"sender report", BYTES("\x81\xc8\0\7"), false},
        {"NACK or transport-wide feedback", BYTES("\x81\xcd\0\3"), false},
        {"picture loss", BYTES("\x81\xce\0\2"), false},
        {"RTP, payload type 73 and no marker", BYTES("\x80\x49\0\1"), false},
        {"STUN", BYTES("\0\xc9\0\1"), false},
        {"DTLS", BYTES("\x16\xc9"), false},
        {"version 3", BYTES("\xc1\xc9\0\7"), false},
        {"one byte", BYTES("\x81"), false},
        {"nothing", BYTES(""), false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (demux_is_report(cases[i].datagram) != cases[i].may_wait)
            fail_msg("%s", cases[i].what);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_bytes_tell_the_protocol),
        cmocka_unit_test(a_datagram_above_1500_bytes_is_nobodys),
        cmocka_unit_test(only_what_begins_with_a_receiver_report_may_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
