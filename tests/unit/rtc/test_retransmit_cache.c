#include "rtc/retransmit_cache.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST 65536u

static int set_up(void **state)
{
    static struct retransmit_cache cache;
    *state = &cache;
    return retransmit_cache_init(&cache, 8, 100) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    retransmit_cache_destroy(*state);
    return 0;
}

static void store(struct retransmit_cache *cache, uint64_t seq, bool key_frame)
{
    uint8_t packet[10];
    memset(packet, (int)(seq & 0xff), sizeof packet);
    retransmit_cache_store(cache, (usec_t)seq, seq, bytes_of(packet, sizeof packet), key_frame);
}

static bool is_held(const struct retransmit_cache *cache, uint64_t seq)
{
    const struct retransmit_entry *e = retransmit_cache_find(cache, seq);
    return e != NULL && e->size == 10 && e->data[9] == (uint8_t)(seq & 0xff) &&
           e->at == (usec_t)seq;
}

static void the_newest_packets_are_held_and_no_others(void **state)
{
    struct retransmit_cache *cache = *state;
    assert_false(is_held(cache, FIRST));
    for (uint64_t i = 0; i < 20; i++)
        store(cache, FIRST + i, false);
    for (uint64_t i = 0; i < 24; i++)
        assert_int_equal(is_held(cache, FIRST + i), i >= 12 && i < 20);
}

static void a_late_packet_is_held_unless_it_is_older_than_the_ring(void **state)
{
    struct retransmit_cache *cache = *state;
    store(cache, FIRST, false);
    store(cache, FIRST + 9, false);
    store(cache, FIRST + 2, false); /* just within */
    store(cache, FIRST + 1, false); /* its place is that of FIRST + 9 */
    assert_true(is_held(cache, FIRST + 2));
    assert_false(is_held(cache, FIRST + 1));
    assert_true(is_held(cache, FIRST + 9));
}

/* A packet of the picture at `timestamp`. */
static void store_part(struct retransmit_cache *cache, uint64_t seq, uint32_t timestamp,
                       bool marker, bool key_frame)
{
    uint8_t packet[13] = {0x80, marker ? 0x80 : 0};
    store_u32(packet + 4, timestamp);
    retransmit_cache_store(cache, (usec_t)seq, seq, bytes_of(packet, sizeof packet), key_frame);
}

static void a_key_frame_begins_with_the_first_packet_of_its_picture(void **state)
{
    struct retransmit_cache *cache = *state;
    store_part(cache, FIRST, 10, true, false);
    store_part(cache, FIRST + 1, 20, false, false); /* a delimiter */
    store_part(cache, FIRST + 3, 20, false, true);  /* a parameter set */
    assert_int_equal(cache->key_frame_seq, FIRST + 3);
    assert_int_equal(retransmit_cache_find_picture(cache, FIRST + 3), FIRST + 1);
    store_part(cache, FIRST + 2, 20, false, false); /* what lay between them */
    assert_int_equal(cache->key_frame_seq, FIRST + 1);
    assert_true(retransmit_cache_find(cache, FIRST + 1)->layers.key_frame);
    store_part(cache, FIRST + 4, 20, true, false);
    store_part(cache, FIRST + 5, 20, true, true); /* behind the marker: another one */
    assert_int_equal(cache->key_frame_seq, FIRST + 5);
    assert_int_equal(retransmit_cache_find_picture(cache, FIRST + 5), FIRST + 5);
}

static void what_is_missing_before_a_picture_may_be_of_it_within_limits(void **state)
{
    struct retransmit_cache *cache = *state;
    store_part(cache, FIRST, 10, true, false);
    store_part(cache, FIRST + 6, 20, false, true);
    assert_int_equal(retransmit_cache_find_picture(cache, FIRST + 6), FIRST + 1);
    store_part(cache, FIRST + 200, 30, false, true);
    assert_int_equal(retransmit_cache_find_picture(cache, FIRST + 200),
                     FIRST + 200 - RETRANSMIT_PICTURE_PACKETS);
}

static void packets_of_impossible_size_are_left_out(void **state)
{
    struct retransmit_cache *cache = *state;
    uint8_t packet[101] = {0};
    retransmit_cache_store(cache, 0, FIRST, bytes_of(packet, 101), false);
    retransmit_cache_store(cache, 0, FIRST + 1, bytes_of(packet, 0), false);
    assert_null(retransmit_cache_find(cache, FIRST));
    assert_null(retransmit_cache_find(cache, FIRST + 1));
    retransmit_cache_store(cache, 0, FIRST, bytes_of(packet, 100), false);
    assert_int_equal(retransmit_cache_find(cache, FIRST)->size, 100);
}

