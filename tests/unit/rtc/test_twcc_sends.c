#include "rtc/twcc_sends.h"

#include "rtc/twcc_arrivals.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct twcc_sends s;
static uint8_t memory[RTCP_TWCC_WRITE_BYTES + 100];

static int set_up(void **state)
{
    (void)state;
    s = (struct twcc_sends){0};
    return twcc_sends_open(&s) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    twcc_sends_close(&s);
    return 0;
}

/* Feedback about base, base + 1, ...: arrival times, or RTCP_TWCC_LOST. */
static struct rtcp_twcc feedback_of(uint16_t base, const usec_t *arrivals, size_t count)
{
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct rtcp_packet packet;
    struct rtcp_twcc out;
    assert_int_equal(rtcp_write_twcc(&w, 1, 2, 0, base, arrivals, count), count);
    struct rtcp_iterator it = rtcp_iterate(bytes_const(writer_written(&w)));
    assert_int_equal(rtcp_next(&it, &packet), STATUS_OK);
    assert_int_equal(rtcp_parse_twcc(&packet, &out), STATUS_OK);
    return out;
}

/* Behind one that is missing, or before one that left earlier: in a queue neither comes so. */
static void who_may_have_overtaken_others_is_told(void **state)
{
    static const struct {
        usec_t arrival;
        bool may_overtake;
    } packets[] = {{1000000, false}, {1010000, false}, {RTCP_TWCC_LOST, false}, {1005000, true},
                   {1006000, true},  {1020000, false}, {RTCP_TWCC_LOST, false}, {1030000, true},
                   {1040000, true},  {1050000, false}};
    usec_t arrivals[COUNT_OF(packets)];
    struct twcc_fate fate;
    for (size_t i = 0; i < COUNT_OF(packets); i++) {
        arrivals[i] = packets[i].arrival;
        (void)twcc_sends_note(&s, 5000, 100, 0);
    }
    struct rtcp_twcc feedback = feedback_of(0, arrivals, COUNT_OF(packets));
    struct twcc_fates it = twcc_sends_iterate(&s, 90000, &feedback);
    for (size_t i = 0; i < COUNT_OF(packets); i++) {
        assert_true(twcc_fates_next(&it, &fate));
        assert_int_equal(fate.may_overtake, packets[i].may_overtake);
    }
    (void)state;
}

static void a_packets_fate_is_told_once(void **state)
{
    static const usec_t arrivals[] = {1000000, RTCP_TWCC_LOST, 1020000};
    struct twcc_fate fate;
    for (int i = 0; i < 3; i++)
        assert_int_equal(twcc_sends_note(&s, 5000 + i, (size_t)(100 + i), (uint8_t)i), i);
    assert_int_equal(s.waiting_bytes, 303);
    struct rtcp_twcc feedback = feedback_of(0, arrivals, 3);
    struct twcc_fates it = twcc_sends_iterate(&s, 90000, &feedback);
    for (int i = 0; i < 3; i++) {
        assert_true(twcc_fates_next(&it, &fate));
        assert_int_equal(fate.number, i);
        assert_int_equal(fate.sent_at, 5000 + i);
        assert_int_equal(fate.bytes, 100 + i);
        assert_int_equal(fate.cluster, i);
        assert_int_equal(fate.lost, i == 1);
    }
    assert_false(twcc_fates_next(&it, &fate));
    assert_int_equal(s.waiting_bytes, 0);
    it = twcc_sends_iterate(&s, 90000, &feedback);
    assert_false(twcc_fates_next(&it, &fate));
    (void)state;
}

static void a_packet_that_was_called_lost_may_still_arrive(void **state)
{
    static const usec_t first[] = {RTCP_TWCC_LOST, 1000000};
    static const usec_t second[] = {1010000, 1000000};
    struct twcc_fate fate;
    (void)twcc_sends_note(&s, 0, 100, 0);
    (void)twcc_sends_note(&s, 0, 100, 0);
    struct rtcp_twcc feedback = feedback_of(0, first, 2);
    struct twcc_fates it = twcc_sends_iterate(&s, 1, &feedback);
    assert_true(twcc_fates_next(&it, &fate) && fate.lost);
    assert_true(twcc_fates_next(&it, &fate) && !fate.lost);
    feedback = feedback_of(0, second, 2);
    it = twcc_sends_iterate(&s, 1, &feedback);
    assert_true(twcc_fates_next(&it, &fate) && !fate.lost && fate.was_lost && fate.number == 0);
    assert_false(twcc_fates_next(&it, &fate));
    (void)state;
}

