#include "rtc/bwe_delay.h"

#define GROUP_US 5000
#define BASE_WINDOW_US SECONDS(10)
#define EXPECTED_US SECONDS(2) /* what is said from elsewhere holds so long: it may be past */
#define STEP_MAX_US 200000
#define STEP_WEIGHT (1.0 / 16)
#define JITTER_FORGET_US 10e6 /* to about a third */
#define LONGER_US 50000       /* more than a way trembles */
#define QUEUE_US 10000        /* more than that, jitter apart, is a queue */
#define OVERUSE_US 25000
#define OVERUSE_GROUPS 3
#define QUIET_SHARE 0.5 /* of the estimate: less than that fills no line */
#define STRETCH_GROUPS_MIN 3
#define STRETCH_US_MIN 10000
#define RATE_MAX_BPS 1000000000u

static const struct bwe_delay_group *newest(const struct bwe_delay *d, size_t back)
{
    return &d->groups[(d->count - 1 - back) % BWE_DELAY_GROUPS];
}

static size_t held(const struct bwe_delay *d)
{
    return d->count < BWE_DELAY_GROUPS ? d->count : BWE_DELAY_GROUPS;
}

static usec_t queue_of(const struct bwe_delay *d, const struct bwe_delay_group *g)
{
    return g->delay_us - d->base_us;
}

/* What was taken for a queue has stayed, or never was one. */
static void set_longer_base(struct bwe_delay *d, usec_t base_us)
{
    d->is_longer = d->is_longer || base_us - d->base_us > LONGER_US;
    d->base_us = base_us;
}

