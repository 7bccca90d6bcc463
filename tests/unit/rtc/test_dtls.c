#include "rtc/dtls.h"
#include "support/dtls_link.c"
#include "support/virtual_gettimeofday.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CLIENT_HELLO_FRAGMENTS 4
#define RECORD_HEADER_BYTES 13
#define HANDSHAKE_HEADER_BYTES 12

static int set_up(void **state)
{
    static struct dtls_link link;
    dtls_link_init(&link, SECONDS(1));
    *state = &link;
    return 0;
}

static int tear_down(void **state)
{
    dtls_link_destroy(*state);
    return 0;
}

static void assert_same_keys(struct dtls_link *link)
{
    struct media_keys client, server;
    assert_int_equal(dtls_export_keys(link->client, &client), STATUS_OK);
    assert_int_equal(dtls_export_keys(link->server, &server), STATUS_OK);
    assert_int_equal(client.profile, MEDIA_PROFILE_GCM_128);
    assert_int_equal(server.profile, MEDIA_PROFILE_GCM_128);
    assert_int_equal(client.bytes, 28);
    assert_memory_equal(client.local, server.remote, client.bytes);
    assert_memory_equal(client.remote, server.local, client.bytes);
    assert_memory_not_equal(client.local, client.remote, client.bytes);
}

static void both_roles_reach_the_same_keys(void **state)
{
    struct dtls_link *link = *state;
    assert_true(dtls_link_run(link, SECONDS(31)));
    assert_same_keys(link);
    assert_true(link->now - SECONDS(1) < MILLISECONDS(60));
    assert_int_equal(dtls_next_timeout(link->server, link->now), USEC_NEVER);
}

static void keys_are_refused_before_the_handshakes_end(void **state)
{
    struct dtls_link *link = *state;
    struct media_keys keys = {0};
    assert_int_equal(dtls_export_keys(link->client, &keys), STATUS_STATE);
    dtls_start(link->client, link->now);
    assert_int_equal(dtls_get_state(link->client), DTLS_HANDSHAKING);
    assert_int_equal(dtls_export_keys(link->client, &keys), STATUS_STATE);
    assert_int_equal(keys.profile, MEDIA_PROFILE_NONE);
}

static size_t datagrams_of_a_clean_run(struct dtls_link *link)
{
    dtls_link_reset(link, SECONDS(1));
    assert_true(dtls_link_run(link, SECONDS(31)));
    return link->sent;
}

static void no_datagram_exceeds_the_mtu(void **state)
{
    struct dtls_link *link = *state;
    dtls_start(link->client, link->now);
    for (int round = 0; round < 4; round++) {
        dtls_link_collect(link);
        while (link->flying_count > 0) {
            assert_true(link->flying[0].size <= DTLS_MTU);
            deliver(link, &link->flying[0]);
        }
    }
    assert_int_equal(dtls_get_state(link->server), DTLS_CONNECTED);
}

static void the_loss_of_any_one_datagram_costs_one_retransmission(void **state)
{
    struct dtls_link *link = *state;
    size_t count = datagrams_of_a_clean_run(link);
    assert_in_range(count, 4, 16);
    for (size_t lost = 0; lost < count; lost++) {
        dtls_link_reset(link, SECONDS(1));
        link->drop_mask = UINT64_C(1) << lost;
        if (!dtls_link_run(link, SECONDS(31)))
            fail_msg("datagram %zu lost: never connected", lost);
        assert_same_keys(link);
        if (link->now - SECONDS(1) > MILLISECONDS(400))
            fail_msg("datagram %zu lost: took %lld us", lost, (long long)(link->now - SECONDS(1)));
    }
}

static void the_loss_of_any_two_datagrams_is_survived(void **state)
{
    struct dtls_link *link = *state;
    size_t count = datagrams_of_a_clean_run(link) + 4; /* retransmitted ones, too */
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a + 1; b < count; b++) {
            dtls_link_reset(link, SECONDS(1));
            link->drop_mask = UINT64_C(1) << a | UINT64_C(1) << b;
            if (!dtls_link_run(link, SECONDS(31)))
                fail_msg("datagrams %zu and %zu lost: never connected", a, b);
            if (link->now - SECONDS(1) > SECONDS(1))
                fail_msg("datagrams %zu and %zu lost: took %lld us", a, b,
                         (long long)(link->now - SECONDS(1)));
        }
    }
}

