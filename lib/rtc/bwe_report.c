/* bwe.h of who sends no transport-wide feedback: receiver reports and REMB. */
#include "rtc/bwe_private.h"

#define REPORT_GROWTH 1.5
#define REPORT_GROWTH_CAREFUL 1.08 /* a report, after a reduction */
#define REPORT_CAREFUL_US SECONDS(30)
#define REPORT_QUEUE_US 150000
#define REPORT_LOSS_PERMILLE 150
#define REPORT_LOSS_STEP_PERMILLE 100
#define REPORT_STEP_US 500000
#define REMB_FRESH_US SECONDS(3)
#define REMB_ANSWER_US 500000 /* what was sent before one has come before the next */
#define REMB_FULL_SHARE 0.95  /* of what was sent: who says less speaks of a queue */
#define REMB_FAR_SHARE 0.65
#define REMB_OVERHEAD_BPS 10000 /* of small packets, which it may not count */

/* From the estimate as it was before these reports, which others of them may have raised. */
static void reduce_by_report(struct bwe *b, usec_t now, uint64_t sent_bps)
{
    uint64_t before = b->report_step.before_bps;
    uint64_t base = sent_bps > 0 ? at_most(sent_bps, before) : before;
    set_estimate(b, at_most(share_of(at_least(base, share_of(before, 0.5)), 0.7), b->estimate_bps));
    b->proven_bps = at_most(b->proven_bps, b->estimate_bps);
    b->cut_at = now;
    b->report_step.has_cut = true;
}

static void grow_by_report(struct bwe *b, usec_t now)
{
    uint64_t top = at_most(share_of(b->wanted_bps, PROBE_TOP_SHARE), b->config.max_bps);
    if (b->remb_at != 0 && now - b->remb_at < REMB_FRESH_US)
        top = at_most(top, b->remb_limit_bps);
    b->proven_bps = at_least(b->proven_bps, b->estimate_bps);
    bool careful = b->cut_at != 0 && now - b->cut_at < REPORT_CAREFUL_US;
    double growth = careful ? REPORT_GROWTH_CAREFUL : REPORT_GROWTH;
    if (b->estimate_bps < top)
        set_estimate(b, at_most(share_of(b->estimate_bps, growth), top));
}

static bool is_same_step(const struct bwe *b, usec_t now)
{
    return b->report_step.at != 0 && now - b->report_step.at < REPORT_STEP_US;
}

static void begin_step(struct bwe *b, usec_t now)
{
    if (b->report_step.at != 0)
        b->report_loss_permille = (b->report_loss_permille * 3 + b->report_step.loss_permille) / 4;
    b->report_step = (struct bwe_report_step){.at = now, .before_bps = b->estimate_bps};
}

void bwe_handle_report(struct bwe *b, usec_t now, uint32_t loss_permille, usec_t rtt_us,
                       uint64_t sent_bps)
{
    bool is_new = !is_same_step(b, now);
    if (is_new)
        begin_step(b, now);
    uint32_t usual = b->report_loss_permille;
    b->report_at = now;
    if (loss_permille > b->report_step.loss_permille)
        b->report_step.loss_permille = loss_permille;
    if (rtt_us > 0)
        b->report_rtt_min_us =
            b->report_rtt_min_us == 0 ? rtt_us : usec_min(b->report_rtt_min_us, rtt_us);
    if (has_twcc(b, now))
        return;
    b->has_started = b->has_result = true;
    bool queue = rtt_us > 0 && rtt_us > b->report_rtt_min_us + REPORT_QUEUE_US;
    bool loss =
        loss_permille > usual + REPORT_LOSS_STEP_PERMILLE && loss_permille > REPORT_LOSS_PERMILLE;
    if ((queue || loss) && !b->report_step.has_cut)
        reduce_by_report(b, now, sent_bps);
    else if (is_new && !queue && !loss)
        grow_by_report(b, now);
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
