/* Publishers that are not our page: how other programs pack, number and list what they send. */
#include "unit/relay/shard_bench.c"

/* NAL unit types (RFC 6184 5.2, H.264 table 7-1). */
enum { SLICE = 1, IDR = 5, SEI = 6, SPS = 7, PPS = 8, DELIMITER = 9 };

struct nal {
    uint16_t seq;
    uint32_t timestamp;
    uint8_t type;
    bool marker;
};

static void send_nal(struct bench *b, struct peer *p, const struct nal *nal)
{
    const uint8_t payload[] = {(uint8_t)(0x60 | nal->type), 1, 2, 3, nal->type};
    uint8_t packet[200] = {0};
    uint8_t mid[] = {MID_ID << 4, 's', 0, 0};
    struct writer w = writer_of((struct bytes_mut){packet, sizeof packet});
    struct rtp_header header = {.payload_type = SCREEN_PT,
                                .marker = nal->marker,
                                .seq = nal->seq,
                                .timestamp = nal->timestamp,
                                .ssrc = p->ssrc,
                                .extension_profile = RTP_EXTENSION_PROFILE_ONE_BYTE,
                                .extension = {mid, sizeof mid}};
    rtp_write_header(&w, &header);
    write_bytes(&w, bytes_of(payload, sizeof payload));
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtp(p->cipher, packet, &size), STATUS_OK);
    give(b, p, packet, size);
}

static struct peer *add_h264_sender(struct bench *b)
{
    struct peer *sender = add_peer(b, 0, true);
    struct participant *p = shard_find_participant(b->cores[0], sender->id);
    p->send_slots[0].codecs[0].codec = MEDIA_CODEC_H264;
    bind_screen(b, sender);
    grant(b, sender, true);
    return sender;
}

/* Its codec is known too late for what was sent to it on its way in: it begins anew. */
static struct peer *add_h264_learner(struct bench *b, uint32_t shard)
{
    struct peer *learner = add_peer(b, shard, true);
    struct shard_core *c = b->cores[shard];
    struct subscription *s = &shard_find_participant(c, learner->id)->subscriptions[0];
    s->codecs[0].codec = MEDIA_CODEC_H264;
    s->source_serial = 0;
    s->started = false;
    learner->screen = 0;
    forwarder_start_subscription(c, b->now, s, &b->tx[shard]);
    pump(b);
    pass_time(b, MILLISECONDS(100));
    return learner;
}

/* GStreamer, ffmpeg, OBS: everything in packets of its own. */
static const struct nal plain[] = {{100, 3000, SPS, false},
                                   {101, 3000, PPS, false},
                                   {102, 3000, IDR, false},
                                   {103, 3000, IDR, true}};
static const struct nal delimited[] = {{100, 3000, DELIMITER, false}, {101, 3000, SEI, false},
                                       {102, 3000, SPS, false},       {103, 3000, PPS, false},
                                       {104, 3000, IDR, false},       {105, 3000, IDR, true}};

static void expect_whole(const struct peer *p, size_t packets, const char *who)
{
    if (p->screen != packets || (uint16_t)(p->last_seq - p->first_seq) + 1u != packets)
        fail_msg("%s got %zu packets of %zu", who, p->screen, packets);
}

static void who_comes_late_gets_an_h264_key_frame_from_its_first_packet_on(void **state)
{
    static const struct {
        const struct nal *nals;
        size_t count;
    } cases[] = {{plain, COUNT_OF(plain)}, {delimited, COUNT_OF(delimited)}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bench *b = *state;
        struct peer *sender = add_h264_sender(b);
        struct peer *early = add_h264_learner(b, 0);
        for (size_t n = 0; n < cases[i].count; n++)
            send_nal(b, sender, &cases[i].nals[n]);
        uint16_t next = (uint16_t)(100 + cases[i].count);
        send_nal(b, sender, &(struct nal){next, 6000, SLICE, true});
        assert_true(early->screen >= 5);
        expect_whole(add_h264_learner(b, 0), cases[i].count + 1, "the late one");
        expect_whole(add_h264_learner(b, 1), cases[i].count + 1, "the one on another shard");
        assert_int_equal(bench_tear_down(state), 0);
        assert_int_equal(bench_set_up(state), 0);
    }
}

