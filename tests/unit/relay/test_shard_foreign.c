/* What clients other than the classroom page do: reports without transport-wide numbers, a port
 * that was another one's. */
#include "unit/relay/shard_bench.c"

static void send_large(struct bench *b, struct peer *sender)
{
    uint8_t frame[1200] = {0x10, 0x11, 2, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0};
    frame[1] = sender->seq == 0 ? 0x10 : 0x11; /* a key frame first */
    send_rtp(b, sender,
             &(struct sent){.payload_type = SCREEN_PT,
                            .seq = sender->seq++,
                            .timestamp = (uint32_t)(b->now * 9 / 100),
                            .ssrc = sender->ssrc,
                            .mid = 's',
                            .payload = bytes_of(frame, sizeof frame)});
}

/* A screen of 1 Mbit/s. */
static void show_screen(struct bench *b, struct peer *sender, usec_t duration)
{
    for (usec_t end = b->now + duration; b->now < end;) {
        send_large(b, sender);
        pass_time(b, MILLISECONDS(10));
    }
}

/* It names our report of half a second ago, if `rtt_us` is not 0. */
static void name_report(const struct bench *b, struct rtcp_report_block *block, usec_t rtt_us)
{
    if (rtt_us == 0)
        return;
    uint64_t zero = b->cores[0]->config.ntp_at_zero;
    block->last_sr = (uint32_t)(ntp_of_usec(zero, b->now - MILLISECONDS(500)) >> 16);
    block->delay_since_sr = (uint32_t)((MILLISECONDS(500) - rtt_us) * 65536 / 1000000);
}

/* What a receiver says in one compound packet: a receiver report where `lost` is not negative (in
 * 256ths), up to number `highest`, a REMB where `remb_bps` is not 0. */
struct said {
    int lost;
    uint32_t highest;
    usec_t rtt_us; /* names our report of half a second ago; 0: none */
    uint64_t remb_bps;
};

static void say(struct bench *b, struct peer *p, struct said said)
{
    uint8_t packet[200];
    struct writer w = writer_of((struct bytes_mut){packet, 100});
    struct rtcp_report report = {.ssrc = 5, .block_count = 1};
    struct rtcp_remb remb = {.sender_ssrc = 5, .rate_bps = said.remb_bps, .ssrc_count = 1};
    report.blocks[0].ssrc = remb.ssrcs[0] = (uint32_t)(70 + p->id);
    report.blocks[0].fraction_lost = (uint8_t)(said.lost > 0 ? said.lost : 0);
    report.blocks[0].highest_seq = said.highest;
    name_report(b, &report.blocks[0], said.rtt_us);
    if (said.lost >= 0)
        rtcp_write_report(&w, &report);
    if (said.remb_bps > 0)
        rtcp_write_remb(&w, &remb);
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtcp(p->cipher, packet, &size), STATUS_OK);
    give(b, p, packet, size);
}

static void give_report(struct bench *b, struct peer *p, int lost, uint64_t remb_bps)
{
    say(b, p, (struct said){.lost = lost, .remb_bps = remb_bps});
}

static struct downlink *begin(struct bench *b, struct peer **sender, struct peer **learner)
{
    *sender = add_peer(b, 0, true);
    *learner = add_peer(b, 0, true);
    bind_screen(b, *sender);
    grant(b, *sender, true);
    return shard_find_participant(b->cores[0], (*learner)->id)->downlink;
}

/* Chromium without transport-cc sends them so (RFC 3550 6.1). Its line carries 300 kbit/s. */
static void a_remb_behind_a_report_lowers_the_estimate_and_the_screen_is_paced(void **state)
{
    struct bench *b = *state;
    struct peer *sender, *learner;
    struct downlink *d = begin(b, &sender, &learner);
    for (int i = 0; i < 5; i++) {
        show_screen(b, sender, SECONDS(1));
        give_report(b, learner, 0, 300000);
    }
    assert_true(bwe_get_estimate(&d->bwe) <= 450000);
    assert_int_equal(d->state, DOWNLINK_PACED);
}

static void no_report_raises_the_estimate_beyond_a_fresh_remb(void **state)
{
    struct bench *b = *state;
    struct peer *sender, *learner;
    struct downlink *d = begin(b, &sender, &learner);
    for (int i = 0; i < 8; i++) {
        show_screen(b, sender, MILLISECONDS(500));
        give_report(b, learner, -1, 300000);
        show_screen(b, sender, MILLISECONDS(500));
        give_report(b, learner, 0, 0);
    }
    assert_true(bwe_get_estimate(&d->bwe) <= 330000);
    for (int i = 0; i < 8; i++) { /* it says nothing more: what it said is old */
        show_screen(b, sender, SECONDS(1));
        give_report(b, learner, 0, 0);
    }
    assert_true(bwe_get_estimate(&d->bwe) > 400000);
}

