#include "relay/core/bitrate_allocator.h"

#include "base/check.h"

#define RUNGS_MAX (LAYER_ENCODINGS_MAX * LAYER_TEMPORAL_MAX + 2)
#define RUNG_STILL (LAYER_ENCODINGS_MAX * LAYER_TEMPORAL_MAX)
#define RUNG_OFF (RUNG_STILL + 1)

struct rung {
    uint32_t id; /* the same for good, whichever layers are seen; rising */
    struct layer_target target;
    uint32_t bps;       /* that there must be */
    uint32_t takes_bps; /* of what there is */
};

struct ladder {
    struct rung rungs[RUNGS_MAX]; /* best first; the last one can always be had */
    uint32_t count;
};

static void add_rung(struct ladder *ladder, uint32_t id, struct layer_target target, uint32_t bps)
{
    ladder->rungs[ladder->count++] = (struct rung){id, target, bps, bps};
}

/* The encoding whole, then with one temporal layer less each time. */
static void add_encoding(struct ladder *ladder, size_t index, const struct allocator_encoding *e)
{
    unsigned layers = e->layers < LAYER_TEMPORAL_MAX ? e->layers : LAYER_TEMPORAL_MAX;
    uint32_t id = (uint32_t)index * LAYER_TEMPORAL_MAX;
    if (!e->exists)
        return;
    add_rung(ladder, id, (struct layer_target){LAYER_LIVE, (uint8_t)index, LAYER_ALL},
             layers == 0 ? ALLOCATOR_UNKNOWN_BPS : e->bps[layers - 1]);
    for (unsigned top = layers; top-- > 1;)
        add_rung(ladder, id + LAYER_TEMPORAL_MAX - top,
                 (struct layer_target){LAYER_LIVE, (uint8_t)index, (uint8_t)(top - 1)},
                 e->bps[top - 1]);
}

uint8_t bitrate_allocator_get_last(const struct allocator_stream *s)
{
    uint8_t last = 0;
    for (uint8_t i = 0; i < LAYER_ENCODINGS_MAX; i++)
        last = s->encodings[i].exists ? i : last;
    return last;
}

static bool is_one_encoding(const struct allocator_stream *s)
{
    size_t count = 0;
    for (size_t i = 0; i < LAYER_ENCODINGS_MAX; i++)
        count += s->encodings[i].exists;
    return count == 1;
}

/* Of a line too narrow for any choice, or a screen that there is no other encoding of. */
static bool may_be_late(const struct allocator_stream *s)
{
    return s->is_last_only ||
           (s->may_be_late && s->class == ALLOCATOR_SCREEN && is_one_encoding(s));
}

/* That there must be for the last rung. */
static uint32_t least_of(const struct allocator_stream *s, uint32_t takes_bps)
{
    uint64_t least_bps = ALLOCATOR_STILL_BPS;
    if (!may_be_late(s))
        return takes_bps;
    if (!s->is_last_only)
        least_bps = (uint64_t)s->encodings[bitrate_allocator_get_last(s)].long_bps * 100 /
                    ALLOCATOR_LATE_PERCENT;
    least_bps = least_bps > ALLOCATOR_STILL_BPS ? least_bps : ALLOCATOR_STILL_BPS;
    return least_bps < takes_bps ? (uint32_t)least_bps : takes_bps;
}

static struct ladder ladder_of(const struct allocator_stream *s)
{
    struct ladder ladder = {.count = 0};
    for (size_t i = s->is_last_only ? bitrate_allocator_get_last(s) : 0; i < LAYER_ENCODINGS_MAX;
         i++)
        add_encoding(&ladder, i, &s->encodings[i]);
    if (ladder.count > 0)
        ladder.rungs[ladder.count - 1].bps = least_of(s, ladder.rungs[ladder.count - 1].bps);
    if (ladder.count == 0)
        add_rung(&ladder, 0, (struct layer_target){LAYER_LIVE, 0, LAYER_ALL},
                 ALLOCATOR_UNKNOWN_BPS);
    if (s->class == ALLOCATOR_SCREEN)
        add_rung(&ladder, RUNG_STILL,
                 (struct layer_target){LAYER_STILL, bitrate_allocator_get_last(s), 0},
                 ALLOCATOR_STILL_BPS);
    if (s->class == ALLOCATOR_VOICE)
        ladder.count = 1;
    else
        add_rung(&ladder, RUNG_OFF, (struct layer_target){LAYER_OFF, 0, 0}, 0);
    return ladder;
}

