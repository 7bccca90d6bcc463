/* The last packet of a picture, whose loss its receiver does not see. */
#include "unit/relay/shard_bench.c"

#include "relay/core/downlink_pace.h"
#include "wire/rtcp_twcc.h"

#define TRANSPORT_CC_ID 6
#define TOLD_MAX 64

/* A trainer, and a learner whose packets are numbered from now on; the first pictures have come. */
struct scene {
    struct bench *b;
    struct peer *sender, *learner;
    struct participant *p;
    struct downlink *d;
    uint16_t voice_seq;
    uint64_t told; /* the feedback so far goes up to here */
};

static struct scene begin(void **state)
{
    struct scene s = {.b = *state};
    s.sender = add_peer(s.b, 0, true);
    s.learner = add_peer(s.b, 0, true);
    bind_screen(s.b, s.sender);
    grant(s.b, s.sender, true);
    bind_voice(s.b, s.sender);
    grant_voice(s.b, s.sender, true);
    for (int i = 0; i < 40; i++) { /* a half of which may go out again */
        send_screen(s.b, s.sender, i == 0, 1);
        pass_time(s.b, MILLISECONDS(20));
    }
    s.p = shard_find_participant(s.b->cores[0], s.learner->id);
    s.p->extension_ids[HEADER_EXTENSION_TRANSPORT_CC] = TRANSPORT_CC_ID;
    s.p->subscriptions[0].can_stamp = s.p->subscriptions[1].can_stamp = true;
    s.d = s.p->downlink;
    s.d->can_number = s.d->has_numbers = true;
    s.d->bwe.probe.lacks_padding = true; /* nothing goes out but what is said here */
    return s;
}

static struct scene begin_watched(void **state)
{
    struct scene s = begin(state);
    downlink_note_trouble(s.b->cores[0], s.b->now, s.p, "test", &s.b->tx[0]);
    assert_int_equal(s.d->state, DOWNLINK_WATCHED);
    return s;
}

static void show(struct scene *s)
{
    send_screen(s->b, s->sender, false, 1);
    pass_time(s->b, MILLISECONDS(20));
}

static int resent(const struct scene *s)
{
    return (int)shard_core_get_stats(s->b->cores[0])->retransmitted;
}

/* What goes out behind it, whose arrival tells that it is lost. */
static void speak(struct scene *s)
{
    send_voice(s->b, s->sender, s->voice_seq++, 1);
    pass_time(s->b, MILLISECONDS(200)); /* the way and back */
}

static uint16_t last_number(const struct scene *s)
{
    return s->p->subscriptions[0].picture_end.stamp;
}

/* Feedback about what was numbered since the last one: `lost` packets, the last of which is number
 * `last`, are lost, and all others came. */
static void tell(struct scene *s, uint16_t last, uint16_t lost)
{
    uint8_t packet[400];
    usec_t arrivals[TOLD_MAX];
    struct writer w = writer_of((struct bytes_mut){packet, 300});
    uint64_t next = s->d->bwe.sends.count;
    uint64_t from = next - s->told > TOLD_MAX ? next - TOLD_MAX : s->told;
    for (uint64_t i = from; i < next; i++)
        arrivals[i - from] = (uint16_t)(last - i) < lost ? RTCP_TWCC_LOST : s->b->now;
    s->told = next;
    assert_int_equal(rtcp_write_twcc(&w, 5, (uint32_t)(70 + s->learner->id), 0, (uint16_t)from,
                                     arrivals, (size_t)(next - from)),
                     next - from);
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtcp(s->learner->cipher, packet, &size), STATUS_OK);
    give(s->b, s->learner, packet, size);
}

static void it_goes_out_again_when_it_is_said_to_be_lost_and_before_it_is_asked_for(void **state)
{
    struct scene s = begin_watched(state);
    show(&s);
    assert_int_equal(resent(&s), 0);
    speak(&s);
    tell(&s, last_number(&s), 1);
    assert_int_equal(resent(&s), 1);
    assert_int_equal(s.learner->last_resent, s.learner->last_seq);
}

static void it_goes_out_again_when_its_copies_are_lost_and_not_before(void **state)
{
    struct scene s = begin_watched(state);
    show(&s);
    speak(&s);
    tell(&s, last_number(&s), 1);
    tell(&s, last_number(&s), 0); /* the copy has come */
    speak(&s);
    tell(&s, 0, 0);
    assert_int_equal(resent(&s), 1);
    show(&s);
    speak(&s);
    tell(&s, last_number(&s), 1);
    speak(&s);
    tell(&s, last_number(&s), 1); /* the copy is lost: it goes out twice at once */
    assert_int_equal(resent(&s), 4);
    speak(&s);
    tell(&s, last_number(&s), 2);
    assert_int_equal(resent(&s), 6);
    speak(&s);
    tell(&s, last_number(&s), 1); /* the other one has come */
    assert_int_equal(resent(&s), 6);
}

