/* What two shards forward, to whom, and what is left when somebody goes. */
#include "unit/relay/shard_bench.c"

static void a_closed_slot_forwards_nothing_and_an_open_one_the_next_packet(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    send_screen(b, sender, true, 1);
    assert_int_equal(drops(b, 0, DROP_CLOSED_SLOT), 1);
    assert_int_equal(near->screen + far->screen + b->publications_told, 0);
    grant(b, sender, true);
    send_screen(b, sender, true, 2);
    assert_int_equal(near->screen, 1);
    assert_int_equal(far->screen, 1);
    assert_int_equal(far->last_tag, 2);
    assert_int_equal(b->publications_told, 1);
    grant(b, sender, false);
    send_screen(b, sender, true, 3);
    assert_int_equal(near->screen + far->screen, 2);
    assert_int_equal(sender->screen, 0); /* nobody gets its own picture back */
}

static void whatever_the_order_of_grants_nothing_passes_while_closed(void **state)
{
    struct bench *b = *state;
    struct rng rng = rng_of_seed(7);
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bool open = false;
    size_t passed = 0;
    size_t closed = 0;
    uint16_t expected = 0;
    bind_screen(b, sender);
    for (int i = 0; i < 2000; i++) {
        if (rng_below(&rng, 5) == 0)
            grant(b, sender, open = rng_below(&rng, 2) == 0);
        b->now += MILLISECONDS(5);
        send_screen(b, sender, true, (uint8_t)i);
        passed += open ? 1 : 0;
        closed += open ? 0 : 1;
        assert_int_equal(near->screen, passed);
        assert_int_equal(far->screen, passed);
        if (!open)
            continue;
        assert_int_equal(near->last_tag, (uint8_t)i);
        expected = passed == 1 ? near->last_seq : (uint16_t)(expected + 1);
        assert_int_equal(near->last_seq, expected); /* closing leaves no gap */
    }
    assert_true(passed > 300 && closed > 300);
    assert_int_equal(drops(b, 0, DROP_CLOSED_SLOT), closed);
}

static void a_late_joiner_gets_the_key_frame_and_what_followed_without_a_request(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    (void)add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (uint8_t i = 0; i < 20; i++)
        send_screen(b, sender, i == 5, i); /* 15 from the key frame on */
    size_t asked = sender->plis;
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        const struct peer *late = add_peer(b, shard, true);
        assert_int_equal(late->screen, 15);
        assert_int_equal((uint16_t)(late->last_seq - late->first_seq), 14);
        assert_int_equal(late->last_tag, 19);
    }
    assert_int_equal(sender->plis, asked);
}

static void a_late_joiner_is_shown_nothing_of_a_slot_that_was_closed(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    (void)add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    grant(b, sender, false);
    assert_int_equal(add_peer(b, 0, true)->screen, 0);
}

static void key_frame_requests_are_merged_and_go_back_to_the_publisher(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    pass_time(b, SECONDS(3));
    sender->plis = b->key_frames_wanted = 0;
    for (int i = 0; i < 50; i++) { /* five seconds */
        ask(b, far, NULL);
        ask(b, near, NULL);
        pass_time(b, MILLISECONDS(100));
        send_screen(b, sender, false, 2);
    }
    assert_in_range(sender->plis, 4, 6); /* once a second */
    assert_in_range(b->key_frames_wanted, 4, 6);
    send_screen(b, sender, true, 3);
    sender->plis = 0;
    pass_time(b, SECONDS(3));
    send_screen(b, sender, false, 4);
    assert_int_equal(sender->plis, 0); /* it came: nothing more is asked */
}

