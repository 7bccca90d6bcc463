/* Who gets voices thin, on a shard: opened by thin_voices_set as downlink does it. */
#include "unit/relay/shard_bench.c"

#include "relay/core/thin_voice.h"

struct class
{
    struct peer *speaker, *whole, *thin;
    uint16_t seq;
};

static struct subscription *voice_of(struct bench *b, const struct peer *p)
{
    struct participant *own = shard_find_participant(b->cores[p->shard], p->id);
    return &own->subscriptions[1];
}

static struct publication *mic_of(struct bench *b, const struct class *c, uint32_t shard)
{
    return shard_find_publication(b->cores[shard],
                                  (struct publication_ref){c->speaker->id, SEND_SLOT_MIC});
}

static struct class begin(struct bench *b, uint32_t thin_shard)
{
    struct class c = {.speaker = add_peer(b, 0, true), .seq = 1000};
    c.whole = add_peer(b, 0, true);
    c.thin = add_peer(b, thin_shard, true);
    bind_voice(b, c.speaker);
    grant_voice(b, c.speaker, true);
    return c;
}

static void talk(struct bench *b, struct class *c, int packets)
{
    for (int i = 0; i < packets; i++) {
        send_voice(b, c->speaker, c->seq++, 1);
        pass_time(b, MILLISECONDS(20));
    }
}

static void who_gets_it_thin_gets_a_third_of_the_packets_and_nobody_else_notices(void **state)
{
    struct bench *b = *state;
    struct class c = begin(b, 0);
    talk(b, &c, 10);
    thin_voices_set(voice_of(b, c.thin), true);
    talk(b, &c, 306);
    assert_int_equal(c.whole->voice, 316);
    assert_in_range(c.thin->voice, 10 + 102, 10 + 104);
    assert_int_equal(c.whole->voice_breaks, 0);
    assert_int_equal(c.thin->voice_breaks, 0);
    assert_int_equal(b->cores[0]->thin_voice_count, 1);
    assert_int_equal(b->cores[1]->thin_voice_count, 0);
    bind_voice(b, NULL);
    assert_int_equal(b->cores[0]->thin_voice_count, 0);
}

static void on_another_shard_it_is_made_there(void **state)
{
    struct bench *b = *state;
    struct class c = begin(b, 1);
    thin_voices_set(voice_of(b, c.thin), true);
    talk(b, &c, 300);
    assert_int_equal(b->cores[0]->thin_voice_count, 0);
    assert_int_equal(b->cores[1]->thin_voice_count, 1);
    assert_in_range(c.thin->voice, 100, 102);
    assert_int_equal(c.thin->voice_breaks, 0);
}

static void going_to_and_fro_loses_no_sound_and_repeats_none(void **state)
{
    struct bench *b = *state;
    struct class c = begin(b, 0);
    talk(b, &c, 5);
    for (int i = 0; i < 40; i++) {
        thin_voices_set(voice_of(b, c.thin), i % 2 == 0);
        talk(b, &c, 1 + i * 7 % 11);
    }
    thin_voices_set(voice_of(b, c.thin), false);
    talk(b, &c, 4);
    assert_int_equal(c.thin->voice_breaks, 0);
    assert_int_equal(c.thin->voice_end,
                     c.whole->voice_end - c.whole->voice_began + c.thin->voice_began);
    talk(b, &c, (int)(THIN_VOICE_UNUSED_US / 20000) + 2);
    assert_null(mic_of(b, &c, 0)->thin); /* nobody listens any more */
    assert_int_equal(b->cores[0]->thin_voice_count, 0);
}

static void a_voice_that_ends_is_heard_to_its_end(void **state)
{
    struct bench *b = *state;
    struct class c = begin(b, 0);
    thin_voices_set(voice_of(b, c.thin), true);
    talk(b, &c, 8); /* 1, 2, 3 and two more that wait */
    size_t before = c.thin->voice;
    bind_voice(b, NULL);
    assert_int_equal(c.thin->voice, before + 1 + 1); /* the rest, and silence */
    assert_int_equal(c.thin->voice_breaks, 0);
    assert_int_equal(c.thin->voice_end - c.thin->voice_began, 12 * 960);
    bind_voice(b, c.speaker);
    talk(b, &c, 30);
    assert_in_range(c.thin->voice - before - 2, 10, 13); /* thin from the first packet on */
}

