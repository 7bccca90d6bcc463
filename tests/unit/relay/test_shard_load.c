/* What a shard does when there is too much of something, and what a packet costs it. */
#include "rtc/receive_stats.h"
#include "unit/relay/shard_bench.c"

static void a_publisher_above_its_rate_is_cut_to_it(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct participant *p = shard_find_participant(b->cores[0], sender->id);
    grant(b, sender, true);
    size_t passed = 0;
    for (int i = 0; i < 20000; i++) { /* 10 s at 16 Mbit/s, below the transport */
        uint8_t packet[1000] = {0x80, SCREEN_PT, (uint8_t)(i >> 8), (uint8_t)i};
        store_u32(packet + 8, sender->ssrc);
        packet[12] = 0x10;
        packet[13] = 1;
        uint64_t before = drops(b, 0, DROP_RATE_LIMIT);
        ingress_handle_rtp(b->cores[0], b->now, p, (struct bytes_mut){packet, sizeof packet},
                           &b->tx[0]);
        passed += drops(b, 0, DROP_RATE_LIMIT) == before ? 1 : 0;
        b->now += 500;
        b->queue_count = 0;
    }
    assert_in_range(passed, 10000, 10600); /* 8 Mbit/s and half a second's burst */
}

/* A class comes in all at once: its handshakes wait for their turn, and a voice does not. */
static void a_rush_of_handshakes_is_taken_a_few_at_a_time_and_media_passes_it(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *rusher = add_peer(b, 0, true);
    struct shard_core *c = b->cores[0];
    bind_screen(b, sender);
    grant(b, sender, true);
    uint8_t record[] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 7}; /* worth nothing */
    uint64_t bad = drops(b, 0, DROP_BAD_DTLS);
    for (int i = 0; i < HANDSHAKES_WAITING_EACH + 3; i++) {
        uint8_t copy[sizeof record];
        memcpy(copy, record, sizeof record);
        shard_core_handle_datagram(c, b->now, &rusher->addr, (struct bytes_mut){copy, sizeof copy},
                                   &b->tx[0]);
    }
    assert_int_equal(drops(b, 0, DROP_HANDSHAKES_FULL), 3);
    size_t waiting = HANDSHAKES_WAITING_EACH;
    while (waiting > 0) {
        assert_int_equal(c->handshakes.count, waiting);
        assert_true(shard_core_next_timeout(c) <= b->now);
        shard_core_handle_timeout(c, b->now, &b->tx[0]);
        waiting -= HANDSHAKES_EACH_TURN;
    }
    assert_true(shard_core_next_timeout(c) > b->now);
    assert_true(drops(b, 0, DROP_BAD_DTLS) <= bad + HANDSHAKES_WAITING_EACH);
    for (int i = 0; i < HANDSHAKES_EACH_TURN; i++) {
        uint8_t copy[sizeof record];
        memcpy(copy, record, sizeof record);
        shard_core_handle_datagram(c, b->now, &rusher->addr, (struct bytes_mut){copy, sizeof copy},
                                   &b->tx[0]);
    }
    shard_remove_participant(c, shard_find_participant(c, rusher->id), &b->tx[0]);
    send_screen(b, sender, true, 1); /* what waits for nobody is thrown away on the way */
    assert_int_equal(near->screen, 1);
    assert_int_equal(c->handshakes.count, 0);
}

/* A thread that is awake does what could wait, rather than be woken for it. */
static void reports_go_out_with_whatever_happens_and_wake_the_shard_at_shared_instants(void **state)
{
    struct bench *b = *state;
    struct participant *p =
        shard_find_participant(b->cores[0], add_peer(b, 0, true)->id); /* nothing flows */
    pass_time(b, SECONDS(1));
    for (int i = 0; i < 5; i++) {
        usec_t due = p->report_at;
        usec_t wakes_at = shard_core_next_timeout(b->cores[0]);
        assert_true(wakes_at % TIMER_GRID_US == 0 || wakes_at < due);
        pass_time(b, usec_max(due - b->now - 1, 0));
        assert_int_equal(p->report_at, due);
        assert_true(shard_core_next_timeout(b->cores[0]) <= due + TIMER_GRID_US);
        b->now = due; /* a packet has come, say */
        shard_core_handle_timeout(b->cores[0], b->now, &b->tx[0]);
        tx_batch_flush(&b->tx[0], b->now);
        assert_true(p->report_at > due);
    }
}

static void voice_that_many_wait_for_does_not_wait_until_a_frame_is_queued(void **state)
{
    static const uint8_t opus[] = {0x78, 1};
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *learner = add_peer(b, 0, true);
    struct participant *p = shard_find_participant(b->cores[0], sender->id);
    uint32_t receiver = shard_find_participant(b->cores[0], learner->id)->subscriptions[0].receiver;
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    for (size_t copies = 256 - 1; copies <= 256; copies++) {
        uint8_t frame[] = {0x80, 0x80 | SCREEN_PT, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x11, 2, 0};
        store_u16(frame + 2, sender->seq++);
        store_u32(frame + 8, sender->ssrc);
        learner->voice = learner->screen = 0;
        assert_true(tx_batch_begin(&b->tx[0], b->now, bytes_of(opus, sizeof opus)));
        const struct tx_prefix *none = tx_batch_add_prefix(&b->tx[0], b->now, 1);
        for (uint16_t i = 0; i < copies; i++)
            tx_batch_add(&b->tx[0], b->now, receiver, TX_CLASS_FIRST, none,
                         &(struct tx_rtp){.seq = (uint16_t)(copies * 1000 + i),
                                          .ssrc = 270 + (uint32_t)learner->id,
                                          .payload_type = VOICE_PT});
        ingress_handle_rtp(b->cores[0], b->now, p, (struct bytes_mut){frame, sizeof frame},
                           &b->tx[0]);
        assert_int_equal(learner->voice, copies < 256 ? 0 : 256);
        tx_batch_flush(&b->tx[0], b->now);
        assert_int_equal(learner->voice, copies);
        assert_int_equal(learner->screen, 1);
    }
}

