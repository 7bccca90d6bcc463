#include "client-demo/headless/headless_report.h"

#include <jansson.h>

/* What all together have. */
struct totals {
    uint64_t packets, missing, lost, duplicates, recovered, frames, freezes, decoded, concealed;
    size_t connected, with_voice, with_frame;
    usec_t worst_voice_us, worst_frame_us, longest_gap_us, longest_freeze_us;
    struct delay_histogram delays;
};

static double ms(usec_t us)
{
    return (double)us / 1000.0;
}

static json_t *delay_object(const struct delay_histogram *h)
{
    if (h->total == 0)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f}", "p50", ms(delay_histogram_get(h, 0.5)), "p95",
                     ms(delay_histogram_get(h, 0.95)), "p99", ms(delay_histogram_get(h, 0.99)),
                     "max", ms(h->largest_us));
}

static json_t *stream_object(const struct stream_sink *s)
{
    json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "packets", (json_int_t)s->received,
                          "missing", (json_int_t)stream_sink_get_missing(s), "lost_for_good",
                          (json_int_t)s->lost_for_good, "duplicates", (json_int_t)s->duplicates,
                          "recovered", (json_int_t)s->recovered, "bytes", (json_int_t)s->bytes,
                          "longest_gap_ms", ms(s->longest_gap_us));
    json_object_set_new(o, "delay_ms", delay_object(&s->delays));
    return o;
}

static void add_stream(struct totals *t, const struct stream_sink *s)
{
    t->packets += s->received;
    t->missing += stream_sink_get_missing(s);
    t->lost += s->lost_for_good;
    t->duplicates += s->duplicates;
    t->recovered += s->recovered;
    delay_histogram_merge(&t->delays, &s->delays);
}

static json_t *voice_object(const struct audio_sink *a, enum headless_line line)
{
    json_t *o = stream_object(&a->stream);
    json_object_set_new(o, "slot", json_string(headless_line_name(line)));
    json_object_set_new(o, "decoded", json_integer((json_int_t)a->decoded));
    json_object_set_new(o, "undecodable", json_integer((json_int_t)a->undecodable));
    json_object_set_new(o, "concealed", json_integer((json_int_t)a->concealed));
    json_object_set_new(o, "loud", json_integer((json_int_t)a->loud));
    json_object_set_new(o, "pitch_hz", json_real(audio_sink_get_pitch(a)));
    return o;
}

static json_t *since(usec_t at, usec_t from)
{
    return at > 0 && from > 0 ? json_real(ms(at - from)) : json_null();
}

static void add_voices(struct totals *t, const struct headless_peer *p, json_t *o)
{
    json_t *voices = json_array();
    usec_t first = 0;
    for (int line = 0; line < HEADLESS_LINE_COUNT; line++) {
        const struct audio_sink *a = &p->sounds[line];
        if (headless_line_kind((enum headless_line)line) != MEDIA_KIND_AUDIO ||
            a->stream.received == 0)
            continue;
        json_array_append_new(voices, voice_object(a, (enum headless_line)line));
        add_stream(t, &a->stream);
        t->decoded += a->decoded;
        t->concealed += a->concealed;
        t->longest_gap_us = usec_max(t->longest_gap_us, a->stream.longest_gap_us);
        if (first == 0 || a->stream.first_at < first)
            first = a->stream.first_at;
    }
    json_object_set_new(o, "voices", voices);
    json_object_set_new(o, "first_voice_ms", since(first, p->opened_at));
    if (first > 0) {
        t->with_voice++;
        t->worst_voice_us = usec_max(t->worst_voice_us, first - p->opened_at);
    }
}

