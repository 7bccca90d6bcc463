#include "rtc/ice_lite.h"
#include "rtc/media_cipher.h"
#include "rtc/transport.h"
#include "support/ice_peer.c"
#include "support/virtual_gettimeofday.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PLAIN_BYTES 100

/* One transport, and a peer made of the engines themselves. */
struct bench {
    usec_t now;
    struct dtls_context *ours, *theirs;
    struct transport *t;
    struct dtls *dtls;
    struct media_cipher *cipher;
    struct ice_peer ice;
    enum dtls_role role;
    uint16_t seq;
    struct bytes_mut plain;
    uint8_t memory[2000];
    size_t datagrams_out;
    struct net_addr last_to;
    int last_answer;
};

static const struct log silent = {0};

static struct net_addr address(uint8_t last)
{
    return (struct net_addr){.ip = {192, 0, 2, last}, .port = 40000, .family = NET_FAMILY_IPV4};
}

static void set_now(struct bench *b, usec_t now)
{
    b->now = now;
    virtual_time_set(now);
}

static int init_library(void **state)
{
    static struct bench b;
    *state = &b;
    if (dtls_context_create(&b.ours) != STATUS_OK || dtls_context_create(&b.theirs) != STATUS_OK)
        return -1;
    return media_cipher_init_library() == STATUS_OK ? 0 : -1;
}

static int free_library(void **state)
{
    struct bench *b = *state;
    dtls_context_free(b->ours);
    dtls_context_free(b->theirs);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    transport_free(b->t);
    dtls_free(b->dtls);
    media_cipher_free(b->cipher);
    b->t = NULL;
    b->dtls = NULL;
    b->cipher = NULL;
    return 0;
}

static struct transport_params make_params(struct bench *b, enum dtls_role role)
{
    struct transport_params params = {.role = role};
    assert_int_equal(ice_credentials_generate(&params.local_ice), STATUS_OK);
    assert_int_equal(ice_credentials_generate(&params.remote_ice), STATUS_OK);
    dtls_context_get_fingerprint(b->theirs, params.remote_fingerprint);
    return params;
}

static void open_transport(struct bench *b, const struct transport_params *params)
{
    struct transport_config config = transport_config_default();
    uint8_t fingerprint[FINGERPRINT_BYTES];
    enum dtls_role peer_role =
        params->role == DTLS_ROLE_SERVER ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER;
    set_now(b, SECONDS(1));
    b->role = params->role;
    b->seq = 100;
    dtls_context_get_fingerprint(b->ours, fingerprint);
    assert_int_equal(transport_create(&b->t, b->now, &config, params, b->ours, &silent), STATUS_OK);
    assert_int_equal(dtls_create(&b->dtls, b->now, b->theirs, peer_role, fingerprint, &silent),
                     STATUS_OK);
    ice_peer_init(&b->ice, &params->remote_ice, &params->local_ice);
}

static int set_up_role(struct bench *b, enum dtls_role role)
{
    struct transport_params params = make_params(b, role);
    open_transport(b, &params);
    return 0;
}

static int set_up(void **state)
{
    return set_up_role(*state, DTLS_ROLE_SERVER);
}

static enum transport_input give(struct bench *b, uint8_t from, struct bytes data)
{
    struct net_addr addr = address(from);
    assert_true(data.size <= sizeof b->memory);
    memcpy(b->memory, data.data, data.size);
    return transport_handle_datagram(b->t, b->now, &addr, (struct bytes_mut){b->memory, data.size},
                                     &b->plain);
}

/* Hands the peer what the transport sends. */
static void drain(struct bench *b)
{
    struct transport_datagram out;
    while (transport_poll_datagram(b->t, &out)) {
        b->datagrams_out++;
        b->last_to = out.to;
        if (out.data.data[0] <= 3)
            b->last_answer = ice_peer_read_answer(&b->ice, out.data);
        else
            (void)!dtls_handle_datagram(b->dtls, b->now, out.data);
    }
}

