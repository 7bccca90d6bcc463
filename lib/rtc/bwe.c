#include "rtc/bwe_private.h"

#define PACKET_BITS (1200 * 8)
#define CUT_SHARE 0.9        /* of what the line was seen to carry */
#define OTHERS_SHARE 0.85    /* of the estimate, when somebody else fills the line */
#define OTHERS_US SECONDS(1) /* then what does not go away is no queue, or not ours to shorten */
#define OURS_SHARE 0.6
#define OURS_EXCESS 1.3
#define OURS_US 60000
#define LEVEL_GROUPS 12
#define LEVEL_SHARE 0.05
#define GROWTH_SHARE 0.10      /* a second, far from where it was last full */
#define NEAR_SHARE 0.85        /* of the ceiling; from here on growth is slower, and a fixed step */
#define NEAR_GROWTH_SHARE 0.03 /* that two who share a line end up with like shares */
#define NEAR_GROWTH_BPS 10000
#define VERY_NARROW_BPS 150000 /* so large a step would soon fill its queue: less, there */
#define STANDING_US 10000      /* a queue that stays so long: no more growth */
#define FULL_US 100000
#define ASSUMED_US SECONDS(3)
#define FIRST_TRAINS_US SECONDS(1) /* then jitter would be taken for one sooner or later */
#define TRAIN_JITTER 3
#define TRAIN_SHARE 0.85       /* of the estimate: a line that carries less is slow */
#define CEILING_US SECONDS(20) /* how long it is remembered */
#define USED_WINDOW_US 150000
#define GROWTH_STEP_US 200000 /* counted at once, at most */
#define RESPONSE_GUESS_US 150000
#define FEEDBACK_US 50000 /* receivers gather what they tell for so long */
#define FIRST_RATE_BPS 10000000
#define FIRST_PATIENCE_US 250000
#define PROBE_US 15000
#define PROBE_US_MAX 60000
#define PROBE_JITTER 2 /* so many times it a cluster may have been stretched by */
#define PROBE_LONGER 4 /* so many times it a cluster takes at least */
#define PROBE_FACTOR 2.0
#define PROBE_BYTES_MIN 1200
#define PROBE_PATIENCE_US 300000
#define PROBE_AGAIN_US 20000
#define START_US SECONDS(2)
#define START_PROBE_US 200000
#define MISLED_US SECONDS(1)
#define WANTED_SHARE 1.25 /* with so much nothing more is asked for */
#define SILENT_US 500000  /* of feedback, beyond its usual delay */
#define DEBT_US 500000    /* at most so much of the line's time is held back */

struct bwe_config bwe_config_default(void)
{
    return (struct bwe_config){
        .start_bps = 600000, .min_bps = 40000, .max_bps = 20000000, .probe_backoff_us = SECONDS(5)};
}

enum status bwe_init(struct bwe *b, const struct bwe_config *config)
{
    if (config->min_bps < 1000 || config->start_bps < config->min_bps ||
        config->max_bps < config->start_bps || config->max_bps > RATE_LIMIT_BPS ||
        config->probe_backoff_us <= 0)
        return STATUS_CONFIG;
    *b = (struct bwe){.config = *config, .estimate_bps = config->start_bps};
    return STATUS_OK;
}

enum status bwe_begin_numbers(struct bwe *b)
{
    return twcc_sends_open(&b->sends);
}

void bwe_end_numbers(struct bwe *b)
{
    twcc_sends_close(&b->sends);
}

static usec_t response_of(const struct bwe *b)
{
    return b->response_us > 0 ? b->response_us : RESPONSE_GUESS_US;
}

static uint64_t enough_of(const struct bwe *b)
{
    return at_most(share_of(b->wanted_bps, WANTED_SHARE), b->config.max_bps);
}

/* --- Probes */

static void begin_first(struct bwe *b, usec_t now)
{
    b->has_started = true;
    b->started_at = now;
    b->stats.probes++;
    bwe_probe_begin(&b->probe, now, FIRST_RATE_BPS, BWE_PROBE_FIRST_BYTES);
}

static usec_t packet_time(const struct bwe *b)
{
    return (usec_t)(PACKET_BITS * 1000000ull / b->estimate_bps);
}