static void assert_rested_with_same_keys(struct dtls_link *link)
{
    struct media_keys keys;
    assert_int_equal(dtls_export_keys(link->client, &keys), STATUS_STATE);
    assert_int_equal(dtls_export_keys(link->server, &keys), STATUS_STATE);
    assert_memory_equal(link->client_keys.local, link->server_keys.remote, 28);
    assert_memory_equal(link->client_keys.remote, link->server_keys.local, 28);
}

static void a_peer_without_the_last_flight_gets_it_from_one_at_rest(void **state)
{
    struct dtls_link *link = *state;
    size_t count = datagrams_of_a_clean_run(link) + 4; /* retransmitted ones, too */
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a; b < count; b++) {
            dtls_link_reset(link, SECONDS(1));
            link->rests = true;
            link->drop_mask = UINT64_C(1) << a | UINT64_C(1) << b;
            if (!dtls_link_run(link, SECONDS(31)))
                fail_msg("datagrams %zu and %zu lost: never connected", a, b);
            assert_rested_with_same_keys(link);
        }
    }
}

static void a_link_that_loses_reorders_and_duplicates_connects(void **state)
{
    struct dtls_link *link = *state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        dtls_link_reset(link, SECONDS(1));
        link->rng = rng_of_seed(seed);
        link->loss_percent = 20;
        link->duplicate_percent = 20;
        link->jitter_us = MILLISECONDS(60);
        if (!dtls_link_run(link, SECONDS(31)))
            fail_msg("seed %llu: never connected", (unsigned long long)seed);
        assert_same_keys(link);
    }
}

static void a_dead_link_ends_at_the_deadline(void **state)
{
    struct dtls_link *link = *state;
    link->loss_percent = 100;
    assert_false(dtls_link_run(link, SECONDS(40)));
    assert_int_equal(dtls_get_state(link->client), DTLS_FAILED);
    assert_string_equal(dtls_get_reason(link->client), "deadline");
    assert_string_equal(dtls_get_reason(link->server), "deadline");
    assert_in_range(link->now, SECONDS(31), SECONDS(31) + 1000);
    assert_in_range(link->sent, 10, 14); /* 100 ms growing by half to 8 s */
    assert_int_equal(dtls_next_timeout(link->client, link->now), USEC_NEVER);
}

static void a_flight_lost_again_and_again_goes_out_nine_times_in_five_seconds(void **state)
{
    struct dtls_link *link = *state;
    link->loss_percent = 100;
    assert_false(dtls_link_run(link, SECONDS(1) + SECONDS(5)));
    assert_int_equal(dtls_get_state(link->client), DTLS_HANDSHAKING);
    assert_int_equal(link->sent, 9); /* doubling: 6 */
}

/* The client's first flight, cut into records of one handshake fragment each. */
static size_t cut_client_hello(struct dtls_link *link,
                               uint8_t out[CLIENT_HELLO_FRAGMENTS][DTLS_DATAGRAM_BYTES_MAX],
                               size_t sizes[CLIENT_HELLO_FRAGMENTS])
{
    struct bytes hello;
    dtls_start(link->client, link->now);
    assert_true(dtls_poll_datagram(link->client, &hello));
    struct bytes body = bytes_of(hello.data + RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES,
                                 hello.size - RECORD_HEADER_BYTES - HANDSHAKE_HEADER_BYTES);
    size_t piece = body.size / CLIENT_HELLO_FRAGMENTS + 1;
    for (size_t i = 0; i < CLIENT_HELLO_FRAGMENTS; i++) {
        size_t at = i * piece;
        size_t size = at + piece > body.size ? body.size - at : piece;
        struct writer w = writer_of((struct bytes_mut){out[i], DTLS_DATAGRAM_BYTES_MAX});
        write_bytes(&w, bytes_of(hello.data, 3));
        write_u64(&w, i);
        write_u16(&w, (uint16_t)(HANDSHAKE_HEADER_BYTES + size));
        write_bytes(&w, bytes_of(hello.data + RECORD_HEADER_BYTES, 6));
        write_u24(&w, (uint32_t)at);
        write_u24(&w, (uint32_t)size);
        write_bytes(&w, bytes_of(body.data + at, size));
        assert_false(w.failed);
        sizes[i] = writer_size(&w);
    }
    return body.size;
}

