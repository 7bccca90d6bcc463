/* Several encodings of one screen, and who gets which of them: over two shards. */
#include "unit/relay/shard_bench.c"

static void a_publisher_that_stops_its_best_encoding_is_seen_by_the_next(void **state)
{
    struct bench *b = *state;
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    struct peer *const seen_by[] = {add_peer(b, 0, true), add_peer(b, 1, true)};
    bind_screen(b, sender);
    grant(b, sender, true);
    uint16_t high = 100, low = 60000;
    /* Both come, the worse one first: the better one is shown. */
    for (int i = 0; i < 10; i++) {
        if (i > 0)
            send_encoding(b, sender, 'l', i == 1, low++, 0x10);
        send_encoding(b, sender, 'h', i == 0, high++, 0x80);
        pass_time(b, MILLISECONDS(100));
    }
    for (size_t i = 0; i < COUNT_OF(seen_by); i++) {
        assert_int_equal(seen_by[i]->screen, 10);
        assert_int_equal(seen_by[i]->last_tag, 0x80);
    }
    /* A still screen is no reason to change, whichever comes first behind it. */
    pass_time(b, SECONDS(5));
    send_encoding(b, sender, 'l', false, low++, 0x11);
    send_encoding(b, sender, 'h', false, high++, 0x81);
    pass_time(b, MILLISECONDS(10)); /* video may be held for a moment */
    assert_int_equal(seen_by[0]->screen, 11);
    assert_int_equal(seen_by[0]->last_tag, 0x81);
    /* The better one ends: within a second and a key frame the other is there, on both shards. */
    size_t plis = sender->plis;
    for (int i = 0; i < 12; i++) {
        pass_time(b, MILLISECONDS(100));
        send_encoding(b, sender, 'l', false, low++, 0x12);
    }
    assert_int_equal(seen_by[0]->screen, 11);
    assert_true(sender->plis > plis);
    send_encoding(b, sender, 'l', true, low++, 0x13);
    send_encoding(b, sender, 'l', false, low++, 0x14);
    pass_time(b, MILLISECONDS(10));
    for (size_t i = 0; i < COUNT_OF(seen_by); i++) {
        assert_int_equal(seen_by[i]->screen, 13);
        assert_int_equal(seen_by[i]->last_tag, 0x14);
        assert_int_equal((uint16_t)(seen_by[i]->last_seq - seen_by[i]->first_seq), 12); /* no gap */
    }
    /* It comes again, with a key frame as encoders begin, and is shown at once. */
    send_encoding(b, sender, 'h', true, high++, 0x82);
    send_encoding(b, sender, 'l', false, low++, 0x15);
    pass_time(b, MILLISECONDS(10));
    for (size_t i = 0; i < COUNT_OF(seen_by); i++)
        assert_int_equal(seen_by[i]->last_tag, 0x82);
}

static struct subscription *screen_of(struct bench *b, const struct peer *p)
{
    return &shard_find_participant(b->cores[p->shard], p->id)->subscriptions[0];
}

static void set_target(struct bench *b, const struct peer *p, struct layer_target target)
{
    struct shard_core *c = b->cores[p->shard];
    assert_true(thinning_set_target(c, b->now, screen_of(b, p), target, false, &b->tx[p->shard]));
    pump(b);
}

static void got_every_number(const struct peer *p)
{
    assert_int_equal((uint16_t)(p->last_seq - p->first_seq) + 1u, p->screen);
}

/* What is lost at home comes again when it is asked for, whichever encoding it was. */
static void is_sent_again(struct bench *b, struct peer *p, uint16_t seq)
{
    size_t resent = p->resent;
    ask(b, p, &seq);
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(p->resent, resent + 1);
    assert_int_equal(p->last_resent, seq);
}

