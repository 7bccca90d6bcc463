#include "rtc/nack_generator.h"

#include "base/check.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FIRST 65536u

static struct nack_generator make(void)
{
    struct nack_generator nack;
    struct nack_generator_config config = nack_generator_config_default();
    assert_int_equal(nack_generator_init(&nack, &config), STATUS_OK);
    return nack;
}

static void arrive(struct nack_generator *nack, usec_t now, uint64_t seq)
{
    assert_int_equal(nack_generator_handle_packet(nack, now, seq), STATUS_OK);
}

static size_t take(struct nack_generator *nack, usec_t now, uint64_t *seqs, size_t capacity)
{
    size_t given_up;
    return nack_generator_take_due(nack, now, MILLISECONDS(40), seqs, capacity, &given_up);
}

static void a_gap_is_asked_for_after_the_wait_for_reordering(void **state)
{
    struct nack_generator nack = make();
    uint64_t seqs[8];
    arrive(&nack, 0, FIRST);
    assert_int_equal(nack_generator_next_timeout(&nack), USEC_NEVER);
    arrive(&nack, 1000, FIRST + 3);
    assert_int_equal(nack_generator_next_timeout(&nack), 11000);
    assert_int_equal(take(&nack, 10999, seqs, 8), 0);
    assert_int_equal(take(&nack, 11000, seqs, 8), 2);
    assert_int_equal(seqs[0], FIRST + 1);
    assert_int_equal(seqs[1], FIRST + 2);
    assert_int_equal(take(&nack, 11000, seqs, 8), 0);
    (void)state;
}

static void mere_reordering_asks_for_nothing(void **state)
{
    struct nack_generator nack = make();
    uint64_t seqs[8];
    arrive(&nack, 0, FIRST);
    arrive(&nack, 0, FIRST + 2);
    arrive(&nack, 9000, FIRST + 1);
    arrive(&nack, 9000, FIRST + 1); /* and again */
    arrive(&nack, 9000, FIRST - 5); /* of before the beginning */
    assert_int_equal(take(&nack, SECONDS(1), seqs, 8), 0);
    assert_int_equal(nack_generator_next_timeout(&nack), USEC_NEVER);
    (void)state;
}

static void requests_are_repeated_ever_more_rarely_and_then_given_up(void **state)
{
    struct nack_generator nack = make();
    static const usec_t waits_ms[] = {50, 62, 78, 97, 122, 152, 190, 238, 298};
    uint64_t seqs[8];
    size_t given_up;
    arrive(&nack, 0, FIRST);
    arrive(&nack, 0, FIRST + 2);
    usec_t now = MILLISECONDS(10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(nack_generator_next_timeout(&nack), now);
        assert_int_equal(nack_generator_take_due(&nack, now, MILLISECONDS(40), seqs, 8, &given_up),
                         1);
        assert_int_equal(given_up, 0);
        usec_t wait = nack_generator_next_timeout(&nack) - now;
        if (i < COUNT_OF(waits_ms))
            assert_in_range(wait, MILLISECONDS(waits_ms[i]), MILLISECONDS(waits_ms[i] + 1));
        assert_true(wait <= MILLISECONDS(400));
        now += wait;
    }
    assert_int_equal(nack_generator_take_due(&nack, now, MILLISECONDS(40), seqs, 8, &given_up), 0);
    assert_int_equal(given_up, 1);
    assert_int_equal(nack_generator_next_timeout(&nack), USEC_NEVER);
    (void)state;
}

static void the_wait_keeps_its_bounds_on_short_and_long_round_trips(void **state)
{
    static const struct {
        usec_t rtt_us, wait_us;
    } cases[] = {{0, 25000}, {1000, 25000}, {200000, 250000}, {SECONDS(3), 400000}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct nack_generator nack = make();
        uint64_t seqs[8];
        size_t given_up;
        arrive(&nack, 0, FIRST);
        arrive(&nack, 0, FIRST + 2);
        assert_int_equal(
            nack_generator_take_due(&nack, MILLISECONDS(10), cases[i].rtt_us, seqs, 8, &given_up),
            1);
        assert_int_equal(nack_generator_next_timeout(&nack), MILLISECONDS(10) + cases[i].wait_us);
    }
    (void)state;
}

