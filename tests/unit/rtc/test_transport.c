/* A connected transport: media, signs of life, moves, restarts. */
#include "unit/rtc/transport_bench.c"

static void connect_peer(struct bench *b, uint8_t from)
{
    assert_int_equal(check(b, from), TRANSPORT_INPUT_CONSUMED);
    assert_int_equal(b->last_answer, 0);
    shake_hands(b, from);
    assert_int_equal(transport_get_state(b->t), TRANSPORT_CONNECTED);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_flows_both_ways_in_both_roles),
        TEST(each_change_of_state_is_told_once),
        TEST(media_before_keys_is_counted_and_dropped),
        TEST(bad_datagrams_are_counters_never_a_disconnect),
        TEST(a_silent_peer_is_quiet_then_spared_then_gone),
        TEST(forged_signs_of_life_do_not_prolong_it),
        TEST(anything_authentic_wakes_a_quiet_peer_and_nothing_else_does),
        TEST(media_follows_a_peer_that_moves),
        TEST(an_ice_restart_changes_no_key_and_loses_no_packet),
        TEST(a_user_name_finds_its_transport),
        TEST(verified_addresses_are_told_and_the_dropped_ones_too),
        TEST(settings_that_protect_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, init_library, free_library);
}
