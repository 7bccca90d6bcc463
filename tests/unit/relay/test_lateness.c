#include "relay/core/lateness.h"

#include "relay/core/subscription.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FRAME_TICKS 960
#define FRAME_US 20000
#define TURNS 50
#define FIRST_LATE_US_MAX MILLISECONDS(40)
#define JITTER_US_MAX MILLISECONDS(4)
#define SILENCE_FRAMES 4

static const uint8_t no_ids[HEADER_EXTENSION_COUNT];
static uint8_t payload[80];

/* Somebody who speaks in turns, as its packets reach the relay. */
struct speaker {
    const char *is;
    int ppm;               /* its clock is fast by so much */
    bool begins_anew;      /* at each turn another stream: number, time, everything */
    bool stands_still;     /* its time stamps do not go on while it does not send */
    bool pauses;           /* in the middle of each turn, for 2 s */
    bool stalls;           /* its line, for 300 ms: what was said then comes at once */
    usec_t next_at, clock; /* when its next packet is made; what its clock says then */
};

struct hearing {
    struct subscription s;
    struct lateness lateness;
    struct rng rng;
    uint64_t serial, seq;
    uint32_t base_timestamp;
    uint32_t zero; /* time stamp minus wall of the first packet that came */
    bool has_zero;
};

static struct hearing make_hearing(uint64_t seed)
{
    struct hearing h = {.rng = rng_of_seed(seed), .serial = 1, .seq = 1000};
    struct receive_slot_parameters params = {.slot = ROOM_SLOT_VOICE_0, .mid = "7", .ssrc = 70};
    params.codecs[0] = (struct codec_parameters){
        .codec = MEDIA_CODEC_OPUS, .payload_type = 111, .clock_rate = 48000};
    params.codec_count = 1;
    subscription_init(&h.s, NULL, &params, no_ids, &h.rng);
    h.base_timestamp = rng_u32(&h.rng);
    return h;
}

static uint32_t ticks_of(usec_t us)
{
    return (uint32_t)(us * 48 / 1000);
}

/* One packet that comes at `now`. Returns wall minus time stamp as the listener has it, in us. */
static usec_t hear(struct hearing *h, usec_t now, usec_t clock)
{
    uint64_t seq;
    uint32_t timestamp;
    struct media_packet packet = {.participant = 5,
                                  .source_serial = h->serial,
                                  .codec = MEDIA_CODEC_OPUS,
                                  .profile_hash = codec_profile_hash(""),
                                  .clock_rate = 48000,
                                  .seq = h->seq++,
                                  .key_frame = true,
                                  .extension_ids = no_ids,
                                  .header = {.timestamp = h->base_timestamp + ticks_of(clock),
                                             .payload = {payload, sizeof payload}}};
    packet.late_us = lateness_note(&h->lateness, now, packet.header.timestamp, 48000);
    assert_int_equal(subscription_accept(&h->s, now, &packet, &seq, &timestamp), SUBSCRIPTION_SEND);
    if (!h->has_zero) {
        h->has_zero = true;
        h->zero = timestamp - ticks_of(now);
    }
    return -(usec_t)(int32_t)(timestamp - ticks_of(now) - h->zero) * 1000 / 48;
}

/* What is on time in the first half second of a turn, and in its last 400 ms. */
struct turn {
    usec_t first, last;
};

static struct turn take_turn(struct hearing *h, struct speaker *p, int frames)
{
    struct turn turn = {.first = SECONDS(3600), .last = SECONDS(3600)};
    usec_t first_late = (usec_t)rng_below(&h->rng, (uint64_t)FIRST_LATE_US_MAX);
    usec_t came_at = 0;
    lateness_begin_turn(&h->lateness);
    for (int i = 0; i < frames; i++) {
        if (p->pauses && i == frames / 2)
            p->next_at += SECONDS(2);
        usec_t late = (usec_t)rng_below(&h->rng, (uint64_t)JITTER_US_MAX);
        late += i < 3 ? first_late / (i + 1) : 0;
        if (p->stalls && i >= 30 && i < 45)
            late += (45 - i) * FRAME_US;
        came_at = usec_max(came_at, p->next_at + late);
        usec_t lag = hear(h, came_at, p->clock);
        if (i < 25)
            turn.first = usec_min(turn.first, lag);
        if (i >= frames - 20)
            turn.last = usec_min(turn.last, lag);
        p->next_at += FRAME_US;
        p->clock += FRAME_US + (usec_t)FRAME_US * p->ppm / 1000000;
    }
    return turn;
}

