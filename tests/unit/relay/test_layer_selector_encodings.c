/* Other encodings, stills, slow paths, and who takes over. */
#include "unit/relay/layer_bench.c"

static void another_encoding_begins_with_its_cached_key_frame(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 3);
    for (int i = 0; i < 12; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 1, LAYER_ALL});
    step(b, SIZE_MAX);
    assert_int_equal(b->selector.encoding, 1);
    /* Its base layer: what is of upper ones is old by now. */
    assert_in_range(pictures_taken(b, 1, 0), 2, b->encodings[1].count - 1);
    /* Too much has come since the best one's key frame: it is asked for, and goes on meanwhile. */
    for (int i = 0; i < 60; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    uint32_t from = b->encodings[1].count;
    drain(b, SIZE_MAX);
    assert_int_equal(b->selector.encoding, 1);
    assert_true(b->encodings[0].wants_key_frame);
    assert_int_equal(layer_selector_encodings(&b->selector), 3);
    step(b, SIZE_MAX);
    assert_int_equal(b->selector.encoding, 0);
    (void)from;
    check(b);
    bench_end(b);
    (void)state;
}

/* Two of a key frame's six packets have left when the line shows itself narrow. */
static void begin_in_a_key_frame(struct bench *b, enum media_codec codec, uint32_t other_packets)
{
    bench_begin(b, codec, 8);
    b->encodings[1].key_packets = other_packets;
    send_picture(b, 0);
    send_picture(b, 1);
    assert_int_equal(drain(b, 2), 2);
}

static void expect_given_up(struct bench *b, enum layer_mode mode)
{
    uint64_t seq, source_seq;
    struct layer_segment segment;
    uint64_t given_up = b->selector.next_seq - 1;
    b->given_up_max = 1;
    layer_selector_set_target(&b->selector, (struct layer_target){mode, 1, LAYER_ALL});
    layer_selector_set_patience(&b->selector, 3);
    b->now += 1000;
    assert_int_equal(drain(b, SIZE_MAX), 2);
    assert_int_equal(b->selector.encoding, 1);
    assert_int_equal(b->sent[2].seq, given_up + 1);
    assert_int_equal(b->sent[3].encoding, 1);
    /* What of it is lost is not worth the line's time. */
    assert_false(
        layer_selector_find(&b->selector, (uint16_t)given_up, &seq, &source_seq, &segment));
    assert_true(
        layer_selector_find(&b->selector, (uint16_t)(given_up + 1), &seq, &source_seq, &segment));
    for (int i = 0; i < 30; i++)
        step(b, SIZE_MAX);
    check(b);
    bench_end(b);
}

static void a_long_key_frame_is_given_up_for_a_shorter_one_where_the_line_is_narrow(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(codecs); i++) {
        begin_in_a_key_frame(&bench, codecs[i], 2);
        expect_given_up(&bench, LAYER_LIVE);
        begin_in_a_key_frame(&bench, codecs[i], 2);
        expect_given_up(&bench, LAYER_STILL);
    }
}

/* So much comes behind the other one before anything may leave that it would not do any more. */
static void a_long_key_frame_is_given_up_as_soon_as_the_line_shows_itself_narrow(void **state)
{
    struct bench *b = &bench;
    (void)state;
    for (size_t reconsiders = 0; reconsiders < 2; reconsiders++) {
        begin_in_a_key_frame(b, MEDIA_CODEC_AV1, 2);
        b->given_up_max = (unsigned)reconsiders;
        layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 1, LAYER_ALL});
        layer_selector_set_patience(&b->selector, 3);
        prepare_sources(b);
        if (reconsiders)
            layer_selector_reconsider(&b->selector, b->now, b->sources, ENCODINGS);
        for (int i = 0; i < 12; i++) {
            b->now += PICTURE_US;
            send_picture(b, 1);
        }
        assert_int_equal(drain(b, 4), 4);
        assert_int_equal(b->sent[2].encoding, reconsiders);
        check(b);
        bench_end(b);
    }
}