static void too_many_missing_empty_the_list(void **state)
{
    struct nack_generator nack = make();
    uint64_t seqs[8];
    arrive(&nack, 0, FIRST);
    arrive(&nack, 0, FIRST + 251); /* 250 missing: the most */
    assert_int_equal(nack_generator_handle_packet(&nack, 0, FIRST + 253), STATUS_LIMIT);
    assert_int_equal(take(&nack, SECONDS(1), seqs, 8), 0);
    arrive(&nack, 0, FIRST + 254);
    assert_int_equal(nack_generator_handle_packet(&nack, 0, UINT64_MAX), STATUS_LIMIT);
    assert_int_equal(take(&nack, SECONDS(1), seqs, 8), 0);
    (void)state;
}

static void a_key_frame_forgets_what_came_before(void **state)
{
    struct nack_generator nack = make();
    uint64_t seqs[8];
    arrive(&nack, 0, FIRST);
    arrive(&nack, 0, FIRST + 2);
    arrive(&nack, 0, FIRST + 4);
    nack_generator_forget_before(&nack, FIRST + 2);
    assert_int_equal(take(&nack, SECONDS(1), seqs, 8), 1);
    assert_int_equal(seqs[0], FIRST + 3);
    nack_generator_forget_before(&nack, UINT64_MAX);
    assert_int_equal(nack_generator_next_timeout(&nack), USEC_NEVER);
    (void)state;
}

static void a_small_list_takes_the_oldest_first(void **state)
{
    struct nack_generator nack = make();
    uint64_t seqs[2];
    arrive(&nack, 0, FIRST);
    arrive(&nack, 0, FIRST + 6);
    for (uint64_t i = 1; i <= 4; i += 2) {
        assert_int_equal(take(&nack, MILLISECONDS(10), seqs, 2), 2);
        assert_int_equal(seqs[0], FIRST + i);
        assert_int_equal(seqs[1], FIRST + i + 1);
    }
    (void)state;
}

/* Against a plain model: what is missing is what has not come, of all between first and last. */
static void the_list_is_right_under_any_order_of_arrival(void **state)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rng rng = rng_of_seed(seed);
        struct nack_generator nack = make();
        bool came[200] = {true};
        uint64_t highest = 0;
        arrive(&nack, 0, FIRST);
        for (int i = 0; i < 300; i++) {
            uint64_t at = rng_below(&rng, 200);
            came[at] = true;
            highest = at > highest ? at : highest;
            arrive(&nack, 0, FIRST + at);
        }
        uint64_t seqs[256];
        size_t count = take(&nack, MILLISECONDS(10), seqs, 256);
        size_t at = 0;
        for (uint64_t i = 0; i <= highest; i++) {
            if (came[i])
                continue;
            assert_true(at < count);
            assert_int_equal(seqs[at++], FIRST + i);
        }
        assert_int_equal(at, count);
    }
    (void)state;
}

static void bad_settings_are_refused(void **state)
{
    struct nack_generator nack;
    struct nack_generator_config configs[5];
    for (size_t i = 0; i < COUNT_OF(configs); i++)
        configs[i] = nack_generator_config_default();
    configs[0].reorder_wait_us = -1;
    configs[1].retry_min_us = 0;
    configs[2].retry_max_us = configs[2].retry_min_us - 1;
    configs[3].tries_max = 0;
    configs[4].missing_max = NACK_MISSING_MAX + 1;
    for (size_t i = 0; i < COUNT_OF(configs); i++)
        assert_int_equal(nack_generator_init(&nack, &configs[i]), STATUS_CONFIG);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_asked_for_after_the_wait_for_reordering),
        cmocka_unit_test(mere_reordering_asks_for_nothing),
        cmocka_unit_test(requests_are_repeated_ever_more_rarely_and_then_given_up),
        cmocka_unit_test(the_wait_keeps_its_bounds_on_short_and_long_round_trips),
        cmocka_unit_test(too_many_missing_empty_the_list),
        cmocka_unit_test(a_key_frame_forgets_what_came_before),
        cmocka_unit_test(a_small_list_takes_the_oldest_first),
        cmocka_unit_test(the_list_is_right_under_any_order_of_arrival),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
