/* What one receiver gets of a publication that it cannot have whole: a cursor over the caches of
 * its encodings. Each call gives the packet to send next, in order, with numbers without a gap of
 * our making; when it is asked is the caller's business (a paced path, or every arrival).
 *
 *        a key frame is cached           STILL: the key frame's picture is out
 *   WAITING --------------> FLOWING <-----------------------------> RESTING
 *      ^                       |      LIVE again, or LAYER_STILL_US later a newer key frame
 *      `-----------------------'
 *     the source began anew, or the cursor fell out of the cache
 *
 * Never half a picture (but of a key frame that is given up), never one whose references were left
 * out: layers change between pictures only; a higher layer is entered where the stream says that it
 * can be; another encoding begins at its key frame, from the cache when it is there, and with its
 * base layer up to the newest picture of that. A receiver that lags is not given pictures of upper
 * layers that it can do without, and goes on at a newer key frame where there is one.
 *
 * Numbers. Inside a segment out = source + a constant; a segment ends where something was left out.
 * A packet that is missing from the cache is waited for a while, then passed over: its number stays
 * reserved, so the receiver asks for it and gets it when it has come.
 * VP8's picture ids close ranks as well (receivers take a gap for loss); VP9's must not (receivers
 * read the layer from it). At a key frame all of them go on behind the last ones sent, or, of the
 * best encoding, become the source's own again where that is a step forward.
 *
 * Sans-IO; allocates nothing. Heap, owned by its subscription. */
#pragma once

#include "base/usec.h"
#include "relay/core/stream_tail.h"
#include "rtc/retransmit_cache.h"
#include "wire/codec.h"
#include "wire/layer_mark.h"

#define LAYER_SEGMENTS 64 /* whose numbers can still be asked for */
#define LAYER_ENCODINGS_MAX 4
#define LAYER_REPLAY_PACKETS 64 /* from a cached key frame to the live edge, at most */
#define LAYER_REPLAY_FACTOR 2   /* or so many times the key frame itself, if that is more */
#define LAYER_HURRY_US MILLISECONDS(250)  /* further behind, upper layers' pictures are left out */
#define LAYER_GAP_US MILLISECONDS(150)    /* a missing packet is waited for */
#define LAYER_BEHIND_US MILLISECONDS(700) /* further behind, a newer key frame is jumped to */
#define LAYER_STALE_US SECONDS(5)         /* further behind, a key frame is asked for */
#define LAYER_STALE_PACKETS 192           /* of which so many wait, or twice the last key frame's */
#define LAYER_SHUT_OUT_US SECONDS(3)      /* no way into a wanted layer: a key frame is asked for */
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
    bool accepted;                  /* the receiver has this codec */
    const struct stream_tail *tail; /* NULL: not known */
    uint32_t tail_max;              /* packets of its base layer that are not too many to begin */
    uint8_t descriptor_id; /* of the dependency descriptor, as the publisher numbers it; 0: none */
    bool has_clock;        /* the publisher's clock of this encoding: our NTP time at a timestamp */
    uint64_t clock_ntp;
    uint32_t clock_timestamp;
};

/* What is added to a packet's numbers. */
struct layer_shift {
    uint64_t seq; /* mod 2^64 */
    uint32_t timestamp;
    uint16_t picture; /* VP8, VP9: picture id */
    uint16_t frame;   /* dependency descriptor: frame number */
    uint8_t tl0;      /* TL0PICIDX */
};

struct layer_segment {
    uint64_t first, next; /* source numbers [first, next) */
    uint64_t serial;      /* of the source */
    struct layer_shift shift;
    uint8_t encoding;
    uint8_t temporal_max; /* highest layer that went out */
};

/* What to send. */
struct layer_packet {
    const struct retransmit_entry *entry; /* in the encoding's cache, until that changes */
    uint64_t seq;                         /* out, unwrapped */
    uint32_t timestamp;                   /* out */
    uint8_t encoding;
    struct layer_shift shift;
};

enum layer_state { LAYER_WAITING, LAYER_FLOWING, LAYER_RESTING };