static void a_packet_too_old_to_be_of_use_is_not_sent_again(void **state)
{
    struct retransmit_cache *cache = *state;
    uint8_t packet[10] = {0};
    retransmit_cache_store(cache, SECONDS(5), FIRST, bytes_of(packet, 10), false);
    assert_non_null(retransmit_cache_find_recent(cache, SECONDS(7), SECONDS(2), FIRST));
    assert_null(retransmit_cache_find_recent(cache, SECONDS(7) + 1, SECONDS(2), FIRST));
    assert_null(retransmit_cache_find_recent(cache, SECONDS(5), SECONDS(2), FIRST + 1));
    assert_non_null(retransmit_cache_find(cache, FIRST));
}

static void a_late_joiner_gets_the_newest_key_frame_and_all_behind_it(void **state)
{
    struct retransmit_cache *cache = *state;
    uint64_t first = 0;
    assert_int_equal(retransmit_cache_find_key_frame(cache, 100, &first), 0);
    store(cache, FIRST, true);
    store(cache, FIRST + 1, false);
    store(cache, FIRST + 2, true);
    store(cache, FIRST + 3, false);
    assert_int_equal(retransmit_cache_find_key_frame(cache, 100, &first), 2);
    assert_int_equal(first, FIRST + 2);
    assert_int_equal(retransmit_cache_find_key_frame(cache, 2, &first), 2);
    assert_int_equal(retransmit_cache_find_key_frame(cache, 1, &first), 0);
    store(cache, FIRST + 5, false); /* a hole: no whole picture */
    assert_int_equal(retransmit_cache_find_key_frame(cache, 100, &first), 0);
    store(cache, FIRST + 4, false); /* filled */
    assert_int_equal(retransmit_cache_find_key_frame(cache, 100, &first), 4);
}

static void a_key_frame_that_left_the_ring_is_not_offered(void **state)
{
    struct retransmit_cache *cache = *state;
    uint64_t first = 0;
    store(cache, FIRST, true);
    for (uint64_t i = 1; i < 8; i++)
        store(cache, FIRST + i, false);
    assert_int_equal(retransmit_cache_find_key_frame(cache, 100, &first), 8);
    store(cache, FIRST + 8, false);
    assert_int_equal(retransmit_cache_find_key_frame(cache, 100, &first), 0);
}

static void a_cleared_cache_holds_nothing_and_starts_anywhere(void **state)
{
    struct retransmit_cache *cache = *state;
    uint64_t first;
    store(cache, FIRST + 50, true);
    retransmit_cache_clear(cache);
    assert_null(retransmit_cache_find(cache, FIRST + 50));
    assert_int_equal(retransmit_cache_find_key_frame(cache, 100, &first), 0);
    store(cache, FIRST, true);
    assert_true(is_held(cache, FIRST));
    assert_int_equal(retransmit_cache_find_key_frame(cache, 100, &first), 1);
}

static void the_capacity_is_a_power_of_two_and_bounded(void **state)
{
    static const struct {
        size_t capacity, packet_bytes, rounded;
    } cases[] = {{1, 100, 1},   {5, 100, 8}, {512, 100, 512}, {0, 100, 0},
                 {70000, 9, 0}, {8, 0, 0},   {8, 65536, 0}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct retransmit_cache cache = {0};
        enum status status =
            retransmit_cache_init(&cache, cases[i].capacity, cases[i].packet_bytes);
        assert_int_equal(status, cases[i].rounded > 0 ? STATUS_OK : STATUS_CONFIG);
        assert_int_equal(cache.capacity, cases[i].rounded);
        retransmit_cache_destroy(&cache);
    }
    (void)state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_packets_are_held_and_no_others),
        TEST(a_late_packet_is_held_unless_it_is_older_than_the_ring),
        TEST(a_key_frame_begins_with_the_first_packet_of_its_picture),
        TEST(what_is_missing_before_a_picture_may_be_of_it_within_limits),
        TEST(packets_of_impossible_size_are_left_out),
        TEST(a_packet_too_old_to_be_of_use_is_not_sent_again),
        TEST(a_late_joiner_gets_the_newest_key_frame_and_all_behind_it),
        TEST(a_key_frame_that_left_the_ring_is_not_offered),
        TEST(a_cleared_cache_holds_nothing_and_starts_anywhere),
        cmocka_unit_test(the_capacity_is_a_power_of_two_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
