#include "relay/core/subscription.h"

#include "base/seq.h"
#include "relay/core/downlink.h"
#include "relay/core/participant.h"
#include "wire/rtp_extension.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SENT_MAX 0x60000

static const uint8_t no_ids[HEADER_EXTENSION_COUNT];
static uint8_t payload[1200];

static struct receive_slot_parameters make_params(enum room_slot slot)
{
    struct receive_slot_parameters params = {.slot = slot, .mid = "7", .ssrc = 70, .rtx_ssrc = 71};
    params.codecs[0] = (struct codec_parameters){
        .codec = MEDIA_CODEC_OPUS, .payload_type = 111, .clock_rate = 48000};
    params.codecs[1] = (struct codec_parameters){
        .codec = MEDIA_CODEC_VP8, .payload_type = 96, .rtx_payload_type = 97, .clock_rate = 90000};
    params.codec_count = 2;
    return params;
}

static struct subscription make_subscription(enum room_slot slot, uint64_t seed)
{
    struct subscription s;
    struct rng rng = rng_of_seed(seed);
    struct receive_slot_parameters params = make_params(slot);
    subscription_init(&s, NULL, &params, no_ids, &rng);
    return s;
}

static struct media_packet make_packet(enum media_codec codec, uint64_t serial, uint64_t seq,
                                       uint32_t timestamp, bool key_frame)
{
    return (struct media_packet){
        .participant = 5,
        .source_serial = serial,
        .codec = codec,
        .profile_hash = codec_profile_hash(""),
        .clock_rate = media_codec_kind(codec) == MEDIA_KIND_AUDIO ? 48000 : 90000,
        .seq = seq,
        .key_frame = key_frame,
        .extension_ids = no_ids,
        .header = {.timestamp = timestamp, .payload = {payload, sizeof payload}}};
}

/* What an accountant without any arithmetic of offsets would say. */
struct model {
    bool any, in_epoch;
    uint64_t serial, first_in, first_out, highest_out;
    uint32_t first_in_ts, first_out_ts, highest_ts;
    usec_t highest_at;
};

static void check_against(struct model *m, usec_t now, const struct media_packet *p, uint64_t seq,
                          uint32_t timestamp)
{
    if (!m->in_epoch || m->serial != p->source_serial) {
        uint32_t step = p->clock_rate / 50;
        uint32_t wall = (uint32_t)((uint64_t)(now - m->highest_at) * p->clock_rate / 1000000u);
        if (m->any) {
            assert_int_equal(seq, m->highest_out + 1); /* no gap of our making */
            assert_int_equal(timestamp, m->highest_ts + (wall > step ? wall : step));
        }
        m->serial = p->source_serial;
        m->first_in = p->seq;
        m->first_out = seq;
        m->first_in_ts = p->header.timestamp;
        m->first_out_ts = timestamp;
        m->in_epoch = true;
    }
    assert_int_equal(seq - m->first_out, p->seq - m->first_in); /* the way in's gaps are kept */
    assert_int_equal((uint32_t)(timestamp - m->first_out_ts),
                     (uint32_t)(p->header.timestamp - m->first_in_ts));
    if (!m->any || seq > m->highest_out) {
        m->highest_out = seq;
        m->highest_ts = timestamp;
        m->highest_at = now;
    }
    m->any = true;
}

struct source {
    uint64_t serial;
    uint16_t seq;
    uint32_t timestamp;
    struct seq_unwrapper unwrapper;
};

static void begin_source(struct source *source, uint64_t serial, struct rng *rng)
{
    *source =
        (struct source){.serial = serial, .seq = (uint16_t)rng_u32(rng), .timestamp = rng_u32(rng)};
}

