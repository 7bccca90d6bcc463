#include "relay/core/layer_selector.h"

#include "base/seq.h"
#include "relay/core/layer_numbers.h"
#include "relay/core/layer_start.h"

#define TURNS_MAX 8192
#define ROW_LONG 16 /* pictures in a row: nothing is left out any more */

void layer_selector_init(struct layer_selector *l, uint64_t next_seq, bool has_sent,
                         uint32_t last_timestamp, usec_t last_at)
{
    *l = (struct layer_selector){.next_seq = next_seq,
                                 .has_sent = has_sent,
                                 .last_timestamp = last_timestamp,
                                 .last_at = last_at};
}

void layer_selector_begin_again(struct layer_selector *l, uint64_t next_seq, bool has_sent,
                                uint32_t last_timestamp, usec_t last_at)
{
    struct layer_segment segments[LAYER_SEGMENTS];
    uint64_t segment_count = l->segment_count;
    memcpy(segments, l->segments, sizeof segments);
    layer_selector_init(l, next_seq, has_sent, last_timestamp, last_at);
    memcpy(l->segments, segments, sizeof segments);
    l->segment_count = segment_count;
}

void layer_selector_set_target(struct layer_selector *l, struct layer_target target)
{
    l->target = target;
}

void layer_selector_set_patience(struct layer_selector *l, uint32_t packets)
{
    l->finish_packets = packets;
}

void layer_selector_restart(struct layer_selector *l)
{
    l->state = LAYER_WAITING;
    l->key_frame_sent = false;
}

static bool is_in_key_frame(const struct layer_selector *l)
{
    return l->in_key_frame && l->in_picture && l->taking;
}

bool layer_selector_is_in_key_frame(const struct layer_selector *l, usec_t since)
{
    return l->state != LAYER_WAITING && (is_in_key_frame(l) || l->key_frame_ended_at > since);
}

/* --- Where to read */

static const struct layer_source *source_of(const struct layer_selector *l,
                                            const struct layer_source *sources, size_t count)
{
    if (l->serial == 0 || l->encoding >= count || sources[l->encoding].serial != l->serial ||
        !layer_start_is_usable(&sources[l->encoding]))
        return NULL;
    return &sources[l->encoding];
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
    l->is_behind = fresh->cache->highest - first >= LAYER_REPLAY_PACKETS;
    if (same || !parse_entry(retransmit_cache_find(fresh->cache, first), &header))
        return; /* the same clock, and numbers are begun anew at every key frame */
    layer_numbers_begin_time(l, now, old, fresh, header.timestamp);
    l->switches += l->serial != 0;
    l->encoding = encoding;
    l->serial = fresh->serial;
    l->key_frame_sent = false;
    l->temporal_now = 0;
}

/* Not where a key frame made now would show what is new sooner: on a line that was found narrow, by
 * more than a second. */
static bool is_fresh(const struct layer_selector *l, const struct layer_source *s)
{
    uint64_t key_packets = s->tail != NULL && s->tail->has_key_frame ? s->tail->key_packets : 0;
    return l->finish_packets == 0 ||
           s->cache->highest - s->cache->key_frame_seq <= key_packets + l->finish_packets;
}

/* What is read now shows what is new no sooner than that encoding does, from its cached key frame
 * on. */
static bool is_no_longer(const struct layer_selector *l, const struct layer_source *now_read,
                         const struct layer_source *other)
{
    uint64_t first;
    if (now_read == NULL || l->cursor > now_read->cache->highest)
        return false;
    uint64_t left = now_read->cache->highest + 1 - l->cursor;
    if (layer_start_find(now_read, true, &first) && first > l->cursor)
        left = layer_start_way(now_read, first);
    return layer_start_way(other, other->cache->key_frame_seq) <= left;
}