static void feedback_about_packets_of_before_it_was_closed_is_ignored(void **state)
{
    static const usec_t arrivals[] = {1000000, 1000250};
    struct twcc_fate fate;
    for (int i = 0; i < 2; i++)
        (void)twcc_sends_note(&s, i, 10, 0);
    struct rtcp_twcc feedback = feedback_of(0, arrivals, 2);
    twcc_sends_close(&s);
    assert_int_equal(s.waiting_bytes, 0);
    twcc_sends_forget(&s);
    struct twcc_fates it = twcc_sends_iterate(&s, 1, &feedback);
    assert_false(twcc_fates_next(&it, &fate));
    assert_int_equal(twcc_sends_open(&s), STATUS_OK);
    it = twcc_sends_iterate(&s, 1, &feedback);
    assert_false(twcc_fates_next(&it, &fate));
    assert_int_equal(twcc_sends_note(&s, 5, 10, 0), 2); /* numbers go on */
    (void)state;
}

static void numbers_that_were_never_given_or_have_been_overwritten_are_ignored(void **state)
{
    static const usec_t arrivals[] = {1000000, 1000250};
    struct twcc_fate fate;
    struct rtcp_twcc feedback = feedback_of(0, arrivals, 2);
    struct twcc_fates it = twcc_sends_iterate(&s, 1, &feedback);
    assert_false(twcc_fates_next(&it, &fate)); /* nothing was sent */
    for (int i = 0; i < TWCC_SENDS_MAX + 1; i++)
        (void)twcc_sends_note(&s, i, 10, 0);
    assert_int_equal(s.waiting_bytes, 10 * TWCC_SENDS_MAX);
    it = twcc_sends_iterate(&s, 2000, &feedback);
    assert_true(twcc_fates_next(&it, &fate) && fate.number == 1); /* 0 is gone */
    assert_false(twcc_fates_next(&it, &fate));
    feedback = feedback_of(TWCC_SENDS_MAX + 1, arrivals, 2);
    it = twcc_sends_iterate(&s, 2000, &feedback);
    assert_false(twcc_fates_next(&it, &fate)); /* still to come */
    twcc_sends_forget(&s);
    assert_int_equal(s.waiting_bytes, 0);
    feedback = feedback_of(500, arrivals, 2);
    it = twcc_sends_iterate(&s, 2000, &feedback);
    assert_false(twcc_fates_next(&it, &fate));
    (void)state;
}

static void numbers_and_arrival_times_wrap(void **state)
{
    usec_t step = RTCP_TWCC_WRAP_US / 3;
    usec_t last = 0;
    struct twcc_fate fate;
    for (uint64_t i = 0; i < 3 * 65536; i++) {
        uint16_t seq = twcc_sends_note(&s, (usec_t)i * 1000, 10, 0);
        if (i % 4096 != 0)
            continue;
        usec_t arrival = (usec_t)(i / 4096) * step % (RTCP_TWCC_WRAP_US / 2);
        struct rtcp_twcc feedback = feedback_of(seq, &arrival, 1);
        struct twcc_fates it = twcc_sends_iterate(&s, (usec_t)i * 1000 + 500, &feedback);
        assert_true(twcc_fates_next(&it, &fate));
        assert_int_equal(fate.number, i);
        assert_int_equal(fate.sent_at, (usec_t)i * 1000);
        assert_true(i == 0 || fate.arrival - last < RTCP_TWCC_WRAP_US / 2);
        last = fate.arrival;
    }
    (void)state;
}