static void run_model(uint64_t seed)
{
    struct rng rng = rng_of_seed(seed);
    struct subscription s = make_subscription(ROOM_SLOT_VOICE_0, seed);
    struct model model = {0};
    struct source source;
    uint64_t serial = 1;
    usec_t now = SECONDS(5);
    size_t epochs = 0;
    begin_source(&source, serial, &rng);
    for (int i = 0; i < 150000; i++) {
        uint64_t dice = rng_below(&rng, 10000);
        now += 20000 + (usec_t)rng_below(&rng, 3000);
        if (dice < 3) { /* another publication, or the same one afresh */
            begin_source(&source, ++serial, &rng);
            now += (usec_t)rng_below(&rng, SECONDS(3));
            epochs++;
        } else if (dice < 5) {
            subscription_reset_source(&s);
            model.in_epoch = false;
        }
        uint16_t seq = source.seq++;
        uint32_t timestamp = source.timestamp += 960;
        if (dice % 10 == 9) /* lost on the way in */
            continue;
        if (dice % 10 == 8) { /* late, or a second time */
            uint16_t back = (uint16_t)rng_below(&rng, 20);
            seq = (uint16_t)(seq - back);
            timestamp -= back * 960u;
        }
        struct media_packet p =
            make_packet(MEDIA_CODEC_OPUS, source.serial, seq_unwrapper_note(&source.unwrapper, seq),
                        timestamp, true);
        uint64_t out;
        uint32_t out_ts;
        enum subscription_verdict verdict = subscription_accept(&s, now, &p, &out, &out_ts);
        bool is_stale = model.in_epoch && model.serial == p.source_serial && p.seq < model.first_in;
        assert_int_equal(verdict, is_stale ? SUBSCRIPTION_STALE : SUBSCRIPTION_SEND);
        if (verdict == SUBSCRIPTION_SEND)
            check_against(&model, now, &p, out, out_ts);
    }
    assert_true(epochs > 10);
    assert_true(model.highest_out > 0x10000 + 2 * 0x10000); /* several wraps of the wire's number */
}

static void numbers_and_timestamps_run_on_across_sources_and_keep_gaps_inside(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        run_model(seed);
}

static void a_first_number_leaves_room_for_early_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct subscription s = make_subscription(ROOM_SLOT_VOICE_0, seed);
        struct media_packet p = make_packet(MEDIA_CODEC_OPUS, 1, 7, 0, true);
        uint64_t seq;
        uint32_t timestamp;
        assert_int_equal(subscription_accept(&s, 0, &p, &seq, &timestamp), SUBSCRIPTION_SEND);
        assert_true((uint16_t)seq < 0x8000);
    }
}

static void video_of_a_new_source_waits_for_a_key_frame_without_using_numbers(void **state)
{
    (void)state;
    struct subscription s = make_subscription(ROOM_SLOT_SCREEN, 1);
    static const struct {
        uint64_t serial, seq;
        bool key_frame;
        enum subscription_verdict expected;
    } steps[] = {
        {1, 100, false, SUBSCRIPTION_WAIT_KEY_FRAME},
        {1, 101, true, SUBSCRIPTION_SEND},
        {1, 102, false, SUBSCRIPTION_SEND},
        {1, 100, false, SUBSCRIPTION_STALE},
        {2, 9, false, SUBSCRIPTION_WAIT_KEY_FRAME},
        {2, 10, false, SUBSCRIPTION_WAIT_KEY_FRAME},
        {2, 11, true, SUBSCRIPTION_SEND},
        {2, 13, false, SUBSCRIPTION_SEND},
    };
    static const uint64_t offsets[] = {0, 0, 1, 0, 0, 0, 2, 4};
    uint64_t first = 0;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct media_packet p =
            make_packet(MEDIA_CODEC_VP8, steps[i].serial, steps[i].seq, 0, steps[i].key_frame);
        uint64_t seq;
        uint32_t timestamp;
        assert_int_equal(subscription_accept(&s, 0, &p, &seq, &timestamp), steps[i].expected);
        if (steps[i].expected != SUBSCRIPTION_SEND)
            continue;
        first = first == 0 ? seq : first;
        assert_int_equal(seq - first, offsets[i]);
    }
}

static void a_codec_that_was_not_negotiated_is_not_sent(void **state)
{
    (void)state;
    struct subscription s = make_subscription(ROOM_SLOT_SCREEN, 1);
    struct media_packet p = make_packet(MEDIA_CODEC_H264, 1, 1, 0, true);
    uint64_t seq;
    uint32_t timestamp;
    assert_int_equal(subscription_accept(&s, 0, &p, &seq, &timestamp), SUBSCRIPTION_NO_CODEC);
    p = make_packet(MEDIA_CODEC_VP8, 2, 1, 0, true);
    p.profile_hash = codec_profile_hash("another");
    assert_int_equal(subscription_accept(&s, 0, &p, &seq, &timestamp), SUBSCRIPTION_NO_CODEC);
    p = make_packet(MEDIA_CODEC_VP8, 3, 1, 0, true);
    assert_int_equal(subscription_accept(&s, 0, &p, &seq, &timestamp), SUBSCRIPTION_SEND);
    assert_int_equal(s.payload_type, 96);
    assert_int_equal(s.rtx_payload_type, 97);
}

