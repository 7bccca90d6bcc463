/* Thinning against a slow model of a receiver: whatever the targets, losses and encodings do, no
 * number is missing or used twice, no picture comes in half, and none refers to one that was left
 * out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/seq.h"
#include "relay/core/layer_selector.h"
#include "wire/codec_vp8.h"
#include "wire/rtp.h"
#include "wire/rtp_extension.h"

#define ENCODINGS 2
#define PICTURES_MAX 4096
#define PACKETS_MAX 8
#define REFERENCES_MAX 3
#define PICTURE_US 66667
#define CLOCK 90000
#define DESCRIPTOR_ID 7
#define PACKETS_SENT_MAX 65536

/* --- What a publisher sends */

struct picture {
    bool key_frame, sync, up;
    uint8_t layer;
    uint32_t references[REFERENCES_MAX]; /* numbers of pictures of this encoding */
    size_t reference_count;
    uint32_t timestamp;
    uint64_t first_seq;
    uint32_t packets;
    uint16_t picture_id, frame_number;
    uint8_t tl0;
    uint32_t taken; /* packets of it that the receiver got */
    uint32_t run;   /* of the decoder that has it: key frames so far */
};

struct encoding {
    enum media_codec codec;
    struct retransmit_cache cache;
    struct picture pictures[PICTURES_MAX];
    uint32_t count;
    uint64_t next_seq;
    uint64_t serial;
    uint32_t zero; /* of its timestamps */
    uint32_t since_key;
    uint16_t picture_id, frame_number;
    uint8_t tl0;
    uint32_t last_of_layer[3], last_key;
    bool wants_key_frame;
    bool never_syncs; /* VP8 whose switching points are not marked */
};

struct sent {
    uint8_t encoding;
    uint64_t source_seq;
    uint64_t seq;
    uint32_t timestamp;
    struct layer_shift shift;
};

struct late {
    uint8_t encoding;
    uint32_t picture, packet;
    usec_t at; /* when it comes after all */
};

struct bench {
    struct rng rng;
    struct encoding encodings[ENCODINGS];
    struct layer_selector selector;
    struct layer_source sources[ENCODINGS];
    usec_t now;
    struct sent sent[PACKETS_SENT_MAX];
    size_t sent_count;
    uint64_t first_out;
    struct late late[256];
    size_t late_count;
    unsigned loss_percent;
    bool has_clock;
};

/* VP8 as libvpx makes three layers: eight pictures, the first of each upper layer refers to the
 * base alone; of the middle layer only every second time. */
static void refer_vp8(struct encoding *e, struct picture *p)
{
    static const uint8_t layers[8] = {0, 2, 1, 2, 0, 2, 1, 2};
    unsigned at = e->since_key % 8;
    p->layer = layers[at];
    p->sync = !e->never_syncs && (at == 1 || e->since_key % 16 == 2);
    p->references[p->reference_count++] = e->last_of_layer[0];
    if (p->layer >= 1 && !p->sync)
        p->references[p->reference_count++] = e->last_of_layer[1];
    if (p->layer == 2 && !p->sync)
        p->references[p->reference_count++] = e->last_of_layer[2];
}

/* VP9 and AV1: every upper picture refers to what came just before it in a lower layer. */
static void refer_others(struct encoding *e, struct picture *p)
{
    static const uint8_t layers[4] = {0, 2, 1, 2};
    unsigned at = e->since_key % 4;
    p->layer = layers[at];
    p->up = true;
    if (p->layer == 0 || at == 1 || at == 2)
        p->references[p->reference_count++] = e->last_of_layer[0];
    else
        p->references[p->reference_count++] = e->last_of_layer[1];
}