/* What comes again would add to what the relay cannot take in. */
static void nothing_is_asked_for_again_while_the_relay_itself_loses_packets(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    (void)add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    shard_core_note_overload(b->cores[0], b->now);
    sender->seq += 3;
    send_screen(b, sender, false, 2);
    pass_time(b, OVERLOAD_US / 2);
    send_screen(b, sender, false, 3);
    assert_int_equal(sender->nacks, 0);
    pass_time(b, OVERLOAD_US);
    sender->seq += 3;
    send_screen(b, sender, false, 4);
    pass_time(b, MILLISECONDS(50));
    send_screen(b, sender, false, 5);
    assert_true(sender->nacks > 0);
}

static void forwarding_allocates_nothing(void **state)
{
    struct bench *b = *state;
    if (!allocations_can_be_counted())
        skip();
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (int i = 0; i < 100; i++) { /* streams, caches and tables are made by the first ones */
        b->now += MILLISECONDS(5);
        send_screen(b, sender, i == 0, 1);
    }
    size_t before = allocations_get_count();
    for (int i = 0; i < 2000; i++) {
        b->now += MILLISECONDS(5);
        b->counts_allocations = true;
        send_screen(b, sender, false, 1);
        b->counts_allocations = false;
    }
    assert_int_equal(near->screen, 2100);
    assert_int_equal(far->screen, 2100);
    assert_int_equal(allocations_get_count() - before, 0);
}

/* Whose line's width could be asked for, but for a video that padding can go with. */
static void whom_no_padding_can_be_sent_does_not_wake_the_shard_to_be_asked(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *learner = add_peer(b, 0, true);
    struct participant *p = shard_find_participant(b->cores[0], learner->id);
    struct subscription *screen = &p->subscriptions[0];
    screen->can_stamp = p->downlink->can_number = p->delivery.answers = true;
    p->downlink->bwe.wanted_bps = 1000000;
    p->delivery.asked_at = b->now; /* the other question is not due */
    p->delivery.hears = p->delivery.told_hears = CONTROL_HEARING_YES;
    assert_true(shard_delivery_next_timeout(p, b->now) > b->now + MILLISECONDS(100));
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    assert_true(screen->started);
    assert_true(shard_delivery_next_timeout(p, b->now) <= b->now + MILLISECONDS(20));
    screen->rtx_ssrc = 0; /* it negotiated none */
    assert_true(shard_delivery_next_timeout(p, b->now) > b->now + MILLISECONDS(100));
}

static void report(struct bench *b, struct peer *p, uint32_t last_sr)
{
    uint8_t packet[200];
    struct writer w = writer_of((struct bytes_mut){packet, 100});
    struct rtcp_report r = {.ssrc = 5, .block_count = 1};
    r.blocks[0] = (struct rtcp_report_block){.ssrc = (uint32_t)(70 + p->id), .last_sr = last_sr};
    rtcp_write_report(&w, &r);
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtcp(p->cipher, packet, &size), STATUS_OK);
    give(b, p, packet, size);
}

static void a_round_trip_ends_when_the_report_came_in_and_not_when_it_was_read(void **state)
{
    struct bench *b = *state;
    struct peer *learner = add_peer(b, 0, true);
    const struct participant *p = shard_find_participant(b->cores[0], learner->id);
    pass_time(b, SECONDS(1));
    uint64_t at_zero = b->cores[0]->config.ntp_at_zero;
    uint32_t sent = (uint32_t)(ntp_of_usec(at_zero, b->now - MILLISECONDS(70)) >> 16);
    tx_batch_set_arrival(&b->tx[0], b->now - MILLISECONDS(20));
    report(b, learner, sent);
    assert_in_range(p->rtt_us, MILLISECONDS(50) - 50, MILLISECONDS(50) + 50);
    tx_batch_set_arrival(&b->tx[0], 0); /* nobody measures */
    report(b, learner, sent);
    assert_in_range(p->rtt_us, MILLISECONDS(70) - 50, MILLISECONDS(70) + 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(a_publisher_above_its_rate_is_cut_to_it),
        BENCH_TEST(a_rush_of_handshakes_is_taken_a_few_at_a_time_and_media_passes_it),
        BENCH_TEST(reports_go_out_with_whatever_happens_and_wake_the_shard_at_shared_instants),
        BENCH_TEST(voice_that_many_wait_for_does_not_wait_until_a_frame_is_queued),
        BENCH_TEST(nothing_is_asked_for_again_while_the_relay_itself_loses_packets),
        BENCH_TEST(whom_no_padding_can_be_sent_does_not_wake_the_shard_to_be_asked),
        BENCH_TEST(a_round_trip_ends_when_the_report_came_in_and_not_when_it_was_read),
        BENCH_TEST(forwarding_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
