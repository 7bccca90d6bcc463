#include "relay/core/publication.h"

#include "relay/core/thin_voice.h"

enum status publication_create(struct publication **out, struct publication_ref ref, uint64_t room,
                               bool is_home, uint32_t home)
{
    struct publication *p = calloc(1, sizeof *p);
    if (p == NULL)
        return STATUS_NO_MEMORY;
    p->ref = ref;
    p->room = room;
    p->is_home = is_home;
    p->home = home;
    encoding_order_init(&p->order);
    *out = p;
    return STATUS_OK;
}

static void destroy_stream(struct publication_stream *s)
{
    retransmit_cache_destroy(&s->cache);
    free(s->structure);
    free(s->come);
}

void publication_free(struct publication *p)
{
    if (p == NULL)
        return;
    for (size_t e = 0; e < CONTROL_ENCODINGS_MAX; e++) {
        destroy_stream(&p->streams[e]);
        free(p->encodings[e].nack);
    }
    thin_voice_free(p->thin);
    free(p);
}

struct publication_stream *publication_find_stream(struct publication *p, uint64_t serial)
{
    for (size_t e = 0; serial != 0 && e < CONTROL_ENCODINGS_MAX; e++) {
        if (p->streams[e].serial == serial)
            return &p->streams[e];
    }
    if (serial != 0 && p->thin != NULL && p->thin->stream.serial == serial)
        return &p->thin->stream;
    return NULL;
}

bool publication_has_key_frame(const struct publication *p)
{
    for (size_t e = 0; e < CONTROL_ENCODINGS_MAX; e++) {
        if (p->streams[e].tail.has_key_frame)
            return true;
    }
    return false;
}

void publication_note_wanted(struct publication *p, usec_t now, uint32_t from, uint32_t wanted)
{
    uint32_t shard = from % CONTROL_SHARDS_MAX;
    uint8_t fewer = (uint8_t)(p->wanted_by[shard] & ~wanted);
    if (fewer != 0) {
        if (now >= p->lingers_until[shard])
            p->wanted_before[shard] = 0;
        p->wanted_before[shard] |= fewer;
        p->lingers_until[shard] = p->lingers_anywhere_until = now + PUBLICATION_LINGER_US;
    }
    p->wanted_by[shard] = (uint8_t)wanted;
    p->wanted_elsewhere = 0;
    for (size_t i = 0; i < CONTROL_SHARDS_MAX; i++)
        p->wanted_elsewhere |= p->wanted_by[i];
}

void publication_note_wanted_here(struct publication *p, usec_t now, uint32_t wanted)
{
    for (uint32_t e = 0; e < CONTROL_ENCODINGS_MAX; e++) {
        struct publication_stream *s = &p->streams[e];
        bool is_wanted = (wanted >> e & 1) != 0, was_wanted = (p->wanted_here >> e & 1) != 0;
        if (was_wanted && !is_wanted)
            p->unwanted_at[e] = now;
        if (!is_wanted || was_wanted || p->is_home || e == p->main ||
            now - p->unwanted_at[e] < PUBLICATION_LINGER_US)
            continue;
        if (s->has_cache)
            s->cache.key_frame_seq = 0;
        s->tail = (struct stream_tail){0};
    }
    p->wanted_here = wanted;
}

bool publication_is_replicated(const struct publication *p, usec_t now, uint32_t encoding)
{
    return encoding == p->main || p->wanted_elsewhere != 0 || now < p->lingers_anywhere_until;
}

bool publication_is_replicated_to(const struct publication *p, usec_t now, uint32_t encoding,
                                  uint32_t shard)
{
    bool lingers = now < p->lingers_until[shard];
    unsigned wanted = p->wanted_by[shard] | (lingers ? p->wanted_before[shard] : 0u);
    return encoding == p->main || (wanted >> encoding & 1) != 0;
}

void publication_set_structure(struct publication_stream *s,
                               const struct dependency_structure *structure)
{
    if (s->structure == NULL)
        s->structure = malloc(sizeof *s->structure);
    if (s->structure != NULL)
        *s->structure = *structure;
}

static uint32_t swap_bits(uint32_t bits, uint32_t upper)
{
    uint32_t both = (uint32_t)3 << (upper - 1);
    uint32_t swapped =
        (bits >> 1 & (uint32_t)1 << (upper - 1)) | (bits << 1 & (uint32_t)1 << upper);
    return (bits & ~both) | swapped;
}

