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

/* A screen that is made up: small pictures, and now and then another slide. Sizes are those that an
 * encoder gave to real ones: a slide costs much in every layer that does not have it yet. */
struct made_up_screen {
    uint32_t bitrate_bps, fps;       /* of the small pictures; fps 0: no screen */
    uint32_t slide_frames;           /* from slide to slide; 0: none */
    uint32_t slide_bytes, key_bytes; /* key_bytes 0: four small pictures */
    uint32_t sharp_after;            /* pictures, until a slide can be read */
    uint32_t sharpening_bytes;       /* each of these pictures */
    uint32_t first_key_bytes;        /* the first one: a sender begins with little; 0: as any */
    uint32_t settling_pictures;      /* behind a key frame: it can be read, and becomes finer */
    uint32_t settling_bytes;         /* each of these */
    bool has_layers;                 /* three temporal ones */
};

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
    struct made_up_screen shape;
    uint32_t count; /* pictures */
    uint32_t since_key;
    uint32_t slide;           /* which is shown: from 1 on */
    uint32_t since_slide;     /* pictures */
    uint32_t layer_slides[3]; /* which slide each layer has */
    uint8_t layer, tl0;       /* of the present picture */
    bool is_sharp;            /* whoever has the present picture can read the slide */
    struct bytes current;
    uint8_t *made_up;
};

void video_source_init(struct video_source *source, const struct ivf_file *ivf);
/* Packets of the right sizes and descriptors but of no picture, for load and simulations.
 * STATUS_CONFIG for what no screen is, STATUS_NO_MEMORY. */
MUST_CHECK enum status video_source_init_made_up(struct video_source *source,
                                                 const struct made_up_screen *shape);
void video_source_destroy(struct video_source *source);

/* A receiver asked for a key frame: the next frame is the file's next key frame. */
void video_source_request_key_frame(struct video_source *source);

/* Made up: slide number `slide` is shown from now on. */
void video_source_show_slide(struct video_source *source, uint32_t slide);

/* Goes to the next frame. */
void video_source_begin_frame(struct video_source *source);
/* The next packet's payload of the present frame; false when the frame is complete. */
bool video_source_next(struct video_source *source, struct bytes_mut out, size_t *size, bool *last);
enum media_codec video_source_get_codec(const struct video_source *source);
