#include "relay/shell/report_socket.h"

#include "base/check.h"
#include "host/udp_batch.h"
#include "unit/relay_shell/relay_shell_test.h"
#include "wire/demux.h"

#include <poll.h>
#include <unistd.h>

static const struct log silent;

struct bench {
    struct udp_socket media, reports, peer;
};

static struct net_addr loopback(const char *ip)
{
    struct net_addr a;
    assert_int_equal(net_addr_parse_ip(ip, 0, &a), STATUS_OK);
    return a;
}

/* False where the machine lacks the family. */
static bool begin(struct bench *b, const char *ip)
{
    struct net_addr local = loopback(ip);
    if (udp_socket_open(&b->media, &local, &silent) != STATUS_OK)
        return false;
    assert_int_equal(report_socket_open(&b->reports, &b->media, &silent), STATUS_OK);
    assert_true(net_addr_equal(&b->media.local, &b->reports.local));
    assert_int_equal(udp_socket_open(&b->peer, &local, &silent), STATUS_OK);
    return true;
}

static void end(struct bench *b)
{
    udp_socket_close(&b->peer);
    udp_socket_close(&b->reports);
    udp_socket_close(&b->media);
}

/* Where one datagram arrives. */
static const struct udp_socket *arrives_at(const struct bench *b, const uint8_t *data, size_t size)
{
    struct udp_outgoing out = {b->media.local, bytes_of(data, size)};
    struct pollfd fds[] = {{.fd = b->media.fd, .events = POLLIN},
                           {.fd = b->reports.fd, .events = POLLIN}};
    uint8_t got[2048];
    assert_int_equal(udp_send_batch(&b->peer, &out, 1).sent, 1);
    assert_int_equal(poll(fds, COUNT_OF(fds), 5000), 1);
    const struct udp_socket *at = fds[0].revents != 0 ? &b->media : &b->reports;
    assert_int_equal(read(at->fd, got, sizeof got), size);
    assert_memory_equal(got, data, size);
    return at;
}

static void check(const struct bench *b, const uint8_t *data, size_t size)
{
    bool aside = arrives_at(b, data, size) == &b->reports;
    if (aside != demux_is_report(bytes_of(data, size)))
        fail_msg("%zu bytes, %02x %02x: %s", size, data[0], data[1],
                 aside ? "aside" : "with the media");
}

static void check_on(const char *ip)
{
    struct bench b;
    uint8_t data[200] = {0};
    if (!begin(&b, ip)) {
        print_message("no %s on this machine\n", ip);
        return;
    }
    for (unsigned first = 0; first < 256; first += first < 120 || first > 200 ? 13 : 1) {
        for (unsigned type = 192; type < 224; type++) {
            data[0] = (uint8_t)first;
            data[1] = (uint8_t)type;
            check(&b, data, 52);
        }
    }
    data[0] = 0x81;
    data[1] = 201;
    for (size_t size = 1; size <= sizeof data; size++)
        check(&b, data, size);
    end(&b);
}

static void the_kernel_sets_aside_exactly_what_is_a_report(void **state)
{
    check_on("127.0.0.1");
    check_on("::1");
    (void)state;
}

static void nobody_else_gets_the_port(void **state)
{
    struct bench b;
    struct udp_socket other;
    assert_true(begin(&b, "127.0.0.1"));
    assert_int_equal(udp_socket_open(&other, &b.media.local, &silent), STATUS_EXISTS);
    end(&b);
    (void)state;
}

static void what_is_sent_to_a_port_goes_on_without_the_second_socket(void **state)
{
    static const uint8_t report[52] = {0x81, 201, 0, 7};
    struct bench b;
    assert_true(begin(&b, "127.0.0.1"));
    udp_socket_close(&b.reports);
    b.reports.fd = -1;
    assert_ptr_equal(arrives_at(&b, report, sizeof report), &b.media);
    end(&b);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_sets_aside_exactly_what_is_a_report),
        cmocka_unit_test(nobody_else_gets_the_port),
        cmocka_unit_test(what_is_sent_to_a_port_goes_on_without_the_second_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