/* The first packets of all were lost: no feedback ever speaks of them. */
static void what_a_feedback_begins_behind_is_not_waited_for(void **state)
{
    static const usec_t arrivals[] = {1000000};
    struct twcc_fate fate;
    (void)state;
    for (int i = 0; i < 40; i++)
        (void)twcc_sends_note(&s, SECONDS(1), 1000, 0);
    assert_int_equal(s.waiting_bytes, 40000);
    struct rtcp_twcc feedback = feedback_of(38, arrivals, 1);
    struct twcc_fates fates = twcc_sends_iterate(&s, SECONDS(2), &feedback);
    assert_true(twcc_fates_next(&fates, &fate));
    assert_int_equal(s.waiting_bytes, 1000); /* the one behind it */
    /* A feedback that was overtaken: it had arrived, and was never called lost. */
    feedback = feedback_of(37, arrivals, 1);
    fates = twcc_sends_iterate(&s, SECONDS(2), &feedback);
    assert_true(twcc_fates_next(&fates, &fate));
    assert_int_equal(fate.number, 37);
    assert_false(fate.lost || fate.was_lost);
    assert_int_equal(s.waiting_bytes, 1000);
}

/* Later too: the receiver goes on behind what it has reported already. */
static void what_a_lost_feedback_told_is_not_waited_for(void **state)
{
    static const usec_t arrivals[] = {1000000, 1001000};
    struct twcc_fate fate;
    (void)state;
    for (int i = 0; i < 2 * TWCC_SENDS_MAX; i++) {
        (void)twcc_sends_note(&s, SECONDS(1), 1000, 0);
        if (i % 40 != 39)
            continue;
        struct rtcp_twcc feedback = feedback_of((uint16_t)(i - 1), arrivals, 2);
        struct twcc_fates fates = twcc_sends_iterate(&s, SECONDS(2), &feedback);
        while (twcc_fates_next(&fates, &fate))
            assert_false(fate.lost);
        assert_int_equal(s.waiting_bytes, 0);
    }
    /* It was on its way for long only. */
    struct rtcp_twcc late = feedback_of((uint16_t)(2 * TWCC_SENDS_MAX - 60), arrivals, 2);
    struct twcc_fates fates = twcc_sends_iterate(&s, SECONDS(2), &late);
    assert_true(twcc_fates_next(&fates, &fate) && twcc_fates_next(&fates, &fate));
    assert_false(fate.lost || fate.was_lost);
}

/* A receiver reports nothing of before the first packet that it got. */
static void what_was_heard_last_of_a_packet_can_be_asked(void **state)
{
    static const usec_t arrivals[] = {1000000, RTCP_TWCC_LOST, 1020000};
    struct twcc_fate fate;
    (void)state;
    for (int first_feedback = 0; first_feedback < 2; first_feedback++) {
        uint16_t from = (uint16_t)s.count;
        for (int i = 0; i < 6; i++)
            (void)twcc_sends_note(&s, 5000 + i, 100, 0);
        assert_int_equal(twcc_sends_find(&s, from), TWCC_SENT_WAITING);
        struct rtcp_twcc feedback = feedback_of((uint16_t)(from + 2), arrivals, 3);
        struct twcc_fates it = twcc_sends_iterate(&s, 90000, &feedback);
        while (twcc_fates_next(&it, &fate)) {
        }
        enum twcc_sent before = first_feedback == 0 ? TWCC_SENT_LOST : TWCC_SENT_UNKNOWN;
        enum twcc_sent expected[] = {before,
                                     before,
                                     TWCC_SENT_ARRIVED,
                                     TWCC_SENT_LOST,
                                     TWCC_SENT_ARRIVED,
                                     TWCC_SENT_WAITING,
                                     TWCC_SENT_UNKNOWN};
        for (uint16_t i = 0; i < COUNT_OF(expected); i++)
            assert_int_equal(twcc_sends_find(&s, (uint16_t)(from + i)), expected[i]);
    }
}

static void before_a_feedback_that_is_not_the_first_nothing_is_known(void **state)
{
    static const usec_t arrivals[] = {1000000};
    struct twcc_fate fate;
    (void)state;
    (void)twcc_sends_note(&s, 5000, 100, 0);
    (void)twcc_sends_note(&s, 5001, 100, 0);
    struct rtcp_twcc feedback = feedback_of(1, arrivals, 1);
    feedback.feedback_count = 1;
    struct twcc_fates it = twcc_sends_iterate(&s, 90000, &feedback);
    assert_true(twcc_fates_next(&it, &fate));
    assert_int_equal(twcc_sends_find(&s, 0), TWCC_SENT_UNKNOWN);
}

