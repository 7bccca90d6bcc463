#include "relay/core/layer_selector.h"

#include "base/seq.h"
#include "wire/rtp.h"
#include "wire/rtp_extension.h"

#define TICKS_MIN_US 1000 /* between two pictures of different encodings, at least */
#define TICKS_MAX_US SECONDS(10)
#define FRAME_US 20000
#define TURNS_MAX 8192
#define ROW_LONG 16 /* pictures in a row: nothing is left out any more */

static struct layer_segment *newest(struct layer_selector *l)
{
    return &l->segments[(l->segment_count - 1) % LAYER_SEGMENTS];
}

void layer_selector_init(struct layer_selector *l, uint64_t next_seq, bool has_sent,
                         uint32_t last_timestamp, usec_t last_at)
{
    *l = (struct layer_selector){.next_seq = next_seq,
                                 .has_sent = has_sent,
                                 .last_timestamp = last_timestamp,
                                 .last_at = last_at};
}

void layer_selector_set_target(struct layer_selector *l, struct layer_target target)
{
    l->target = target;
}

void layer_selector_restart(struct layer_selector *l)
{
    l->state = LAYER_WAITING;
    l->key_frame_sent = false;
}

/* --- Numbers */

/* The source numbers [first, next) have a place now, by the present shift. */
static void note_segment(struct layer_selector *l, uint64_t first, uint64_t next, uint8_t layer)
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

/* What a picture's first packet says of its numbers, as the source has them. */
struct picture_numbers {
    uint8_t picture_bits; /* 0: none */
    bool has_tl0, has_frame;
    uint16_t picture, frame;
    uint8_t tl0;
};