/* libwebrtc's rises by 8 % a second behind what comes: on a wide line the first slide after a quiet
 * minute is far more than it says. */
static void a_remb_that_rises_behind_the_traffic_is_no_narrow_line(void **state)
{
    struct bench *b = *state;
    struct peer *sender, *learner;
    struct downlink *d = begin(b, &sender, &learner);
    for (int i = 0; i < 6; i++) {
        pass_time(b, SECONDS(1));
        give_report(b, learner, 0, 100000);
    }
    for (uint64_t i = 1; i < 8; i++) {
        show_screen(b, sender, SECONDS(1));
        give_report(b, learner, 0, 100000 + 8000 * i);
    }
    assert_int_equal(d->state, DOWNLINK_FREE);
}

/* aiortc and pion report on each stream in a packet of its own: that is one line, and one second.
 */
static void reports_of_four_streams_raise_the_estimate_once_and_lower_it_once(void **state)
{
    struct bench *b = *state;
    struct peer *sender, *learner;
    struct downlink *d = begin(b, &sender, &learner);
    show_screen(b, sender, SECONDS(1));
    d->bwe.estimate_bps = 300000;
    for (int i = 0; i < 4; i++)
        give_report(b, learner, 0, 0);
    assert_in_range(bwe_get_estimate(&d->bwe), 300001, 450000);
    show_screen(b, sender, SECONDS(1));
    d->bwe.estimate_bps = 300000;
    give_report(b, learner, 0, 0); /* the worst of them counts, whichever comes first */
    for (int i = 0; i < 3; i++)
        give_report(b, learner, 100, 0);
    assert_in_range(bwe_get_estimate(&d->bwe), 164000, 166000); /* nine tenths of what came */
}

/* --- Packets asked for again by who takes no RTX */

enum trouble { CUT_DOWN, CUT_BOTH_WAYS, NARROW, STILL };

/* For four seconds little of what it is sent comes, or nothing, or it is sent nothing; then a
 * report says that four packets in five were lost. */
static void check_width_after(struct bench *b, enum trouble trouble, bool is_lower)
{
    struct peer *sender, *learner;
    struct downlink *d = begin(b, &sender, &learner);
    for (int i = 0; i < 5; i++) {
        show_screen(b, sender, SECONDS(1));
        say(b, learner, (struct said){.lost = 0, .highest = learner->last_seq});
    }
    uint64_t before = bwe_get_estimate(&d->bwe);
    uint32_t highest = learner->last_seq;
    for (int i = 0; i < 4; i++) {
        if (trouble == STILL)
            pass_time(b, SECONDS(1));
        else
            show_screen(b, sender, SECONDS(1));
        highest += trouble == NARROW ? 20 : 0;
        if (trouble != CUT_BOTH_WAYS)
            say(b, learner, (struct said){.lost = 0, .highest = highest});
    }
    show_screen(b, sender, MILLISECONDS(500));
    say(b, learner, (struct said){.lost = 200, .highest = learner->last_seq});
    assert_int_equal(bwe_get_estimate(&d->bwe) < before, is_lower);
    show_screen(b, sender, SECONDS(1)); /* what is lost behind it counts */
    say(b, learner, (struct said){.lost = 200, .highest = learner->last_seq});
    assert_true(bwe_get_estimate(&d->bwe) < before / 2);
}

static void what_a_line_lost_that_was_cut_is_not_its_width(void **state)
{
    check_width_after(*state, CUT_DOWN, false);
}

static void nor_is_what_it_lost_while_no_report_came_either(void **state)
{
    check_width_after(*state, CUT_BOTH_WAYS, false);
}

static void of_a_narrow_line_something_comes_and_what_it_loses_counts(void **state)
{
    check_width_after(*state, NARROW, true);
}

static void nor_does_a_screen_that_stood_still_hide_what_the_next_slide_loses(void **state)
{
    check_width_after(*state, STILL, true);
}

/* A phone in somebody's pocket. */
static void who_reports_more_seldom_from_now_on_is_heard(void **state)
{
    struct bench *b = *state;
    struct peer *sender, *learner;
    struct downlink *d = begin(b, &sender, &learner);
    for (int i = 0; i < 5; i++) {
        show_screen(b, sender, SECONDS(1));
        say(b, learner, (struct said){.highest = learner->last_seq});
    }
    uint64_t before = bwe_get_estimate(&d->bwe);
    for (int i = 0; i < 4; i++) {
        show_screen(b, sender, SECONDS(5));
        say(b, learner, (struct said){.lost = 200, .highest = learner->last_seq});
    }
    assert_true(bwe_get_estimate(&d->bwe) < before / 2);
}

