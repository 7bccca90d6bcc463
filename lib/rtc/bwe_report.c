/* bwe.h of who sends no transport-wide feedback: receiver reports and REMB. */
#include "rtc/bwe_private.h"

#define REPORT_GROWTH 1.5
#define REPORT_GROWTH_CAREFUL 1.08 /* a report, after a reduction */
#define REPORT_CAREFUL_US SECONDS(30)
#define CUT_LOSS_SHARE 0.9
#define CUT_QUEUE_SHARE 0.7
#define CUT_LEAST_SHARE 0.35
#define CUT_MUCH_PERMILLE 300 /* is lost: what came is what the line carries */
#define STORM_STEP_US SECONDS(2)
#define STORM_SHARE 0.5
#define WAY_US SECONDS(20) /* a queue that stands so long, twice, is the way itself */
#define UNSHOWN_SHARE 1.5
#define UNSHOWN_LEAST_BPS 150000
#define STORM_LEAST_BPS 100000
#define BURST_SHARE 0.95
#define BURST_MUCH_PERMILLE 250 /* is lost: of a line whose queue is none */
#define REPORT_QUEUE_US 150000
#define QUEUE_LOSS_PERMILLE 10
#define QUEUE_USED_SHARE 0.25
#define REPORT_LOSS_PERMILLE 150
#define REPORT_LOSS_STEP_PERMILLE 100
#define REPORT_LESS_SHARE 0.85 /* of what was sent, or lost: less */
#define REPORT_MEAN_STEPS 4    /* of the usual loss */
#define REPORT_CUT_STEPS 8
#define REPORT_BUSY_SHARE 1.2      /* of what is sent otherwise */
#define REPORT_SIGN_US SECONDS(10) /* two of them running */
#define REPORT_STEP_US 500000
#define REMB_FRESH_US SECONDS(3)
#define REMB_ANSWER_US 500000 /* what was sent before one has come before the next */
#define REMB_FULL_SHARE 0.95  /* of what was sent: who says less speaks of a queue */
#define REMB_FAR_SHARE 0.65
#define REMB_OVERHEAD_BPS 10000 /* of small packets, which it may not count */

/* From the estimate as it was before these reports, which others of them may have raised: a little
 * less than what has come, and where a queue stands so much less that it goes. */
static void reduce_by_report(struct bwe *b, usec_t now, const struct bwe_report *r, bool has_queue)
{
    const struct bwe_report_step *step = &b->report_step;
    uint64_t before = step->before_bps;
    uint64_t sent = step->sent_bps > 0 ? at_most(step->sent_bps, before) : before;
    uint64_t reduced =
        share_of(sent * (1000 - at_most(r->loss_permille, 1000)) / 1000, CUT_LOSS_SHARE);
    if (has_queue)
        reduced = at_most(reduced, share_of(sent, CUT_QUEUE_SHARE));
    if (r->least_permille < CUT_MUCH_PERMILLE)
        reduced = at_least(reduced, share_of(before, CUT_LEAST_SHARE));
    set_estimate(b, at_most(reduced, b->estimate_bps));
    b->proven_bps = at_most(b->proven_bps, b->estimate_bps);
    b->cut_at = now;
    b->report_step.has_cut = true;
}

/* `is_shown`: what was sent at this rate has come without a queue. */
static void grow_by_report(struct bwe *b, usec_t now, bool is_shown)
{
    uint64_t top = at_most(share_of(b->wanted_bps, PROBE_TOP_SHARE), b->config.max_bps);
    if (b->remb_at != 0 && now - b->remb_at < REMB_FRESH_US)
        top = at_most(top, b->remb_limit_bps);
    if (!b->answers_bursts)
        b->proven_bps = at_least(b->proven_bps, b->estimate_bps);
    bool careful = !is_shown && b->cut_at != 0 && now - b->cut_at < REPORT_CAREFUL_US;
    double growth = careful ? REPORT_GROWTH_CAREFUL : REPORT_GROWTH;
    if (b->answers_bursts && !is_shown)
        top = at_most(top, at_least(share_of(b->proven_bps, UNSHOWN_SHARE), UNSHOWN_LEAST_BPS));
    if (b->estimate_bps < top)
        set_estimate(b, at_most(share_of(b->estimate_bps, growth), top));
}

static bool is_same_step(const struct bwe *b, usec_t now)
{
    return b->report_step.at != 0 && now - b->report_step.at < REPORT_STEP_US;
}

/* What is lost while the estimate holds is what the line always loses; of what it was cut for, a
 * little is taken for that, lest it be cut for ever. */