static void
a_learner_on_a_worse_encoding_gets_it_without_a_gap_and_the_others_the_best(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    static const struct layer_target everything = {LAYER_LIVE, 0, LAYER_ALL};
    struct bench *b = *state;
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    struct peer *near = add_peer(b, 0, true), *far = add_peer(b, 1, true);
    struct peer *other = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    uint16_t high = 100, low_seq = 60000;
    for (int i = 0; i < 5; i++) {
        send_encoding(b, sender, 'h', i == 0, high++, 0x80);
        send_encoding(b, sender, 'l', i == 0, low_seq++, 0x10);
    }
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(near->last_tag, 0x80);
    /* The other shard does not even get what nobody there wants. */
    const struct publication *replica =
        shard_find_publication(b->cores[1], (struct publication_ref){sender->id, SEND_SLOT_SCREEN});
    assert_int_equal(replica->streams[1].serial, 0);
    set_target(b, near, low);
    set_target(b, far, low);
    assert_int_equal(near->last_tag, 0x10); /* its key frame is here */
    /* The far one goes on with the best until the other's key frame comes: asked for once. */
    size_t plis = sender->plis;
    send_encoding(b, sender, 'h', false, high++, 0x81);
    send_encoding(b, sender, 'l', false, low_seq++, 0x11);
    send_encoding(b, sender, 'l', false, low_seq++, 0x11);
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(near->last_tag, 0x11);
    assert_int_equal(far->last_tag, 0x81);
    assert_int_equal(sender->plis, plis + 1);
    send_encoding(b, sender, 'l', true, low_seq++, 0x12);
    send_encoding(b, sender, 'h', false, high++, 0x82);
    send_encoding(b, sender, 'l', false, low_seq++, 0x13);
    pass_time(b, MILLISECONDS(10));
    struct peer *const thinned[] = {near, far};
    for (size_t i = 0; i < COUNT_OF(thinned); i++) {
        assert_int_equal(thinned[i]->last_tag, 0x13);
        got_every_number(thinned[i]);
    }
    assert_int_equal(other->last_tag, 0x82);
    for (uint16_t back = 0; back < 3; back++)
        is_sent_again(b, far, (uint16_t)(far->last_seq - back));
    /* Back: at the best one's next key frame, and then as if nothing had been. */
    set_target(b, near, everything);
    set_target(b, far, everything);
    for (int i = 0; i < 3; i++) {
        send_encoding(b, sender, 'h', i == 0, high++, (uint8_t)(0x90 + i));
        send_encoding(b, sender, 'l', false, low_seq++, 0x14);
    }
    pass_time(b, MILLISECONDS(10));
    for (size_t i = 0; i < COUNT_OF(thinned); i++) {
        assert_int_equal(thinned[i]->last_tag, 0x92);
        assert_false(screen_of(b, thinned[i])->is_thinned);
        got_every_number(thinned[i]);
    }
    is_sent_again(b, far, (uint16_t)(far->last_seq - 4)); /* of the worse encoding */
    const struct publication *home =
        shard_find_publication(b->cores[0], (struct publication_ref){sender->id, SEND_SLOT_SCREEN});
    assert_int_equal(home->wanted_here | home->wanted_elsewhere, 0);
}

/* A publisher of two encodings on the first shard, a learner on the second. */
static struct peer *show_to_another_shard(struct bench *b, struct peer **far)
{
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    return sender;
}