/* A rung may cost more than a better one (the low encoding of a quiet screen): what counts is that
 * it fits. A still is always better than nothing, and takes whatever there is beyond a least. */
static bool fits(const struct rung *rung, uint64_t budget_bps, unsigned percent)
{
    return (uint64_t)rung->bps * percent <= budget_bps * 100;
}

/* Where the ladder has this rung, or the next worse one. */
static uint32_t find_rung(const struct ladder *ladder, uint32_t id)
{
    uint32_t i = 0;
    while (i + 1 < ladder->count && ladder->rungs[i].id < id)
        i++;
    return i;
}

static uint32_t best_fitting(const struct ladder *ladder, uint64_t budget_bps, unsigned percent)
{
    uint32_t i = 0;
    while (i + 1 < ladder->count && !fits(&ladder->rungs[i], budget_bps, percent))
        i++;
    return i;
}

static void step_down(struct allocator_patience *p, usec_t now, const struct rung *rung)
{
    p->rung = rung->id;
    p->has_candidate = false;
    p->hold_until = now + ALLOCATOR_HOLD_US;
}

/* The next worse rung that takes less, for a stream that lags although its rung fits. Another
 * encoding begins with a key frame, which a line that lags has no room for: only far behind. */
static uint32_t find_lighter(const struct ladder *ladder, uint32_t present, usec_t lag_us)
{
    for (uint32_t i = present + 1; i < ladder->count; i++) {
        const struct rung *from = &ladder->rungs[present], *to = &ladder->rungs[i];
        if (to->target.mode != LAYER_LIVE ||
            (to->target.encoding != from->target.encoding && lag_us < ALLOCATOR_LAG_FAR_US))
            break;
        if (to->bps < from->bps)
            return i;
    }
    return present;
}

/* Down at once. Also one step when the receiver lags although its rung fits: the stream comes in
 * bursts that its line cannot take; then it is given time to catch up before the next step. */
static void go_down(struct allocator_patience *p, usec_t now, const struct allocator_stream *s,
                    const struct ladder *ladder, uint64_t budget_bps)
{
    uint32_t present = find_rung(ladder, p->rung);
    uint32_t fitting = best_fitting(ladder, budget_bps, 100);
    if (fitting > present) {
        step_down(p, now, &ladder->rungs[fitting]);
        return;
    }
    uint32_t lighter = find_lighter(ladder, present, s->lag_us);
    if (s->lag_us > ALLOCATOR_LAG_US && lighter != present &&
        (!p->has_lagged || now - p->lagged_at >= ALLOCATOR_LAG_US)) {
        p->has_lagged = true;
        p->lagged_at = now;
        step_down(p, now, &ladder->rungs[lighter]);
    }
}

/* Up to the worst of the better rungs that have fitted, with a margin, without a break; not while
 * the present one lags. Of what is off nothing more comes: its lag is for ever. */
