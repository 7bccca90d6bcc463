#include "relay/core/resend_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_is_asked_for_twice_goes_out_once_and_the_oldest_first(void **state)
{
    (void)state;
    struct resend_queue q = {.first = RESEND_QUEUE_MAX - 1};
    uint8_t subscription;
    uint16_t seq;
    assert_true(resend_queue_add(&q, 3, 7));
    assert_true(resend_queue_add(&q, 3, 8));
    assert_true(resend_queue_add(&q, 3, 7));
    assert_true(resend_queue_add(&q, 4, 7));
    assert_int_equal(q.count, 3);
    assert_true(resend_queue_take(&q, &subscription, &seq));
    assert_int_equal(subscription, 3);
    assert_int_equal(seq, 7);
    assert_true(resend_queue_take(&q, &subscription, &seq));
    assert_int_equal(seq, 8);
    assert_true(resend_queue_take(&q, &subscription, &seq));
    assert_int_equal(subscription, 4);
    assert_false(resend_queue_take(&q, &subscription, &seq));
}

static void one_more_than_fits_is_left_out(void **state)
{
    (void)state;
    struct resend_queue q = {0};
    uint8_t subscription;
    uint16_t seq = 0;
    for (uint16_t i = 0; i < RESEND_QUEUE_MAX; i++)
        assert_true(resend_queue_add(&q, 0, i));
    assert_false(resend_queue_add(&q, 0, RESEND_QUEUE_MAX));
    assert_true(resend_queue_add(&q, 0, 0)); /* that one waits */
    assert_int_equal(q.count, RESEND_QUEUE_MAX);
    while (resend_queue_take(&q, &subscription, &seq))
        ;
    assert_int_equal(seq, RESEND_QUEUE_MAX - 1);
}

static void one_subscription_is_forgotten_and_the_others_stay_in_order(void **state)
{
    (void)state;
    struct resend_queue q = {.first = RESEND_QUEUE_MAX - 2};
    uint8_t subscription;
    uint16_t seq;
    for (uint16_t i = 0; i < 6; i++)
        assert_true(resend_queue_add(&q, i % 2, i));
    resend_queue_forget(&q, 0);
    for (uint16_t i = 1; i < 6; i = (uint16_t)(i + 2)) {
        assert_true(resend_queue_take(&q, &subscription, &seq));
        assert_int_equal(subscription, 1);
        assert_int_equal(seq, i);
    }
    assert_false(resend_queue_take(&q, &subscription, &seq));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_twice_goes_out_once_and_the_oldest_first),
        cmocka_unit_test(one_more_than_fits_is_left_out),
        cmocka_unit_test(one_subscription_is_forgotten_and_the_others_stay_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
