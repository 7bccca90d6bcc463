/* Asides on two shards: who hears what is said in private, whatever comes first. */
#include "unit/relay/shard_bench.c"

static struct shard_message aside(const struct peer *p, const struct peer *listener)
{
    struct shard_message m = {.type = SHARD_ASIDE};
    m.aside.room = ROOM;
    m.aside.ref = (struct publication_ref){p->id, SEND_SLOT_MIC};
    m.aside.home = p->shard;
    m.aside.listener = listener != NULL ? listener->id : 0;
    m.aside.listener_shard = listener != NULL ? listener->shard : p->shard;
    return m;
}

/* As the director orders it: the publisher's shard, then the listener's. */
static void set_aside(struct bench *b, const struct peer *p, const struct peer *listener)
{
    struct shard_message m = aside(p, listener);
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        order(b, shard, &m);
}

static void what_is_said_in_private_is_heard_by_that_one_alone(void **state)
{
    struct bench *b = *state;
    struct peer *trainer = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    struct peer *other = add_peer(b, 1, true);
    uint16_t seq = 100;
    const struct peer *listeners[] = {far, near};
    for (size_t i = 0; i < COUNT_OF(listeners); i++) {
        size_t before = listeners[i]->voice;
        set_aside(b, trainer, listeners[i]);
        pass_time(b, SECONDS(1));
        for (uint8_t tag = 1; tag <= 10; tag++)
            send_voice(b, trainer, seq++, tag);
        assert_int_equal(listeners[i]->voice - before, 10);
        assert_int_equal(listeners[i]->last_voice_tag, 10);
    }
    assert_int_equal(other->voice, 0);
    set_aside(b, trainer, NULL);
    size_t heard = near->voice + far->voice;
    pass_time(b, SECONDS(1));
    send_voice(b, trainer, seq, 11); /* nothing was granted: the slot is closed again */
    assert_int_equal(near->voice + far->voice + other->voice, heard);
}

static void the_end_of_it_is_not_heard_by_the_class(void **state)
{
    struct bench *b = *state;
    struct peer *trainer = add_peer(b, 0, true);
    struct peer *learner = add_peer(b, 0, true);
    struct peer *other = add_peer(b, 1, true);
    set_aside(b, trainer, learner);
    send_voice(b, trainer, 1, 1);
    set_aside(b, trainer, NULL);
    grant_voice(b, trainer, true);
    bind_voice(b, trainer);
    for (uint16_t i = 0; i < 12; i++) { /* 240 ms: the last word was still on its way */
        send_voice(b, trainer, (uint16_t)(2 + i), 1);
        pass_time(b, MILLISECONDS(20));
    }
    assert_int_equal(other->voice, 0);
    pass_time(b, MILLISECONDS(20));
    send_voice(b, trainer, 20, 2);
    assert_int_equal(other->voice, 1);
    assert_int_equal(learner->last_voice_tag, 2); /* it hears the class again, on the same line */
}

static void a_private_word_that_was_lost_and_comes_again_is_not_heard_by_the_class(void **state)
{
    struct bench *b = *state;
    struct peer *trainer = add_peer(b, 0, true);
    struct peer *learner = add_peer(b, 0, true);
    struct peer *other = add_peer(b, 1, true);
    set_aside(b, trainer, learner);
    pass_time(b, SECONDS(3));
    send_voice(b, trainer, 50, 1);
    send_voice(b, trainer, 52, 1); /* 51 is lost */
    pass_time(b, MILLISECONDS(60));
    assert_true(trainer->nacks > 0);
    set_aside(b, trainer, NULL);
    grant_voice(b, trainer, true);
    bind_voice(b, trainer);
    pass_time(b, MILLISECONDS(600)); /* and comes by a line of 600 ms */
    send_voice(b, trainer, 51, 1);
    assert_int_equal(other->voice, 0);
    size_t asked = trainer->nacks;
    send_voice(b, trainer, 60, 2); /* what came before it was for nobody */
    pass_time(b, MILLISECONDS(200));
    send_voice(b, trainer, 49, 1);
    assert_int_equal(other->voice, 1);
    assert_int_equal(trainer->nacks, asked);
}

static void the_class_is_not_heard_on_the_line_of_an_aside(void **state)
{
    struct bench *b = *state;
    struct peer *trainer = add_peer(b, 0, true);
    struct peer *learner = add_peer(b, 1, true);
    struct peer *speaker = add_peer(b, 0, true);
    grant_voice(b, speaker, true);
    bind_voice(b, speaker);
    send_voice(b, speaker, 1, 9);
    assert_int_equal(learner->voice, 1);
    set_aside(b, trainer, learner);
    send_voice(b, speaker, 2, 9);
    send_voice(b, trainer, 1, 7);
    assert_int_equal(learner->voice, 2);
    assert_int_equal(learner->last_voice_tag, 7);
    set_aside(b, trainer, NULL);
    send_voice(b, speaker, 3, 9);
    assert_int_equal(learner->last_voice_tag, 9);
    assert_int_equal((uint16_t)(learner->last_voice_seq - learner->first_voice_seq),
                     learner->voice - 1); /* and no number is missing */
}

/* --- Orders that reach the shards at different times */

#define WAITING_MAX 64
#define TO_ALL 1
#define TO_ONE 10 /* and the peer's number */
#define SILENCE 0xfe

struct orders {
    struct shard_message waiting[SHARDS][WAITING_MAX];
    size_t count[SHARDS];
};