void publication_swap_encodings(struct publication *p, uint32_t better)
{
    uint32_t first = better - 1;
    struct publication_stream stream = p->streams[first];
    struct publication_encoding encoding = p->encodings[first];
    uint32_t epoch =
        stream.epoch > p->streams[better].epoch ? stream.epoch : p->streams[better].epoch;
    p->streams[first] = p->streams[better];
    p->streams[better] = stream;
    p->encodings[first] = p->encodings[better];
    p->encodings[better] = encoding;
    p->streams[first].epoch = p->streams[better].epoch = epoch + 1;
    p->encodings_known = swap_bits(p->encodings_known, better);
    p->demand_told = swap_bits(p->demand_told, better);
    p->demand_awaited = swap_bits(p->demand_awaited, better);
    for (size_t e = 0; e < CONTROL_ENCODINGS_MAX; e++)
        p->encodings[e].alone_since = 0;
    if (p->main == first || p->main == better)
        p->main = p->encodings[first].received.started ? first : better;
}

static void start_nack(struct nack_generator *nack)
{
    struct nack_generator_config config = nack_generator_config_default();
    CHECK(nack_generator_init(nack, &config) == STATUS_OK);
}

void publication_restart_encoding(struct publication_encoding *e, uint32_t ssrc, uint32_t rtx_ssrc)
{
    *e = (struct publication_encoding){.ssrc = ssrc, .rtx_ssrc = rtx_ssrc, .nack = e->nack};
    if (e->nack != NULL)
        start_nack(e->nack);
}

void publication_end_past(struct publication_encoding *e, usec_t now)
{
    bool has_past = e->unwrapper.started;
    uint16_t newest = has_past ? (uint16_t)e->unwrapper.highest : e->past_seq;
    usec_t until = has_past ? now + PUBLICATION_PAST_US : e->past_until;
    publication_restart_encoding(e, e->ssrc, e->rtx_ssrc);
    e->past_seq = newest;
    e->past_until = until;
}

bool publication_is_past(const struct publication_encoding *e, usec_t now, uint16_t seq)
{
    return now < e->past_until && (uint16_t)(e->past_seq - seq) < PUBLICATION_PAST_PACKETS;
}

enum status publication_prepare_nack(struct publication_encoding *e)
{
    if (e->nack != NULL)
        return STATUS_OK;
    e->nack = malloc(sizeof *e->nack);
    if (e->nack == NULL)
        return STATUS_NO_MEMORY;
    start_nack(e->nack);
    return STATUS_OK;
}

enum status publication_prepare_cache(struct publication_stream *s)
{
    if (s->has_cache)
        return STATUS_OK;
    if (s->come == NULL && (s->come = calloc(1, sizeof *s->come)) == NULL)
        return STATUS_NO_MEMORY;
    bool audio = media_codec_kind(s->codec) == MEDIA_KIND_AUDIO;
    enum status status =
        retransmit_cache_init(&s->cache, audio ? PUBLICATION_AUDIO_CACHE : PUBLICATION_VIDEO_CACHE,
                              RETRANSMIT_PACKET_BYTES);
    s->has_cache = status == STATUS_OK;
    return status;
}

static bool is_of_picture(const struct retransmit_entry *e, uint32_t timestamp)
{
    struct rtp_header header;
    return rtp_parse_header(bytes_of(e->data, e->size), &header) == STATUS_OK &&
           header.timestamp == timestamp;
}

bool publication_begins_key_frame(struct publication_stream *s, uint64_t seq, uint32_t timestamp,
                                  bool lacks_parameters)
{
    s->sends_parameters = s->sends_parameters || !lacks_parameters;
    if (s->codec != MEDIA_CODEC_H264 || !s->has_cache)
        return true;
    const struct retransmit_entry *known = retransmit_cache_find(&s->cache, s->cache.key_frame_seq);
    if (known != NULL && is_of_picture(known, timestamp))
        return seq < known->seq;
    const struct retransmit_entry *before = retransmit_cache_find(&s->cache, seq - 1);
    return !lacks_parameters || !s->sends_parameters ||
           (before != NULL && !is_of_picture(before, timestamp));
}

void publication_begin_epoch(struct publication_stream *s, uint32_t epoch, uint64_t serial,
                             enum media_codec codec, const char *profile)
{
    s->epoch = epoch;
    s->serial = serial;
    s->codec = codec;
    snprintf(s->profile, sizeof s->profile, "%s", profile);
    s->profile_hash = codec_profile_hash(s->profile);
    s->clock_rate = media_codec_kind(codec) == MEDIA_KIND_AUDIO ? 48000 : 90000;
    s->has_clock = false;
    lateness_begin_turn(&s->lateness);
    if (s->come != NULL)
        *s->come = (struct seq_window){0};
    s->tail = (struct stream_tail){0};
    s->sends_parameters = false;
    free(s->structure);
    s->structure = NULL;
    if (s->has_cache)
        retransmit_cache_clear(&s->cache);
}

