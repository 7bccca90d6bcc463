#include "base/timer_heap.h"

#include "base/rng.h"
#include "unit/base/base_test.h"

#define TIMERS 50

static usec_t earliest(const usec_t *deadlines)
{
    usec_t best = USEC_NEVER;
    for (size_t i = 0; i < TIMERS; i++)
        best = usec_min(best, deadlines[i]);
    return best;
}

/* Takes all that is due and compares with a plain list of deadlines. */
static void take_all_due(struct timer_heap *heap, struct timer *timers, usec_t *deadlines,
                         usec_t now)
{
    for (struct timer *timer; (timer = timer_heap_take_due(heap, now)) != NULL;) {
        size_t i = (size_t)(timer - timers);
        assert_ptr_equal(timer->owner, &deadlines[i]);
        assert_true(deadlines[i] == earliest(deadlines));
        assert_true(deadlines[i] <= now);
        deadlines[i] = USEC_NEVER;
    }
    assert_true(earliest(deadlines) > now);
}

static void timers_come_due_as_a_sorted_list_says(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng rng = rng_of_seed(seed);
        struct timer timers[TIMERS] = {0};
        usec_t deadlines[TIMERS];
        struct timer_heap heap;
        usec_t now = 0;
        assert_int_equal(timer_heap_init(&heap, TIMERS), STATUS_OK);
        for (size_t i = 0; i < TIMERS; i++) {
            deadlines[i] = USEC_NEVER;
            timers[i].owner = &deadlines[i];
        }
        for (int step = 0; step < 2000; step++) {
            size_t i = rng_below(&rng, TIMERS);
            uint64_t action = rng_below(&rng, 10);
            if (action < 7) {
                deadlines[i] = now + (usec_t)rng_below(&rng, 100);
                timer_heap_arm(&heap, &timers[i], deadlines[i]);
            } else if (action < 8) {
                deadlines[i] = USEC_NEVER;
                timer_heap_cancel(&heap, &timers[i]);
            } else if (action < 9) {
                deadlines[i] = USEC_NEVER;
                timer_heap_arm(&heap, &timers[i], USEC_NEVER);
            } else {
                now += (usec_t)rng_below(&rng, 60);
                take_all_due(&heap, timers, deadlines, now);
            }
            assert_true(timer_heap_next_timeout(&heap) == earliest(deadlines));
        }
        timer_heap_destroy(&heap);
    }
    (void)state;
}

static void an_empty_heap_never_fires(void **state)
{
    struct timer_heap heap;
    struct timer timer = {0};
    assert_int_equal(timer_heap_init(&heap, 0), STATUS_CONFIG);
    assert_int_equal(timer_heap_init(&heap, 1), STATUS_OK);
    assert_true(timer_heap_next_timeout(&heap) == USEC_NEVER);
    assert_null(timer_heap_take_due(&heap, USEC_NEVER));
    timer_heap_cancel(&heap, &timer);
    timer_heap_arm(&heap, &timer, 5);
    assert_null(timer_heap_take_due(&heap, 4));
    assert_ptr_equal(timer_heap_take_due(&heap, 5), &timer);
    assert_null(timer_heap_take_due(&heap, 5));
    timer_heap_destroy(&heap);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_come_due_as_a_sorted_list_says),
        cmocka_unit_test(an_empty_heap_never_fires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
