#include "unit/relay/tx_batch_bench.c"

static const uint8_t no_bytes[TX_PAYLOAD_BYTES];

static void begin(struct bench *b, usec_t now, size_t payload_bytes)
{
    assert_true(tx_batch_begin(&b->tx, now, bytes_of(no_bytes, payload_bytes)));
}

/* The open packet, without extensions, to one receiver. */
static void add(struct bench *b, usec_t now, uint32_t receiver, enum tx_class class, uint16_t seq,
                bool marker)
{
    const struct tx_prefix *prefix = tx_batch_find_prefix(&b->tx, 1);
    if (prefix == NULL)
        prefix = tx_batch_add_prefix(&b->tx, now, 1);
    tx_batch_add(
        &b->tx, now, receiver, class, prefix,
        &(struct tx_rtp){
            .seq = seq, .ssrc = 100 + (uint32_t) class, .payload_type = 96, .marker = marker});
}

static void send_one(struct bench *b, usec_t now, uint32_t receiver, enum tx_class class,
                     uint16_t seq, size_t payload_bytes)
{
    begin(b, now, payload_bytes);
    add(b, now, receiver, class, seq, false);
    tx_batch_end(&b->tx);
}

static void a_batch_needs_room(void **state)
{
    struct bench *b = *state;
    struct tx_batch tx;
    struct tx_sink sink = {&b->sink, sink_send};
    assert_int_equal(tx_batch_init(&tx, 0, 8, &sink, &b->stats), STATUS_CONFIG);
    assert_int_equal(tx_batch_init(&tx, 8, 0, &sink, &b->stats), STATUS_CONFIG);
}

static void each_copy_of_a_numbered_packet_carries_its_own_number(void **state)
{
    static const uint8_t block[] = {0xbe, 0xde, 0, 1, 0x31, 0, 0, 0}; /* id 3, two bytes */
    struct bench *b = *state;
    begin(b, 0, 100);
    struct tx_prefix *prefix = tx_batch_add_prefix(&b->tx, 0, 7);
    memcpy(prefix->data, block, sizeof block);
    prefix->bytes = sizeof block;
    prefix->stamp_at = 5;
    for (uint32_t i = 0; i < 3; i++)
        tx_batch_add(&b->tx, 0, i, TX_CLASS_FIRST, prefix,
                     &(struct tx_rtp){.seq = 1, .stamp = (uint16_t)(0x1230 + i), .ssrc = 9});
    tx_batch_end(&b->tx);
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->sink.kept_count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct rtp_header header = open_datagram(b, &b->sink.kept[i]);
        assert_int_equal(header.extension.size, 4);
        assert_int_equal(load_u16(header.extension.data + 1),
                         0x1230 + receiver_of(&b->sink.kept[i]));
    }
}

static void padding_alone_is_marked_as_such_and_never_padded_again(void **state)
{
    struct bench *b = *state;
    uint8_t padding[200] = {0};
    padding[199] = 200;
    for (uint16_t seq = 0; seq < 2; seq++) { /* beside a packet that would lengthen it */
        assert_true(tx_batch_begin(&b->tx, 0, bytes_of(padding, seq == 0 ? 200 : 190)));
        const struct tx_prefix *prefix = tx_batch_add_prefix(&b->tx, 0, 1);
        padding[189] = 190;
        tx_batch_add(&b->tx, 0, 0, TX_CLASS_VIDEO, prefix,
                     &(struct tx_rtp){.seq = seq, .ssrc = 9, .is_padding = true});
        tx_batch_end(&b->tx);
    }
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->sink.kept_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(open_datagram(b, &b->sink.kept[i]).payload.size, 0);
}