static void begin_step(struct bwe *b, usec_t now, uint64_t sent_bps)
{
    const struct bwe_report_step *last = &b->report_step;
    if (last->at != 0) {
        uint32_t of = last->has_cut ? REPORT_CUT_STEPS : b->report_steps + 1;
        b->report_loss_permille = (b->report_loss_permille * (of - 1) + last->loss_permille) / of;
        if (!last->has_cut && b->report_steps < REPORT_MEAN_STEPS - 1)
            b->report_steps++;
    }
    uint32_t full_loss = last->has_cut ? last->loss_permille : 0;
    uint64_t full_bps = last->has_cut ? last->sent_bps : 0;
    b->report_step = (struct bwe_report_step){.at = now,
                                              .before_bps = b->estimate_bps,
                                              .sent_bps = sent_bps,
                                              .full_loss_permille = full_loss,
                                              .full_bps = full_bps};
}

/* Less was sent than before, and no less of it came: no full line loses so. */
static bool is_lost_anyhow(const struct bwe_report_step *step, uint32_t loss_permille)
{
    return step->full_loss_permille > 0 &&
           step->sent_bps < share_of(step->full_bps, REPORT_LESS_SHARE) &&
           loss_permille >= share_of(step->full_loss_permille, REPORT_LESS_SHARE);
}

static bool is_unusual(const struct bwe *b, uint32_t loss_permille)
{
    return loss_permille > b->report_loss_permille + REPORT_LOSS_STEP_PERMILLE &&
           loss_permille > REPORT_LOSS_PERMILLE;
}

/* It is sure; or likely and much was sent; or that, though of few packets, twice running: bursts of
 * losses come when little is sent, too. */
static bool is_loss_of_full_line(struct bwe *b, usec_t now, const struct bwe_report *r)
{
    bool is_busy = r->sent_bps >= share_of(b->report_sent_bps, REPORT_BUSY_SHARE);
    bool was_sign = b->report_sign_at != 0 && now - b->report_sign_at < REPORT_SIGN_US &&
                    b->report_sign_at < b->report_step.at;
    bool is_sign = is_busy && is_unusual(b, r->loss_permille);
    if (is_sign)
        b->report_sign_at = now;
    else if (is_busy && now == b->report_step.at)
        b->report_sign_at = 0;
    if (!is_unusual(b, r->least_permille) && !(is_busy && is_unusual(b, r->likely_permille)) &&
        !(is_sign && was_sign))
        return false;
    if (!is_lost_anyhow(&b->report_step, r->loss_permille))
        return true;
    b->report_loss_permille = r->loss_permille;
    set_estimate(b, at_least(b->estimate_bps, b->report_step.full_bps));
    return false;
}

void bwe_note_rtt(struct bwe *b, usec_t now, usec_t rtt_us)
{
    if (rtt_us <= 0)
        return;
    bool is_old = b->feedback_at == 0 && now - b->way.began_at >= WAY_US;
    if (b->way.least_us == 0 || is_old)
        b->way =
            (struct bwe_way){.least_us = rtt_us, .before_us = b->way.least_us, .began_at = now};
    b->way.least_us = usec_min(b->way.least_us, rtt_us);
}

void bwe_note_way(struct bwe *b, usec_t rtt_us)
{
    if (rtt_us > bwe_get_rtt_min(b) + REPORT_QUEUE_US / 2)
        b->way = (struct bwe_way){.least_us = rtt_us, .began_at = b->way.began_at};
}

usec_t bwe_get_rtt_min(const struct bwe *b)
{
    return b->way.before_us == 0 ? b->way.least_us : usec_min(b->way.least_us, b->way.before_us);
}

/* What was lost at the end of the queue was not carried, if it was lost before the burst's report;
 * if behind it, more has come of all that was sent. */
static uint64_t carried_bps(const struct bwe_report *r)
{
    uint64_t come_permille = 1000 - at_most(r->loss_permille, 1000);
    uint64_t least = at_least(r->carried_bps, r->sent_bps) * come_permille / 1000;
    return at_most(r->carried_bps, least);
}

/* What a burst has shown weighs more than what losses and round trips make likely: it was the queue
 * of the line itself. Without one what was lost was not lost for want of room, unless it is much.
 */
static bool use_burst(struct bwe *b, usec_t now, const struct bwe_report *r)
{
    if (!r->has_queue && r->least_permille >= BURST_MUCH_PERMILLE)
        return false;
    if (r->has_queue) {
        uint64_t carried = carried_bps(r);
        if (carried >= b->estimate_bps)
            return false; /* the queue is an older one */
        set_estimate(b, share_of(carried, BURST_SHARE));
        b->proven_bps = at_most(b->proven_bps, b->estimate_bps);
        b->cut_at = now;
        b->report_step.has_cut = true;
        return true;
    }
    b->proven_bps = at_least(b->proven_bps, at_most(r->burst_bps, b->estimate_bps));
    grow_by_report(b, now, r->burst_bps >= share_of(b->estimate_bps, USED_SHARE));
    return true;
}

/* What is little, and comes, makes none. */
static bool is_queue(const struct bwe *b, const struct bwe_report *r)
{
    bool is_little = b->feedback_at == 0 && r->loss_permille < QUEUE_LOSS_PERMILLE &&
                     r->sent_bps < share_of(b->estimate_bps, QUEUE_USED_SHARE);
    return r->rtt_us > bwe_get_rtt_min(b) + REPORT_QUEUE_US && !is_little;
}