static struct picture *add_picture(struct bench *b, struct encoding *e)
{
    assert_true(e->count < PICTURES_MAX);
    struct picture *p = &e->pictures[e->count];
    *p = (struct picture){.timestamp = e->zero + (uint32_t)(b->now * 9 / 100)};
    bool has_layers = e->codec != MEDIA_CODEC_H264;
    p->key_frame = e->count == 0 || e->wants_key_frame;
    if (p->key_frame) {
        e->wants_key_frame = false;
        e->since_key = 0;
        e->last_key = e->count;
    } else if (!has_layers) {
        p->references[p->reference_count++] = e->count - 1;
    } else if (e->codec == MEDIA_CODEC_VP8) {
        refer_vp8(e, p);
    } else {
        refer_others(e, p);
    }
    e->since_key++;
    p->first_seq = e->next_seq;
    p->packets = p->key_frame ? 6 : 1 + (uint32_t)rng_below(&b->rng, 3);
    p->picture_id = e->picture_id = (uint16_t)((e->picture_id + 1) & 0x7fff);
    p->frame_number = ++e->frame_number;
    p->tl0 = e->tl0 = (uint8_t)(e->tl0 + (p->layer == 0));
    for (unsigned layer = p->key_frame ? 0 : p->layer; layer < 3; layer++) {
        if (p->key_frame || layer == p->layer)
            e->last_of_layer[layer] = e->count;
    }
    e->next_seq += p->packets;
    e->count++;
    return p;
}

static void write_payload(const struct encoding *e, const struct picture *p, bool first,
                          struct writer *w)
{
    if (e->codec == MEDIA_CODEC_VP8) {
        codec_vp8_write_descriptor(w, &(struct codec_vp8){.start_of_partition = first,
                                                          .picture_id = p->picture_id,
                                                          .tl0_index = p->tl0,
                                                          .temporal_layer = p->layer,
                                                          .layer_sync = p->sync});
    } else if (e->codec == MEDIA_CODEC_VP9) {
        write_u8(w, (uint8_t)(0xa0 | (p->key_frame ? 0 : 0x40) | (first ? 0x08 : 0)));
        write_u16(w, (uint16_t)(0x8000 | p->picture_id));
        write_u8(w, (uint8_t)(p->layer << 5 | (p->up ? 0x10 : 0)));
        write_u8(w, p->tl0);
    }
    if (e->codec == MEDIA_CODEC_VP8 && p->key_frame && first)
        write_bytes(w, bytes_of((const uint8_t[]){0, 0, 0, 0x9d, 1, 0x2a, 0, 5, 0xd0, 2}, 10));
    else
        write_bytes(w, bytes_of((const uint8_t[]){1, 2, 3, 4}, 4));
}

static struct layer_mark mark_of(const struct encoding *e, const struct picture *p, bool first)
{
    struct layer_mark mark = {.key_frame = p->key_frame && first};
    mark.has_layers = e->codec != MEDIA_CODEC_H264;
    mark.temporal_layer = p->layer;
    mark.enters = p->sync;
    mark.opens = p->key_frame && first ? LAYER_ALL : p->up ? 2 : p->layer;
    return mark;
}

static void arrive(struct bench *b, uint8_t index, uint32_t picture, uint32_t packet)
{
    struct encoding *e = &b->encodings[index];
    struct picture *p = &e->pictures[picture];
    uint8_t descriptor[3] = {0, (uint8_t)(p->frame_number >> 8), (uint8_t)p->frame_number};
    struct rtp_extension element = {DESCRIPTOR_ID, bytes_of(descriptor, sizeof descriptor)};
    uint8_t extension[16], payload[64], whole[128];
    uint16_t profile = 0;
    struct writer ext = writer_of((struct bytes_mut){extension, sizeof extension});
    struct writer body = writer_of((struct bytes_mut){payload, sizeof payload});
    assert_int_equal(rtp_extension_write(&ext, &element, 1, &profile), STATUS_OK);
    write_payload(e, p, packet == 0, &body);
    struct rtp_header header = {.marker = packet + 1 == p->packets,
                                .payload_type = 96,
                                .seq = (uint16_t)(p->first_seq + packet),
                                .timestamp = p->timestamp,
                                .ssrc = 1,
                                .extension_profile = profile,
                                .extension = bytes_const(writer_written(&ext)),
                                .payload = bytes_const(writer_written(&body))};
    struct writer w = writer_of((struct bytes_mut){whole, sizeof whole});
    rtp_write_header(&w, &header);
    write_bytes(&w, header.payload);
    assert_false(w.failed);
    struct retransmit_entry *entry =
        retransmit_cache_store(&e->cache, b->now, p->first_seq + packet,
                               bytes_const(writer_written(&w)), p->key_frame && packet == 0);
    if (entry != NULL)
        entry->layers = mark_of(e, p, packet == 0);
}

