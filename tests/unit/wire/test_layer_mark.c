/* Where packets stand in their layers: by VP8's and VP9's descriptors, and by the dependency
 * descriptor for codecs whose payloads do not tell. */
#include "unit/wire/wire_test.h"

#include "wire/layer_mark.h"

struct bit_writer {
    uint8_t data[256];
    size_t bits;
};

static void put(struct bit_writer *w, unsigned count, unsigned value)
{
    for (unsigned i = 0; i < count; i++, w->bits++)
        w->data[w->bits / 8] |= (uint8_t)((value >> (count - 1 - i) & 1) << (7 - w->bits % 8));
}

static struct bytes written(const struct bit_writer *w)
{
    return bytes_of(w->data, (w->bits + 7) / 8);
}

static void put_head(struct bit_writer *w, unsigned template, unsigned frame)
{
    put(w, 2, 3); /* first and last packet */
    put(w, 6, template);
    put(w, 16, frame);
}

static unsigned indication_of(char c)
{
    return c == '-' ? 0u : c == 'D' ? 1u : c == 'S' ? 2u : 3u;
}

#define ID_OFFSET 60 /* template ids wrap at 64 */

/* One spatial and three temporal layers as libwebrtc's L1T3 has them. */
static struct bytes key_frame_of_three_layers(struct bit_writer *w)
{
    static const struct {
        unsigned next; /* 0: same layer, 1: next temporal, 3: end */
        const char *indications;
    } templates[] = {{0, "SSS"}, {1, "SSS"}, {1, "-DS"}, {0, "--D"}, {3, "--D"}};
    put_head(w, ID_OFFSET, 7);
    put(w, 5, 0x10); /* a structure, nothing else */
    put(w, 6, ID_OFFSET);
    put(w, 5, 2); /* three targets */
    for (size_t i = 0; i < COUNT_OF(templates); i++)
        put(w, 2, templates[i].next);
    for (size_t i = 0; i < COUNT_OF(templates); i++) {
        for (const char *c = templates[i].indications; *c != '\0'; c++)
            put(w, 2, indication_of(*c));
    }
    put(w, 16, 0); /* frame differences and the rest: not read */
    return written(w);
}

static void a_dependency_descriptor_tells_layers_and_where_to_switch_up(void **state)
{
    static const struct {
        unsigned template;
        const char *own; /* custom indications */
        uint8_t temporal, opens;
    } cases[] = {
        {0, NULL, 0, 2},  {1, NULL, 0, 2},  {2, NULL, 1, 2}, {3, NULL, 2, 2},
        {4, NULL, 2, 2},  {2, "-DR", 1, 1}, /* no switch up to the third layer here */
        {1, "SRR", 0, 0},
    };
    struct bit_writer key = {0};
    struct dependency_structure s;
    assert_int_equal(dependency_structure_parse(key_frame_of_three_layers(&key), &s), STATUS_OK);
    assert_int_equal(s.template_count, 5);
    assert_int_equal(s.target_count, 3);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bit_writer w = {0};
        const struct codec_mark mark = {0};
        put_head(&w, (ID_OFFSET + cases[i].template) % 64, 8);
        if (cases[i].own != NULL) {
            put(&w, 5, 0x0c); /* active targets, own indications */
            put(&w, 3, 7);
            for (const char *c = cases[i].own; *c != '\0'; c++)
                put(&w, 2, indication_of(*c));
        }
        struct layer_mark got = layer_mark_of(MEDIA_CODEC_AV1, &mark, written(&w), &s);
        assert_true(got.has_layers);
        assert_int_equal(got.temporal_layer, cases[i].temporal);
        assert_int_equal(got.opens, cases[i].opens);
        assert_false(got.key_frame);
    }
    (void)state;
}

static void a_descriptor_that_means_nothing_leaves_a_stream_without_layers(void **state)
{
    struct bit_writer key = {0};
    struct dependency_structure s;
    const struct codec_mark mark = {0};
    assert_int_equal(dependency_structure_parse(key_frame_of_three_layers(&key), &s), STATUS_OK);
    struct bit_writer unknown = {0};
    put_head(&unknown, (ID_OFFSET + 5) % 64, 8);
    assert_false(layer_mark_of(MEDIA_CODEC_AV1, &mark, written(&unknown), &s).has_layers);
    assert_false(layer_mark_of(MEDIA_CODEC_AV1, &mark, written(&key), NULL).has_layers);
    assert_false(layer_mark_of(MEDIA_CODEC_AV1, &mark, BYTES_NONE, &s).has_layers);
    (void)state;
}