/* Its encoder answers with the next picture; one that has made another since has passed it over. */
static void a_publisher_whose_screen_stands_still_is_not_asked_twice_for_one_key_frame(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *viewer = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    pass_time(b, SECONDS(3));
    for (int i = 0; i < 4; i++) {
        sender->plis = 0;
        ask(b, viewer, NULL);
        pass_time(b, MILLISECONDS(1500));
        assert_int_equal(sender->plis, 1);
        send_screen(b, sender, true, 2);
        pass_time(b, SECONDS(5));
        assert_int_equal(sender->plis, 1);
    }
    sender->plis = 0;
    ask(b, viewer, NULL);
    pass_time(b, MILLISECONDS(1500));
    send_screen(b, sender, false, 3);
    assert_int_equal(sender->plis, 2);
    pass_time(b, SECONDS(9)); /* it may have been lost */
    assert_in_range(sender->plis, 5, 7);
}

static void the_clocks_of_voice_and_screen_come_to_be_told_in_one_datagram(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *listener = add_peer(b, 0, true);
    bind_screen(b, sender);
    bind_voice(b, sender);
    grant(b, sender, true);
    grant_voice(b, sender, true);
    for (uint16_t i = 0; i < 280; i++) {
        if (i == 80) /* four seconds later they are together */
            listener->report_datagrams = listener->screen_reports = listener->voice_reports = 0;
        send_voice(b, sender, i, 1);
        send_screen(b, sender, i == 0, 1);
        pass_time(b, MILLISECONDS(50));
    }
    assert_in_range(listener->screen_reports, 9, 11); /* once a second */
    assert_in_range(listener->voice_reports, 4, 6);   /* once in two */
    assert_int_equal(listener->report_datagrams, listener->screen_reports);
}

/* A broken decoder, or a spiteful one: whoever gets a stream pays for its key frames. */
static void who_asks_for_key_frames_without_end_gets_some_and_others_theirs(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *greedy = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    pass_time(b, SECONDS(3));
    size_t answered = sender->plis = 0;
    for (int i = 0; i < 600; i++) { /* a minute */
        ask(b, greedy, NULL);
        if (i % 100 == 0)
            ask(b, far, &far->last_seq); /* a sign of life */
        pass_time(b, MILLISECONDS(100));
        send_screen(b, sender, sender->plis > answered, 2);
        answered = sender->plis;
    }
    assert_in_range(answered, 5, 21);
    pass_time(b, SECONDS(1));
    ask(b, far, NULL);
    assert_int_equal(sender->plis, answered + 1);
}

static void a_lost_packet_is_sent_again_from_the_replica(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (uint8_t i = 0; i < 10; i++)
        send_screen(b, sender, i == 0, i);
    uint16_t wanted = (uint16_t)(far->last_seq - 3);
    ask(b, far, &wanted);
    assert_int_equal(far->resent, 1);
    assert_int_equal(far->last_resent, wanted);
    ask(b, far, &wanted);
    assert_int_equal(far->resent, 1);
    assert_int_equal(drops(b, 1, DROP_RETRANSMIT_LIMIT), 1);
    wanted = (uint16_t)(far->last_seq + 1);
    ask(b, far, &wanted);
    assert_int_equal(drops(b, 1, DROP_RETRANSMIT_GONE), 1);
    assert_int_equal(shard_core_get_stats(b->cores[0])->retransmitted, 0);
}

static void what_was_queued_from_a_cache_goes_before_the_cache_does(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    struct participant *p = shard_find_participant(b->cores[0], near->id);
    forwarder_resend(b->cores[0], b->now, p, &p->subscriptions[0], near->last_seq, &b->tx[0]);
    struct shard_message m = {.type = SHARD_PARTICIPANT_REMOVE, .participant_remove = {1, 1}};
    order(b, 0, &m); /* in the same turn */
    assert_int_equal(near->resent, 1);
}

