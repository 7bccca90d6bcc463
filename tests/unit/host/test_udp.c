#define _GNU_SOURCE /* mkstemp, strdup, pipe */
#include "host/net_sockaddr.h"
#include "host/udp_batch.h"
#include "unit/host/host_test.h"

#include <netinet/in.h>
#include <poll.h>

static const struct log silent;

static struct net_addr address(const char *ip, uint16_t port)
{
    struct net_addr a;
    assert_int_equal(net_addr_parse_ip(ip, port, &a), STATUS_OK);
    return a;
}

static bool open_on(const char *ip, struct udp_socket *out)
{
    struct net_addr local = address(ip, 0);
    return udp_socket_open(out, &local, &silent) == STATUS_OK;
}

static void wait_readable(const struct udp_socket *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
}

static void addresses_come_back_as_they_were(void **state)
{
    static const char *const ips[] = {"127.0.0.1", "203.0.113.7",    "0.0.0.0", "::1",
                                      "::",        "2001:db8::ff:1", "fe80::1"};
    for (size_t i = 0; i < COUNT_OF(ips); i++) {
        struct net_addr a = address(ips[i], 40001);
        struct sockaddr_storage storage;
        struct net_addr b;
        assert_true(net_sockaddr_of(&a, &storage) > 0);
        assert_true(net_addr_of_sockaddr(&storage, &b));
        if (!net_addr_equal(&a, &b))
            fail_msg("%s", ips[i]);
    }
    struct net_addr none = {0};
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    assert_int_equal(net_sockaddr_of(&none, &storage), 0);
    storage.ss_family = AF_UNIX;
    assert_false(net_addr_of_sockaddr(&storage, &none));
    (void)state;
}

static void interfaces_are_listed_without_loopback_and_within_bounds(void **state)
{
    struct net_addr found[16];
    size_t count = net_sockaddr_list_interfaces(found, COUNT_OF(found));
    assert_true(count <= COUNT_OF(found));
    for (size_t i = 0; i < count; i++) {
        assert_false(net_addr_is_loopback(&found[i]));
        assert_int_equal(found[i].port, 0);
    }
    assert_int_equal(net_sockaddr_list_interfaces(found, 0), 0);
    (void)state;
}

static void check_batches_on(const char *ip)
{
    enum { COUNT = 150 };
    struct udp_socket a, b;
    struct udp_receive_batch *batch;
    static uint8_t data[COUNT][100];
    struct udp_outgoing out[COUNT];
    if (!open_on(ip, &a)) {
        print_message("%s: not on this machine\n", ip);
        return;
    }
    assert_true(open_on(ip, &b));
    assert_int_equal(udp_receive_batch_create(&batch), STATUS_OK);
    assert_int_not_equal(a.local.port, 0);
    for (size_t i = 0; i < COUNT; i++) {
        memset(data[i], (int)i, sizeof data[i]);
        out[i] = (struct udp_outgoing){b.local, bytes_of(data[i], 1 + i % 100)};
    }
    struct udp_send_result result = udp_send_batch(&a, out, COUNT);
    assert_int_equal(result.sent, COUNT);
    assert_int_equal(result.blocked + result.failed, 0);
    size_t got = 0;
    size_t cut = 0;
    bool more = true;
    while (got < COUNT) {
        wait_readable(&b);
        size_t count = udp_receive_batch_fetch(batch, &b, &cut, &more);
        assert_true(count <= UDP_BATCH_DATAGRAMS);
        for (size_t i = 0; i < count; i++, got++) {
            const struct udp_received *r = udp_receive_batch_get(batch, i);
            assert_true(net_addr_equal(&r->from, &a.local));
            assert_int_equal(r->data.size, 1 + got % 100);
            assert_int_equal(r->data.data[0], got & 0xff);
        }
    }
    assert_int_equal(cut, 0);
    assert_int_equal(udp_receive_batch_fetch(batch, &b, &cut, &more), 0);
    assert_false(more);
    udp_receive_batch_free(batch);
    udp_socket_close(&a);
    udp_socket_close(&b);
}

static void datagrams_go_in_batches_over_ipv4(void **state)
{
    check_batches_on("127.0.0.1");
    (void)state;
}

static void datagrams_go_in_batches_over_ipv6(void **state)
{
    check_batches_on("::1");
    (void)state;
}