/* The queue that a report speaks of, with a hundredth lost, on a way that trembles by so much. */
static usec_t queue_behind(struct bench *b, struct peer *learner, struct downlink *d,
                           double jitter_us, usec_t rtt_us)
{
    pass_time(b, SECONDS(1));
    d->bwe.delay.jitter_us = jitter_us;
    say(b, learner, (struct said){.lost = 3, .highest = 1000, .rtt_us = rtt_us});
    return d->queue_us;
}

static void what_a_round_trip_trembles_by_is_no_queue(void **state)
{
    struct bench *b = *state;
    struct peer *sender, *learner;
    struct downlink *d = begin(b, &sender, &learner);
    show_screen(b, sender, SECONDS(1));
    assert_int_equal(queue_behind(b, learner, d, 0, MILLISECONDS(20)), 0);
    assert_true(queue_behind(b, learner, d, 0, MILLISECONDS(180)) > MILLISECONDS(150));
    assert_int_equal(queue_behind(b, learner, d, 20000, MILLISECONDS(180)), 0);
    assert_true(queue_behind(b, learner, d, 20000, MILLISECONDS(260)) > MILLISECONDS(230));
    assert_true(queue_behind(b, learner, d, 90000, MILLISECONDS(340)) > MILLISECONDS(310));
}

static void a_learner_without_rtx_is_sent_the_very_datagram_again(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    b->lacks_rtx = true;
    struct peer *learner = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    uint16_t first = learner->last_seq;
    size_t plis = sender->plis;
    learner->misses = true;
    send_screen(b, sender, false, 2);
    send_screen(b, sender, false, 3);
    assert_int_equal(learner->screen, 2);
    uint16_t missing = (uint16_t)(first + 1);
    pass_time(b, MILLISECONDS(40));
    ask(b, learner, &missing);
    assert_int_equal(learner->missed_again, 1);
    assert_int_equal(learner->screen, 3);
    assert_int_equal(learner->last_tag, 2);
    /* Not twice within a round trip, and one that was never sent not at all. */
    ask(b, learner, &missing);
    assert_int_equal(drops(b, 0, DROP_RETRANSMIT_LIMIT), 1);
    missing = (uint16_t)(first + 50);
    ask(b, learner, &missing);
    assert_int_equal(drops(b, 0, DROP_RETRANSMIT_GONE), 1);
    assert_int_equal(drops(b, 0, DROP_SEAL_FAILED), 0);
    assert_int_equal(sender->plis, plis);
}

/* Whatever becomes of the cache, nothing else leaves under a number that was used. */
static void nothing_else_is_sent_under_a_number_that_was_used(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    b->lacks_rtx = true;
    struct peer *learner = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    learner->misses = true;
    send_screen(b, sender, false, 2);
    struct publication *p =
        shard_find_publication(b->cores[0], (struct publication_ref){sender->id, SEND_SLOT_SCREEN});
    struct retransmit_cache *cache = &p->streams[0].cache;
    const struct retransmit_entry *e = retransmit_cache_find(cache, cache->highest);
    e->data[e->size - 1] ^= 1;
    uint16_t missing = (uint16_t)(learner->last_seq + 1);
    ask(b, learner, &missing);
    assert_int_equal(learner->screen, 1);
    assert_int_equal(learner->missed_again, 0);
    assert_int_equal(drops(b, 0, DROP_SEAL_FAILED), 1);
}

static void a_lost_word_is_sent_again_while_a_player_may_still_wait_for_it(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    b->lacks_rtx = true;
    struct peer *learner = add_peer(b, 0, true);
    struct participant *p = shard_find_participant(b->cores[0], learner->id);
    grant_voice(b, sender, true);
    bind_voice(b, sender);
    static const struct {
        usec_t age, rtt;
        bool comes;
    } cases[] = {{100000, 50000, true},   {340000, 50000, true}, {360000, 50000, false},
                 {100000, 310000, false}, {0, 500000, false},    {390000, 0, true}};
    uint16_t seq = 100;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        send_voice(b, sender, seq++, 1);
        uint16_t missing = (uint16_t)(learner->last_voice_seq + 1);
        learner->misses = true;
        learner->missed_again = 0;
        send_voice(b, sender, seq++, 2);
        send_voice(b, sender, seq++, 3);
        pass_time(b, cases[i].age);
        p->rtt_us = cases[i].rtt;
        ask_voice(b, learner, missing);
        if (learner->missed_again != (cases[i].comes ? 1u : 0u))
            fail_msg("case %zu", i);
    }
}