static void an_undeclared_stream_is_bound_by_its_mid_also_when_it_changes(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, false);
    struct peer *near = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    sender->ssrc = 0xabcdef;
    send_screen(b, sender, true, 1);
    assert_int_equal(near->screen, 1);
    sender->ssrc = 0xabcdf0;
    sender->seq = 40000;
    send_screen(b, sender, false, 2); /* begins afresh: a key frame first */
    assert_int_equal(near->screen, 1);
    send_screen(b, sender, true, 3);
    assert_int_equal(near->screen, 2);
    assert_int_equal((uint16_t)(near->last_seq - near->first_seq), 1);
    sender->ssrc = 0;
    send_screen(b, sender, true, 4);
    assert_int_equal(drops(b, 0, DROP_UNKNOWN_SSRC), 1);
}

static void a_voice_is_heard_on_both_shards_and_by_nobody_when_the_floor_is_taken(void **state)
{
    struct bench *b = *state;
    struct peer *speaker = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_voice(b, speaker);
    grant_voice(b, speaker, true);
    for (uint16_t i = 0; i < 50; i++) {
        send_voice(b, speaker, (uint16_t)(65520 + i), (uint8_t)i);
        pass_time(b, MILLISECONDS(20));
    }
    struct peer *const heard_by[] = {near, far};
    for (size_t i = 0; i < COUNT_OF(heard_by); i++) {
        assert_int_equal(heard_by[i]->voice, 50);
        assert_int_equal((uint16_t)(heard_by[i]->last_voice_seq - heard_by[i]->first_voice_seq),
                         49);
        assert_int_equal(heard_by[i]->last_voice_tag, 49);
    }
    assert_int_equal(speaker->voice, 0); /* nobody hears themselves */
    grant_voice(b, speaker, false);
    for (uint16_t i = 50; i < 60; i++) {
        send_voice(b, speaker, (uint16_t)(65520 + i), (uint8_t)i);
        pass_time(b, MILLISECONDS(20));
    }
    assert_int_equal(near->last_voice_tag, 49);
    assert_int_equal(far->last_voice_tag, 49);
    assert_int_equal(drops(b, 0, DROP_CLOSED_SLOT), 10);
}

static void
a_lost_word_is_asked_for_and_nothing_of_what_was_said_while_nobody_listened(void **state)
{
    struct bench *b = *state;
    struct peer *speaker = add_peer(b, 0, true);
    struct peer *listener = add_peer(b, 1, true);
    bind_voice(b, speaker);
    grant_voice(b, speaker, true);
    pass_time(b, SECONDS(1));
    send_voice(b, speaker, 10, 1);
    send_voice(b, speaker, 12, 1);
    pass_time(b, MILLISECONDS(15));
    assert_int_equal(speaker->nacks, 1);
    send_voice(b, speaker, 11, 2);
    assert_int_equal(listener->voice, 3);
    pass_time(b, SECONDS(1));
    assert_int_equal(speaker->nacks, 1);
    grant_voice(b, speaker, false);
    send_voice(b, speaker, 13, 3);
    send_voice(b, speaker, 15, 3);
    grant_voice(b, speaker, true);
    send_voice(b, speaker, 17, 4);
    pass_time(b, SECONDS(1));
    assert_int_equal(speaker->nacks, 1);
    send_voice(b, speaker, 9, 5); /* of the turn before */
    assert_int_equal(listener->voice, 4);
    assert_int_equal(listener->last_voice_tag, 4);
}

static void whoever_goes_leaves_nothing_behind(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    (void)add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    bind_screen(b, NULL);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_PARTICIPANT_REMOVE,
                                  .participant_remove = {i + 1, 1}};
        order(b, i, &m);
        m = (struct shard_message){.type = SHARD_ROOM};
        m.room.room = ROOM;
        order(b, i, &m);
        const struct shard_core *c = b->cores[i];
        assert_int_equal(c->participants.used, 0);
        assert_int_equal(c->rooms.used, 0);
        assert_int_equal(c->publication_count, 0);
        assert_int_equal(c->by_address.used + c->by_ufrag.used + c->by_id.used, 0);
        assert_int_equal(c->publications.used, 0);
        assert_int_equal(shard_core_next_timeout(c), USEC_NEVER);
    }
}

