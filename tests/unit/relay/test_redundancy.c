#include "relay/core/redundancy.h"

#include "wire/codec_red.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OPUS 111
#define TICKS 960u /* 20 ms */
#define FIRST_SEQ 100000u

struct voice {
    struct publication p;
    uint8_t packet[1400];
    struct media_packet last;
};

/* Frame n of a voice: `size` bytes of n. Kept in the cache unless it was `lost`. */
static void say(struct voice *v, uint64_t n, size_t size, uint32_t ticks_later, bool lost)
{
    struct writer w = writer_of((struct bytes_mut){v->packet, sizeof v->packet});
    struct rtp_header header = {.payload_type = OPUS,
                                .seq = (uint16_t)(FIRST_SEQ + n),
                                .timestamp = (uint32_t)n * TICKS + ticks_later,
                                .ssrc = 1};
    uint8_t data[1300];
    memset(data, (int)n, sizeof data);
    rtp_write_header(&w, &header);
    write_bytes(&w, bytes_of(data, size));
    v->last =
        (struct media_packet){.source_serial = 1, .codec = MEDIA_CODEC_OPUS, .seq = FIRST_SEQ + n};
    struct bytes whole = bytes_const(writer_written(&w));
    assert_int_equal(rtp_parse_header(whole, &v->last.header), STATUS_OK);
    if (!lost)
        retransmit_cache_store(&v->p.streams[0].cache, 0, v->last.seq, whole, false);
}

static int set_up(void **state)
{
    static struct voice v;
    v = (struct voice){.p.streams[0] = {.codec = MEDIA_CODEC_OPUS, .has_cache = true}};
    *state = &v;
    return retransmit_cache_init(&v.p.streams[0].cache, 16, RETRANSMIT_PACKET_BYTES) == STATUS_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct voice *v = *state;
    retransmit_cache_destroy(&v->p.streams[0].cache);
    return 0;
}

static struct codec_red write(const struct voice *v, unsigned level)
{
    static uint8_t out[REDUNDANCY_BYTES_MAX];
    struct codec_red red;
    size_t size = redundancy_write(&v->p, &v->last, level, OPUS, out);
    assert_int_equal(codec_red_parse(bytes_of(out, size), &red), STATUS_OK);
    return red;
}

static void a_packet_carries_those_before_it_by_level(void **state)
{
    struct voice *v = *state;
    static const struct {
        unsigned level;
        uint8_t distances[4]; /* the primary's 0 ends it */
    } cases[] = {{1, {1}}, {2, {5, 1}}, {3, {8, 2, 1}}};
    for (uint64_t n = 1; n <= 10; n++)
        say(v, n, 50 + n, 0, false);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct codec_red red = write(v, cases[i].level);
        assert_int_equal(red.block_count, cases[i].level + 1);
        for (size_t k = 0; k < red.block_count; k++) {
            uint8_t distance = cases[i].distances[k];
            assert_int_equal(red.blocks[k].payload_type, OPUS);
            assert_int_equal(red.blocks[k].timestamp_offset, distance * TICKS);
            assert_int_equal(red.blocks[k].data.size, 60 - distance);
            assert_int_equal(red.blocks[k].data.data[0], 10 - distance);
        }
    }
}

/* Packets `first` to `first + lost - 1` do not arrive: which are in none that does? */
static unsigned count_unheard(struct voice *v, unsigned level, unsigned lost)
{
    bool heard[64] = {false};
    retransmit_cache_clear(&v->p.streams[0].cache);
    for (uint64_t n = 1; n < 40; n++) {
        say(v, n, 50, 0, false);
        if (n >= 20 && n < 20 + lost)
            continue;
        struct codec_red red = write(v, level);
        for (size_t k = 0; k < red.block_count; k++)
            heard[n - red.blocks[k].timestamp_offset / TICKS] = true;
    }
    unsigned unheard = 0;
    for (size_t n = 10; n < 40; n++)
        unheard += !heard[n];
    return unheard;
}

