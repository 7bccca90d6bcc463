/* Which pictures are left out, and that none is ever broken by it. */
#include "unit/relay/layer_bench.c"

static struct layer_target random_target(struct rng *rng)
{
    unsigned mode = (unsigned)rng_below(rng, 10);
    return (struct layer_target){mode == 0   ? LAYER_OFF
                                 : mode == 1 ? LAYER_STILL
                                             : LAYER_LIVE,
                                 (uint8_t)rng_below(rng, ENCODINGS),
                                 (uint8_t)rng_below(rng, LAYER_TEMPORAL_MAX)};
}

/* Targets change at any moment, also in the middle of a picture; the path is slow at times. */
static void play(enum media_codec codec, uint64_t seed, unsigned loss_percent)
{
    struct bench *b = &bench;
    bench_begin(b, codec, seed);
    b->loss_percent = loss_percent;
    b->has_clock = seed % 3 != 0;
    size_t speed = SIZE_MAX;
    for (int i = 0; i < 1500; i++) {
        if (rng_below(&b->rng, 12) == 0)
            layer_selector_set_target(&b->selector, random_target(&b->rng));
        if (rng_below(&b->rng, 20) == 0)
            speed = rng_below(&b->rng, 2) == 0 ? SIZE_MAX : 1 + rng_below(&b->rng, 2);
        if (rng_below(&b->rng, 60) == 0)
            b->encodings[rng_below(&b->rng, ENCODINGS)].wants_key_frame = true;
        step(b, speed);
    }
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    size_t before = b->sent_count;
    for (int i = 0; i < 300; i++)
        step(b, SIZE_MAX);
    assert_true(b->sent_count > before + 250); /* it always finds its way back */
    check(b);
    bench_end(b);
}

static void whatever_the_targets_no_picture_is_broken(void **state)
{
    for (size_t c = 0; c < COUNT_OF(codecs); c++) {
        for (uint64_t seed = 1; seed <= 12; seed++)
            play(codecs[c], seed, 0);
    }
    (void)state;
}

static void loss_on_the_way_in_stays_a_gap_that_can_be_asked_for(void **state)
{
    for (size_t c = 0; c < COUNT_OF(codecs); c++) {
        for (uint64_t seed = 1; seed <= 8; seed++)
            play(codecs[c], seed, 5);
    }
    (void)state;
}

static void fewer_layers_are_fewer_pictures_at_once(void **state)
{
    static const unsigned expected[] = {10, 20, 40, 40};
    for (size_t c = 0; c < 3; c++) {
        for (uint8_t top = 0; top < LAYER_TEMPORAL_MAX; top++) {
            struct bench *b = &bench;
            bench_begin(b, codecs[c], 1);
            for (int i = 0; i < 40; i++)
                step(b, SIZE_MAX);
            layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, top});
            uint32_t from = b->encodings[0].count;
            for (int i = 0; i < 40; i++)
                step(b, SIZE_MAX);
            assert_int_equal(pictures_taken(b, 0, from), expected[top]);
            check(b);
            bench_end(b);
        }
    }
    (void)state;
}

static void a_higher_layer_is_entered_without_a_key_frame(void **state)
{
    for (size_t c = 0; c < 3; c++) {
        struct bench *b = &bench;
        bench_begin(b, codecs[c], 2);
        step(b, SIZE_MAX);
        layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, 0});
        for (int i = 0; i < 41; i++)
            step(b, SIZE_MAX);
        layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
        for (int i = 0; i < 34; i++)
            step(b, SIZE_MAX);
        uint32_t from = b->encodings[0].count;
        for (int i = 0; i < 40; i++)
            step(b, SIZE_MAX);
        assert_int_equal(pictures_taken(b, 0, from), 40);
        assert_false(b->encodings[0].wants_key_frame);
        check(b);
        bench_end(b);
    }
    (void)state;
}

