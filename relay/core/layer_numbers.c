#include "relay/core/layer_numbers.h"

#include "wire/rtp_extension.h"

#define TICKS_MIN_US 1000 /* between two pictures of different encodings, at least */
#define TICKS_MAX_US SECONDS(10)
#define FRAME_US 20000

static struct layer_segment *newest(struct layer_selector *l)
{
    return &l->segments[(l->segment_count - 1) % LAYER_SEGMENTS];
}

void layer_numbers_note_segment(struct layer_selector *l, uint64_t first, uint64_t next,
                                uint8_t layer)
{
    struct layer_segment *s = l->segment_count > 0 ? newest(l) : NULL;
    bool goes_on = s != NULL && s->serial == l->serial && s->next == first &&
                   s->shift.seq == l->shift.seq && s->shift.timestamp == l->shift.timestamp &&
                   s->shift.picture == l->shift.picture && s->shift.tl0 == l->shift.tl0 &&
                   s->shift.frame == l->shift.frame;
    if (!goes_on) {
        s = &l->segments[l->segment_count++ % LAYER_SEGMENTS];
        *s = (struct layer_segment){.first = first,
                                    .serial = l->serial,
                                    .shift = l->shift,
                                    .encoding = l->encoding,
                                    .temporal_max = layer};
    }
    s->next = next;
    if (layer > s->temporal_max)
        s->temporal_max = layer;
    l->next_seq = next + l->shift.seq;
}

void layer_numbers_forget(struct layer_selector *l, uint64_t from)
{
    for (size_t i = 0; i < LAYER_SEGMENTS; i++) {
        struct layer_segment *s = &l->segments[i];
        if (s->serial == l->serial && s->next > from)
            s->next = s->first > from ? s->first : from;
    }
}

bool layer_selector_find(const struct layer_selector *l, uint16_t seq16, uint64_t *seq,
                         uint64_t *source_seq, struct layer_segment *segment)
{
    uint64_t last = l->next_seq - 1;
    uint16_t behind = (uint16_t)(last - seq16);
    if (behind > 0x7fff || behind > last)
        return false;
    uint64_t out = last - behind;
    uint64_t kept = l->segment_count < LAYER_SEGMENTS ? l->segment_count : LAYER_SEGMENTS;
    for (uint64_t i = 0; i < kept; i++) {
        const struct layer_segment *s = &l->segments[(l->segment_count - 1 - i) % LAYER_SEGMENTS];
        uint64_t source = out - s->shift.seq;
        if (source < s->first || source >= s->next)
            continue;
        *seq = out;
        *source_seq = source;
        *segment = *s;
        return true;
    }
    return false;
}

struct picture_numbers layer_numbers_read(const struct layer_source *source,
                                          const struct rtp_header *header)
{
    struct picture_numbers n = {0};
    struct codec_mark mark;
    struct bytes data;
    struct dependency_descriptor descriptor;
    if ((source->codec == MEDIA_CODEC_VP8 || source->codec == MEDIA_CODEC_VP9) &&
        codec_parse_payload(source->codec, header->payload, &mark) == STATUS_OK) {
        n.picture_bits = mark.picture_id_bits;
        n.picture = mark.picture_id;
        n.has_tl0 = mark.has_tl0_index;
        n.tl0 = mark.tl0_index;
    }
    if (rtp_extension_find(header, source->descriptor_id, &data) &&
        dependency_descriptor_parse(data, &descriptor) == STATUS_OK) {
        n.has_frame = true;
        n.frame = descriptor.frame_number;
    }
    return n;
}

/* Of a key frame; what it has no numbers of needs none. The best encoding's own numbers are taken
 * up again where that is a step forward: from then on it needs no rewriting. Anything else goes on
 * right behind the last one. */
static uint16_t shift_of(bool has_last, uint16_t last, uint16_t next, unsigned bits, bool best)
{
    uint16_t mask = (uint16_t)((1u << bits) - 1u);
    uint16_t step = (uint16_t)((next - last) & mask);
    if (!has_last || (best && step > 0 && step < 1u << (bits - 1)))
        return 0;
    return (uint16_t)((last + 1u - next) & mask);
}

void layer_numbers_begin(struct layer_selector *l, const struct picture_numbers *n)
{
    bool best = l->encoding == 0;
    l->shift.picture = n->picture_bits != 0 ? shift_of(l->has_picture, l->last_picture, n->picture,
                                                       n->picture_bits, best)
                                            : 0;
    l->shift.tl0 = n->has_tl0 ? (uint8_t)shift_of(l->has_tl0, l->last_tl0, n->tl0, 8, best) : 0;
    l->shift.frame = n->has_frame ? shift_of(l->has_frame, l->last_frame, n->frame, 16, best) : 0;
}

void layer_numbers_note(struct layer_selector *l, const struct picture_numbers *n)
{
    if (n->picture_bits != 0) {
        l->has_picture = true;
        l->last_picture =
            (uint16_t)((n->picture + l->shift.picture) & (n->picture_bits == 7 ? 0x7f : 0x7fff));
    }
    if (n->has_tl0) {
        l->has_tl0 = true;
        l->last_tl0 = (uint8_t)(n->tl0 + l->shift.tl0);
    }
    if (n->has_frame) {
        l->has_frame = true;
        l->last_frame = (uint16_t)(n->frame + l->shift.frame);
    }
}

static bool find_ntp(const struct layer_source *s, uint32_t timestamp, uint64_t *ntp)
{
    if (!s->has_clock || s->clock_rate == 0)
        return false;
    int64_t ticks = (int32_t)(timestamp - s->clock_timestamp);
    *ntp = s->clock_ntp + (uint64_t)(ticks * ((int64_t)1 << 32) / (int64_t)s->clock_rate);
    return true;
}

/* How much later than the last picture sent, which was `old`'s at the source's `last`, the picture
 * at `timestamp` of `fresh` is: by the publisher's clock where both are known, else by the wall. */
static usec_t find_step_us(const struct layer_selector *l, usec_t now,
                           const struct layer_source *old, uint32_t last,
                           const struct layer_source *fresh, uint32_t timestamp)
{
    uint64_t from, to;
    usec_t step = usec_max(now - l->last_at, FRAME_US);
    if (old != NULL && find_ntp(old, last, &from) && find_ntp(fresh, timestamp, &to))
        step = (int64_t)(to - from) / (((int64_t)1 << 32) / 1000000);
    return usec_max(TICKS_MIN_US, usec_min(step, TICKS_MAX_US));
}

void layer_numbers_begin_time(struct layer_selector *l, usec_t now, const struct layer_source *old,
                              const struct layer_source *fresh, uint32_t timestamp)
{
    usec_t step = FRAME_US;
    if (l->has_sent)
        step = find_step_us(l, now, old, l->last_timestamp - l->shift.timestamp, fresh, timestamp);
    uint32_t ticks = (uint32_t)((uint64_t)step * fresh->clock_rate / 1000000u);
    l->shift.timestamp = l->last_timestamp + ticks - timestamp;
}

void layer_shift_apply(const struct layer_shift *shift, enum media_codec codec,
                       struct bytes_mut payload)
{
    struct codec_mark mark;
    if ((shift->picture == 0 && shift->tl0 == 0) ||
        codec_parse_payload(codec, bytes_const(payload), &mark) != STATUS_OK)
        return;
    codec_rewrite_numbers(&mark, payload, (uint16_t)(mark.picture_id + shift->picture),
                          (uint8_t)(mark.tl0_index + shift->tl0));
}