/* Another key frame before, so that the stream is known to bring its parameter sets. */
static void send_first_key_frame(struct bench *b, struct peer *sender)
{
    for (uint16_t i = 0; i < COUNT_OF(plain); i++) {
        struct nal nal = plain[i];
        nal.seq = (uint16_t)(nal.seq - 10);
        nal.timestamp = 10;
        send_nal(b, sender, &nal);
    }
    for (uint16_t seq = 94; seq < 100; seq++)
        send_nal(b, sender, &(struct nal){seq, seq * 10u, SLICE, true});
}

/* All orders in which four packets can come, for one who waits and one who comes late. */
static void a_key_frame_whose_packets_overtake_each_other_has_one_beginning(void **state)
{
    for (unsigned order = 0; order < 24; order++) {
        struct bench *b = *state;
        uint8_t left[] = {0, 1, 2, 3};
        struct peer *sender = add_h264_sender(b);
        send_first_key_frame(b, sender);
        struct peer *waits = add_h264_learner(b, 0);
        struct subscription *s = &shard_find_participant(b->cores[0], waits->id)->subscriptions[0];
        waits->screen = 0;
        s->waiting_key_frame = true;
        unsigned rest = order;
        for (unsigned n = 4; n > 0; rest /= n, n--) {
            unsigned pick = rest % n;
            send_nal(b, sender, &plain[left[pick]]);
            memmove(&left[pick], &left[pick + 1], n - pick - 1u);
        }
        send_nal(b, sender, &(struct nal){104, 6000, SLICE, true});
        struct peer *late = add_h264_learner(b, 0);
        assert_int_equal(waits->last_tag, SLICE);
        expect_whole(waits, 5, "the one who waited");
        expect_whole(late, 5, "the late one");
        assert_int_equal(bench_tear_down(state), 0);
        assert_int_equal(bench_set_up(state), 0);
    }
}

/* A key frame that everybody lacks a part of is one that nobody can read. */
static void what_is_lost_of_an_h264_key_frame_on_its_way_up_is_asked_for(void **state)
{
    for (size_t lost = 0; lost < COUNT_OF(plain); lost++) {
        struct bench *b = *state;
        struct peer *sender = add_h264_sender(b);
        send_first_key_frame(b, sender);
        for (size_t n = 0; n < COUNT_OF(plain); n++) {
            if (n != lost)
                send_nal(b, sender, &plain[n]);
        }
        send_nal(b, sender, &(struct nal){104, 6000, SLICE, true});
        pass_time(b, MILLISECONDS(15)); /* it may be reordering */
        if (sender->nacks == 0)
            fail_msg("packet %zu is not asked for", lost);
        send_nal(b, sender, &plain[lost]);
        expect_whole(add_h264_learner(b, 0), 5, "the late one");
        assert_int_equal(bench_tear_down(state), 0);
        assert_int_equal(bench_set_up(state), 0);
    }
}

/* Learners of two encodings have lost the thread, all at once: each request may make a key frame of
 * every encoding (docs/decisions/screen-encodings.md), so they count together. */
static void two_requests_at_most_reach_a_publisher_of_two_encodings_in_two_seconds(void **state)
{
    struct bench *b = *state;
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    struct peer *high = add_peer(b, 0, true), *low = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    uint16_t high_seq = 100, low_seq = 60000;
    for (int i = 0; i < 300; i++) { /* so far that the cached key frame is no way in any more */
        send_encoding(b, sender, 'h', i == 0, high_seq++, 0x80);
        send_encoding(b, sender, 'l', i == 0, low_seq++, 0x10);
        pass_time(b, MILLISECONDS(20));
    }
    struct shard_core *c = b->cores[0];
    struct subscription *s = &shard_find_participant(c, low->id)->subscriptions[0];
    assert_true(thinning_set_target(c, b->now, s, (struct layer_target){LAYER_LIVE, 1, LAYER_ALL},
                                    false, &b->tx[0]));
    pump(b);
    pass_time(b, SECONDS(5));
    size_t asked_at[80]; /* how many had been asked for then: every 100 ms */
    for (size_t i = 0; i < COUNT_OF(asked_at); i++) {
        asked_at[i] = sender->plis;
        if (i >= 20)
            assert_in_range(asked_at[i] - asked_at[i - 20], 1, 2); /* and none is lost */
        ask(b, high, NULL);
        ask(b, low, NULL);
        send_encoding(b, sender, 'h', false, high_seq++, 0x80);
        send_encoding(b, sender, 'l', false, low_seq++, 0x10);
        pass_time(b, MILLISECONDS(100));
    }
    /* They take turns: a publisher may answer with the encoding that was asked for alone. */
    assert_true(sender->plis_of[0] > 1 && sender->plis_of[1] > 1);
}

