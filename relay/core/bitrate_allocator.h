/* How one learner's estimated bandwidth is shared: voice, then the screen, its sound, cameras. Pure
 * but for the patience it keeps: down at once, up slowly. Sans-IO; one per constrained learner.
 *
 * Each stream has a ladder, best rung first:
 *   screen   every picture -> fewer of them, a temporal layer less each -> the next encoding,
 *            likewise -> a still every few seconds -> off
 *   camera   the same without the still
 *   sound    on -> off; voice is always on
 * In order of priority each takes the best rung that what is left can carry. A screen of one
 * encoding (a WHIP publisher's) comes late where it fits in the long run: for a still it needs a
 * key frame, of which one in ten seconds may be asked for, and meanwhile the line would stand idle.
 * What does not fit in the long run either is better seen as stills. */
#pragma once

#include "base/usec.h"
#include "relay/core/layer_selector.h"

#define ALLOCATOR_STREAMS_MAX 9             /* a participant's receive slots */
#define ALLOCATOR_UP_US SECONDS(3)          /* a better rung must have fitted so long */
#define ALLOCATOR_HOLD_US SECONDS(8)        /* after a step down nothing of it goes up */
#define ALLOCATOR_WIDE_PERCENT 500          /* of its rate: its line is another one now, */
#define ALLOCATOR_WIDE_US SECONDS(1)        /* and it goes up after so long, whatever was before */
#define ALLOCATOR_MARGIN_PERCENT 115        /* of its rate, to climb to a rung */
#define ALLOCATOR_LAG_US MILLISECONDS(1500) /* a stream further behind steps down */
#define ALLOCATOR_LAG_FAR_US SECONDS(4)     /* further behind, to another encoding */
#define ALLOCATOR_LATE_PERCENT 110          /* of what there is, what comes late may take: slides */
#define ALLOCATOR_STILL_BPS 20000           /* for less not even a still */
#define ALLOCATOR_UNKNOWN_BPS                                                                      \
    160000 /* an encoding that nobody has asked for yet: the page's limit */

enum allocator_class { /* in order of priority */
                       ALLOCATOR_VOICE,
                       ALLOCATOR_SCREEN,
                       ALLOCATOR_SCREEN_SOUND,
                       ALLOCATOR_CAMERA
};

/* One encoding's rates as they arrive, over some seconds. */
struct allocator_encoding {
    bool exists;                      /* negotiated; false: not a rung */
    uint8_t layers;                   /* temporal layers seen; 0: nothing has come yet */
    uint32_t bps[LAYER_TEMPORAL_MAX]; /* of the layers up to n, together */
    uint32_t long_bps;                /* of the lowest one, in the long run */
};

struct allocator_stream {
    enum allocator_class class;
    bool active; /* somebody is on this slot; false: takes nothing, keeps its rung */
    struct allocator_encoding encodings[LAYER_ENCODINGS_MAX];
    usec_t lag_us; /* layer_selector_lag */
    /* Of a line too narrow for any choice: of the last encoding the fewest pictures need no more
     * than a still does. What does not fit comes later, and a key frame where that is too late. */
    bool is_last_only;
    /* Of a screen of one encoding the last rung may take more than there is, for some seconds. */
    bool may_be_late;
};

struct allocator_patience {
    uint32_t rung; /* its id; 0: best */
    bool has_candidate;
    uint32_t candidate; /* worst of the better rungs that fitted since `since` */
    usec_t since;
    usec_t hold_until; /* no step up before */
    usec_t late_until; /* its rung took more than there was, a while ago */
    bool has_lagged;
    usec_t lagged_at; /* the last step down for lag */
};

struct bitrate_allocator {
    struct allocator_patience streams[ALLOCATOR_STREAMS_MAX];
};

/* Every stream at its best rung. */
void bitrate_allocator_init(struct bitrate_allocator *a);

/* The line is another one now: what was stepped down may go up again as soon as it fits. */
void bitrate_allocator_end_hold(struct bitrate_allocator *a);

/* What each of `count` streams (always the same ones in the same places, at most
 * ALLOCATOR_STREAMS_MAX) gets of `estimate_bps`. Call it at each new estimate, twice a second at
 * least. */
void bitrate_allocator_run(struct bitrate_allocator *a, usec_t now, uint32_t estimate_bps,
                           const struct allocator_stream *streams, size_t count,
                           struct layer_target *targets);

/* The encoding that its last rungs are of. */
uint8_t bitrate_allocator_get_last(const struct allocator_stream *s);

/* It takes more than there is, or did within ALLOCATOR_HOLD_US: slides seem now more, now less. */
bool bitrate_allocator_is_late(const struct bitrate_allocator *a, size_t index, usec_t now);

/* What everything takes on its best rung: more than this (and the margin) is of no use. */
uint32_t bitrate_allocator_wanted(const struct allocator_stream *streams, size_t count);

/* True when every active stream is on its best rung. */
bool bitrate_allocator_is_whole(const struct bitrate_allocator *a,
                                const struct allocator_stream *streams, size_t count);