static void a_client_hello_in_pieces_is_understood(void **state)
{
    struct dtls_link *link = *state;
    static const struct {
        const char *why;
        size_t order[CLIENT_HELLO_FRAGMENTS + 2];
        size_t count;
        bool coalesced;
    } cases[] = {
        {"in order", {0, 1, 2, 3}, 4, false},
        {"backwards", {3, 2, 1, 0}, 4, false},
        {"first one last", {1, 2, 3, 0}, 4, false},
        {"one twice", {0, 1, 1, 2, 0, 3}, 6, false},
        {"all in one datagram", {0, 1, 2, 3}, 4, true},
        {"all in one datagram, mixed", {2, 0, 3, 1}, 4, true},
    };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        uint8_t pieces[CLIENT_HELLO_FRAGMENTS][DTLS_DATAGRAM_BYTES_MAX];
        size_t sizes[CLIENT_HELLO_FRAGMENTS];
        uint8_t whole[DTLS_DATAGRAM_BYTES_MAX];
        struct writer w = writer_of((struct bytes_mut){whole, sizeof whole});
        struct bytes answer;
        dtls_link_reset(link, SECONDS(1));
        cut_client_hello(link, pieces, sizes);
        for (size_t i = 0; i < cases[c].count; i++) {
            struct bytes piece = bytes_of(pieces[cases[c].order[i]], sizes[cases[c].order[i]]);
            write_bytes(&w, piece);
            if (!cases[c].coalesced)
                assert_int_equal(dtls_handle_datagram(link->server, link->now, piece), STATUS_OK);
        }
        if (cases[c].coalesced)
            assert_int_equal(
                dtls_handle_datagram(link->server, link->now, bytes_const(writer_written(&w))),
                STATUS_OK);
        if (!dtls_poll_datagram(link->server, &answer))
            fail_msg("%s: no answer", cases[c].why);
        assert_int_equal(answer.data[RECORD_HEADER_BYTES], 2); /* server_hello */
        dtls_link_send(link, false, answer, 0);
        /* That both come to the same keys says that the transcript is the same. */
        if (!dtls_link_run(link, SECONDS(31)))
            fail_msg("%s: never connected", cases[c].why);
        assert_same_keys(link);
    }
}

static void a_wrong_certificate_ends_it_before_any_key(void **state)
{
    struct dtls_link *link = *state;
    static const struct log silent = {0};
    struct media_keys keys;
    uint8_t wrong[FINGERPRINT_BYTES];
    for (int side = 0; side < 2; side++) {
        bool client_expects = side == 0;
        dtls_link_reset(link, SECONDS(1));
        struct dtls **d = client_expects ? &link->client : &link->server;
        dtls_context_get_fingerprint(client_expects ? link->server_context : link->client_context,
                                     wrong);
        wrong[31] ^= 1;
        dtls_free(*d);
        assert_int_equal(
            dtls_create(d, link->now, client_expects ? link->client_context : link->server_context,
                        client_expects ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER, wrong, &silent),
            STATUS_OK);
        assert_false(dtls_link_run(link, SECONDS(31)));
        assert_int_equal(dtls_get_state(*d), DTLS_FAILED);
        assert_string_equal(dtls_get_reason(*d), "fingerprint");
        assert_int_equal(dtls_export_keys(*d, &keys), STATUS_STATE);
        /* The other side, content with what it saw, is told. */
        assert_int_equal(dtls_get_state(client_expects ? link->server : link->client), DTLS_CLOSED);
    }
}

static void garbage_never_disturbs_a_handshake(void **state)
{
    struct dtls_link *link = *state;
    struct rng rng = rng_of_seed(7);
    dtls_start(link->client, link->now);
    dtls_link_collect(link);
    for (int i = 0; i < 2000; i++) {
        uint8_t junk[200];
        for (size_t b = 0; b < sizeof junk; b++)
            junk[b] = (uint8_t)rng_next(&rng);
        junk[0] = (uint8_t)(20 + rng_below(&rng, 44));
        enum status status =
            dtls_handle_datagram(link->server, link->now, bytes_of(junk, 1 + rng_below(&rng, 200)));
        assert_int_equal(status, STATUS_MALFORMED);
        assert_int_equal(dtls_get_state(link->server), DTLS_NEW);
    }
    assert_true(dtls_link_run(link, SECONDS(31)));
}

