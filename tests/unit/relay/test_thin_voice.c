#include "relay/core/thin_voice.h"

#include "support/allocations.c"

#include <opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define FRAME 960 /* 20 ms at 48 kHz */
#define HEARD_MAX (30 * VOICE_CODER_HZ)
#define HEADERS (20 + 8 + 12 + 16 + 16) /* IPv4, UDP, RTP, extensions, SRTP tag */

/* A speaker, and what a listener hears of it thin. */
struct talk {
    struct thin_voice *thin;
    OpusEncoder *encoder;
    OpusDecoder *whole, *ears; /* of what was said, and of what comes out, at 16 kHz */
    uint64_t seq;
    uint32_t timestamp, began_at;
    size_t said_samples;
    int phase;
    uint8_t packet[400];
    struct bytes payload;

    size_t packets, bytes;
    uint64_t last_seq;
    uint32_t end; /* time stamp behind the last packet */
    size_t breaks;
    int16_t *said, *heard;
    size_t heard_count;
};

static int set_up(void **state)
{
    struct talk *t = calloc(1, sizeof *t);
    int error;
    assert_non_null(t);
    assert_int_equal(thin_voice_create(&t->thin), STATUS_OK);
    thin_voice_restart(t->thin, 7);
    t->encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error);
    t->whole = opus_decoder_create(VOICE_CODER_HZ, 1, &error);
    t->ears = opus_decoder_create(VOICE_CODER_HZ, 1, &error);
    opus_encoder_ctl(t->encoder, OPUS_SET_BITRATE(32000));
    opus_encoder_ctl(t->encoder, OPUS_SET_INBAND_FEC(1));
    opus_encoder_ctl(t->encoder, OPUS_SET_PACKET_LOSS_PERC(10));
    t->said = calloc(HEARD_MAX, sizeof *t->said);
    t->heard = calloc(HEARD_MAX, sizeof *t->heard);
    t->seq = 0x10000;
    t->timestamp = t->began_at = 0xffffff00; /* wraps soon */
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct talk *t = *state;
    thin_voice_free(t->thin);
    opus_encoder_destroy(t->encoder);
    opus_decoder_destroy(t->whole);
    opus_decoder_destroy(t->ears);
    free(t->said);
    free(t->heard);
    free(t);
    return 0;
}

/* Something like speech: a buzz of changing pitch, four syllables a second. */
static void say(struct talk *t)
{
    int16_t sound[FRAME];
    for (int i = 0; i < FRAME; i++) {
        size_t at = t->said_samples + (size_t)i;
        int loud = abs((int)(at % 12000) - 6000);           /* 0 .. 6000 */
        int pitch = 300 + abs((int)(at / 480 % 200) - 100); /* period: 120 to 160 Hz */
        t->phase = t->phase + 1 < pitch ? t->phase + 1 : 0;
        sound[i] = (int16_t)(loud * (2 * t->phase - pitch) / pitch);
    }
    t->said_samples += FRAME;
    int size = opus_encode(t->encoder, sound, FRAME, t->packet, sizeof t->packet);
    assert_true(size > 0);
    t->payload = bytes_of(t->packet, (size_t)size);
    int made = opus_decode(t->whole, t->packet, size,
                           t->said + (t->timestamp - t->began_at) / 3 % HEARD_MAX, 960, 0);
    assert_int_equal(made, 320);
}

static void hear(struct talk *t)
{
    for (size_t i = 0; i < t->thin->out_count; i++) {
        const struct thin_packet *p = &t->thin->out[i];
        t->breaks += t->packets > 0 && (p->timestamp != t->end || p->seq != t->last_seq + 1);
        t->packets++;
        t->bytes += p->payload.size;
        t->last_seq = p->seq;
        t->end = p->timestamp + p->ticks;
        size_t at = (p->timestamp - t->began_at) / 3;
        if (at + VOICE_CODER_READ_MAX > HEARD_MAX)
            continue;
        int made = opus_decode(t->ears, p->payload.data, (opus_int32)p->payload.size, t->heard + at,
                               VOICE_CODER_READ_MAX, 0);
        assert_true(made < 0 || (uint32_t)made * 3 == p->ticks);
        t->heard_count = at + (size_t)(made > 0 ? made : 0);
    }
}

static enum status give(struct talk *t, struct bytes payload)
{
    enum status status = thin_voice_add(t->thin, t->seq, t->timestamp, payload);
    hear(t);
    return status;
}

static void step(struct talk *t)
{
    t->seq++;
    t->timestamp += FRAME;
}

static void talk_for(struct talk *t, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        say(t);
        assert_int_equal(give(t, t->payload), STATUS_OK);
        step(t);
    }
}

/* How alike two sounds are, at the shift at which they are most so: 1 is the same (the square of
 * their correlation). */
static double likeness(const int16_t *a, const int16_t *b, size_t count)
{
    double best = 0;
    for (size_t shift = 0; shift < 400; shift++) {
        double ab = 0, aa = 1, bb = 1;
        for (size_t i = 0; i + shift < count; i++) {
            ab += (double)a[i] * b[i + shift];
            aa += (double)a[i] * a[i];
            bb += (double)b[i + shift] * b[i + shift];
        }
        double alike = ab > 0 ? ab * ab / (aa * bb) : 0;
        best = alike > best ? alike : best;
    }
    return best;
}

static void a_thin_voice_takes_what_it_is_said_to_and_leaves_no_gap(void **state)
{
    struct talk *t = *state;
    talk_for(t, 500); /* ten seconds */
    assert_int_equal(t->breaks, 0);
    assert_in_range(t->packets, 500 / 3, 500 / 3 + 2);
    size_t bps = (t->bytes + t->packets * HEADERS) * 8 / 10;
    print_message("%zu bit/s on the line, %zu of sound\n", bps, t->bytes * 8 / 10);
    assert_in_range(bps, 15000, THIN_VOICE_LINE_BPS);
}

