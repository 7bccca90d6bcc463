#include "relay/core/wish_account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BEGAN SECONDS(1000)
#define CAMERAS 4

/* One stream: a key frame comes 100 ms after it was asked for; the cached one is near or not. */
struct stream {
    struct wish_account account;
    bool is_near, is_behind, is_silent;
    usec_t key_frame_at, asked_at;
    int asked, replayed;
};

static struct stream stream_at(usec_t key_frame_at)
{
    return (struct stream){.is_near = true, .key_frame_at = key_frame_at};
}

static enum wish_answer wish_for(struct stream *s, usec_t now)
{
    if (s->asked_at != 0 && now >= s->asked_at + MILLISECONDS(100)) {
        s->key_frame_at = s->asked_at + MILLISECONDS(100);
        s->asked_at = 0;
    }
    struct wish wish = {.key_frame_at = s->key_frame_at,
                        .settled_at = s->key_frame_at + WISH_SETTLE_US,
                        .can_replay = s->is_near,
                        .is_wanted = s->asked_at != 0,
                        .is_behind = s->is_behind,
                        .is_poor = true,
                        .is_silent = s->is_silent};
    enum wish_answer answer = wish_account_answer(&s->account, now, &wish);
    if ((answer == WISH_ASK || answer == WISH_RENEW) && s->asked_at == 0) {
        s->asked_at = now;
        s->asked++;
    } else if (answer == WISH_REPLAY) {
        s->key_frame_at = now;
        s->replayed++;
    }
    return answer;
}

static void who_has_lost_a_packet_gets_the_cached_key_frame_and_is_not_charged(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    usec_t now = BEGAN + SECONDS(5);
    wish_account_note_gap(&s.account, now);
    assert_int_equal(wish_for(&s, now + 1), WISH_REPLAY);
    assert_int_equal(wish_for(&s, now + MILLISECONDS(500)), WISH_WAIT); /* it is on its way */
    assert_int_equal(s.account.full_at, 0);
}

static void where_the_cached_one_is_too_far_back_a_new_one_is_asked_for(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    s.is_near = false;
    usec_t now = BEGAN + SECONDS(5);
    wish_account_note_lost(&s.account, now);
    assert_int_equal(wish_for(&s, now + 1), WISH_RENEW);
    /* A second loss soon afterwards has the second of two, a third waits for the account. */
    now += SECONDS(2);
    wish_account_note_lost(&s.account, now);
    assert_int_equal(wish_for(&s, now), WISH_RENEW);
    now += SECONDS(2);
    wish_account_note_lost(&s.account, now);
    assert_int_equal(wish_for(&s, now), WISH_WAIT);
    now = BEGAN + SECONDS(5) + WISH_KEY_FRAME_US + 1;
    assert_int_equal(wish_for(&s, now), WISH_RENEW);
    assert_int_equal(s.asked, 3);
}

static void wishes_while_one_is_under_way_are_not_charged_again(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    s.is_near = false;
    usec_t now = BEGAN + SECONDS(5);
    for (int i = 0; i < 9; i++)
        (void)wish_for(&s, now + i * MILLISECONDS(10));
    assert_int_equal(s.asked, 1);
    assert_int_equal(s.account.full_at, now + WISH_KEY_FRAME_US);
}

/* It cannot know of the first packet, and the cached key frame may be broken. */
static void
who_wishes_without_a_known_loss_gets_the_cached_one_and_behind_it_a_new_one(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    assert_int_equal(wish_for(&s, BEGAN + MILLISECONDS(1500)), WISH_REPLAY);
    assert_int_equal(wish_for(&s, BEGAN + SECONDS(3)), WISH_ASK);
    assert_int_equal(wish_for(&s, BEGAN + SECONDS(5)), WISH_WAIT);
    /* Later on it is no habit any more. */
    assert_int_equal(wish_for(&s, BEGAN + SECONDS(5) + WISH_RUN_US + 1), WISH_ASK);
}

static void who_never_stops_wishing_is_thrown_back_once_and_its_real_loss_is_answered(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    usec_t now = BEGAN + SECONDS(1);
    for (; now < BEGAN + SECONDS(61); now += MILLISECONDS(500))
        (void)wish_for(&s, now);
    assert_int_equal(s.replayed, 1);
    assert_in_range(s.asked, 2, 4); /* it may have a reason that nobody sees */
    wish_account_note_lost(&s.account, now);
    assert_int_equal(wish_for(&s, now + 1), WISH_REPLAY);
    now += SECONDS(2);
    s.is_near = false;
    wish_account_note_lost(&s.account, now);
    assert_int_equal(wish_for(&s, now + 1), WISH_RENEW);
}

