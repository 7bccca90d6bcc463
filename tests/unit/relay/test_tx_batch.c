#include "relay/core/tx_batch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct sink {
    size_t takes; /* of each burst */
    size_t fails; /* of the rest */
    size_t bursts, datagrams, bytes;
};

static size_t sink_send(void *context, const struct tx_message *messages, size_t count,
                        size_t *failed)
{
    struct sink *sink = context;
    size_t sent = count < sink->takes ? count : sink->takes;
    sink->bursts++;
    sink->datagrams += count;
    for (size_t i = 0; i < count; i++)
        sink->bytes += messages[i].data.size;
    *failed = count - sent < sink->fails ? count - sent : sink->fails;
    return sent;
}

struct bench {
    struct sink sink;
    struct relay_stats stats;
    struct tx_batch tx;
};

static int set_up(void **state)
{
    static struct bench b;
    b = (struct bench){.sink.takes = SIZE_MAX};
    struct tx_sink sink = {&b.sink, sink_send};
    *state = &b;
    return tx_batch_init(&b.tx, 4, 8, &sink, &b.stats) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    tx_batch_destroy(&b->tx);
    return 0;
}

static void a_batch_needs_room(void **state)
{
    struct bench *b = *state;
    struct tx_batch tx;
    struct tx_sink sink = {&b->sink, sink_send};
    assert_int_equal(tx_batch_init(&tx, 0, 8, &sink, &b->stats), STATUS_CONFIG);
    assert_int_equal(tx_batch_init(&tx, 8, 0, &sink, &b->stats), STATUS_CONFIG);
}

static void datagrams_leave_in_bursts_and_each_is_counted_once(void **state)
{
    struct bench *b = *state;
    static const struct {
        size_t count, takes, fails, bursts;
        uint64_t out, blocked, failed;
    } cases[] = {
        {0, 99, 0, 0, 0, 0, 0},
        {1, 99, 0, 1, 1, 0, 0},
        {TX_MESSAGES + 1, 99, 0, 2, TX_MESSAGES + 1, 0, 0},
        {10, 7, 0, 1, 7, 3, 0},
        {10, 7, 1, 1, 7, 2, 1},
    };
    struct net_addr to = {.port = 1};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        b->sink = (struct sink){.takes = cases[i].takes, .fails = cases[i].fails};
        b->stats = (struct relay_stats){0};
        for (size_t k = 0; k < cases[i].count; k++)
            tx_batch_add_raw(&b->tx, &to, bytes_of_string("datagram"));
        tx_batch_flush(&b->tx, 0);
        assert_int_equal(b->sink.bursts, cases[i].bursts);
        assert_int_equal(b->sink.datagrams, cases[i].count);
        assert_int_equal(b->sink.bytes, cases[i].count * 8);
        assert_int_equal(b->stats.packets_out, cases[i].out);
        assert_int_equal(b->stats.drops[DROP_SEND_BLOCKED], cases[i].blocked);
        assert_int_equal(b->stats.drops[DROP_SEND_FAILED], cases[i].failed);
    }
}

static void a_full_batch_flushes_by_itself_and_silent_receivers_are_counted(void **state)
{
    struct bench *b = *state;
    struct tx_rtp rtp = {.ssrc = 1};
    for (uint32_t i = 0; i < 20; i++) { /* no transport: nowhere to send */
        assert_true(tx_batch_begin(&b->tx, 0, bytes_of_string("payload")));
        (void)tx_batch_add(&b->tx, 0, i % 4, TX_CLASS_VIDEO, tx_batch_add_prefix(&b->tx, 0, 1),
                           &rtp);
        tx_batch_end(&b->tx);
    }
    assert_int_equal(b->stats.drops[DROP_NO_ADDRESS], 16);
    tx_batch_flush(&b->tx, 0);
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->stats.drops[DROP_NO_ADDRESS], 20);
    assert_int_equal(b->sink.datagrams, 0);
}

static void empty_and_overlong_datagrams_are_not_sent(void **state)
{
    struct bench *b = *state;
    static const uint8_t long_one[TX_PACKET_BYTES + 1];
    struct net_addr to = {.port = 1};
    tx_batch_add_raw(&b->tx, &to, bytes_of(long_one, 0));
    tx_batch_add_raw(&b->tx, &to, bytes_of(long_one, sizeof long_one));
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->sink.datagrams, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_batch_needs_room),
        TEST(datagrams_leave_in_bursts_and_each_is_counted_once),
        TEST(a_full_batch_flushes_by_itself_and_silent_receivers_are_counted),
        TEST(empty_and_overlong_datagrams_are_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