usec_t bwe_get_jitter(const struct bwe *b)
{
    return usec_max((usec_t)b->delay.jitter_us - packet_time(b) / 2, 0);
}

/* Long enough to be told from what jitter makes of it. */
static usec_t probe_us(const struct bwe *b)
{
    usec_t jitter_us = PROBE_LONGER * bwe_get_jitter(b);
    return b->probe.lacks_padding ? PROBE_US
                                  : usec_min(usec_max(jitter_us, PROBE_US), PROBE_US_MAX);
}

static void begin_probe(struct bwe *b, usec_t now)
{
    uint64_t top = at_most(share_of(b->wanted_bps, PROBE_TOP_SHARE), b->config.max_bps);
    uint64_t rate = at_most(share_of(b->estimate_bps, PROBE_FACTOR), top);
    uint64_t bytes = rate / 8 * (uint64_t)probe_us(b) / 1000000;
    b->stats.probes++;
    bwe_probe_begin(&b->probe, now, rate, (uint32_t)at_least(bytes, PROBE_BYTES_MIN));
}

static bool may_probe(const struct bwe *b, usec_t now)
{
    return b->probe.state == BWE_PROBE_IDLE && b->has_result && has_twcc(b, now) &&
           b->debt_bytes == 0 && b->wanted_bps > 0 &&
           bwe_delay_get_standing_us(&b->delay) < STANDING_US &&
           (b->estimate_bps < enough_of(b) || b->proven_bps < enough_of(b));
}

static void start_probes(struct bwe *b, usec_t now)
{
    if (b->wanted_bps == 0)
        return;
    if (!b->has_started)
        begin_first(b, now);
    else if (may_probe(b, now) && now >= b->probe.next_at)
        begin_probe(b, now);
}

static bool is_first(const struct bwe *b)
{
    return b->has_started && !b->has_result;
}

static void use_first(struct bwe *b, usec_t now, enum bwe_probe_outcome outcome, uint64_t bps)
{
    b->has_result = true;
    b->grown_at = now;
    if (outcome == BWE_PROBE_FAILED || outcome == BWE_PROBE_UNUSED)
        return;
    uint64_t top = at_least(share_of(b->wanted_bps, PROBE_TOP_SHARE), b->config.start_bps);
    set_estimate(b, at_most(share_of(bps, PROBE_SHARE), top));
    bwe_probe_allow_after(&b->probe, now, 0);
}

static void use_outcome(struct bwe *b, usec_t now, enum bwe_probe_outcome outcome, uint64_t bps)
{
    uint64_t found = outcome == BWE_PROBE_FAILED ? 0 : share_of(bps, PROBE_SHARE);
    bool is_more = found > share_of(b->estimate_bps, 1.1);
    if (outcome == BWE_PROBE_PASSED) {
        b->stats.probes_passed++;
        b->proven_bps = at_least(b->proven_bps, bps);
    }
    if (found > b->estimate_bps) {
        set_estimate(b, found);
        b->raised_at = now;
    }
    if (outcome == BWE_PROBE_PASSED)
        bwe_probe_allow_after(&b->probe, now, PROBE_AGAIN_US);
    else if (now - b->started_at < START_US)
        bwe_probe_allow_after(&b->probe, now, START_PROBE_US); /* the first ones may mislead */
    else if (is_more)
        bwe_probe_allow_after(&b->probe, now, SECONDS(1));
    else
        bwe_probe_put_off(&b->probe, now, b->config.probe_backoff_us);
}

static void take_outcome(struct bwe *b, usec_t now)
{
    uint64_t bps = 0;
    usec_t patience = is_first(b) ? FIRST_PATIENCE_US : response_of(b) + PROBE_PATIENCE_US;
    enum bwe_probe_outcome outcome =
        bwe_probe_take_outcome(&b->probe, now, patience, PROBE_JITTER * bwe_get_jitter(b), &bps);
    if (outcome == BWE_PROBE_NONE)
        return;
    if (is_first(b))
        use_first(b, now, outcome, bps);
    else if (outcome != BWE_PROBE_UNUSED) /* else it is due again */
        use_outcome(b, now, outcome, bps);
}

/* --- Down */