static void go_up(struct allocator_patience *p, usec_t now, const struct allocator_stream *s,
                  const struct ladder *ladder, uint64_t budget_bps)
{
    uint32_t fitting = ladder->rungs[best_fitting(ladder, budget_bps, ALLOCATOR_MARGIN_PERCENT)].id;
    bool lags = p->rung != RUNG_OFF && s->lag_us > ALLOCATOR_LAG_US;
    if (fitting >= p->rung || lags) {
        p->has_candidate = false;
        return;
    }
    if (!p->has_candidate) {
        p->has_candidate = true;
        p->candidate = fitting;
        p->since = now;
    }
    p->candidate = fitting > p->candidate ? fitting : p->candidate;
    const struct rung *rung = &ladder->rungs[find_rung(ladder, p->candidate)];
    bool is_wide = fits(rung, budget_bps, ALLOCATOR_WIDE_PERCENT);
    usec_t patience_us = is_wide ? ALLOCATOR_WIDE_US : ALLOCATOR_UP_US;
    if (now - p->since < patience_us || (now < p->hold_until && !is_wide))
        return;
    p->rung = p->candidate;
    p->has_candidate = false;
}

/* A screen that comes late takes all there is, but what its sound takes. */
static uint64_t taken_by(const struct allocator_stream *s, const struct rung *rung,
                         uint64_t left_bps, uint64_t sound_bps)
{
    if (rung->takes_bps <= left_bps)
        return rung->takes_bps;
    if (s->is_last_only || rung->bps > left_bps)
        return left_bps;
    return left_bps > sound_bps + rung->bps ? left_bps - sound_bps : rung->bps;
}

static void allot(struct allocator_patience *p, usec_t now, const struct allocator_stream *s,
                  uint64_t sound_bps, uint64_t *left_bps, struct layer_target *target)
{
    struct ladder ladder = ladder_of(s);
    if (s->active) {
        go_down(p, now, s, &ladder, *left_bps);
        go_up(p, now, s, &ladder, *left_bps);
    }
    const struct rung *rung = &ladder.rungs[find_rung(&ladder, p->rung)];
    *target = rung->target;
    if (!s->active)
        return;
    if (!s->is_last_only && rung->target.mode == LAYER_LIVE && rung->takes_bps > *left_bps)
        p->late_until = now + ALLOCATOR_HOLD_US;
    *left_bps -= taken_by(s, rung, *left_bps, sound_bps);
}

/* With the margin that it needs to come back. */
static uint64_t sound_bps_of(const struct allocator_stream *streams, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (streams[i].active && streams[i].class == ALLOCATOR_SCREEN_SOUND)
            sum += ladder_of(&streams[i]).rungs[0].takes_bps;
    }
    return (sum * ALLOCATOR_MARGIN_PERCENT + 99) / 100;
}

void bitrate_allocator_init(struct bitrate_allocator *a)
{
    *a = (struct bitrate_allocator){0};
}

void bitrate_allocator_end_hold(struct bitrate_allocator *a)
{
    for (size_t i = 0; i < ALLOCATOR_STREAMS_MAX; i++)
        a->streams[i].hold_until = 0;
}

void bitrate_allocator_run(struct bitrate_allocator *a, usec_t now, uint32_t estimate_bps,
                           const struct allocator_stream *streams, size_t count,
                           struct layer_target *targets)
{
    uint64_t left_bps = estimate_bps, sound_bps = sound_bps_of(streams, count);
    CHECK(count <= ALLOCATOR_STREAMS_MAX);
    for (int class = ALLOCATOR_VOICE; class <= ALLOCATOR_CAMERA; class ++) {
        for (size_t i = 0; i < count; i++) {
            if ((int)streams[i].class == class)
                allot(&a->streams[i], now, &streams[i], sound_bps, &left_bps, &targets[i]);
        }
    }
}

bool bitrate_allocator_is_late(const struct bitrate_allocator *a, size_t index, usec_t now)
{
    return now < a->streams[index].late_until;
}

uint32_t bitrate_allocator_wanted(const struct allocator_stream *streams, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (!streams[i].active)
            continue;
        struct rung best = ladder_of(&streams[i]).rungs[0];
        sum += streams[i].is_last_only ? best.bps : best.takes_bps;
    }
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

bool bitrate_allocator_is_whole(const struct bitrate_allocator *a,
                                const struct allocator_stream *streams, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (streams[i].active && a->streams[i].rung != 0)
            return false;
    }
    return true;
}