static void a_layer_without_a_way_in_is_worth_a_key_frame_after_a_while(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 9);
    b->encodings[0].never_syncs = true;
    step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, 0});
    for (int i = 0; i < 90; i++) /* six seconds: nothing is missed */
        step(b, SIZE_MAX);
    assert_int_equal(b->encodings[0].last_key, 0);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    uint32_t from = b->encodings[0].count;
    for (int i = 0; i < 40; i++)
        step(b, SIZE_MAX);
    assert_int_equal(b->encodings[0].last_key, 0);
    for (int i = 0; i < 20; i++)
        step(b, SIZE_MAX);
    assert_true(b->encodings[0].last_key > from);
    from = b->encodings[0].count;
    for (int i = 0; i < 40; i++)
        step(b, SIZE_MAX);
    assert_int_equal(pictures_taken(b, 0, from), 40);
    check(b);
    bench_end(b);
    (void)state;
}

/* A line that stood still for a second: what waits is caught up with by the base layer alone, and
 * everything goes out again from then on, without a key frame. */
static void who_lags_is_given_the_base_layer_first(void **state)
{
    static const enum media_codec layered[] = {MEDIA_CODEC_VP8, MEDIA_CODEC_VP9, MEDIA_CODEC_AV1};
    for (size_t i = 0; i < COUNT_OF(layered); i++) {
        struct bench *b = &bench;
        bench_begin(b, layered[i], 5);
        for (int n = 0; n < 32; n++)
            step(b, SIZE_MAX);
        assert_int_equal(b->selector.pictures_left_out, 0);
        uint32_t from = b->encodings[0].count;
        for (int n = 0; n < 16; n++)
            step(b, 0);
        drain(b, SIZE_MAX);
        uint32_t caught_up = b->encodings[0].count;
        assert_in_range(pictures_taken(b, 0, from), 4, 9);
        for (int n = 0; n < 32; n++)
            step(b, SIZE_MAX);
        assert_true(pictures_taken(b, 0, caught_up) >= 28);
        assert_int_equal(b->encodings[0].last_key, 0);
        check(b);
        bench_end(b);
    }
    (void)state;
}

/* VP8 without marks lets nobody in again before a key frame: there all of it goes out, late. */
static void nothing_is_left_out_that_would_not_come_back(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 6);
    b->encodings[0].never_syncs = true;
    for (int n = 0; n < 32; n++)
        step(b, SIZE_MAX);
    for (int n = 0; n < 16; n++)
        step(b, 0);
    drain(b, SIZE_MAX);
    assert_int_equal(b->selector.pictures_left_out, 0);
    assert_int_equal(pictures_taken(b, 0, 0), b->encodings[0].count);
    bench_end(b);
    (void)state;
}

/* What a receiver that comes `pictures` after the key frame gets at once. */
static size_t come_late(struct bench *b, enum media_codec codec, uint32_t pictures,
                        usec_t picture_us)
{
    bench_begin(b, codec, 5);
    b->tail_max = 160;
    for (uint32_t i = 0; i < pictures; i++) {
        send_picture(b, 0);
        b->now += picture_us;
    }
    return drain(b, SIZE_MAX);
}

static void check_late(struct bench *b)
{
    const struct encoding *e = &b->encodings[0];
    uint32_t newest_base = 0;
    for (uint32_t i = 0; i < e->count; i++)
        newest_base = e->pictures[i].layer == 0 ? i : newest_base;
    assert_false(e->wants_key_frame);
    for (uint32_t i = 0; i < e->count; i++) {
        bool goes_out = e->pictures[i].layer == 0 || i > newest_base;
        if (e->codec == MEDIA_CODEC_VP8 && i > newest_base)
            continue; /* its upper layers are entered at their switching points only */
        assert_int_equal(e->pictures[i].taken, goes_out ? e->pictures[i].packets : 0);
    }
    for (int i = 0; i < 40; i++)
        step(b, SIZE_MAX);
    for (uint32_t i = newest_base + 24; i + 1 < e->count; i++)
        assert_int_equal(e->pictures[i].taken, e->pictures[i].packets);
    check_pictures(b);
    check_numbers(b);
}