static enum transport_input check(struct bench *b, uint8_t from)
{
    uint8_t datagram[STUN_BYTES_MAX];
    size_t size = ice_peer_write_check(&b->ice, datagram);
    enum transport_input input = give(b, from, bytes_of(datagram, size));
    b->last_answer = -1;
    drain(b);
    return input;
}

static void shake_hands(struct bench *b, uint8_t from)
{
    struct bytes out;
    dtls_start(b->dtls, b->now);
    for (int round = 0; round < 8; round++) {
        while (dtls_poll_datagram(b->dtls, &out))
            assert_int_equal(give(b, from, out), TRANSPORT_INPUT_CONSUMED);
        drain(b);
    }
    struct media_keys keys;
    if (dtls_get_state(b->dtls) != DTLS_CONNECTED)
        return;
    assert_int_equal(dtls_export_keys(b->dtls, &keys), STATUS_OK);
    assert_int_equal(media_cipher_create(&b->cipher, &keys), STATUS_OK);
}

static void connect_peer(struct bench *b, uint8_t from)
{
    assert_int_equal(check(b, from), TRANSPORT_INPUT_CONSUMED);
    assert_int_equal(b->last_answer, 0);
    shake_hands(b, from);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CONNECTED);
}

static size_t seal_rtp(struct bench *b, uint8_t *out)
{
    size_t size = PLAIN_BYTES;
    memset(out, 0x33, size);
    out[0] = 0x80;
    out[1] = 111;
    store_u16(out + 2, b->seq++);
    store_u32(out + 8, 7);
    assert_int_equal(media_cipher_protect_rtp(b->cipher, out, &size), STATUS_OK);
    return size;
}

static enum transport_input send_rtp(struct bench *b, uint8_t from)
{
    uint8_t packet[PLAIN_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
    return give(b, from, bytes_of(packet, seal_rtp(b, packet)));
}

static uint8_t remote(const struct bench *b)
{
    struct net_addr addr;
    return transport_get_remote(b->t, b->now, &addr) ? addr.ip[3] : 0;
}

static void expect_state(struct bench *b, enum transport_state expected, const char *reason)
{
    enum transport_state state;
    const char *got;
    assert_true(transport_poll_state(b->t, &state, &got));
    assert_int_equal(state, expected);
    assert_string_equal(got, reason);
    assert_false(transport_poll_state(b->t, &state, &got));
}

static void run_timers_until(struct bench *b, usec_t until)
{
    for (;;) {
        usec_t next = transport_next_timeout(b->t, b->now);
        if (next > until)
            break;
        set_now(b, usec_max(next, b->now));
        transport_handle_timeout(b->t, b->now);
        struct transport_datagram out;
        while (transport_poll_datagram(b->t, &out))
            b->datagrams_out++;
    }
    set_now(b, until);
}

static void media_flows_both_ways_in_both_roles(void **state)
{
    struct bench *b = *state;
    for (int role = 0; role < 2; role++) {
        set_up_role(b, role == 0 ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT);
        connect_peer(b, 1);
        assert_string_equal(transport_get_stats(b->t)->srtp_profile, "AEAD_AES_128_GCM");
        assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
        assert_int_equal(b->plain.size, PLAIN_BYTES);
        assert_int_equal(b->plain.data[50], 0x33);
        assert_int_equal(remote(b), 1);

        uint8_t packet[PLAIN_BYTES + TRANSPORT_SEAL_BYTES] = {0x80, 111, 0, 5};
        size_t size = PLAIN_BYTES;
        assert_int_equal(transport_protect_rtp(b->t, packet, &size), STATUS_OK);
        assert_int_equal(media_cipher_unprotect_rtp(b->cipher, packet, &size), STATUS_OK);
        uint8_t report[8 + TRANSPORT_SEAL_BYTES] = {0x80, 201, 0, 1};
        size = 8;
        assert_int_equal(transport_protect_rtcp(b->t, report, &size), STATUS_OK);
        assert_int_equal(media_cipher_unprotect_rtcp(b->cipher, report, &size), STATUS_OK);
        size = 8;
        assert_int_equal(media_cipher_protect_rtcp(b->cipher, report, &size), STATUS_OK);
        assert_int_equal(give(b, 1, bytes_of(report, size)), TRANSPORT_INPUT_RTCP);
        assert_int_equal(b->plain.size, 8);
        tear_down(state);
    }
}

static void each_change_of_state_is_told_once(void **state)
{
    struct bench *b = *state;
    enum transport_state got;
    const char *reason;
    assert_false(transport_poll_state(b->t, &got, &reason));
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
    expect_state(b, TRANSPORT_CHECKING, "");
    shake_hands(b, 1);
    expect_state(b, TRANSPORT_CONNECTED, "");
}

static void the_active_side_speaks_only_to_a_verified_address(void **state)
{
    struct bench *b = *state;
    tear_down(state);
    set_up_role(b, DTLS_ROLE_CLIENT);
    b->datagrams_out = 0;
    run_timers_until(b, SECONDS(10));
    b->ice.wrong_password = true;
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_STUN_AUTH);
    assert_int_equal(b->datagrams_out, 0);
    b->ice.wrong_password = false;
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
    assert_true(b->datagrams_out >= 2); /* the answer, and a first flight behind it */
    assert_int_equal(b->last_to.ip[3], 1);
}

