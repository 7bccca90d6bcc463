#include "relay/core/stream_queue.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int set_up(void **state)
{
    static struct stream_queue q;
    *state = &q;
    return stream_queue_init(&q) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    stream_queue_destroy(*state);
    return 0;
}

/* A datagram that says which it is. */
static bool push(struct stream_queue *q, usec_t now, enum stream_class class, uint32_t number,
                 size_t size)
{
    uint8_t data[STREAM_FRAME_BYTES_MAX];
    memset(data, (int)number, sizeof data);
    store_u32(data, number);
    return stream_queue_push(q, now, class, bytes_of(data, size));
}

/* Writes the next datagram `piece` bytes at a time; its number, or UINT32_MAX for none. */
static uint32_t pop(struct stream_queue *q, usec_t now, size_t piece, size_t *size)
{
    uint8_t out[STREAM_FRAME_BYTES_MAX + 2];
    size_t used = 0;
    size_t whole = 0;
    for (;;) {
        struct bytes next = stream_queue_peek(q, now);
        if (next.size == 0)
            return UINT32_MAX;
        size_t take = next.size < piece ? next.size : piece;
        memcpy(out + used, next.data, take);
        used += take;
        stream_queue_consume(q, take);
        if (used >= 2)
            whole = 2u + load_u16(out);
        if (used >= 2 && used == whole)
            break;
    }
    *size = whole - 2;
    for (size_t i = 6; i < whole; i++)
        assert_int_equal(out[i], out[5]);
    return load_u32(out + 2);
}

static void voice_overtakes_video_and_each_keeps_its_order(void **state)
{
    struct stream_queue *q = *state;
    size_t size;
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(push(q, 1, STREAM_CLASS_VIDEO, i, 1000));
        assert_true(push(q, 1, STREAM_CLASS_FIRST, 100 + i, 80));
    }
    static const uint32_t expected[] = {100, 101, 102, 103, 0, 1, 2, 3, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(pop(q, 2, 33, &size), expected[i]);
    assert_true(stream_queue_is_empty(q));
    assert_int_equal(q->dropped, 0);
}

static void a_datagram_that_has_begun_to_leave_leaves_whole(void **state)
{
    struct stream_queue *q = *state;
    size_t size;
    assert_true(push(q, 0, STREAM_CLASS_VIDEO, 7, 1200));
    stream_queue_consume(q, stream_queue_peek(q, 0).size - 1);
    assert_true(push(q, SECONDS(5), STREAM_CLASS_FIRST, 8, 80));
    struct bytes last = stream_queue_peek(q, SECONDS(5));
    assert_int_equal(last.size, 1);
    assert_int_equal(last.data[0], 7);
    stream_queue_consume(q, 1);
    assert_int_equal(pop(q, SECONDS(5), 4000, &size), 8);
}

static void what_is_late_is_dropped_video_long_before_voice(void **state)
{
    struct stream_queue *q = *state;
    size_t size;
    assert_true(push(q, 0, STREAM_CLASS_VIDEO, 1, 1000));
    assert_true(push(q, MILLISECONDS(100), STREAM_CLASS_VIDEO, 2, 1000));
    assert_true(push(q, 0, STREAM_CLASS_FIRST, 3, 80));
    assert_int_equal(pop(q, MILLISECONDS(201), 4000, &size), 3);
    assert_int_equal(pop(q, MILLISECONDS(201), 4000, &size), 2);
    assert_int_equal(q->dropped, 1);
    assert_true(push(q, 0, STREAM_CLASS_FIRST, 4, 80));
    assert_int_equal(pop(q, SECONDS(2), 4000, &size), UINT32_MAX);
    assert_int_equal(q->dropped, 2);
}

static void a_full_queue_drops_the_oldest_video_and_never_voice_for_it(void **state)
{
    struct stream_queue *q = *state;
    size_t size;
    for (uint32_t i = 0; i < 20; i++)
        assert_true(push(q, 0, STREAM_CLASS_FIRST, 1000 + i, 100));
    for (uint32_t i = 0; i < 200; i++)
        assert_true(push(q, 0, STREAM_CLASS_VIDEO, i, 1150));
    assert_true(q->dropped > 100 && q->dropped < 200);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(pop(q, 0, 4000, &size), 1000 + i);
    uint32_t first = pop(q, 0, 4000, &size);
    assert_int_equal(first, q->dropped);
    size_t bytes = size;
    for (uint32_t i = first + 1; i < 200; i++, bytes += size)
        assert_int_equal(pop(q, 0, 4000, &size), i);
    assert_int_equal(pop(q, 0, 4000, &size), UINT32_MAX);
    assert_true(bytes > STREAM_QUEUE_BYTES / 2 && bytes <= STREAM_QUEUE_BYTES);
}

static void a_datagram_too_long_for_a_frame_is_dropped_itself(void **state)
{
    struct stream_queue *q = *state;
    uint8_t data[STREAM_FRAME_BYTES_MAX + 1] = {0};
    assert_false(stream_queue_push(q, 0, STREAM_CLASS_FIRST, bytes_of(data, sizeof data)));
    assert_int_equal(q->dropped, 1);
    assert_true(stream_queue_push(q, 0, STREAM_CLASS_FIRST, bytes_of(data, sizeof data - 1)));
}

/* Sizes, classes, pieces and pauses as they come: what comes out is in order and whole, and with
 * what was dropped it is all that went in. */
static void nothing_is_lost_but_what_is_counted(void **state)
{
    struct stream_queue *q = *state;
    struct rng rng = rng_of_seed(11);
    uint32_t pushed[STREAM_CLASS_COUNT] = {0};
    int64_t last[STREAM_CLASS_COUNT] = {-1, -1};
    uint64_t popped = 0;
    usec_t now = 0;
    size_t size;
    for (int round = 0; round < 20000; round++) {
        uint32_t class = (uint32_t)rng_below(&rng, 2);
        size_t bytes = 5 + (size_t)rng_below(&rng, class == STREAM_CLASS_FIRST ? 200 : 1400);
        uint32_t number = pushed[class]++;
        assert_true(push(q, now, (enum stream_class) class, number * 2 + class, bytes));
        now += (usec_t)rng_below(&rng, 2000);
        for (uint64_t n = rng_below(&rng, 3); n > 0; n--) {
            uint32_t got = pop(q, now, 1 + (size_t)rng_below(&rng, 2000), &size);
            if (got == UINT32_MAX)
                break;
            assert_true((int64_t)(got / 2) > last[got % 2]);
            last[got % 2] = got / 2;
            popped++;
        }
    }
    while (pop(q, now, 4000, &size) != UINT32_MAX)
        popped++;
    assert_int_equal(popped + q->dropped, pushed[0] + pushed[1]);
    assert_true(q->dropped > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(voice_overtakes_video_and_each_keeps_its_order),
        TEST(a_datagram_that_has_begun_to_leave_leaves_whole),
        TEST(what_is_late_is_dropped_video_long_before_voice),
        TEST(a_full_queue_drops_the_oldest_video_and_never_voice_for_it),
        TEST(a_datagram_too_long_for_a_frame_is_dropped_itself),
        TEST(nothing_is_lost_but_what_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
