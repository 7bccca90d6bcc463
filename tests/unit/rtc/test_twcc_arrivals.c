#include "rtc/twcc_arrivals.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct twcc_arrivals t;
static uint8_t memory[RTCP_TWCC_WRITE_BYTES + 100];

static int set_up(void **state)
{
    (void)state;
    t = (struct twcc_arrivals){0};
    return 0;
}

/* Writes one feedback packet and reads it back; false when none is due. */
static bool take(usec_t now, struct rtcp_twcc *out)
{
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    if (!twcc_arrivals_write_due(&t, now, &w, 1, 2)) {
        assert_int_equal(writer_size(&w), 0);
        return false;
    }
    struct rtcp_iterator it = rtcp_iterate(bytes_const(writer_written(&w)));
    struct rtcp_packet packet;
    assert_int_equal(rtcp_next(&it, &packet), STATUS_OK);
    assert_int_equal(rtcp_parse_twcc(&packet, out), STATUS_OK);
    assert_int_equal(out->sender_ssrc, 1);
    assert_int_equal(out->media_ssrc, 2);
    return true;
}

static void arrivals_and_losses_are_reported_with_their_times(void **state)
{
    static const struct {
        uint16_t seq;
        usec_t at;
    } packets[] = {{65534, 100000}, {65535, 105000}, {1, 111000}, {3, 112000}, {2, 113000}};
    struct rtcp_twcc feedback;
    struct rtcp_twcc_status status;
    for (size_t i = 0; i < COUNT_OF(packets); i++)
        twcc_arrivals_handle_packet(&t, packets[i].at, packets[i].seq);
    assert_true(take(113000, &feedback));
    assert_int_equal(feedback.base_seq, 65534);
    assert_int_equal(feedback.status_count, 6);
    struct rtcp_twcc_iterator it = rtcp_twcc_iterate(&feedback);
    static const usec_t expected[] = {100000, 105000, RTCP_TWCC_LOST, 111000, 113000, 112000};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(rtcp_twcc_next(&it, &status));
        assert_int_equal(status.seq, (uint16_t)(65534 + i));
        assert_int_equal(status.arrival, expected[i]);
    }
    assert_false(rtcp_twcc_next(&it, &status));
    (void)state;
}

static void feedback_comes_every_60_ms_and_only_when_there_is_some(void **state)
{
    struct rtcp_twcc feedback;
    assert_int_equal(twcc_arrivals_next_timeout(&t), USEC_NEVER);
    assert_false(take(SECONDS(9), &feedback));
    twcc_arrivals_handle_packet(&t, SECONDS(1), 10);
    assert_int_equal(twcc_arrivals_next_timeout(&t), SECONDS(1));
    assert_true(take(SECONDS(1), &feedback));
    assert_int_equal(feedback.feedback_count, 0);
    assert_false(take(SECONDS(1), &feedback));
    assert_int_equal(twcc_arrivals_next_timeout(&t), USEC_NEVER);
    twcc_arrivals_handle_packet(&t, SECONDS(1) + 20000, 11);
    assert_int_equal(twcc_arrivals_next_timeout(&t), SECONDS(1) + TWCC_FEEDBACK_US);
    assert_false(take(SECONDS(1) + TWCC_FEEDBACK_US - 1, &feedback));
    assert_true(take(SECONDS(1) + TWCC_FEEDBACK_US, &feedback));
    assert_int_equal(feedback.feedback_count, 1);
    assert_int_equal(feedback.base_seq, 11);
    (void)state;
}

static void what_was_reported_is_not_reported_again(void **state)
{
    struct rtcp_twcc feedback;
    twcc_arrivals_handle_packet(&t, 0, 10);
    twcc_arrivals_handle_packet(&t, 0, 12);
    assert_true(take(0, &feedback));
    twcc_arrivals_handle_packet(&t, 1000, 11);
    twcc_arrivals_handle_packet(&t, 1000, 12);
    assert_int_equal(twcc_arrivals_next_timeout(&t), USEC_NEVER);
    twcc_arrivals_handle_packet(&t, 2000, 13);
    assert_true(take(TWCC_FEEDBACK_US, &feedback));
    assert_int_equal(feedback.base_seq, 13);
    assert_int_equal(feedback.status_count, 1);
    (void)state;
}