static void datagrams_leave_in_bursts_and_each_is_counted_once(void **state)
{
    struct bench *b = *state;
    static const struct {
        size_t count, takes, fails, bursts;
        uint64_t out, blocked, failed;
    } cases[] = {
        {0, 99, 0, 0, 0, 0, 0},
        {1, 99, 0, 1, 1, 0, 0},
        {TX_MESSAGES + 1, 99, 0, 2, TX_MESSAGES + 1, 0, 0},
        {10, 7, 0, 1, 7, 3, 0},
        {10, 7, 1, 1, 7, 2, 1},
    };
    struct net_addr to = {.port = 1};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memset(&b->sink, 0, sizeof b->sink);
        b->sink.takes = cases[i].takes;
        b->sink.fails = cases[i].fails;
        b->stats = (struct relay_stats){0};
        for (size_t k = 0; k < cases[i].count; k++)
            tx_batch_add_raw(&b->tx, &to, bytes_of_string("datagram"));
        tx_batch_flush(&b->tx, 0);
        assert_int_equal(b->sink.bursts, cases[i].bursts);
        assert_int_equal(b->sink.datagrams, cases[i].count);
        assert_int_equal(b->sink.bytes, cases[i].count * 8);
        assert_int_equal(b->stats.packets_out, cases[i].out);
        assert_int_equal(b->stats.bytes_out, cases[i].count * 8);
        assert_int_equal(b->stats.drops[DROP_SEND_BLOCKED], cases[i].blocked);
        assert_int_equal(b->stats.drops[DROP_SEND_FAILED], cases[i].failed);
    }
}

static void empty_and_overlong_datagrams_are_not_sent(void **state)
{
    struct bench *b = *state;
    static const uint8_t long_one[TX_PACKET_BYTES + 1];
    struct net_addr to = {.port = 1};
    tx_batch_add_raw(&b->tx, &to, bytes_of(long_one, 0));
    tx_batch_add_raw(&b->tx, &to, bytes_of(long_one, sizeof long_one));
    assert_false(tx_batch_begin(&b->tx, 0, bytes_of(long_one, TX_PAYLOAD_BYTES + 1)));
    assert_int_equal(b->stats.drops[DROP_TOO_LONG], 1);
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->sink.datagrams, 0);
}

/* Which messages a receiver's waiting packets of these sizes make. */
static void packets_of_nearly_one_size_share_a_message_and_the_last_may_be_shorter(void **state)
{
    struct bench *b = *state;
    static const struct {
        size_t sizes[TX_SEGMENTS_MAX + 2];
        size_t segments[5];
    } cases[] = {
        {{900}, {1}},
        {{900, 900, 900}, {3}},
        {{900, 868, 900}, {3}},    /* padding makes them equal */
        {{900, 867, 900}, {2, 1}}, /* too far apart: the short one ends its message */
        {{900, 900, 100}, {3}},    /* a frame's end */
        {{100, 900, 900}, {1, 2}}, /* a longer one cannot follow */
        {{880, 900, 870}, {3}},
        {{880, 900, 860, 900}, {3, 1}}, /* 40 shorter: it ends its message */
        {{0, 0, 5}, {3}},
        {{9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, {16, 1}},
    };
    uint16_t seq = 1;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count = 0, messages = 0, first = b->sink.messages;
        while (cases[i].segments[messages] != 0)
            count += cases[i].segments[messages++];
        for (size_t k = 0; k < count; k++)
            send_one(b, 0, 0, TX_CLASS_VIDEO, seq++, cases[i].sizes[k]);
        size_t kept = b->sink.kept_count;
        tx_batch_flush(&b->tx, 0);
        assert_int_equal(b->sink.messages - first, messages);
        for (size_t k = 0; k < messages; k++)
            assert_int_equal(b->sink.seen[first + k].segments, cases[i].segments[k]);
        for (size_t k = 0; k < count; k++) {
            struct rtp_header header = open_datagram(b, &b->sink.kept[kept + k]);
            assert_int_equal(header.seq, seq - count + k);
            assert_int_equal(header.payload.size, cases[i].sizes[k]);
        }
    }
}

