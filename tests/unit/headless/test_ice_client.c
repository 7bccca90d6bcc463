#include "client-demo/headless/ice_client.h"

#include "wire/stun.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define START SECONDS(100)
#define REMOTE_PWD "the relay's password, long enough"

static struct net_addr address(uint8_t last)
{
    return (struct net_addr){.ip = {192, 0, 2, last}, .port = 40000, .family = NET_FAMILY_IPV4};
}

static struct ice_client make_client(size_t candidates)
{
    struct ice_client ice;
    struct ice_client_config config = {
        .local = {.ufrag = "mine", .pwd = "my own password, long enough"},
        .remote = {.ufrag = "relay", .pwd = REMOTE_PWD},
        .candidate_count = candidates,
        .tie_breaker = 77,
    };
    for (size_t i = 0; i < candidates; i++)
        config.candidates[i] = address((uint8_t)(i + 1));
    assert_int_equal(ice_client_init(&ice, START, &config, 1), STATUS_OK);
    return ice;
}

/* Lets the client send what is due at `now`; the check's transaction and where it goes. */
static struct stun_message take_check(struct ice_client *ice, usec_t now, struct net_addr *to)
{
    struct bytes datagram;
    struct stun_message message;
    ice_client_handle_timeout(ice, now);
    assert_true(ice_client_poll_datagram(ice, to, &datagram));
    assert_int_equal(stun_parse_message(datagram, &message), STATUS_OK);
    return message;
}

static void answer(struct ice_client *ice, usec_t now, const struct net_addr *from,
                   const struct stun_message *check, const char *password)
{
    uint8_t text[200];
    struct net_addr mapped = address(99);
    struct writer w = writer_of((struct bytes_mut){text, sizeof(text)});
    assert_int_equal(stun_write_success(&w, check->transaction, &mapped, bytes_of_string(password)),
                     STATUS_OK);
    ice_client_handle_datagram(ice, now, from, bytes_const(writer_written(&w)));
}

static void a_check_is_what_a_lite_agent_wants(void **state)
{
    (void)state;
    struct ice_client ice = make_client(1);
    struct net_addr to, expected = address(1);
    struct stun_message check = take_check(&ice, START, &to);
    assert_true(net_addr_equal(&to, &expected));
    assert_int_equal(check.class, STUN_CLASS_REQUEST);
    assert_true(bytes_equal_string(check.username, "relay:mine"));
    assert_int_equal(check.role, STUN_ROLE_CONTROLLING);
    assert_int_equal(check.tie_breaker, 77);
    assert_true(check.use_candidate);
    assert_true(check.has_priority);
    assert_true(check.has_fingerprint);
    assert_int_equal(stun_verify_integrity(&check, bytes_of_string(REMOTE_PWD)), STATUS_OK);
}

static void without_candidates_or_with_too_many_there_is_no_client(void **state)
{
    (void)state;
    struct ice_client ice;
    const size_t counts[] = {0, ICE_CLIENT_CANDIDATES_MAX + 1};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct ice_client_config config = {.candidate_count = counts[i]};
        assert_int_equal(ice_client_init(&ice, START, &config, 1), STATUS_CONFIG);
    }
}

static void candidates_take_turns_and_each_round_waits_twice_as_long(void **state)
{
    (void)state;
    struct ice_client ice = make_client(2);
    static const usec_t waits[] = {50,  50,  100, 100,  200,  200, 400,
                                   400, 800, 800, 1600, 1600, 1600};
    usec_t now = START;
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        struct net_addr to, expected = address((uint8_t)(i % 2 + 1));
        take_check(&ice, now, &to);
        assert_true(net_addr_equal(&to, &expected));
        usec_t wait = ice_client_next_timeout(&ice) - now;
        assert_int_equal(wait, MILLISECONDS(waits[i]));
        ice_client_handle_timeout(&ice, ice_client_next_timeout(&ice) - 1);
        struct bytes none;
        assert_false(ice_client_poll_datagram(&ice, &to, &none));
        now = ice_client_next_timeout(&ice);
    }
}

static void an_answer_selects_the_address_it_came_from(void **state)
{
    (void)state;
    struct ice_client ice = make_client(2);
    struct net_addr to, remote;
    take_check(&ice, START, &to);
    struct stun_message check = take_check(&ice, START + MILLISECONDS(50), &to);
    assert_false(ice_client_get_remote(&ice, START + MILLISECONDS(50), &remote));
    answer(&ice, START + MILLISECONDS(62), &to, &check, REMOTE_PWD);
    assert_true(ice_client_get_remote(&ice, START + MILLISECONDS(62), &remote));
    assert_true(net_addr_equal(&remote, &to));
    assert_int_equal(ice.rtt_us, MILLISECONDS(12));
}

static void an_answer_that_proves_nothing_is_ignored(void **state)
{
    (void)state;
    struct ice_client ice = make_client(1);
    struct net_addr to, stranger = address(50), remote;
    struct stun_message check = take_check(&ice, START, &to), other = check;
    other.transaction[3] ^= 1;
    answer(&ice, START, &to, &check, "another password, just as long as that");
    answer(&ice, START, &stranger, &check, REMOTE_PWD);
    answer(&ice, START, &to, &other, REMOTE_PWD);
    uint8_t text[200];
    struct writer w = writer_of((struct bytes_mut){text, sizeof(text)});
    assert_int_equal(stun_write_error(&w, check.transaction, STUN_ERROR_ROLE_CONFLICT, NULL, 0,
                                      bytes_of_string(REMOTE_PWD)),
                     STATUS_OK);
    ice_client_handle_datagram(&ice, START, &to, bytes_const(writer_written(&w)));
    ice_client_handle_datagram(&ice, START, &to, bytes_of_string("not STUN at all"));
    ice_client_handle_datagram(&ice, START, &to, BYTES_NONE);
    assert_false(ice_client_get_remote(&ice, START, &remote));
}

static void
consent_is_asked_for_every_few_seconds_and_ends_after_thirty_without_an_answer(void **state)
{
    (void)state;
    struct ice_client ice = make_client(1);
    struct net_addr to, remote;
    struct stun_message check = take_check(&ice, START, &to);
    answer(&ice, START, &to, &check, REMOTE_PWD);
    usec_t now = START;
    for (size_t i = 0; i < 20; i++) {
        usec_t due = ice_client_next_timeout(&ice);
        assert_in_range(due - now, SECONDS(2), SECONDS(3)); /* RFC 7675: never in step */
        now = due;
        check = take_check(&ice, now, &to);
        answer(&ice, now, &to, &check, REMOTE_PWD);
        assert_true(ice_client_get_remote(&ice, now, &remote));
    }
    assert_true(ice_client_get_remote(&ice, now + SECONDS(30), &remote));
    assert_false(ice_client_get_remote(&ice, now + SECONDS(30) + 1, &remote));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_is_what_a_lite_agent_wants),
        cmocka_unit_test(without_candidates_or_with_too_many_there_is_no_client),
        cmocka_unit_test(candidates_take_turns_and_each_round_waits_twice_as_long),
        cmocka_unit_test(an_answer_selects_the_address_it_came_from),
        cmocka_unit_test(an_answer_that_proves_nothing_is_ignored),
        cmocka_unit_test(
            consent_is_asked_for_every_few_seconds_and_ends_after_thirty_without_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