/* What was said before goes with it as it did. */
static void a_lost_word_with_redundancy_is_sent_again_whatever_its_level_is_now(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    b->lacks_rtx = b->takes_red = true;
    struct peer *learner = add_peer(b, 0, true);
    struct subscription *s = &shard_find_participant(b->cores[0], learner->id)->subscriptions[1];
    grant_voice(b, sender, true);
    bind_voice(b, sender);
    uint16_t seq = 100;
    for (uint8_t level = 1; level < 4; level++) {
        for (int i = 0; i < 12; i++)
            send_voice(b, sender, seq++, 1);
        s->redundancy = level;
        learner->misses = true;
        learner->missed_again = 0;
        send_voice(b, sender, seq++, 2);
        assert_in_range(learner->missed_size, 20 + level * 5, 60 + level * 9);
        uint16_t missing = (uint16_t)(s->next_seq - 1);
        s->redundancy = level == 1 ? 3 : 1;
        send_voice(b, sender, seq++, 3);
        ask_voice(b, learner, missing);
        assert_int_equal(learner->missed_again, 1);
    }
    assert_int_equal(drops(b, 0, DROP_SEAL_FAILED), 0);
}

/* --- A port of a router's: one learner's yesterday, another one's now */

static uint64_t check_from(struct bench *b, const struct peer *p, const struct net_addr *addr)
{
    uint8_t check[STUN_BYTES_MAX];
    struct peer moved = *p;
    moved.addr = *addr;
    uint64_t refused = drops(b, 0, DROP_STUN_AUTH);
    give(b, &moved, check, ice_peer_write_check(&b->peers[p->id - 1].ice, check));
    return drops(b, 0, DROP_STUN_AUTH) - refused;
}

static void an_address_goes_to_who_proves_to_be_there_now_and_back_again(void **state)
{
    struct bench *b = *state;
    struct peer *first = add_peer(b, 0, true);
    struct peer *second = add_peer(b, 0, true);
    struct shard_core *c = b->cores[0];
    uint64_t key = net_addr_hash(&first->addr, c->config.hash_key);
    uint64_t index = 0;
    pass_time(b, SECONDS(10)); /* the first one is away */
    assert_int_equal(check_from(b, second, &first->addr), 0);
    assert_true(hash_map_find(&c->by_address, key, &index));
    assert_int_equal(index, shard_find_participant(c, second->id)->handle.index);
    assert_int_equal(check_from(b, first, &first->addr), 0);
    assert_true(hash_map_find(&c->by_address, key, &index));
    assert_int_equal(index, shard_find_participant(c, first->id)->handle.index);
}

static void a_forged_check_takes_nobodys_address(void **state)
{
    struct bench *b = *state;
    struct peer *first = add_peer(b, 0, true);
    struct peer *second = add_peer(b, 0, true);
    struct shard_core *c = b->cores[0];
    uint64_t key = net_addr_hash(&first->addr, c->config.hash_key);
    uint64_t index = 0;
    uint8_t check[STUN_BYTES_MAX];
    size_t size = ice_peer_write_check(&second->ice, check);
    check[size - 9] ^= 1; /* its integrity, before the fingerprint's eight bytes */
    uint64_t consumed = c->stats.packets_in;
    give(b, first, check, size);
    assert_int_equal(c->stats.packets_in, consumed + 1);
    assert_true(hash_map_find(&c->by_address, key, &index));
    assert_int_equal(index, shard_find_participant(c, first->id)->handle.index);
    assert_int_equal(shard_find_participant(c, second->id)->paths[1], 0);
}

/* An indication is not authenticated: whoever saw a user name could send one. */
static void an_indication_takes_nobodys_address(void **state)
{
    struct bench *b = *state;
    struct peer *first = add_peer(b, 0, true);
    struct peer *second = add_peer(b, 0, true);
    struct shard_core *c = b->cores[0];
    uint64_t key = net_addr_hash(&first->addr, c->config.hash_key);
    uint64_t index = 0;
    assert_int_equal(check_from(b, second, &first->addr), 0); /* it was there once */
    assert_int_equal(check_from(b, first, &first->addr), 0);
    uint8_t indication[STUN_BYTES_MAX];
    size_t size = ice_peer_write_check(&second->ice, indication) - 8; /* without fingerprint */
    indication[1] = 0x11;
    store_u16(indication + 2, (uint16_t)(load_u16(indication + 2) - 8));
    give(b, first, indication, size);
    assert_true(hash_map_find(&c->by_address, key, &index));
    assert_int_equal(index, shard_find_participant(c, first->id)->handle.index);
}