static void a_stranger_moves_nothing_and_hears_nothing(void **state)
{
    struct bench *b = *state;
    struct bytes hello;
    uint8_t packet[PLAIN_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
    dtls_start(b->dtls, b->now);
    assert_true(dtls_poll_datagram(b->dtls, &hello));
    b->datagrams_out = 0;
    assert_int_equal(give(b, 66, hello), TRANSPORT_INPUT_UNKNOWN_PATH);
    drain(b);
    assert_int_equal(b->datagrams_out, 0);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_NEW);
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
    assert_int_equal(give(b, 66, hello), TRANSPORT_INPUT_UNKNOWN_PATH);
    assert_int_equal(give(b, 1, hello), TRANSPORT_INPUT_CONSUMED);
    drain(b);
    shake_hands(b, 1);
    assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
    /* Even authentic media: the address has to pass a check first (rtpbleed). */
    size_t size = seal_rtp(b, packet);
    assert_int_equal(give(b, 66, bytes_of(packet, size)), TRANSPORT_INPUT_UNKNOWN_PATH);
    assert_int_equal(remote(b), 1);
    assert_int_equal(give(b, 1, bytes_of(packet, size)), TRANSPORT_INPUT_RTP);
    assert_int_equal(give(b, 1, bytes_of(packet, size)), TRANSPORT_INPUT_SRTP_REPLAY);
}

/* T-DTLS-3: strangers spray hellos before, during and after the true handshake. */
static void sprayed_hellos_neither_prevent_nor_break_a_handshake(void **state)
{
    struct bench *b = *state;
    /* TLS_RSA_WITH_NULL_SHA alone, as scanners send it. */
    static const struct bytes null_hello =
        BYTES("\26\xfe\xfd\0\0\0\0\0\0\0\0\0\66\1\0\0\52\0\0\0\0\0\0\0\0\52\xfe\xfd"
              "01234567890123456789012345678901\0\0\0\2\0\2\1\0");
    struct net_addr same_ip = address(1);
    struct bytes out;
    same_ip.port++;
    dtls_start(b->dtls, b->now);
    for (int round = 0; round < 20; round++) {
        if (round == 5)
            assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
        for (int i = 0; i < 300; i++) {
            assert_int_equal(give(b, (uint8_t)(60 + i % 3), null_hello),
                             TRANSPORT_INPUT_UNKNOWN_PATH);
            memcpy(b->memory, null_hello.data, null_hello.size);
            struct bytes_mut copy = {b->memory, null_hello.size};
            assert_int_equal(transport_handle_datagram(b->t, b->now, &same_ip, copy, &b->plain),
                             TRANSPORT_INPUT_UNKNOWN_PATH);
        }
        if (round >= 10 && dtls_poll_datagram(b->dtls, &out))
            assert_int_equal(give(b, 1, out), TRANSPORT_INPUT_CONSUMED);
        if (round == 10 || round == 11) /* even from the peer's own address: it begins again */
            assert_int_equal(give(b, 1,
                                  (struct bytes)BYTES("\25\xfe\xfd\0\0\0\0\0\0\0\1\0\2"
                                                      "\2\50")),
                             TRANSPORT_INPUT_BAD_DTLS);
        drain(b);
    }
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CONNECTED);
    assert_int_equal(dtls_get_state(b->dtls), DTLS_CONNECTED);
}