/* It arrives when its second copy does: that says nothing of the way. */
static void a_packet_sent_again_under_its_number_is_lost_once_and_never_arrives(void **state)
{
    static const usec_t first[] = {1000000, RTCP_TWCC_LOST, 1020000};
    static const usec_t later[] = {RTCP_TWCC_LOST, 1200000, RTCP_TWCC_LOST, 1210000};
    struct twcc_fate fate;
    for (int i = 0; i < 4; i++)
        (void)twcc_sends_note(&s, 5000 + i, 100, 0);
    struct rtcp_twcc feedback = feedback_of(0, first, 3);
    struct twcc_fates it = twcc_sends_iterate(&s, 90000, &feedback);
    while (twcc_fates_next(&it, &fate))
        assert_int_equal(fate.lost, fate.number == 1);
    twcc_sends_note_repeat(&s, 1); /* known to be lost */
    twcc_sends_note_repeat(&s, 3); /* not yet */
    twcc_sends_note_repeat(&s, 0); /* it has arrived */
    twcc_sends_note_repeat(&s, 4); /* never sent */
    assert_int_equal(s.waiting_bytes, 0);
    feedback = feedback_of(0, later, 4);
    it = twcc_sends_iterate(&s, 95000, &feedback);
    assert_true(twcc_fates_next(&it, &fate));
    assert_int_equal(fate.number, 3);
    assert_true(fate.lost && !fate.was_lost);
    assert_false(twcc_fates_next(&it, &fate));
    it = twcc_sends_iterate(&s, 99000, &feedback);
    assert_false(twcc_fates_next(&it, &fate));
    (void)state;
}

static void assert_lost(const bool *lost, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        assert_int_equal(twcc_sends_find(&s, i) == TWCC_SENT_LOST, lost[i]);
}

static void what_was_heard_of_a_packet_last_is_known_until_another_takes_its_place(void **state)
{
    static const usec_t first[] = {RTCP_TWCC_LOST, 1000000, RTCP_TWCC_LOST, 1010000};
    static const usec_t second[] = {RTCP_TWCC_LOST, 1000000, 1020000, 1010000};
    static const bool none[6], two[6] = {true, false, true}, one[6] = {true};
    struct twcc_fate fate;
    (void)state;
    for (int i = 0; i < 5; i++)
        (void)twcc_sends_note(&s, 5000 + i, 100, 0);
    assert_lost(none, 6);
    struct rtcp_twcc feedback = feedback_of(0, first, 4);
    struct twcc_fates it = twcc_sends_iterate(&s, 90000, &feedback);
    while (twcc_fates_next(&it, &fate))
        continue;
    assert_lost(two, 6); /* 4 is on the way, 5 has not left */
    feedback = feedback_of(0, second, 4);
    it = twcc_sends_iterate(&s, 95000, &feedback);
    while (twcc_fates_next(&it, &fate))
        continue;
    assert_lost(one, 6); /* 2 came after all */
    for (int i = 5; i < TWCC_SENDS_MAX; i++)
        (void)twcc_sends_note(&s, 6000, 100, 0);
    assert_true(twcc_sends_find(&s, 0) == TWCC_SENT_LOST);
    (void)twcc_sends_note(&s, 6000, 100, 0);
    assert_false(twcc_sends_find(&s, 0) == TWCC_SENT_LOST);
    twcc_sends_close(&s);
    assert_lost(none, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_may_have_overtaken_others_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_packets_fate_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_feedback_begins_behind_is_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_lost_feedback_told_is_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_packet_that_was_called_lost_may_still_arrive, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(feedback_about_packets_of_before_it_was_closed_is_ignored,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            numbers_that_were_never_given_or_have_been_overwritten_are_ignored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_packet_sent_again_under_its_number_is_lost_once_and_never_arrives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_heard_last_of_a_packet_can_be_asked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(before_a_feedback_that_is_not_the_first_nothing_is_known,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_was_heard_of_a_packet_last_is_known_until_another_takes_its_place, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(numbers_and_arrival_times_wrap, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
