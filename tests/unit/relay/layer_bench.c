#include "unit/relay/layer_bench.h"

struct bench bench;

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

struct picture *add_picture(struct bench *b, struct encoding *e)
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
    p->packets = p->key_frame ? e->key_packets : 1 + (uint32_t)rng_below(&b->rng, 3);
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
    if (e->codec == MEDIA_CODEC_VP8 && e->lacks_numbers) {
        write_u8(w, first ? 0x10 : 0);
    } else if (e->codec == MEDIA_CODEC_VP8) {
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

void arrive(struct bench *b, uint8_t index, uint32_t picture, uint32_t packet)
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
    stream_tail_note(&e->tail, b->now, p->first_seq + packet, p->timestamp, p->layer,
                     p->key_frame && packet == 0, header.payload.size);
}

/* --- What the receiver gets */

struct picture *picture_of(struct encoding *e, uint64_t seq)
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

void prepare_sources(struct bench *b)
{
    for (int i = 0; i < ENCODINGS; i++) {
        struct encoding *e = &b->encodings[i];
        b->sources[i] = (struct layer_source){.cache = &e->cache,
                                              .tail = &e->tail,
                                              .tail_max = b->tail_max,
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

size_t drain(struct bench *b, size_t packets_max)
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

void send_picture(struct bench *b, uint8_t index)
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

void bench_begin(struct bench *b, enum media_codec codec, uint64_t seed)
{
    memset(b, 0, sizeof *b);
    b->rng = rng_of_seed(seed);
    b->now = SECONDS(10);
    b->has_clock = true;
    for (int i = 0; i < ENCODINGS; i++) {
        struct encoding *e = &b->encodings[i];
        e->codec = codec;
        e->key_packets = 6;
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

void bench_end(struct bench *b)
{
    for (int i = 0; i < ENCODINGS; i++)
        retransmit_cache_destroy(&b->encodings[i].cache);
}

void step(struct bench *b, size_t packets_max)
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

void check_numbers(struct bench *b)
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
        bool is_half = packets != p->packets && i < b->sent_count;
        if (is_half && p->key_frame && b->given_up_max > 0) {
            b->given_up_max--;
            continue;
        }
        if (is_half)
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

void check(struct bench *b)
{
    check_numbers(b);
    check_pictures(b);
    check_picture_ids(b);
}

/* --- One by one */

unsigned pictures_taken(struct bench *b, uint8_t encoding, uint32_t from)
{
    unsigned count = 0;
    for (uint32_t i = from; i < b->encodings[encoding].count; i++)
        count += b->encodings[encoding].pictures[i].taken > 0;
    return count;
}
