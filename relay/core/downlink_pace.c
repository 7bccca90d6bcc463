#include "relay/core/downlink_pace.h"

#include "relay/core/shard_private.h"

#define BEGIN_BPS 10000000   /* the pace of the first picture */
#define TRAIN_US 100000      /* of a line that seems narrow, before the first answer: */
#define TRAIN_BYTES_MIN 4800 /* four packets; of a very narrow one two are enough */
#define VERY_NARROW_BPS 150000
#define TRAIN_BYTES_LEAST 2000 /* two packets at least */
#define TRAIN_GROWTH 3
#define TRAIN_PATIENCE_US MILLISECONDS(350)
#define TRAIN_PATIENCE_ROUNDS 2 /* of the handshake: behind a long way all answers come late */
#define BEGIN_MORE_BYTES 160000 /* of it may be on the way once the first answers are good */
#define BURST_END_US                                                                               \
    MILLISECONDS(3) /* of one that is not paced: its packets wait for each other                   \
                     */
#define BEGIN_QUEUE_US MILLISECONDS(15)
#define RESEND_US MILLISECONDS(20) /* of the line's time, ahead of what waits */
#define TICK_US MILLISECONDS(5)    /* credit is saved for so long */
#define OWED_US MILLISECONDS(500)
#define PADDING_BYTES 255

void downlink_pace_begin(struct downlink *d, usec_t now)
{
    d->credit_bytes = 0;
    d->credit_at = now;
    d->begin_bytes = 0;
    burst_probe_end(&d->burst);
    d->resends.count = 0; /* asked for again by who still misses it */
}

uint16_t downlink_handle_send(struct downlink *d, usec_t now, size_t bytes, bool is_numbered)
{
    d->credit_bytes -= (double)bytes;
    if (!d->has_numbers)
        burst_probe_note_bytes(&d->burst, now, bytes);
    d->begin_bytes += is_numbered ? (uint32_t)bytes : 0;
    return is_numbered ? bwe_handle_send(&d->bwe, now, bytes) : 0;
}

static void earn(struct downlink *d, usec_t now, uint64_t rate_bps)
{
    double bytes_per_us = (double)rate_bps / 8e6;
    double most = bytes_per_us * TICK_US;
    d->credit_bytes -= (double)bwe_take_debt(&d->bwe);
    d->credit_bytes += bytes_per_us * (double)(now - d->credit_at);
    d->credit_bytes = d->credit_bytes < most ? d->credit_bytes : most;
    /* Voices alone may be more than an estimate that was too low: that is not paid back for long.
     */
    double least = -bytes_per_us * OWED_US;
    if (rate_bps > 0 && d->credit_bytes < least)
        d->credit_bytes = least;
    d->credit_at = now;
}

/* The screen before cameras: in the order of the slots. */
static bool send_next(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        if (s->is_paced && thinning_drain(c, now, s, 1, tx) > 0)
            return true;
    }
    return false;
}

static bool resend_next(struct shard_core *c, usec_t now, struct participant *p,
                        struct tx_batch *tx)
{
    uint8_t index;
    uint16_t seq;
    while (resend_queue_take(&p->downlink->resends, &index, &seq)) {
        if (forwarder_resend_now(c, now, p, &p->subscriptions[index], seq, tx))
            return true;
    }
    return false;
}

static bool send_padding(usec_t now, struct participant *p, struct tx_batch *tx)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        if (room_slot_kind(s->slot) == MEDIA_KIND_VIDEO && s->can_stamp && s->started &&
            s->rtx_ssrc != 0 && s->rtx_payload_type != 0)
            return forwarder_send_padding(now, s, PADDING_BYTES, tx);
    }
    return false;
}

/* Of a line that may be narrow. */
static uint32_t train_bytes(const struct downlink *d)
{
    uint64_t bytes = d->doubt_bps / 8 * TRAIN_US / 1000000;
    uint64_t least = d->doubt_bps <= VERY_NARROW_BPS ? TRAIN_BYTES_LEAST : TRAIN_BYTES_MIN;
    bytes = bytes > least ? bytes : least;
    return bytes < DOWNLINK_BEGIN_BYTES ? (uint32_t)bytes : DOWNLINK_BEGIN_BYTES;
}