/* So many bytes are on the way beyond what the line holds when nothing queues. */
static uint64_t surplus_of(const struct bwe *b, uint64_t carried_bps)
{
    usec_t empty_us = b->response_min_us > 0 ? b->response_min_us : RESPONSE_GUESS_US;
    uint64_t holds = carried_bps / 8 * (uint64_t)empty_us / 1000000;
    uint64_t surplus = b->sends.waiting_bytes > holds ? b->sends.waiting_bytes - holds : 0;
    uint64_t queue =
        carried_bps / 8 * (uint64_t)usec_max(bwe_delay_get_queue_us(&b->delay), 0) / 1000000;
    return at_most(at_least(surplus, at_most(queue, b->sends.waiting_bytes)),
                   carried_bps / 8 * DEBT_US / 1000000);
}

static void note_cut(struct bwe *b, usec_t now, uint64_t carried_bps)
{
    b->cut_at = now;
    b->grown_at = now;
    b->proven_bps = at_most(b->proven_bps, b->estimate_bps);
    b->debt_bytes = surplus_of(b, carried_bps);
    /* What stands in the queue now delays what is sent until it has gone. */
    bwe_delay_ignore_until(&b->delay, now + usec_max(bwe_delay_get_queue_us(&b->delay), 0));
    bwe_probe_abort(&b->probe, now);
    /* The rate that a probe found was too much: it was misled, and would be again. */
    if (b->raised_at != 0 && now - b->raised_at < MISLED_US)
        bwe_probe_put_off(&b->probe, now, b->config.probe_backoff_us);
    b->probe.next_at = usec_max(b->probe.next_at, now + response_of(b) + SECONDS(1));
}

/* Nothing but its owner's word stands behind the estimate: it is no reason to go down by steps. */
static bool is_assumed(const struct bwe *b, usec_t now)
{
    return b->is_assumed && now - b->started_at < ASSUMED_US;
}

/* So long a queue, and packets are lost at its end, whatever the estimate makes of the line. */
static bool is_full(const struct bwe *b)
{
    return bwe_delay_get_queue_us(&b->delay) > FULL_US;
}

/* What is little comes as it left, neither faster nor slower: a way that is longer than it was
 * looks so, and a queue only where the line carries just that. */
static bool is_level(const struct bwe *b, const struct bwe_delay_stretch *busy)
{
    double sent = (double)busy->sent_bps, arrived = (double)busy->arrived_bps;
    return busy->groups >= LEVEL_GROUPS && sent < OURS_SHARE * (double)b->estimate_bps &&
           sent < (1 + LEVEL_SHARE) * arrived && arrived < (1 + LEVEL_SHARE) * sent;
}

/* Whether the queue is ours: the estimate is used, or it grows faster than a longer way does. */
static bool is_ours(const struct bwe *b, usec_t now, const struct bwe_delay_stretch *busy)
{
    double used = OURS_SHARE * (double)b->estimate_bps;
    bool grows = (double)busy->sent_bps > OURS_EXCESS * (double)busy->arrived_bps &&
                 busy->arrival_us - busy->sent_us > OURS_US + (usec_t)(3 * b->delay.jitter_us);
    return (is_assumed(b, now) && is_full(b) && !is_level(b, busy)) || grows ||
           (double)busy->arrived_bps > used ||
           ((double)busy->sent_bps > used &&
            (double)busy->sent_bps > 1.05 * (double)busy->arrived_bps);
}

/* Nothing but a guess stands behind the estimate, and the line draws out what is sent at once, by
 * more than it trembles. */
static bool is_slow(const struct bwe *b, usec_t now)
{
    usec_t packet_us = (usec_t)(PACKET_BITS * 1000000ull / at_least(b->train.shown_bps, 1));
    if ((double)packet_us < TRAIN_JITTER * b->delay.jitter_us)
        return false;
    return b->is_assumed && now - b->started_at < FIRST_TRAINS_US && b->train.shown_at == now &&
           b->train.shown_bps < share_of(b->estimate_bps, TRAIN_SHARE);
}

/* As narrow as the handshake made it seem, whose queue still stands: what is on the way beyond a
 * round trip of little waits there, and a probe's packets soon would. */
