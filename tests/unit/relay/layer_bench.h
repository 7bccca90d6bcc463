/* Thinning against a slow model of a receiver, for the tests of layer_selector: whatever the
 * targets, losses and encodings do, no number is missing or used twice, no picture comes in half,
 * and none refers to one that was left out. A program includes layer_bench.c. */
#pragma once

#include "base/rng.h"
#include "base/seq.h"
#include "relay/core/layer_selector.h"
#include "wire/codec_vp8.h"
#include "wire/rtp.h"
#include "wire/rtp_extension.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ENCODINGS 2
#define PICTURES_MAX 4096
#define PACKETS_MAX 8
#define REFERENCES_MAX 3
#define PICTURE_US 66667
#define CLOCK 90000
#define DESCRIPTOR_ID 7
#define PACKETS_SENT_MAX 65536

/* --- What a publisher sends */

struct picture {
    bool key_frame, sync, up;
    uint8_t layer;
    uint32_t references[REFERENCES_MAX]; /* numbers of pictures of this encoding */
    size_t reference_count;
    uint32_t timestamp;
    uint64_t first_seq;
    uint32_t packets;
    uint16_t picture_id, frame_number;
    uint8_t tl0;
    uint32_t taken; /* packets of it that the receiver got */
    uint32_t run;   /* of the decoder that has it: key frames so far */
};

struct encoding {
    enum media_codec codec;
    struct retransmit_cache cache;
    struct stream_tail tail;
    struct picture pictures[PICTURES_MAX];
    uint32_t count;
    uint64_t next_seq;
    uint64_t serial;
    uint32_t zero; /* of its timestamps */
    uint32_t since_key;
    uint16_t picture_id, frame_number;
    uint8_t tl0;
    uint32_t last_of_layer[3], last_key;
    bool wants_key_frame;
    uint32_t key_packets; /* of its key frames */
    bool never_syncs;     /* VP8 whose switching points are not marked */
    bool lacks_numbers;   /* VP8 without picture ids: what they say stands in another descriptor */
};

struct sent {
    uint8_t encoding;
    uint64_t source_seq;
    uint64_t seq;
    uint32_t timestamp;
    struct layer_shift shift;
};

struct late {
    uint8_t encoding;
    uint32_t picture, packet;
    usec_t at; /* when it comes after all */
};

struct bench {
    struct rng rng;
    struct encoding encodings[ENCODINGS];
    struct layer_selector selector;
    struct layer_source sources[ENCODINGS];
    usec_t now;
    struct sent sent[PACKETS_SENT_MAX];
    size_t sent_count;
    uint64_t first_out;
    struct late late[256];
    size_t late_count;
    unsigned loss_percent;
    bool has_clock;
    uint32_t tail_max;
    unsigned given_up_max; /* key frames that may end in their middle */
};

static const enum media_codec codecs[] = {MEDIA_CODEC_VP8, MEDIA_CODEC_VP9, MEDIA_CODEC_AV1,
                                          MEDIA_CODEC_H264};
extern struct bench bench; /* too large for a stack */

struct picture *add_picture(struct bench *b, struct encoding *e);
void arrive(struct bench *b, uint8_t index, uint32_t picture, uint32_t packet);
struct picture *picture_of(struct encoding *e, uint64_t seq);
void prepare_sources(struct bench *b);
size_t drain(struct bench *b, size_t packets_max);
void send_picture(struct bench *b, uint8_t index);
void bench_begin(struct bench *b, enum media_codec codec, uint64_t seed);
void bench_end(struct bench *b);
/* A picture's time on both encodings; every third the worse one has one too. */
void step(struct bench *b, size_t packets_max);
void check_numbers(struct bench *b);
void check(struct bench *b);
unsigned pictures_taken(struct bench *b, uint8_t encoding, uint32_t from);