/* --- What the receiver gets */

static struct picture *picture_of(struct encoding *e, uint64_t seq)
{
    uint32_t low = 0;
    for (uint32_t high = e->count; high - low > 1;) {
        uint32_t middle = (low + high) / 2;
        if (e->pictures[middle].first_seq <= seq)
            low = middle;
        else
            high = middle;
    }
    return &e->pictures[low];
}

static void note_sent(struct bench *b, const struct layer_packet *out)
{
    assert_true(b->sent_count < PACKETS_SENT_MAX);
    b->sent[b->sent_count++] = (struct sent){.encoding = out->encoding,
                                             .source_seq = out->entry->seq,
                                             .seq = out->seq,
                                             .timestamp = out->timestamp,
                                             .shift = out->shift};
    picture_of(&b->encodings[out->encoding], out->entry->seq)->taken++;
}

static void prepare_sources(struct bench *b)
{
    for (int i = 0; i < ENCODINGS; i++) {
        struct encoding *e = &b->encodings[i];
        b->sources[i] = (struct layer_source){.cache = &e->cache,
                                              .serial = e->serial,
                                              .codec = e->codec,
                                              .clock_rate = CLOCK,
                                              .accepted = true,
                                              .descriptor_id = DESCRIPTOR_ID,
                                              .has_clock = b->has_clock,
                                              .clock_ntp = (uint64_t)1 << 40,
                                              .clock_timestamp = e->zero};
    }
}

static size_t drain(struct bench *b, size_t packets_max)
{
    struct layer_packet out;
    size_t count = 0;
    prepare_sources(b);
    while (count < packets_max &&
           layer_selector_take(&b->selector, b->now, b->sources, ENCODINGS, &out)) {
        note_sent(b, &out);
        count++;
    }
    uint8_t encoding;
    if (layer_selector_wants_key_frame(&b->selector, b->now, b->sources, ENCODINGS, &encoding))
        b->encodings[encoding].wants_key_frame = true;
    return count;
}

static void send_picture(struct bench *b, uint8_t index)
{
    struct encoding *e = &b->encodings[index];
    struct picture *p = add_picture(b, e);
    for (uint32_t packet = 0; packet < p->packets; packet++) {
        if (rng_below(&b->rng, 100) < b->loss_percent && b->late_count < COUNT_OF(b->late)) {
            b->late[b->late_count++] = (struct late){
                index, e->count - 1, packet, b->now + 5000 + (usec_t)rng_below(&b->rng, 300000)};
            continue;
        }
        arrive(b, index, e->count - 1, packet);
    }
}

static void bring_late_ones(struct bench *b)
{
    for (size_t i = 0; i < b->late_count;) {
        if (b->late[i].at > b->now) {
            i++;
            continue;
        }
        arrive(b, b->late[i].encoding, b->late[i].picture, b->late[i].packet);
        b->late[i] = b->late[--b->late_count];
    }
}

static void bench_begin(struct bench *b, enum media_codec codec, uint64_t seed)
{
    memset(b, 0, sizeof *b);
    b->rng = rng_of_seed(seed);
    b->now = SECONDS(10);
    b->has_clock = true;
    for (int i = 0; i < ENCODINGS; i++) {
        struct encoding *e = &b->encodings[i];
        e->codec = codec;
        e->serial = 1 + (uint64_t)i;
        e->next_seq = 0x10000 + rng_below(&b->rng, 0xffff);
        e->zero = rng_u32(&b->rng);
        e->picture_id = (uint16_t)(rng_u32(&b->rng) & 0x7fff);
        e->frame_number = (uint16_t)rng_u32(&b->rng);
        e->tl0 = (uint8_t)rng_u32(&b->rng);
        assert_int_equal(retransmit_cache_init(&e->cache, 256, 128), STATUS_OK);
    }
    b->first_out = 0x10000 + rng_below(&b->rng, 0x8000);
    layer_selector_init(&b->selector, b->first_out, false, rng_u32(&b->rng), 0);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
}

