#include "client-demo/headless/media_sink.h"

#include "wire/codec.h"

#include <math.h>
#include <opus.h>

#define STANDS_US SECONDS(3) /* without a picture: nobody waits for what lacks any more */
#define FREEZE_US SECONDS(1)
#define LOUD_RMS 300.0
#define CONCEALED_MAX 10 /* packets in a row; beyond that it is a pause, not a gap */

static bool seen_get(const struct stream_sink *s, uint64_t seq)
{
    uint64_t at = seq % MEDIA_SINK_WINDOW;
    return (s->seen[at / 64] >> (at % 64) & 1) != 0;
}

static void seen_set(struct stream_sink *s, uint64_t seq, bool value)
{
    uint64_t at = seq % MEDIA_SINK_WINDOW;
    uint64_t bit = (uint64_t)1 << (at % 64);
    s->seen[at / 64] = value ? s->seen[at / 64] | bit : s->seen[at / 64] & ~bit;
}

/* Moves the window up to `seq`: what falls out unseen is lost for good. */
static void advance(struct stream_sink *s, uint64_t seq)
{
    uint64_t steps = seq - s->highest;
    if (steps > MEDIA_SINK_WINDOW) {
        s->lost_for_good += steps - MEDIA_SINK_WINDOW;
        s->highest = seq - MEDIA_SINK_WINDOW;
    }
    while (s->highest < seq) {
        s->highest++;
        uint64_t leaving = s->highest - MEDIA_SINK_WINDOW;
        if (s->highest >= s->first + MEDIA_SINK_WINDOW && !seen_get(s, leaving))
            s->lost_for_good++;
        seen_set(s, s->highest, false);
    }
}

bool stream_sink_add(struct stream_sink *s, usec_t now, uint16_t seq16, size_t bytes)
{
    uint64_t seq = seq_unwrapper_note(&s->unwrapper, seq16);
    if (!s->started) {
        s->started = true;
        s->first = s->highest = seq;
        s->first_at = now;
    } else if (seq > s->highest) {
        advance(s, seq);
    } else if (seq + MEDIA_SINK_WINDOW <= s->highest || (seq >= s->first && seen_get(s, seq))) {
        s->duplicates++;
        return false;
    } else {
        s->recovered++; /* also what was sent before the first one that came */
        s->first = seq < s->first ? seq : s->first;
    }
    seen_set(s, seq, true);
    if (s->received > 0)
        s->longest_gap_us = usec_max(s->longest_gap_us, now - s->last_at);
    s->last_at = now;
    s->received++;
    s->bytes += bytes;
    return true;
}

uint64_t stream_sink_get_missing(const struct stream_sink *s)
{
    return s->started ? s->highest - s->first + 1 - s->received : 0;
}

enum status audio_sink_init(struct audio_sink *sink, bool decode)
{
    *sink = (struct audio_sink){0};
    if (!decode)
        return STATUS_OK;
    int error = OPUS_OK;
    sink->decoder = opus_decoder_create(48000, 1, &error);
    return sink->decoder != NULL && error == OPUS_OK ? STATUS_OK : STATUS_SYSTEM;
}

void audio_sink_destroy(struct audio_sink *sink)
{
    if (sink->decoder != NULL)
        opus_decoder_destroy(sink->decoder);
    sink->decoder = NULL;
}

static void note_sound(struct audio_sink *sink, usec_t now, const int16_t *pcm, size_t count)
{
    double energy = 0;
    uint64_t crossings = 0;
    for (size_t i = 0; i < count; i++) {
        energy += (double)pcm[i] * pcm[i];
        if (i > 0 && (pcm[i - 1] < 0) != (pcm[i] < 0))
            crossings++;
    }
    if (sqrt(energy / (double)count) < LOUD_RMS)
        return;
    sink->loud++;
    sink->crossings += crossings;
    sink->samples += count;
    if (sink->first_loud_at == 0)
        sink->first_loud_at = now;
    sink->last_loud_at = now;
}

