#include "client-demo/headless/media_sink.h"

#include "client-demo/headless/media_source.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#define FRAME MILLISECONDS(20)

/* --- Loss, order, gaps */

static void loss_is_told_from_reordering_and_from_copies(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint16_t seqs[12];
        size_t count;
        uint64_t received, duplicates, recovered, missing;
    } cases[] = {
        {"in order", {10, 11, 12, 13}, 4, 4, 0, 0, 0},
        {"across the wrap", {65534, 65535, 0, 1}, 4, 4, 0, 0, 0},
        {"one missing", {10, 11, 13, 14}, 4, 4, 0, 0, 1},
        {"one late", {10, 12, 11, 13}, 4, 4, 0, 1, 0},
        {"one late across the wrap", {65534, 0, 65535, 1}, 4, 4, 0, 1, 0},
        {"a copy", {10, 11, 11, 12}, 4, 3, 1, 0, 0},
        {"a copy of one that was late", {10, 12, 11, 11, 12}, 5, 3, 2, 1, 0},
        {"older than the first", {10, 9, 11}, 3, 3, 0, 1, 0},
        {"one missing before the first", {10, 8, 11}, 3, 3, 0, 1, 1},
        {"a copy of one older than the first", {10, 9, 9, 11}, 4, 3, 1, 1, 0},
        {"too old to be of this stream", {1100, 9, 1101}, 3, 2, 1, 0, 0},
        {"a burst missing", {10, 110}, 2, 2, 0, 0, 99},
        {"further than the window", {10, 5010}, 2, 2, 0, 0, 4999},
        {"too late for the window", {10, 12, 2000, 11}, 4, 3, 1, 0, 1988},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static struct stream_sink s;
        s = (struct stream_sink){0};
        for (size_t k = 0; k < cases[i].count; k++)
            stream_sink_add(&s, SECONDS(1) + (usec_t)k * FRAME, cases[i].seqs[k], 100);
        if (s.received != cases[i].received || s.duplicates != cases[i].duplicates ||
            s.recovered != cases[i].recovered || stream_sink_get_missing(&s) != cases[i].missing)
            fail_msg("%s: received %llu, duplicates %llu, recovered %llu, missing %llu",
                     cases[i].why, (unsigned long long)s.received, (unsigned long long)s.duplicates,
                     (unsigned long long)s.recovered,
                     (unsigned long long)stream_sink_get_missing(&s));
        assert_int_equal(s.bytes, s.received * 100);
    }
}

static void what_left_the_window_unseen_is_lost_for_good(void **state)
{
    (void)state;
    static struct stream_sink s;
    s = (struct stream_sink){0};
    for (uint16_t seq = 0; seq < 5000; seq++)
        if (seq % 100 != 50)
            assert_true(stream_sink_add(&s, seq * FRAME, seq, 1));
    /* 50 are missing; the last ten of them may still come. */
    assert_int_equal(stream_sink_get_missing(&s), 50);
    assert_int_equal(s.lost_for_good, 40);
    assert_true(stream_sink_add(&s, 5000 * FRAME, 4950, 1));
    assert_int_equal(stream_sink_get_missing(&s), 49);
    assert_false(stream_sink_add(&s, 5000 * FRAME, 50, 1));
}

static void the_longest_gap_is_between_arrivals(void **state)
{
    (void)state;
    static struct stream_sink s;
    s = (struct stream_sink){0};
    const usec_t arrivals[] = {SECONDS(3), SECONDS(3) + 20000, SECONDS(3) + 90000, SECONDS(4)};
    for (size_t i = 0; i < COUNT_OF(arrivals); i++)
        stream_sink_add(&s, arrivals[i], (uint16_t)i, 1);
    assert_int_equal(s.longest_gap_us, 910000);
    assert_int_equal(s.first_at, SECONDS(3));
}

/* --- Voice */

static void fill_tone(struct wav_file *wav, int16_t *samples, size_t count, double hz)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = (int16_t)lround(8000 * sin(2 * 3.14159265358979 * hz * (double)i / 48000));
    *wav = (struct wav_file){.samples = samples, .count = count};
}