static void bench_end(struct bench *b)
{
    for (int i = 0; i < ENCODINGS; i++)
        retransmit_cache_destroy(&b->encodings[i].cache);
}

/* A picture's time on both encodings; every third the worse one has one too. */
static void step(struct bench *b, size_t packets_max)
{
    send_picture(b, 0);
    if (b->encodings[0].count % 3 == 1)
        send_picture(b, 1);
    for (int i = 0; i < 4; i++) {
        bring_late_ones(b);
        drain(b, packets_max);
        b->now += PICTURE_US / 4;
    }
}

/* --- What must hold */

/* Every number that the receiver lacks leads to a packet of the present cache or to one that has
 * never come. It asks, and gets it. */
static void fetch_missing(struct bench *b, const bool *have, uint64_t first, uint64_t next)
{
    for (uint64_t seq = first; seq < next; seq++) {
        uint64_t found, source_seq;
        struct layer_segment segment;
        if (have[seq - first])
            continue;
        if (next - seq > 200 ||
            !layer_selector_find(&b->selector, (uint16_t)seq, &found, &source_seq, &segment))
            continue;
        assert_int_equal(found, seq);
        assert_int_equal(source_seq + segment.shift.seq, seq);
    }
}

static void check_numbers(struct bench *b)
{
    static bool have[PACKETS_SENT_MAX * 2];
    memset(have, 0, sizeof have);
    uint64_t next = b->first_out;
    for (size_t i = 0; i < b->sent_count; i++) {
        const struct sent *s = &b->sent[i];
        assert_true(s->seq >= next); /* in order, and none twice */
        have[s->seq - b->first_out] = true;
        next = s->seq + 1;
        if (i > 0 && s->timestamp != s[-1].timestamp)
            assert_true(timestamp_is_newer(s->timestamp, s[-1].timestamp));
        const struct picture *p = picture_of(&b->encodings[s->encoding], s->source_seq);
        assert_true(s->source_seq < p->first_seq + p->packets);
        if (i > 0) { /* one timestamp, one picture */
            const struct picture *before =
                picture_of(&b->encodings[s[-1].encoding], s[-1].source_seq);
            assert_int_equal(before == p, s->timestamp == s[-1].timestamp);
        }
    }
    assert_int_equal(next, b->selector.next_seq);
    if (b->loss_percent == 0)
        assert_int_equal(next - b->first_out, b->sent_count);
    fetch_missing(b, have, b->first_out, next);
}

/* A decoder has what came since the last key frame. Each picture must be whole and refer to what is
 * there. (The same one may come twice: after an excursion to the other encoding.) */
static void check_pictures(struct bench *b)
{
    uint32_t run = 0;
    for (size_t i = 0; i < b->sent_count;) {
        const struct sent *s = &b->sent[i];
        struct encoding *e = &b->encodings[s->encoding];
        struct picture *p = picture_of(e, s->source_seq);
        uint32_t packets = 0;
        for (; i < b->sent_count && b->sent[i].timestamp == s->timestamp; i++, packets++)
            assert_int_equal(b->sent[i].seq - b->sent[i].source_seq, s->seq - s->source_seq);
        if (b->loss_percent > 0)
            continue;
        if (packets != p->packets && i < b->sent_count)
            fail_msg("half a picture: %u of %u", packets, p->packets);
        run += p->key_frame;
        for (size_t r = 0; r < p->reference_count; r++) {
            if (e->pictures[p->references[r]].run != run)
                fail_msg("refers to what was left out");
        }
        p->run = run;
    }
    /* Repeated pictures leave their mark: the next check starts afresh. */
    for (int e = 0; e < ENCODINGS; e++) {
        for (uint32_t i = 0; i < b->encodings[e].count; i++)
            b->encodings[e].pictures[i].run = 0;
    }
}