static void a_closed_connection_is_no_way_any_more_and_media_goes_on_by_another(void **state)
{
    struct bench *b = *state;
    struct peer *p = add_peer(b, 0, true);
    struct net_addr udp = p->addr;
    struct net_addr tcp = p->addr;
    struct net_addr to;
    uint8_t check[STUN_BYTES_MAX];
    const struct participant *participant = shard_find_participant(b->cores[0], p->id);
    tcp.protocol = NET_PROTOCOL_TCP;
    assert_false(shard_core_is_path(b->cores[0], &tcp));
    p->addr = tcp;
    p->ice.use_candidate = true;
    give(b, p, check, ice_peer_write_check(&p->ice, check));
    assert_true(shard_core_is_path(b->cores[0], &tcp));
    assert_true(transport_get_remote(participant->transport, b->now, &to));
    assert_true(net_addr_equal(&to, &tcp));
    uint32_t paths = b->cores[0]->by_address.used;
    shard_core_handle_path_closed(b->cores[0], b->now, &tcp, &b->tx[0]);
    assert_false(shard_core_is_path(b->cores[0], &tcp));
    assert_true(shard_core_is_path(b->cores[0], &udp));
    assert_int_equal(b->cores[0]->by_address.used, paths - 1);
    assert_true(transport_get_remote(participant->transport, b->now, &to));
    assert_true(net_addr_equal(&to, &udp));
}

static void a_shard_that_begins_anew_holds_nobody_and_takes_the_next(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *listener = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    assert_int_equal(listener->screen, 1);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_RESET};
        order(b, i, &m);
        const struct shard_core *c = b->cores[i];
        assert_int_equal(c->participants.used + c->rooms.used + c->publications.used, 0);
        assert_int_equal(c->by_address.used + c->by_ufrag.used + c->by_id.used, 0);
        assert_int_equal(shard_core_next_timeout(c), USEC_NEVER);
    }
    struct shard_message m = {.type = SHARD_RESET};
    order(b, 0, &m);            /* of nothing is nothing */
    (void)add_peer(b, 0, true); /* connects */
    assert_int_equal(b->cores[0]->participants.used, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(a_closed_slot_forwards_nothing_and_an_open_one_the_next_packet),
        BENCH_TEST(whatever_the_order_of_grants_nothing_passes_while_closed),
        BENCH_TEST(a_late_joiner_gets_the_key_frame_and_what_followed_without_a_request),
        BENCH_TEST(a_late_joiner_is_shown_nothing_of_a_slot_that_was_closed),
        BENCH_TEST(key_frame_requests_are_merged_and_go_back_to_the_publisher),
        BENCH_TEST(a_publisher_whose_screen_stands_still_is_not_asked_twice_for_one_key_frame),
        BENCH_TEST(the_clocks_of_voice_and_screen_come_to_be_told_in_one_datagram),
        BENCH_TEST(who_asks_for_key_frames_without_end_gets_some_and_others_theirs),
        BENCH_TEST(a_lost_packet_is_sent_again_from_the_replica),
        BENCH_TEST(what_was_queued_from_a_cache_goes_before_the_cache_does),
        BENCH_TEST(an_undeclared_stream_is_bound_by_its_mid_also_when_it_changes),
        BENCH_TEST(a_voice_is_heard_on_both_shards_and_by_nobody_when_the_floor_is_taken),
        BENCH_TEST(a_lost_word_is_asked_for_and_nothing_of_what_was_said_while_nobody_listened),
        BENCH_TEST(whoever_goes_leaves_nothing_behind),
        BENCH_TEST(a_closed_connection_is_no_way_any_more_and_media_goes_on_by_another),
        BENCH_TEST(a_shard_that_begins_anew_holds_nobody_and_takes_the_next),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