static void a_tone_goes_through_the_source_and_comes_out_at_its_pitch(void **state)
{
    (void)state;
    static int16_t samples[48000];
    struct wav_file wav;
    struct audio_source source;
    struct audio_sink sink;
    fill_tone(&wav, samples, COUNT_OF(samples), 440);
    assert_int_equal(audio_source_init(&source, &wav, 24000), STATUS_OK);
    assert_int_equal(audio_sink_init(&sink, true), STATUS_OK);
    for (uint16_t i = 0; i < 200; i++) {
        uint8_t packet[AUDIO_SOURCE_PACKET_BYTES], level;
        size_t size;
        assert_int_equal(
            audio_source_next(&source, (struct bytes_mut){packet, sizeof(packet)}, &size, &level),
            STATUS_OK);
        assert_in_range(level, 10, 25); /* 8000 of 32768 and sqrt(2): 15 dB below full scale */
        if (i % 50 != 49)               /* what is missing is made up for */
            audio_sink_add(&sink, SECONDS(1) + i * FRAME, i, bytes_of(packet, size));
    }
    assert_int_equal(sink.decoded, 196);
    assert_int_equal(sink.concealed, 3); /* the last one has no successor that shows it */
    assert_int_equal(sink.undecodable, 0);
    assert_in_range(sink.loud, 194, 196);
    assert_in_range((uintmax_t)audio_sink_get_pitch(&sink), 435, 445);
    audio_sink_destroy(&sink);
    audio_source_destroy(&source);
}

static void silence_is_decoded_and_not_loud(void **state)
{
    (void)state;
    static int16_t samples[9600];
    struct wav_file wav = {.samples = samples, .count = COUNT_OF(samples)};
    struct audio_source source;
    struct audio_sink sink;
    assert_int_equal(audio_source_init(&source, &wav, 16000), STATUS_OK);
    assert_int_equal(audio_sink_init(&sink, true), STATUS_OK);
    for (uint16_t i = 0; i < 10; i++) {
        uint8_t packet[AUDIO_SOURCE_PACKET_BYTES], level;
        size_t size;
        assert_int_equal(
            audio_source_next(&source, (struct bytes_mut){packet, sizeof(packet)}, &size, &level),
            STATUS_OK);
        assert_int_equal(level, 127);
        audio_sink_add(&sink, i * FRAME, i, bytes_of(packet, size));
    }
    assert_int_equal(sink.loud, 0);
    assert_true(sink.decoded == 10);
    assert_true(audio_sink_get_pitch(&sink) == 0);
    audio_sink_destroy(&sink);
    audio_source_destroy(&source);
}

static void what_is_no_opus_is_counted(void **state)
{
    (void)state;
    struct audio_sink sink;
    static const uint8_t bad[] = {0x0b, 0xff, 0xff, 0x01};
    assert_int_equal(audio_sink_init(&sink, true), STATUS_OK);
    audio_sink_add(&sink, 1, 1, bytes_of(bad, sizeof(bad)));
    audio_sink_add(&sink, 2, 2, BYTES_NONE);
    assert_int_equal(sink.stream.received, 2);
    assert_int_equal(sink.loud, 0);
    audio_sink_destroy(&sink);
}

/* --- Pictures */

/* The packets of `frames` made-up pictures, in order. */
struct clip {
    struct clip_packet {
        uint8_t payload[VIDEO_SOURCE_PAYLOAD_BYTES];
        size_t size;
        bool last, key;
        size_t frame;
    } packets[400];
    size_t count;
};

static void make_clip(struct clip *clip, size_t frames, size_t key_every)
{
    struct video_source source;
    struct made_up_screen shape = {.bitrate_bps = 480000, .fps = 15};
    assert_int_equal(video_source_init_made_up(&source, &shape), STATUS_OK);
    clip->count = 0;
    for (size_t frame = 0; frame < frames; frame++) {
        if (frame % key_every == 0)
            video_source_request_key_frame(&source);
        video_source_begin_frame(&source);
        for (bool last = false; !last;) {
            struct clip_packet *p = &clip->packets[clip->count++];
            assert_true(clip->count <= COUNT_OF(clip->packets));
            assert_true(video_source_next(
                &source, (struct bytes_mut){p->payload, sizeof(p->payload)}, &p->size, &last));
            p->last = last;
            p->frame = frame;
            p->key = frame % key_every == 0;
        }
    }
    video_source_destroy(&source);
}

static void show(struct video_sink *sink, const struct clip *clip, size_t i)
{
    const struct clip_packet *p = &clip->packets[i];
    video_sink_add(sink, SECONDS(1) + (usec_t)p->frame * 66667, (uint16_t)(65500 + i), p->last,
                   MEDIA_CODEC_VP8, bytes_of(p->payload, p->size));
}