/* Receivers see picture ids that go on: VP8 without a gap, others rising. */
static void check_picture_ids(struct bench *b)
{
    bool first = true;
    uint16_t last = 0;
    uint16_t last_frame = 0;
    const struct picture *before = NULL;
    for (size_t i = 0; i < b->sent_count; i++) {
        const struct sent *s = &b->sent[i];
        const struct picture *p = picture_of(&b->encodings[s->encoding], s->source_seq);
        uint16_t id = (uint16_t)((p->picture_id + s->shift.picture) & 0x7fff);
        uint16_t frame = (uint16_t)(p->frame_number + s->shift.frame);
        if (!first && p != before) {
            uint16_t ahead = (uint16_t)((id - last) & 0x7fff);
            bool has_ids = b->encodings[0].codec == MEDIA_CODEC_VP8 ||
                           b->encodings[0].codec == MEDIA_CODEC_VP9;
            assert_true(!has_ids || (ahead > 0 && ahead < 0x4000));
            if (b->encodings[0].codec == MEDIA_CODEC_VP8 && !p->key_frame && b->loss_percent == 0)
                assert_int_equal(ahead, 1);
            assert_true((int16_t)(uint16_t)(frame - last_frame) > 0);
        }
        first = false;
        before = p;
        last = id;
        last_frame = frame;
    }
}

static void check(struct bench *b)
{
    check_numbers(b);
    check_pictures(b);
    check_picture_ids(b);
}

static const enum media_codec codecs[] = {MEDIA_CODEC_VP8, MEDIA_CODEC_VP9, MEDIA_CODEC_AV1,
                                          MEDIA_CODEC_H264};
static struct bench bench;

static struct layer_target random_target(struct rng *rng)
{
    unsigned mode = (unsigned)rng_below(rng, 10);
    return (struct layer_target){mode == 0   ? LAYER_OFF
                                 : mode == 1 ? LAYER_STILL
                                             : LAYER_LIVE,
                                 (uint8_t)rng_below(rng, ENCODINGS),
                                 (uint8_t)rng_below(rng, LAYER_TEMPORAL_MAX)};
}

/* Targets change at any moment, also in the middle of a picture; the path is slow at times. */
static void play(enum media_codec codec, uint64_t seed, unsigned loss_percent)
{
    struct bench *b = &bench;
    bench_begin(b, codec, seed);
    b->loss_percent = loss_percent;
    b->has_clock = seed % 3 != 0;
    size_t speed = SIZE_MAX;
    for (int i = 0; i < 1500; i++) {
        if (rng_below(&b->rng, 12) == 0)
            layer_selector_set_target(&b->selector, random_target(&b->rng));
        if (rng_below(&b->rng, 20) == 0)
            speed = rng_below(&b->rng, 2) == 0 ? SIZE_MAX : 1 + rng_below(&b->rng, 2);
        if (rng_below(&b->rng, 60) == 0)
            b->encodings[rng_below(&b->rng, ENCODINGS)].wants_key_frame = true;
        step(b, speed);
    }
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    size_t before = b->sent_count;
    for (int i = 0; i < 300; i++)
        step(b, SIZE_MAX);
    assert_true(b->sent_count > before + 250); /* it always finds its way back */
    check(b);
    bench_end(b);
}

static void whatever_the_targets_no_picture_is_broken(void **state)
{
    for (size_t c = 0; c < COUNT_OF(codecs); c++) {
        for (uint64_t seed = 1; seed <= 12; seed++)
            play(codecs[c], seed, 0);
    }
    (void)state;
}

static void loss_on_the_way_in_stays_a_gap_that_can_be_asked_for(void **state)
{
    for (size_t c = 0; c < COUNT_OF(codecs); c++) {
        for (uint64_t seed = 1; seed <= 8; seed++)
            play(codecs[c], seed, 5);
    }
    (void)state;
}

/* --- One by one */

static unsigned pictures_taken(struct bench *b, uint8_t encoding, uint32_t from)
{
    unsigned count = 0;
    for (uint32_t i = from; i < b->encodings[encoding].count; i++)
        count += b->encodings[encoding].pictures[i].taken > 0;
    return count;
}