/* Padding depends on what else waits, so a second time it would be another packet. */
static void what_may_be_sent_again_is_never_padded(void **state)
{
    struct bench *b = *state;
    static const size_t sizes[] = {890, 900, 880, 900, 900};
    for (uint16_t i = 0; i < COUNT_OF(sizes); i++) {
        begin(b, 0, sizes[i]);
        add(b, 0, 3, TX_CLASS_VIDEO, i, false); /* another one's may be */
        const struct tx_prefix *prefix = tx_batch_find_prefix(&b->tx, 1);
        tx_batch_add(
            &b->tx, 0, 0, TX_CLASS_VIDEO, prefix,
            &(struct tx_rtp){.seq = i, .ssrc = 9, .payload_type = 96, .repeat = TX_REPEATABLE});
        tx_batch_end(&b->tx);
    }
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->sink.datagrams, 2 * COUNT_OF(sizes));
    size_t padded = 0;
    for (size_t i = 0; i < b->sink.kept_count; i++) {
        struct kept *kept = &b->sink.kept[i];
        size_t size = 12 + sizes[load_u16(kept->data + 2)] + SRTP_RTP_TAG_BYTES_MAX;
        bool is_padded = (kept->data[0] & 0x20) != 0;
        padded += is_padded;
        assert_true(receiver_of(kept) == 3 || (!is_padded && kept->size == size));
        (void)open_datagram(b, kept);
    }
    assert_true(padded > 0);
}

/* The payload that all share has one padding: a receiver whose run would need another gets two
 * messages. */
static void a_packet_padded_for_one_receiver_is_whole_for_the_others(void **state)
{
    struct bench *b = *state;
    static const size_t sizes[] = {900, 890, 895};
    for (uint16_t i = 0; i < 3; i++) {
        begin(b, 0, sizes[i]);
        if (i < 2)
            add(b, 0, 0, TX_CLASS_VIDEO, i, false); /* 900, 890: 890 is the last, as it is */
        if (i > 0)
            add(b, 0, 2, TX_CLASS_VIDEO, i, false); /* 890 grows by 5 */
        add(b, 0, 4, TX_CLASS_VIDEO, i, false);     /* would grow by 10 */
        tx_batch_end(&b->tx);
    }
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->sink.datagrams, 7);
    assert_int_equal(b->sink.messages, 4);
    for (size_t i = 0; i < b->sink.kept_count; i++) {
        struct rtp_header header = open_datagram(b, &b->sink.kept[i]);
        assert_int_equal(header.payload.size, sizes[header.seq]);
    }
}

static void voice_leaves_at_the_turn_s_end_and_video_waits_for_its_frame(void **state)
{
    struct bench *b = *state;
    usec_t now = SECONDS(1);
    begin(b, now, 900);
    for (uint32_t r = 0; r < RECEIVERS; r++)
        add(b, now, r, TX_CLASS_VIDEO, 1, false);
    begin(b, now, 80);
    for (uint32_t r = 0; r < RECEIVERS; r++)
        add(b, now, r, TX_CLASS_FIRST, 1, false);
    tx_batch_end(&b->tx);
    tx_batch_flush_some(&b->tx, now, 1000);
    assert_int_equal(b->sink.datagrams, RECEIVERS); /* the voice */
    assert_int_equal(tx_batch_next_timeout(&b->tx), now + TX_HOLD_US);
    tx_batch_flush_some(&b->tx, now + TX_HOLD_US - 1, 1000);
    assert_int_equal(b->sink.datagrams, RECEIVERS);
    tx_batch_flush_some(&b->tx, now + TX_HOLD_US, 1000);
    assert_int_equal(b->sink.datagrams, 2 * RECEIVERS);
    assert_int_equal(tx_batch_next_timeout(&b->tx), USEC_NEVER);

    now += SECONDS(1);
    begin(b, now, 900);
    for (uint32_t r = 0; r < RECEIVERS; r++)
        add(b, now, r, TX_CLASS_VIDEO, 2, true); /* a frame's last packet waits for nothing */
    tx_batch_flush_some(&b->tx, now, 1000);
    assert_int_equal(b->sink.datagrams, 3 * RECEIVERS);
}

