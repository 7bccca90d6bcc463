#include "client-demo/headless/ivf_file.h"
#include "client-demo/headless/media_source.h"
#include "client-demo/headless/wav_file.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A file of the test's own; the same one for every test. */
#define PATH_BYTES 64
static char path[PATH_BYTES];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "media_files_test.%p.tmp", (void *)path);
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    remove(path);
    return 0;
}

static void write_file(struct bytes content)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
    assert_int_equal(fclose(file), 0);
}

/* Both containers are little-endian. */
static void put(struct writer *w, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        write_u8(w, (uint8_t)(value >> (8 * i)));
}

static void put_text(struct writer *w, const char *text)
{
    write_bytes(w, bytes_of_string(text));
}

/* --- WAV */

struct wav_case {
    const char *why;
    uint16_t format, channels, bits;
    uint32_t rate;
    size_t frames;
    enum status status;
    size_t count; /* of 48 kHz samples */
};

static uint8_t room[400000];

/* Each sample is its frame's number, the second channel 100 more. */
static struct bytes make_wav(const struct wav_case *c)
{
    struct writer w = writer_of((struct bytes_mut){room, sizeof(room)});
    size_t bytes = c->frames * c->channels * 2;
    put_text(&w, "RIFF");
    put(&w, 36 + bytes, 4);
    put_text(&w, "WAVE");
    put_text(&w, "LIST");
    put(&w, 3, 4); /* odd: padded */
    put_text(&w, "abc");
    put(&w, 0, 1);
    put_text(&w, "fmt ");
    put(&w, 16, 4);
    put(&w, c->format, 2);
    put(&w, c->channels, 2);
    put(&w, c->rate, 4);
    put(&w, c->rate * c->channels * 2u, 4);
    put(&w, c->channels * 2u, 2);
    put(&w, c->bits, 2);
    put_text(&w, "data");
    put(&w, bytes, 4);
    for (size_t frame = 0; frame < c->frames; frame++)
        for (size_t channel = 0; channel < c->channels; channel++)
            put(&w, frame + 100 * channel, 2);
    assert_false(w.failed);
    return bytes_const(writer_written(&w));
}