static void every_frame_of_an_unbroken_stream_is_complete(void **state)
{
    (void)state;
    static struct clip clip;
    static struct video_sink sink;
    make_clip(&clip, 60, 30);
    assert_true(clip.count > 60);
    video_sink_init(&sink);
    for (size_t i = 0; i < clip.count; i++)
        show(&sink, &clip, i);
    assert_int_equal(sink.frames, 60);
    assert_int_equal(sink.key_frames, 2);
    assert_int_equal(sink.freezes, 0);
    assert_false(video_sink_wants_key_frame(&sink));
}

static void who_comes_between_key_frames_waits_for_the_next_and_asks_for_it(void **state)
{
    (void)state;
    static struct clip clip;
    static struct video_sink sink;
    make_clip(&clip, 60, 30);
    video_sink_init(&sink);
    size_t i = 0;
    while (clip.packets[i].frame == 0)
        i++;
    for (; clip.packets[i].frame < 30; i++) {
        show(&sink, &clip, i);
        assert_int_equal(sink.frames, 0);
        assert_true(video_sink_wants_key_frame(&sink));
    }
    for (; i < clip.count; i++)
        show(&sink, &clip, i);
    assert_int_equal(sink.frames, 30);
    assert_int_equal(sink.key_frames, 1);
    assert_false(video_sink_wants_key_frame(&sink));
}

static void a_late_packet_completes_what_waited_behind_it(void **state)
{
    (void)state;
    static struct clip clip;
    static struct video_sink sink;
    make_clip(&clip, 10, 100);
    video_sink_init(&sink);
    size_t missing = 0;
    while (clip.packets[missing].frame < 4)
        missing++;
    for (size_t i = 0; i < clip.count; i++)
        if (i != missing)
            show(&sink, &clip, i);
    assert_int_equal(sink.frames, 4);
    show(&sink, &clip, missing);
    assert_int_equal(sink.frames, 10);
}

/* What the last connection left behind must not complete a frame of this one. */
static void nothing_is_left_of_a_stream_after_a_restart(void **state)
{
    (void)state;
    static struct clip clip;
    static struct video_sink sink;
    make_clip(&clip, 20, 100);
    video_sink_init(&sink);
    for (size_t i = 0; i < clip.count; i++)
        if (clip.packets[i].frame != 10)
            show(&sink, &clip, i);
    assert_int_equal(sink.frames, 10);
    video_sink_restart(&sink);
    for (size_t i = 0; clip.packets[i].frame < 11; i++)
        show(&sink, &clip, i);
    assert_int_equal(sink.frames, 10 + 11);
}

static void more_than_a_second_without_a_frame_is_a_freeze(void **state)
{
    (void)state;
    static struct clip clip;
    static struct video_sink sink;
    make_clip(&clip, 3, 100);
    video_sink_init(&sink);
    for (size_t i = 0; i < clip.count; i++) {
        const struct clip_packet *p = &clip.packets[i];
        const usec_t at[] = {SECONDS(1), SECONDS(2), SECONDS(2) + SECONDS(1) + 1};
        video_sink_add(&sink, at[p->frame], (uint16_t)i, p->last, MEDIA_CODEC_VP8,
                       bytes_of(p->payload, p->size));
    }
    assert_int_equal(sink.freezes, 1);
    assert_int_equal(sink.longest_freeze_us, SECONDS(1) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_told_from_reordering_and_from_copies),
        cmocka_unit_test(what_left_the_window_unseen_is_lost_for_good),
        cmocka_unit_test(the_longest_gap_is_between_arrivals),
        cmocka_unit_test(a_tone_goes_through_the_source_and_comes_out_at_its_pitch),
        cmocka_unit_test(silence_is_decoded_and_not_loud),
        cmocka_unit_test(what_is_no_opus_is_counted),
        cmocka_unit_test(every_frame_of_an_unbroken_stream_is_complete),
        cmocka_unit_test(who_comes_between_key_frames_waits_for_the_next_and_asks_for_it),
        cmocka_unit_test(a_late_packet_completes_what_waited_behind_it),
        cmocka_unit_test(nothing_is_left_of_a_stream_after_a_restart),
        cmocka_unit_test(more_than_a_second_without_a_frame_is_a_freeze),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
