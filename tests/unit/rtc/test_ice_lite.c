#include "rtc/ice_lite.h"
#include "support/ice_peer.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct bench {
    struct ice_lite ice;
    struct ice_peer peer;
    uint8_t answer[ICE_ANSWER_BYTES_MAX];
    size_t answer_bytes;
    struct ice_path_change change;
};

static struct net_addr address(uint8_t last)
{
    return (struct net_addr){.ip = {192, 0, 2, last}, .port = 40000, .family = NET_FAMILY_IPV4};
}

static int set_up(void **state)
{
    static struct bench b;
    struct ice_parameters ours, theirs;
    b = (struct bench){0};
    assert_int_equal(ice_credentials_generate(&ours), STATUS_OK);
    assert_int_equal(ice_credentials_generate(&theirs), STATUS_OK);
    ice_lite_init(&b.ice, SECONDS(1), &ours, &theirs, SECONDS(20));
    ice_peer_init(&b.peer, &theirs, &ours);
    *state = &b;
    return 0;
}

static enum ice_verdict check_by(struct bench *b, struct ice_peer *peer, usec_t now, uint8_t from)
{
    uint8_t datagram[STUN_BYTES_MAX];
    struct net_addr addr = address(from);
    size_t size = ice_peer_write_check(peer, datagram);
    b->answer_bytes = 0;
    return ice_lite_handle_stun(&b->ice, now, &addr, bytes_of(datagram, size), b->answer,
                                &b->answer_bytes, &b->change);
}

static enum ice_verdict check(struct bench *b, usec_t now, uint8_t from)
{
    return check_by(b, &b->peer, now, from);
}

static int answer_code(const struct bench *b)
{
    return ice_peer_read_answer(&b->peer, bytes_of(b->answer, b->answer_bytes));
}

static uint8_t remote(const struct bench *b, usec_t now)
{
    struct net_addr addr;
    return ice_lite_get_remote(&b->ice, now, &addr) ? addr.ip[3] : 0;
}

static void credentials_are_long_and_differ(void **state)
{
    struct ice_parameters a, b;
    assert_int_equal(ice_credentials_generate(&a), STATUS_OK);
    assert_int_equal(ice_credentials_generate(&b), STATUS_OK);
    assert_int_equal(strlen(a.ufrag), 12);
    assert_int_equal(strlen(a.pwd), 24);
    assert_string_not_equal(a.ufrag, b.ufrag);
    assert_string_not_equal(a.pwd, b.pwd);
    (void)state;
}

static void an_authentic_check_is_answered_and_its_address_verified(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    assert_int_equal(remote(b, SECONDS(1)), 0);
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(answer_code(b), 0);
    struct stun_message m;
    assert_int_equal(stun_parse_message(bytes_of(b->answer, b->answer_bytes), &m), STATUS_OK);
    assert_true(net_addr_equal(&m.mapped, &one));
    assert_true(b->change.added && !b->change.dropped);
    assert_true(ice_lite_is_path(&b->ice, &one));
    assert_int_equal(remote(b, SECONDS(2)), 1);
    assert_int_equal(check(b, SECONDS(3), 1), ICE_ANSWERED);
    assert_false(b->change.added);
}

static void what_is_not_authentic_gets_no_answer(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *why;
        bool password, integrity, fingerprint, user, unknown, role;
    } cases[] = {
        {"wrong password", true, false, false, false, false, false},
        {"no integrity", false, true, false, false, false, false},
        {"no fingerprint", false, false, true, false, false, false},
        {"another user", false, false, false, true, false, false},
        {"unknown attribute, wrong password", true, false, false, false, true, false},
        {"role conflict, wrong password", true, false, false, false, false, true},
        {"unknown attribute, no integrity", false, true, false, false, true, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ice_peer peer = b->peer;
        struct net_addr one = address(1);
        peer.wrong_password = cases[i].password;
        peer.no_integrity = cases[i].integrity;
        peer.no_fingerprint = cases[i].fingerprint;
        peer.wrong_user = cases[i].user;
        peer.unknown_attribute = cases[i].unknown;
        peer.role = cases[i].role ? STUN_ROLE_CONTROLLED : STUN_ROLE_CONTROLLING;
        if (check_by(b, &peer, SECONDS(9), 1) != ICE_REFUSED || b->answer_bytes != 0 ||
            ice_lite_is_path(&b->ice, &one))
            fail_msg("%s", cases[i].why);
        /* Nor does it pass for a sign of life. */
        assert_true(ice_lite_get_silence_us(&b->ice, SECONDS(9)) == SECONDS(8));
    }
}