static void note_slow(struct bwe *b, usec_t now)
{
    bool is_expected = bwe_train_is_expected(&b->train, b->train.shown_bps);
    if (is_expected && b->empty_us > 0)
        b->response_min_us = usec_min(b->response_min_us, b->empty_us + FEEDBACK_US);
    bwe_note_width(b, now, b->train.shown_bps);
    if (is_expected)
        b->probe.next_at = usec_max(b->probe.next_at, now + b->config.probe_backoff_us);
}

/* What came through while the line was busy is what it carries. Did we send no more than that, then
 * somebody else fills it: then a share less, down to what we were using. */
static void handle_overuse(struct bwe *b, usec_t now)
{
    struct bwe_delay_stretch busy = bwe_delay_find_busy(&b->delay);
    uint64_t carried = busy.arrived_bps;
    uint64_t others = share_of(b->estimate_bps, OTHERS_SHARE);
    b->stats.overuses++;
    if (carried == 0) {
        set_estimate(b, others);
        note_cut(b, now, b->estimate_bps);
        return;
    }
    bool ours = is_ours(b, now, &busy);
    if (ours) {
        b->ceiling_bps = carried;
        b->ceiling_at = now;
        b->others_since = 0;
    } else if (b->others_since == 0) {
        b->others_since = now;
    } else if (now - b->others_since > OTHERS_US) {
        bwe_delay_rebase(&b->delay);
        b->others_since = 0;
    }
    uint64_t reduced = share_of(carried, CUT_SHARE);
    if (!ours)
        reduced = at_least(reduced, others);
    set_estimate(b, at_most(reduced, b->estimate_bps));
    note_cut(b, now, at_least(carried, b->config.min_bps));
}

static void handle_loss(struct bwe *b, usec_t now, uint64_t arrived_bps)
{
    uint64_t reduced = share_of(arrived_bps, PROBE_SHARE);
    if (reduced >= b->estimate_bps)
        return;
    b->stats.loss_cuts++;
    b->ceiling_bps = arrived_bps;
    b->ceiling_at = now;
    set_estimate(b,
                 is_assumed(b, now) ? reduced : at_least(reduced, share_of(b->estimate_bps, 0.5)));
    note_cut(b, now, b->estimate_bps);
}

/* --- Up */

static bool is_used(const struct bwe *b)
{
    struct bwe_delay_stretch recent = bwe_delay_find_recent(&b->delay, USED_WINDOW_US);
    return recent.sent_us > USED_WINDOW_US / 3 &&
           (double)recent.sent_bps > USED_SHARE * (double)b->estimate_bps;
}

static void grow(struct bwe *b, usec_t now)
{
    usec_t elapsed = usec_min(now - b->grown_at, GROWTH_STEP_US);
    b->grown_at = now;
    if (b->ceiling_bps != 0 && now - b->ceiling_at > CEILING_US)
        b->ceiling_bps = 0;
    bool near =
        b->ceiling_bps != 0 && (double)b->estimate_bps > NEAR_SHARE * (double)b->ceiling_bps;
    double more_bps = (double)b->estimate_bps * (near ? NEAR_GROWTH_SHARE : GROWTH_SHARE);
    if (near)
        more_bps += b->estimate_bps < VERY_NARROW_BPS ? more_bps : NEAR_GROWTH_BPS;
    double more = more_bps * (double)elapsed / 1e6;
    uint64_t top = at_most(share_of(b->wanted_bps, PROBE_TOP_SHARE), bwe_growth_top(b, now));
    set_estimate(b, at_most(b->estimate_bps + (uint64_t)more, at_least(top, b->estimate_bps)));
}

static void note_proof(struct bwe *b)
{
    struct bwe_delay_stretch recent = bwe_delay_find_recent(&b->delay, USED_WINDOW_US);
    if (recent.sent_us > USED_WINDOW_US / 3 &&
        (double)recent.arrived_bps > 0.9 * (double)recent.sent_bps)
        b->proven_bps = at_least(b->proven_bps, at_most(recent.sent_bps, recent.arrived_bps));
}

/* --- Feedback */

static void note_response(struct bwe *b, usec_t now, usec_t sent_at)
{
    usec_t response = usec_max(now - sent_at, 1);
    b->response_us = b->response_us == 0 ? response : (7 * b->response_us + response) / 8;
    b->response_min_us =
        b->response_min_us == 0 ? response : usec_min(b->response_min_us, response);
}