/* aiortc's decoder ends at the first packet of more than 20 ms. Its offer knows no feedback and no
 * redundancy for voice. */
static void who_may_take_no_long_packet_of_voice_gets_none(void **state)
{
    struct bench *b = *state;
    struct class c = begin(b, 0);
    voice_of(b, c.thin)->takes_long_voice = false;
    thin_voices_set(voice_of(b, c.thin), true);
    talk(b, &c, 30);
    assert_int_equal(c.thin->voice, 30);
    bind_voice(b, NULL);
    assert_int_equal(c.thin->voice, 30 + 1);
    assert_int_equal(c.whole->voice, 30 + 1);
    assert_int_equal(c.thin->voice_end - c.thin->voice_began, (30 + 1) * 960); /* one frame */
    assert_int_equal(c.whole->voice_end - c.whole->voice_began, (30 + 4) * 960);
}

static void one_voice_more_than_a_shard_makes_thin_goes_out_whole(void **state)
{
    struct bench *b = *state;
    struct class c = begin(b, 0);
    b->cores[0]->thin_voice_count = THIN_VOICES_MAX;
    thin_voices_set(voice_of(b, c.thin), true);
    talk(b, &c, 50);
    assert_int_equal(c.thin->voice, 50);
    b->cores[0]->thin_voice_count = THIN_VOICES_MAX - 1;
    talk(b, &c, 60);
    assert_in_range(c.thin->voice, 50 + 20, 50 + 22);
    assert_int_equal(c.thin->voice_breaks, 0);
    b->cores[0]->thin_voice_count -= THIN_VOICES_MAX - 1;
}

/* 120 ms of sound in 20 bytes: six frames of 20 ms. */
static void send_long(struct bench *b, struct class *c)
{
    static const uint8_t opus[20] = {0x7b, 6, 1, 2, 3};
    send_rtp(b, c->speaker,
             &(struct sent){.payload_type = VOICE_PT,
                            .seq = c->seq,
                            .timestamp = c->seq * 5760u,
                            .ssrc = 5000 + (uint32_t)c->speaker->id,
                            .mid = 'm',
                            .payload = bytes_of(opus, sizeof opus)});
    c->seq++;
}

static void more_sound_than_time_passes_is_left_out_of_a_thin_voice(void **state)
{
    struct bench *b = *state;
    const usec_t cost = MILLISECONDS(120) * 4 / 5;
    const size_t at_once = (size_t)(THIN_VOICE_AHEAD_US / cost + 1);
    struct class c = begin(b, 0);
    thin_voices_set(voice_of(b, c.thin), true);
    for (size_t i = 0; i < at_once; i++)
        send_long(b, &c);
    assert_int_equal(drops(b, 0, DROP_VOICE_FAST), 0);
    size_t thin = c.thin->voice;
    send_long(b, &c);
    assert_int_equal(drops(b, 0, DROP_VOICE_FAST), 1);
    assert_int_equal(c.thin->voice, thin);
    assert_int_equal(c.whole->voice, at_once + 1); /* as it came */
    pass_time(b, cost);
    send_long(b, &c);
    assert_int_equal(drops(b, 0, DROP_VOICE_FAST), 1);
    assert_true(c.thin->voice > thin);
    /* Nobody gets more by leaving the slot and coming back. */
    bind_voice(b, NULL);
    bind_voice(b, c.speaker);
    for (size_t i = 0; i < 4; i++)
        send_long(b, &c);
    assert_int_equal(drops(b, 0, DROP_VOICE_FAST), 1 + 4);
}

/* Or they would be taken for gone after some seconds. */
static void show_all_alive(struct bench *b)
{
    uint8_t check[STUN_BYTES_MAX];
    for (size_t i = 0; i < b->peer_count; i++)
        give(b, &b->peers[i], check, ice_peer_write_check(&b->peers[i].ice, check));
}