static void fewer_layers_are_fewer_pictures_at_once(void **state)
{
    static const unsigned expected[] = {10, 20, 40, 40};
    for (size_t c = 0; c < 3; c++) {
        for (uint8_t top = 0; top < LAYER_TEMPORAL_MAX; top++) {
            struct bench *b = &bench;
            bench_begin(b, codecs[c], 1);
            for (int i = 0; i < 40; i++)
                step(b, SIZE_MAX);
            layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, top});
            uint32_t from = b->encodings[0].count;
            for (int i = 0; i < 40; i++)
                step(b, SIZE_MAX);
            assert_int_equal(pictures_taken(b, 0, from), expected[top]);
            check(b);
            bench_end(b);
        }
    }
    (void)state;
}

static void a_higher_layer_is_entered_without_a_key_frame(void **state)
{
    for (size_t c = 0; c < 3; c++) {
        struct bench *b = &bench;
        bench_begin(b, codecs[c], 2);
        step(b, SIZE_MAX);
        layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, 0});
        for (int i = 0; i < 41; i++)
            step(b, SIZE_MAX);
        layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
        for (int i = 0; i < 34; i++)
            step(b, SIZE_MAX);
        uint32_t from = b->encodings[0].count;
        for (int i = 0; i < 40; i++)
            step(b, SIZE_MAX);
        assert_int_equal(pictures_taken(b, 0, from), 40);
        assert_false(b->encodings[0].wants_key_frame);
        check(b);
        bench_end(b);
    }
    (void)state;
}

static void a_layer_without_a_way_in_is_worth_a_key_frame_after_a_while(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 9);
    b->encodings[0].never_syncs = true;
    step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, 0});
    for (int i = 0; i < 90; i++) /* six seconds: nothing is missed */
        step(b, SIZE_MAX);
    assert_int_equal(b->encodings[0].last_key, 0);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    uint32_t from = b->encodings[0].count;
    for (int i = 0; i < 40; i++)
        step(b, SIZE_MAX);
    assert_int_equal(b->encodings[0].last_key, 0);
    for (int i = 0; i < 20; i++)
        step(b, SIZE_MAX);
    assert_true(b->encodings[0].last_key > from);
    from = b->encodings[0].count;
    for (int i = 0; i < 40; i++)
        step(b, SIZE_MAX);
    assert_int_equal(pictures_taken(b, 0, from), 40);
    check(b);
    bench_end(b);
    (void)state;
}

/* A line that stood still for a second: what waits is caught up with by the base layer alone, and
 * everything goes out again from then on, without a key frame. */
static void who_lags_is_given_the_base_layer_first(void **state)
{
    static const enum media_codec layered[] = {MEDIA_CODEC_VP8, MEDIA_CODEC_VP9, MEDIA_CODEC_AV1};
    for (size_t i = 0; i < COUNT_OF(layered); i++) {
        struct bench *b = &bench;
        bench_begin(b, layered[i], 5);
        for (int n = 0; n < 32; n++)
            step(b, SIZE_MAX);
        assert_int_equal(b->selector.pictures_left_out, 0);
        uint32_t from = b->encodings[0].count;
        for (int n = 0; n < 16; n++)
            step(b, 0);
        drain(b, SIZE_MAX);
        uint32_t caught_up = b->encodings[0].count;
        assert_in_range(pictures_taken(b, 0, from), 4, 9);
        for (int n = 0; n < 32; n++)
            step(b, SIZE_MAX);
        assert_true(pictures_taken(b, 0, caught_up) >= 28);
        assert_int_equal(b->encodings[0].last_key, 0);
        check(b);
        bench_end(b);
    }
    (void)state;
}

/* VP8 without marks lets nobody in again before a key frame: there all of it goes out, late. */
static void nothing_is_left_out_that_would_not_come_back(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 6);
    b->encodings[0].never_syncs = true;
    for (int n = 0; n < 32; n++)
        step(b, SIZE_MAX);
    for (int n = 0; n < 16; n++)
        step(b, 0);
    drain(b, SIZE_MAX);
    assert_int_equal(b->selector.pictures_left_out, 0);
    assert_int_equal(pictures_taken(b, 0, 0), b->encodings[0].count);
    bench_end(b);
    (void)state;
}