static void wav_files_become_48_khz_mono_or_say_why_not(void **state)
{
    (void)state;
    static const struct wav_case cases[] = {
        {"48 kHz mono", 1, 1, 16, 48000, 480, STATUS_OK, 480},
        {"48 kHz stereo", 1, 2, 16, 48000, 480, STATUS_OK, 480},
        {"16 kHz mono", 1, 1, 16, 16000, 160, STATUS_OK, 480},
        {"44.1 kHz stereo", 1, 2, 16, 44100, 441, STATUS_OK, 480},
        {"8 kHz", 1, 1, 16, 8000, 80, STATUS_OK, 480},
        {"96 kHz, eight channels", 1, 8, 16, 96000, 960, STATUS_OK, 480},
        {"extensible format", 0xfffe, 1, 16, 48000, 480, STATUS_OK, 480},
        {"no samples", 1, 1, 16, 48000, 0, STATUS_MALFORMED, 0},
        {"floating point", 3, 1, 16, 48000, 10, STATUS_UNSUPPORTED, 0},
        {"24 bits", 1, 1, 24, 48000, 10, STATUS_UNSUPPORTED, 0},
        {"no channels", 1, 0, 16, 48000, 10, STATUS_UNSUPPORTED, 0},
        {"nine channels", 1, 9, 16, 48000, 10, STATUS_UNSUPPORTED, 0},
        {"rate zero", 1, 1, 16, 0, 10, STATUS_UNSUPPORTED, 0},
        {"4 kHz", 1, 1, 16, 4000, 10, STATUS_UNSUPPORTED, 0},
        {"a rate beyond reason", 1, 1, 16, 192001, 10, STATUS_UNSUPPORTED, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wav_file wav = {0};
        write_file(make_wav(&cases[i]));
        enum status status = wav_file_load(path, &wav);
        if (status != cases[i].status || wav.count != cases[i].count)
            fail_msg("%s: %s, %zu samples", cases[i].why, status_name(status), wav.count);
        wav_file_destroy(&wav);
    }
}

static void samples_are_mixed_and_interpolated(void **state)
{
    (void)state;
    struct wav_file wav;
    write_file(make_wav(
        &(struct wav_case){.format = 1, .channels = 2, .bits = 16, .rate = 48000, .frames = 10}));
    assert_int_equal(wav_file_load(path, &wav), STATUS_OK);
    assert_int_equal(wav.samples[0], 50); /* between 0 and 100 */
    assert_int_equal(wav.samples[9], 59);
    wav_file_destroy(&wav);
    write_file(make_wav(
        &(struct wav_case){.format = 1, .channels = 1, .bits = 16, .rate = 8000, .frames = 100}));
    assert_int_equal(wav_file_load(path, &wav), STATUS_OK);
    for (size_t i = 0; i < 594; i++)
        assert_int_equal(wav.samples[i], i / 6);
    wav_file_destroy(&wav);
}

static void a_wav_file_cut_anywhere_is_refused_or_shorter(void **state)
{
    (void)state;
    struct bytes whole = make_wav(
        &(struct wav_case){.format = 1, .channels = 1, .bits = 16, .rate = 48000, .frames = 8});
    for (size_t size = 0; size < whole.size; size++) {
        struct wav_file wav = {0};
        write_file(bytes_of(whole.data, size));
        enum status status = wav_file_load(path, &wav);
        size_t head = whole.size - 16;
        bool has_sample = size >= head + 2;
        assert_int_equal(status, has_sample ? STATUS_OK : STATUS_MALFORMED);
        assert_int_equal(wav.count, has_sample ? (size - head) / 2 : 0);
        wav_file_destroy(&wav);
    }
}

static void a_file_that_is_not_there_is_the_systems_error(void **state)
{
    (void)state;
    struct wav_file wav;
    struct ivf_file ivf;
    assert_int_equal(wav_file_load("no/such/file.wav", &wav), STATUS_SYSTEM);
    assert_int_equal(ivf_file_load("no/such/file.ivf", &ivf), STATUS_SYSTEM);
}

/* --- IVF */

struct ivf_case {
    const char *why, *signature, *fourcc;
    uint16_t header;
    uint32_t denominator, numerator;
    uint8_t first[6]; /* of each frame, zero: none left */
    size_t cut;       /* bytes taken off the end */
    enum status status;
    size_t count;
};

#define VP8_KEY 0x10
#define VP8_DELTA 0x11
#define VP9_KEY 0x82 /* marker 2, profile 0, shown */
#define VP9_DELTA 0x86
#define FRAME_BYTES 3000

static struct bytes make_ivf(const struct ivf_case *c)
{
    struct writer w = writer_of((struct bytes_mut){room, sizeof(room)});
    put_text(&w, c->signature);
    put(&w, 0, 2);
    put(&w, c->header, 2);
    put_text(&w, c->fourcc);
    put(&w, 320, 2);
    put(&w, 240, 2);
    put(&w, c->denominator, 4);
    put(&w, c->numerator, 4);
    put(&w, 0, 8);
    for (size_t i = 0; i < sizeof(c->first) && c->first[i] != 0; i++) {
        put(&w, FRAME_BYTES, 4);
        put(&w, i, 8);
        put(&w, c->first[i], 1);
        for (size_t k = 1; k < FRAME_BYTES; k++)
            put(&w, k + i, 1);
    }
    assert_false(w.failed);
    struct bytes_mut written = writer_written(&w);
    return bytes_of(written.data, written.size - c->cut);
}

static void ivf_files_give_their_frames_or_say_why_not(void **state)
{
    (void)state;
    static const struct ivf_case cases[] = {
        {"VP8", "DKIF", "VP80", 32, 30, 1, {VP8_KEY, VP8_DELTA, VP8_DELTA}, 0, STATUS_OK, 3},
        {"VP9", "DKIF", "VP90", 32, 15, 1, {VP9_KEY, VP9_DELTA}, 0, STATUS_OK, 2},
        {"last frame cut", "DKIF", "VP80", 32, 30, 1, {VP8_KEY, VP8_DELTA}, 1, STATUS_OK, 1},
        {"only frame cut", "DKIF", "VP80", 32, 30, 1, {VP8_KEY}, 1, STATUS_MALFORMED, 0},
        {"no frames", "DKIF", "VP80", 32, 30, 1, {0}, 0, STATUS_MALFORMED, 0},
        {"head cut", "DKIF", "VP80", 32, 30, 1, {0}, 1, STATUS_MALFORMED, 0},
        {"begins with no key frame",
         "DKIF",
         "VP80",
         32,
         30,
         1,
         {VP8_DELTA, VP8_KEY},
         0,
         STATUS_UNSUPPORTED,
         0},
        {"AV1", "DKIF", "AV01", 32, 30, 1, {VP8_KEY}, 0, STATUS_UNSUPPORTED, 0},
        {"another container", "RIFF", "VP80", 32, 30, 1, {VP8_KEY}, 0, STATUS_MALFORMED, 0},
        {"another head", "DKIF", "VP80", 64, 30, 1, {VP8_KEY}, 0, STATUS_MALFORMED, 0},
        {"no time base", "DKIF", "VP80", 32, 0, 1, {VP8_KEY}, 0, STATUS_MALFORMED, 0},
        {"time base zero", "DKIF", "VP80", 32, 30, 0, {VP8_KEY}, 0, STATUS_MALFORMED, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ivf_file ivf = {0};
        write_file(make_ivf(&cases[i]));
        enum status status = ivf_file_load(path, &ivf);
        if (status != cases[i].status || ivf.count != cases[i].count)
            fail_msg("%s: %s, %zu frames", cases[i].why, status_name(status), ivf.count);
        ivf_file_destroy(&ivf);
    }
}

static void load_frames(struct ivf_file *ivf, const uint8_t first[6])
{
    struct ivf_case c = {
        .signature = "DKIF", .fourcc = "VP80", .header = 32, .denominator = 10, .numerator = 1};
    memcpy(c.first, first, sizeof(c.first));
    write_file(make_ivf(&c));
    assert_int_equal(ivf_file_load(path, ivf), STATUS_OK);
}

static void the_next_key_frame_is_found_round_the_end(void **state)
{
    (void)state;
    struct ivf_file ivf;
    load_frames(&ivf, (const uint8_t[6]){VP8_KEY, VP8_DELTA, VP8_KEY, VP8_DELTA, VP8_DELTA});
    static const size_t expected[] = {0, 2, 2, 0, 0};
    for (size_t from = 0; from < COUNT_OF(expected); from++)
        assert_int_equal(ivf_file_next_key_frame(&ivf, from), expected[from]);
    ivf_file_destroy(&ivf);
}

/* What a VP8 source sends for its next frame: payloads put together without their descriptors. */
static size_t take_frame(struct video_source *source, uint8_t *out, size_t capacity)
{
    uint8_t packet[VIDEO_SOURCE_PAYLOAD_BYTES];
    size_t size, used = 0;
    bool last = false, first = true;
    video_source_begin_frame(source);
    while (!last) {
        assert_true(
            video_source_next(source, (struct bytes_mut){packet, sizeof(packet)}, &size, &last));
        assert_int_equal(packet[0], first ? 0x90 : 0x80); /* X, and S on the first */
        assert_int_equal(packet[1], 0x80);                /* I */
        assert_int_equal(packet[2] & 0x80, 0x80);         /* 15 bits of it */
        assert_true(used + size - 4 <= capacity);
        memcpy(out + used, packet + 4, size - 4);
        used += size - 4;
        first = false;
    }
    assert_false(
        video_source_next(source, (struct bytes_mut){packet, sizeof(packet)}, &size, &last));
    return used;
}

static void a_file_is_sent_frame_by_frame_and_from_a_key_frame_when_asked(void **state)
{
    (void)state;
    static uint8_t frame[FRAME_BYTES + 1];
    static const size_t expected[] = {0, 1, 2, 3, 0, 2, 3, 0, 1};
    struct ivf_file ivf;
    struct video_source source;
    load_frames(&ivf, (const uint8_t[6]){VP8_KEY, VP8_DELTA, VP8_KEY, VP8_DELTA});
    video_source_init(&source, &ivf);
    assert_int_equal(source.frame_us, 100000);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        if (i == 5)
            video_source_request_key_frame(&source);
        uint32_t before = source.timestamp;
        assert_int_equal(take_frame(&source, frame, sizeof(frame)), FRAME_BYTES);
        assert_memory_equal(frame, ivf.frames[expected[i]].data.data, FRAME_BYTES);
        assert_int_equal(source.timestamp - before, 9000);
    }
    video_source_destroy(&source);
    ivf_file_destroy(&ivf);
}

static void made_up_video_has_the_asked_rate_or_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t bitrate_bps, fps;
        enum status status;
    } cases[] = {
        {1000000, 15, STATUS_OK}, {200000, 5, STATUS_OK},        {1000000, 0, STATUS_CONFIG},
        {0, 15, STATUS_CONFIG},   {1000000, 121, STATUS_CONFIG}, {UINT32_MAX, 1, STATUS_CONFIG},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct video_source source = {0};
        assert_int_equal(video_source_init_made_up(
                             &source, &(struct made_up_screen){.bitrate_bps = cases[i].bitrate_bps,
                                                               .fps = cases[i].fps}),
                         cases[i].status);
        if (cases[i].status != STATUS_OK)
            continue;
        size_t delta = cases[i].bitrate_bps / 8 / cases[i].fps;
        static uint8_t frame[200000];
        assert_true(take_frame(&source, frame, sizeof(frame)) > delta); /* a key frame first */
        assert_int_equal(frame[0] & 1, 0);
        assert_int_equal(take_frame(&source, frame, sizeof(frame)), delta);
        assert_int_equal(frame[0] & 1, 1);
        video_source_destroy(&source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wav_files_become_48_khz_mono_or_say_why_not),
        cmocka_unit_test(samples_are_mixed_and_interpolated),
        cmocka_unit_test(a_wav_file_cut_anywhere_is_refused_or_shorter),
        cmocka_unit_test(a_file_that_is_not_there_is_the_systems_error),
        cmocka_unit_test(ivf_files_give_their_frames_or_say_why_not),
        cmocka_unit_test(the_next_key_frame_is_found_round_the_end),
        cmocka_unit_test(a_file_is_sent_frame_by_frame_and_from_a_key_frame_when_asked),
        cmocka_unit_test(made_up_video_has_the_asked_rate_or_is_refused),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