/* A NACK's 16-bit number must name exactly the source packet that went out under it. */
static void a_number_asked_for_again_is_the_packet_that_went_out_with_it(void **state)
{
    (void)state;
    static uint64_t source_of[SENT_MAX]; /* by outgoing number */
    static uint64_t serial_of[SENT_MAX];
    memset(serial_of, 0, sizeof serial_of);
    struct rng rng = rng_of_seed(3);
    struct subscription s = make_subscription(ROOM_SLOT_SCREEN, 3);
    uint64_t serial = 1;
    uint64_t in = 0x10000;
    uint64_t highest = 0;
    size_t hits = 0;
    for (int i = 0; i < 200000; i++) {
        if (rng_below(&rng, 5000) == 0) {
            serial++;
            in = 0x10000 + rng_below(&rng, 0x10000);
        }
        in += rng_below(&rng, 10) == 0 ? 2 : 1;
        struct media_packet p = make_packet(MEDIA_CODEC_VP8, serial, in, 0, true);
        uint64_t seq;
        uint64_t source_seq;
        uint32_t timestamp;
        assert_int_equal(subscription_accept(&s, 0, &p, &seq, &timestamp), SUBSCRIPTION_SEND);
        assert_true(seq < SENT_MAX);
        source_of[seq] = in;
        serial_of[seq] = serial;
        highest = seq;
        uint16_t wanted = (uint16_t)(highest - rng_below(&rng, 3000));
        if (!subscription_find_source_seq(&s, wanted, &source_seq, &seq))
            continue;
        assert_int_equal((uint16_t)seq, wanted);
        assert_true(seq <= highest);
        if (serial_of[seq] == 0) /* a gap: nothing went out under this number */
            continue;
        assert_int_equal(serial_of[seq], serial);
        assert_int_equal(source_of[seq], source_seq);
        hits++;
    }
    assert_true(highest > 0x30000);
    assert_true(hits > 50000);
}

static void numbers_not_sent_yet_or_of_an_earlier_source_are_unknown(void **state)
{
    (void)state;
    struct subscription s = make_subscription(ROOM_SLOT_SCREEN, 1);
    struct media_packet p = make_packet(MEDIA_CODEC_VP8, 1, 50, 0, true);
    uint64_t first;
    uint64_t second;
    uint64_t seq;
    uint64_t source_seq;
    uint32_t timestamp;
    assert_false(subscription_find_source_seq(&s, 0, &source_seq, &seq));
    assert_int_equal(subscription_accept(&s, 0, &p, &first, &timestamp), SUBSCRIPTION_SEND);
    assert_true(subscription_find_source_seq(&s, (uint16_t)first, &source_seq, &seq));
    assert_int_equal(source_seq, 50);
    assert_false(subscription_find_source_seq(&s, (uint16_t)(first + 1), &source_seq, &seq));
    assert_false(subscription_find_source_seq(&s, (uint16_t)(first - 1), &source_seq, &seq));
    p = make_packet(MEDIA_CODEC_VP8, 2, 9, 0, true);
    assert_int_equal(subscription_accept(&s, 0, &p, &second, &timestamp), SUBSCRIPTION_SEND);
    assert_false(subscription_find_source_seq(&s, (uint16_t)first, &source_seq, &seq));
    assert_true(subscription_find_source_seq(&s, (uint16_t)second, &source_seq, &seq));
    subscription_reset_source(&s);
    assert_false(subscription_find_source_seq(&s, (uint16_t)second, &source_seq, &seq));
}

