#include "relay/core/delivery.h"

#define VOICE_FRAME_US 20000
#define RTT_MAX_US SECONDS(1) /* a wrong round trip must not hide silence */
#define ASKED_IN_VAIN 20      /* who has never answered a number is not asked any more */
/* Most of what is lost up to here is made good by retransmission and redundancy. */
#define HURT_LOSS_PERMILLE 150
#define HURT_AT_ONCE_PERMILLE 400
#define HEALED_LOSS_PERMILLE 80
#define SCREEN_HURT_PERMILLE 300 /* so much is not made good in time: pictures have holes */
#define HURT_DELAY_US MILLISECONDS(600)
#define HEALED_DELAY_US MILLISECONDS(400)

static usec_t patience(usec_t least, usec_t rtt_us)
{
    return least + usec_min(rtt_us, RTT_MAX_US);
}

/* --- What is heard from it */

void delivery_handle_proof(struct delivery *d, usec_t sent_at)
{
    d->proof_at = usec_max(d->proof_at, sent_at);
    if (d->unproven_at == 0 || sent_at < d->unproven_at)
        return;
    d->unproven_at = 0;
    if (d->answers)
        d->asked = 0;
}

void delivery_handle_answer(struct delivery *d, usec_t sent_at)
{
    d->answers = true;
    delivery_handle_proof(d, sent_at);
}

void delivery_note_number(struct delivery *d, usec_t now, uint16_t number)
{
    size_t place = d->next_question++ % DELIVERY_QUESTIONS_MAX;
    d->questions[place].number = number;
    d->questions[place].at = (uint32_t)now | 1; /* 0 means none */
}

static void take_answer(struct delivery *d, usec_t now, uint16_t number)
{
    for (size_t i = 0; i < DELIVERY_QUESTIONS_MAX; i++) {
        if (d->questions[i].at == 0 || d->questions[i].number != number)
            continue;
        usec_t age = (uint32_t)(((uint32_t)now | 1) - d->questions[i].at);
        d->questions[i].at = 0;
        delivery_handle_answer(d, now - age);
    }
}

void delivery_handle_feedback(struct delivery *d, usec_t now, const struct rtcp_twcc *feedback)
{
    struct rtcp_twcc_iterator it = rtcp_twcc_iterate(feedback);
    struct rtcp_twcc_status status;
    while (rtcp_twcc_next(&it, &status)) {
        if (status.arrival != RTCP_TWCC_LOST)
            take_answer(d, now, status.seq);
    }
}

static void note_losses(struct delivery *d, const struct delivery_report *report)
{
    usec_t delay = report->rtt_us / 2 + report->jitter_us;
    bool has_room = d->loss_permille < HEALED_LOSS_PERMILLE && delay < HEALED_DELAY_US;
    d->loss_permille = (uint16_t)((d->loss_permille * 3u + report->loss_permille) / 4);
    d->jitter_ms = (uint16_t)usec_min(report->jitter_us / 1000, UINT16_MAX);
    if (d->loss_permille >= HURT_LOSS_PERMILLE || report->loss_permille >= HURT_AT_ONCE_PERMILLE ||
        delay >= HURT_DELAY_US)
        d->is_hurt = true;
    else if (has_room)
        d->is_hurt = false;
}

void delivery_handle_voice_report(struct delivery *d, usec_t now, struct delivery_report report)
{
    usec_t missing_us = (usec_t)report.missing * VOICE_FRAME_US;
    if (!d->skips_voice_loss)
        note_losses(d, &report);
    else if (report.has_moved)
        d->skips_voice_loss = false;
    if (report.has_moved)
        delivery_handle_proof(d, report.sent_at - missing_us);
    else if (missing_us >= patience(DELIVERY_LOST_US, report.rtt_us) &&
             report.sent_at > d->proof_at) /* else the voice ended, and its end was lost */
        d->lost_at = now;
}

/* By the highest number: the little that is lost before it is asked for again and mostly comes. */
void delivery_handle_screen_report(struct delivery *d, usec_t now, struct delivery_report report,
                                   uint64_t highest, uint64_t next_seq)
{
    if (report.missing == 0 && report.has_moved)
        delivery_handle_proof(d, report.sent_at);
    usec_t before = d->screen_report_at;
    bool has_holes = report.loss_permille >= SCREEN_HURT_PERMILLE && !d->skips_screen_loss;
    d->screen_report_at = now;
    d->skips_screen_loss = d->skips_screen_loss && !report.has_moved;
    if (has_holes && d->screen_seq == 0 && before != 0) {
        d->screen_seq = highest;
        d->screen_at = before;
    }
    if (d->screen_seq != 0 && (highest < d->screen_seq || has_holes)) {
        d->screen_behind_us = now - d->screen_at;
        return;
    }
    delivery_reset_screen(d);
    if (highest + 1 >= next_seq)
        return;
    d->screen_seq = next_seq - 1;
    d->screen_at = now;
}