static void a_hello_that_fails_does_not_end_the_session(void **state)
{
    struct bench *b = *state;
    static const struct bytes bad_hello =
        BYTES("\26\xfe\xfd\0\0\0\0\0\0\0\0\0\15\1\0\0\1\0\0\0\0\0\0\0\1x");
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
    b->datagrams_out = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(give(b, 1, bad_hello), TRANSPORT_INPUT_BAD_DTLS);
    drain(b);
    assert_int_equal(b->datagrams_out, 0);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CHECKING);
    shake_hands(b, 1);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CONNECTED);
    assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
}

/* The first path may be one that carries nothing towards the peer. */
static void the_first_flight_is_repeated_to_the_nominated_path(void **state)
{
    struct bench *b = *state;
    struct transport_datagram out;
    tear_down(state);
    set_up_role(b, DTLS_ROLE_CLIENT);
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
    assert_int_equal(b->last_to.ip[3], 1);
    b->ice.use_candidate = true;
    assert_int_equal(check(b, 2), TRANSPORT_INPUT_CONSUMED);
    set_now(b, transport_next_timeout(b->t, b->now));
    transport_handle_timeout(b->t, b->now);
    assert_true(transport_poll_datagram(b->t, &out));
    assert_int_equal(out.data.data[0], 22);
    assert_int_equal(out.to.ip[3], 2);
}

static void later_flights_go_where_the_peer_was_last_heard(void **state)
{
    struct bench *b = *state;
    struct transport_datagram out;
    struct bytes hello;
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
    dtls_start(b->dtls, b->now);
    assert_true(dtls_poll_datagram(b->dtls, &hello));
    assert_int_equal(give(b, 1, hello), TRANSPORT_INPUT_CONSUMED);
    while (transport_poll_datagram(b->t, &out))
        assert_int_equal(out.to.ip[3], 1);
    b->ice.use_candidate = true;
    assert_int_equal(check(b, 2), TRANSPORT_INPUT_CONSUMED);
    set_now(b, transport_next_timeout(b->t, b->now));
    transport_handle_timeout(b->t, b->now);
    assert_true(transport_poll_datagram(b->t, &out));
    assert_int_equal(out.to.ip[3], 1);
}

static void media_before_keys_is_counted_and_dropped(void **state)
{
    struct bench *b = *state;
    uint8_t packet[PLAIN_BYTES + TRANSPORT_SEAL_BYTES] = {0x80, 111};
    size_t size = PLAIN_BYTES;
    assert_int_equal(transport_protect_rtp(b->t, packet, &size), STATUS_STATE);
    assert_int_equal(transport_protect_rtcp(b->t, packet, &size), STATUS_STATE);
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
    assert_int_equal(give(b, 1, bytes_of(packet, PLAIN_BYTES)), TRANSPORT_INPUT_NO_KEYS);
    assert_int_equal(transport_get_stats(b->t)->inputs[TRANSPORT_INPUT_NO_KEYS], 1);
    assert_int_equal(remote(b), 0);
}