/* A browser asked for one makes them of all encodings: the one under way is not the newest. */
static void a_long_key_frame_is_given_up_though_a_newer_one_has_come(void **state)
{
    struct bench *b = &bench;
    (void)state;
    begin_in_a_key_frame(b, MEDIA_CODEC_AV1, 2);
    b->encodings[0].wants_key_frame = true;
    send_picture(b, 0);
    expect_given_up(b, LAYER_LIVE);
}

static void a_key_frame_that_is_nearly_through_or_far_shorter_is_sent_to_its_end(void **state)
{
    static const struct {
        const char *why;
        uint32_t patience, other_packets;
        bool other_comes;
    } cases[] = {
        {"no more than the line has time for are to come", 4, 2, true},
        {"the other one is half as long again as what is to come", 3, 6, true},
        {"no line is narrow", 0, 2, true},
        {"the other one is not there yet", 3, 2, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bench *b = &bench;
        print_message("%s\n", cases[i].why);
        bench_begin(b, MEDIA_CODEC_AV1, 8);
        b->encodings[1].key_packets = cases[i].other_packets;
        send_picture(b, 0);
        if (cases[i].other_comes)
            send_picture(b, 1);
        assert_int_equal(drain(b, 2), 2);
        layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 1, LAYER_ALL});
        layer_selector_set_patience(&b->selector, cases[i].patience);
        assert_int_equal(drain(b, 4), 4);
        assert_int_equal(b->sent[5].encoding, 0);
        check(b);
        bench_end(b);
    }
}

static void pictures_of_two_encodings_keep_the_publishers_time(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP9, 4);
    for (int i = 0; i < 30; i++)
        step(b, SIZE_MAX);
    b->encodings[1].wants_key_frame = true;
    while (b->encodings[1].wants_key_frame)
        step(b, SIZE_MAX);
    step(b, SIZE_MAX);
    step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 1, LAYER_ALL});
    b->encodings[1].wants_key_frame = true;
    for (int i = 0; i < 3; i++)
        step(b, SIZE_MAX);
    assert_int_equal(b->selector.encoding, 1);
    /* Every picture's time at the receiver is its time at the publisher, shifted by one constant.
     */
    size_t first = b->sent_count - 1;
    while (first > 0 && b->sent[first].encoding == 1)
        first--;
    uint32_t shift = 0;
    for (size_t i = first; i < b->sent_count; i++) {
        const struct sent *s = &b->sent[i];
        const struct encoding *e = &b->encodings[s->encoding];
        uint32_t captured =
            picture_of(&b->encodings[s->encoding], s->source_seq)->timestamp - e->zero;
        uint32_t off = s->timestamp - captured;
        if (i > first)
            assert_true(off - shift <= 2 || shift - off <= 2);
        shift = off;
    }
    assert_true(first > 0 && first < b->sent_count - 1);
    check(b);
    bench_end(b);
    (void)state;
}

static void stills_come_every_few_seconds_and_only_when_something_is_new(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 5);
    for (int i = 0; i < 30; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_STILL, 1, 0});
    uint32_t from = b->encodings[1].count;
    for (int i = 0; i < 300; i++) /* twenty seconds */
        step(b, SIZE_MAX);
    unsigned stills = pictures_taken(b, 1, from);
    assert_true(stills >= 4 && stills <= 6);
    for (uint32_t i = from; i < b->encodings[1].count; i++) {
        const struct picture *p = &b->encodings[1].pictures[i];
        assert_true(p->taken == 0 || (p->key_frame && p->taken == p->packets));
    }
    /* The screen stands still: nothing is asked for. */
    size_t before = b->sent_count;
    for (int i = 0; i < 400; i++) {
        b->now += MILLISECONDS(50);
        drain(b, SIZE_MAX);
        if (b->encodings[1].wants_key_frame) {
            b->encodings[1].wants_key_frame = false;
            send_picture(b, 1); /* one more delta, then silence */
            b->encodings[1].pictures[b->encodings[1].count - 1].key_frame = true;
            break;
        }
    }
    (void)before;
    check_numbers(b);
    bench_end(b);
    (void)state;
}