static void a_flood_of_records_never_disturbs_a_connection(void **state)
{
    struct dtls_link *link = *state;
    struct rng rng = rng_of_seed(8);
    assert_true(dtls_link_run(link, SECONDS(31)));
    for (int i = 0; i < 5000; i++) {
        uint8_t junk[RECORD_HEADER_BYTES + 100] = {0};
        for (size_t b = 0; b < sizeof junk; b++)
            junk[b] = (uint8_t)rng_next(&rng);
        junk[0] = (uint8_t)(20 + rng_below(&rng, 4));
        junk[1] = 0xfe;
        junk[2] = 0xfd;
        junk[3] = 0;
        junk[4] = (uint8_t)rng_below(&rng, 3); /* epoch: the past, the present, the future */
        store_u16(junk + 11, 100);
        assert_int_equal(dtls_handle_datagram(link->server, link->now, bytes_of(junk, sizeof junk)),
                         junk[4] == 1 && junk[0] != 20 ? STATUS_OK : STATUS_MALFORMED);
        assert_int_equal(dtls_get_state(link->server), DTLS_CONNECTED);
    }
    assert_same_keys(link);
}

static void a_plain_alert_after_the_handshake_closes_nothing(void **state)
{
    struct dtls_link *link = *state;
    static const struct bytes alerts[] = {
        BYTES("\x15\xfe\xfd\0\0\0\0\0\0\1\0\0\2\2\50"),
        BYTES("\x15\xfe\xfd\0\0\0\0\0\0\1\0\0\2\1\0"),
        BYTES("\x15\xfe\xfd\0\1\0\0\0\0\1\0\0\2\1\0"),
    };
    assert_true(dtls_link_run(link, SECONDS(31)));
    for (size_t i = 0; i < COUNT_OF(alerts); i++) {
        (void)!dtls_handle_datagram(link->server, link->now, alerts[i]);
        (void)!dtls_handle_datagram(link->client, link->now, alerts[i]);
        assert_int_equal(dtls_get_state(link->server), DTLS_CONNECTED);
        assert_int_equal(dtls_get_state(link->client), DTLS_CONNECTED);
    }
}

/* One record in clear, with a body; the sequence number is far from any in use. */
static struct bytes make_record(uint8_t *out, uint8_t type, uint16_t epoch, struct bytes body)
{
    struct writer w = writer_of((struct bytes_mut){out, DTLS_DATAGRAM_BYTES_MAX});
    write_u8(&w, type);
    write_u16(&w, 0xfefd);
    write_u16(&w, epoch);
    write_u16(&w, 0);
    write_u32(&w, 0x12345678);
    write_u16(&w, (uint16_t)body.size);
    write_bytes(&w, body);
    assert_false(w.failed);
    return bytes_const(writer_written(&w));
}