/* Its mind changes while the key frame that it asked for comes: nothing of that may be missing. */
static void what_a_shard_wants_again_soon_has_no_hole(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    static const struct layer_target high = {LAYER_LIVE, 0, 0};
    struct bench *b = *state;
    struct peer *far;
    struct peer *sender = show_to_another_shard(b, &far);
    uint16_t low_seq = 500;
    send_encoding(b, sender, 'h', true, 100, 0x80);
    send_encoding(b, sender, 'l', true, low_seq++, 0x10);
    set_target(b, far, low);
    set_target(b, far, high);
    for (int i = 0; i < 4; i++)
        send_encoding(b, sender, 'l', i == 0, low_seq++, 0x11);
    const struct publication *replica =
        shard_find_publication(b->cores[1], (struct publication_ref){sender->id, SEND_SLOT_SCREEN});
    uint64_t first;
    assert_int_equal(retransmit_cache_find_key_frame(&replica->streams[1].cache, 64, &first), 4);
    /* And not for ever. */
    pass_time(b, PUBLICATION_LINGER_US);
    send_encoding(b, sender, 'h', false, 101, 0x81); /* it is still the main one */
    uint64_t highest = replica->streams[1].cache.highest;
    send_encoding(b, sender, 'l', false, low_seq++, 0x14);
    assert_int_equal(replica->streams[1].cache.highest, highest);
}

/* Longer, and what came in between is missing: the old key frame is the beginning of nothing. */
static void what_a_shard_wants_again_later_begins_with_a_new_key_frame(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    static const struct layer_target high = {LAYER_LIVE, 0, LAYER_ALL};
    struct bench *b = *state;
    struct peer *far;
    struct peer *sender = show_to_another_shard(b, &far);
    uint16_t low_seq = 500, high_seq = 100;
    send_encoding(b, sender, 'h', true, high_seq++, 0x80);
    send_encoding(b, sender, 'l', true, low_seq++, 0x10);
    set_target(b, far, low);
    for (int i = 0; i < 4; i++)
        send_encoding(b, sender, 'l', i == 0, low_seq++, 0x11);
    set_target(b, far, high);
    send_encoding(b, sender, 'h', true, high_seq++, 0x82);
    pass_time(b, 2 * PUBLICATION_LINGER_US);
    send_encoding(b, sender, 'h', false, high_seq++, 0x83);
    for (int i = 0; i < 4; i++) /* of these the shard gets none */
        send_encoding(b, sender, 'l', false, low_seq++, 0x12);
    size_t before = far->screen, asked = sender->plis_of[1];
    set_target(b, far, low);
    send_encoding(b, sender, 'l', false, low_seq++, 0x13);
    assert_int_not_equal(far->last_tag, 0x11);
    assert_int_not_equal(far->last_tag, 0x13);
    assert_int_equal(sender->plis_of[1], asked + 1);
    send_encoding(b, sender, 'l', true, low_seq++, 0x14);
    assert_true(far->screen > before);
    assert_int_equal(far->last_tag, 0x14);
}

static void a_thinned_learner_that_leaves_wants_nothing_any_more(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    set_target(b, far, (struct layer_target){LAYER_LIVE, 1, 0});
    const struct publication *home =
        shard_find_publication(b->cores[0], (struct publication_ref){sender->id, SEND_SLOT_SCREEN});
    assert_int_equal(home->wanted_elsewhere, 3);
    set_target(b, far, (struct layer_target){.mode = LAYER_OFF});
    assert_int_equal(home->wanted_elsewhere, 0);
    size_t screen = far->screen;
    send_screen(b, sender, false, 2);
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(far->screen, screen);
    set_target(b, far, (struct layer_target){LAYER_LIVE, 1, 0});
    struct shard_message m = {.type = SHARD_PARTICIPANT_REMOVE};
    m.participant_remove = (struct control_participant_ref){far->id, 1};
    order(b, 1, &m);
    assert_int_equal(home->wanted_elsewhere, 0);
}