static void what_is_no_check_is_not_answered(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    uint8_t datagram[STUN_BYTES_MAX];
    size_t size = ice_peer_write_check(&b->peer, datagram);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(ice_lite_handle_stun(&b->ice, SECONDS(2), &one, bytes_of(datagram, cut),
                                              b->answer, &b->answer_bytes, &b->change),
                         ICE_MALFORMED);
    struct writer w = writer_of((struct bytes_mut){datagram, sizeof datagram});
    uint8_t transaction[STUN_TRANSACTION_BYTES] = {0};
    assert_int_equal(stun_write_success(&w, transaction, &one, bytes_of_string(b->ice.local.pwd)),
                     STATUS_OK);
    assert_int_equal(ice_lite_handle_stun(&b->ice, SECONDS(2), &one,
                                          bytes_const(writer_written(&w)), b->answer,
                                          &b->answer_bytes, &b->change),
                     ICE_IGNORED);
    assert_false(ice_lite_is_path(&b->ice, &one));
}

static void a_peer_that_claims_to_be_controlled_is_told(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    b->peer.role = STUN_ROLE_CONTROLLED;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(answer_code(b), 487);
    assert_false(ice_lite_is_path(&b->ice, &one));
    b->peer.role = STUN_ROLE_CONTROLLING;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(answer_code(b), 0);
}

static void an_unknown_required_attribute_is_refused_by_name(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    b->peer.unknown_attribute = true;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(answer_code(b), 420);
    assert_false(ice_lite_is_path(&b->ice, &one));
}

static void the_nominated_path_is_used_until_media_says_otherwise(void **state)
{
    struct bench *b = *state;
    struct net_addr two = address(2);
    struct net_addr stranger = address(9);
    b->peer.priority = 10;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    b->peer.priority = 20;
    assert_int_equal(check(b, SECONDS(2), 2), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(2)), 2); /* by priority */
    b->peer.priority = 5;
    b->peer.use_candidate = true;
    assert_int_equal(check(b, SECONDS(2), 3), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(2)), 3); /* nominated */
    b->peer.priority = 10;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(2)), 1); /* both nominated, as Firefox does: by priority */
    ice_lite_note_media(&b->ice, SECONDS(2), &stranger);
    assert_int_equal(remote(b, SECONDS(2)), 1);
    ice_lite_note_media(&b->ice, SECONDS(2), &two);
    assert_int_equal(remote(b, SECONDS(2)), 2);
    assert_int_equal(check(b, SECONDS(2) + ICE_STALE_US - 1, 1), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(3)), 2);
}

static void the_highest_nomination_number_wins(void **state)
{
    struct bench *b = *state;
    b->peer.has_nomination = true;
    b->peer.priority = 50;
    b->peer.nomination = 1;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    b->peer.priority = 5;
    b->peer.nomination = 2;
    assert_int_equal(check(b, SECONDS(2), 2), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(2)), 2);
    b->peer.nomination = 3;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(2)), 1);
}

static void a_ninth_path_takes_the_oldest_ones_place_but_never_the_medias(void **state)
{
    for (uint8_t media = 1; media <= ICE_PATHS_MAX; media++) {
        set_up(state);
        struct bench *b = *state;
        struct net_addr addr = address(media);
        for (uint8_t i = 1; i <= ICE_PATHS_MAX; i++)
            assert_int_equal(check(b, SECONDS(2) + i, i), ICE_ANSWERED);
        ice_lite_note_media(&b->ice, SECONDS(2) + media, &addr);
        for (uint8_t i = 1; i <= 3 * ICE_PATHS_MAX; i++) {
            assert_int_equal(check(b, SECONDS(3) + i, (uint8_t)(20 + i)), ICE_ANSWERED);
            assert_true(b->change.added && b->change.dropped);
            assert_false(ice_lite_is_path(&b->ice, &b->change.dropped_addr));
            assert_true(ice_lite_is_path(&b->ice, &addr));
            assert_int_equal(remote(b, SECONDS(4)), media);
        }
    }
}