/* For a minute, from a clock that is fast by a hundredth, over a line that stalls for half a second
 * each second, and once for two: every packet of it is heard. */
static void a_voice_that_comes_in_bursts_is_never_too_fast(void **state)
{
    struct bench *b = *state;
    const usec_t frame = MILLISECONDS(20) - 200;
    struct class c = begin(b, 0);
    thin_voices_set(voice_of(b, c.thin), true);
    for (int second = 0; second < 60; second++) {
        int late = second == 30 ? 100 : 25;
        show_all_alive(b);
        for (int i = 0; i < 25; i++) {
            pass_time(b, frame);
            send_voice(b, c.speaker, c.seq++, 1);
        }
        pass_time(b, late * frame);
        for (int i = 0; i < late; i++)
            send_voice(b, c.speaker, c.seq++, 1);
    }
    assert_int_equal(c.whole->voice, 60 * 50 + 75);
    assert_int_equal(drops(b, 0, DROP_VOICE_FAST), 0);
    assert_int_equal(c.thin->voice_breaks, 0);
    assert_in_range(c.thin->voice, (60 * 50 + 75) / 3 - 1, (60 * 50 + 75) / 3 + 2);
}

static void whoever_goes_is_forgotten(void **state)
{
    struct bench *b = *state;
    struct class c = begin(b, 0);
    talk(b, &c, 2);
    struct room *room = shard_find_participant(b->cores[0], c.speaker->id)->room;
    thin_voices_set(voice_of(b, c.thin), true);
    assert_int_equal(room->thin_voices, 1);
    assert_int_equal(room->thin_pending[ROOM_SLOT_VOICE_0], 1);
    talk(b, &c, 4);
    assert_int_equal(room->thin_pending[ROOM_SLOT_VOICE_0], 0);
    struct shard_message m = {.type = SHARD_PARTICIPANT_REMOVE,
                              .participant_remove = {c.thin->id, 1}};
    order(b, 0, &m);
    assert_int_equal(room->thin_voices, 0);
    assert_int_equal(room->thin_pending[ROOM_SLOT_VOICE_0], 0);
    talk(b, &c, 4);
}

static void it_is_told_in_a_word_of_its_own(void **state)
{
    struct bench *b = *state;
    struct class c = begin(b, 0);
    struct participant *p = shard_find_participant(b->cores[0], c.thin->id);
    struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    assert_true(
        thinning_set_target(b->cores[0], b->now, &p->subscriptions[0], low, true, &b->tx[0]));
    pump(b);
    assert_int_equal(b->quality_told, CONTROL_QUALITY_REDUCED);
    p->downlink->thin_until = b->now + SECONDS(10);
    assert_true(
        thinning_set_target(b->cores[0], b->now, &p->subscriptions[0], low, true, &b->tx[0]));
    pump(b);
    assert_int_equal(b->quality_told, CONTROL_QUALITY_LEAN);
    low.mode = LAYER_OFF;
    assert_true(
        thinning_set_target(b->cores[0], b->now, &p->subscriptions[0], low, true, &b->tx[0]));
    pump(b);
    assert_int_equal(b->quality_told, CONTROL_QUALITY_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(who_gets_it_thin_gets_a_third_of_the_packets_and_nobody_else_notices),
        BENCH_TEST(on_another_shard_it_is_made_there),
        BENCH_TEST(going_to_and_fro_loses_no_sound_and_repeats_none),
        BENCH_TEST(a_voice_that_ends_is_heard_to_its_end),
        BENCH_TEST(who_may_take_no_long_packet_of_voice_gets_none),
        BENCH_TEST(one_voice_more_than_a_shard_makes_thin_goes_out_whole),
        BENCH_TEST(more_sound_than_time_passes_is_left_out_of_a_thin_voice),
        BENCH_TEST(a_voice_that_comes_in_bursts_is_never_too_fast),
        BENCH_TEST(whoever_goes_is_forgotten),
        BENCH_TEST(it_is_told_in_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
