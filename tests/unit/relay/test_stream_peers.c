#include "relay/core/stream_peers.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int set_up(void **state)
{
    static struct stream_peers p;
    struct stream_peers_config config = {.connections_max = 8,
                                         .per_address_max = 5,
                                         .unverified_max = 4,
                                         .unverified_per_address_max = 3,
                                         .hash_key = {1, 2}};
    *state = &p;
    return stream_peers_init(&p, &config) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    stream_peers_destroy(*state);
    return 0;
}

static struct net_addr address(uint8_t host, uint16_t port)
{
    return (struct net_addr){.ip = {192, 0, 2, host},
                             .port = port,
                             .family = NET_FAMILY_IPV4,
                             .protocol = NET_PROTOCOL_TCP};
}

static uint32_t admit(struct stream_peers *p, usec_t now, struct net_addr addr, uint32_t *evicted)
{
    uint32_t place = STREAM_NOBODY;
    return stream_peers_admit(p, now, &addr, &place, evicted) ? place : STREAM_NOBODY;
}

static void a_connection_is_found_once_it_has_proved_itself(void **state)
{
    struct stream_peers *p = *state;
    struct net_addr addr = address(1, 1000);
    struct net_addr udp = addr;
    uint32_t evicted;
    uint32_t place = admit(p, 0, addr, &evicted);
    udp.protocol = NET_PROTOCOL_UDP;
    assert_int_equal(stream_peers_find(p, &addr), STREAM_NOBODY);
    assert_int_equal(stream_peers_verify(p, place), STATUS_OK);
    assert_int_equal(stream_peers_find(p, &addr), place);
    assert_int_equal(stream_peers_find(p, &udp), STREAM_NOBODY);
    stream_peers_remove(p, place);
    assert_int_equal(stream_peers_find(p, &addr), STREAM_NOBODY);
    assert_null(stream_peers_get(p, place));
}

static void whoever_proves_nothing_is_late_after_five_seconds(void **state)
{
    struct stream_peers *p = *state;
    uint32_t evicted;
    uint32_t first = admit(p, SECONDS(1), address(1, 1), &evicted);
    uint32_t second = admit(p, SECONDS(2), address(1, 2), &evicted);
    uint32_t third = admit(p, SECONDS(3), address(1, 3), &evicted);
    assert_int_equal(stream_peers_verify(p, second), STATUS_OK);
    assert_int_equal(stream_peers_next_timeout(p), SECONDS(6));
    assert_int_equal(stream_peers_find_late(p, SECONDS(6) - 1), STREAM_NOBODY);
    assert_int_equal(stream_peers_find_late(p, SECONDS(6)), first);
    stream_peers_remove(p, first);
    assert_int_equal(stream_peers_find_late(p, SECONDS(6)), STREAM_NOBODY);
    assert_int_equal(stream_peers_next_timeout(p), SECONDS(8));
    stream_peers_remove(p, third);
    assert_int_equal(stream_peers_next_timeout(p), USEC_NEVER);
}

static void one_address_too_many_unproved_takes_its_own_oldest_ones_place(void **state)
{
    struct stream_peers *p = *state;
    uint32_t evicted;
    uint32_t other = admit(p, 0, address(2, 1), &evicted);
    uint32_t oldest = admit(p, 1, address(1, 1), &evicted);
    assert_int_not_equal(admit(p, 2, address(1, 2), &evicted), STREAM_NOBODY);
    assert_int_not_equal(admit(p, 3, address(1, 3), &evicted), STREAM_NOBODY);
    assert_int_equal(evicted, STREAM_NOBODY);
    assert_int_not_equal(admit(p, 4, address(1, 4), &evicted), STREAM_NOBODY);
    assert_int_equal(evicted, oldest);
    assert_int_equal(stream_peers_find_late(p, SECONDS(5)), other);
    assert_int_equal(p->unverified, 4);
}

static void strangers_push_out_each_other_and_never_a_participant(void **state)
{
    struct stream_peers *p = *state;
    struct net_addr ours[4];
    uint32_t evicted;
    for (uint8_t i = 0; i < 4; i++) {
        ours[i] = address((uint8_t)(1 + i), 1);
        assert_int_equal(stream_peers_verify(p, admit(p, 0, ours[i], &evicted)), STATUS_OK);
    }
    for (uint8_t i = 0; i < 100; i++)
        assert_int_not_equal(admit(p, 1 + i, address((uint8_t)(100 + i), 1), &evicted),
                             STREAM_NOBODY);
    assert_int_equal(p->unverified, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_not_equal(stream_peers_find(p, &ours[i]), STREAM_NOBODY);
}

static void a_full_table_refuses_and_takes_again_when_one_has_gone(void **state)
{
    struct stream_peers *p = *state;
    uint32_t evicted;
    uint32_t last = STREAM_NOBODY;
    for (uint8_t i = 0; i < 8; i++) {
        last = admit(p, 0, address((uint8_t)(1 + i), 1), &evicted);
        assert_int_equal(stream_peers_verify(p, last), STATUS_OK);
    }
    assert_int_equal(admit(p, 1, address(9, 1), &evicted), STREAM_NOBODY);
    assert_int_equal(evicted, STREAM_NOBODY);
    stream_peers_remove(p, last);
    assert_int_equal(admit(p, 2, address(9, 1), &evicted), last);
}

static void one_address_has_no_more_than_its_share_and_a_line_of_ipv6_is_one_address(void **state)
{
    struct stream_peers *p = *state;
    struct net_addr addr = {
        .ip = {0x20, 1, [6] = 7}, .family = NET_FAMILY_IPV6, .protocol = NET_PROTOCOL_TCP};
    uint32_t evicted;
    uint32_t last = STREAM_NOBODY;
    for (uint8_t i = 0; i < 5; i++) {
        addr.ip[15] = i;
        last = admit(p, 0, addr, &evicted);
        assert_int_equal(stream_peers_verify(p, last), STATUS_OK);
    }
    addr.ip[15] = 200;
    assert_int_equal(admit(p, 1, addr, &evicted), STREAM_NOBODY);
    struct net_addr neighbour = addr;
    neighbour.ip[7] = 1;
    assert_int_not_equal(admit(p, 1, neighbour, &evicted), STREAM_NOBODY);
    stream_peers_remove(p, last);
    assert_int_not_equal(admit(p, 1, addr, &evicted), STREAM_NOBODY);
}

static void a_configuration_without_room_is_refused(void **state)
{
    struct stream_peers p;
    struct stream_peers_config config = stream_peers_config_default();
    (void)state;
    config.unverified_max = 0;
    assert_int_equal(stream_peers_init(&p, &config), STATUS_CONFIG);
    config = stream_peers_config_default();
    config.connections_max = 0;
    assert_int_equal(stream_peers_init(&p, &config), STATUS_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connection_is_found_once_it_has_proved_itself),
        TEST(whoever_proves_nothing_is_late_after_five_seconds),
        TEST(one_address_too_many_unproved_takes_its_own_oldest_ones_place),
        TEST(strangers_push_out_each_other_and_never_a_participant),
        TEST(a_full_table_refuses_and_takes_again_when_one_has_gone),
        TEST(one_address_has_no_more_than_its_share_and_a_line_of_ipv6_is_one_address),
        cmocka_unit_test(a_configuration_without_room_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
