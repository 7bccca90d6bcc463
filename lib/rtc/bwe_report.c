/* bwe.h of who sends no transport-wide feedback: receiver reports and REMB. */
#include "rtc/bwe_private.h"

#define REPORT_GROWTH 1.5
#define REPORT_GROWTH_CAREFUL 1.1 /* a report, after a reduction */
#define REPORT_CAREFUL_US SECONDS(30)
#define REPORT_USED_SHARE 0.5 /* of the estimate: with less, that all is well says nothing */
#define CUT_LOSS_SHARE 0.9
#define CUT_QUEUE_SHARE 0.7
#define CUT_LEAST_SHARE 0.35
#define REPORT_QUEUE_US 150000
#define REPORT_LOSS_PERMILLE 150
#define REPORT_LOSS_STEP_PERMILLE 100
#define REPORT_LESS_SHARE 0.85 /* of what was sent, or lost: less */
#define REPORT_MEAN_STEPS 4
#define REPORT_STEP_US 500000
#define REMB_FRESH_US SECONDS(3)

/* From the estimate as it was before these reports, which others of them may have raised: a little
 * less than what has come, and where a queue stands so much less that it goes. */
static void reduce_by_report(struct bwe *b, usec_t now, uint32_t loss_permille, bool has_queue)
{
    const struct bwe_report_step *step = &b->report_step;
    uint64_t before = step->before_bps;
    uint64_t sent = step->sent_bps > 0 ? at_most(step->sent_bps, before) : before;
    uint64_t reduced =
        share_of(sent * (1000 - at_most(loss_permille, 1000)) / 1000, CUT_LOSS_SHARE);
    if (has_queue)
        reduced = at_most(reduced, share_of(sent, CUT_QUEUE_SHARE));
    reduced = at_least(reduced, share_of(before, CUT_LEAST_SHARE));
    set_estimate(b, at_most(reduced, b->estimate_bps));
    b->proven_bps = at_most(b->proven_bps, b->estimate_bps);
    b->cut_at = now;
    b->report_step.has_cut = true;
}

static void grow_by_report(struct bwe *b, usec_t now)
{
    uint64_t top = at_most(share_of(b->wanted_bps, PROBE_TOP_SHARE), b->config.max_bps);
    if (b->remb_at != 0 && now - b->remb_at < REMB_FRESH_US)
        top = at_most(top, b->remb_bps);
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

/* What is lost while the estimate holds, or while little of it is used, is what the line always
 * loses. */
static void begin_step(struct bwe *b, usec_t now, uint64_t sent_bps)
{
    const struct bwe_report_step *last = &b->report_step;
    bool is_ours = last->has_cut && last->sent_bps >= share_of(last->before_bps, REPORT_USED_SHARE);
    if (last->at != 0 && !is_ours) {
        b->report_steps =
            b->report_steps < REPORT_MEAN_STEPS ? b->report_steps + 1 : REPORT_MEAN_STEPS;
        b->report_loss_permille =
            (b->report_loss_permille * (b->report_steps - 1) + last->loss_permille) /
            b->report_steps;
    }
    uint32_t full_loss = is_ours ? last->loss_permille : 0;
    uint64_t full_bps = is_ours ? last->sent_bps : 0;
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

static bool is_loss_of_full_line(struct bwe *b, uint32_t loss_permille)
{
    uint64_t usual = b->report_loss_permille;
    if (loss_permille <= usual + REPORT_LOSS_STEP_PERMILLE || loss_permille <= REPORT_LOSS_PERMILLE)
        return false;
    if (!is_lost_anyhow(&b->report_step, loss_permille))
        return true;
    b->report_loss_permille = loss_permille;
    set_estimate(b, at_least(b->estimate_bps, b->report_step.full_bps));
    return false;
}

void bwe_note_rtt(struct bwe *b, usec_t rtt_us)
{
    if (rtt_us > 0)
        b->report_rtt_min_us =
            b->report_rtt_min_us == 0 ? rtt_us : usec_min(b->report_rtt_min_us, rtt_us);
}

void bwe_handle_report(struct bwe *b, usec_t now, uint32_t loss_permille, usec_t rtt_us,
                       uint64_t sent_bps)
{
    bool is_new = !is_same_step(b, now);
    if (is_new)
        begin_step(b, now, sent_bps);
    b->report_at = now;
    if (loss_permille > b->report_step.loss_permille)
        b->report_step.loss_permille = loss_permille;
    bwe_note_rtt(b, rtt_us);
    if (has_twcc(b, now))
        return;
    b->has_started = b->has_result = true;
    bool queue = rtt_us > 0 && rtt_us > b->report_rtt_min_us + REPORT_QUEUE_US;
    bool loss = is_loss_of_full_line(b, loss_permille);
    if ((queue || loss) && !b->report_step.has_cut)
        reduce_by_report(b, now, loss_permille, queue);
    else if (is_new && !queue && !loss)
        grow_by_report(b, now);
}

/* A REMB (draft-alvestrand-rmcat-remb-03) is its sender's own estimate. Of little traffic it knows
 * little, and rises slowly behind what comes: it counts against the line only where it was made use
 * of and does not rise. */
void bwe_handle_remb(struct bwe *b, usec_t now, uint64_t bps, uint64_t sent_bps)
{
    bool rises = b->remb_at != 0 && now - b->remb_at < REMB_FRESH_US && bps > b->remb_bps;
    b->remb_bps = bps;
    b->remb_at = now;
    if (has_twcc(b, now))
        return;
    b->has_started = b->has_result = true;
    if (bps >= b->estimate_bps || (!rises && (double)sent_bps >= USED_SHARE * (double)bps))
        set_estimate(b, at_most(bps, RATE_LIMIT_BPS));
    b->proven_bps = bps >= b->estimate_bps ? at_least(b->proven_bps, b->estimate_bps)
                                           : at_most(b->proven_bps, b->estimate_bps);
}