static void a_structure_that_is_cut_anywhere_is_refused(void **state)
{
    struct bit_writer key = {0};
    struct bytes whole = key_frame_of_three_layers(&key);
    struct dependency_structure s;
    for (size_t size = 0; size < whole.size - 2; size++) {
        struct bytes_mut copy = exact_copy(whole, size);
        assert_int_not_equal(dependency_structure_parse(bytes_const(copy), &s), STATUS_OK);
        free(copy.data);
    }
    /* Templates without an end. */
    struct bit_writer endless = {0};
    put_head(&endless, 0, 1);
    put(&endless, 16, 0x8000);
    for (int i = 0; i < 100; i++)
        put(&endless, 16, 0);
    assert_int_equal(dependency_structure_parse(written(&endless), &s), STATUS_MALFORMED);
    (void)state;
}

static void shortened_vp8_tells_by_the_dependency_descriptor_but_opens_nothing(void **state)
{
    struct bit_writer key = {0}, base = {0}, upper = {0};
    struct dependency_structure s;
    const struct codec_mark mark = {0}, key_mark = {.key_frame = true};
    assert_int_equal(dependency_structure_parse(key_frame_of_three_layers(&key), &s), STATUS_OK);
    put_head(&base, ID_OFFSET + 1, 8);
    put_head(&upper, (ID_OFFSET + 2) % 64, 9);
    struct layer_mark got = layer_mark_of(MEDIA_CODEC_VP8, &mark, written(&base), &s);
    assert_true(got.has_layers && got.temporal_layer == 0 && got.opens == 0 && !got.enters);
    got = layer_mark_of(MEDIA_CODEC_VP8, &mark, written(&upper), &s);
    assert_true(got.has_layers && got.temporal_layer == 1 && got.opens == 1 && !got.enters);
    got = layer_mark_of(MEDIA_CODEC_VP8, &key_mark, written(&key), &s);
    assert_int_equal(got.opens, LAYER_TEMPORAL_MAX - 1);
    (void)state;
}

static void vp8_and_vp9_tell_by_their_own_descriptors(void **state)
{
    const struct codec_mark base = {.has_layers = true};
    const struct codec_mark sync = {.has_layers = true, .layer_sync = true, .temporal_layer = 1};
    const struct codec_mark plain = {.key_frame = false};
    const struct codec_mark key = {.key_frame = true};
    struct layer_mark got = layer_mark_of(MEDIA_CODEC_VP8, &base, BYTES_NONE, NULL);
    assert_true(got.has_layers && !got.enters && got.opens == 0);
    got = layer_mark_of(MEDIA_CODEC_VP8, &sync, BYTES_NONE, NULL);
    assert_true(got.enters && got.temporal_layer == 1 && got.opens == 1);
    got = layer_mark_of(MEDIA_CODEC_VP9, &sync, BYTES_NONE, NULL);
    assert_true(!got.enters && got.temporal_layer == 1 && got.opens == LAYER_TEMPORAL_MAX - 1);
    got = layer_mark_of(MEDIA_CODEC_VP9, &plain, BYTES_NONE, NULL);
    assert_true(!got.has_layers && got.opens == 0);
    got = layer_mark_of(MEDIA_CODEC_H264, &key, BYTES_NONE, NULL);
    assert_true(got.key_frame && !got.has_layers && got.opens == LAYER_TEMPORAL_MAX - 1);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dependency_descriptor_tells_layers_and_where_to_switch_up),
        cmocka_unit_test(a_descriptor_that_means_nothing_leaves_a_stream_without_layers),
        cmocka_unit_test(a_structure_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(shortened_vp8_tells_by_the_dependency_descriptor_but_opens_nothing),
        cmocka_unit_test(vp8_and_vp9_tell_by_their_own_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