/* What a stranger can send who forges the address: T-DTLS-1. `fatal` ones reach OpenSSL. */
static const struct {
    const char *why;
    uint8_t type;
    uint16_t epoch;
    struct bytes body;
    bool fatal;
} forgeries[] = {
    {"fatal alert", 21, 0, BYTES("\2\50"), false},
    {"close_notify", 21, 0, BYTES("\1\0"), false},
    {"application data", 23, 0, BYTES("hello"), false},
    {"empty record", 22, 0, BYTES(""), false},
    {"change_cipher_spec of two bytes", 20, 0, BYTES("\1\1"), false},
    {"change_cipher_spec with another value", 20, 0, BYTES("\2"), false},
    {"change_cipher_spec too early", 20, 0, BYTES("\1"), false},
    {"half a fragment header", 22, 0, BYTES("\1\0\0\1\0\0"), false},
    {"length of 2^24-1", 22, 0, BYTES("\1\377\377\377\0\0\0\0\0\0\0\1x"), false},
    {"length over the limit", 22, 0, BYTES("\1\0\24\1\0\0\0\0\0\0\0\1x"), false},
    {"fragment longer than its record", 22, 0, BYTES("\1\0\0\11\0\0\0\0\0\0\0\11x"), false},
    {"fragment past its message", 22, 0, BYTES("\1\0\0\1\0\0\0\0\1\0\0\1x"), false},
    {"fragment at 2^24-1", 22, 0, BYTES("\1\0\0\1\0\0\377\377\377\0\0\1x"), false},
    {"fragment of nothing", 22, 0, BYTES("\1\0\0\11\0\0\0\0\0\0\0\0"), false},
    {"bytes behind a fragment", 22, 0, BYTES("\13\0\0\0\0\0\0\0\0\0\0\0xxx"), false},
    {"hello_request", 22, 0, BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), false},
    {"finished in clear", 22, 0, BYTES("\24\0\0\1\0\0\0\0\0\0\0\1x"), false},
    {"new_session_ticket", 22, 0, BYTES("\4\0\0\1\0\0\0\0\0\0\0\1x"), false},
    {"heartbeat", 24, 0, BYTES("\1\377\377"), false},
    {"undersized record of keys to come", 22, 1, BYTES("x"), false},
    {"alert of keys to come", 21, 1, BYTES("01234567890123456789012345"), false},
    {"handshake of keys to come", 22, 1, BYTES("01234567890123456789012345"), false},
    {"change_cipher_spec of keys to come", 20, 1, BYTES("\1"), false},
    {"an epoch that never comes", 22, 2, BYTES("01234567890123456789012345"), false},
    {"the last epoch", 22, 65535, BYTES("01234567890123456789012345"), false},
    {"message number far ahead", 22, 0, BYTES("\13\0\0\1\377\377\0\0\0\0\0\1x"), false},
    {"server_hello of one byte", 22, 0, BYTES("\2\0\0\1\0\0\0\0\0\0\0\1x"), true},
    {"client_hello of one byte", 22, 0, BYTES("\1\0\0\1\0\0\0\0\0\0\0\1x"), true},
    {"certificate first", 22, 0, BYTES("\13\0\0\1\0\0\0\0\0\0\0\1x"), true},
};

static void forge(struct dtls_link *link, size_t i, struct dtls *victim, int times)
{
    uint8_t memory[DTLS_DATAGRAM_BYTES_MAX];
    struct bytes record =
        make_record(memory, forgeries[i].type, forgeries[i].epoch, forgeries[i].body);
    for (int n = 0; n < times; n++)
        (void)!dtls_handle_datagram(victim, link->now, record);
    if (dtls_get_state(victim) == DTLS_FAILED || dtls_get_state(victim) == DTLS_CLOSED)
        fail_msg("%s: %s", forgeries[i].why, dtls_get_reason(victim));
}

static void forged_records_before_a_handshake_do_not_prevent_it(void **state)
{
    struct dtls_link *link = *state;
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        for (int side = 0; side < 2; side++) {
            dtls_link_reset(link, SECONDS(1));
            dtls_start(link->client, link->now);
            forge(link, i, side == 0 ? link->server : link->client, forgeries[i].fatal ? 3 : 20);
            if (!dtls_link_run(link, SECONDS(31)))
                fail_msg("%s, side %d: never connected", forgeries[i].why, side);
            assert_same_keys(link);
        }
    }
}

/* Between any two flights. Those that OpenSSL breaks off over are left out: it cannot go on from
 * there, and the peer will not begin again. */
static void forged_records_within_a_handshake_do_not_prevent_it(void **state)
{
    struct dtls_link *link = *state;
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        for (size_t after = 1; after <= 6 && !forgeries[i].fatal; after++) {
            dtls_link_reset(link, SECONDS(1));
            dtls_start(link->client, link->now);
            dtls_link_collect(link);
            for (size_t n = 0; n < after && link->flying_count > 0; n++) {
                deliver(link, &link->flying[0]);
                dtls_link_collect(link);
            }
            forge(link, i, link->server, 5);
            forge(link, i, link->client, 5);
            if (!dtls_link_run(link, SECONDS(31)))
                fail_msg("%s after %zu datagrams: never connected", forgeries[i].why, after);
            assert_same_keys(link);
            forge(link, i, link->server, 1);
            forge(link, i, link->client, 1);
        }
    }
}