static uint64_t answered_bytes(const struct downlink *d)
{
    return d->begin_bytes > d->bwe.sends.waiting_bytes ? d->begin_bytes - d->bwe.sends.waiting_bytes
                                                       : 0;
}

static bool is_train_answered(const struct downlink *d)
{
    return d->doubt_bps == 0 || answered_bytes(d) >= train_bytes(d);
}

bool downlink_pace_awaits_train(const struct downlink *d)
{
    return d->is_beginning && d->doubt_bps > 0 && d->doubt_bps <= VERY_NARROW_BPS &&
           !is_train_answered(d);
}

/* The handshake was that of a narrow line, and a train of two or four packets was not drawn out: a
 * lost datagram does the first, and losses hide the second. The more has come, the more follows. */
static bool speaks_little(const struct downlink *d, usec_t now)
{
    return d->narrow_bps > 0 && answered_bytes(d) < DOWNLINK_BEGIN_BYTES / 2 &&
           bwe_train_get_rate(&d->bwe.train, now) == 0;
}

/* So much may be on the way without an answer: few packets, whose arrival shows how wide the line
 * is; more once it has not shown itself narrow, or says nothing at all. */
static uint32_t begin_bytes(const struct downlink *d, usec_t now)
{
    usec_t patience_us = usec_max(TRAIN_PATIENCE_US, TRAIN_PATIENCE_ROUNDS * d->round_us);
    bool is_silent = d->bwe.answered_at < d->state_at && now - d->state_at >= patience_us;
    if (d->answers_fast)
        return BEGIN_MORE_BYTES;
    if (!is_train_answered(d))
        return is_silent ? DOWNLINK_BEGIN_BYTES : train_bytes(d);
    if (!speaks_little(d, now))
        return DOWNLINK_BEGIN_BYTES;
    uint64_t bytes = TRAIN_GROWTH * answered_bytes(d);
    return bytes < DOWNLINK_BEGIN_BYTES ? (uint32_t)bytes : DOWNLINK_BEGIN_BYTES;
}

/* What may leave now. Little more while a beginner's first bytes are unanswered: the answer wakes
 * it. */
static struct bwe_pace pace_of(const struct downlink *d, usec_t now)
{
    struct bwe_pace pace = bwe_get_pace(&d->bwe, now);
    uint64_t shown_bps = bwe_train_get_rate(&d->bwe.train, now);
    if (!d->has_numbers || !d->is_beginning || pace.is_probe || pace.rate_bps >= BEGIN_BPS)
        return pace;
    pace.rate_bps = shown_bps > 0 ? shown_bps : BEGIN_BPS;
    if (d->bwe.sends.waiting_bytes >= begin_bytes(d, now))
        pace.rate_bps = 0;
    return pace;
}

/* A report behind so much of a burst, or its end, is answered by the queue that it made. */
static void probe_burst(struct shard_core *c, usec_t now, struct participant *p, bool is_end,
                        struct tx_batch *tx)
{
    if (!p->downlink->has_numbers && burst_probe_wants_report(&p->downlink->burst, now, is_end))
        rtcp_send_burst_report(c, now, p, tx);
}

static void drain(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    struct bwe_pace pace = pace_of(d, now);
    earn(d, now, pace.rate_bps);
    bool waits = true;
    while (waits && pace.rate_bps > 0 && d->credit_bytes > 0) {
        double before = d->credit_bytes;
        waits = resend_next(c, now, p, tx) || send_next(c, now, p, tx) ||
                (pace.is_probe && send_padding(now, p, tx));
        if (waits && !d->has_numbers)
            burst_probe_note_paced(&d->burst, now, (size_t)(before - d->credit_bytes));
        if (waits)
            probe_burst(c, now, p, false, tx);
        pace = pace_of(d, now);
    }
    burst_probe_note_rest(&d->burst, waits);
    probe_burst(c, now, p, !waits, tx);
    d->next_at = USEC_NEVER;
    if (waits && pace.rate_bps > 0)
        d->next_at = now + 1000 + (usec_t)(-d->credit_bytes * 8e6 / (double)pace.rate_bps);
}