/* What it asks for again has come again. */
static void packets_that_are_mended_make_no_reason_of_a_habit(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    for (usec_t now = BEGAN + SECONDS(2); now < BEGAN + SECONDS(62); now += MILLISECONDS(500)) {
        wish_account_note_gap(&s.account, now - MILLISECONDS(100));
        wish_account_note_losses(&s.account, now);
        (void)wish_for(&s, now);
    }
    assert_in_range(s.replayed, 1, 2);
    assert_in_range(s.asked, 0, 4);
}

static void who_asks_for_no_packet_has_lost_what_it_reports(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    usec_t now = BEGAN + SECONDS(2);
    for (; now < BEGAN + SECONDS(12); now += SECONDS(1))
        (void)wish_for(&s, now);
    assert_int_equal(wish_for(&s, now), WISH_WAIT); /* a habit */
    wish_account_note_losses(&s.account, now);
    assert_int_equal(wish_for(&s, now), WISH_REPLAY);
    now += SECONDS(2);
    wish_account_note_gap(&s.account, now);
    wish_account_note_losses(&s.account, now); /* it has asked for them */
    assert_int_equal(wish_for(&s, now), WISH_WAIT);
}

static void who_comes_back_is_served_from_the_cache(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    s.is_silent = s.is_behind = true;
    assert_int_equal(wish_for(&s, BEGAN + SECONDS(9)), WISH_REPLAY);
    assert_int_equal(wish_for(&s, BEGAN + SECONDS(11)), WISH_REPLAY); /* gone again */
    assert_int_equal(s.asked, 0);
}

static void four_cameras_that_are_lost_at_once_all_come_back_at_once(void **state)
{
    (void)state;
    struct stream cameras[CAMERAS];
    for (int i = 0; i < CAMERAS; i++) {
        cameras[i] = stream_at(BEGAN);
        cameras[i].is_near = i % 2 == 0;
        wish_account_note_lost(&cameras[i].account, BEGAN + SECONDS(5));
    }
    for (int i = 0; i < CAMERAS; i++)
        assert_int_equal(wish_for(&cameras[i], BEGAN + SECONDS(5)),
                         i % 2 == 0 ? WISH_REPLAY : WISH_RENEW);
}

static void who_gets_things_late_waits_for_what_is_on_its_way_but_not_for_ever(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    s.is_behind = true;
    s.is_near = false;
    usec_t now = BEGAN + SECONDS(5);
    assert_int_equal(wish_for(&s, now), WISH_WAIT);
    assert_int_equal(wish_for(&s, now + WISH_BEHIND_US - 1), WISH_WAIT);
    assert_int_equal(wish_for(&s, now + WISH_BEHIND_US), WISH_ASK);
}

static void a_line_that_loses_all_the_time_gets_the_cached_one_now_and_then(void **state)
{
    (void)state;
    struct stream s = stream_at(BEGAN);
    for (usec_t now = BEGAN; now < BEGAN + SECONDS(60); now += MILLISECONDS(100)) {
        wish_account_note_lost(&s.account, now);
        (void)wish_for(&s, now);
    }
    assert_in_range(s.replayed, 15, 20);
    assert_int_equal(s.asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_lost_a_packet_gets_the_cached_key_frame_and_is_not_charged),
        cmocka_unit_test(where_the_cached_one_is_too_far_back_a_new_one_is_asked_for),
        cmocka_unit_test(wishes_while_one_is_under_way_are_not_charged_again),
        cmocka_unit_test(
            who_wishes_without_a_known_loss_gets_the_cached_one_and_behind_it_a_new_one),
        cmocka_unit_test(who_never_stops_wishing_is_thrown_back_once_and_its_real_loss_is_answered),
        cmocka_unit_test(packets_that_are_mended_make_no_reason_of_a_habit),
        cmocka_unit_test(who_asks_for_no_packet_has_lost_what_it_reports),
        cmocka_unit_test(who_comes_back_is_served_from_the_cache),
        cmocka_unit_test(four_cameras_that_are_lost_at_once_all_come_back_at_once),
        cmocka_unit_test(who_gets_things_late_waits_for_what_is_on_its_way_but_not_for_ever),
        cmocka_unit_test(a_line_that_loses_all_the_time_gets_the_cached_one_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
