/* What one receiver gets of a publication that it cannot have whole: a cursor over the caches of
 * its encodings. Each call gives the packet to send next, in order, with numbers without a gap of
 * our making; when it is asked is the caller's business (a paced path, or every arrival).
 *
 *            target.mode LIVE                               target.mode STILL
 *   WAITING ---------------> FLOWING      key frame's     WAITING -> FLOWING -> RESTING
 *      ^    a key frame         |         frames only:       ^   a key frame ends   |
 *      |    is in the cache     |                            `----- still_us, ------'
 *      `---- numbers lost ------'                              and something new
 *
 * Never half a picture, never one whose references were left out: layers change between pictures
 * only; a higher layer is entered where the stream says that it can be; another encoding begins at
 * its key frame, taken from the cache when it and all that follows are there.
 *
 * Numbers. Inside a segment out = source + a constant; a segment ends where something was left out.
 * A packet that is missing from the cache is waited for a while, then passed over: its number stays
 * reserved, so the receiver asks for it and gets it when it has come.
 * VP8's picture ids close ranks as well (receivers take a gap for loss); VP9's must not (receivers
 * read the layer from the gap). Of another encoding they go on behind the last ones sent.
 *
 * Sans-IO; allocates nothing itself; heap, owned by its subscription. */
#pragma once

#include "base/usec.h"
#include "rtc/retransmit_cache.h"
#include "wire/codec.h"
#include "wire/layer_mark.h"

#define LAYER_ENCODINGS_MAX 4
#define LAYER_SEGMENTS 64                 /* whose numbers can still be asked for */
#define LAYER_GAP_US MILLISECONDS(150)    /* a missing packet is waited for */
#define LAYER_BEHIND_US MILLISECONDS(700) /* further behind, a newer key frame is jumped to */
#define LAYER_STILL_US SECONDS(4)         /* between two stills, begin to begin */
#define LAYER_ALL (LAYER_TEMPORAL_MAX - 1)

enum layer_mode { LAYER_OFF, LAYER_STILL, LAYER_LIVE };

struct layer_target {
    enum layer_mode mode;
    uint8_t encoding;     /* 0: the best; of a still the one it is taken from */
    uint8_t temporal_max; /* LAYER_ALL: every picture */
};

/* One encoding of the publication as it is now; borrowed for the call. */
struct layer_source {
    const struct retransmit_cache *cache; /* NULL: nothing has come yet */
    uint64_t serial;                      /* of encoding and epoch; 0: none */
    enum media_codec codec;
    uint32_t clock_rate;
    bool accepted; /* the receiver has this codec */
    /* The publisher's clock of this encoding: NTP (ours) at a timestamp. */
    bool has_clock;
    uint64_t clock_ntp;
    uint32_t clock_timestamp;
};

struct layer_segment {
    uint64_t first, next; /* source numbers [first, next) */
    uint64_t offset;      /* out = source + offset (mod 2^64) */
    uint64_t serial;      /* of the source */
    uint32_t timestamp_offset;
    uint16_t picture_offset; /* to be added; VP8, VP9 */
    uint16_t frame_offset;   /* dependency descriptor's frame number */
    uint8_t tl0_offset;
    uint8_t encoding;
    uint8_t temporal_max; /* in force */
};

/* What to send. */
struct layer_packet {
    const struct retransmit_entry *entry; /* in the encoding's cache, until that changes */
    uint64_t seq;                         /* out, unwrapped */
    struct layer_segment numbers;         /* copy */
};

struct layer_selector {
    struct layer_target target;
    enum layer_state { LAYER_WAITING, LAYER_FLOWING, LAYER_RESTING } state;
    uint64_t serial;      /* being read; 0: none */
    uint8_t encoding;     /* being read */
    uint8_t temporal_now; /* highest layer whose pictures may be taken */
    uint64_t cursor;      /* next source number to look at */
    bool in_picture;      /* something of the present picture has been looked at */
    bool taking;          /* and goes out */
    bool first_picture;   /* it is the key frame that flowing began with */
    uint32_t picture_timestamp;
    uint64_t next_seq;       /* out */
    bool has_sent;           /* the next three mean something */
    uint32_t last_timestamp; /* out */
    uint64_t last_ntp;       /* capture time of the last picture; 0: unknown */
    usec_t last_at;
    usec_t still_at;                       /* begin of the last still */
    uint64_t still_seq;                    /* its key frame; with `serial` */
    bool has_numbers;                      /* out picture ids have been sent */
    uint16_t last_picture, source_picture; /* out, and as the source numbered it */
    uint8_t last_tl0;
    uint16_t last_frame;
    struct layer_segment segments[LAYER_SEGMENTS]; /* ring; the newest is at segment_count - 1 */
    uint64_t segment_count;
    uint32_t pictures_left_out, gaps, encodings_switched; /* for statistics and tests */
};

/* Nothing was sent yet: begins with a key frame. */
void layer_selector_init(struct layer_selector *l, uint64_t next_seq);
/* Everything of one source has gone out up to (not including) source number `cursor`, as
 * source + offset: goes on from there without a break. `first`: the oldest sent. */
void layer_selector_take_over(struct layer_selector *l, const struct layer_source *source,
                              uint8_t encoding, uint64_t first, uint64_t cursor, uint64_t offset,
                              uint32_t timestamp_offset, uint32_t last_timestamp, usec_t last_at);

void layer_selector_set_target(struct layer_selector *l, struct layer_target target);

/* The next packet; false when there is none now. */
bool layer_selector_take(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                         size_t count, struct layer_packet *out);
/* The encoding that a key frame must come from before anything (more, or better) goes out; false
 * when none is needed. Ask the publisher, throttled and merged. */
bool layer_selector_wants_key_frame(const struct layer_selector *l, usec_t now,
                                    const struct layer_source *sources, size_t count,
                                    uint8_t *encoding);
/* Bit n: encoding n is read or wanted. */
uint32_t layer_selector_encodings(const struct layer_selector *l);
/* When take may have something although nothing arrives: a gap is given up, a still is due. */
usec_t layer_selector_next_timeout(const struct layer_selector *l, usec_t now,
                                   const struct layer_source *sources, size_t count);
/* How old the packet is that would go out next: what a receiver lags behind. 0 at the live edge. */
usec_t layer_selector_lag(const struct layer_selector *l, usec_t now,
                          const struct layer_source *sources, size_t count);

/* Which source packet went out as `seq16`; false when that is not known any more. */
bool layer_selector_find(const struct layer_selector *l, uint16_t seq16, uint64_t *seq,
                         uint64_t *source_seq, struct layer_segment *numbers);

/* Everything from here on goes out unchanged but for a constant in numbers and timestamps, and
 * nothing waits: the plain path can take over with `offset`, from source number *cursor on. */
bool layer_selector_is_plain(const struct layer_selector *l, const struct layer_source *sources,
                             size_t count, uint64_t *cursor, uint64_t *offset,
                             uint32_t *timestamp_offset);

/* The payload as the receiver gets it: with its picture ids. `payload` is a copy of the packet's.
 */
void layer_packet_rewrite(const struct layer_packet *p, enum media_codec codec,
                          struct bytes_mut payload);
