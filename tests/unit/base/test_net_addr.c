#include "base/net_addr.h"

#include "unit/base/base_test.h"

static void an_address_is_read_and_written_in_its_shortest_form(void **state)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", "::ffff:c000:201"},
        {"64:ff9b::127.0.0.1", "64:ff9b::7f00:1"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct net_addr addr, again;
        char text[NET_ADDR_TEXT_BYTES];
        if (net_addr_parse_ip(cases[i].text, 99, &addr) != STATUS_OK)
            fail_msg("%s refused", cases[i].text);
        assert_string_equal(net_addr_write_ip(&addr, text), cases[i].written);
        assert_int_equal(addr.port, 99);
        assert_int_equal(net_addr_parse_ip(text, 99, &again), STATUS_OK);
        assert_true(net_addr_equal(&addr, &again));
    }
    (void)state;
}

static void what_the_internet_does_not_route_is_not_public(void **state)
{
    static const char *const inside[] = {
        "0.0.0.0",      "10.255.0.1",      "100.64.0.1",      "100.127.255.255",
        "127.0.0.1",    "169.254.169.254", "172.16.0.1",      "172.31.255.255",
        "192.0.0.8",    "192.0.2.1",       "192.88.99.1",     "192.168.1.1",
        "198.18.0.1",   "198.19.255.255",  "198.51.100.7",    "203.0.113.7",
        "224.0.0.1",    "240.0.0.1",       "255.255.255.255", "::",
        "::1",          "::127.0.0.1",     "::ffff:10.0.0.1", "64:ff9b::169.254.169.254",
        "64:ff9b:1::1", "100::1",          "2001::1",         "2001:1ff::1",
        "2001:db8::1",  "2002:a00::1",     "3fff:fff::1",     "fc00::1",
        "fd00::9",      "fe80::1",         "ff02::1",         "4000::1"};
    static const char *const outside[] = {
        "1.1.1.1",        "9.255.255.255",    "11.0.0.0",    "100.63.255.255",
        "100.128.0.0",    "172.15.0.1",       "172.32.0.1",  "192.0.1.1",
        "192.167.0.1",    "198.17.255.255",   "198.20.0.0",  "223.255.255.255",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:200::1", "2001:4860:4860::8888",
        "2a00::1",        "3fff:1000::1"};
    struct net_addr addr;
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        assert_int_equal(net_addr_parse_ip(inside[i], 443, &addr), STATUS_OK);
        if (net_addr_is_public(&addr))
            fail_msg("%s is public", inside[i]);
    }
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        assert_int_equal(net_addr_parse_ip(outside[i], 443, &addr), STATUS_OK);
        if (!net_addr_is_public(&addr))
            fail_msg("%s is not public", outside[i]);
    }
    assert_false(net_addr_is_public(&(struct net_addr){0}));
    (void)state;
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.256",
                                      "1.2.3.-1",
                                      "1.2.3.4 ",
                                      "1..2.3",
                                      "0001.2.3.4",
                                      ":",
                                      ":::",
                                      "1:2",
                                      "1:2:3:4:5:6:7:8:9",
                                      "::1::",
                                      "12345::",
                                      "g::",
                                      "1:",
                                      ":1",
                                      "1:::2",
                                      "[::1",
                                      "::1]",
                                      "[1.2.3.4]",
                                      "::1.2.3",
                                      "fe80::1%lo",
                                      "localhost",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "[]",
                                      "1:2:3:4:5:6:7::8"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct net_addr addr = {.port = 5};
        if (net_addr_parse_ip(bad[i], 1, &addr) != STATUS_MALFORMED)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(addr.port, 5);
    }
    (void)state;
}

static void equality_and_hash_look_at_protocol_family_address_and_port(void **state)
{
    static const uint64_t key[2] = {1, 2}, other_key[2] = {1, 3};
    struct net_addr a, b;
    assert_int_equal(net_addr_parse_ip("192.0.2.1", 1, &a), STATUS_OK);
    b = a;
    assert_true(net_addr_equal(&a, &b));
    assert_true(net_addr_hash(&a, key) == net_addr_hash(&b, key));
    assert_true(net_addr_hash(&a, key) != net_addr_hash(&a, other_key));
    b.port = 2;
    assert_false(net_addr_equal(&a, &b));
    assert_true(net_addr_hash(&a, key) != net_addr_hash(&b, key));
    b = a;
    b.ip[3] = 2;
    assert_false(net_addr_equal(&a, &b));
    b = a;
    b.family = NET_FAMILY_IPV6;
    assert_false(net_addr_equal(&a, &b));
    b = a;
    b.protocol = NET_PROTOCOL_TCP;
    assert_false(net_addr_equal(&a, &b));
    assert_true(net_addr_hash(&a, key) != net_addr_hash(&b, key));
    (void)state;
}

static void loopback_and_any_are_known(void **state)
{
    static const struct {
        const char *text;
        bool loopback, any;
    } cases[] = {{"127.0.0.1", true, false},  {"127.255.0.9", true, false},
                 {"128.0.0.1", false, false}, {"::1", true, false},
                 {"::2", false, false},       {"0.0.0.0", false, true},
                 {"::", false, true},         {"::ffff:127.0.0.1", false, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct net_addr addr;
        assert_int_equal(net_addr_parse_ip(cases[i].text, 0, &addr), STATUS_OK);
        assert_int_equal(net_addr_is_loopback(&addr), cases[i].loopback);
        assert_int_equal(net_addr_is_any(&addr), cases[i].any);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_and_written_in_its_shortest_form),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(what_the_internet_does_not_route_is_not_public),
        cmocka_unit_test(equality_and_hash_look_at_protocol_family_address_and_port),
        cmocka_unit_test(loopback_and_any_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