static bool is_watched_by_reports(const struct downlink *d)
{
    return d->state == DOWNLINK_WATCHED && !d->has_numbers;
}

void downlink_note_video(struct downlink *d, usec_t now, size_t bytes)
{
    if (is_watched_by_reports(d))
        burst_probe_note_paced(&d->burst, now, bytes);
}

void downlink_note_passed(struct shard_core *c, usec_t now, struct participant *p)
{
    struct downlink *d = p->downlink;
    if (!is_watched_by_reports(d) || d->next_at != USEC_NEVER ||
        !burst_probe_wants_report(&d->burst, now, true))
        return;
    d->next_at = now + BURST_END_US;
    shard_arm_timer(c, now, p);
}

static void end_burst(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx)
{
    if (now < p->downlink->next_at)
        return;
    p->downlink->next_at = USEC_NEVER;
    probe_burst(c, now, p, true, tx);
}

/* A probe with padding, for who is not paced. */
static void drain_probe(usec_t now, struct participant *p, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    struct bwe_pace pace = bwe_get_pace(&d->bwe, now);
    d->next_at = USEC_NEVER;
    if (!pace.is_probe || d->bwe.probe.lacks_padding) /* what comes serves as one */
        return;
    earn(d, now, pace.rate_bps);
    while (pace.is_probe && d->credit_bytes > 0 && send_padding(now, p, tx))
        pace = bwe_get_pace(&d->bwe, now);
    d->next_at = pace.is_probe ? now + 1000 : USEC_NEVER;
}

/* So much of the line's time goes to what is asked for again. */
static double resend_bytes(const struct downlink *d)
{
    return (double)bwe_get_estimate(&d->bwe) / 8e6 * (double)RESEND_US;
}

bool downlink_admits_resend(struct shard_core *c, usec_t now, struct participant *p,
                            const struct subscription *s, uint16_t seq)
{
    struct downlink *d = p->downlink;
    if (d == NULL || d->state != DOWNLINK_PACED)
        return true;
    if (d->resends.count == 0 && d->credit_bytes > -resend_bytes(d))
        return true;
    if (!resend_queue_add(&d->resends, (uint8_t)(s - p->subscriptions), seq))
        shard_drop(c, DROP_RETRANSMIT_LIMIT);
    downlink_wake(c, now, p);
    return false;
}

void downlink_forget_resends(const struct subscription *s)
{
    if (s->owner->downlink != NULL)
        resend_queue_forget(&s->owner->downlink->resends, (uint8_t)(s - s->owner->subscriptions));
}

void downlink_pace_handle_answer(struct downlink *d, usec_t now)
{
    bool is_empty = bwe_delay_get_queue_us(&d->bwe.delay) < BEGIN_QUEUE_US;
    double waiting = (double)d->bwe.sends.waiting_bytes;
    if (d->is_beginning && is_train_answered(d) && !speaks_little(d, now) &&
        waiting < DOWNLINK_BEGIN_BYTES / 2.0 && is_empty)
        d->answers_fast = true;
    if (d->credit_bytes < 0 && waiting < resend_bytes(d) && is_empty)
        d->credit_bytes = 0;
}

void downlink_pace_go_on(struct shard_core *c, usec_t now, struct participant *p,
                         struct tx_batch *tx)
{
    if (p->downlink->state == DOWNLINK_PACED)
        drain(c, now, p, tx);
    else if (is_watched_by_reports(p->downlink))
        end_burst(c, now, p, tx);
    else if (p->downlink->state == DOWNLINK_WATCHED)
        drain_probe(now, p, tx);
}

void downlink_wake(struct shard_core *c, usec_t now, struct participant *p)
{
    struct downlink *d = p->downlink;
    if (d->next_at != USEC_NEVER)
        return; /* it is awake */
    d->next_at = now;
    shard_arm_timer(c, now, p);
}