static void a_datagram_that_is_too_long_is_dropped_and_counted(void **state)
{
    static uint8_t data[UDP_BATCH_DATAGRAM_BYTES + 1];
    struct udp_socket a, b;
    struct udp_receive_batch *batch;
    assert_true(open_on("127.0.0.1", &a));
    assert_true(open_on("127.0.0.1", &b));
    assert_int_equal(udp_receive_batch_create(&batch), STATUS_OK);
    const struct udp_outgoing out[] = {
        {b.local, bytes_of(data, sizeof data)},
        {b.local, bytes_of(data, sizeof data - 1)},
        {b.local, bytes_of(data, 0)},
    };
    assert_int_equal(udp_send_batch(&a, out, COUNT_OF(out)).sent, 3);
    size_t cut = 0;
    bool more;
    wait_readable(&b);
    assert_int_equal(udp_receive_batch_fetch(batch, &b, &cut, &more), 2);
    assert_int_equal(cut, 1);
    assert_int_equal(udp_receive_batch_get(batch, 0)->data.size, UDP_BATCH_DATAGRAM_BYTES);
    assert_int_equal(udp_receive_batch_get(batch, 1)->data.size, 0);
    udp_receive_batch_free(batch);
    udp_socket_close(&a);
    udp_socket_close(&b);
    (void)state;
}