void delivery_reset_screen(struct delivery *d)
{
    d->screen_seq = 0;
    d->screen_behind_us = 0;
}

/* --- Questions */

static usec_t question_at(const struct delivery *d, usec_t rtt_us)
{
    usec_t usual = usec_max(d->asked_at, d->proof_at) + DELIVERY_ASK_US;
    if (d->unproven_at == 0)
        return usual;
    /* Long lost, or of a kind that may not answer: no hurry. */
    if (!d->answers || d->hears == CONTROL_HEARING_NO)
        return d->asked_at + DELIVERY_ASK_US;
    return usec_max(d->unproven_at + patience(DELIVERY_ANSWER_US, rtt_us),
                    d->asked_at + DELIVERY_ASK_AGAIN_US);
}

static bool is_asked_in_vain(const struct delivery *d)
{
    return !d->answers && d->asked >= ASKED_IN_VAIN;
}

bool delivery_wants_question(const struct delivery *d, usec_t now, usec_t rtt_us)
{
    return !is_asked_in_vain(d) && now >= question_at(d, rtt_us);
}

void delivery_note_question(struct delivery *d, usec_t now, bool was_asked)
{
    d->asked_at = now;
    if (!was_asked)
        return;
    if (d->asked < UINT8_MAX)
        d->asked++;
    if (d->unproven_at == 0)
        d->unproven_at = now;
}

/* --- What is known */

static usec_t lost_after(const struct delivery *d, usec_t rtt_us)
{
    return d->answers ? patience(DELIVERY_LOST_US, rtt_us) : DELIVERY_JOIN_US;
}

static bool is_unanswered(const struct delivery *d, usec_t now, usec_t rtt_us)
{
    return d->unproven_at != 0 && (d->answers || d->proof_at == 0) &&
           d->asked >= DELIVERY_ASKED_MIN && now - d->unproven_at >= lost_after(d, rtt_us);
}

static enum control_hearing hearing_of(const struct delivery *d, usec_t now, usec_t rtt_us)
{
    if ((d->lost_at != 0 && d->lost_at >= d->proof_at) || is_unanswered(d, now, rtt_us))
        return CONTROL_HEARING_NO;
    /* Back only by a proof of what was sent later, not by one more question. */
    if (d->hears == CONTROL_HEARING_NO && d->unproven_at != 0)
        return CONTROL_HEARING_NO;
    if (d->proof_at == 0)
        return CONTROL_HEARING_UNKNOWN;
    return d->is_hurt ? CONTROL_HEARING_POORLY : CONTROL_HEARING_YES;
}

void delivery_assess(struct delivery *d, usec_t now, usec_t rtt_us, usec_t lag_us,
                     struct control_delivery *out)
{
    d->hears = (uint8_t)hearing_of(d, now, rtt_us);
    usec_t behind = d->screen_behind_us;
    if (d->hears == CONTROL_HEARING_NO) {
        d->skips_voice_loss = d->skips_screen_loss = true;
        behind = d->proof_at != 0 ? usec_max(behind, now - d->proof_at) : behind;
    }
    unsigned share = d->was_late ? 2 : 1; /* of the bounds: it does not flicker */
    d->was_late = behind >= DELIVERY_LATE_US / share || lag_us >= DELIVERY_LAG_US / share;
    behind = usec_max(behind, lag_us);
    out->hears = (enum control_hearing)d->hears;
    out->reached = d->proof_at != 0;
    out->voice_loss_permille = d->loss_permille;
    out->voice_delay_ms = (uint32_t)(rtt_us / 2000) + d->jitter_ms;
    out->screen_behind_ms = d->was_late ? (uint32_t)(behind / 1000) : 0;
}

bool delivery_take_news(struct delivery *d, usec_t now, const struct control_delivery *state)
{
    uint32_t behind_s = state->screen_behind_ms / 1000;
    bool is_news = state->hears != d->told_hears || state->reached != d->told_reached ||
                   state->narrow != d->told_narrow || behind_s != d->told_behind_s;
    if (!is_news || (d->told_at != 0 && now - d->told_at < DELIVERY_TELL_US))
        return false;
    d->told_at = now;
    d->told_hears = (uint8_t)state->hears;
    d->told_reached = state->reached;
    d->told_narrow = state->narrow;
    d->told_behind_s = (uint16_t)behind_s;
    return true;
}

usec_t delivery_next_timeout(const struct delivery *d, usec_t now, usec_t rtt_us)
{
    usec_t next = is_asked_in_vain(d) ? USEC_NEVER : question_at(d, rtt_us);
    if (d->unproven_at != 0 && d->hears != CONTROL_HEARING_NO && d->asked >= DELIVERY_ASKED_MIN)
        next = usec_min(next, d->unproven_at + lost_after(d, rtt_us));
    if (d->told_hears != d->hears || d->told_narrow != d->was_narrow || d->was_late)
        next = usec_min(next, d->told_at + DELIVERY_TELL_US);
    return usec_max(next, now + DELIVERY_ASK_AGAIN_US / 3);
}
