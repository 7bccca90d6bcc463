/* A transport among its true peer and strangers who send anything from any address: it never
 * speaks to an address that proved nothing, and never calls unauthentic media authentic. */
#include "rtc/ice_lite.h"
#include "rtc/media_cipher.h"
#include "rtc/transport.h"
#include "support/ice_peer.c"
#include "support/virtual_gettimeofday.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 64
#define ADDRESSES 16
#define PLAIN_BYTES 60

enum step { STEP_MADE_UP, STEP_CHECK, STEP_FLIGHTS, STEP_MEDIA, STEP_WAIT, STEP_RESTART };
#define STEP_COUNT 6

struct scene {
    usec_t now;
    struct transport *t;
    struct dtls *peer;
    struct media_cipher *cipher;
    struct ice_peer ice;
    uint16_t seq;
    bool has_proved[ADDRESSES];
    struct bytes_mut plain;
};

static struct dtls_context *ours, *theirs;
static const struct log silent = {0};

/* Fixed, so that an input does the same each time; a restart counts up. */
static struct ice_parameters credentials(char side, unsigned generation)
{
    struct ice_parameters p = {.ufrag = "ufrag00", .pwd = "a password of 24 letters"};
    p.ufrag[5] = side;
    p.ufrag[6] = (char)('0' + generation % 10);
    return p;
}

static struct net_addr address(uint8_t n)
{
    return (struct net_addr){
        .ip = {192, 0, 2, n % ADDRESSES}, .port = 1000, .family = NET_FAMILY_IPV4};
}

static enum transport_input give(struct scene *s, uint8_t from, struct bytes data)
{
    struct net_addr addr = address(from);
    uint8_t *exact = malloc(data.size + 1);
    CHECK(exact != NULL);
    if (data.size > 0)
        memcpy(exact, data.data, data.size);
    s->plain = (struct bytes_mut){NULL, 0};
    enum transport_input input = transport_handle_datagram(
        s->t, s->now, &addr, (struct bytes_mut){exact, data.size}, &s->plain);
    bool is_media = input == TRANSPORT_INPUT_RTP || input == TRANSPORT_INPUT_RTCP;
    CHECK(is_media == (s->plain.data != NULL));
    CHECK(!is_media || (s->plain.data == exact && s->plain.size < data.size));
    free(exact);
    return input;
}

static void drain(struct scene *s)
{
    struct transport_datagram out;
    struct transport_path_change change;
    enum transport_state state;
    const char *reason;
    while (transport_poll_path(s->t, &change))
        CHECK(s->has_proved[change.addr.ip[3]]);
    while (transport_poll_state(s->t, &state, &reason))
        CHECK(reason != NULL && state == transport_get_state(s->t));
    while (transport_poll_datagram(s->t, &out)) {
        CHECK(s->has_proved[out.to.ip[3]]);
        CHECK(out.data.size > 0 && out.data.size <= TRANSPORT_DATAGRAM_BYTES_MAX);
        if (out.data.data[0] > 3)
            (void)!dtls_handle_datagram(s->peer, s->now, out.data);
    }
}

static void send_check(struct scene *s, uint8_t from, struct reader *r)
{
    uint8_t datagram[STUN_BYTES_MAX];
    uint8_t flags = read_u8(r);
    s->ice.use_candidate = (flags & 1) != 0;
    s->ice.has_nomination = (flags & 2) != 0;
    s->ice.role = (flags & 4) != 0 ? STUN_ROLE_CONTROLLED : STUN_ROLE_CONTROLLING;
    s->ice.unknown_attribute = (flags & 8) != 0;
    s->ice.wrong_password = (flags & 16) != 0;
    s->ice.nomination = flags >> 5;
    size_t size = ice_peer_write_check(&s->ice, datagram);
    if (!s->ice.wrong_password)
        s->has_proved[from % ADDRESSES] = true;
    enum transport_input input = give(s, from, bytes_of(datagram, size));
    CHECK(!s->ice.wrong_password || input != TRANSPORT_INPUT_CONSUMED);
}