static void a_message_says_when_its_oldest_packet_had_arrived(void **state)
{
    struct bench *b = *state;
    usec_t now = SECONDS(1);
    for (uint16_t i = 0; i < 3; i++) {
        tx_batch_set_arrival(&b->tx, now - 500 + i);
        begin(b, now, 900);
        add(b, now, 0, TX_CLASS_VIDEO, i, i == 2);
    }
    tx_batch_set_arrival(&b->tx, 0); /* of our own making */
    begin(b, now, 80);
    add(b, now, 0, TX_CLASS_FIRST, 1, false);
    tx_batch_end(&b->tx);
    tx_batch_flush(&b->tx, now);
    assert_int_equal(b->sink.messages, 2);
    assert_int_equal(b->sink.seen[0].class, TX_CLASS_FIRST);
    assert_int_equal(b->sink.seen[0].arrived_at, 0);
    assert_int_equal(b->sink.seen[1].class, TX_CLASS_VIDEO);
    assert_int_equal(b->sink.seen[1].arrived_at, now - 500);
}

static void few_waiting_packets_are_not_held(void **state)
{
    struct bench *b = *state;
    for (uint32_t r = 0; r < TX_HOLD_ENTRIES - 1; r++)
        send_one(b, 5, r, TX_CLASS_VIDEO, 1, 900);
    tx_batch_flush_some(&b->tx, 5, 1000);
    assert_int_equal(b->sink.datagrams, TX_HOLD_ENTRIES - 1);
}

static void video_goes_in_portions_between_which_voice_overtakes_it(void **state)
{
    struct bench *b = *state;
    begin(b, 5, 900);
    for (uint32_t r = 0; r < RECEIVERS; r++)
        add(b, 5, r, TX_CLASS_VIDEO, 1, true);
    tx_batch_flush_some(&b->tx, 5, 10);
    assert_int_equal(b->sink.datagrams, 10);
    assert_true(tx_batch_next_timeout(&b->tx) <= 5);
    begin(b, 6, 80);
    for (uint32_t r = 0; r < RECEIVERS; r++)
        add(b, 6, r, TX_CLASS_FIRST, 1, false);
    tx_batch_flush_some(&b->tx, 6, 10);
    assert_int_equal(b->sink.datagrams, 10 + RECEIVERS + 10);
    for (size_t i = 10; i < 10 + RECEIVERS; i++)
        assert_int_equal(open_datagram(b, &b->sink.kept[i]).ssrc, 100 + TX_CLASS_FIRST);
    while (tx_batch_next_timeout(&b->tx) != USEC_NEVER)
        tx_batch_flush_some(&b->tx, 7, 10);
    assert_int_equal(b->sink.datagrams, 2 * RECEIVERS);
}

static void voice_of_many_leaves_before_video_is_queued_but_once_a_turn(void **state)
{
    struct bench *b = *state;
    for (uint16_t turn = 0; turn < 3; turn++) {
        b->sink.datagrams = b->sink.messages = 0;
        for (uint16_t seq = 0; seq < 3; seq++) {
            begin(b, turn, 80);
            for (uint32_t r = 0; r < RECEIVERS; r++)
                add(b, turn, r, TX_CLASS_FIRST, (uint16_t)(3 * turn + seq), false);
            tx_batch_end(&b->tx);
            if (seq == 0) /* few need not hurry */
                tx_batch_let_voice_ahead(&b->tx, turn, RECEIVERS + 1);
            assert_int_equal(b->sink.datagrams, seq == 0 ? 0 : RECEIVERS);
            tx_batch_let_voice_ahead(&b->tx, turn, RECEIVERS);
            assert_int_equal(b->sink.datagrams, RECEIVERS);
        }
        tx_batch_flush_some(&b->tx, turn, 1000);
        assert_int_equal(b->sink.datagrams, 3 * RECEIVERS);
        assert_int_equal(b->sink.messages, 2 * RECEIVERS); /* the late ones share */
    }
}

