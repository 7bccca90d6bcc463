#include "client-demo/headless/media_source.h"

#include "wire/codec_vp8.h"

#include <math.h>
#include <opus.h>

#define MADE_UP_TOC 0x48 /* RFC 6716 3.1: SILK, wide band, 20 ms, mono, one frame */
#define MADE_UP_KEY_FRAME_FACTOR 4
#define MADE_UP_FRAME_BYTES_MAX (1u << 20)

enum status audio_source_init(struct audio_source *source, const struct wav_file *wav,
                              int bitrate_bps)
{
    if (bitrate_bps < 6000 || bitrate_bps > 128000 || wav->count == 0)
        return STATUS_CONFIG;
    int error = OPUS_OK;
    OpusEncoder *encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error);
    if (encoder == NULL || error != OPUS_OK)
        return STATUS_SYSTEM;
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bitrate_bps));
    opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1));
    opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(10));
    *source = (struct audio_source){.encoder = encoder, .wav = wav};
    return STATUS_OK;
}

void audio_source_init_made_up(struct audio_source *source)
{
    *source = (struct audio_source){0};
}

void audio_source_destroy(struct audio_source *source)
{
    if (source->encoder != NULL)
        opus_encoder_destroy(source->encoder);
    *source = (struct audio_source){0};
}

static uint8_t level_of(const int16_t *pcm, size_t count)
{
    double energy = 0;
    for (size_t i = 0; i < count; i++)
        energy += (double)pcm[i] * pcm[i];
    double rms = sqrt(energy / (double)count) / 32768.0;
    double level = rms > 0 ? -20.0 * log10(rms) : 127.0;
    return level < 0 ? 0 : level > 127 ? 127 : (uint8_t)level;
}

enum status audio_source_next(struct audio_source *source, struct bytes_mut out, size_t *size,
                              uint8_t *level)
{
    int16_t pcm[AUDIO_SOURCE_FRAME_SAMPLES];
    if (source->encoder == NULL) {
        if (out.size < AUDIO_SOURCE_MADE_UP_BYTES)
            return STATUS_SYSTEM;
        memset(out.data, 0, AUDIO_SOURCE_MADE_UP_BYTES);
        out.data[0] = MADE_UP_TOC;
        *size = AUDIO_SOURCE_MADE_UP_BYTES;
        *level = AUDIO_SOURCE_MADE_UP_LEVEL;
        return STATUS_OK;
    }
    for (size_t i = 0; i < AUDIO_SOURCE_FRAME_SAMPLES; i++) {
        pcm[i] = source->wav->samples[source->at];
        source->at = (source->at + 1) % source->wav->count;
    }
    int length = opus_encode(source->encoder, pcm, AUDIO_SOURCE_FRAME_SAMPLES, out.data,
                             (opus_int32)out.size);
    if (length <= 0)
        return STATUS_SYSTEM;
    *size = (size_t)length;
    *level = level_of(pcm, AUDIO_SOURCE_FRAME_SAMPLES);
    return STATUS_OK;
}