/* T-STUN-2: somebody saw the check on its way. */
static void a_copied_check_verifies_no_other_address(void **state)
{
    struct bench *b = *state;
    uint8_t datagram[STUN_BYTES_MAX];
    struct net_addr one = address(1);
    b->peer.use_candidate = true;
    size_t size = ice_peer_write_check(&b->peer, datagram);
    struct bytes check_bytes = bytes_of(datagram, size);
    assert_int_equal(ice_lite_handle_stun(&b->ice, SECONDS(2), &one, check_bytes, b->answer,
                                          &b->answer_bytes, &b->change),
                     ICE_ANSWERED);
    for (uint8_t i = 0; i < 20; i++) {
        struct net_addr thief = address((uint8_t)(100 + i));
        b->answer_bytes = 0;
        assert_int_equal(ice_lite_handle_stun(&b->ice, SECONDS(9), &thief, check_bytes, b->answer,
                                              &b->answer_bytes, &b->change),
                         ICE_REFUSED);
        assert_int_equal(b->answer_bytes, 0);
        assert_false(b->change.added || b->change.dropped);
        assert_false(ice_lite_is_path(&b->ice, &thief));
    }
    assert_true(ice_lite_is_path(&b->ice, &one));
    assert_int_equal(remote(b, SECONDS(9)), 1);
    assert_true(ice_lite_get_silence_us(&b->ice, SECONDS(9)) == SECONDS(7));
    /* From where it came it is a retransmission; and a fresh one is welcome from anywhere. */
    assert_int_equal(ice_lite_handle_stun(&b->ice, SECONDS(9), &one, check_bytes, b->answer,
                                          &b->answer_bytes, &b->change),
                     ICE_ANSWERED);
    assert_int_equal(check(b, SECONDS(9), 100), ICE_ANSWERED);
}

static void the_last_checks_are_remembered_and_no_more(void **state)
{
    struct bench *b = *state;
    uint8_t datagram[STUN_BYTES_MAX];
    struct net_addr one = address(1), thief = address(66);
    for (size_t between = ICE_CHECKS_MAX - 1; between <= ICE_CHECKS_MAX; between++) {
        set_up(state);
        size_t size = ice_peer_write_check(&b->peer, datagram);
        assert_int_equal(ice_lite_handle_stun(&b->ice, SECONDS(2), &one, bytes_of(datagram, size),
                                              b->answer, &b->answer_bytes, &b->change),
                         ICE_ANSWERED);
        for (size_t i = 0; i < between; i++)
            assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
        assert_int_equal(ice_lite_handle_stun(&b->ice, SECONDS(2), &thief, bytes_of(datagram, size),
                                              b->answer, &b->answer_bytes, &b->change),
                         between < ICE_CHECKS_MAX ? ICE_REFUSED : ICE_ANSWERED);
    }
}

static void nothing_is_sent_to_a_peer_silent_for_15_seconds(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(17) - 1), 1);
    assert_int_equal(remote(b, SECONDS(17)), 0);
    ice_lite_note_media(&b->ice, SECONDS(18), &one);
    assert_int_equal(remote(b, SECONDS(18)), 1);
}

static void restart(struct bench *b, usec_t now, struct ice_peer *next)
{
    struct ice_parameters ours, theirs;
    assert_int_equal(ice_credentials_generate(&ours), STATUS_OK);
    assert_int_equal(ice_credentials_generate(&theirs), STATUS_OK);
    ice_lite_restart(&b->ice, now, &ours, &theirs);
    ice_peer_init(next, &theirs, &ours);
}

