#include "relay/core/handshake_queue.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void what_is_pushed_comes_out_in_order_and_never_more_than_there_is_room_for(void **state)
{
    (void)state;
    enum { CAPACITY = 5 };
    struct handshake_queue q;
    uint8_t in = 0;
    uint8_t out = 0;
    assert_int_equal(handshake_queue_init(&q, 0), STATUS_CONFIG);
    assert_int_equal(handshake_queue_init(&q, CAPACITY), STATUS_OK);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < round % 8; i++) {
            struct net_addr from = {.port = (uint16_t)(in + 1)};
            bool room = q.count < CAPACITY;
            uint8_t data[] = {22, in};
            assert_int_equal(handshake_queue_push(&q, (struct pool_handle){.index = in}, &from,
                                                  bytes_of(data, sizeof data)),
                             room);
            in = (uint8_t)(in + room);
        }
        for (int i = 0; i < round % 5; i++) {
            struct handshake *h = handshake_queue_pop(&q);
            if (in == out) {
                assert_null(h);
                continue;
            }
            assert_int_equal(h->participant.index, out);
            assert_int_equal(h->from.port, out + 1);
            assert_int_equal(h->size, 2);
            assert_int_equal(h->data[1], out++);
        }
    }
    handshake_queue_destroy(&q);
}

static void a_datagram_longer_than_dtls_may_be_is_not_taken(void **state)
{
    (void)state;
    static const uint8_t data[DTLS_DATAGRAM_BYTES_MAX + 1];
    struct net_addr from = {0};
    struct handshake_queue q;
    assert_int_equal(handshake_queue_init(&q, 1), STATUS_OK);
    assert_false(handshake_queue_push(&q, POOL_HANDLE_NONE, &from, bytes_of(data, sizeof data)));
    assert_true(handshake_queue_push(&q, POOL_HANDLE_NONE, &from, bytes_of(data, 1500)));
    handshake_queue_destroy(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_pushed_comes_out_in_order_and_never_more_than_there_is_room_for),
        cmocka_unit_test(a_datagram_longer_than_dtls_may_be_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
