/* What a headless participant sends: Opus from PCM, and video packets from the frames of an IVF
 * file. No I/O and no clock: the owner asks for the next packet when it is due. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "base/usec.h"
#include "client-demo/headless/ivf_file.h"
#include "client-demo/headless/wav_file.h"

#define AUDIO_SOURCE_FRAME_US 20000
#define AUDIO_SOURCE_FRAME_SAMPLES 960 /* at 48 kHz */
#define AUDIO_SOURCE_PACKET_BYTES 400
#define AUDIO_SOURCE_MADE_UP_BYTES 80 /* 32 kbit/s */
#define AUDIO_SOURCE_MADE_UP_LEVEL 30
#define VIDEO_SOURCE_PAYLOAD_BYTES 1150 /* a packet's payload, descriptor included */

struct OpusEncoder;

struct audio_source {
    struct OpusEncoder *encoder; /* NULL: made-up packets */
    const struct wav_file *wav;  /* borrowed */
    size_t at;
};

/* `bitrate_bps` 6000..128000. Forward error correction is on. STATUS_CONFIG, STATUS_SYSTEM. */
MUST_CHECK enum status audio_source_init(struct audio_source *source, const struct wav_file *wav,
                                         int bitrate_bps);
/* Packets of the right size but of no sound, for load. */
void audio_source_init_made_up(struct audio_source *source);
void audio_source_destroy(struct audio_source *source);

/* The next 20 ms, round the end of the file. `level` is RFC 6464's: 0 loudest, 127 silence.
 * STATUS_SYSTEM when the encoder fails. */
MUST_CHECK enum status audio_source_next(struct audio_source *source, struct bytes_mut out,
                                         size_t *size, uint8_t *level);

struct video_source {
    const struct ivf_file *ivf; /* borrowed; NULL: made-up packets */
    size_t frame;               /* index of the frame being cut */
    size_t offset;              /* within it */
    uint16_t picture_id;
    uint32_t timestamp; /* 90 kHz, of the present frame */
    usec_t frame_us;    /* a frame's length */
    bool wants_key_frame;
    bool in_frame;
    /* without a file: */
    size_t made_up_frame_bytes;
    struct bytes current;
    uint8_t *made_up;
};

void video_source_init(struct video_source *source, const struct ivf_file *ivf);
/* Packets of the right sizes and descriptors but of no picture, for load: `bitrate_bps` at `fps`.
 */
MUST_CHECK enum status video_source_init_made_up(struct video_source *source, uint32_t bitrate_bps,
                                                 uint32_t fps);
void video_source_destroy(struct video_source *source);

/* A receiver asked for a key frame: the next frame is the file's next key frame. */
void video_source_request_key_frame(struct video_source *source);

/* Goes to the next frame. */
void video_source_begin_frame(struct video_source *source);
/* The next packet's payload of the present frame; false when the frame is complete. */
bool video_source_next(struct video_source *source, struct bytes_mut out, size_t *size, bool *last);
enum media_codec video_source_get_codec(const struct video_source *source);