static void it_sounds_like_the_voice_that_it_is_made_of(void **state)
{
    struct talk *t = *state;
    talk_for(t, 200);
    double alike = likeness(t->said + 8000, t->heard + 8000, 40000);
    print_message("likeness %.3f\n", alike);
    assert_true(alike > 0.7);
}

static void who_begins_to_listen_waits_for_short_packets_first(void **state)
{
    struct talk *t = *state;
    talk_for(t, 1);
    assert_int_equal(t->packets, 1);
    talk_for(t, 2);
    assert_int_equal(t->packets, 2);
    talk_for(t, 3);
    assert_int_equal(t->packets, 3);
    assert_true(thin_voice_is_between(t->thin));
    talk_for(t, 1);
    assert_false(thin_voice_is_between(t->thin));
    talk_for(t, 2);
    thin_voice_note_listener(t->thin);
    talk_for(t, 1);
    assert_int_equal(t->packets, 5);
    assert_int_equal(t->breaks, 0);
}

static void lost_packets_are_made_up_and_time_goes_on(void **state)
{
    struct talk *t = *state;
    for (int i = 0; i < 100; i++) {
        talk_for(t, 7);
        for (int lost = 0; lost < 1 + i % 6; lost++) {
            say(t);
            step(t);
        }
    }
    talk_for(t, 6);
    thin_voice_flush(t->thin);
    hear(t);
    assert_int_equal(t->breaks, 0);
    assert_in_range(t->timestamp - t->end + 3 * FRAME, FRAME, 3 * FRAME);
}

static void what_comes_late_is_left_out(void **state)
{
    struct talk *t = *state;
    uint8_t late[400];
    talk_for(t, 5);
    say(t);
    memcpy(late, t->payload.data, t->payload.size);
    size_t size = t->payload.size;
    step(t);
    talk_for(t, 3);
    size_t packets = t->packets;
    assert_int_equal(
        thin_voice_add(t->thin, t->seq - 4, t->timestamp - 4 * FRAME, bytes_of(late, size)),
        STATUS_NOT_FOUND);
    assert_int_equal(t->thin->out_count, 0);
    assert_int_equal(t->packets, packets);
    talk_for(t, 9);
    assert_int_equal(t->breaks, 0);
}

static void a_pause_stays_one_and_its_last_word_is_whole(void **state)
{
    struct talk *t = *state;
    talk_for(t, 8); /* two frames wait */
    assert_false(thin_voice_is_between(t->thin));
    uint32_t said_until = t->timestamp;
    t->timestamp += 50 * FRAME;
    say(t);
    assert_int_equal(thin_voice_add(t->thin, t->seq, t->timestamp, t->payload), STATUS_OK);
    assert_int_equal(t->thin->out_count, 1);
    assert_int_equal(t->thin->out[0].timestamp + t->thin->out[0].ticks, said_until);
    step(t);
    talk_for(t, 2);
    assert_int_equal(t->end, t->timestamp);
}

static void what_is_no_opus_comes_out_as_it_is_and_in_its_place(void **state)
{
    static const uint8_t no_opus[] = {0x4b, 0x00}; /* code 3, of no frames */
    struct talk *t = *state;
    talk_for(t, 8);
    uint32_t at = t->timestamp;
    assert_int_equal(give(t, bytes_of(no_opus, sizeof no_opus)), STATUS_MALFORMED);
    const struct thin_packet *last = &t->thin->out[t->thin->out_count - 1];
    assert_int_equal(last->timestamp, at);
    assert_memory_equal(last->payload.data, no_opus, sizeof no_opus);
    assert_int_equal(t->thin->out_count, 2);
    step(t);
    talk_for(t, 12);
    assert_int_equal(t->breaks, 0);
    assert_int_equal(give(t, BYTES_NONE), STATUS_OK); /* padding */
    assert_int_equal(t->thin->out_count, 0);
}

static void another_source_goes_on_with_its_numbers(void **state)
{
    struct talk *t = *state;
    talk_for(t, 8);
    thin_voice_restart(t->thin, 8);
    t->seq = 5; /* lower than before */
    t->timestamp = t->end + 100 * FRAME;
    uint64_t last = t->last_seq;
    talk_for(t, 1);
    assert_int_equal(t->last_seq, last + 1);
    assert_int_equal(t->end, t->timestamp);
}

static void nothing_is_allocated_for_a_packet(void **state)
{
    struct talk *t = *state;
    if (!allocations_can_be_counted())
        skip();
    talk_for(t, 50);
    size_t before = allocations_get_count();
    for (int i = 0; i < 500; i++) {
        say(t);
        voice_coder_set_loss(t->thin->coder, i % 100 < 50 ? 10 : 0);
        allocations_set_counting(true);
        enum status status = thin_voice_add(t->thin, t->seq, t->timestamp, t->payload);
        allocations_set_counting(false);
        assert_int_equal(status, STATUS_OK);
        step(t);
    }
    assert_int_equal(allocations_get_count() - before, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thin_voice_takes_what_it_is_said_to_and_leaves_no_gap),
        TEST(it_sounds_like_the_voice_that_it_is_made_of),
        TEST(who_begins_to_listen_waits_for_short_packets_first),
        TEST(lost_packets_are_made_up_and_time_goes_on),
        TEST(what_comes_late_is_left_out),
        TEST(a_pause_stays_one_and_its_last_word_is_whole),
        TEST(what_is_no_opus_comes_out_as_it_is_and_in_its_place),
        TEST(another_source_goes_on_with_its_numbers),
        TEST(nothing_is_allocated_for_a_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