static void it_goes_out_six_times_at_most_and_for_a_part_of_what_was_sent(void **state)
{
    struct scene s = begin_watched(state);
    show(&s);
    for (size_t i = 0; i < 20; i++) {
        speak(&s);
        tell(&s, last_number(&s), 2);
    }
    assert_int_equal(resent(&s), 11);
    assert_int_equal(s.p->subscriptions[0].picture_end.copies, 0);
    show(&s);
    s.p->subscriptions[0].resend_credit_bytes = 10;
    speak(&s);
    tell(&s, last_number(&s), 1);
    assert_int_equal(resent(&s), 11);
}

static void what_others_follow_is_left_to_the_receiver(void **state)
{
    struct scene s = begin_watched(state);
    uint8_t frame[] = {0x10, 0x11, 2, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0, 1};
    show(&s);
    uint16_t followed = last_number(&s);
    show(&s);
    speak(&s);
    tell(&s, followed, 1);
    send_rtp(s.b, s.sender,
             &(struct sent){.payload_type = SCREEN_PT,
                            .seq = s.sender->seq,
                            .timestamp = s.sender->seq * 3000u,
                            .ssrc = s.sender->ssrc,
                            .mid = 's',
                            .goes_on = true,
                            .payload = bytes_of(frame, sizeof frame)});
    uint16_t goes_on = (uint16_t)(s.d->bwe.sends.count - 1);
    speak(&s);
    tell(&s, goes_on, 1);
    assert_int_equal(resent(&s), 0);
}

/* The publisher sends again what its own line had lost. */
static void what_came_late_is_not_taken_for_the_newest(void **state)
{
    struct scene s = begin_watched(state);
    uint16_t late = s.sender->seq++;
    show(&s);
    uint16_t newest = last_number(&s);
    s.sender->seq = late;
    show(&s);
    uint16_t late_number = (uint16_t)(s.d->bwe.sends.count - 1);
    assert_int_equal(s.learner->last_tag, 1);
    assert_true(late_number != newest);
    speak(&s);
    tell(&s, late_number, 1); /* the receiver knows that it lacks it */
    assert_int_equal(resent(&s), 0);
    assert_int_equal(last_number(&s), newest);
}

static void nothing_goes_out_again_to_who_is_paced_or_left_in_peace(void **state)
{
    struct scene s = begin(state);
    show(&s);
    speak(&s);
    assert_int_equal(s.d->state, DOWNLINK_FREE);
    assert_int_equal(s.p->subscriptions[0].picture_end.copies, 0);
    downlink_note_storm(s.b->cores[0], s.b->now, s.p, &s.b->tx[0]);
    assert_int_equal(s.d->state, DOWNLINK_PACED);
    s.told = s.d->bwe.sends.count;
    show(&s);
    speak(&s);
    tell(&s, last_number(&s), 1);
    assert_int_equal(resent(&s), 0);
}

/* Its number stands for another packet by then. */
static void what_ended_a_picture_long_ago_is_not_sent_again(void **state)
{
    struct scene s = begin_watched(state);
    show(&s);
    speak(&s);
    tell(&s, 0, 0);
    assert_int_equal(s.p->subscriptions[0].picture_end.copies, 1);
    for (int i = 0; i < TWCC_SENDS_MAX; i++) {
        send_voice(s.b, s.sender, s.voice_seq++, 1);
        pass_time(s.b, MILLISECONDS(2));
        if (i % 32 == 0)
            tell(&s, 0, 0);
    }
    tell(&s, 0, 0);
    assert_int_equal(s.d->state, DOWNLINK_WATCHED);
    assert_int_equal(s.p->subscriptions[0].picture_end.copies, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(it_goes_out_again_when_it_is_said_to_be_lost_and_before_it_is_asked_for),
        BENCH_TEST(it_goes_out_again_when_its_copies_are_lost_and_not_before),
        BENCH_TEST(it_goes_out_six_times_at_most_and_for_a_part_of_what_was_sent),
        BENCH_TEST(what_others_follow_is_left_to_the_receiver),
        BENCH_TEST(what_came_late_is_not_taken_for_the_newest),
        BENCH_TEST(nothing_goes_out_again_to_who_is_paced_or_left_in_peace),
        BENCH_TEST(what_ended_a_picture_long_ago_is_not_sent_again),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
