/* The first packets of a stream, whose loss its receiver does not see. */
#include "unit/relay/shard_bench.c"

#include "relay/core/downlink_pace.h"
#include "wire/rtcp_twcc.h"

#define TRANSPORT_CC_ID 6
#define TOLD_MAX 64
#define CAME 1
#define LOST 0

/* A trainer, and a learner who has just come: its line is watched, its packets are numbered. */
struct scene {
    struct bench *b;
    struct peer *sender, *learner;
    struct downlink *d;
    uint8_t feedback_count;
};

static struct scene begin(void **state)
{
    struct scene s = {.b = *state};
    s.sender = add_peer(s.b, 0, true);
    s.learner = add_peer(s.b, 0, true);
    struct participant *p = shard_find_participant(s.b->cores[0], s.learner->id);
    p->extension_ids[HEADER_EXTENSION_TRANSPORT_CC] = TRANSPORT_CC_ID;
    p->subscriptions[0].can_stamp = true;
    s.d = p->downlink;
    s.d->can_number = s.d->has_numbers = true;
    s.d->bwe.probe.lacks_padding = true; /* nothing goes out but what is said here */
    bind_screen(s.b, s.sender);
    grant(s.b, s.sender, true);
    return s;
}

static void show(struct scene *s, int packets)
{
    for (int i = 0; i < packets; i++) {
        send_screen(s->b, s->sender, s->sender->screen == 0 && i == 0, 1);
        pass_time(s->b, MILLISECONDS(20));
    }
}

static int resent(const struct scene *s)
{
    return (int)shard_core_get_stats(s->b->cores[0])->retransmitted;
}

/* Feedback: what became of the packets from number `from` on. */
static void tell(struct scene *s, uint16_t from, const int *fates, size_t count)
{
    uint8_t packet[400];
    usec_t arrivals[TOLD_MAX];
    struct writer w = writer_of((struct bytes_mut){packet, 300});
    for (size_t i = 0; i < count; i++)
        arrivals[i] = fates[i] == CAME ? s->b->now + (usec_t)i : RTCP_TWCC_LOST;
    assert_int_equal(rtcp_write_twcc(&w, 5, (uint32_t)(70 + s->learner->id), s->feedback_count++,
                                     from, arrivals, count),
                     count);
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtcp(s->learner->cipher, packet, &size), STATUS_OK);
    give(s->b, s->learner, packet, size);
    pass_time(s->b, MILLISECONDS(200)); /* not twice within a round trip */
}

#define TELL(s, from, ...)                                                                         \
    tell(s, from, (const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

static void what_was_lost_before_the_first_that_came_goes_out_again(void **state)
{
    struct scene s = begin(state);
    show(&s, 4);
    assert_int_equal(s.learner->screen, 4);
    TELL(&s, 2, CAME, CAME);
    assert_int_equal(resent(&s), 2);
    assert_int_equal(s.learner->last_resent, (uint16_t)(s.learner->first_seq + 1));
    TELL(&s, 4, CAME, CAME); /* the copies */
    show(&s, 1);
    TELL(&s, 6, CAME);
    assert_int_equal(resent(&s), 2);
    assert_int_equal(s.d->head.count, 0);
}

static void a_copy_that_is_lost_goes_out_again_for_three_seconds(void **state)
{
    struct scene s = begin(state);
    show(&s, 2);
    TELL(&s, 1, CAME);
    assert_int_equal(resent(&s), 1);
    show(&s, 1);
    TELL(&s, 2, LOST, CAME);
    int copies = resent(&s);
    assert_true(copies > 1);
    s.d->head.began_at -= SECONDS(4);
    TELL(&s, 4, CAME);
    assert_int_equal(s.d->head.count, 0);
}

static void what_was_told_by_lost_feedback_is_not_taken_for_lost(void **state)
{
    struct scene s = begin(state);
    show(&s, 4);
    s.feedback_count = 1;
    TELL(&s, 2, CAME, CAME);
    assert_int_equal(resent(&s), 0);
}

static void what_is_lost_behind_the_first_that_came_is_left_to_the_receiver(void **state)
{
    struct scene s = begin(state);
    show(&s, 4);
    TELL(&s, 0, CAME, LOST, LOST, CAME);
    assert_int_equal(resent(&s), 0);
    assert_int_equal(s.d->head.count, 0);
}

/* Its end of the handshake came late: it could read none of them. */
static void a_head_that_is_lost_as_a_whole_goes_out_again(void **state)
{
    struct scene s = begin(state);
    show(&s, STREAM_HEAD_MAX);
    s.learner->screen = 0;
    show(&s, 1);
    TELL(&s, STREAM_HEAD_MAX, CAME);
    assert_int_equal(resent(&s), STREAM_HEAD_MAX);
}

/* Few packets, and a screen that stands still behind them. */
static void a_short_head_that_is_lost_as_a_whole_goes_out_again(void **state)
{
    struct scene s = begin(state);
    bind_voice(s.b, s.sender);
    grant_voice(s.b, s.sender, true);
    shard_find_participant(s.b->cores[0], s.learner->id)->subscriptions[1].can_stamp = true;
    show(&s, 5);
    send_voice(s.b, s.sender, 1, 1);
    TELL(&s, 5, CAME);
    assert_int_equal(resent(&s), 5);
    TELL(&s, 6, CAME, LOST, CAME, CAME, CAME);
    assert_int_equal(resent(&s), 6);
    assert_int_equal(s.learner->last_resent, (uint16_t)(s.learner->first_seq + 1));
    send_voice(s.b, s.sender, 2, 1);
    TELL(&s, 11, CAME);
    assert_int_equal(s.d->head.count, 0);
}

/* It ends all the same, and another stream's head can be watched. */
static void a_head_of_which_nothing_is_heard_is_given_up(void **state)
{
    struct scene s = begin(state);
    bind_voice(s.b, s.sender);
    grant_voice(s.b, s.sender, true);
    shard_find_participant(s.b->cores[0], s.learner->id)->subscriptions[1].can_stamp = true;
    s.feedback_count = 1;
    show(&s, 2);
    send_voice(s.b, s.sender, 1, 1);
    TELL(&s, 2, CAME);
    pass_time(s.b, SECONDS(4));
    send_voice(s.b, s.sender, 2, 1);
    TELL(&s, 3, CAME);
    assert_int_equal(resent(&s), 0);
    assert_int_equal(s.d->head.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(what_was_lost_before_the_first_that_came_goes_out_again),
        BENCH_TEST(a_copy_that_is_lost_goes_out_again_for_three_seconds),
        BENCH_TEST(what_was_told_by_lost_feedback_is_not_taken_for_lost),
        BENCH_TEST(what_is_lost_behind_the_first_that_came_is_left_to_the_receiver),
        BENCH_TEST(a_head_that_is_lost_as_a_whole_goes_out_again),
        BENCH_TEST(a_short_head_that_is_lost_as_a_whole_goes_out_again),
        BENCH_TEST(a_head_of_which_nothing_is_heard_is_given_up),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