static void what_waits_for_a_receiver_that_goes_is_dropped_and_its_room_given_back(void **state)
{
    struct bench *b = *state;
    for (int round = 0; round < 20; round++) {
        for (uint16_t i = 0; i < ENTRIES / 2; i++) {
            send_one(b, 0, 0, TX_CLASS_VIDEO, i, 10);
            send_one(b, 0, 1, TX_CLASS_VIDEO, (uint16_t)(round * ENTRIES + i), 10);
        }
        tx_batch_set_receiver(&b->tx, 0, NULL);
        tx_batch_set_receiver(&b->tx, 0, &b->transports[0]);
        tx_batch_flush(&b->tx, 0);
        assert_int_equal(b->sink.datagrams, (size_t)(round + 1) * (ENTRIES / 2));
    }
    for (size_t i = 0; i < b->sink.kept_count; i++)
        assert_int_equal(receiver_of(&b->sink.kept[i]), 1);
}

static void a_number_used_twice_goes_out_once_and_its_neighbours_with_it(void **state)
{
    struct bench *b = *state;
    static const uint16_t numbers[] = {1, 2, 2, 3, 3, 4};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        send_one(b, 0, 0, TX_CLASS_VIDEO, numbers[i], 500);
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->stats.drops[DROP_SEAL_FAILED], 2);
    assert_int_equal(b->sink.datagrams, 4);
    for (uint16_t i = 0; i < 4; i++)
        assert_int_equal(open_datagram(b, &b->sink.kept[i]).seq, i + 1);
}

static void packets_follow_a_receiver_to_its_new_address_and_stop_when_it_has_none(void **state)
{
    struct bench *b = *state;
    send_one(b, 0, 3, TX_CLASS_VIDEO, 1, 500);
    tx_batch_flush(&b->tx, 0);
    b->transports[3].route.to.ip[3] = 77;
    tx_batch_refresh_receiver(&b->tx, 3);
    send_one(b, 0, 3, TX_CLASS_VIDEO, 2, 500);
    tx_batch_flush(&b->tx, 0);
    assert_int_equal(b->sink.kept[0].to.ip[3], 1);
    assert_int_equal(b->sink.kept[1].to.ip[3], 77);
    b->transports[3].has_route = false;
    send_one(b, SECONDS(999), 3, TX_CLASS_VIDEO, 3, 500); /* the route still holds */
    tx_batch_flush(&b->tx, SECONDS(999));
    assert_int_equal(b->sink.datagrams, 3);
    send_one(b, SECONDS(1000), 3, TX_CLASS_VIDEO, 4, 500);
    tx_batch_flush(&b->tx, SECONDS(1000));
    assert_int_equal(b->sink.datagrams, 3);
    assert_int_equal(b->stats.drops[DROP_NO_ADDRESS], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_batch_needs_room),
        TEST(each_copy_of_a_numbered_packet_carries_its_own_number),
        TEST(padding_alone_is_marked_as_such_and_never_padded_again),
        TEST(datagrams_leave_in_bursts_and_each_is_counted_once),
        TEST(empty_and_overlong_datagrams_are_not_sent),
        TEST(packets_of_nearly_one_size_share_a_message_and_the_last_may_be_shorter),
        TEST(what_may_be_sent_again_is_never_padded),
        TEST(a_packet_padded_for_one_receiver_is_whole_for_the_others),
        TEST(voice_leaves_at_the_turn_s_end_and_video_waits_for_its_frame),
        TEST(few_waiting_packets_are_not_held),
        TEST(a_message_says_when_its_oldest_packet_had_arrived),
        TEST(video_goes_in_portions_between_which_voice_overtakes_it),
        TEST(voice_of_many_leaves_before_video_is_queued_but_once_a_turn),
        TEST(what_waits_for_a_receiver_that_goes_is_dropped_and_its_room_given_back),
        TEST(a_number_used_twice_goes_out_once_and_its_neighbours_with_it),
        TEST(packets_follow_a_receiver_to_its_new_address_and_stop_when_it_has_none),
    };
    if (media_cipher_init_library() != STATUS_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
