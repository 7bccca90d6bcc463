/* A selector over two caches in which anything may lie: numbers, layers, descriptors, times and
 * targets come from the input. Whatever goes out has a higher number than what went out before,
 * leads back to where it came from, and comes out of the cache that it names. */
#include "base/check.h"
#include "relay/core/layer_selector.h"
#include "wire/rtp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENCODINGS 2
#define CAPACITY 64
#define PACKET_BYTES 64
#define TAKES_MAX 4096

struct world {
    struct retransmit_cache caches[ENCODINGS];
    struct layer_source sources[ENCODINGS];
    struct stream_tail tails[ENCODINGS];
    uint64_t newest[ENCODINGS];
    uint32_t timestamps[ENCODINGS];
    struct layer_selector selector;
    usec_t now;
    uint64_t next_seq;
};

static void set_up(struct world *w, uint8_t codec)
{
    static const enum media_codec codecs[] = {MEDIA_CODEC_VP8, MEDIA_CODEC_VP9, MEDIA_CODEC_AV1,
                                              MEDIA_CODEC_H264};
    *w = (struct world){.now = SECONDS(100), .next_seq = 0x10000};
    for (unsigned i = 0; i < ENCODINGS; i++) {
        CHECK(retransmit_cache_init(&w->caches[i], CAPACITY, PACKET_BYTES) == STATUS_OK);
        w->newest[i] = 0x10000;
        w->sources[i] = (struct layer_source){.cache = &w->caches[i],
                                              .tail = &w->tails[i],
                                              .tail_max = i == 0 ? 40 : 0,
                                              .serial = 1 + i,
                                              .codec = codecs[codec % COUNT_OF(codecs)],
                                              .clock_rate = 90000,
                                              .accepted = true,
                                              .descriptor_id = 1};
    }
    layer_selector_init(&w->selector, w->next_seq, false, 0, 0);
}

/* flags, layer, number's step, then the payload's first bytes. */
static void store(struct world *w, unsigned encoding, struct reader *r)
{
    uint8_t flags = read_u8(r);
    uint8_t layers = read_u8(r);
    uint8_t step = read_u8(r);
    struct bytes payload = read_bytes(r, read_u8(r) & 15);
    uint8_t packet[PACKET_BYTES];
    struct writer out = writer_of((struct bytes_mut){packet, sizeof packet});
    if (r->failed)
        return;
    uint64_t seq = w->newest[encoding] + step - ((flags & 0x80) != 0 ? 40 : 0);
    w->newest[encoding] = seq > w->newest[encoding] ? seq : w->newest[encoding];
    w->timestamps[encoding] += (flags & 0x40) != 0 ? 3000 : 0;
    struct rtp_header header = {.marker = (flags & 1) != 0,
                                .timestamp = w->timestamps[encoding],
                                .seq = (uint16_t)seq,
                                .payload = payload};
    rtp_write_header(&out, &header);
    write_bytes(&out, payload);
    bool key_frame = (flags & 2) != 0;
    struct retransmit_entry *e = retransmit_cache_store(
        &w->caches[encoding], w->now, seq, bytes_const(writer_written(&out)), key_frame);
    if ((flags & 0x20) == 0)
        stream_tail_note(&w->tails[encoding], w->now, seq, w->timestamps[encoding], layers & 3,
                         key_frame, payload.size);
    if (e != NULL)
        e->layers = (struct layer_mark){.temporal_layer = layers & 3,
                                        .opens = (uint8_t)(layers >> 2 & 3),
                                        .key_frame = key_frame,
                                        .has_layers = (flags & 4) != 0,
                                        .enters = (flags & 8) != 0};
}

static void take(struct world *w, unsigned count)
{
    struct layer_packet out;
    uint8_t encoding;
    for (unsigned i = 0;
         i < count && layer_selector_take(&w->selector, w->now, w->sources, ENCODINGS, &out); i++) {
        uint64_t seq, source_seq;
        struct layer_segment segment;
        CHECK(i < TAKES_MAX);
        CHECK(out.encoding < ENCODINGS && out.seq >= w->next_seq);
        CHECK(retransmit_cache_find(&w->caches[out.encoding], out.entry->seq) == out.entry);
        CHECK(layer_selector_find(&w->selector, (uint16_t)out.seq, &seq, &source_seq, &segment));
        CHECK(seq == out.seq && source_seq == out.entry->seq && segment.encoding == out.encoding);
        CHECK(segment.shift.timestamp == out.shift.timestamp);
        w->next_seq = out.seq + 1;
    }
    if (layer_selector_wants_key_frame(&w->selector, w->now, w->sources, ENCODINGS, &encoding))
        CHECK(encoding < ENCODINGS);
    CHECK(layer_selector_lag(&w->selector, w->now, w->sources, ENCODINGS) >= 0);
    (void)layer_selector_next_timeout(&w->selector, w->sources, ENCODINGS);
    (void)layer_selector_is_plain(&w->selector, w->sources, ENCODINGS);
}

static void act(struct world *w, struct reader *r)
{
    uint8_t what = read_u8(r);
    unsigned encoding = what >> 7;
    switch (what & 7) {
    case 0:
        w->now += MILLISECONDS(10) * read_u8(r);
        break;
    case 1:
        layer_selector_set_target(&w->selector,
                                  (struct layer_target){(enum layer_mode)(read_u8(r) % 3),
                                                        (uint8_t)(what >> 3 & 3),
                                                        (uint8_t)(what >> 5 & 3)});
        break;
    case 2:
        w->sources[encoding].serial += 2; /* a new epoch */
        retransmit_cache_clear(&w->caches[encoding]);
        break;
    case 3:
        layer_selector_restart(&w->selector);
        break;
    case 4:
        take(w, what >> 3 & 15);
        break;
    default:
        store(w, encoding, r);
        take(w, (what & 0x40) != 0 ? TAKES_MAX : 0);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct world *w = malloc(sizeof *w);
    CHECK(w != NULL);
    set_up(w, read_u8(&r));
    while (!r.failed && reader_left(&r) > 0)
        act(w, &r);
    for (unsigned i = 0; i < ENCODINGS; i++)
        retransmit_cache_destroy(&w->caches[i]);
    free(w);
    return 0;
}