/* The least delay of a window, by the sender's clock; the windows overlap by half. */
static void note_base(struct bwe_delay *d, usec_t sent_at, usec_t delay_us)
{
    if (!d->has_base) {
        d->has_base = true;
        d->base_us = delay_us - d->expected_us;
        d->next_base_us = delay_us;
        d->base_until = sent_at + (d->expected_us > 0 ? EXPECTED_US : BASE_WINDOW_US);
    }
    if (sent_at >= d->base_until) {
        set_longer_base(d, d->next_base_us);
        d->next_base_us = delay_us;
        d->base_until = sent_at + BASE_WINDOW_US;
    }
    d->base_us = usec_min(d->base_us, delay_us);
    d->next_base_us = usec_min(d->next_base_us, delay_us);
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* The steps up and down that balance each other are jitter. */
static void note_jitter(struct bwe_delay *d, const struct bwe_delay_group *last,
                        const struct bwe_delay_group *g)
{
    double step = (double)(g->delay_us - last->delay_us);
    double elapsed = (double)(g->sent_at - last->sent_at);
    double up = step > 0 ? smaller(step, STEP_MAX_US) : 0;
    double down = step < 0 ? smaller(-step, STEP_MAX_US) : 0;
    d->longer_us += (up - d->longer_us) * STEP_WEIGHT;
    d->shorter_us += (down - d->shorter_us) * STEP_WEIGHT;
    double jitter = 2 * smaller(d->longer_us, d->shorter_us);
    double kept = d->jitter_us * (1 - smaller(elapsed / JITTER_FORGET_US, 1));
    d->jitter_us = jitter > kept ? jitter : kept;
}

/* The least that the newest three groups stood. */
static usec_t stood_us(const struct bwe_delay *d)
{
    usec_t least = USEC_NEVER;
    for (size_t i = 0; i < OVERUSE_GROUPS; i++)
        least = i < held(d) ? usec_min(least, queue_of(d, newest(d, i))) : 0;
    return least;
}

/* Above it groups stand in a queue, or are held back. */
static usec_t low_us(const struct bwe_delay *d)
{
    return QUEUE_US + (usec_t)d->jitter_us;
}

static void complete_group(struct bwe_delay *d)
{
    if (d->count > 0)
        note_jitter(d, newest(d, 0), &d->open);
    d->groups[d->count % BWE_DELAY_GROUPS] = d->open;
    d->count++;
    const struct bwe_delay_group *g = newest(d, 0);
    bwe_tremble_handle_group(&d->tremble, g->sent_at, stood_us(d), queue_of(d, g) <= low_us(d),
                             g->bytes, d->quiet_bps);
    d->open.bytes = 0;
}

void bwe_delay_handle_arrival(struct bwe_delay *d, usec_t sent_at, usec_t arrival, size_t bytes,
                              bool may_overtake)
{
    struct bwe_delay_group *g = &d->open;
    usec_t delay_us = arrival - sent_at;
    if (may_overtake && d->count > 0)
        delay_us = usec_max(delay_us, newest(d, 0)->delay_us);
    if (g->bytes > 0 && sent_at < g->first_sent_at)
        return; /* reported late: it says nothing about now */
    note_base(d, sent_at, delay_us);
    if (g->bytes > 0 && (d->has_gap || sent_at - g->first_sent_at >= GROUP_US))
        complete_group(d);
    if (g->bytes == 0)
        *g = (struct bwe_delay_group){.first_sent_at = sent_at,
                                      .arrival = arrival,
                                      .delay_us = delay_us,
                                      .is_after_gap = d->has_gap};
    d->has_gap = false;
    g->sent_at = sent_at;
    g->arrival = usec_max(g->arrival, arrival);
    g->delay_us = usec_min(g->delay_us, delay_us);
    g->bytes += (uint32_t)bytes;
}

void bwe_delay_note_estimate(struct bwe_delay *d, uint64_t bps)
{
    d->quiet_bps = (uint64_t)(QUIET_SHARE * (double)bps);
}

void bwe_delay_note_gap(struct bwe_delay *d)
{
    d->has_gap = true;
}

usec_t bwe_delay_get_queue_us(const struct bwe_delay *d)
{
    return d->open.bytes > 0 ? queue_of(d, &d->open) : d->count > 0 ? queue_of(d, newest(d, 0)) : 0;
}

static uint64_t rate_of(uint64_t bytes, usec_t us)
{
    uint64_t rate = us > 0 ? bytes * 8 * 1000000 / (uint64_t)us : RATE_MAX_BPS;
    return rate < RATE_MAX_BPS ? rate : RATE_MAX_BPS;
}

/* The `groups` newest ones: the first gives the start, the others what came after it. Where
 * something between is not known, neither its time nor its bytes count. */
static struct bwe_delay_stretch measure(const struct bwe_delay *d, size_t groups)
{
    struct bwe_delay_stretch s = {.groups = groups};
    if (groups < 2)
        return s;
    uint64_t bytes = 0;
    const struct bwe_delay_group *last = newest(d, groups - 1);
    usec_t last_arrival = last->arrival;
    for (size_t i = groups - 1; i-- > 0;) {
        const struct bwe_delay_group *g = newest(d, i);
        usec_t arrival = usec_max(last_arrival, g->arrival);
        if (!g->is_after_gap) {
            bytes += g->bytes;
            s.sent_us += g->sent_at - last->sent_at;
            s.arrival_us += arrival - last_arrival;
        }
        last = g;
        last_arrival = arrival;
    }
    if (groups < STRETCH_GROUPS_MIN || usec_max(s.sent_us, s.arrival_us) < STRETCH_US_MIN)
        return s;
    s.sent_bps = rate_of(bytes, s.sent_us);
    s.arrived_bps = rate_of(bytes, s.arrival_us);
    return s;
}

struct bwe_delay_stretch bwe_delay_find_busy(const struct bwe_delay *d)
{
    size_t groups = 0;
    while (groups < held(d) && queue_of(d, newest(d, groups)) > low_us(d))
        groups++;
    return measure(d, groups);
}

struct bwe_delay_stretch bwe_delay_find_recent(const struct bwe_delay *d, usec_t window_us)
{
    size_t groups = 0;
    while (groups < held(d) && newest(d, 0)->sent_at - newest(d, groups)->sent_at <= window_us)
        groups++;
    return measure(d, groups);
}

usec_t bwe_delay_get_standing_us(const struct bwe_delay *d)
{
    return usec_max(stood_us(d) - (usec_t)d->jitter_us, 0);
}

bool bwe_delay_is_overused(const struct bwe_delay *d, usec_t packet_us)
{
    usec_t way_us = usec_max((usec_t)(3 * d->jitter_us), bwe_tremble_get_us(&d->tremble));
    usec_t threshold = OVERUSE_US + usec_max(packet_us, way_us);
    if (held(d) < OVERUSE_GROUPS)
        return false;
    for (size_t i = 0; i < OVERUSE_GROUPS; i++) {
        const struct bwe_delay_group *g = newest(d, i);
        if (g->first_sent_at < d->ignore_until || queue_of(d, g) <= threshold)
            return false;
    }
    return true;
}

void bwe_delay_ignore_until(struct bwe_delay *d, usec_t now)
{
    d->ignore_until = now;
}

void bwe_delay_expect(struct bwe_delay *d, usec_t queue_us)
{
    usec_t seen_us = bwe_delay_get_queue_us(d);
    if (d->count == 0 || seen_us >= queue_us / 2)
        return;
    d->base_us -= queue_us - seen_us;
    d->base_until = usec_min(d->base_until, newest(d, 0)->sent_at + EXPECTED_US);
}

void bwe_delay_rebase(struct bwe_delay *d)
{
    usec_t least = USEC_NEVER;
    for (size_t i = 0; i < held(d); i++)
        least = usec_min(least, newest(d, i)->delay_us);
    if (least == USEC_NEVER)
        return;
    set_longer_base(d, usec_max(d->base_us, least));
    d->next_base_us = d->base_us;
}

bool bwe_delay_take_longer(struct bwe_delay *d)
{
    bool is_longer = d->is_longer;
    d->is_longer = false;
    return is_longer;
}

void bwe_delay_reset(struct bwe_delay *d, usec_t queue_us)
{
    *d = (struct bwe_delay){.jitter_us = d->jitter_us,
                            .tremble = d->tremble,
                            .quiet_bps = d->quiet_bps,
                            .ignore_until = d->ignore_until,
                            .expected_us = queue_us};
}