static void add_screen(struct totals *t, const struct headless_peer *p, json_t *o)
{
    const struct video_sink *v = p->pictures;
    json_object_set_new(o, "first_frame_ms", since(v->first_frame_at, p->opened_at));
    if (v->stream.received == 0) {
        json_object_set_new(o, "screen", json_null());
        return;
    }
    json_t *screen = stream_object(&v->stream);
    json_object_set_new(screen, "codec", json_string(media_codec_name(v->codec)));
    json_object_set_new(screen, "frames", json_integer((json_int_t)v->frames));
    json_object_set_new(screen, "key_frames", json_integer((json_int_t)v->key_frames));
    json_object_set_new(screen, "freezes", json_integer((json_int_t)v->freezes));
    json_object_set_new(screen, "longest_freeze_ms", json_real(ms(v->longest_freeze_us)));
    json_object_set_new(screen, "key_frames_asked", json_integer((json_int_t)p->key_frames_wanted));
    json_object_set_new(o, "screen", screen);
    add_stream(t, &v->stream);
    t->frames += v->frames;
    t->freezes += v->freezes;
    t->longest_freeze_us = usec_max(t->longest_freeze_us, v->longest_freeze_us);
    if (v->first_frame_at > 0) {
        t->with_frame++;
        t->worst_frame_us = usec_max(t->worst_frame_us, v->first_frame_at - p->opened_at);
    }
}

static json_t *peer_object(struct totals *t, const struct headless_peer *p)
{
    bool connected = p->connected_at > 0;
    json_t *o = json_pack("{s:b, s:s, s:s, s:i}", "connected", connected, "role", p->role,
                          "failure", p->failure, "sessions", (int)p->sessions);
    json_object_set_new(o, "connect_ms", since(p->connected_at, p->opened_at));
    json_object_set_new(o, "sent_voice_packets", json_integer((json_int_t)p->mic.packets));
    json_object_set_new(o, "sent_screen_packets",
                        json_integer((json_int_t)p->encodings[0].sender.packets));
    json_object_set_new(o, "key_frames_requested",
                        json_integer((json_int_t)p->key_frames_requested));
    json_object_set_new(o, "key_frames_requested_within_2_s",
                        json_integer((json_int_t)p->key_frames_requested_within_2_s));
    t->connected += connected ? 1 : 0;
    add_voices(t, p, o);
    add_screen(t, p, o);
    return o;
}

static json_t *totals_object(const struct totals *t, size_t count, double seconds)
{
    json_t *o =
        json_pack("{s:i, s:i, s:i, s:i, s:f, s:I, s:I, s:I, s:I, s:I}", "participants", (int)count,
                  "connected", (int)t->connected, "with_voice", (int)t->with_voice, "with_screen",
                  (int)t->with_frame, "seconds", seconds, "packets", (json_int_t)t->packets,
                  "missing", (json_int_t)t->missing, "lost_for_good", (json_int_t)t->lost,
                  "duplicates", (json_int_t)t->duplicates, "recovered", (json_int_t)t->recovered);
    double loss = t->packets + t->missing > 0
                      ? 100.0 * (double)t->missing / (double)(t->packets + t->missing)
                      : 0;
    json_object_set_new(o, "loss_percent", json_real(loss));
    json_object_set_new(o, "decoded", json_integer((json_int_t)t->decoded));
    json_object_set_new(o, "concealed", json_integer((json_int_t)t->concealed));
    json_object_set_new(o, "frames", json_integer((json_int_t)t->frames));
    json_object_set_new(o, "freezes", json_integer((json_int_t)t->freezes));
    json_object_set_new(o, "longest_voice_gap_ms", json_real(ms(t->longest_gap_us)));
    json_object_set_new(o, "longest_freeze_ms", json_real(ms(t->longest_freeze_us)));
    json_object_set_new(o, "worst_first_voice_ms", json_real(ms(t->worst_voice_us)));
    json_object_set_new(o, "worst_first_frame_ms", json_real(ms(t->worst_frame_us)));
    json_object_set_new(o, "delay_ms", delay_object(&t->delays));
    return o;
}

char *headless_report_write(const struct headless_peer *peers, size_t count, usec_t now,
                            double seconds)
{
    struct totals *t = calloc(1, sizeof *t);
    (void)now;
    if (t == NULL)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, peer_object(t, &peers[i]));
    json_t *report = json_object();
    json_object_set_new(report, "all", totals_object(t, count, seconds));
    json_object_set_new(report, "participants", list);
    char *text = json_dumps(report, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    json_decref(report);
    free(t);
    return text;
}