static void a_burst_is_heard_as_far_as_the_level_reaches_back(void **state)
{
    struct voice *v = *state;
    static const unsigned reach[] = {0, 1, 5, 8};
    for (unsigned level = 0; level < REDUNDANCY_LEVELS; level++) {
        for (unsigned lost = 0; lost < 12; lost++)
            assert_int_equal(count_unheard(v, level, lost),
                             lost > reach[level] ? lost - reach[level] : 0);
    }
}

static void what_did_not_come_says_nothing_or_is_too_long_is_left_out(void **state)
{
    struct voice *v = *state;
    static const struct {
        size_t size; /* of the packet before */
        uint32_t ticks_later;
        bool lost;
        size_t blocks;
    } cases[] = {
        {60, 0, false, 2},
        {60, 0, true, 1},      /* lost on the trainer's line */
        {2, 0, false, 1},      /* DTX */
        {1024, 0, false, 1},   /* more than a block can say */
        {60, 16384, false, 1}, /* the last word before a long silence */
        {60, 16383 - TICKS, false, 2},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        retransmit_cache_clear(&v->p.streams[0].cache);
        uint64_t n = 10 * (i + 1);
        say(v, n, cases[i].size, 0, cases[i].lost);
        say(v, n + 1, 40, cases[i].ticks_later, false);
        struct codec_red red = write(v, 1);
        assert_int_equal(red.block_count, cases[i].blocks);
        assert_int_equal(red.blocks[red.block_count - 1].data.size, 40);
        assert_int_equal(red.blocks[red.block_count - 1].data.data[0], (uint8_t)(n + 1));
    }
}

static void a_long_packet_leaves_no_room_and_a_longer_one_is_not_wrapped(void **state)
{
    struct voice *v = *state;
    uint8_t out[REDUNDANCY_BYTES_MAX];
    say(v, 1, 500, 0, false);
    say(v, 2, 700, 0, false);
    assert_int_equal(write(v, 1).block_count, 1);
    say(v, 3, REDUNDANCY_BYTES_MAX, 0, false);
    assert_int_equal(redundancy_write(&v->p, &v->last, 1, OPUS, out), 0);
}

static void the_level_follows_loss_at_once_and_falls_after_30_s(void **state)
{
    (void)state;
    struct subscription s = {.redundancy = 1};
    static const struct {
        usec_t at;
        uint32_t permille;
        unsigned level;
    } steps[] = {{0, 4, 1},           {1, 5, 2},           {2, 40, 3},
                 {3, 0, 3},           {SECONDS(29), 0, 3}, {SECONDS(31), 12, 2},
                 {SECONDS(60), 0, 2}, {SECONDS(62), 0, 1}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        redundancy_handle_loss(&s, SECONDS(100) + steps[i].at, steps[i].permille);
        assert_int_equal(s.redundancy, steps[i].level);
    }
}

static void nothing_of_before_a_receiver_s_epoch_is_repeated_to_it(void **state)
{
    (void)state;
    struct media_packet packet = {.source_serial = 7};
    struct subscription s = {
        .source_serial = 7, .first_seq = 100, .red_payload_type = 63, .redundancy = 3};
    static const uint8_t levels[] = {0, 1, 1, 1, 1, 2, 2, 2, 3, 3};
    for (uint64_t i = 0; i < COUNT_OF(levels); i++) {
        packet.seq = 100 + i;
        assert_int_equal(redundancy_choose(&s, &packet), levels[i]);
    }
    s.source_serial = 6; /* its epoch begins with this packet */
    assert_int_equal(redundancy_choose(&s, &packet), 0);
    s.source_serial = 7;
    s.red_payload_type = 0;
    assert_int_equal(redundancy_choose(&s, &packet), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_packet_carries_those_before_it_by_level),
        TEST(a_burst_is_heard_as_far_as_the_level_reaches_back),
        TEST(what_did_not_come_says_nothing_or_is_too_long_is_left_out),
        TEST(a_long_packet_leaves_no_room_and_a_longer_one_is_not_wrapped),
        cmocka_unit_test(the_level_follows_loss_at_once_and_falls_after_30_s),
        cmocka_unit_test(nothing_of_before_a_receiver_s_epoch_is_repeated_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