void video_source_init(struct video_source *source, const struct ivf_file *ivf)
{
    *source = (struct video_source){.ivf = ivf, .frame = ivf->count - 1, .wants_key_frame = true};
    /* The time base is a frame's length in nearly every file; when time stamps step by more, they
     * are believed. Between 1 and 120 frames a second in any case. */
    uint64_t step = ivf->count > 1 && ivf->frames[1].pts > ivf->frames[0].pts
                        ? ivf->frames[1].pts - ivf->frames[0].pts
                        : 1;
    double us = 1e6 * (double)step * ivf->time_base_numerator / ivf->time_base_denominator;
    source->frame_us = us < 8333 ? 8333 : us > 1e6 ? SECONDS(1) : (usec_t)us;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t small_bytes(const struct made_up_screen *shape)
{
    return larger(shape->bitrate_bps / 8 / shape->fps, 16);
}

static size_t key_bytes(const struct made_up_screen *shape)
{
    return shape->key_bytes > 0 ? shape->key_bytes : small_bytes(shape) * MADE_UP_KEY_FRAME_FACTOR;
}

static size_t largest_bytes(const struct made_up_screen *shape)
{
    size_t most = larger(larger(key_bytes(shape), shape->slide_bytes), shape->sharpening_bytes);
    most = larger(larger(most, shape->first_key_bytes), shape->settling_bytes);
    return larger(most, small_bytes(shape));
}

enum status video_source_init_made_up(struct video_source *source,
                                      const struct made_up_screen *shape)
{
    if (shape->fps == 0 || shape->fps > 120 || shape->bitrate_bps / 8 / shape->fps == 0)
        return STATUS_CONFIG;
    size_t most = largest_bytes(shape);
    if (most > MADE_UP_FRAME_BYTES_MAX)
        return STATUS_CONFIG;
    uint8_t *memory = calloc(1, most + 16);
    if (memory == NULL)
        return STATUS_NO_MEMORY;
    *source = (struct video_source){.made_up = memory,
                                    .shape = *shape,
                                    .frame_us = SECONDS(1) / shape->fps,
                                    .wants_key_frame = true};
    return STATUS_OK;
}

void video_source_destroy(struct video_source *source)
{
    free(source->made_up);
    *source = (struct video_source){0};
}

void video_source_request_key_frame(struct video_source *source)
{
    source->wants_key_frame = true;
}

enum media_codec video_source_get_codec(const struct video_source *source)
{
    return source->ivf != NULL ? source->ivf->codec : MEDIA_CODEC_VP8;
}

void video_source_show_slide(struct video_source *s, uint32_t slide)
{
    s->since_slide = s->slide == slide ? s->since_slide : 0;
    s->slide = slide;
}

/* The picture's layer, and what it does for the slide: an upper one refers to the newest ones below
 * it; what none of them has of the slide it must bring itself. */
static bool brings_slide(struct video_source *s, bool key_frame)
{
    static const uint8_t layers[4] = {0, 2, 1, 2};
    if (s->shape.slide_frames > 0 && s->count % s->shape.slide_frames == 0)
        video_source_show_slide(s, s->slide + 1);
    s->count++;
    s->since_key = key_frame ? 0 : s->since_key + 1;
    s->layer = s->shape.has_layers ? layers[s->since_key % 4] : 0;
    s->tl0 = (uint8_t)(s->tl0 + (s->layer == 0));
    uint32_t has = s->layer_slides[0];
    for (unsigned below = 1; below < s->layer; below++)
        has = s->layer_slides[below] > has ? s->layer_slides[below] : has;
    s->layer_slides[s->layer] = s->slide;
    if (key_frame)
        s->layer_slides[0] = s->layer_slides[1] = s->layer_slides[2] = s->slide;
    return !key_frame && has != s->slide;
}

static size_t choose_size(struct video_source *s, bool key_frame)
{
    const struct made_up_screen *shape = &s->shape;
    bool brings = brings_slide(s, key_frame) && shape->slide_bytes > 0;
    uint32_t at = s->since_slide++;
    s->is_sharp = key_frame || at >= shape->sharp_after;
    if (key_frame)
        return s->count == 1 && shape->first_key_bytes > 0 ? shape->first_key_bytes
                                                           : key_bytes(shape);
    if (brings)
        return shape->slide_bytes;
    if (s->since_key <= shape->settling_pictures)
        return larger(shape->settling_bytes, 16);
    return at > 0 && at <= shape->sharp_after ? larger(shape->sharpening_bytes, 16)
                                              : small_bytes(shape);
}

/* A VP8 frame tag (RFC 6386 9.1) and, on key frames, start code and size; zeros behind it. */
static struct bytes made_up_frame(struct video_source *source, bool key_frame)
{
    static const uint8_t key_tag[10] = {0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02};
    size_t size = choose_size(source, key_frame);
    memset(source->made_up, 0, 10);
    if (key_frame)
        memcpy(source->made_up, key_tag, sizeof key_tag);
    else
        source->made_up[0] = 0x11;
    return bytes_of(source->made_up, size);
}

void video_source_begin_frame(struct video_source *source)
{
    bool key_frame = source->wants_key_frame;
    if (source->ivf == NULL) {
        source->current = made_up_frame(source, key_frame);
    } else {
        size_t next = (source->frame + 1) % source->ivf->count;
        source->frame = key_frame ? ivf_file_next_key_frame(source->ivf, next) : next;
        source->current = source->ivf->frames[source->frame].data;
        key_frame = source->ivf->frames[source->frame].key_frame;
    }
    if (key_frame)
        source->wants_key_frame = false;
    source->offset = 0;
    source->in_frame = true;
    source->picture_id = (uint16_t)((source->picture_id + 1) & 0x7fff);
    source->timestamp += (uint32_t)(source->frame_us * 90 / 1000);
}

/* VP8: X, I and a 15-bit PictureID (RFC 7741 4.2). VP9: I, P on inter frames, B and E, and the same
 * (RFC 9628 4.2), no layers. */
static void write_descriptor(const struct video_source *source, struct writer *w, bool first,
                             bool last)
{
    if (source->ivf == NULL && source->shape.has_layers) {
        codec_vp8_write_descriptor(w, &(struct codec_vp8){.start_of_partition = first,
                                                          .picture_id = source->picture_id,
                                                          .tl0_index = source->tl0,
                                                          .temporal_layer = source->layer,
                                                          .layer_sync = source->layer > 0});
        return;
    } else if (video_source_get_codec(source) == MEDIA_CODEC_VP8) {
        write_u8(w, (uint8_t)(0x80 | (first ? 0x10 : 0)));
        write_u8(w, 0x80);
    } else {
        bool key_frame = source->ivf->frames[source->frame].key_frame;
        write_u8(w,
                 (uint8_t)(0x80 | (key_frame ? 0 : 0x40) | (first ? 0x08 : 0) | (last ? 0x04 : 0)));
    }
    write_u16(w, (uint16_t)(0x8000 | source->picture_id));
}

bool video_source_next(struct video_source *source, struct bytes_mut out, size_t *size, bool *last)
{
    if (!source->in_frame)
        return false;
    size_t left = source->current.size - source->offset;
    size_t room = VIDEO_SOURCE_PAYLOAD_BYTES - 6;
    size_t part = left < room ? left : room;
    *last = part == left;
    struct writer w = writer_of(out);
    write_descriptor(source, &w, source->offset == 0, *last);
    write_bytes(&w, bytes_of(source->current.data + source->offset, part));
    if (w.failed)
        return false;
    *size = writer_size(&w);
    source->offset += part;
    source->in_frame = !*last;
    return true;
}