static void another_encoding_begins_with_its_cached_key_frame(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 3);
    for (int i = 0; i < 12; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 1, LAYER_ALL});
    step(b, SIZE_MAX);
    assert_int_equal(b->selector.encoding, 1);
    /* Its base layer: what is of upper ones is old by now. */
    assert_in_range(pictures_taken(b, 1, 0), 2, b->encodings[1].count - 1);
    /* Too much has come since the best one's key frame: it is asked for, and goes on meanwhile. */
    for (int i = 0; i < 60; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    uint32_t from = b->encodings[1].count;
    drain(b, SIZE_MAX);
    assert_int_equal(b->selector.encoding, 1);
    assert_true(b->encodings[0].wants_key_frame);
    assert_int_equal(layer_selector_encodings(&b->selector), 3);
    step(b, SIZE_MAX);
    assert_int_equal(b->selector.encoding, 0);
    (void)from;
    check(b);
    bench_end(b);
    (void)state;
}

static void pictures_of_two_encodings_keep_the_publishers_time(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP9, 4);
    for (int i = 0; i < 30; i++)
        step(b, SIZE_MAX);
    b->encodings[1].wants_key_frame = true;
    while (b->encodings[1].wants_key_frame)
        step(b, SIZE_MAX);
    step(b, SIZE_MAX);
    step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 1, LAYER_ALL});
    b->encodings[1].wants_key_frame = true;
    for (int i = 0; i < 3; i++)
        step(b, SIZE_MAX);
    assert_int_equal(b->selector.encoding, 1);
    /* Every picture's time at the receiver is its time at the publisher, shifted by one constant.
     */
    size_t first = b->sent_count - 1;
    while (first > 0 && b->sent[first].encoding == 1)
        first--;
    uint32_t shift = 0;
    for (size_t i = first; i < b->sent_count; i++) {
        const struct sent *s = &b->sent[i];
        const struct encoding *e = &b->encodings[s->encoding];
        uint32_t captured =
            picture_of(&b->encodings[s->encoding], s->source_seq)->timestamp - e->zero;
        uint32_t off = s->timestamp - captured;
        if (i > first)
            assert_true(off - shift <= 2 || shift - off <= 2);
        shift = off;
    }
    assert_true(first > 0 && first < b->sent_count - 1);
    check(b);
    bench_end(b);
    (void)state;
}

static void stills_come_every_few_seconds_and_only_when_something_is_new(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 5);
    for (int i = 0; i < 30; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_STILL, 1, 0});
    uint32_t from = b->encodings[1].count;
    for (int i = 0; i < 300; i++) /* twenty seconds */
        step(b, SIZE_MAX);
    unsigned stills = pictures_taken(b, 1, from);
    assert_true(stills >= 4 && stills <= 6);
    for (uint32_t i = from; i < b->encodings[1].count; i++) {
        const struct picture *p = &b->encodings[1].pictures[i];
        assert_true(p->taken == 0 || (p->key_frame && p->taken == p->packets));
    }
    /* The screen stands still: nothing is asked for. */
    size_t before = b->sent_count;
    for (int i = 0; i < 400; i++) {
        b->now += MILLISECONDS(50);
        drain(b, SIZE_MAX);
        if (b->encodings[1].wants_key_frame) {
            b->encodings[1].wants_key_frame = false;
            send_picture(b, 1); /* one more delta, then silence */
            b->encodings[1].pictures[b->encodings[1].count - 1].key_frame = true;
            break;
        }
    }
    (void)before;
    check_numbers(b);
    bench_end(b);
    (void)state;
}

static void a_slow_path_goes_on_at_a_newer_key_frame(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 6);
    for (int i = 0; i < 30; i++)
        step(b, SIZE_MAX);
    for (int i = 0; i < 20; i++)
        step(b, 0);
    assert_true(layer_selector_lag(&b->selector, b->now, b->sources, ENCODINGS) > SECONDS(1));
    b->encodings[0].wants_key_frame = true;
    step(b, 0);
    uint32_t from = b->encodings[0].count;
    step(b, SIZE_MAX);
    assert_true(layer_selector_lag(&b->selector, b->now, b->sources, ENCODINGS) <
                MILLISECONDS(100));
    assert_true(pictures_taken(b, 0, from - 22) < 5);
    check(b);
    bench_end(b);
    (void)state;
}

