/* A tx_batch between transports that are only keys and addresses and a sink that keeps what leaves.
 * A test program includes this file and runs its tests between set_up and tear_down. */
#include "relay/core/tx_batch.h"

#include "base/rng.h"
#include "rtc/media_cipher.h"
#include "rtc/srtp_sender.h"
#include "wire/rtp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RECEIVERS 48
#define ENTRIES 256
#define KEPT 4096 /* datagrams that a test looks at */

/* In the place of a real transport: keys, an address, and nothing else. */
struct transport {
    struct transport_route route;
    bool has_route;
    struct media_cipher *opener;
};

bool transport_get_route(const struct transport *t, usec_t now, struct transport_route *out)
{
    (void)now;
    *out = t->route;
    return t->has_route;
}

struct kept {
    struct net_addr to;
    size_t message; /* its place among all messages */
    size_t size;
    uint8_t data[TX_PACKET_BYTES];
};

struct sink {
    size_t takes; /* datagrams of each burst */
    size_t fails; /* of the rest */
    size_t bursts, messages, datagrams, bytes, kept_count;
    struct kept kept[KEPT];
    struct tx_message seen[KEPT]; /* their data is gone */
};

static size_t sink_send(void *context, const struct tx_message *messages, size_t count,
                        size_t *failed)
{
    struct sink *sink = context;
    size_t datagrams = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < messages[i].segments && sink->kept_count < KEPT; k++) {
            struct kept *kept = &sink->kept[sink->kept_count++];
            struct bytes data = tx_message_get(&messages[i], k);
            kept->to = messages[i].to;
            kept->message = sink->messages;
            kept->size = data.size;
            memcpy(kept->data, data.data, data.size);
        }
        if (sink->messages < KEPT)
            sink->seen[sink->messages] = messages[i];
        sink->messages++;
        datagrams += messages[i].segments;
        sink->bytes += messages[i].data.size;
    }
    size_t sent = datagrams < sink->takes ? datagrams : sink->takes;
    sink->bursts++;
    sink->datagrams += datagrams;
    *failed = datagrams - sent < sink->fails ? datagrams - sent : sink->fails;
    return sent;
}

struct bench {
    struct sink sink;
    struct relay_stats stats;
    struct tx_batch tx;
    struct transport transports[RECEIVERS];
};

static void create_transport(struct transport *t, uint32_t index, enum media_profile profile)
{
    struct media_keys keys = {.profile = profile,
                              .bytes = profile == MEDIA_PROFILE_GCM_128 ? 28 : 30};
    struct rng rng = rng_of_seed(index);
    for (size_t i = 0; i < keys.bytes; i++) {
        keys.local[i] = (uint8_t)rng_next(&rng);
        keys.remote[i] = (uint8_t)rng_next(&rng);
    }
    t->route = (struct transport_route){
        .to = {.ip = {10, 0, 0, 1}, .port = (uint16_t)(1000 + index), .family = NET_FAMILY_IPV4},
        .until = SECONDS(1000)};
    t->has_route = true;
    assert_int_equal(srtp_sender_create(&t->route.sender, SRTP_BACKEND_AUTO, &keys), STATUS_OK);
    struct media_keys swapped = keys;
    memcpy(swapped.local, keys.remote, sizeof keys.remote);
    memcpy(swapped.remote, keys.local, sizeof keys.local);
    assert_int_equal(media_cipher_create(&t->opener, &swapped), STATUS_OK);
}

static int set_up(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    b.sink.takes = SIZE_MAX;
    struct tx_sink sink = {&b.sink, sink_send};
    *state = &b;
    if (tx_batch_init(&b.tx, RECEIVERS, ENTRIES, &sink, &b.stats) != STATUS_OK)
        return -1;
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        create_transport(&b.transports[i], i,
                         i % 2 == 0 ? MEDIA_PROFILE_GCM_128 : MEDIA_PROFILE_CM_80);
        tx_batch_set_receiver(&b.tx, i, &b.transports[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    tx_batch_destroy(&b->tx);
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        srtp_sender_free(b->transports[i].route.sender);
        media_cipher_free(b->transports[i].opener);
    }
    return 0;
}

/* --- What a test gets */

static uint32_t receiver_of(const struct kept *kept)
{
    return kept->to.port - 1000u;
}

/* Opens a datagram; *payload lies in it. */
static struct rtp_header open_datagram(struct bench *b, struct kept *kept)
{
    struct rtp_header header;
    size_t size = kept->size;
    struct transport *t = &b->transports[receiver_of(kept)];
    assert_int_equal(media_cipher_unprotect_rtp(t->opener, kept->data, &size), STATUS_OK);
    assert_int_equal(rtp_parse_header(bytes_of(kept->data, size), &header), STATUS_OK);
    return header;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