static void bad_datagrams_are_counters_never_a_disconnect(void **state)
{
    struct bench *b = *state;
    uint8_t big[1501] = {0x80, 111};
    uint8_t forged[PLAIN_BYTES] = {0x80, 111};
    connect_peer(b, 1);
    static const struct {
        struct bytes datagram;
        enum transport_input expected;
    } cases[] = {
        {BYTES("\0\1"), TRANSPORT_INPUT_BAD_STUN},
        {BYTES("\3"), TRANSPORT_INPUT_BAD_STUN},
        {BYTES("\26"), TRANSPORT_INPUT_BAD_DTLS},
        {BYTES("\26\xfe\xfd\0\0\0\0\0\0\0\0\0\5\1"), TRANSPORT_INPUT_BAD_DTLS},
        {BYTES("\x3f\xff\xff"), TRANSPORT_INPUT_BAD_DTLS},
        {BYTES("\x80\x6f\0\1"), TRANSPORT_INPUT_BAD_RTP},
        {BYTES("\x80\xc8\0\1"), TRANSPORT_INPUT_BAD_RTP},
        {BYTES("\x50turn channel"), TRANSPORT_INPUT_NOT_OURS},
        {BYTES("GET / HTTP/1.1"), TRANSPORT_INPUT_NOT_OURS},
        {BYTES("\xff"), TRANSPORT_INPUT_NOT_OURS},
    };
    for (int round = 0; round < 500; round++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            enum transport_input got = give(b, 1, cases[i].datagram);
            if (got != cases[i].expected)
                fail_msg("case %zu: %s", i, transport_input_name(got));
        }
        assert_int_equal(give(b, 1, bytes_of(big, sizeof big)), TRANSPORT_INPUT_NOT_OURS);
        assert_int_equal(give(b, 1, bytes_of(forged, sizeof forged)), TRANSPORT_INPUT_SRTP_AUTH);
    }
    drain(b);
    assert_int_equal(transport_get_stats(b->t)->inputs[TRANSPORT_INPUT_SRTP_AUTH], 500);
    assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CONNECTED);
}

static void a_silent_peer_is_quiet_then_spared_then_gone(void **state)
{
    struct bench *b = *state;
    connect_peer(b, 1);
    expect_state(b, TRANSPORT_CONNECTED, "");
    usec_t heard = b->now = b->now + SECONDS(1);
    assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
    run_timers_until(b, heard + SECONDS(5) - 1);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CONNECTED);
    run_timers_until(b, heard + SECONDS(5));
    expect_state(b, TRANSPORT_QUIET, "silence");
    assert_int_equal(remote(b), 1);
    run_timers_until(b, heard + SECONDS(15) - 1);
    assert_int_equal(remote(b), 1);
    run_timers_until(b, heard + SECONDS(15));
    assert_int_equal(remote(b), 0);
    run_timers_until(b, heard + SECONDS(30) - 1);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_QUIET);
    run_timers_until(b, heard + SECONDS(30));
    expect_state(b, TRANSPORT_CLOSED, "silence");
    assert_int_equal(transport_next_timeout(b->t, b->now), USEC_NEVER);
    assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_NOT_OURS);
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_NOT_OURS);
}

static void forged_signs_of_life_do_not_prolong_it(void **state)
{
    struct bench *b = *state;
    static const struct bytes record =
        BYTES("\27\xfe\xfd\0\1\0\0\0\0\0\7\0\40forged record, thirty two bytes.");
    uint8_t forged[PLAIN_BYTES] = {0x80, 111};
    connect_peer(b, 1);
    for (int i = 1; i <= 15; i++) {
        assert_int_equal(remote(b), 1);
        assert_int_equal(give(b, 1, record), TRANSPORT_INPUT_CONSUMED);
        assert_int_equal(give(b, 1, bytes_of(forged, sizeof forged)), TRANSPORT_INPUT_SRTP_AUTH);
        run_timers_until(b, SECONDS(1) + SECONDS(i));
    }
    assert_int_equal(remote(b), 0);
    run_timers_until(b, SECONDS(31));
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CLOSED);
}

