#include "unit/rtc/transport_bench.h"

#include "support/ice_peer.c"
#include "support/virtual_gettimeofday.c"

struct net_addr address(uint8_t last)
{
    return (struct net_addr){.ip = {192, 0, 2, last}, .port = 40000, .family = NET_FAMILY_IPV4};
}

void set_now(struct bench *b, usec_t now)
{
    b->now = now;
    virtual_time_set(now);
}

int init_library(void **state)
{
    static struct bench b;
    *state = &b;
    if (dtls_context_create(&b.ours) != STATUS_OK || dtls_context_create(&b.theirs) != STATUS_OK)
        return -1;
    return media_cipher_init_library() == STATUS_OK ? 0 : -1;
}

int free_library(void **state)
{
    struct bench *b = *state;
    dtls_context_free(b->ours);
    dtls_context_free(b->theirs);
    return 0;
}

int tear_down(void **state)
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

struct transport_params make_params(struct bench *b, enum dtls_role role)
{
    struct transport_params params = {.role = role};
    assert_int_equal(ice_credentials_generate(&params.local_ice), STATUS_OK);
    assert_int_equal(ice_credentials_generate(&params.remote_ice), STATUS_OK);
    dtls_context_get_fingerprint(b->theirs, params.remote_fingerprint);
    return params;
}

void open_transport(struct bench *b, const struct transport_params *params)
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

int set_up_role(struct bench *b, enum dtls_role role)
{
    struct transport_params params = make_params(b, role);
    open_transport(b, &params);
    return 0;
}

int set_up(void **state)
{
    return set_up_role(*state, DTLS_ROLE_SERVER);
}

enum transport_input give(struct bench *b, uint8_t from, struct bytes data)
{
    struct net_addr addr = address(from);
    assert_true(data.size <= sizeof b->memory);
    memcpy(b->memory, data.data, data.size);
    return transport_handle_datagram(b->t, b->now, &addr, (struct bytes_mut){b->memory, data.size},
                                     &b->plain);
}

void drain(struct bench *b)
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

enum transport_input check(struct bench *b, uint8_t from)
{
    uint8_t datagram[STUN_BYTES_MAX];
    size_t size = ice_peer_write_check(&b->ice, datagram);
    enum transport_input input = give(b, from, bytes_of(datagram, size));
    b->last_answer = -1;
    drain(b);
    return input;
}

void shake_hands(struct bench *b, uint8_t from)
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

size_t seal_rtp(struct bench *b, uint8_t *out)
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

enum transport_input send_rtp(struct bench *b, uint8_t from)
{
    uint8_t packet[PLAIN_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
    return give(b, from, bytes_of(packet, seal_rtp(b, packet)));
}

uint8_t remote(const struct bench *b)
{
    struct net_addr addr;
    return transport_get_remote(b->t, b->now, &addr) ? addr.ip[3] : 0;
}

void expect_state(struct bench *b, enum transport_state expected, const char *reason)
{
    enum transport_state state;
    const char *got;
    assert_true(transport_poll_state(b->t, &state, &got));
    assert_int_equal(state, expected);
    assert_string_equal(got, reason);
    assert_false(transport_poll_state(b->t, &state, &got));
}

void run_timers_until(struct bench *b, usec_t until)
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