static void before_a_hello_a_server_hears_nothing_else(void **state)
{
    struct dtls_link *link = *state;
    uint8_t memory[DTLS_DATAGRAM_BYTES_MAX];
    for (uint8_t type = 0; type < 30; type++) {
        uint8_t body[] = {type, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'x'};
        struct bytes record = make_record(memory, 22, 0, bytes_of(body, sizeof body));
        if (type != 1)
            assert_int_equal(dtls_handle_datagram(link->server, link->now, record),
                             STATUS_MALFORMED);
    }
    struct bytes early = make_record(memory, 20, 0, (struct bytes)BYTES("\1"));
    assert_int_equal(dtls_handle_datagram(link->server, link->now, early), STATUS_MALFORMED);
    assert_int_equal(dtls_get_state(link->server), DTLS_NEW);
}

static void after_the_handshake_nothing_in_clear_is_heard(void **state)
{
    struct dtls_link *link = *state;
    uint8_t memory[DTLS_DATAGRAM_BYTES_MAX];
    uint8_t hello[DTLS_DATAGRAM_BYTES_MAX];
    struct bytes out;
    dtls_start(link->client, link->now);
    dtls_link_collect(link);
    size_t size = link->flying[0].size;
    memcpy(hello, link->flying[0].data, size);
    assert_true(dtls_link_run(link, SECONDS(31)));
    assert_int_equal(dtls_handle_datagram(link->server, link->now, bytes_of(hello, size)),
                     STATUS_MALFORMED);
    struct bytes ccs = make_record(memory, 20, 0, (struct bytes)BYTES("\1"));
    assert_int_equal(dtls_handle_datagram(link->server, link->now, ccs), STATUS_MALFORMED);
    assert_false(dtls_poll_datagram(link->server, &out));
    assert_int_equal(dtls_get_state(link->server), DTLS_CONNECTED);
}

static void ten_thousand_junk_records_cost_neither_budget_nor_session(void **state)
{
    struct dtls_link *link = *state;
    uint8_t memory[DTLS_DATAGRAM_BYTES_MAX];
    for (int i = 0; i < 10000; i++) {
        struct bytes junk = make_record(memory, 22, (uint16_t)(2 + i % 65534),
                                        (struct bytes)BYTES("01234567890123456789012345"));
        assert_int_equal(dtls_handle_datagram(link->server, link->now, junk), STATUS_MALFORMED);
    }
    assert_true(dtls_link_run(link, SECONDS(31)));
}

static void a_peer_whose_every_hello_is_refused_is_given_up(void **state)
{
    struct dtls_link *link = *state;
    uint8_t memory[DTLS_DATAGRAM_BYTES_MAX];
    struct bytes out;
    struct bytes hello =
        make_record(memory, 22, 0, (struct bytes)BYTES("\1\0\0\1\0\0\0\0\0\0\0\1x"));
    for (int i = 1; i < DTLS_ATTEMPTS_MAX; i++) {
        assert_int_equal(dtls_handle_datagram(link->server, link->now, hello), STATUS_AUTH);
        assert_int_equal(dtls_get_state(link->server), DTLS_HANDSHAKING);
        /* No alert: it may be another's doing, and the peer would believe it. */
        assert_false(dtls_poll_datagram(link->server, &out));
    }
    assert_int_equal(dtls_handle_datagram(link->server, link->now, hello), STATUS_AUTH);
    assert_int_equal(dtls_get_state(link->server), DTLS_FAILED);
    assert_string_equal(dtls_get_reason(link->server), "dtls_failed");
    assert_true(dtls_poll_datagram(link->server, &out));
    assert_int_equal(out.data[0], 21);
    dtls_link_reset(link, SECONDS(1));
    assert_int_equal(dtls_handle_datagram(link->server, link->now, hello), STATUS_AUTH);
    set_now(link, dtls_next_timeout(link->server, link->now));
    assert_int_equal(link->now, SECONDS(31));
    dtls_handle_timeout(link->server, link->now);
    assert_string_equal(dtls_get_reason(link->server), "dtls_failed");
}