/* Bursts of 10 kB, the first one cached when they come, and receivers that are busy: some answer
 * late, some name none of our reports. No probe, no pace, nothing twice: they cost what a page
 * costs. */
static void who_loses_nothing_is_sent_each_packet_once_and_at_once(void **state)
{
    static const usec_t late_us[] = {0, MILLISECONDS(40), MILLISECONDS(90)};
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true), *learners[COUNT_OF(late_us)];
    struct downlink *downs[COUNT_OF(late_us)];
    struct rng rng = rng_of_seed(5);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (int i = 0; i < 8; i++) /* what is cached is a burst as well */
        send_large(b, sender);
    for (size_t i = 0; i < COUNT_OF(late_us); i++) {
        learners[i] = add_peer(b, 0, true);
        downs[i] = shard_find_participant(b->cores[0], learners[i]->id)->downlink;
    }
    pass_time(b, MILLISECONDS(200));
    for (int frame = 0; frame < 300; frame++) {
        for (int i = 0; i < 8; i++)
            send_large(b, sender);
        pass_time(b, MILLISECONDS(33));
        for (size_t i = 0; i < COUNT_OF(late_us); i++) {
            assert_int_equal(learners[i]->screen, sender->seq);
            assert_int_equal(downs[i]->state, DOWNLINK_FREE);
            usec_t late = (usec_t)(rng_fraction(&rng) * (double)late_us[i]);
            if (frame % 30 == 10 * (int)i)
                say(b, learners[i],
                    (struct said){.highest = learners[i]->last_seq,
                                  .rtt_us = i > 0 ? MILLISECONDS(1) + late : 0});
        }
    }
    for (size_t i = 0; i < COUNT_OF(late_us); i++) {
        assert_int_equal(learners[i]->resent, 0);
        assert_int_equal(downs[i]->numbered_count + downs[i]->paced_count, 0);
        assert_in_range(learners[i]->screen_reports, 1, 11); /* one a second */
    }
}

/* Once something speaks against its line, one report goes out behind each burst. */
static void who_loses_some_is_asked_for_its_queue(void **state)
{
    struct bench *b = *state;
    struct peer *sender, *learner;
    struct downlink *d = begin(b, &sender, &learner);
    send_screen(b, sender, true, 1);
    say(b, learner,
        (struct said){.lost = 20, .highest = learner->last_seq, .rtt_us = MILLISECONDS(1)});
    assert_int_equal(d->state, DOWNLINK_WATCHED);
    size_t before = learner->screen_reports;
    show_screen(b, sender, MILLISECONDS(100));
    assert_in_range(learner->screen_reports, before + 1, before + 3);
    assert_true(d->burst.report_count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(who_loses_nothing_is_sent_each_packet_once_and_at_once),
        BENCH_TEST(who_loses_some_is_asked_for_its_queue),
        BENCH_TEST(an_indication_takes_nobodys_address),
        BENCH_TEST(a_remb_behind_a_report_lowers_the_estimate_and_the_screen_is_paced),
        BENCH_TEST(no_report_raises_the_estimate_beyond_a_fresh_remb),
        BENCH_TEST(a_remb_that_rises_behind_the_traffic_is_no_narrow_line),
        BENCH_TEST(reports_of_four_streams_raise_the_estimate_once_and_lower_it_once),
        BENCH_TEST(what_a_line_lost_that_was_cut_is_not_its_width),
        BENCH_TEST(nor_is_what_it_lost_while_no_report_came_either),
        BENCH_TEST(of_a_narrow_line_something_comes_and_what_it_loses_counts),
        BENCH_TEST(who_reports_more_seldom_from_now_on_is_heard),
        BENCH_TEST(nor_does_a_screen_that_stood_still_hide_what_the_next_slide_loses),
        BENCH_TEST(what_a_round_trip_trembles_by_is_no_queue),
        BENCH_TEST(a_learner_without_rtx_is_sent_the_very_datagram_again),
        BENCH_TEST(nothing_else_is_sent_under_a_number_that_was_used),
        BENCH_TEST(a_lost_word_is_sent_again_while_a_player_may_still_wait_for_it),
        BENCH_TEST(a_lost_word_with_redundancy_is_sent_again_whatever_its_level_is_now),
        BENCH_TEST(an_address_goes_to_who_proves_to_be_there_now_and_back_again),
        BENCH_TEST(a_forged_check_takes_nobodys_address),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