static void many_arrivals_take_several_packets_without_a_hole(void **state)
{
    struct rtcp_twcc feedback;
    for (uint16_t i = 0; i < TWCC_ARRIVALS_MAX; i++)
        twcc_arrivals_handle_packet(&t, 1000 * i, (uint16_t)(65000 + i));
    uint16_t next = 65000;
    size_t packets = 0;
    while (take(SECONDS(2), &feedback)) {
        assert_int_equal(feedback.base_seq, next);
        next = (uint16_t)(next + feedback.status_count);
        packets++;
    }
    assert_int_equal(next, (uint16_t)(65000 + TWCC_ARRIVALS_MAX));
    assert_int_equal(packets, TWCC_ARRIVALS_MAX / RTCP_TWCC_WRITE_MAX);
    (void)state;
}

static void a_long_loss_is_stepped_over(void **state)
{
    struct rtcp_twcc feedback;
    twcc_arrivals_handle_packet(&t, 0, 1);
    assert_true(take(0, &feedback));
    twcc_arrivals_handle_packet(&t, 1000, 1000); /* 998 lost: more than one packet holds */
    assert_true(take(TWCC_FEEDBACK_US, &feedback));
    uint16_t last = (uint16_t)(feedback.base_seq + feedback.status_count - 1);
    assert_int_equal(last, 1000);
    assert_int_equal(feedback.feedback_count, 1);
    assert_false(take(TWCC_FEEDBACK_US, &feedback));
    (void)state;
}

static void a_jump_past_all_that_is_held_starts_anew(void **state)
{
    struct rtcp_twcc feedback;
    twcc_arrivals_handle_packet(&t, 0, 1);
    twcc_arrivals_handle_packet(&t, 1000, 5000);
    assert_true(take(1000, &feedback));
    assert_int_equal(feedback.base_seq, 5000);
    assert_int_equal(feedback.status_count, 1);
    (void)state;
}

static void without_room_nothing_is_claimed_and_the_next_one_is_whole(void **state)
{
    uint8_t small[10];
    struct rtcp_twcc feedback;
    twcc_arrivals_handle_packet(&t, 0, 1);
    struct writer w = writer_of((struct bytes_mut){small, sizeof small});
    assert_false(twcc_arrivals_write_due(&t, 0, &w, 1, 2));
    assert_int_equal(twcc_arrivals_next_timeout(&t), USEC_NEVER); /* the timer does not spin */
    twcc_arrivals_handle_packet(&t, 1000, 2);
    assert_true(take(TWCC_FEEDBACK_US, &feedback));
    assert_int_equal(feedback.base_seq, 2);
    assert_int_equal(feedback.feedback_count, 0);
    (void)state;
}

/* Whatever arrives, each feedback packet parses, begins where the last ended, and ends. */
static void any_arrivals_give_readable_feedback(void **state)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct rng rng = rng_of_seed(seed);
        struct rtcp_twcc feedback;
        uint16_t seq = (uint16_t)rng_next(&rng);
        usec_t now = SECONDS(1);
        set_up(state);
        for (int i = 0; i < 300; i++) {
            now += (usec_t)rng_below(&rng, i % 50 == 0 ? SECONDS(20) : 30000);
            seq = (uint16_t)(seq + rng_below(&rng, i % 70 == 0 ? 60000 : 5));
            twcc_arrivals_handle_packet(&t, now, (uint16_t)(seq - rng_below(&rng, 3)));
            size_t packets = 0;
            while (take(now, &feedback))
                packets++;
            assert_true(packets <= TWCC_ARRIVALS_MAX);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arrivals_and_losses_are_reported_with_their_times),
        TEST(feedback_comes_every_60_ms_and_only_when_there_is_some),
        TEST(what_was_reported_is_not_reported_again),
        TEST(many_arrivals_take_several_packets_without_a_hole),
        TEST(a_long_loss_is_stepped_over),
        TEST(a_jump_past_all_that_is_held_starts_anew),
        TEST(without_room_nothing_is_claimed_and_the_next_one_is_whole),
        TEST(any_arrivals_give_readable_feedback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