static void too_many_bytes_of_handshake_are_refused(void **state)
{
    struct dtls_link *link = *state;
    uint8_t memory[DTLS_DATAGRAM_BYTES_MAX];
    uint8_t body[1013] = {1, 0, 4, 0, 0, 5}; /* a piece of a message, five ahead */
    store_u16(body + 10, sizeof body - HANDSHAKE_HEADER_BYTES);
    struct bytes piece = make_record(memory, 22, 0, bytes_of(body, sizeof body));
    enum status status = STATUS_OK;
    size_t taken = 0;
    while (status != STATUS_LIMIT && taken < 1000) {
        status = dtls_handle_datagram(link->server, link->now, piece);
        taken++;
    }
    assert_int_equal(taken, DTLS_HANDSHAKE_BYTES_MAX / piece.size + 1);
    assert_string_equal(dtls_get_reason(link->server), "too_large");
}

static void a_queue_nobody_empties_stays_bounded(void **state)
{
    struct dtls_link *link = *state;
    struct bytes hello, out;
    dtls_start(link->client, link->now);
    assert_true(dtls_poll_datagram(link->client, &hello));
    assert_int_equal(dtls_handle_datagram(link->server, link->now, hello), STATUS_OK);
    while (dtls_get_state(link->server) == DTLS_HANDSHAKING) {
        set_now(link, dtls_next_timeout(link->server, link->now));
        dtls_handle_timeout(link->server, link->now);
    }
    size_t count = 0;
    while (dtls_poll_datagram(link->server, &out)) {
        assert_in_range(out.size, 1, DTLS_MTU);
        count++;
    }
    assert_int_equal(count, DTLS_OUT_MAX);
}

static void too_much_handshake_is_refused(void **state)
{
    struct dtls_link *link = *state;
    uint8_t record[RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES + 1] = {22, 0xfe, 0xfd};
    record[12] = HANDSHAKE_HEADER_BYTES + 1;
    record[13] = 1;   /* client_hello */
    record[16] = 200; /* of 200 bytes, of which ... */
    record[24] = 1;   /* ... one comes again and again */
    enum status status = STATUS_OK;
    size_t taken = 0;
    while (status != STATUS_LIMIT && taken < 1000) {
        store_u16(record + 9, (uint16_t)taken++);
        status = dtls_handle_datagram(link->server, link->now, bytes_of(record, sizeof record));
    }
    assert_int_equal(taken, DTLS_HANDSHAKE_DATAGRAMS_MAX + 1);
    assert_int_equal(dtls_get_state(link->server), DTLS_FAILED);
    assert_string_equal(dtls_get_reason(link->server), "too_large");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_roles_reach_the_same_keys),
        TEST(keys_are_refused_before_the_handshakes_end),
        TEST(no_datagram_exceeds_the_mtu),
        TEST(the_loss_of_any_one_datagram_costs_one_retransmission),
        TEST(the_loss_of_any_two_datagrams_is_survived),
        TEST(a_peer_without_the_last_flight_gets_it_from_one_at_rest),
        TEST(a_link_that_loses_reorders_and_duplicates_connects),
        TEST(a_dead_link_ends_at_the_deadline),
        TEST(a_flight_lost_again_and_again_goes_out_nine_times_in_five_seconds),
        TEST(a_client_hello_in_pieces_is_understood),
        TEST(a_wrong_certificate_ends_it_before_any_key),
        TEST(garbage_never_disturbs_a_handshake),
        TEST(a_flood_of_records_never_disturbs_a_connection),
        TEST(a_plain_alert_after_the_handshake_closes_nothing),
        TEST(forged_records_before_a_handshake_do_not_prevent_it),
        TEST(forged_records_within_a_handshake_do_not_prevent_it),
        TEST(before_a_hello_a_server_hears_nothing_else),
        TEST(after_the_handshake_nothing_in_clear_is_heard),
        TEST(ten_thousand_junk_records_cost_neither_budget_nor_session),
        TEST(a_peer_whose_every_hello_is_refused_is_given_up),
        TEST(too_many_bytes_of_handshake_are_refused),
        TEST(a_queue_nobody_empties_stays_bounded),
        TEST(too_much_handshake_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