static void old_credentials_last_20_seconds_or_until_the_new_are_used(void **state)
{
    struct bench *b = *state;
    struct ice_peer next;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    restart(b, SECONDS(10), &next);
    assert_int_equal(check(b, SECONDS(30) - 1, 1), ICE_ANSWERED);
    assert_int_equal(check(b, SECONDS(30), 1), ICE_REFUSED);
    set_up(state);
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    restart(b, SECONDS(10), &next);
    next.wrong_password = true;
    assert_int_equal(check_by(b, &next, SECONDS(11), 1), ICE_REFUSED);
    assert_int_equal(check(b, SECONDS(11), 1), ICE_ANSWERED);
    next.wrong_password = false;
    assert_int_equal(check_by(b, &next, SECONDS(11), 2), ICE_ANSWERED);
    assert_int_equal(check(b, SECONDS(11), 1), ICE_REFUSED);
    /* What was verified stays so: media flows on during a restart. */
    struct net_addr one = address(1);
    assert_true(ice_lite_is_path(&b->ice, &one));
}

static void restarts_in_a_row_keep_the_credentials_that_are_in_use(void **state)
{
    struct bench *b = *state;
    struct ice_peer first, second;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    restart(b, SECONDS(10), &first);
    restart(b, SECONDS(12), &second);
    assert_int_equal(check(b, SECONDS(13), 1), ICE_ANSWERED);
    assert_int_equal(check_by(b, &second, SECONDS(14), 1), ICE_ANSWERED);
    assert_int_equal(check(b, SECONDS(15), 1), ICE_REFUSED);
    assert_int_equal(check_by(b, &first, SECONDS(15), 1), ICE_REFUSED);
}

static void a_restart_does_not_bring_expired_credentials_back(void **state)
{
    struct bench *b = *state;
    struct ice_peer first, second;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    restart(b, SECONDS(10), &first); /* nobody comes with these, and the older ones expire */
    restart(b, SECONDS(40), &second);
    assert_int_equal(check(b, SECONDS(41), 1), ICE_REFUSED);
    assert_int_equal(check_by(b, &first, SECONDS(41), 1), ICE_ANSWERED);
    assert_int_equal(check_by(b, &second, SECONDS(41), 1), ICE_ANSWERED);
}

static void a_restart_forgets_what_was_nominated_before(void **state)
{
    struct bench *b = *state;
    struct ice_peer next;
    b->peer.use_candidate = true;
    b->peer.has_nomination = true;
    b->peer.nomination = 9;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    restart(b, SECONDS(3), &next);
    assert_int_equal(remote(b, SECONDS(3)), 1);
    next.has_nomination = true;
    next.nomination = 1;
    assert_int_equal(check_by(b, &next, SECONDS(4), 2), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(4)), 2);
    next.has_nomination = false; /* nominated anew, without the number of old */
    next.use_candidate = true;
    assert_int_equal(check_by(b, &next, SECONDS(4), 1), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(4)), 2);
}

static void a_path_that_is_closed_is_forgotten_and_media_takes_the_next_best(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    struct net_addr two = address(2);
    b->peer.use_candidate = true;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(check(b, SECONDS(2), 2), ICE_ANSWERED);
    ice_lite_note_media(&b->ice, SECONDS(2), &two);
    assert_int_equal(remote(b, SECONDS(2)), 2);
    assert_true(ice_lite_remove_path(&b->ice, &two));
    assert_false(ice_lite_is_path(&b->ice, &two));
    assert_int_equal(remote(b, SECONDS(2)), 1);
    assert_false(ice_lite_remove_path(&b->ice, &two));
    assert_true(ice_lite_remove_path(&b->ice, &one));
    assert_int_equal(remote(b, SECONDS(2)), 0);
}

/* Behind a router that gave a new port, a listener's next word may be a check alone. */
static void a_silent_path_gives_way_to_one_that_is_nominated(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    b->peer.use_candidate = true;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    ice_lite_note_media(&b->ice, SECONDS(3), &one);
    assert_int_equal(check(b, SECONDS(4) - 1, 2), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(4)), 1); /* not silent for long enough */
    b->peer.use_candidate = false;
    assert_int_equal(check(b, SECONDS(5), 3), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(5)), 1); /* not asked for */
    b->peer.use_candidate = true;
    assert_int_equal(check(b, SECONDS(5), 2), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(5)), 2);
    ice_lite_note_media(&b->ice, SECONDS(5), &one);
    assert_int_equal(remote(b, SECONDS(5)), 1); /* heard there after all */
}