/* `found_bps`: the narrowest line that the packets heard of until now speak for; 0: none. */
static uint64_t handle_fate(struct bwe *b, usec_t now, const struct twcc_fate *fate,
                            uint64_t found_bps)
{
    if (fate->number > b->told)
        bwe_delay_note_gap(&b->delay);
    b->told = at_least(b->told, fate->number + 1);
    found_bps = bwe_narrower(found_bps, bwe_find_narrow(b, now, fate));
    if (!bwe_is_before_overflow(b, now, fate->sent_at))
        bwe_loss_handle_packet(&b->loss, fate->bytes, fate->lost, fate->was_lost);
    bwe_probe_handle_fate(&b->probe, fate->cluster, fate->arrival, fate->bytes, fate->lost);
    if (fate->lost)
        return found_bps;
    bwe_delay_handle_arrival(&b->delay, fate->sent_at, fate->arrival, fate->bytes,
                             fate->may_overtake);
    if (!fate->was_lost)
        bwe_train_handle_arrival(&b->train, now, fate->sent_at, fate->arrival, fate->bytes);
    return found_bps;
}

void bwe_handle_twcc(struct bwe *b, usec_t now, const struct rtcp_twcc *feedback)
{
    struct twcc_fates fates = twcc_sends_iterate(&b->sends, now, feedback);
    struct twcc_fate fate;
    usec_t newest_sent = 0;
    uint64_t found_bps = 0;
    bool overused = false;
    bool any = false;
    while (twcc_fates_next(&fates, &fate)) {
        any = true;
        found_bps = handle_fate(b, now, &fate, found_bps);
        if (!fate.lost)
            newest_sent = usec_max(newest_sent, fate.sent_at);
        overused = overused || (!fate.lost && bwe_delay_is_overused(&b->delay, packet_time(b)));
    }
    if (!any)
        return;
    b->stats.feedbacks++;
    b->feedback_at = now;
    if (b->heard_bps != 0) /* a way that was cut is as wide again as before, or shows it at once */
        set_estimate(b, at_least(b->estimate_bps, b->heard_bps / 2));
    b->heard_bps = 0;
    b->silent_since = 0;
    b->answered_at = usec_max(b->answered_at, newest_sent);
    if (newest_sent != 0)
        note_response(b, now, newest_sent);
    if (bwe_is_before_overflow(b, now, b->answered_at))
        bwe_loss_restart(&b->loss, now);
    uint64_t arrived_bps;
    bool used = is_used(b);
    /* Not before all of it was heard: what it says has come or is lost stands in no queue. */
    if (found_bps > 0 && share_of(found_bps, PROBE_SHARE) < b->estimate_bps)
        bwe_note_width(b, now, found_bps);
    else if (is_slow(b, now))
        note_slow(b, now);
    else if (overused && !is_first(b))
        handle_overuse(b, now);
    else if (bwe_loss_handle_feedback(&b->loss, now, used || is_full(b), &arrived_bps))
        handle_loss(b, now, arrived_bps);
    else if (used && now - b->cut_at > response_of(b) &&
             bwe_delay_get_standing_us(&b->delay) < STANDING_US + packet_time(b) / 2) {
        note_proof(b);
        grow(b, now);
    } else
        b->grown_at = now;
    if (bwe_delay_get_standing_us(&b->delay) < STANDING_US)
        b->others_since = 0;
    take_outcome(b, now);
    start_probes(b, now);
}

uint16_t bwe_skip_number(struct bwe *b)
{
    return twcc_sends_skip(&b->sends);
}

void bwe_assume(struct bwe *b, usec_t now, uint64_t bps)
{
    b->has_started = b->has_result = true;
    b->started_at = b->grown_at = now;
    b->is_assumed = true;
    set_estimate(b, at_least(b->estimate_bps, bps));
    b->proven_bps = at_least(b->proven_bps, b->estimate_bps);
}

void bwe_expect_reports(struct bwe *b)
{
    b->has_started = b->has_result = true;
}

