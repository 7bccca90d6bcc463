/* What the trainer sends: Opus, 50 packets a second; VP8 as frame bursts, each frame cut into
 * packets of nearly equal size as libwebrtc cuts them. No picture is in it; sizes, bursts,
 * descriptors and time stamps are those of a call. */
#pragma once

#include "tests/bench/load/load_peer.h"

struct load_media_config {
    uint32_t video_bps, video_fps;
    usec_t key_frame_every_us;
    uint64_t seed;
};

struct load_media {
    struct load_media_config config;
    struct rng rng;
    usec_t voice_at, frame_at, report_at, key_frame_at;
    uint16_t seqs[LOAD_LINE_COUNT];
    uint32_t timestamps[LOAD_LINE_COUNT];
    uint32_t sent_octets[LOAD_LINE_COUNT];
    uint16_t picture_id;
    uint64_t sent[LOAD_LINE_COUNT]; /* packets */
    uint64_t frames, key_frames;
    usec_t late_us, latest_us; /* how late the worst burst left: the generator's own delay */
    uint64_t refused;          /* datagrams that the socket did not take */
};

void load_media_init(struct load_media *m, const struct load_media_config *config, usec_t now);
/* Sends what is due. `wants_key_frame` is taken back when one is sent. */
void load_media_run(struct load_media *m, struct load_peer *trainer, usec_t now,
                    bool *wants_key_frame);
usec_t load_media_next(const struct load_media *m);