static void taking_over_goes_on_without_a_break_and_gives_back_the_same(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 7);
    for (int i = 0; i < 20; i++)
        step(b, 0);
    /* The plain path has sent everything so far, in the middle of a picture too. */
    struct encoding *e = &b->encodings[0];
    uint64_t first = e->pictures[0].first_seq;
    uint64_t cursor = e->next_seq;
    uint64_t offset = b->first_out - first;
    layer_selector_init(&b->selector, cursor + offset, true, 12345, b->now);
    prepare_sources(b);
    layer_selector_take_over(&b->selector, &b->sources[0], 0, first, cursor, offset, 77);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    b->first_out = cursor + offset;
    uint64_t seq, source_seq;
    struct layer_segment segment;
    assert_true(layer_selector_find(&b->selector, (uint16_t)(b->first_out - 3), &seq, &source_seq,
                                    &segment));
    assert_int_equal(source_seq, cursor - 3);
    step(b, SIZE_MAX);
    assert_int_equal(b->sent[0].source_seq, cursor);
    assert_int_equal(b->sent[0].timestamp, e->pictures[20].timestamp + 77);
    prepare_sources(b);
    assert_true(layer_selector_is_plain(&b->selector, b->sources, ENCODINGS));
    /* Thinned, VP8's picture ids are other ones until a key frame. */
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, 0});
    for (int i = 0; i < 10; i++)
        step(b, SIZE_MAX);
    layer_selector_set_target(&b->selector, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL});
    for (int i = 0; i < 50; i++)
        step(b, SIZE_MAX);
    assert_false(layer_selector_is_plain(&b->selector, b->sources, ENCODINGS));
    e->wants_key_frame = true;
    step(b, SIZE_MAX);
    assert_true(layer_selector_is_plain(&b->selector, b->sources, ENCODINGS));
    bench_end(b);
    (void)state;
}

static void a_number_is_kept_for_a_packet_that_comes_late(void **state)
{
    struct bench *b = &bench;
    bench_begin(b, MEDIA_CODEC_VP8, 8);
    for (int i = 0; i < 9; i++)
        step(b, SIZE_MAX);
    b->loss_percent = 0;
    struct encoding *e = &b->encodings[0];
    struct picture *p = add_picture(b, e);
    for (uint32_t packet = 1; packet < p->packets; packet++)
        arrive(b, 0, e->count - 1, packet);
    uint64_t missing = b->selector.next_seq;
    step(b, SIZE_MAX);
    assert_int_equal(b->selector.next_seq, missing); /* waited for */
    step(b, SIZE_MAX);
    step(b, SIZE_MAX);
    assert_true(b->selector.next_seq > missing); /* passed over */
    uint64_t seq, source_seq;
    struct layer_segment segment;
    assert_true(layer_selector_find(&b->selector, (uint16_t)missing, &seq, &source_seq, &segment));
    assert_int_equal(source_seq, p->first_seq);
    bench_end(b);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_layers_are_fewer_pictures_at_once),
        cmocka_unit_test(a_higher_layer_is_entered_without_a_key_frame),
        cmocka_unit_test(a_layer_without_a_way_in_is_worth_a_key_frame_after_a_while),
        cmocka_unit_test(who_lags_is_given_the_base_layer_first),
        cmocka_unit_test(nothing_is_left_out_that_would_not_come_back),
        cmocka_unit_test(another_encoding_begins_with_its_cached_key_frame),
        cmocka_unit_test(pictures_of_two_encodings_keep_the_publishers_time),
        cmocka_unit_test(stills_come_every_few_seconds_and_only_when_something_is_new),
        cmocka_unit_test(a_slow_path_goes_on_at_a_newer_key_frame),
        cmocka_unit_test(taking_over_goes_on_without_a_break_and_gives_back_the_same),
        cmocka_unit_test(a_number_is_kept_for_a_packet_that_comes_late),
        cmocka_unit_test(whatever_the_targets_no_picture_is_broken),
        cmocka_unit_test(loss_on_the_way_in_stays_a_gap_that_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
