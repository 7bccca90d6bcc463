/* Anything may be sent in any order: each receiver gets what was meant for it. */
#include "base/rng.h"
#include "unit/relay/tx_batch_bench.c"

#define EXPECTED_MAX 4096

struct expected {
    size_t payload_bytes;
    uint8_t fill, extension;
    uint16_t seq;
};

struct chaos {
    struct bench *b;
    struct rng rng;
    struct expected expected[RECEIVERS][TX_CLASS_COUNT][EXPECTED_MAX];
    size_t added[RECEIVERS][TX_CLASS_COUNT], got[RECEIVERS][TX_CLASS_COUNT];
};

#define LAYOUTS (TX_PREFIXES + 4) /* more than a slot has room for */

static const struct tx_prefix *prefix_of(struct chaos *c, uint64_t layout)
{
    const struct tx_prefix *found = tx_batch_find_prefix(&c->b->tx, layout);
    if (found != NULL)
        return found;
    /* One element of one byte, by the one-byte form of RFC 8285. */
    uint8_t block[] = {0xbe, 0xde, 0, 1, 0x10, (uint8_t)layout, 0, 0};
    struct tx_prefix *fresh = tx_batch_add_prefix(&c->b->tx, 0, layout);
    fresh->bytes = sizeof block;
    memcpy(fresh->data, block, sizeof block);
    return fresh;
}

static void send_anything(struct chaos *c)
{
    struct expected e = {.payload_bytes = rng_below(&c->rng, 2) == 0 ? 900 + rng_below(&c->rng, 40)
                                                                     : rng_below(&c->rng, 1400),
                         .fill = (uint8_t)rng_next(&c->rng)};
    enum tx_class class = rng_below(&c->rng, 4) == 0 ? TX_CLASS_FIRST : TX_CLASS_VIDEO;
    uint8_t payload[TX_PAYLOAD_BYTES];
    memset(payload, e.fill, sizeof payload);
    assert_true(tx_batch_begin(&c->b->tx, 0, bytes_of(payload, e.payload_bytes)));
    for (uint32_t r = 0; r < RECEIVERS; r++) {
        if (rng_below(&c->rng, 3) == 0)
            continue;
        e.extension = (uint8_t)(1 + (r + e.fill) % LAYOUTS);
        e.seq = (uint16_t)(c->added[r][class] + 1);
        c->expected[r][class][c->added[r][class]++] = e;
        tx_batch_add(&c->b->tx, 0, r, class, prefix_of(c, e.extension),
                     &(struct tx_rtp){.seq = e.seq,
                                      .timestamp = e.seq * 7u,
                                      .ssrc = 100 + (uint32_t) class,
                                      .payload_type = 96,
                                      .marker = rng_below(&c->rng, 5) == 0});
    }
}

static void check_anything(struct chaos *c)
{
    struct bench *b = c->b;
    for (size_t i = 0; i < b->sink.kept_count; i++) {
        struct rtp_header header = open_datagram(b, &b->sink.kept[i]);
        uint32_t r = receiver_of(&b->sink.kept[i]);
        size_t class = header.ssrc - 100;
        const struct expected *e = &c->expected[r][class][c->got[r][class]++];
        assert_int_equal(header.seq, e->seq);
        assert_int_equal(header.timestamp, e->seq * 7u);
        assert_int_equal(header.payload_type, 96);
        assert_int_equal(b->sink.kept[i].data[17], e->extension);
        assert_int_equal(header.payload.size, e->payload_bytes);
        for (size_t k = 0; k < header.payload.size; k++)
            assert_int_equal(header.payload.data[k], e->fill);
    }
    b->sink.kept_count = 0;
}

static void whatever_is_sent_arrives_whole_in_order_and_once(void **state)
{
    struct bench *b = *state;
    static struct chaos c;
    memset(&c, 0, sizeof c);
    c.b = b;
    c.rng = rng_of_seed(20);
    for (int step = 0; step < 400; step++) {
        send_anything(&c);
        if (rng_below(&c.rng, 3) == 0)
            tx_batch_flush_some(&b->tx, (usec_t)rng_below(&c.rng, 3000),
                                (uint32_t)rng_below(&c.rng, 100));
        check_anything(&c);
    }
    tx_batch_flush(&b->tx, 0);
    check_anything(&c);
    for (uint32_t r = 0; r < RECEIVERS; r++) {
        for (int class = 0; class < TX_CLASS_COUNT; class ++)
            assert_int_equal(c.got[r][class], c.added[r][class]);
    }
    assert_int_equal(b->stats.drops[DROP_SEAL_FAILED], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_is_sent_arrives_whole_in_order_and_once),
    };
    if (media_cipher_init_library() != STATUS_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