/* One picture of one of two encodings: "h" is listed first. */
static void send_picture(struct bench *b, struct peer *sender, uint16_t n, char rid, bool large)
{
    uint8_t frame[1000] = {0x10, n == 0 ? 0x10 : 0x11, 2, 0, 0x9d, 1, 0x2a, 0x40, 0x01, 0xb4, 0x00};
    size_t size = large ? sizeof frame : 100;
    if (large) /* 1280x720 for 320x180, little-endian */
        memcpy(frame + 7, (const uint8_t[]){0x00, 0x05, 0xd0, 0x02}, 4);
    frame[size - 1] = large ? 2 : 1;
    send_rtp(b, sender,
             &(struct sent){.payload_type = SCREEN_PT,
                            .seq = (uint16_t)(1000 + n),
                            .timestamp = n * 3000u,
                            .ssrc = rid == 'h' ? 8000 : 9000,
                            .mid = 's',
                            .rid = rid,
                            .payload = bytes_of(frame, size)});
}

/* As mediasoup's and LiveKit's clients list their encodings: the smallest first. */
static void learners_get_the_largest_encoding_whatever_the_order_of_rids(void **state)
{
    for (unsigned order = 0; order < 4; order++) {
        struct bench *b = *state;
        bool smallest_first = (order & 1) != 0;
        char first = (order & 2) != 0 ? 'h' : 'l'; /* which comes first on the wire */
        char second = first == 'h' ? 'l' : 'h';
        b->offers_simulcast = b->is_unordered = true;
        struct peer *sender = add_peer(b, 0, true);
        b->offers_simulcast = false;
        struct peer *const learners[] = {add_peer(b, 0, true), add_peer(b, 1, true)};
        bind_screen(b, sender);
        grant(b, sender, true);
        for (uint16_t n = 0; n < 100; n++) {
            send_picture(b, sender, n, first, (first == 'h') != smallest_first);
            send_picture(b, sender, n, second, (second == 'h') != smallest_first);
            pass_time(b, MILLISECONDS(33));
        }
        size_t plis = sender->plis;
        for (size_t i = 0; i < COUNT_OF(learners); i++) {
            if (learners[i]->last_tag != 2)
                fail_msg("order %u: learner %zu gets the small one", order, i);
            assert_true(learners[i]->screen >= 100);
        }
        assert_true(plis <= 1); /* the key frame that came is enough */
        /* The one that nobody gets is told off, by the publisher's own numbers. */
        for (uint16_t n = 100; n < 500; n++) {
            send_picture(b, sender, n, 'h', !smallest_first);
            send_picture(b, sender, n, 'l', smallest_first);
            pass_time(b, MILLISECONDS(33));
        }
        assert_int_equal(b->demand_told, smallest_first ? 2 : 1);
        assert_int_equal(bench_tear_down(state), 0);
        assert_int_equal(bench_set_up(state), 0);
    }
}

/* A page's worse encoding may take more for a while: its own key frame beside a still slide. */
static void the_order_of_who_lists_the_best_first_counts_whatever_the_pictures_are(void **state)
{
    struct bench *b = *state;
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    struct peer *learner = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (uint16_t n = 0; n < 300; n++) {
        send_picture(b, sender, n, 'h', false);
        send_picture(b, sender, n, 'l', true);
        pass_time(b, MILLISECONDS(33));
        assert_int_equal(learner->last_tag, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(the_order_of_who_lists_the_best_first_counts_whatever_the_pictures_are),
        BENCH_TEST(who_comes_late_gets_an_h264_key_frame_from_its_first_packet_on),
        BENCH_TEST(a_key_frame_whose_packets_overtake_each_other_has_one_beginning),
        BENCH_TEST(learners_get_the_largest_encoding_whatever_the_order_of_rids),
        BENCH_TEST(two_requests_at_most_reach_a_publisher_of_two_encodings_in_two_seconds),
        BENCH_TEST(what_is_lost_of_an_h264_key_frame_on_its_way_up_is_asked_for),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