static struct picture_numbers read_numbers(const struct layer_source *source,
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

/* Of a key frame. The best encoding's own numbers are taken up again where that is a step forward:
 * from then on it needs no rewriting. Anything else goes on right behind the last one. */
static uint16_t shift_of(bool has_last, uint16_t last, uint16_t next, unsigned bits, bool best)
{
    uint16_t mask = (uint16_t)((1u << bits) - 1u);
    uint16_t step = (uint16_t)((next - last) & mask);
    if (!has_last || (best && step > 0 && step < 1u << (bits - 1)))
        return 0;
    return (uint16_t)((last + 1u - next) & mask);
}

static void begin_numbers(struct layer_selector *l, const struct picture_numbers *n)
{
    bool best = l->encoding == 0;
    if (n->picture_bits != 0)
        l->shift.picture =
            shift_of(l->has_picture, l->last_picture, n->picture, n->picture_bits, best);
    if (n->has_tl0)
        l->shift.tl0 = (uint8_t)shift_of(l->has_tl0, l->last_tl0, n->tl0, 8, best);
    if (n->has_frame)
        l->shift.frame = shift_of(l->has_frame, l->last_frame, n->frame, 16, best);
}

static void note_numbers(struct layer_selector *l, const struct picture_numbers *n)
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

/* --- Time */

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

static void begin_time(struct layer_selector *l, usec_t now, const struct layer_source *old,
                       const struct layer_source *fresh, uint32_t timestamp)
{
    usec_t step = FRAME_US;
    if (l->has_sent)
        step = find_step_us(l, now, old, l->last_timestamp - l->shift.timestamp, fresh, timestamp);
    uint32_t ticks = (uint32_t)((uint64_t)step * fresh->clock_rate / 1000000u);
    l->shift.timestamp = l->last_timestamp + ticks - timestamp;
}

/* --- Where to read */

static bool is_usable(const struct layer_source *s)
{
    return s->serial != 0 && s->accepted && s->cache != NULL;
}

static const struct layer_source *source_of(const struct layer_selector *l,
                                            const struct layer_source *sources, size_t count)
{
    if (l->serial == 0 || l->encoding >= count || sources[l->encoding].serial != l->serial ||
        !is_usable(&sources[l->encoding]))
        return NULL;
    return &sources[l->encoding];
}

/* The encoding's newest key frame, when it is near enough to the live edge to begin with. */
static bool find_start(const struct layer_source *s, uint64_t packets_max, uint64_t *first)
{
    if (!is_usable(s) || s->cache->key_frame_seq == 0 ||
        s->cache->highest - s->cache->key_frame_seq >= packets_max ||
        retransmit_cache_find(s->cache, s->cache->key_frame_seq) == NULL)
        return false;
    *first = s->cache->key_frame_seq;
    return true;
}

static bool parse_entry(const struct retransmit_entry *e, struct rtp_header *header)
{
    return rtp_parse_header(bytes_of(e->data, e->size), header) == STATUS_OK;
}

/* Goes on with the key frame that begins at `first` of that encoding. */
static void begin(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                  size_t count, uint8_t encoding, uint64_t first)
{
    const struct layer_source *old = source_of(l, sources, count);
    const struct layer_source *fresh = &sources[encoding];
    struct rtp_header header;
    bool same = old == fresh;
    l->state = LAYER_FLOWING;
    l->cursor = first;
    l->placed_at = now;
    l->in_picture = false;
    if (same || !parse_entry(retransmit_cache_find(fresh->cache, first), &header))
        return; /* the same clock, and numbers are begun anew at every key frame */
    begin_time(l, now, old, fresh, header.timestamp);
    l->switches += l->serial != 0;
    l->encoding = encoding;
    l->serial = fresh->serial;
    l->key_frame_sent = false;
    l->temporal_now = 0;
}

/* WAITING: with the target's encoding, or while that does not come at all, with any that does. */
static bool begin_live(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                       size_t count)
{
    uint64_t first;
    uint8_t wanted = l->target.encoding;
    if (wanted < count && is_usable(&sources[wanted])) {
        if (!find_start(&sources[wanted], LAYER_REPLAY_PACKETS, &first))
            return false;
        begin(l, now, sources, count, wanted, first);
        return true;
    }
    for (size_t i = count; i-- > 0;) {
        if (find_start(&sources[i], LAYER_REPLAY_PACKETS, &first)) {
            begin(l, now, sources, count, (uint8_t)i, first);
            return true;
        }
    }
    return false;
}

static bool is_new_key_frame(const struct layer_selector *l, const struct layer_source *s,
                             uint64_t first)
{
    return !l->key_frame_sent || l->serial != s->serial || first > l->key_frame_seq;
}

static uint8_t still_encoding(const struct layer_selector *l, const struct layer_source *sources,
                              size_t count)
{
    return l->target.encoding < count && is_usable(&sources[l->target.encoding])
               ? l->target.encoding
               : l->encoding;
}

static bool is_still_due(const struct layer_selector *l, usec_t now)
{
    return !l->key_frame_sent || now - l->key_frame_at >= LAYER_STILL_US;
}

static bool begin_still(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                        size_t count)
{
    uint64_t first;
    uint8_t encoding = still_encoding(l, sources, count);
    if (encoding >= count || !is_still_due(l, now) ||
        !find_start(&sources[encoding], UINT64_MAX, &first) ||
        !is_new_key_frame(l, &sources[encoding], first))
        return false;
    begin(l, now, sources, count, encoding, first);
    l->key_frame_sent = true;
    l->key_frame_seq = first;
    l->key_frame_at = now;
    return true;
}

/* The source began anew, or what comes next is not in the cache any more. */
static bool has_lost_place(const struct layer_selector *l, const struct layer_source *source)
{
    return source == NULL || l->cursor + source->cache->capacity <= source->cache->highest;
}

/* RESTING -> LIVE: what has come since the still goes out behind it, if that is not too much. */
static bool resume(struct layer_selector *l, usec_t now, const struct layer_source *source)
{
    if (source == NULL || source->cache->highest + 1 - l->cursor > LAYER_REPLAY_PACKETS)
        return false;
    l->state = LAYER_FLOWING;
    l->placed_at = now;
    return true;
}

/* Between pictures: true when reading goes on at l->cursor. */
static bool choose_place(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                         size_t count)
{
    const struct layer_source *source = source_of(l, sources, count);
    uint64_t first;
    if (l->state != LAYER_WAITING && has_lost_place(l, source)) {
        l->state = LAYER_WAITING;
        l->in_picture = false;
    }
    if (l->target.mode == LAYER_OFF)
        return false;
    if (l->target.mode == LAYER_STILL) {
        if (l->state == LAYER_FLOWING)
            l->state = LAYER_RESTING;
        return begin_still(l, now, sources, count);
    }
    if (l->state == LAYER_RESTING && !resume(l, now, source))
        l->state = LAYER_WAITING;
    if (l->state == LAYER_WAITING)
        return begin_live(l, now, sources, count);
    uint8_t wanted = l->target.encoding;
    if (wanted != l->encoding && wanted < count &&
        find_start(&sources[wanted], LAYER_REPLAY_PACKETS, &first)) {
        begin(l, now, sources, count, wanted, first);
    } else if (layer_selector_lag(l, now, sources, count) > LAYER_BEHIND_US &&
               find_start(source, UINT64_MAX, &first) && first > l->cursor) {
        begin(l, now, sources, count, l->encoding, first);
    }
    return true;
}

/* --- Reading on */

/* The next packet that is there, from the cursor on; NULL at the live edge. What the cache cannot
 * hold any more is not looked for: a source that never sends a key frame may be far ahead. */
static const struct retransmit_entry *find_next(const struct layer_selector *l,
                                                const struct layer_source *source)
{
    const struct retransmit_cache *cache = source->cache;
    uint64_t oldest = cache->highest >= cache->capacity ? cache->highest - cache->capacity + 1 : 0;
    for (uint64_t seq = l->cursor > oldest ? l->cursor : oldest; seq <= cache->highest; seq++) {
        const struct retransmit_entry *e = retransmit_cache_find(source->cache, seq);
        if (e != NULL)
            return e;
    }
    return NULL;
}

/* Numbers before `e` are missing. What lies in the middle of a picture that is left out is left out
 * with it; anything else is waited for, then its place is kept. */
static bool pass_gap(struct layer_selector *l, usec_t now, const struct retransmit_entry *e,
                     const struct rtp_header *header)
{
    bool left_out = l->in_picture && !l->taking && header->timestamp == l->picture_timestamp;
    if (!left_out) {
        if (now < e->at + LAYER_GAP_US)
            return false;
        l->shift.seq = l->next_seq - l->cursor;
        note_segment(l, l->cursor, e->seq, l->temporal_now);
        l->gaps++;
    }
    l->cursor = e->seq;
    return true;
}

/* Whether the picture that begins here goes out; what that means for the next ones. */
static bool take_picture(struct layer_selector *l, const struct layer_mark *mark)
{
    uint8_t layer = mark->has_layers ? mark->temporal_layer : 0;
    uint8_t opens = mark->opens;
    if (!mark->has_layers && !mark->key_frame)
        opens = l->temporal_now;
    bool enters = mark->enters && layer == l->temporal_now + 1;
    bool wanted = l->target.mode != LAYER_LIVE || layer <= l->target.temporal_max;
    if (!mark->key_frame && (!wanted || (layer > l->temporal_now && !enters))) {
        if (layer > 0 && l->temporal_now >= layer)
            l->temporal_now = (uint8_t)(layer - 1);
        return false;
    }
    l->temporal_now = layer > l->temporal_now ? layer : l->temporal_now;
    l->temporal_now = opens > l->temporal_now ? opens : l->temporal_now;
    return true;
}

/* A wanted layer that the stream gives no way into, once left. */
static void note_way_in(struct layer_selector *l, usec_t now, const struct layer_mark *mark)
{
    if (l->taking) {
        if (mark->key_frame || mark->temporal_layer >= l->shut_out_layer)
            l->shut_out_at = 0;
    } else if (l->target.mode == LAYER_LIVE && mark->temporal_layer <= l->target.temporal_max) {
        if (l->shut_out_at == 0 || mark->temporal_layer < l->shut_out_layer)
            l->shut_out_layer = mark->temporal_layer;
        l->shut_out_at = l->shut_out_at == 0 ? now : l->shut_out_at;
    } else {
        l->shut_out_at = 0; /* not wanted any more */
    }
}

static void leave_out(struct layer_selector *l, const struct layer_source *source)
{
    l->pictures_left_out++;
    l->pictures_in_a_row = 0;
    if (source->codec == MEDIA_CODEC_VP8)
        l->shift.picture--;
}

static void begin_picture(struct layer_selector *l, usec_t now, const struct layer_source *source,
                          const struct retransmit_entry *e, const struct rtp_header *header)
{
    l->taking = take_picture(l, &e->layers);
    l->picture_timestamp = header->timestamp;
    note_way_in(l, now, &e->layers);
    if (!l->taking) {
        leave_out(l, source);
        return;
    }
    struct picture_numbers numbers = read_numbers(source, header);
    if (e->layers.key_frame) {
        begin_numbers(l, &numbers);
        l->key_frame_sent = true;
        l->key_frame_seq = e->seq;
        l->key_frame_at = now;
    }
    note_numbers(l, &numbers);
    l->pictures_in_a_row++;
    uint32_t timestamp = header->timestamp + l->shift.timestamp;
    if (!l->has_sent || timestamp_is_newer(timestamp, l->last_timestamp)) {
        l->last_timestamp = timestamp;
        l->last_at = now;
    }
}

/* The packet at the cursor: true when it goes out. */
static bool look_at(struct layer_selector *l, usec_t now, const struct layer_source *source,
                    const struct retransmit_entry *e, const struct rtp_header *header,
                    struct layer_packet *out)
{
    l->cursor = e->seq + 1;
    if (header->payload.size == 0)
        return false; /* padding: the numbers close over it */
    if (!l->in_picture || header->timestamp != l->picture_timestamp)
        begin_picture(l, now, source, e, header);
    l->in_picture = !header->marker;
    if (!l->taking)
        return false;
    l->shift.seq = l->next_seq - e->seq;
    note_segment(l, e->seq, e->seq + 1, e->layers.temporal_layer);
    l->has_sent = true;
    *out = (struct layer_packet){.entry = e,
                                 .seq = e->seq + l->shift.seq,
                                 .timestamp = header->timestamp + l->shift.timestamp,
                                 .encoding = l->encoding,
                                 .shift = l->shift};
    return true;
}

/* Whether what comes next begins a picture; `e` may be NULL. */
static bool is_between(const struct layer_selector *l, const struct retransmit_entry *e,
                       const struct rtp_header *header)
{
    return l->state != LAYER_FLOWING || !l->in_picture ||
           (e != NULL && header->timestamp != l->picture_timestamp);
}

bool layer_selector_take(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                         size_t count, struct layer_packet *out)
{
    bool placed = false;
    /* Each turn moves the cursor on, or away once; so many are a cache's, and then some. */
    for (unsigned turns = 0; turns < TURNS_MAX; turns++) {
        const struct layer_source *source = source_of(l, sources, count);
        bool lost = has_lost_place(l, source);
        const struct retransmit_entry *e = lost ? NULL : find_next(l, source);
        struct rtp_header header = {0};
        if (e != NULL && !parse_entry(e, &header))
            return false;
        if (!placed && (lost || is_between(l, e, &header))) {
            if (!choose_place(l, now, sources, count))
                return false;
            placed = true;
            continue;
        }
        placed = false;
        if (e == NULL || (e->seq != l->cursor && !pass_gap(l, now, e, &header)))
            return false;
        if (look_at(l, now, source, e, &header, out))
            return true;
    }
    return false;
}

bool layer_selector_wants_key_frame(const struct layer_selector *l, usec_t now,
                                    const struct layer_source *sources, size_t count,
                                    uint8_t *encoding)
{
    uint64_t first;
    const struct layer_source *source = source_of(l, sources, count);
    if (l->target.mode == LAYER_OFF)
        return false;
    if (l->target.mode == LAYER_STILL) {
        *encoding = still_encoding(l, sources, count);
        if (*encoding >= count || !sources[*encoding].accepted || !is_still_due(l, now))
            return false;
        bool is_cached = find_start(&sources[*encoding], UINT64_MAX, &first) &&
                         is_new_key_frame(l, &sources[*encoding], first);
        bool something_new =
            source == NULL || *encoding != l->encoding || source->cache->highest >= l->cursor;
        return !is_cached && something_new;
    }
    *encoding = l->target.encoding;
    for (size_t i = count; i-- > 0 && (*encoding >= count || !is_usable(&sources[*encoding]));) {
        if (is_usable(&sources[i]))
            *encoding = (uint8_t)i;
    }
    if (*encoding >= count || !sources[*encoding].accepted)
        return false;
    if (source == NULL || l->state != LAYER_FLOWING || *encoding != l->encoding)
        return !find_start(&sources[*encoding], LAYER_REPLAY_PACKETS, &first);
    if (l->shut_out_at != 0 && now - l->shut_out_at > LAYER_SHUT_OUT_US)
        return true;
    return layer_selector_lag(l, now, sources, count) > LAYER_STALE_US &&
           source->cache->highest >= l->cursor + LAYER_REPLAY_PACKETS &&
           (!find_start(source, UINT64_MAX, &first) || first < l->cursor);
}

uint32_t layer_selector_encodings(const struct layer_selector *l)
{
    uint32_t read = l->serial != 0 ? (uint32_t)1 << l->encoding : 0;
    return l->target.mode == LAYER_OFF ? 0 : read | (uint32_t)1 << l->target.encoding;
}

usec_t layer_selector_next_timeout(const struct layer_selector *l,
                                   const struct layer_source *sources, size_t count)
{
    const struct layer_source *source = source_of(l, sources, count);
    if (l->target.mode == LAYER_OFF || source == NULL)
        return USEC_NEVER;
    if (l->target.mode == LAYER_STILL && l->state == LAYER_RESTING)
        return l->key_frame_sent ? l->key_frame_at + LAYER_STILL_US : USEC_NEVER;
    const struct retransmit_entry *e = find_next(l, source);
    return e != NULL && e->seq != l->cursor ? e->at + LAYER_GAP_US : USEC_NEVER;
}

usec_t layer_selector_lag(const struct layer_selector *l, usec_t now,
                          const struct layer_source *sources, size_t count)
{
    const struct layer_source *source = source_of(l, sources, count);
    const struct retransmit_entry *e =
        l->state == LAYER_FLOWING && source != NULL ? find_next(l, source) : NULL;
    return e != NULL ? usec_max(0, now - usec_max(e->at, l->placed_at)) : 0;
}

void layer_selector_take_over(struct layer_selector *l, const struct layer_source *source,
                              uint8_t encoding, uint64_t first, uint64_t cursor,
                              uint64_t seq_offset, uint32_t timestamp_offset)
{
    struct rtp_header header;
    l->state = LAYER_FLOWING;
    l->serial = source->serial;
    l->encoding = encoding;
    l->temporal_now = LAYER_ALL;
    l->shift = (struct layer_shift){.seq = seq_offset, .timestamp = timestamp_offset};
    note_segment(l, first, cursor, LAYER_ALL);
    l->cursor = cursor;
    l->key_frame_sent = true; /* whichever it was, it lies before the cursor */
    l->key_frame_seq = cursor - 1;
    const struct retransmit_entry *e =
        cursor > first ? retransmit_cache_find(source->cache, cursor - 1) : NULL;
    if (e == NULL || !parse_entry(e, &header))
        return;
    struct picture_numbers numbers = read_numbers(source, &header);
    note_numbers(l, &numbers);
    l->in_picture = !header.marker && header.payload.size > 0;
    l->taking = true;
    l->picture_timestamp = header.timestamp;
}

bool layer_selector_is_plain(const struct layer_selector *l, const struct layer_source *sources,
                             size_t count)
{
    const struct layer_source *source = source_of(l, sources, count);
    bool whole = l->pictures_in_a_row >= ROW_LONG ||
                 (l->temporal_now == LAYER_ALL && l->pictures_in_a_row > 0);
    return source != NULL && l->state == LAYER_FLOWING && l->target.mode == LAYER_LIVE &&
           l->target.encoding == l->encoding && l->target.temporal_max == LAYER_ALL && whole &&
           l->taking && l->shift.picture == 0 && l->shift.tl0 == 0 && l->shift.frame == 0 &&
           l->cursor > source->cache->highest;
}