static void anything_authentic_wakes_a_quiet_peer_and_nothing_else_does(void **state)
{
    struct bench *b = *state;
    static const struct bytes application_data =
        BYTES("\27\xfe\xfd\0\1\0\0\0\0\0\7\0\40forged record, thirty two bytes.");
    uint8_t forged[PLAIN_BYTES] = {0x80, 111};
    connect_peer(b, 1);
    run_timers_until(b, SECONDS(7));
    assert_int_equal(transport_get_state(b->t), TRANSPORT_QUIET);
    assert_int_equal(give(b, 1, application_data), TRANSPORT_INPUT_CONSUMED);
    assert_int_equal(give(b, 1, bytes_of(forged, sizeof forged)), TRANSPORT_INPUT_SRTP_AUTH);
    b->ice.wrong_password = true;
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_STUN_AUTH);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_QUIET);
    b->ice.wrong_password = false;
    assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CONNECTED);
    run_timers_until(b, SECONDS(13));
    assert_int_equal(transport_get_state(b->t), TRANSPORT_QUIET);
    assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CONNECTED);
}

static void media_follows_a_peer_that_moves(void **state)
{
    struct bench *b = *state;
    connect_peer(b, 1);
    assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
    assert_int_equal(send_rtp(b, 2), TRANSPORT_INPUT_UNKNOWN_PATH);
    assert_int_equal(check(b, 2), TRANSPORT_INPUT_CONSUMED);
    assert_int_equal(remote(b), 1);
    assert_int_equal(send_rtp(b, 2), TRANSPORT_INPUT_RTP);
    assert_int_equal(remote(b), 2);
}

static void an_ice_restart_changes_no_key_and_loses_no_packet(void **state)
{
    struct bench *b = *state;
    connect_peer(b, 1);
    for (int i = 0; i < 10; i++) {
        struct ice_parameters ours, theirs;
        assert_int_equal(ice_credentials_generate(&ours), STATUS_OK);
        assert_int_equal(ice_credentials_generate(&theirs), STATUS_OK);
        transport_restart_ice(b->t, b->now, &ours, &theirs);
        assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
        assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED); /* still the old ones */
        struct ice_peer old = b->ice;
        ice_peer_init(&b->ice, &theirs, &ours);
        assert_int_equal(check(b, (uint8_t)(1 + i % 2)), TRANSPORT_INPUT_CONSUMED);
        assert_int_equal(b->last_answer, 0);
        struct ice_peer fresh = b->ice;
        b->ice = old;
        assert_int_equal(check(b, 1), TRANSPORT_INPUT_STUN_AUTH);
        b->ice = fresh;
        assert_int_equal(send_rtp(b, 1), TRANSPORT_INPUT_RTP);
        set_now(b, b->now + SECONDS(2));
    }
    assert_int_equal(transport_get_stats(b->t)->inputs[TRANSPORT_INPUT_RTP], 20);
}

static void a_user_name_finds_its_transport(void **state)
{
    struct bench *b = *state;
    uint8_t datagram[STUN_BYTES_MAX];
    struct stun_message m;
    for (int wrong = 0; wrong < 2; wrong++) {
        b->ice.wrong_user = wrong == 1;
        size_t size = ice_peer_write_check(&b->ice, datagram);
        assert_int_equal(stun_parse_message(bytes_of(datagram, size), &m), STATUS_OK);
        assert_int_equal(transport_is_user(b->t, m.username), wrong == 0);
    }
}

static void a_wrong_certificate_closes_it_without_keys(void **state)
{
    struct bench *b = *state;
    uint8_t packet[PLAIN_BYTES + TRANSPORT_SEAL_BYTES] = {0x80, 111};
    size_t size = PLAIN_BYTES;
    for (int role = 0; role < 2; role++) {
        tear_down(state);
        struct transport_params params =
            make_params(b, role == 0 ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT);
        params.remote_fingerprint[0] ^= 0x80;
        open_transport(b, &params);
        assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
        struct bytes out;
        dtls_start(b->dtls, b->now);
        for (int round = 0; round < 8; round++) {
            while (dtls_poll_datagram(b->dtls, &out))
                (void)give(b, 1, out);
            drain(b);
        }
        expect_state(b, TRANSPORT_CLOSED, "fingerprint");
        assert_int_equal(transport_protect_rtp(b->t, packet, &size), STATUS_STATE);
        assert_int_equal(transport_get_stats(b->t)->connected_at, 0);
        assert_int_equal(remote(b), 0);
    }
}

