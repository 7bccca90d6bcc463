#define _GNU_SOURCE /* mkstemp, strdup, pipe */
#include "host/frame_stream.h"

#include "base/rng.h"
#include "unit/host/host_test.h"

#include <sys/socket.h>

struct pair {
    struct frame_stream a, b;
};

static void open_pair(struct pair *p)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(frame_stream_init(&p->a, fds[0]), STATUS_OK);
    assert_int_equal(frame_stream_init(&p->b, fds[1]), STATUS_OK);
}

static void close_pair(struct pair *p)
{
    frame_stream_destroy(&p->a);
    frame_stream_destroy(&p->b);
}

static void fill_pattern(uint8_t *data, size_t size, uint32_t seed)
{
    struct rng rng = rng_of_seed(seed);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)rng_u32(&rng);
}

static void frames_of_all_sizes_arrive_whole_and_in_order(void **state)
{
    static uint8_t data[FRAME_STREAM_PAYLOAD_MAX];
    struct pair p;
    struct rng rng = rng_of_seed(1);
    uint32_t sizes[300];
    uint32_t sent = 0;
    uint32_t got = 0;
    open_pair(&p);
    while (got < COUNT_OF(sizes)) {
        while (sent < COUNT_OF(sizes) && sent < got + 20) {
            sizes[sent] =
                (uint32_t)rng_below(&rng, sent % 10 == 0 ? FRAME_STREAM_PAYLOAD_MAX + 1 : 500);
            fill_pattern(data, sizes[sent], sent);
            assert_int_equal(frame_stream_queue(&p.a, bytes_of(data, sizes[sent])), STATUS_OK);
            sent++;
        }
        assert_int_equal(frame_stream_flush(&p.a), STATUS_OK);
        assert_int_equal(frame_stream_fill(&p.b), STATUS_OK);
        struct bytes frame;
        while (frame_stream_next(&p.b, &frame) == STATUS_OK) {
            assert_int_equal(frame.size, sizes[got]);
            fill_pattern(data, frame.size, got);
            assert_memory_equal(frame.data, data, frame.size);
            got++;
        }
    }
    assert_false(frame_stream_wants_write(&p.a));
    close_pair(&p);
    (void)state;
}

static void a_frame_that_comes_byte_by_byte_is_one_frame(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 3, 'a', 'b', 'c'};
    struct pair p;
    struct bytes frame;
    open_pair(&p);
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(frame_stream_next(&p.b, &frame), STATUS_NOT_FOUND);
        assert_int_equal(write(p.a.fd, &bytes[i], 1), 1);
        assert_int_equal(frame_stream_fill(&p.b), STATUS_OK);
    }
    assert_int_equal(frame_stream_next(&p.b, &frame), STATUS_OK);
    assert_true(bytes_equal_string(frame, "abc"));
    close_pair(&p);
    (void)state;
}

static void a_frame_past_the_maximum_is_refused_both_ways(void **state)
{
    static const uint8_t length[] = {0, 1, 0x80, 1};
    static uint8_t data[FRAME_STREAM_PAYLOAD_MAX + 1];
    struct pair p;
    struct bytes frame;
    open_pair(&p);
    assert_int_equal(frame_stream_queue(&p.a, bytes_of(data, sizeof data)), STATUS_LIMIT);
    assert_int_equal(write(p.a.fd, length, sizeof length), 4);
    assert_int_equal(frame_stream_fill(&p.b), STATUS_OK);
    assert_int_equal(frame_stream_next(&p.b, &frame), STATUS_LIMIT);
    close_pair(&p);
    (void)state;
}

static void a_reader_that_does_not_read_costs_a_bounded_queue(void **state)
{
    static uint8_t data[60000];
    struct pair p;
    enum status status = STATUS_OK;
    size_t queued = 0;
    open_pair(&p);
    while ((status = frame_stream_queue(&p.a, bytes_of(data, sizeof data))) == STATUS_OK) {
        queued += sizeof data;
        assert_int_equal(frame_stream_flush(&p.a), STATUS_OK);
        assert_true(queued < 3 * FRAME_STREAM_OUT_MAX);
    }
    assert_int_equal(status, STATUS_LIMIT);
    assert_true(frame_stream_wants_write(&p.a));
    /* Once it reads again, everything that was taken arrives. */
    size_t got = 0;
    struct bytes frame;
    while (got < queued) {
        assert_int_equal(frame_stream_fill(&p.b), STATUS_OK);
        while (frame_stream_next(&p.b, &frame) == STATUS_OK)
            got += frame.size;
        assert_int_equal(frame_stream_flush(&p.a), STATUS_OK);
    }
    assert_int_equal(frame_stream_queue(&p.a, bytes_of(data, sizeof data)), STATUS_OK);
    close_pair(&p);
    (void)state;
}

static void what_came_before_the_end_can_still_be_taken(void **state)
{
    struct pair p;
    struct bytes frame;
    open_pair(&p);
    assert_int_equal(frame_stream_queue(&p.a, bytes_of_string("last words")), STATUS_OK);
    assert_int_equal(frame_stream_flush(&p.a), STATUS_OK);
    frame_stream_destroy(&p.a);
    assert_int_equal(frame_stream_fill(&p.b), STATUS_SYSTEM);
    assert_int_equal(frame_stream_next(&p.b, &frame), STATUS_OK);
    assert_true(bytes_equal_string(frame, "last words"));
    assert_int_equal(frame_stream_next(&p.b, &frame), STATUS_NOT_FOUND);
    assert_int_equal(frame_stream_queue(&p.b, bytes_of_string("answer")), STATUS_OK);
    assert_int_equal(frame_stream_flush(&p.b), STATUS_SYSTEM); /* and no SIGPIPE */
    frame_stream_destroy(&p.b);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_all_sizes_arrive_whole_and_in_order),
        cmocka_unit_test(a_frame_that_comes_byte_by_byte_is_one_frame),
        cmocka_unit_test(a_frame_past_the_maximum_is_refused_both_ways),
        cmocka_unit_test(a_reader_that_does_not_read_costs_a_bounded_queue),
        cmocka_unit_test(what_came_before_the_end_can_still_be_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