static void an_encoding_that_nobody_gets_is_told_off_after_a_while_and_on_at_once(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    static const struct layer_target everything = {LAYER_LIVE, 0, LAYER_ALL};
    struct bench *b = *state;
    struct peer *far;
    struct peer *sender = show_to_another_shard(b, &far);
    uint16_t high = 100, low_seq = 60000;
    for (int i = 0; i < 25; i++) {
        assert_int_equal(b->demand_told, i < 19 ? 0 : b->demand_told);
        send_encoding(b, sender, 'h', i == 0, high++, 0x80);
        send_encoding(b, sender, 'l', i == 0, low_seq++, 0x10);
        pass_time(b, MILLISECONDS(500));
    }
    assert_int_equal(b->demand_told, 1);
    set_target(b, far, low);
    assert_int_equal(b->demand_told, 3);
    assert_int_equal(b->quality_told, CONTROL_QUALITY_REDUCED);
    set_target(b, far, (struct layer_target){LAYER_STILL, 1, 0});
    assert_int_equal(b->quality_told, CONTROL_QUALITY_STILL);
    set_target(b, far, (struct layer_target){.mode = LAYER_OFF});
    assert_int_equal(b->quality_told, CONTROL_QUALITY_OFF);
    set_target(b, far, everything);
    set_target(b, far, everything);
    assert_int_equal(b->quality_told, CONTROL_QUALITY_FULL);
    assert_int_equal(b->qualities_told, 4);
    send_encoding(b, sender, 'h', true, high++, 0x81);
    assert_int_equal(b->demand_told, 3);
    pass_time(b, SECONDS(12));
    assert_int_equal(b->demand_told, 1);
}

/* A publisher that sends only its best encoding until it is asked for more, as a page does. */
static struct peer *add_sparing_peer(struct bench *b)
{
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    bind_screen(b, sender);
    grant(b, sender, true);
    return sender;
}

/* Time passes for peers that are there: they check their paths as they must. */
static void live_on(struct bench *b, usec_t duration)
{
    uint8_t check[400];
    for (size_t i = 0; i < b->peer_count; i++)
        give(b, &b->peers[i], check, ice_peer_write_check(&b->peers[i].ice, check));
    pass_time(b, duration);
}

static struct allocator_stream describe(struct bench *b, const struct peer *p)
{
    struct allocator_stream out;
    thinning_describe(screen_of(b, p), b->now, &out);
    return out;
}

static void
a_low_encoding_that_nobody_needs_is_not_asked_for_and_at_once_when_one_does(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    static const struct layer_target everything = {LAYER_LIVE, 0, LAYER_ALL};
    struct bench *b = *state;
    struct peer *sender = add_sparing_peer(b);
    struct peer *near = add_peer(b, 0, true), *far = add_peer(b, 1, true);
    struct peer *const learners[] = {near, far};
    uint16_t high = 100, low_seq = 60000;
    for (size_t i = 0; i < COUNT_OF(learners); i++)
        assert_false(describe(b, learners[i]).active); /* nothing is sent yet */
    for (int i = 0; i < 30; i++) {
        send_encoding(b, sender, 'h', i == 0, high++, 0x80);
        live_on(b, MILLISECONDS(500));
    }
    assert_int_equal(b->demand_told, 0);              /* never */
    for (size_t i = 0; i < COUNT_OF(learners); i++) { /* and yet it may be chosen */
        struct allocator_stream stream = describe(b, learners[i]);
        assert_true(stream.active);
        assert_true(stream.encodings[0].exists && stream.encodings[1].exists);
        assert_false(stream.encodings[2].exists);
        assert_int_equal(stream.encodings[1].layers, 0);
    }
    set_target(b, far, low);
    assert_int_equal(b->demand_told, 3);
    /* Until it comes, what there is. */
    send_encoding(b, sender, 'h', false, high++, 0x81);
    pass_time(b, MILLISECONDS(100));
    assert_int_equal(far->last_tag, 0x81);
    send_encoding(b, sender, 'l', true, low_seq++, 0x11);
    send_encoding(b, sender, 'h', true, high++, 0x82);
    pass_time(b, MILLISECONDS(100));
    assert_int_equal(far->last_tag, 0x11);
    assert_int_equal(near->last_tag, 0x82);
    got_every_number(far);
    set_target(b, far, everything);
    for (int i = 0; i < 24; i++) {
        send_encoding(b, sender, 'h', i == 0, high++, 0x83);
        send_encoding(b, sender, 'l', false, low_seq++, 0x12);
        live_on(b, MILLISECONDS(500));
    }
    assert_int_equal(far->last_tag, 0x83);
    assert_int_equal(b->demand_told, 1);
}