void bwe_expect_narrow(struct bwe *b, uint64_t bps, usec_t empty_us)
{
    b->train.expected_bps = bps;
    b->empty_us = empty_us;
}

uint16_t bwe_handle_send(struct bwe *b, usec_t now, size_t bytes)
{
    uint8_t cluster = bwe_probe_handle_send(&b->probe, now, bytes);
    b->sent_at = now;
    if (b->silent_since == 0)
        b->silent_since = now;
    return twcc_sends_note(&b->sends, now, bytes, cluster);
}

void bwe_note_repeat(struct bwe *b, uint16_t number)
{
    twcc_sends_note_repeat(&b->sends, number);
}

/* What is thought of the line was true of another one. */
static void doubt(struct bwe *b, usec_t now)
{
    b->is_assumed = true;
    b->started_at = now;
}

void bwe_note_queue(struct bwe *b, usec_t now, usec_t queue_us)
{
    bwe_delay_expect(&b->delay, queue_us);
    doubt(b, now);
}

void bwe_note_width(struct bwe *b, usec_t now, uint64_t bps)
{
    uint64_t found = share_of(bps, PROBE_SHARE);
    if (found >= b->estimate_bps)
        return;
    b->ceiling_bps = bps;
    b->ceiling_at = now;
    set_estimate(b, found);
    note_cut(b, now, bps);
}

void bwe_note_wide(struct bwe *b, usec_t now)
{
    bwe_delay_rebase(&b->delay);
    if (b->probe.state == BWE_PROBE_IDLE)
        b->probe.next_at = now;
}

void bwe_handle_resume(struct bwe *b, usec_t now, usec_t queue_us)
{
    twcc_sends_forget(&b->sends);
    bwe_delay_reset(&b->delay, queue_us);
    if (queue_us > 0)
        doubt(b, now);
    b->silent_since = 0;
    b->grown_at = now;
    b->debt_bytes = 0;
}

/* --- Time */

void bwe_set_wanted(struct bwe *b, usec_t now, uint64_t bps)
{
    b->wanted_bps = at_most(bps, b->config.max_bps);
    start_probes(b, now);
}

static usec_t silent_at(const struct bwe *b)
{
    usec_t from = usec_max(b->silent_since, b->cut_at);
    return b->silent_since != 0 && b->feedback_at != 0
               ? from + SILENT_US + usec_min(2 * response_of(b), SECONDS(2))
               : USEC_NEVER;
}

void bwe_handle_timeout(struct bwe *b, usec_t now)
{
    take_outcome(b, now);
    if (now >= silent_at(b) && b->estimate_bps > b->config.min_bps) {
        b->stats.starvations++;
        b->heard_bps = at_least(b->heard_bps, b->estimate_bps);
        set_estimate(b, share_of(b->estimate_bps, 0.5));
        note_cut(b, now, b->estimate_bps);
    }
    start_probes(b, now);
}

usec_t bwe_next_timeout(const struct bwe *b, usec_t now)
{
    usec_t next = b->estimate_bps > b->config.min_bps ? silent_at(b) : USEC_NEVER;
    if (b->probe.state == BWE_PROBE_RUNNING || b->probe.state == BWE_PROBE_WAITING)
        next = usec_min(next, usec_max(b->probe.ended_at, b->probe.began_at) + FIRST_PATIENCE_US);
    else if (may_probe(b, now))
        next = usec_min(next, b->probe.next_at);
    return usec_max(next, now + 1000);
}

uint64_t bwe_get_estimate(const struct bwe *b)
{
    return b->estimate_bps;
}

bool bwe_is_proven(const struct bwe *b, uint64_t bps)
{
    return b->proven_bps >= bps && b->estimate_bps >= bps;
}

struct bwe_pace bwe_get_pace(const struct bwe *b, usec_t now)
{
    if (b->probe.state == BWE_PROBE_RUNNING)
        return (struct bwe_pace){b->probe.rate_bps, true};
    if (is_first(b) && now - b->started_at < FIRST_PATIENCE_US)
        return (struct bwe_pace){0, false};
    return (struct bwe_pace){b->estimate_bps, false};
}

uint64_t bwe_take_debt(struct bwe *b)
{
    uint64_t debt = b->debt_bytes;
    b->debt_bytes = 0;
    return debt;
}