static void a_packet_is_sent_again_six_times_and_not_twice_within_a_round_trip(void **state)
{
    (void)state;
    struct subscription s = make_subscription(ROOM_SLOT_SCREEN, 1);
    static const struct {
        usec_t at_ms, rtt_ms;
        uint64_t seq;
        unsigned copies;
    } steps[] = {
        /* unknown: 100 ms */
        {0, 0, 1000, 1},
        {99, 0, 1000, 0},
        {99, 0, 1001, 1},
        {100, 0, 1000, 1},
        /* an eighth less than what is known */
        {250, 200, 1000, 0},
        {275, 200, 1000, 1},
        {320, 60, 1000, 0},
        {328, 60, 1000, 1},
        /* 20 ms at least */
        {347, 1, 1000, 0},
        {348, 1, 1000, 1},
        {400, 1, 1000, 1},
        {900, 1, 1000, 0},
        {9000, 0, 1000, 0},
        {9000, 0, 1001, 1},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        assert_int_equal(subscription_admit_resend(&s, SECONDS(1) + MILLISECONDS(steps[i].at_ms),
                                                   MILLISECONDS(steps[i].rtt_ms), steps[i].seq,
                                                   100),
                         steps[i].copies);
    subscription_destroy(&s);
}

static void send_hundred(struct subscription *s, uint64_t first)
{
    for (uint64_t i = 0; i < 100; i++) {
        struct media_packet p = make_packet(MEDIA_CODEC_VP8, 1, first + i, 0, true);
        uint64_t seq;
        uint32_t timestamp;
        assert_int_equal(subscription_accept(s, 0, &p, &seq, &timestamp), SUBSCRIPTION_SEND);
    }
}

static size_t count_admitted(struct subscription *s, usec_t now, uint64_t from)
{
    size_t admitted = 0;
    while (subscription_admit_resend(s, now, 0, from + admitted, 1000) > 0)
        admitted++;
    return admitted;
}

static void
resending_costs_at_most_half_of_what_was_sent_and_a_quarter_where_the_line_fills(void **state)
{
    (void)state;
    struct downlink downlink = {
        .state = DOWNLINK_WATCHED, .has_numbers = true, .bwe.feedback_at = 1};
    struct participant owner = {.downlink = &downlink};
    struct subscription s = make_subscription(ROOM_SLOT_SCREEN, 1);
    s.owner = &owner;
    assert_in_range(count_admitted(&s, SECONDS(1), 1), 64, 66); /* a start-up allowance */
    send_hundred(&s, 1);
    assert_in_range(count_admitted(&s, SECONDS(2), 1000), 60, 61); /* 100 x 1200 / 2, and a rest */
    downlink.state = DOWNLINK_PACED;                               /* nothing stands on its line */
    send_hundred(&s, 101);
    assert_in_range(count_admitted(&s, SECONDS(3), 2000), 60, 61);
    for (usec_t i = 0; i < 5; i++) /* it fills */
        bwe_delay_handle_arrival(&downlink.bwe.delay, i * MILLISECONDS(20), i * MILLISECONDS(30),
                                 1200, false);
    send_hundred(&s, 201);
    assert_in_range(count_admitted(&s, SECONDS(4), 3000), 29, 31);
    subscription_destroy(&s);
}

static void what_was_sent_again_and_lost_again_goes_out_twice(void **state)
{
    (void)state;
    struct downlink downlink = {
        .state = DOWNLINK_WATCHED, .has_numbers = true, .bwe.feedback_at = 1};
    struct participant owner = {.downlink = &downlink};
    struct subscription s = make_subscription(ROOM_SLOT_SCREEN, 1);
    s.owner = &owner;
    assert_int_equal(subscription_admit_resend(&s, SECONDS(1), 0, 1000, 20000), 1);
    assert_int_equal(subscription_admit_resend(&s, SECONDS(2), 0, 1000, 20000), 2);
    /* Of 64 kB: once is better than not at all. */
    assert_int_equal(subscription_admit_resend(&s, SECONDS(3), 0, 1000, 3000), 1);
    assert_int_equal(subscription_admit_resend(&s, SECONDS(4), 0, 1000, 3000), 0);
    send_hundred(&s, 1);
    assert_int_equal(subscription_admit_resend(&s, SECONDS(5), 0, 1000, 2000), 1);
    assert_int_equal(subscription_admit_resend(&s, SECONDS(6), 0, 1000, 2000), 2);
    send_hundred(&s, 101);
    downlink.state = DOWNLINK_PACED;
    assert_int_equal(subscription_admit_resend(&s, SECONDS(7), 0, 1000, 2000), 1);
    downlink = (struct downlink){.state = DOWNLINK_WATCHED}; /* by reports alone */
    assert_int_equal(subscription_admit_resend(&s, SECONDS(8), 0, 1000, 2000), 1);
    subscription_destroy(&s);
}

static void whoever_knows_feedback_or_redundancy_for_voice_takes_long_packets_of_it(void **state)
{
    static const struct {
        struct codec_parameters codec;
        bool takes;
    } cases[] = {
        {{.codec = MEDIA_CODEC_OPUS}, false},
        {{.codec = MEDIA_CODEC_OPUS, .transport_cc = true}, true},
        {{.codec = MEDIA_CODEC_OPUS, .nack = true}, true},
        {{.codec = MEDIA_CODEC_OPUS, .red_payload_type = 63}, true},
        {{.codec = MEDIA_CODEC_VP8, .nack = true, .transport_cc = true}, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct subscription s;
        struct rng rng = rng_of_seed(1);
        struct receive_slot_parameters params = {.slot = ROOM_SLOT_VOICE_0, .codec_count = 1};
        params.codecs[0] = cases[i].codec;
        subscription_init(&s, NULL, &params, no_ids, &rng);
        if (s.takes_long_voice != cases[i].takes)
            fail_msg("case %zu", i);
    }
    (void)state;
}

static void silence_appended_ends_the_epoch_behind_everything_sent(void **state)
{
    (void)state;
    struct subscription s = make_subscription(ROOM_SLOT_VOICE_0, 1);
    struct media_packet p = make_packet(MEDIA_CODEC_OPUS, 1, 50, 1000, true);
    uint64_t first;
    uint64_t seq;
    uint64_t source_seq;
    uint32_t first_ts;
    uint32_t timestamp;
    assert_false(subscription_append(&s, 960, 4, &seq, &timestamp));
    assert_int_equal(subscription_accept(&s, SECONDS(1), &p, &first, &first_ts), SUBSCRIPTION_SEND);
    assert_true(subscription_append(&s, 960, 4, &seq, &timestamp));
    assert_int_equal(seq, first + 1);
    assert_int_equal(timestamp, first_ts + 960);
    assert_true(subscription_append(&s, 960, 1, &seq, &timestamp));
    assert_int_equal(seq, first + 2);
    assert_int_equal(timestamp, first_ts + 5 * 960); /* behind all four */
    assert_false(subscription_find_source_seq(&s, (uint16_t)seq, &source_seq, &seq));
    p = make_packet(MEDIA_CODEC_OPUS, 2, 9, 5, true);
    uint64_t next;
    assert_int_equal(subscription_accept(&s, SECONDS(2), &p, &next, &timestamp), SUBSCRIPTION_SEND);
    assert_int_equal(next, first + 3);
    assert_int_equal(timestamp, first_ts + 48000); /* one second on the wall */
}

/* The extension's value as the receiver finds it; no bytes when it is not there. */
static struct bytes written_extension(enum room_slot slot, const struct media_packet *packet,
                                      const uint8_t *ids, enum header_extension extension)
{
    static uint8_t out[SUBSCRIPTION_EXTENSIONS_BYTES];
    struct subscription s = make_subscription(slot, 1);
    struct rtp_header header = {0};
    struct bytes data;
    uint8_t stamp_at;
    size_t size = subscription_write_extensions(&s, SECONDS(1), packet, ids, out, &stamp_at);
    if (size == 0)
        return BYTES_NONE;
    header.extension_profile = load_u16(out);
    header.extension = bytes_of(out + 4, size - 4);
    return rtp_extension_find(&header, ids[extension], &data) ? data : BYTES_NONE;
}

static void
a_screen_is_to_be_shown_at_once_by_who_takes_that_and_a_camera_as_its_player_likes(void **state)
{
    (void)state;
    static const uint8_t own[3] = {0, 0x50, 0x0a};
    static const uint8_t block[4] = {0x42, 0, 0x50, 0x0a}; /* id 4, three bytes */
    static uint8_t publisher_ids[HEADER_EXTENSION_COUNT];
    uint8_t ids[HEADER_EXTENSION_COUNT] = {0};
    struct media_packet p = make_packet(MEDIA_CODEC_VP8, 1, 50, 1000, true);
    struct bytes data =
        written_extension(ROOM_SLOT_SCREEN, &p, ids, HEADER_EXTENSION_PLAYOUT_DELAY);
    assert_int_equal(data.size, 0); /* not negotiated */
    ids[HEADER_EXTENSION_PLAYOUT_DELAY] = 6;
    data = written_extension(ROOM_SLOT_SCREEN, &p, ids, HEADER_EXTENSION_PLAYOUT_DELAY);
    assert_int_equal(data.size, 3);
    assert_memory_equal(data.data, "\0\0\0", 3);
    data = written_extension(ROOM_SLOT_CAMERA_0, &p, ids, HEADER_EXTENSION_PLAYOUT_DELAY);
    assert_int_equal(data.size, 0);
    /* What the publisher says itself stands. */
    publisher_ids[HEADER_EXTENSION_PLAYOUT_DELAY] = 4;
    p.extension_ids = publisher_ids;
    p.header.extension_profile = RTP_EXTENSION_PROFILE_ONE_BYTE;
    p.header.extension = bytes_of(block, sizeof block);
    data = written_extension(ROOM_SLOT_SCREEN, &p, ids, HEADER_EXTENSION_PLAYOUT_DELAY);
    assert_int_equal(data.size, 3);
    assert_memory_equal(data.data, own, 3);
}

/* A key frame's structure of three spatial and three temporal layers, as Chromium writes it for VP9
 * and AV1: 95 bytes. Without it a receiver understands none of the descriptors that follow. */
static void a_dependency_descriptor_has_room_before_what_can_be_done_without(void **state)
{
    (void)state;
    static uint8_t ids[HEADER_EXTENSION_COUNT];
    static const struct {
        uint8_t descriptor, color;
        bool has_descriptor, has_color;
    } cases[] = {
        {95, 28, true, true},   {125, 28, true, true},  {126, 28, true, false},
        {155, 28, true, false}, {156, 28, false, true},
    };
    ids[HEADER_EXTENSION_DEPENDENCY_DESCRIPTOR] = 13;
    ids[HEADER_EXTENSION_COLOR_SPACE] = 6;
    ids[HEADER_EXTENSION_MID] = 4;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t block[2 + UINT8_MAX + 2 + UINT8_MAX] = {6, cases[i].color};
        uint8_t *descriptor = block + 2 + cases[i].color;
        descriptor[0] = 13;
        descriptor[1] = cases[i].descriptor;
        struct media_packet p = make_packet(MEDIA_CODEC_VP9, 1, 50, 1000, true);
        p.extension_ids = ids;
        p.header.extension_profile = RTP_EXTENSION_PROFILE_TWO_BYTE;
        p.header.extension = bytes_of(block, 4u + cases[i].color + cases[i].descriptor);
        struct bytes got =
            written_extension(ROOM_SLOT_CAMERA_0, &p, ids, HEADER_EXTENSION_DEPENDENCY_DESCRIPTOR);
        assert_int_equal(got.size, cases[i].has_descriptor ? cases[i].descriptor : 0);
        got = written_extension(ROOM_SLOT_CAMERA_0, &p, ids, HEADER_EXTENSION_COLOR_SPACE);
        assert_int_equal(got.size, cases[i].has_color ? cases[i].color : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_timestamps_run_on_across_sources_and_keep_gaps_inside),
        cmocka_unit_test(a_first_number_leaves_room_for_early_loss),
        cmocka_unit_test(video_of_a_new_source_waits_for_a_key_frame_without_using_numbers),
        cmocka_unit_test(a_codec_that_was_not_negotiated_is_not_sent),
        cmocka_unit_test(a_number_asked_for_again_is_the_packet_that_went_out_with_it),
        cmocka_unit_test(numbers_not_sent_yet_or_of_an_earlier_source_are_unknown),
        cmocka_unit_test(a_packet_is_sent_again_six_times_and_not_twice_within_a_round_trip),
        cmocka_unit_test(
            resending_costs_at_most_half_of_what_was_sent_and_a_quarter_where_the_line_fills),
        cmocka_unit_test(what_was_sent_again_and_lost_again_goes_out_twice),
        cmocka_unit_test(whoever_knows_feedback_or_redundancy_for_voice_takes_long_packets_of_it),
        cmocka_unit_test(silence_appended_ends_the_epoch_behind_everything_sent),
        cmocka_unit_test(
            a_screen_is_to_be_shown_at_once_by_who_takes_that_and_a_camera_as_its_player_likes),
        cmocka_unit_test(a_dependency_descriptor_has_room_before_what_can_be_done_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
