/* From the first check to keys, and who cannot get in the way. */
#include "unit/rtc/transport_bench.c"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_active_side_speaks_only_to_a_verified_address),
        TEST(a_stranger_moves_nothing_and_hears_nothing),
        TEST(sprayed_hellos_neither_prevent_nor_break_a_handshake),
        TEST(a_hello_that_fails_does_not_end_the_session),
        TEST(the_first_flight_is_repeated_to_the_nominated_path),
        TEST(later_flights_go_where_the_peer_was_last_heard),
        TEST(a_wrong_certificate_closes_it_without_keys),
        TEST(a_handshake_without_end_closes_after_30_seconds),
    };
    return cmocka_run_group_tests(tests, init_library, free_library);
}
