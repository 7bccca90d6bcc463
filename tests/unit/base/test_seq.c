#include "base/seq.h"

#include "base/check.h"
#include "base/rng.h"
#include "unit/base/base_test.h"

static void newer_means_ahead_by_less_than_half_the_circle(void **state)
{
    static const struct {
        uint16_t a, b;
        bool newer;
    } cases[] = {{1, 0, true},      {0, 1, false},    {0, 0, false},    {0, 65535, true},
                 {65535, 0, false}, {32767, 0, true}, {32769, 0, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(seq_is_newer(cases[i].a, cases[i].b), cases[i].newer);
    assert_true(timestamp_is_newer(5, 0xfffffff0));
    assert_false(timestamp_is_newer(0xfffffff0, 5));
    (void)state;
}

/* A sender's true 64-bit numbers, seen with loss, reordering and duplicates, come back. */
static void numbers_unwrap_through_many_wraps(void **state)
{
    struct rng rng = rng_of_seed(7);
    struct seq_unwrapper u = {0};
    uint64_t sent = 65530;
    uint64_t offset = seq_unwrapper_note(&u, (uint16_t)sent) - sent;
    for (int i = 0; i < 100000; i++) {
        sent += rng_below(&rng, 20);
        uint64_t late = sent - rng_below(&rng, 1000) % sent;
        assert_true(seq_unwrapper_get(&u, (uint16_t)sent) == sent + offset);
        assert_true(seq_unwrapper_note(&u, (uint16_t)sent) == sent + offset);
        assert_true(seq_unwrapper_note(&u, (uint16_t)late) == late + offset);
        assert_true(u.highest == sent + offset);
    }
    assert_true(sent > 5 * 65536);
    (void)state;
}

static void a_packet_before_the_first_stays_positive(void **state)
{
    struct seq_unwrapper u = {0};
    uint64_t first = seq_unwrapper_note(&u, 0);
    assert_true(seq_unwrapper_note(&u, 65535) == first - 1);
    assert_true(u.highest == first);
    (void)state;
}

static void timestamps_unwrap(void **state)
{
    struct timestamp_unwrapper u = {0};
    uint64_t first = timestamp_unwrapper_note(&u, 0xfffffff0);
    assert_true(timestamp_unwrapper_note(&u, 0x10) == first + 0x20);
    assert_true(timestamp_unwrapper_note(&u, 0xffffffff) == first + 0x0f);
    assert_true(u.highest == first + 0x20);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_means_ahead_by_less_than_half_the_circle),
        cmocka_unit_test(numbers_unwrap_through_many_wraps),
        cmocka_unit_test(a_packet_before_the_first_stays_positive),
        cmocka_unit_test(timestamps_unwrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