static void pass_floor(struct hearing *h, struct speaker *p, usec_t pause)
{
    uint64_t seq;
    uint32_t timestamp;
    assert_true(subscription_append(&h->s, FRAME_TICKS, SILENCE_FRAMES, &seq, &timestamp));
    p->next_at += pause;
    p->clock += p->stands_still ? 0 : pause;
    if (!p->begins_anew)
        return;
    h->serial++;
    h->seq = 1000 + rng_below(&h->rng, 0x8000);
    h->base_timestamp = rng_u32(&h->rng);
}

/* The time stamps that a listener gets stand to the wall, from turn to turn, as they did: never
 * further off than the first packet of a turn was late. */
static void the_next_turn_is_as_far_behind_the_wall_as_the_last_fifty_times(void **state)
{
    (void)state;
    static const struct speaker speakers[] = {
        {.is = "its clock runs on"},
        {.is = "fast", .ppm = 100},
        {.is = "slow", .ppm = -100},
        {.is = "stands still in between", .stands_still = true},
        {.is = "begins anew", .begins_anew = true},
        {.is = "begins anew, fast", .begins_anew = true, .ppm = 100},
        {.is = "pauses, its clock stands", .pauses = true, .stands_still = true},
        {.is = "its line stalls", .stalls = true},
    };
    static const int frames[] = {45, 160, 1500};
    const usec_t room = FIRST_LATE_US_MAX + 2 * JITTER_US_MAX;
    for (size_t i = 0; i < 3 * sizeof speakers / sizeof *speakers; i++) {
        struct speaker p = speakers[i / 3];
        struct hearing h = make_hearing(i + 1);
        struct turn before = {0};
        usec_t moved = 0; /* between turns, all in all */
        p.next_at = SECONDS(5);
        for (int turn = 0; turn < TURNS; turn++) {
            struct turn heard = take_turn(&h, &p, frames[i % 3]);
            usec_t step = turn > 0 ? heard.first - before.last : 0;
            moved += step;
            if (step > room || step < -room || moved > room || moved < -room)
                fail_msg("%s, %d frames, turn %d: %d us, all in all %d", p.is, frames[i % 3], turn,
                         (int)step, (int)moved);
            before = heard;
            pass_floor(&h, &p, MILLISECONDS(150) + (usec_t)rng_below(&h.rng, SECONDS(3)));
        }
    }
}

static void lateness_is_told_against_the_first_packet(void **state)
{
    (void)state;
    struct lateness l = {0};
    usec_t at = SECONDS(9);
    uint32_t timestamp = 0xffffff00u;                                     /* it wraps */
    assert_int_equal(lateness_note(&l, at + 30000, timestamp, 48000), 0); /* 30 ms late */
    for (int i = 1; i < 200; i++)
        assert_int_equal(
            lateness_note(&l, at + i * FRAME_US, timestamp + (uint32_t)i * FRAME_TICKS, 48000),
            -30000);
    assert_int_equal(
        lateness_note(&l, at + 200 * FRAME_US + 100000, timestamp + 200 * FRAME_TICKS, 48000),
        70000);
    /* Out of order, and the one behind it. */
    assert_int_equal(lateness_note(&l, at + 202 * FRAME_US, timestamp + 202 * FRAME_TICKS, 48000),
                     -30000);
    assert_int_equal(lateness_note(&l, at + 202 * FRAME_US, timestamp + 201 * FRAME_TICKS, 48000),
                     -10000);
    /* Its clock stood still for a minute: on time again, as before. */
    assert_int_equal(
        lateness_note(&l, at + 203 * FRAME_US + SECONDS(60), timestamp + 203 * FRAME_TICKS, 48000),
        -30000);
}

/* Time stamps that run ahead by half a second with each packet, thousands of them at once. */
static void no_time_stamps_make_it_earlier_or_later_than_its_bounds(void **state)
{
    (void)state;
    static const uint32_t steps[] = {24000 - 1, (uint32_t) - (24000 - 1)};
    for (size_t first = 0; first < 2; first++) {
        struct lateness l = {0};
        uint32_t timestamp = 77;
        usec_t now = SECONDS(9);
        for (int i = 0; i < 30000; i++) {
            int32_t late = lateness_note(&l, now + i * 100, timestamp, 48000);
            if (late < -LATENESS_EARLY_MAX_US || late > LATENESS_JUMP_US)
                fail_msg("packet %d: %d us", i, late);
            timestamp += steps[i < 20000 ? first : !first];
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_turn_is_as_far_behind_the_wall_as_the_last_fifty_times),
        cmocka_unit_test(lateness_is_told_against_the_first_packet),
        cmocka_unit_test(no_time_stamps_make_it_earlier_or_later_than_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