static void a_handshake_without_end_closes_after_30_seconds(void **state)
{
    struct bench *b = *state;
    for (int role = 0; role < 2; role++) {
        tear_down(state);
        set_up_role(b, role == 0 ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT);
        for (int i = 0; i < 15; i++) { /* checks go on, so this is not silence */
            assert_int_equal(check(b, 1), TRANSPORT_INPUT_CONSUMED);
            run_timers_until(b, b->now + SECONDS(2) - 1);
        }
        assert_int_equal(transport_get_state(b->t), TRANSPORT_CHECKING);
        run_timers_until(b, SECONDS(31));
        expect_state(b, TRANSPORT_CLOSED, "deadline");
    }
}

static void verified_addresses_are_told_and_the_dropped_ones_too(void **state)
{
    struct bench *b = *state;
    struct transport_path_change change;
    for (uint8_t i = 1; i <= TRANSPORT_PATHS_MAX + 3; i++) {
        set_now(b, b->now + 1000);
        assert_int_equal(check(b, i), TRANSPORT_INPUT_CONSUMED);
        if (i > TRANSPORT_PATHS_MAX) {
            assert_true(transport_poll_path(b->t, &change));
            assert_false(change.added);
            assert_int_equal(change.addr.ip[3], i - TRANSPORT_PATHS_MAX);
        }
        assert_true(transport_poll_path(b->t, &change));
        assert_true(change.added);
        assert_int_equal(change.addr.ip[3], i);
        assert_false(transport_poll_path(b->t, &change));
    }
    uint8_t packet[PLAIN_BYTES] = {0x80, 111};
    assert_int_equal(give(b, 1, bytes_of(packet, sizeof packet)), TRANSPORT_INPUT_UNKNOWN_PATH);
}

static void settings_that_protect_nothing_are_refused(void **state)
{
    struct bench *b = *state;
    struct transport_params params = make_params(b, DTLS_ROLE_SERVER);
    struct transport_config config = transport_config_default();
    struct transport *t = NULL;
    config.close_after_us = config.quiet_after_us;
    assert_int_equal(transport_create(&t, b->now, &config, &params, b->ours, &silent),
                     STATUS_CONFIG);
    config = transport_config_default();
    params.local_ice.pwd[0] = '\0';
    assert_int_equal(transport_create(&t, b->now, &config, &params, b->ours, &silent),
                     STATUS_CONFIG);
    assert_null(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_flows_both_ways_in_both_roles),
        TEST(each_change_of_state_is_told_once),
        TEST(the_active_side_speaks_only_to_a_verified_address),
        TEST(a_stranger_moves_nothing_and_hears_nothing),
        TEST(sprayed_hellos_neither_prevent_nor_break_a_handshake),
        TEST(a_hello_that_fails_does_not_end_the_session),
        TEST(the_first_flight_is_repeated_to_the_nominated_path),
        TEST(later_flights_go_where_the_peer_was_last_heard),
        TEST(media_before_keys_is_counted_and_dropped),
        TEST(bad_datagrams_are_counters_never_a_disconnect),
        TEST(a_silent_peer_is_quiet_then_spared_then_gone),
        TEST(forged_signs_of_life_do_not_prolong_it),
        TEST(anything_authentic_wakes_a_quiet_peer_and_nothing_else_does),
        TEST(media_follows_a_peer_that_moves),
        TEST(an_ice_restart_changes_no_key_and_loses_no_packet),
        TEST(a_user_name_finds_its_transport),
        TEST(a_wrong_certificate_closes_it_without_keys),
        TEST(a_handshake_without_end_closes_after_30_seconds),
        TEST(verified_addresses_are_told_and_the_dropped_ones_too),
        TEST(settings_that_protect_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, init_library, free_library);
}