static void
who_comes_late_gets_the_base_layer_up_to_its_newest_picture_and_then_everything(void **state)
{
    (void)state;
    static struct bench b;
    static const enum media_codec layered[] = {MEDIA_CODEC_VP8, MEDIA_CODEC_VP9, MEDIA_CODEC_AV1};
    for (size_t c = 0; c < COUNT_OF(layered); c++) {
        for (uint32_t pictures = 60; pictures < 68; pictures++) {
            come_late(&b, layered[c], pictures, PICTURE_US);
            check_late(&b);
            /* VP8's picture ids have closed ranks: until a key frame they are to be rewritten. */
            assert_int_equal(layer_selector_is_plain(&b.selector, b.sources, ENCODINGS),
                             layered[c] != MEDIA_CODEC_VP8);
            bench_end(&b);
        }
    }
}

/* A slide that stands still, of which the encoder says something once a second. */
static void who_comes_late_to_a_slow_screen_gets_its_newest_picture_whatever_its_layer(void **state)
{
    (void)state;
    static struct bench b;
    static const enum media_codec layered[] = {MEDIA_CODEC_VP9, MEDIA_CODEC_AV1};
    for (size_t c = 0; c < COUNT_OF(layered); c++) {
        for (uint32_t pictures = 60; pictures < 64; pictures++) {
            come_late(&b, layered[c], pictures, SECONDS(1));
            const struct encoding *e = &b.encodings[0];
            assert_int_equal(e->pictures[pictures - 1].taken, e->pictures[pictures - 1].packets);
            check_late(&b);
            bench_end(&b);
        }
    }
}

static void who_comes_too_late_waits_for_a_key_frame(void **state)
{
    (void)state;
    static struct bench b;
    assert_int_equal(come_late(&b, MEDIA_CODEC_H264, 110, PICTURE_US),
                     0); /* all of it is base layer */
    assert_true(b.encodings[0].tail.base_packets > b.tail_max);
    assert_true(b.encodings[0].wants_key_frame);
    step(&b, SIZE_MAX);
    assert_true(b.sent_count > 0);
    check_pictures(&b);
    bench_end(&b);
}

/* As Chromium sends it with a dependency descriptor. One learner's dip is over, and with the next
 * key frame that learner is like the others again: nothing is left to be rewritten. */
static void vp8_without_picture_ids_needs_no_rewriting_behind_a_key_frame(void **state)
{
    static const struct layer_target all = {LAYER_LIVE, 0, LAYER_ALL}, base = {LAYER_LIVE, 0, 0};
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 1);
    struct encoding *e = &b->encodings[0];
    e->never_syncs = e->lacks_numbers = true;
    layer_selector_set_target(&b->selector, all);
    for (int i = 0; i < 40; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, base);
    for (int i = 0; i < 10; i++)
        step(b, SIZE_MAX);
    assert_int_not_equal(b->selector.pictures_left_out, 0);
    layer_selector_set_target(&b->selector, all);
    e->wants_key_frame = true;
    for (int i = 0; i < 40; i++)
        step(b, SIZE_MAX);
    prepare_sources(b);
    assert_true(layer_selector_is_plain(&b->selector, b->sources, ENCODINGS));
    bench_end(b);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vp8_without_picture_ids_needs_no_rewriting_behind_a_key_frame),
        cmocka_unit_test(fewer_layers_are_fewer_pictures_at_once),
        cmocka_unit_test(a_higher_layer_is_entered_without_a_key_frame),
        cmocka_unit_test(a_layer_without_a_way_in_is_worth_a_key_frame_after_a_while),
        cmocka_unit_test(who_lags_is_given_the_base_layer_first),
        cmocka_unit_test(nothing_is_left_out_that_would_not_come_back),
        cmocka_unit_test(whatever_the_targets_no_picture_is_broken),
        cmocka_unit_test(loss_on_the_way_in_stays_a_gap_that_can_be_asked_for),
        cmocka_unit_test(
            who_comes_late_gets_the_base_layer_up_to_its_newest_picture_and_then_everything),
        cmocka_unit_test(
            who_comes_late_to_a_slow_screen_gets_its_newest_picture_whatever_its_layer),
        cmocka_unit_test(who_comes_too_late_waits_for_a_key_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