static void
a_low_encoding_that_does_not_come_when_asked_for_is_no_choice_until_it_does(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    struct bench *b = *state;
    struct peer *sender = add_sparing_peer(b);
    struct peer *near = add_peer(b, 0, true), *far = add_peer(b, 1, true);
    struct peer *const learners[] = {near, far};
    uint16_t high = 100;
    send_encoding(b, sender, 'h', true, high++, 0x80);
    set_target(b, far, low);
    /* While nothing at all comes it may be the line, or a still screen. */
    live_on(b, SECONDS(10));
    assert_true(describe(b, near).encodings[1].exists);
    send_encoding(b, sender, 'h', false, high++, 0x80);
    for (int i = 0; i < 7; i++) {
        live_on(b, MILLISECONDS(500));
        send_encoding(b, sender, 'h', false, high++, 0x81);
    }
    pass_time(b, MILLISECONDS(100));
    send_encoding(b, sender, 'h', false, high++, 0x82);
    for (size_t i = 0; i < COUNT_OF(learners); i++) {
        assert_true(describe(b, learners[i]).encodings[0].exists);
        assert_false(describe(b, learners[i]).encodings[1].exists);
    }
    for (int i = 0; i < 3; i++)
        live_on(b, SECONDS(5));
    assert_int_equal(b->demand_told, 3); /* it stays asked for: the page's line may be down */
    assert_int_equal(far->last_tag, 0x82);
    send_encoding(b, sender, 'l', true, 60000, 0x11);
    pass_time(b, MILLISECONDS(100));
    for (size_t i = 0; i < COUNT_OF(learners); i++)
        assert_true(describe(b, learners[i]).encodings[0].exists);
    assert_true(describe(b, near).encodings[1].exists);
    assert_int_equal(far->last_tag, 0x11);
}

static void sound_that_is_off_comes_again_without_a_gap(void **state)
{
    struct bench *b = *state;
    struct peer *speaker = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    bind_voice(b, speaker);
    grant_voice(b, speaker, true);
    struct subscription *s = &shard_find_participant(b->cores[0], near->id)->subscriptions[1];
    for (int i = 0; i < 30; i++) {
        bool on = i < 10 || i >= 20;
        assert_true(thinning_set_target(
            b->cores[0], b->now, s,
            (struct layer_target){on ? LAYER_LIVE : LAYER_OFF, 0, LAYER_ALL}, false, &b->tx[0]));
        send_voice(b, speaker, (uint16_t)(100 + i), (uint8_t)i);
        pass_time(b, MILLISECONDS(20));
    }
    assert_int_equal(near->voice, 20);
    assert_int_equal((uint16_t)(near->last_voice_seq - near->first_voice_seq), 19);
    assert_int_equal(near->last_voice_tag, 29);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(a_publisher_that_stops_its_best_encoding_is_seen_by_the_next),
        BENCH_TEST(a_learner_on_a_worse_encoding_gets_it_without_a_gap_and_the_others_the_best),
        BENCH_TEST(what_a_shard_wants_again_soon_has_no_hole),
        BENCH_TEST(what_a_shard_wants_again_later_begins_with_a_new_key_frame),
        BENCH_TEST(a_thinned_learner_that_leaves_wants_nothing_any_more),
        BENCH_TEST(an_encoding_that_nobody_gets_is_told_off_after_a_while_and_on_at_once),
        BENCH_TEST(a_low_encoding_that_nobody_needs_is_not_asked_for_and_at_once_when_one_does),
        BENCH_TEST(a_low_encoding_that_does_not_come_when_asked_for_is_no_choice_until_it_does),
        BENCH_TEST(sound_that_is_off_comes_again_without_a_gap),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
