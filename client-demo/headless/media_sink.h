/* What a headless participant heard and saw: loss, gaps and delay of a stream as its receiver sees
 * them, voice decoded by libopus, video put together to complete frames. No I/O, no clock. */
#pragma once

#include "base/bytes.h"
#include "base/media.h"
#include "base/seq.h"
#include "base/status.h"
#include "base/usec.h"
#include "client-demo/headless/delay_histogram.h"

#include <stdint.h>

struct OpusDecoder;
#define MEDIA_SINK_WINDOW                                                                          \
    1024 /* packets within which reordering and retransmission are told from loss */

/* One received RTP stream. Zero-initialised is ready. */
struct stream_sink {
    struct seq_unwrapper unwrapper;
    uint64_t first, highest;
    bool started;
    uint64_t received, duplicates,
        recovered; /* recovered: came late, by retransmission or reordering */
    uint64_t seen[MEDIA_SINK_WINDOW / 64];    /* ring of bits, by sequence number */
    uint64_t lost_for_good;                   /* left the window without having come */
    usec_t first_at, last_at, longest_gap_us; /* between packets, by arrival */
    uint64_t bytes;
    struct delay_histogram delays;
};

/* False for a duplicate. */
bool stream_sink_add(struct stream_sink *s, usec_t now, uint16_t seq, size_t bytes);
/* Missing so far, those that may still come included. */
uint64_t stream_sink_get_missing(const struct stream_sink *s);

struct audio_sink {
    struct stream_sink stream;
    struct OpusDecoder *decoder;              /* NULL: counted, not decoded */
    uint64_t decoded, undecodable, concealed; /* packets; concealed: 20 ms made up for a gap */
    uint64_t loud;                            /* decoded packets with sound in them */
    uint64_t crossings, samples;              /* of the loud ones: the pitch of a tone */
    usec_t first_loud_at, last_loud_at;
    uint64_t next; /* unwrapped number that continues the sound */
};

MUST_CHECK enum status audio_sink_init(struct audio_sink *sink, bool decode);
void audio_sink_destroy(struct audio_sink *sink);
void audio_sink_add(struct audio_sink *sink, usec_t now, uint16_t seq, struct bytes payload);
/* Of a steady tone, in Hz; 0 when nothing loud was decoded. */
double audio_sink_get_pitch(const struct audio_sink *sink);

#define VIDEO_SINK_PENDING 2048
struct video_sink {
    struct stream_sink stream;
    enum media_codec codec;
    uint64_t frames; /* complete, and decodable: all before it since the last key frame complete */
    uint64_t key_frames;
    usec_t first_frame_at, last_frame_at, longest_freeze_us;
    uint64_t freezes; /* more than 1 s between complete frames that were sent */
    bool wants_key_frame;
    /* Frame assembly: which packets are here, from the start of the oldest incomplete frame. */
    uint64_t next; /* unwrapped number of the next packet to consume */
    bool synced;   /* consuming since a key frame */
    struct {
        bool here, start, key, end;
        uint64_t seq;
    } pending[VIDEO_SINK_PENDING];
};

void video_sink_init(struct video_sink *sink);
/* Another numbering begins; counts go on. */
void video_sink_restart(struct video_sink *sink);
void video_sink_add(struct video_sink *sink, usec_t now, uint16_t seq, bool marker,
                    enum media_codec codec, struct bytes payload);
/* True when a frame cannot be completed any more, or none was ever decodable: ask for a key frame.
 */
bool video_sink_wants_key_frame(const struct video_sink *sink);