struct layer_selector {
    struct layer_target target;
    uint32_t finish_packets; /* 0: every picture is sent to its end */
    enum layer_state state;
    uint64_t serial;            /* being read; 0: none */
    uint8_t encoding;           /* being read */
    uint8_t temporal_now;       /* highest layer whose pictures may be taken */
    uint8_t way_back;           /* highest layer that a base picture let in again */
    uint64_t cursor;            /* next source number to look at */
    usec_t placed_at;           /* when it was last moved away */
    struct layer_shift shift;   /* of what is taken now */
    bool in_picture;            /* the picture looked at last has not ended */
    bool taking;                /* and goes out */
    bool is_behind;             /* what is read is old: the base layer is enough */
    uint32_t picture_timestamp; /* the source's */
    usec_t shut_out_at;         /* a wanted layer could not be entered since; 0: not so */
    uint8_t shut_out_layer;
    uint32_t pictures_in_a_row; /* taken since one was left out */
    uint64_t next_seq;          /* out */
    bool has_sent;
    uint32_t last_timestamp; /* out, of the newest picture */
    usec_t last_at;
    bool key_frame_sent; /* the next two mean something */
    usec_t key_frame_at;
    bool in_key_frame;                    /* the picture under way is one */
    usec_t key_frame_ended_at;            /* 0: none has yet */
    uint64_t key_frame_seq;               /* of `serial` */
    bool has_picture, has_tl0, has_frame; /* whether the last ones sent are known: out numbers */
    uint16_t last_picture, last_frame;
    uint8_t last_tl0;
    struct layer_segment segments[LAYER_SEGMENTS]; /* ring; the newest is at segment_count - 1 */
    uint64_t segment_count;
    uint32_t pictures_left_out, gaps, switches; /* for statistics */
};

/* Nothing of its source was sent yet: begins with a key frame. `next_seq`, `last_timestamp`: where
 * the slot's numbers are; `has_sent`: something went out, at `last_at`. */
void layer_selector_init(struct layer_selector *l, uint64_t next_seq, bool has_sent,
                         uint32_t last_timestamp, usec_t last_at);
/* The same for one that was in use before (or is zeroed): what it has sent can still be asked for.
 */
void layer_selector_begin_again(struct layer_selector *l, uint64_t next_seq, bool has_sent,
                                uint32_t last_timestamp, usec_t last_at);
/* After either: everything of one encoding from number `first` up to (not including) `cursor` has
 * gone out, shifted by constants: goes on from there without a break. */
void layer_selector_take_over(struct layer_selector *l, const struct layer_source *source,
                              uint8_t encoding, uint64_t first, uint64_t cursor,
                              uint64_t seq_offset, uint32_t timestamp_offset);

void layer_selector_set_target(struct layer_selector *l, struct layer_target target);
/* A key frame under way of which more than `packets` are still to come is given up for that of the
 * encoding that the target has meanwhile, if this one is not half as long again: on a line that has
 * shown itself narrow both would have to be sent. 0: it never is. */
void layer_selector_set_patience(struct layer_selector *l, uint32_t packets);

/* Does so at once where that is so, and not only when something may leave again: meanwhile more
 * would come behind the other key frame. */
void layer_selector_reconsider(struct layer_selector *l, usec_t now,
                               const struct layer_source *sources, size_t count);

/* The receiver has lost the thread and asks for a key frame: it gets the cached one, or a new one.
 */
void layer_selector_restart(struct layer_selector *l);
/* There is a cached one, near enough. *encoding: whose it is, or of which a new one is needed; past
 * all of them where nothing comes. */
bool layer_selector_can_restart(const struct layer_selector *l, const struct layer_source *sources,
                                size_t count, uint8_t *encoding);

/* A key frame is going out, or has ended after `since`. */
bool layer_selector_is_in_key_frame(const struct layer_selector *l, usec_t since);

/* The next packet; false when there is none now. `sources`: all encodings, best first. */
bool layer_selector_take(struct layer_selector *l, usec_t now, const struct layer_source *sources,
                         size_t count, struct layer_packet *out);
/* The encoding that a key frame must come from before what the target says can go out; false when
 * none is needed. Ask the publisher, throttled and merged. */
bool layer_selector_wants_key_frame(const struct layer_selector *l, usec_t now,
                                    const struct layer_source *sources, size_t count,
                                    uint8_t *encoding);
/* Bit n: encoding n is read or wanted. */
uint32_t layer_selector_encodings(const struct layer_selector *l);
/* When take may have something although nothing arrives: a gap is given up, a still is due. */
usec_t layer_selector_next_timeout(const struct layer_selector *l,
                                   const struct layer_source *sources, size_t count);
/* How long the packet that comes next has waited: what the receiver lags behind. */
usec_t layer_selector_lag(const struct layer_selector *l, usec_t now,
                          const struct layer_source *sources, size_t count);

/* Which source packet went out as `seq16`; false when that is not known any more. */
bool layer_selector_find(const struct layer_selector *l, uint16_t seq16, uint64_t *seq,
                         uint64_t *source_seq, struct layer_segment *segment);

/* Everything from here on goes out, with seq and timestamp shifted by constants, and nothing waits:
 * the plain path can take over from source number l->cursor on, with l->shift. */
bool layer_selector_is_plain(const struct layer_selector *l, const struct layer_source *sources,
                             size_t count);

/* Gives a copy of the packet's payload its picture ids. */
void layer_shift_apply(const struct layer_shift *shift, enum media_codec codec,
                       struct bytes_mut payload);