/* A way that was found to be longer than it was is no queue, in later reports neither. */
static void note_way(struct bwe *b, usec_t now, usec_t rtt_us)
{
    if (rtt_us > 0 && bwe_delay_take_longer(&b->delay))
        bwe_note_way(b, rtt_us - bwe_delay_get_queue_us(&b->delay));
    bwe_note_rtt(b, now, rtt_us);
}

void bwe_handle_report(struct bwe *b, usec_t now, const struct bwe_report *r)
{
    bool is_new = !is_same_step(b, now);
    if (is_new)
        begin_step(b, now, r->sent_bps);
    b->report_at = now;
    if (r->loss_permille > b->report_step.loss_permille)
        b->report_step.loss_permille = r->loss_permille;
    note_way(b, now, r->rtt_us);
    if (has_twcc(b, now))
        return;
    b->has_started = b->has_result = true;
    b->answers_bursts = b->answers_bursts || r->burst_bps > 0;
    bool is_shown = r->burst_bps > 0 && use_burst(b, now, r);
    bool queue = is_queue(b, r);
    bool loss = !is_shown && is_loss_of_full_line(b, now, r);
    if (!is_shown && (queue || loss) && !b->report_step.has_cut)
        reduce_by_report(b, now, r, queue);
    else if (!is_shown && is_new && !queue && !loss && !r->has_queue)
        grow_by_report(b, now, false);
    if (is_new)
        b->report_sent_bps = (b->report_sent_bps * 7 + r->sent_bps) / 8;
}

void bwe_handle_storm(struct bwe *b, usec_t now, uint64_t narrow_bps)
{
    if (has_twcc(b, now) || (b->cut_at != 0 && now - b->cut_at < STORM_STEP_US))
        return;
    uint64_t half = share_of(b->estimate_bps, STORM_SHARE);
    bool is_first = b->cut_at == 0 && narrow_bps > 0;
    set_estimate(b, is_first ? at_most(half, at_least(narrow_bps, STORM_LEAST_BPS)) : half);
    b->proven_bps = at_most(b->proven_bps, b->estimate_bps);
    b->cut_at = now;
}

/* What came may be up to REMB_OVERHEAD_BPS less than what was sent without any of it lost. */
static bool is_below(uint64_t bps, double share, uint64_t sent_bps)
{
    return sent_bps > REMB_OVERHEAD_BPS && bps < share_of(sent_bps - REMB_OVERHEAD_BPS, share);
}

/* A REMB (draft-alvestrand-rmcat-remb-03) is its sender's own estimate. Mostly it follows what
 * comes (libwebrtc's: up to half as much again, and slowly), and then says nothing against the
 * line. It does where more was sent than it says and the next one does not rise either: what was
 * sent at the end of a second comes in the next. Half a burst may come in each of two seconds: a
 * single second counts only where it says far less. The limit is what it said while more was sent:
 * once less comes it may say less. */
static void judge_remb(struct bwe *b, usec_t now, uint64_t bps, uint64_t sent_bps)
{
    bool is_fresh = b->remb_at != 0 && now - b->remb_at < REMB_FRESH_US;
    bool rises = is_fresh && bps > b->remb_bps;
    bool is_exceeded = is_below(bps, REMB_FULL_SHARE, sent_bps);
    if (rises || !is_fresh) {
        b->remb_exceeded_at = 0;
        b->remb_limit_bps = UINT64_MAX;
    }
    bool is_answered = b->remb_exceeded_at != 0 && now - b->remb_exceeded_at >= REMB_ANSWER_US;
    if (is_answered && (is_exceeded || b->remb_far_exceeded))
        b->remb_limit_bps = b->remb_exceeded_bps;
    if (!rises && is_exceeded && (is_answered || b->remb_exceeded_at == 0)) {
        b->remb_exceeded_at = now;
        b->remb_exceeded_bps = bps;
        b->remb_far_exceeded = is_below(bps, REMB_FAR_SHARE, sent_bps);
    } else if (is_answered) {
        b->remb_exceeded_at = 0;
    }
}

void bwe_handle_remb(struct bwe *b, usec_t now, uint64_t bps, uint64_t sent_bps)
{
    judge_remb(b, now, bps, sent_bps);
    b->remb_bps = bps;
    b->remb_at = now;
    if (has_twcc(b, now))
        return;
    b->has_started = b->has_result = true;
    bool careful = b->cut_at != 0 && now - b->cut_at < REPORT_CAREFUL_US;
    if (bps >= b->estimate_bps && !careful)
        set_estimate(b, at_most(bps, RATE_LIMIT_BPS));
    else if (b->remb_limit_bps < b->estimate_bps)
        set_estimate(b, b->remb_limit_bps);
    b->proven_bps = bps >= b->estimate_bps ? at_least(b->proven_bps, b->estimate_bps)
                                           : at_most(b->proven_bps, b->estimate_bps);
}