static void exchange_flights(struct scene *s, uint8_t from)
{
    struct bytes out;
    for (int round = 0; round < 4; round++) {
        while (dtls_poll_datagram(s->peer, &out))
            (void)give(s, from, out);
        drain(s);
    }
    struct media_keys keys;
    if (s->cipher == NULL && dtls_export_keys(s->peer, &keys) == STATUS_OK)
        CHECK(media_cipher_create(&s->cipher, &keys) == STATUS_OK);
}

static void send_media(struct scene *s, uint8_t from, struct reader *r)
{
    uint8_t packet[PLAIN_BYTES + MEDIA_CIPHER_TRAILER_BYTES] = {0x80, 96};
    size_t size = PLAIN_BYTES;
    uint8_t flip_at = read_u8(r);
    uint8_t flip = read_u8(r);
    if (s->cipher == NULL)
        return;
    store_u16(packet + 2, s->seq++);
    store_u32(packet + 8, read_u8(r));
    CHECK(media_cipher_protect_rtp(s->cipher, packet, &size) == STATUS_OK);
    packet[flip_at % size] ^= flip;
    enum transport_input input = give(s, from, bytes_of(packet, size));
    CHECK(flip == 0 || (input != TRANSPORT_INPUT_RTP && input != TRANSPORT_INPUT_RTCP));
}

static void wait_for(struct scene *s, usec_t time)
{
    s->now += time;
    virtual_time_set(s->now);
    transport_handle_timeout(s->t, s->now);
    dtls_handle_timeout(s->peer, s->now);
    CHECK(transport_next_timeout(s->t, s->now) >= s->now ||
          transport_get_state(s->t) == TRANSPORT_CHECKING);
}

static void run_step(struct scene *s, struct reader *r)
{
    struct net_addr to;
    enum step step = (enum step)(read_u8(r) % STEP_COUNT);
    uint8_t from = read_u8(r);
    switch (step) {
    case STEP_MADE_UP:
        (void)give(s, from, read_bytes(r, read_u8(r)));
        break;
    case STEP_CHECK:
        send_check(s, from, r);
        break;
    case STEP_FLIGHTS:
        exchange_flights(s, from);
        break;
    case STEP_MEDIA:
        send_media(s, from, r);
        break;
    case STEP_WAIT:
        wait_for(s, MILLISECONDS(100) * from);
        break;
    case STEP_RESTART: {
        struct ice_parameters local = credentials('o', from);
        struct ice_parameters remote = credentials('t', from);
        transport_restart_ice(s->t, s->now, &local, &remote);
        if ((from & 0x80) != 0)
            ice_peer_init(&s->ice, &remote, &local);
        break;
    }
    }
    drain(s);
    if (transport_get_remote(s->t, s->now, &to))
        CHECK(s->has_proved[to.ip[3]]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct scene s = {.now = SECONDS(1), .seq = 1};
    struct transport_config config = transport_config_default();
    struct transport_params params = {.local_ice = credentials('o', 0),
                                      .remote_ice = credentials('t', 0)};
    uint8_t fingerprint[FINGERPRINT_BYTES];
    if (ours == NULL) {
        CHECK(media_cipher_init_library() == STATUS_OK);
        CHECK(dtls_context_create(&ours) == STATUS_OK);
        CHECK(dtls_context_create(&theirs) == STATUS_OK);
    }
    virtual_time_set(s.now);
    params.role = (read_u8(&r) & 1) != 0 ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER;
    dtls_context_get_fingerprint(theirs, params.remote_fingerprint);
    dtls_context_get_fingerprint(ours, fingerprint);
    CHECK(transport_create(&s.t, s.now, &config, &params, ours, &silent) == STATUS_OK);
    CHECK(dtls_create(&s.peer, s.now, theirs,
                      params.role == DTLS_ROLE_CLIENT ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT,
                      fingerprint, &silent) == STATUS_OK);
    ice_peer_init(&s.ice, &params.remote_ice, &params.local_ice);
    dtls_start(s.peer, s.now);
    for (size_t i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++)
        run_step(&s, &r);
    transport_free(s.t);
    dtls_free(s.peer);
    media_cipher_free(s.cipher);
    return 0;
}