/* Chromium checks the way that is left, and nominates it only when it has given up the other. */
static void after_a_restart_a_silent_path_gives_way_to_the_best_one_that_is_checked(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    struct ice_peer next;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    ice_lite_note_media(&b->ice, SECONDS(3), &one);
    restart(b, SECONDS(4), &next);
    next.priority = 10;
    assert_int_equal(check_by(b, &next, SECONDS(4), 2), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(4)), 2);
    next.priority = 5;
    assert_int_equal(check_by(b, &next, SECONDS(4), 3), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(4)), 2);
    next.priority = 20;
    assert_int_equal(check_by(b, &next, SECONDS(4), 4), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(4)), 4);
    ice_lite_note_media(&b->ice, SECONDS(4), &one);
    assert_int_equal(check_by(b, &next, SECONDS(6), 2), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(6)), 1); /* it has spoken since: only a nomination counts */
}

/* Two networks, the better one is gone: the other was checked when the class began. */
static void a_restart_without_a_word_from_the_path_tries_one_that_was_good(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    struct ice_peer next;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    assert_int_equal(check(b, SECONDS(2), 2), ICE_ANSWERED);
    ice_lite_note_media(&b->ice, SECONDS(10), &one);
    restart(b, SECONDS(11) - 1, &next);
    assert_int_equal(remote(b, SECONDS(11)), 1);
    restart(b, SECONDS(12), &next);
    assert_int_equal(remote(b, SECONDS(12)), 2);
    assert_int_equal(check_by(b, &next, SECONDS(13), 3), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(13)), 3); /* what is checked now is worth more */
}

static void a_restart_of_a_path_that_is_alive_moves_nothing(void **state)
{
    struct bench *b = *state;
    struct net_addr one = address(1);
    struct ice_peer next;
    assert_int_equal(check(b, SECONDS(2), 1), ICE_ANSWERED);
    ice_lite_note_media(&b->ice, SECONDS(3), &one);
    restart(b, SECONDS(3), &next);
    next.priority = UINT32_MAX;
    assert_int_equal(check_by(b, &next, SECONDS(4) - 1, 2), ICE_ANSWERED);
    assert_int_equal(remote(b, SECONDS(4)), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(credentials_are_long_and_differ),
        TEST(an_authentic_check_is_answered_and_its_address_verified),
        TEST(what_is_not_authentic_gets_no_answer),
        TEST(what_is_no_check_is_not_answered),
        TEST(a_peer_that_claims_to_be_controlled_is_told),
        TEST(an_unknown_required_attribute_is_refused_by_name),
        TEST(the_nominated_path_is_used_until_media_says_otherwise),
        TEST(the_highest_nomination_number_wins),
        TEST(a_ninth_path_takes_the_oldest_ones_place_but_never_the_medias),
        TEST(a_copied_check_verifies_no_other_address),
        TEST(the_last_checks_are_remembered_and_no_more),
        TEST(nothing_is_sent_to_a_peer_silent_for_15_seconds),
        TEST(old_credentials_last_20_seconds_or_until_the_new_are_used),
        TEST(restarts_in_a_row_keep_the_credentials_that_are_in_use),
        TEST(a_restart_does_not_bring_expired_credentials_back),
        TEST(a_restart_forgets_what_was_nominated_before),
        TEST(a_path_that_is_closed_is_forgotten_and_media_takes_the_next_best),
        TEST(a_silent_path_gives_way_to_one_that_is_nominated),
        TEST(after_a_restart_a_silent_path_gives_way_to_the_best_one_that_is_checked),
        TEST(a_restart_without_a_word_from_the_path_tries_one_that_was_good),
        TEST(a_restart_of_a_path_that_is_alive_moves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