static void a_slow_path_goes_on_at_a_newer_key_frame(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 6);
    for (int i = 0; i < 30; i++)
        step(b, SIZE_MAX);
    for (int i = 0; i < 20; i++)
        step(b, 0);
    assert_true(layer_selector_lag(&b->selector, b->now, b->sources, ENCODINGS) > SECONDS(1));
    b->encodings[0].wants_key_frame = true;
    step(b, 0);
    uint32_t from = b->encodings[0].count;
    step(b, SIZE_MAX);
    assert_true(layer_selector_lag(&b->selector, b->now, b->sources, ENCODINGS) <
                MILLISECONDS(100));
    assert_true(pictures_taken(b, 0, from - 22) < 5);
    check(b);
    bench_end(b);
    (void)state;
}

static void taking_over_goes_on_without_a_break_and_gives_back_the_same(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 7);
    for (int i = 0; i < 20; i++)
        step(b, 0);
    /* The plain path has sent everything so far, in the middle of a picture too. */
    struct encoding *e = &b->encodings[0];
    uint64_t first = e->pictures[0].first_seq;
    uint64_t cursor = e->next_seq;
    uint64_t offset = b->first_out - first;
    layer_selector_init(&b->selector, cursor + offset, true, 12345, b->now);
    prepare_sources(b);
    layer_selector_take_over(&b->selector, &b->sources[0], 0, first, cursor, offset, 77);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    b->first_out = cursor + offset;
    uint64_t seq, source_seq;
    struct layer_segment segment;
    assert_true(layer_selector_find(&b->selector, (uint16_t)(b->first_out - 3), &seq, &source_seq,
                                    &segment));
    assert_int_equal(source_seq, cursor - 3);
    step(b, SIZE_MAX);
    assert_int_equal(b->sent[0].source_seq, cursor);
    assert_int_equal(b->sent[0].timestamp, e->pictures[20].timestamp + 77);
    prepare_sources(b);
    assert_true(layer_selector_is_plain(&b->selector, b->sources, ENCODINGS));
    /* Thinned, VP8's picture ids are other ones until a key frame. */
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, 0});
    for (int i = 0; i < 10; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    for (int i = 0; i < 50; i++)
        step(b, SIZE_MAX);
    assert_false(layer_selector_is_plain(&b->selector, b->sources, ENCODINGS));
    e->wants_key_frame = true;
    step(b, SIZE_MAX);
    assert_true(layer_selector_is_plain(&b->selector, b->sources, ENCODINGS));
    bench_end(b);
    (void)state;
}

static void a_number_is_kept_for_a_packet_that_comes_late(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 8);
    for (int i = 0; i < 9; i++)
        step(b, SIZE_MAX);
    b->loss_percent = 0;
    struct encoding *e = &b->encodings[0];
    struct picture *p = add_picture(b, e);
    for (uint32_t packet = 1; packet < p->packets; packet++)
        arrive(b, 0, e->count - 1, packet);
    uint64_t missing = b->selector.next_seq;
    step(b, SIZE_MAX);
    assert_int_equal(b->selector.next_seq, missing); /* waited for */
    step(b, SIZE_MAX);
    step(b, SIZE_MAX);
    assert_true(b->selector.next_seq > missing); /* passed over */
    uint64_t seq, source_seq;
    struct layer_segment segment;
    assert_true(layer_selector_find(&b->selector, (uint16_t)missing, &seq, &source_seq, &segment));
    assert_int_equal(source_seq, p->first_seq);
    bench_end(b);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_key_frame_is_given_up_for_a_shorter_one_where_the_line_is_narrow),
        cmocka_unit_test(a_long_key_frame_is_given_up_as_soon_as_the_line_shows_itself_narrow),
        cmocka_unit_test(a_long_key_frame_is_given_up_though_a_newer_one_has_come),
        cmocka_unit_test(a_key_frame_that_is_nearly_through_or_far_shorter_is_sent_to_its_end),
        cmocka_unit_test(another_encoding_begins_with_its_cached_key_frame),
        cmocka_unit_test(pictures_of_two_encodings_keep_the_publishers_time),
        cmocka_unit_test(stills_come_every_few_seconds_and_only_when_something_is_new),
        cmocka_unit_test(a_slow_path_goes_on_at_a_newer_key_frame),
        cmocka_unit_test(taking_over_goes_on_without_a_break_and_gives_back_the_same),
        cmocka_unit_test(a_number_is_kept_for_a_packet_that_comes_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