static void queue_order(struct orders *o, const struct shard_message *m, uint32_t shard)
{
    assert_true(o->count[shard] < WAITING_MAX);
    o->waiting[shard][o->count[shard]++] = *m;
}

static void let_one_through(struct bench *b, struct orders *o, uint32_t shard)
{
    if (o->count[shard] == 0)
        return;
    struct shard_message m = o->waiting[shard][0];
    memmove(&o->waiting[shard][0], &o->waiting[shard][1], --o->count[shard] * sizeof m);
    order(b, shard, &m);
}

static void queue_bind(struct orders *o, const struct peer *p)
{
    struct shard_message m = {.type = SHARD_BIND};
    m.bind.room = ROOM;
    m.bind.slot = ROOM_SLOT_VOICE_0;
    if (p != NULL) {
        m.bind.ref = (struct publication_ref){p->id, SEND_SLOT_MIC};
        m.bind.home = p->shard;
    }
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        queue_order(o, &m, shard);
}

static void queue_change(struct orders *o, const struct peer *trainer, const struct peer *listener,
                         bool class)
{
    struct shard_message m = aside(trainer, NULL);
    struct shard_message open = {.type = SHARD_GRANT};
    open.grant = (struct control_grant){trainer->id, SEND_SLOT_MIC, class, false};
    queue_bind(o, NULL);
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        queue_order(o, &m, shard);
    m = aside(trainer, listener);
    for (uint32_t shard = 0; listener != NULL && shard < SHARDS; shard++)
        queue_order(o, &m, shard);
    queue_order(o, &open, trainer->shard);
    if (class)
        queue_bind(o, trainer);
}

/* For whom the publisher's own shard takes what is said now: the one place where that is decided.
 */
static uint8_t addressed_to(struct bench *b, const struct peer *trainer)
{
    struct publication *p = shard_find_publication(
        b->cores[trainer->shard], (struct publication_ref){trainer->id, SEND_SLOT_MIC});
    if (p->listener != 0)
        return (uint8_t)(TO_ONE + p->listener);
    return p->open ? TO_ALL : 0;
}

static void in_no_order_of_orders_does_a_private_word_reach_anybody_else(void **state)
{
    struct bench *b = *state;
    struct peer *trainer = add_peer(b, 0, true);
    struct peer *peers[] = {add_peer(b, 0, true), add_peer(b, 1, true), add_peer(b, 1, true)};
    static struct orders o;
    struct rng rng = rng_of_seed(11);
    size_t in_private = 0, in_class = 0;
    memset(&o, 0, sizeof o);
    for (uint16_t i = 0; i < 20000; i++) {
        if (rng_below(&rng, 80) == 0 && o.count[0] + o.count[1] < WAITING_MAX / 4) {
            size_t whom = rng_below(&rng, 4);
            queue_change(&o, trainer, whom < 3 ? peers[whom] : NULL, whom == 3);
        }
        for (int k = 0; k < 2; k++)
            let_one_through(b, &o, (uint32_t)rng_below(&rng, SHARDS));
        pass_time(b, MILLISECONDS(20));
        for (size_t k = 0; i % 100 == 0 && k < COUNT_OF(peers); k++)
            send_voice(b, peers[k], i, 0); /* a sign of life; its slot is closed */
        uint8_t tag = addressed_to(b, trainer);
        size_t before[] = {peers[0]->voice, peers[1]->voice, peers[2]->voice};
        send_voice(b, trainer, i, tag);
        for (size_t k = 0; k < COUNT_OF(peers); k++) {
            if (peers[k]->voice == before[k])
                continue;
            uint8_t got = peers[k]->last_voice_tag;
            if (got != TO_ALL && got != TO_ONE + peers[k]->id)
                fail_msg("packet %u: %u heard what was for %u", i, (unsigned)peers[k]->id, got);
            in_private += got != TO_ALL;
            in_class += got == TO_ALL;
        }
    }
    assert_true(in_private > 2000);
    assert_true(in_class > 2000);
}

static void whoever_speaks_in_private_may_leave_at_any_time(void **state)
{
    struct bench *b = *state;
    struct peer *trainer = add_peer(b, 0, true);
    struct peer *learner = add_peer(b, 1, true);
    struct peer *other = add_peer(b, 1, true);
    set_aside(b, trainer, learner);
    set_aside(b, learner, trainer);
    send_voice(b, trainer, 1, 1);
    struct shard_message gone = {.type = SHARD_PARTICIPANT_REMOVE};
    gone.participant_remove = (struct control_participant_ref){learner->id, 1};
    order(b, learner->shard, &gone);
    send_voice(b, trainer, 2, 1);
    assert_int_equal(other->voice, 0);
    struct shard_message ends[] = {aside(trainer, NULL), aside(learner, NULL)};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        order(b, 0, &ends[i]);
        order(b, 1, &ends[i]);
    }
    pass_time(b, SECONDS(1));
    grant_voice(b, trainer, true);
    bind_voice(b, trainer);
    send_voice(b, trainer, 3, 2);
    assert_int_equal(other->voice, 1);
    assert_int_equal(other->last_voice_tag, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(what_is_said_in_private_is_heard_by_that_one_alone),
        BENCH_TEST(the_end_of_it_is_not_heard_by_the_class),
        BENCH_TEST(a_private_word_that_was_lost_and_comes_again_is_not_heard_by_the_class),
        BENCH_TEST(the_class_is_not_heard_on_the_line_of_an_aside),
        BENCH_TEST(in_no_order_of_orders_does_a_private_word_reach_anybody_else),
        BENCH_TEST(whoever_speaks_in_private_may_leave_at_any_time),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
