/* What learners get who wish for key frames: from the cache, from the trainer, or nothing. */
#include "unit/relay/shard_bench.c"

static struct subscription *screen_of(struct bench *b, const struct peer *p)
{
    return &shard_find_participant(b->cores[p->shard], p->id)->subscriptions[0];
}

/* A sender of whom `count` learners on both shards have had 20 pictures, two seconds long. */
static struct peer *begin(struct bench *b, struct peer **learners, size_t count)
{
    struct peer *sender = add_peer(b, 0, true);
    for (size_t i = 0; i < count; i++)
        learners[i] = add_peer(b, (uint32_t)i % SHARDS, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (uint8_t i = 0; i < 20; i++) {
        send_screen(b, sender, i == 0, i);
        pass_time(b, MILLISECONDS(100));
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(learners[i]->screen, 20);
    sender->plis = 0;
    return sender;
}

static void who_has_lost_a_packet_gets_the_cache_again_and_the_trainer_is_not_asked(void **state)
{
    struct bench *b = *state;
    struct peer *learners[2];
    struct peer *sender = begin(b, learners, 2);
    for (int i = 0; i < 2; i++) {
        struct peer *p = learners[i];
        uint16_t last = p->last_seq;
        ask(b, p, &last);
        ask(b, p, NULL);
        pass_time(b, MILLISECONDS(100));
        assert_int_equal(p->screen, 40); /* the key frame and all that followed it */
        assert_int_equal((uint16_t)(p->last_seq - last), 20);
        ask(b, p, NULL); /* impatient */
        pass_time(b, MILLISECONDS(100));
        assert_int_equal(p->screen, 40);
        assert_int_equal(screen_of(b, p)->wishes->full_at, 0);
    }
    assert_int_equal(sender->plis, 0);
    send_screen(b, sender, false, 0x55);
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(learners[0]->last_tag, 0x55);
    assert_int_equal(learners[1]->last_tag, 0x55);
}

static void a_cache_that_lacks_a_packet_helps_nobody_and_a_new_one_is_asked_for(void **state)
{
    struct bench *b = *state;
    struct peer *learner;
    struct peer *sender = begin(b, &learner, 1);
    sender->seq++; /* lost on the sender's line */
    send_screen(b, sender, false, 0x21);
    pass_time(b, MILLISECONDS(10));
    ask(b, learner, &learner->last_seq);
    ask(b, learner, NULL);
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(learner->screen, 21);
    assert_int_equal(sender->plis, 1);
}

static void who_wishes_all_the_time_sees_all_and_once_only_and_its_loss_is_mended(void **state)
{
    struct bench *b = *state;
    struct peer *learner;
    struct peer *sender = begin(b, &learner, 1);
    const struct wish_account *account = subscription_need_wishes(screen_of(b, learner));
    size_t answered = 0, charged = 0;
    for (size_t i = 0; i < 600; i++) { /* a minute */
        usec_t full_at = account->full_at;
        if (i % 5 == 0)
            ask(b, learner, NULL);
        charged += account->full_at > full_at;
        pass_time(b, MILLISECONDS(100));
        send_screen(b, sender, sender->plis > answered, 2);
        answered = sender->plis;
        assert_int_equal(learner->screen, 21 + i);
    }
    assert_in_range(charged, 1, 4);
    send_screen(b, sender, true, 3); /* somebody else's */
    for (int i = 0; i < 15; i++) {
        pass_time(b, MILLISECONDS(100));
        send_screen(b, sender, false, 3);
    }
    size_t before = learner->screen;
    uint16_t lost = learner->last_seq;
    for (int i = 0; i < 3; i++) {
        ask(b, learner, &lost);
        pass_time(b, MILLISECONDS(200));
    }
    ask(b, learner, NULL);
    pass_time(b, MILLISECONDS(100));
    assert_int_equal(learner->screen, before + 16);
    assert_int_equal(sender->plis, answered);
}

static void learners_that_lose_it_at_once_cause_one_key_frame_on_one_account(void **state)
{
    struct bench *b = *state;
    struct peer *learners[3];
    struct peer *sender = begin(b, learners, 3);
    for (int i = 0; i < 9; i++)
        ask(b, learners[i % 3], NULL);
    pass_time(b, MILLISECONDS(50));
    assert_int_equal(sender->plis, 1);
    send_screen(b, sender, true, 4);
    for (int i = 0; i < 9; i++) { /* these crossed with it */
        pass_time(b, MILLISECONDS(100));
        ask(b, learners[i % 3], NULL);
    }
    pass_time(b, SECONDS(3));
    assert_int_equal(sender->plis, 1);
    int charged = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(learners[i]->last_tag, 4);
        charged += screen_of(b, learners[i])->wishes->full_at != 0;
    }
    assert_in_range(charged, 1, SHARDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(who_has_lost_a_packet_gets_the_cache_again_and_the_trainer_is_not_asked),
        BENCH_TEST(a_cache_that_lacks_a_packet_helps_nobody_and_a_new_one_is_asked_for),
        BENCH_TEST(who_wishes_all_the_time_sees_all_and_once_only_and_its_loss_is_mended),
        BENCH_TEST(learners_that_lose_it_at_once_cause_one_key_frame_on_one_account),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