void audio_sink_add(struct audio_sink *sink, usec_t now, uint16_t seq16, struct bytes payload)
{
    if (!stream_sink_add(&sink->stream, now, seq16, payload.size) || sink->decoder == NULL)
        return;
    uint64_t seq = seq_unwrapper_get(&sink->stream.unwrapper, seq16);
    if (sink->next != 0 && seq < sink->next)
        return; /* its turn is over: it was concealed */
    int16_t pcm[5760];
    /* What is missing is concealed here at once; a real player would wait a little for it. */
    for (uint64_t gap = sink->next; gap != 0 && gap < seq && seq - sink->next <= CONCEALED_MAX;
         gap++) {
        bool fec = gap + 1 == seq;
        int made = opus_decode(sink->decoder, fec ? payload.data : NULL,
                               fec ? (opus_int32)payload.size : 0, pcm, 960, fec ? 1 : 0);
        sink->concealed += made > 0 ? 1 : 0;
    }
    sink->next = seq + 1;
    int samples = opus_decode(sink->decoder, payload.data, (opus_int32)payload.size, pcm,
                              (int)COUNT_OF(pcm), 0);
    if (samples <= 0) {
        sink->undecodable++;
        return;
    }
    sink->decoded++;
    note_sound(sink, now, pcm, (size_t)samples);
}

double audio_sink_get_pitch(const struct audio_sink *sink)
{
    return sink->samples == 0 ? 0 : (double)sink->crossings * 48000 / 2 / (double)sink->samples;
}

void video_sink_init(struct video_sink *sink)
{
    memset(sink, 0, sizeof *sink);
}

void video_sink_restart(struct video_sink *sink)
{
    sink->stream.unwrapper.started = false;
    sink->stream.started = false;
    sink->synced = false;
    memset(sink->pending, 0, sizeof sink->pending);
}

static void complete_frame(struct video_sink *sink, usec_t now, bool key_frame)
{
    if (sink->first_frame_at == 0)
        sink->first_frame_at = now;
    else
        sink->longest_freeze_us = usec_max(sink->longest_freeze_us, now - sink->last_frame_at);
    if (sink->last_frame_at != 0 && now - sink->last_frame_at > FREEZE_US)
        sink->freezes++;
    sink->last_frame_at = now;
    sink->frames++;
    sink->key_frames += key_frame ? 1 : 0;
    sink->wants_key_frame = false;
}

/* Takes whole frames off the front for as long as they are there. */
static void consume_frames(struct video_sink *sink, usec_t now)
{
    for (;;) {
        uint64_t at = sink->next;
        bool key_frame = false;
        for (;; at++) {
            size_t slot = at % VIDEO_SINK_PENDING;
            if (!sink->pending[slot].here || sink->pending[slot].seq != at ||
                at - sink->next >= VIDEO_SINK_PENDING)
                return;
            key_frame = key_frame || sink->pending[slot].key;
            if (sink->pending[slot].end)
                break;
        }
        for (uint64_t i = sink->next; i <= at; i++)
            sink->pending[i % VIDEO_SINK_PENDING].here = false;
        sink->next = at + 1;
        complete_frame(sink, now, key_frame);
    }
}

void video_sink_add(struct video_sink *sink, usec_t now, uint16_t seq16, bool marker,
                    enum media_codec codec, struct bytes payload)
{
    if (!stream_sink_add(&sink->stream, now, seq16, payload.size))
        return;
    sink->codec = codec;
    uint64_t seq = seq_unwrapper_get(&sink->stream.unwrapper, seq16);
    struct codec_mark mark;
    bool key = payload.size > 0 && codec_parse_payload(codec, payload, &mark) == STATUS_OK &&
               mark.key_frame;
    if (payload.size == 0 && !sink->synced)
        return;
    /* A key frame restarts everything: at the very beginning, or where the past cannot be mended.
     */
    bool stands = sink->last_frame_at != 0 && now - sink->last_frame_at >= STANDS_US;
    if (key && (!sink->synced || ((sink->wants_key_frame || stands) && seq > sink->next))) {
        sink->synced = true;
        sink->next = seq;
    }
    size_t slot = seq % VIDEO_SINK_PENDING;
    sink->pending[slot].here = true;
    sink->pending[slot].seq = seq;
    sink->pending[slot].key = key;
    sink->pending[slot].end = marker;
    if (!sink->synced) {
        sink->wants_key_frame = true;
        return;
    }
    consume_frames(sink, now);
    /* Half the window behind: what is missing will not come. */
    if (seq > sink->next + VIDEO_SINK_PENDING / 2)
        sink->wants_key_frame = true;
}

bool video_sink_wants_key_frame(const struct video_sink *sink)
{
    return sink->wants_key_frame && sink->stream.received > 0;
}
