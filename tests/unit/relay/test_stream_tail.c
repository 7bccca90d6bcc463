#include "relay/core/stream_tail.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A publisher of pictures, five a second. */
#define PACKET_BYTES 700

struct source {
    struct stream_tail tail;
    usec_t now;
    uint64_t seq;
    uint32_t timestamp;
};

static void send_picture(struct source *s, uint8_t layer, unsigned packets, bool is_key_frame)
{
    s->now += MILLISECONDS(200);
    s->timestamp += 18000;
    for (unsigned i = 0; i < packets; i++)
        stream_tail_note(&s->tail, s->now, ++s->seq, s->timestamp, layer, is_key_frame && i == 0,
                         PACKET_BYTES);
}

static void the_base_layer_alone_counts_for_who_comes_late(void **state)
{
    (void)state;
    struct source s = {0};
    send_picture(&s, 0, 3, false);
    assert_false(s.tail.has_key_frame);
    send_picture(&s, 0, 40, true);
    assert_int_equal(s.tail.key_seq, 4);
    send_picture(&s, 2, 20, false);
    send_picture(&s, 1, 15, false);
    assert_int_equal(s.tail.base_packets, 40);
    assert_int_equal(s.tail.base_seq, 4);
    send_picture(&s, 0, 10, false);
    send_picture(&s, 2, 1, false);
    assert_int_equal(s.tail.base_packets, 50);
    assert_int_equal(s.tail.base_bytes, 50 * PACKET_BYTES);
    assert_int_equal(s.tail.base_seq, 4 + 40 + 20 + 15);
    assert_int_equal(s.tail.packets, 86);
    send_picture(&s, 0, 30, true);
    assert_int_equal(s.tail.base_packets, 30);
    assert_int_equal(s.tail.base_bytes, 30 * PACKET_BYTES);
    assert_int_equal(s.tail.packets, 30);
    assert_int_equal(s.tail.key_packets, 30);
}

static void packets_out_of_order_do_not_move_its_end_back(void **state)
{
    (void)state;
    struct stream_tail t = {0};
    stream_tail_note(&t, 1, 10, 100, 0, true, PACKET_BYTES);
    stream_tail_note(&t, 1, 13, 200, 0, false, PACKET_BYTES); /* the picture's second packet */
    stream_tail_note(&t, 1, 12, 200, 0, false, PACKET_BYTES);
    assert_int_equal(t.base_seq, 12);
    stream_tail_note(&t, 1, 11, 100, 0, false, PACKET_BYTES); /* the key frame's second */
    assert_int_equal(t.base_seq, 12);
    assert_int_equal(t.base_packets, 4);
    assert_int_equal(t.key_packets, 2);
    stream_tail_note(&t, 1, 9, 50, 0, true, PACKET_BYTES); /* an earlier key frame, late */
    stream_tail_note(&t, 1, 8, 40, 0, false, PACKET_BYTES);
    assert_int_equal(t.key_seq, 10);
    assert_int_equal(t.packets, 4);
}

static void a_long_way_asks_for_a_key_frame_behind_a_new_slide(void **state)
{
    (void)state;
    struct source s = {0};
    send_picture(&s, 0, 40, true);
    for (int i = 0; i < 40; i++) /* eight seconds */
        send_picture(&s, 0, 2, false);
    send_picture(&s, 2, 18, false);
    assert_int_equal(s.tail.base_packets, 120);
    assert_false(stream_tail_is_long(&s.tail, s.now)); /* too soon */
    for (int i = 0; i < 10; i++)
        send_picture(&s, 2, 3, false);
    assert_false(stream_tail_is_long(&s.tail, s.now)); /* nothing new */
    send_picture(&s, 2, 8, false);
    assert_true(stream_tail_is_long(&s.tail, s.now));
    send_picture(&s, 0, 1, false);
    assert_true(stream_tail_is_long(&s.tail, s.now)); /* and then at any moment */
    send_picture(&s, 0, 40, true);
    assert_false(stream_tail_is_long(&s.tail, s.now + SECONDS(3600)));
}

static void a_screen_on_which_little_happens_is_left_alone(void **state)
{
    (void)state;
    struct source s = {0};
    send_picture(&s, 0, 50, true);
    for (int i = 0; i < 70; i++)
        send_picture(&s, (uint8_t)(i % 4 == 0 ? 0 : 1), 1, false);
    send_picture(&s, 2, 20, false);
    assert_int_equal(s.tail.base_packets, 68);
    assert_true(stream_tail_is_short(&s.tail, s.now));
    assert_false(stream_tail_is_long(&s.tail, s.now));
}

static void key_frames_are_a_quarter_of_the_stream_at_most(void **state)
{
    (void)state;
    struct source s = {0};
    send_picture(&s, 0, 100, true);
    s.now += SECONDS(60);
    send_picture(&s, 0, 30, false);
    send_picture(&s, 1, 170, false);
    send_picture(&s, 0, 99, false);
    assert_false(stream_tail_is_long(&s.tail, s.now));
    send_picture(&s, 0, 1, false);
    assert_true(stream_tail_is_long(&s.tail, s.now));
}

static void a_stream_that_runs_on_too_fast_to_be_caught_up_with_is_left_alone(void **state)
{
    (void)state;
    struct source s = {0};
    send_picture(&s, 0, 40, true);
    for (int i = 0; i < 50; i++) /* 125 packets in 10 s: with the key frame more than 160 */
        send_picture(&s, 0, i % 2 == 0 ? 3 : 2, false);
    assert_false(stream_tail_is_short(&s.tail, s.now));
    send_picture(&s, 0, 30, false);
    assert_false(stream_tail_is_long(&s.tail, s.now));
    s.now += SECONDS(4);
    assert_true(stream_tail_is_long(&s.tail, s.now)); /* it has become quiet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_base_layer_alone_counts_for_who_comes_late),
        cmocka_unit_test(packets_out_of_order_do_not_move_its_end_back),
        cmocka_unit_test(a_long_way_asks_for_a_key_frame_behind_a_new_slide),
        cmocka_unit_test(a_screen_on_which_little_happens_is_left_alone),
        cmocka_unit_test(a_stream_that_runs_on_too_fast_to_be_caught_up_with_is_left_alone),
        cmocka_unit_test(key_frames_are_a_quarter_of_the_stream_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