/* WAITING: with the target's encoding, or while that does not come at all, with any that does. */
static bool begin_live(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                       size_t count)
{
    uint64_t first;
    uint8_t wanted = l->target.encoding;
    if (wanted < count && layer_start_is_usable(&sources[wanted])) {
        if (!layer_start_find(&sources[wanted], false, &first))
            return false;
        begin(l, now, sources, count, wanted, first);
        return true;
    }
    for (size_t i = count; i-- > 0;) {
        if (layer_start_find(&sources[i], false, &first)) {
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
    return l->target.encoding < count && layer_start_is_usable(&sources[l->target.encoding])
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
        !layer_start_find(&sources[encoding], true, &first) ||
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
        layer_start_find(&sources[wanted], false, &first) &&
        (is_fresh(l, &sources[wanted]) || is_no_longer(l, source, &sources[wanted]))) {
        begin(l, now, sources, count, wanted, first);
    } else if (layer_selector_lag(l, now, sources, count) > LAYER_BEHIND_US &&
               layer_start_find(source, true, &first) && first > l->cursor) {
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
        layer_numbers_note_segment(l, l->cursor, e->seq, l->temporal_now);
        l->gaps++;
    }
    l->cursor = e->seq;
    return true;
}

/* Nothing comes soon that would show more than the pictures behind the newest one of the base layer
 * do: a screen that stands still. */
static bool is_all_there_is(const struct layer_source *source, usec_t now, uint64_t seq)
{
    const struct retransmit_entry *newest =
        retransmit_cache_find(source->cache, source->cache->highest);
    return source->tail != NULL && seq >= source->tail->base_seq && newest != NULL &&
           now - newest->at > LAYER_HURRY_US;
}

/* What is behind leaves upper layers out, where the stream lets them in again by itself and there
 * is something newer: what the base layer shows is then seen the sooner. */
static bool is_in_the_way(const struct layer_selector *l, usec_t now,
                          const struct layer_source *source, const struct retransmit_entry *e)
{
    const struct layer_mark *mark = &e->layers;
    return !mark->key_frame && mark->has_layers && mark->temporal_layer > 0 &&
           (mark->enters || mark->temporal_layer <= l->way_back) && now - e->at > LAYER_HURRY_US &&
           source->cache->highest > e->seq + 1 && !is_all_there_is(source, now, e->seq);
}

/* Whether the picture that begins here goes out; what that means for the next ones. */
static bool take_picture(struct layer_selector *l, const struct layer_mark *mark, bool in_the_way)
{
    uint8_t layer = mark->has_layers ? mark->temporal_layer : 0;
    uint8_t layer_max = l->is_behind ? 0 : l->target.temporal_max;
    uint8_t opens = mark->opens;
    if (!mark->has_layers && !mark->key_frame)
        opens = l->temporal_now;
    bool enters = mark->enters && layer == l->temporal_now + 1;
    bool wanted = l->target.mode != LAYER_LIVE || layer <= layer_max;
    if (!mark->key_frame && (!wanted || in_the_way || (layer > l->temporal_now && !enters))) {
        if (layer > 0 && l->temporal_now >= layer)
            l->temporal_now = (uint8_t)(layer - 1);
        return false;
    }
    l->temporal_now = layer > l->temporal_now ? layer : l->temporal_now;
    l->temporal_now = opens > l->temporal_now ? opens : l->temporal_now;
    if (layer == 0 && !mark->key_frame)
        l->way_back = mark->has_layers ? opens : 0;
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

static void leave_out(struct layer_selector *l, const struct layer_source *source,
                      const struct rtp_header *header)
{
    l->pictures_left_out++;
    l->pictures_in_a_row = 0;
    if (source->codec == MEDIA_CODEC_VP8 && layer_numbers_read(source, header).picture_bits != 0)
        l->shift.picture--;
}

static void note_key_frame(struct layer_selector *l, usec_t now, uint64_t seq)
{
    l->in_key_frame = true;
    l->temporal_now = LAYER_ALL;
    l->key_frame_sent = true;
    l->key_frame_seq = seq;
    l->key_frame_at = now;
}

static void begin_picture(struct layer_selector *l, usec_t now, const struct layer_source *source,
                          const struct retransmit_entry *e, const struct rtp_header *header)
{
    l->is_behind = l->is_behind && source->tail != NULL && e->seq < source->tail->base_seq;
    bool in_the_way = is_in_the_way(l, now, source, e);
    l->taking = take_picture(l, &e->layers, in_the_way);
    l->picture_timestamp = header->timestamp;
    if (!in_the_way)
        note_way_in(l, now, &e->layers);
    if (!l->taking) {
        leave_out(l, source, header);
        return;
    }
    struct picture_numbers numbers = layer_numbers_read(source, header);
    l->in_key_frame = false;
    if (e->layers.key_frame) {
        layer_numbers_begin(l, &numbers);
        note_key_frame(l, now, e->seq);
    }
    layer_numbers_note(l, &numbers);
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
    else if (e->layers.key_frame && l->taking && !l->in_key_frame)
        note_key_frame(l, now, e->seq); /* H264 may say so only behind a delimiter */
    l->in_picture = !header->marker;
    if (!l->taking)
        return false;
    l->shift.seq = l->next_seq - e->seq;
    layer_numbers_note_segment(l, e->seq, e->seq + 1, e->layers.temporal_layer);
    l->has_sent = true;
    if (header->marker && l->in_key_frame)
        l->key_frame_ended_at = now;
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

/* Packets of the key frame under way that are still to come. */
static uint64_t key_frame_left(const struct layer_selector *l, const struct layer_source *source)
{
    if (source->tail == NULL || source->tail->key_seq != l->key_frame_seq)
        return layer_start_count_picture(source, l->cursor, l->picture_timestamp);
    uint64_t end = l->key_frame_seq + source->tail->key_packets;
    return end > l->cursor ? end - l->cursor : 0;
}

/* The key frame under way has more than a second to go, and the target's own is not much longer
 * than that: it has to be sent in any case, and what comes behind it is light. */
static bool is_outdone(const struct layer_selector *l, const struct layer_source *sources,
                       size_t count)
{
    uint64_t first;
    uint8_t wanted = l->target.encoding;
    const struct layer_source *source = source_of(l, sources, count);
    if (l->finish_packets == 0 || l->target.mode == LAYER_OFF || wanted >= count ||
        wanted == l->encoding || !is_in_key_frame(l) || l->state != LAYER_FLOWING || source == NULL)
        return false;
    const struct layer_source *other = &sources[wanted];
    uint64_t left = key_frame_left(l, source);
    return left > l->finish_packets &&
           layer_start_find(other, l->target.mode == LAYER_STILL, &first) && other->tail != NULL &&
           (is_fresh(l, other) || is_no_longer(l, source, other)) &&
           other->tail->key_packets * 2 < left * 3;
}

/* What has left of it is not sent again. */
static void give_up_picture(struct layer_selector *l)
{
    layer_numbers_forget(l, l->key_frame_seq);
    l->in_picture = l->in_key_frame = false;
    l->key_frame_sent = false;
    l->pictures_left_out++;
}

void layer_selector_reconsider(struct layer_selector *l, usec_t now,
                               const struct layer_source *sources, size_t count)
{
    if (l->target.mode != LAYER_LIVE || !is_outdone(l, sources, count))
        return;
    give_up_picture(l);
    (void)choose_place(l, now, sources, count);
}

bool layer_selector_take(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                         size_t count, struct layer_packet *out)
{
    bool placed = false;
    if (is_outdone(l, sources, count))
        give_up_picture(l);
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

/* So many packets wait that a key frame would be shorter. */
static bool is_longer_than_key_frame(const struct layer_selector *l, const struct layer_source *s)
{
    uint32_t most = LAYER_STALE_PACKETS;
    if (s->tail != NULL && s->tail->has_key_frame && s->tail->key_packets * 2 < most)
        most = s->tail->key_packets * 2;
    return s->cache->highest >= l->cursor + most;
}

/* The target's, or while that does not come at all, another one that does. */
static uint8_t live_encoding(const struct layer_selector *l, const struct layer_source *sources,
                             size_t count)
{
    uint8_t encoding = l->target.encoding;
    for (size_t i = count;
         i-- > 0 && (encoding >= count || !layer_start_is_usable(&sources[encoding]));) {
        if (layer_start_is_usable(&sources[i]))
            encoding = (uint8_t)i;
    }
    return encoding;
}

bool layer_selector_can_restart(const struct layer_selector *l, const struct layer_source *sources,
                                size_t count, uint8_t *encoding)
{
    uint64_t first;
    bool is_still = l->target.mode == LAYER_STILL;
    *encoding = is_still ? still_encoding(l, sources, count) : live_encoding(l, sources, count);
    return *encoding < count && layer_start_find(&sources[*encoding], is_still, &first);
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
        bool is_cached = layer_start_find(&sources[*encoding], true, &first) &&
                         is_new_key_frame(l, &sources[*encoding], first);
        bool something_new =
            source == NULL || *encoding != l->encoding || source->cache->highest >= l->cursor;
        return !is_cached && something_new;
    }
    *encoding = live_encoding(l, sources, count);
    if (*encoding >= count || !sources[*encoding].accepted)
        return false;
    if (source == NULL || l->state != LAYER_FLOWING)
        return !layer_start_find(&sources[*encoding], false, &first);
    if (*encoding != l->encoding)
        return !layer_start_find(&sources[*encoding], false, &first) ||
               (!is_in_key_frame(l) && !is_fresh(l, &sources[*encoding]) &&
                !is_no_longer(l, source, &sources[*encoding]));
    if (l->shut_out_at != 0 && now - l->shut_out_at > LAYER_SHUT_OUT_US)
        return true;
    return layer_selector_lag(l, now, sources, count) > LAYER_STALE_US &&
           is_longer_than_key_frame(l, source) &&
           (!layer_start_find(source, true, &first) || first < l->cursor);
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
    layer_numbers_note_segment(l, first, cursor, LAYER_ALL);
    l->cursor = cursor;
    l->key_frame_sent = true; /* whichever it was, it lies before the cursor */
    l->key_frame_seq = cursor - 1;
    const struct retransmit_entry *e =
        cursor > first ? retransmit_cache_find(source->cache, cursor - 1) : NULL;
    if (e == NULL || !parse_entry(e, &header))
        return;
    struct picture_numbers numbers = layer_numbers_read(source, &header);
    layer_numbers_note(l, &numbers);
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
