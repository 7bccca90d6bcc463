/* How one learner's estimated bandwidth is shared: voice, then the screen, its sound, cameras. Pure
 * but for the patience it keeps: down at once, up slowly. Sans-IO; embedded, one per constrained
 * learner.
 *
 * Each stream has a ladder, best rung first:
 *   screen   every picture -> fewer pictures (a temporal layer less each) -> the next encoding,
 *            likewise -> a still every few seconds -> off
 *   camera   the same without the still
 *   sound    on -> off (voice is always on)
 * Streams take, in order of priority, the best rung that what is left can carry. */
#pragma once

#include "base/usec.h"
#include "relay/core/layer_selector.h"

#define ALLOCATOR_STREAMS_MAX 9
#define ALLOCATOR_UP_US SECONDS(3)          /* a better rung must have fitted so long */
#define ALLOCATOR_HOLD_US SECONDS(8)        /* after a step down */
#define ALLOCATOR_MARGIN_PERCENT 115        /* of its rate a rung needs before it is climbed to */
#define ALLOCATOR_LAG_US MILLISECONDS(1500) /* a stream that is further behind steps down */
#define ALLOCATOR_STILL_BPS 30000           /* below it not even a still */
#define ALLOCATOR_UNKNOWN_BPS 150000        /* an encoding nobody has asked for yet */

enum allocator_class { /* in order of priority */
                       ALLOCATOR_VOICE,
                       ALLOCATOR_SCREEN,
                       ALLOCATOR_SCREEN_SOUND,
                       ALLOCATOR_CAMERA
};

/* One encoding's rates as they arrive. */
struct allocator_encoding {
    bool exists;                      /* negotiated; false: not a rung */
    uint8_t layers;                   /* temporal layers seen; 0: nothing has come yet */
    uint32_t bps[LAYER_TEMPORAL_MAX]; /* of the layers up to n, together */
};

struct allocator_stream {
    enum allocator_class class;
    bool active; /* somebody is on this slot; false: takes nothing, keeps its rung */
    struct allocator_encoding encodings[LAYER_ENCODINGS_MAX];
    usec_t lag_us; /* layer_selector_lag: how far behind the live edge its receiver is */
};

struct allocator_patience {
    bool started;
    uint32_t rung;      /* 0: best */
    uint32_t candidate; /* the worst of the better rungs that fitted since `since` */
    usec_t since;       /* USEC_NEVER: none fits */
    usec_t hold_until;  /* no step up before */
};

struct bitrate_allocator {
    struct allocator_patience streams[ALLOCATOR_STREAMS_MAX];
};

/* Begins anew: every stream at its best rung. */
void bitrate_allocator_init(struct bitrate_allocator *a);

/* What each of `count` streams (always the same ones in the same places) gets of `estimate_bps`.
 * Call it at each new estimate, at least twice a second. */
void bitrate_allocator_run(struct bitrate_allocator *a, usec_t now, uint32_t estimate_bps,
                           const struct allocator_stream *streams, size_t count,
                           struct layer_target *targets);

/* What the best rung of everything would take: the learner needs no more. */
uint32_t bitrate_allocator_wanted(const struct allocator_stream *streams, size_t count);

/* True when every target is everything: the learner is not constrained. */
bool bitrate_allocator_is_whole(const struct bitrate_allocator *a, size_t count);