static void datagrams_that_found_no_room_are_counted(void **state)
{
    struct udp_socket from, to;
    struct udp_receive_batch *batch;
    static uint8_t data[1200];
    struct udp_outgoing out[64];
    size_t sent = 0, got = 0, cut = 0;
    bool more = true;
    int small = 1;
    assert_true(open_on("127.0.0.1", &from));
    assert_true(open_on("127.0.0.1", &to));
    assert_int_equal(udp_receive_batch_create(&batch), STATUS_OK);
    assert_int_equal(setsockopt(to.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    udp_socket_ask_losses(&to);
    for (size_t i = 0; i < COUNT_OF(out); i++)
        out[i] = (struct udp_outgoing){to.local, bytes_of(data, sizeof data)};
    for (int round = 0; round < 2; round++) { /* a datagram tells of those lost before it */
        sent += udp_send_batch(&from, out, round == 0 ? COUNT_OF(out) : 1).sent;
        wait_readable(&to);
        do {
            size_t count = udp_receive_batch_fetch(batch, &to, &cut, &more);
            got += count;
            more = count > 0;
        } while (more);
    }
    assert_in_range(got, 1, sent - 1);
    assert_int_equal(udp_receive_batch_get_losses(batch), sent - got);
    udp_receive_batch_free(batch);
    udp_socket_close(&from);
    udp_socket_close(&to);
    (void)state;
}

static void what_cannot_be_sent_is_skipped_and_the_rest_goes(void **state)
{
    struct udp_socket a, b;
    struct net_addr nowhere = {0};
    assert_true(open_on("127.0.0.1", &a));
    assert_true(open_on("127.0.0.1", &b));
    struct net_addr other_family = address("::1", b.local.port);
    static uint8_t too_long[70000];
    const struct udp_outgoing out[] = {
        {b.local, bytes_of("1", 1)},
        {nowhere, bytes_of("2", 1)},
        {b.local, bytes_of("3", 1)},
        {other_family, bytes_of("4", 1)},
        {b.local, bytes_of(too_long, sizeof too_long)},
        {b.local, bytes_of("6", 1)},
    };
    struct udp_send_result result = udp_send_batch(&a, out, COUNT_OF(out));
    assert_int_equal(result.sent, 3);
    assert_int_equal(result.failed, 3);
    assert_int_equal(result.blocked, 0);
    udp_socket_close(&a);
    udp_socket_close(&b);
    (void)state;
}

/* Segments of one message arrive as datagrams, also where the kernel refuses the whole: too much
 * for one, or a size that it does not take. */
static void check_messages_on(const char *ip)
{
    enum { SEGMENTS = 16 };
    static const size_t sizes[] = {1200, 1, 1400, 5000};
    static uint8_t data[SEGMENTS * 5000];
    struct udp_socket a, b;
    if (!open_on(ip, &a)) {
        print_message("%s: not on this machine\n", ip);
        return;
    }
    assert_true(open_on(ip, &b));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t last = sizes[i] - sizes[i] / 2;
        for (size_t k = 0; k < SEGMENTS; k++)
            memset(data + k * sizes[i], (int)(k + 1), sizes[i]);
        struct udp_message messages[] = {
            {b.local, bytes_of(data, (SEGMENTS - 1) * sizes[i] + last), (uint16_t)sizes[i],
             SEGMENTS},
            {b.local, bytes_of(data, 7), 7, 1},
        };
        struct udp_send_result result = udp_send_messages(&a, messages, COUNT_OF(messages));
        assert_int_equal(result.sent, SEGMENTS + 1);
        assert_int_equal(result.blocked + result.failed, 0);
        for (size_t k = 0; k <= SEGMENTS; k++) {
            uint8_t got[6000];
            size_t expected = k == SEGMENTS ? 7 : k + 1 == SEGMENTS ? last : sizes[i];
            wait_readable(&b);
            assert_int_equal(recv(b.fd, got, sizeof got, 0), expected);
            assert_int_equal(got[0], k == SEGMENTS ? 1 : k + 1);
        }
    }
    udp_socket_close(&a);
    udp_socket_close(&b);
}

static void messages_arrive_as_their_datagrams(void **state)
{
    check_messages_on("127.0.0.1");
    check_messages_on("::1");
    (void)state;
}

static void a_message_to_nowhere_is_counted_by_its_datagrams(void **state)
{
    static const uint8_t data[100];
    struct udp_socket a, b;
    struct net_addr nowhere = {0};
    assert_true(open_on("127.0.0.1", &a));
    assert_true(open_on("127.0.0.1", &b));
    struct udp_message messages[] = {{b.local, bytes_of(data, 100), 50, 2},
                                     {nowhere, bytes_of(data, 100), 40, 3},
                                     {b.local, bytes_of(data, 100), 100, 1}};
    struct udp_send_result result = udp_send_messages(&a, messages, COUNT_OF(messages));
    assert_int_equal(result.sent, 3);
    assert_int_equal(result.failed, 3);
    assert_int_equal(result.blocked, 0);
    udp_socket_close(&a);
    udp_socket_close(&b);
    (void)state;
}

static void a_port_in_use_is_told_apart_from_other_failures(void **state)
{
    struct udp_socket a, b = {.fd = -1};
    assert_true(open_on("127.0.0.1", &a));
    assert_int_equal(udp_socket_open(&b, &a.local, &silent), STATUS_EXISTS);
    struct net_addr foreign = address("203.0.113.1", 0);
    assert_int_equal(udp_socket_open(&b, &foreign, &silent), STATUS_SYSTEM);
    struct net_addr none = {0};
    assert_int_equal(udp_socket_open(&b, &none, &silent), STATUS_CONFIG);
    assert_int_equal(b.fd, -1);
    udp_socket_close(&a);
    assert_int_equal(a.fd, -1);
    udp_socket_close(&a);
    (void)state;
}

static void one_port_serves_both_families_by_two_sockets(void **state)
{
    struct udp_socket v6, v4;
    if (!open_on("::", &v6)) {
        print_message("no IPv6 on this machine\n");
        return;
    }
    struct net_addr any = address("0.0.0.0", v6.local.port);
    assert_int_equal(udp_socket_open(&v4, &any, &silent), STATUS_OK);
    udp_socket_close(&v4);
    udp_socket_close(&v6);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_come_back_as_they_were),
        cmocka_unit_test(interfaces_are_listed_without_loopback_and_within_bounds),
        cmocka_unit_test(datagrams_go_in_batches_over_ipv4),
        cmocka_unit_test(datagrams_go_in_batches_over_ipv6),
        cmocka_unit_test(a_datagram_that_is_too_long_is_dropped_and_counted),
        cmocka_unit_test(datagrams_that_found_no_room_are_counted),
        cmocka_unit_test(what_cannot_be_sent_is_skipped_and_the_rest_goes),
        cmocka_unit_test(messages_arrive_as_their_datagrams),
        cmocka_unit_test(a_message_to_nowhere_is_counted_by_its_datagrams),
        cmocka_unit_test(a_port_in_use_is_told_apart_from_other_failures),
        cmocka_unit_test(one_port_serves_both_families_by_two_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