void publication_begin_turn(struct publication *p)
{
    for (size_t e = 0; e < CONTROL_ENCODINGS_MAX; e++)
        lateness_begin_turn(&p->streams[e].lateness);
}

int32_t publication_note_lateness(struct publication_stream *s, usec_t now, uint32_t timestamp)
{
    return media_codec_kind(s->codec) == MEDIA_KIND_AUDIO
               ? lateness_note(&s->lateness, now, timestamp, s->clock_rate)
               : 0;
}

void publication_clear_caches(struct publication *p)
{
    for (size_t e = 0; e < CONTROL_ENCODINGS_MAX; e++) {
        p->streams[e].tail = (struct stream_tail){0};
        if (p->streams[e].has_cache)
            retransmit_cache_clear(&p->streams[e].cache);
    }
    if (p->thin != NULL)
        retransmit_cache_clear(&p->thin->stream.cache);
}

static bool can_ask(const struct publication *p, size_t encoding)
{
    return p->streams[encoding].wants_key_frame && p->encodings[encoding].ssrc != 0 &&
           publication_is_wanted(p, encoding);
}

/* At home the last requests of all encodings count as well. Who has made no picture since the last
 * one has not passed over it: a screen that changes each 1.5 s was asked twice for one. */
static usec_t next_request(const struct publication *p, size_t encoding)
{
    usec_t own = p->streams[encoding].key_frame_asked_at;
    usec_t before_last = p->is_home ? p->key_frames_asked_at[0] : 0;
    bool is_still = p->is_home && p->active_at - own < PUBLICATION_KEY_FRAME_US / 2;
    return usec_max(own == 0 ? 0 : own + (is_still ? 2 : 1) * PUBLICATION_KEY_FRAME_US,
                    before_last == 0 ? 0 : before_last + 2 * PUBLICATION_KEY_FRAME_US);
}

bool publication_admit_key_frame_request(struct publication *p, usec_t now, uint32_t encoding)
{
    struct publication_stream *s = &p->streams[encoding];
    if (!s->wants_key_frame || now < next_request(p, encoding))
        return false;
    s->key_frame_awaited_at = now;
    if (p->is_home && p->encodings[encoding].ssrc == 0)
        return false; /* nobody to ask yet */
    s->key_frame_asked_at = now;
    p->key_frames_asked_at[0] = p->key_frames_asked_at[1];
    p->key_frames_asked_at[1] = now;
    return true;
}

usec_t publication_next_key_frame_request(const struct publication *p)
{
    usec_t next = USEC_NEVER;
    for (size_t e = 0; p->slots != 0 && e < CONTROL_ENCODINGS_MAX; e++) {
        if (can_ask(p, e))
            next = usec_min(next, next_request(p, e));
    }
    return next;
}

/* Differences of timestamps are taken as signed, so that both directions work across a wrap. */
bool publication_find_ntp(const struct publication_stream *s, uint32_t timestamp, uint64_t *ntp)
{
    if (!s->has_clock || s->clock_rate == 0)
        return false;
    int64_t ticks = (int32_t)(timestamp - s->clock_timestamp);
    *ntp = s->clock_ntp + (uint64_t)(ticks * ((int64_t)1 << 32) / (int64_t)s->clock_rate);
    return true;
}

/* The publisher's clock has a zero of its own. The offset is what the first report says, then
 * followed slowly: network jitter must not show up as lip-sync jitter. The smallest seen counts
 * most, since delay only ever adds. */
void publication_note_sender_report(struct publication_stream *s, uint64_t ntp_now,
                                    uint64_t publisher_ntp, uint32_t timestamp)
{
    int64_t offset = (int64_t)(ntp_now - publisher_ntp);
    int64_t off_by = (int64_t)((uint64_t)offset - (uint64_t)s->clock_offset);
    if (!s->has_clock_offset || off_by > ((int64_t)1 << 32) || off_by < -((int64_t)1 << 32))
        s->clock_offset = offset;
    else
        s->clock_offset += off_by < 0 ? off_by / 4 : off_by / 64;
    s->has_clock_offset = true;
    s->has_clock = true;
    s->clock_ntp = publisher_ntp + (uint64_t)s->clock_offset;
    s->clock_timestamp = timestamp;
}
