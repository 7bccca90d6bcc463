/* downlink.h: what receiver reports and REMB say of the line. */
#include "relay/core/downlink_pace.h"
#include "relay/core/shard_private.h"

#define TROUBLE_LOSS_PERMILLE 50
#define TROUBLE_RTT_US MILLISECONDS(100)
#define QUEUE_LOSS_PERMILLE 10
#define QUEUE_RTT_US MILLISECONDS(300)
#define ROUND_JITTER 6 /* so many times what it trembles by there: three there, three back */
#define STORM_PACKETS 10
#define STORM_PACKET_BYTES 1000
#define STORM_PERCENT 30
#define REPORT_US_MIN MILLISECONDS(200)

/* A REMB stands behind a report in one packet, and some report on each stream in one of its own: so
 * short a time says nothing. */
static uint64_t sent_since_report(struct shard_core *c, usec_t now, struct participant *p)
{
    struct downlink *d = p->downlink;
    uint64_t bytes = tx_batch_get_bytes(c->tx, p->handle.index);
    usec_t elapsed = now - usec_max(d->report_at, d->sent_from);
    if (elapsed < REPORT_US_MIN)
        return d->sent_bps;
    d->sent_bps = (bytes - d->bytes_before) * 8 * 1000000 / (uint64_t)elapsed;
    d->bytes_before = bytes;
    d->missing = 0;
    d->report_at = now;
    return d->sent_bps;
}

/* A round trip that is longer than it was, by more than the way trembles: a queue, where something
 * is lost at its end too, or where no way is so much longer. */
static void note_queue(struct downlink *d, uint32_t loss_permille, usec_t rtt_us)
{
    usec_t more_us = rtt_us > 0 ? rtt_us - bwe_get_rtt_min(&d->bwe) : 0;
    usec_t trembles_us = ROUND_JITTER * bwe_get_jitter(&d->bwe);
    bool is_queue =
        (more_us > TROUBLE_RTT_US + trembles_us && loss_permille >= QUEUE_LOSS_PERMILLE) ||
        more_us > QUEUE_RTT_US;
    d->queue_us = is_queue ? more_us : 0;
}

/* So much of what was sent is missed that the line must be full, before any report says so. */
void downlink_note_missing(struct shard_core *c, usec_t now, struct participant *p, size_t packets,
                           struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    if (d->is_mute) /* what would end it is not told */
        return;
    uint64_t sent = tx_batch_get_bytes(c->tx, p->handle.index) -
                    (d->missing_from > d->bytes_before ? d->missing_from : d->bytes_before);
    d->missing += (uint32_t)packets;
    if (d->missing < STORM_PACKETS || d->missing * STORM_PACKET_BYTES < sent * STORM_PERCENT / 100)
        return;
    d->missing = 0;
    d->missing_from = tx_batch_get_bytes(c->tx, p->handle.index);
    bwe_handle_storm(&d->bwe, now, transport_get_narrow_bps(p->transport));
    downlink_note_storm(c, now, p, tx);
}

bool downlink_handle_round(struct participant *p, usec_t now, uint32_t middle, usec_t sent_at,
                           usec_t rtt_us)
{
    struct downlink *d = p->downlink;
    if (d == NULL || d->has_numbers)
        return true;
    bool is_new = !burst_probe_has_seen(&d->burst, middle);
    bool is_burst = burst_probe_handle_block(&d->burst, middle, sent_at, rtt_us, &d->answer);
    if (burst_probe_take_way(&d->burst))
        bwe_note_way(&d->bwe, d->burst.usual_us);
    bwe_note_rtt(&d->bwe, now, rtt_us);
    burst_probe_note_least(&d->burst, bwe_get_rtt_min(&d->bwe));
    return d->state == DOWNLINK_FREE || (is_new && !is_burst);
}

/* Of who is only watched, a single late answer of a busy receiver is no queue: two are. */
static struct burst_answer take_answer(struct downlink *d)
{
    struct burst_answer answer = d->answer;
    d->answer = (struct burst_answer){0};
    bool is_doubtful = answer.has_queue && !d->had_queue && d->state == DOWNLINK_WATCHED;
    if (answer.sent_bps > 0)
        d->had_queue = answer.has_queue;
    return is_doubtful ? (struct burst_answer){0} : answer;
}

void downlink_handle_report(struct shard_core *c, usec_t now, struct participant *p,
                            struct downlink_report report, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    if (d == NULL || !p->connected)
        return;
    d->is_mute = false;
    const struct burst_answer answer = take_answer(d);
    const struct bwe_report heard = {.loss_permille = report.loss_permille,
                                     .likely_permille = report.likely_permille,
                                     .least_permille = report.least_permille,
                                     .rtt_us = report.rtt_us,
                                     .sent_bps = sent_since_report(c, now, p),
                                     .burst_bps = answer.sent_bps,
                                     .carried_bps = answer.carried_bps,
                                     .has_queue = answer.has_queue};
    if (report.loss_permille >= QUEUE_LOSS_PERMILLE)
        burst_probe_note_loss(&d->burst);
    bwe_handle_report(&d->bwe, now, &heard);
    note_queue(d, report.loss_permille, report.rtt_us);
    if (d->state == DOWNLINK_WATCHED && d->queue_us > 0)
        bwe_note_queue(&d->bwe, now, d->queue_us);
    if (report.loss_permille >= TROUBLE_LOSS_PERMILLE)
        downlink_note_trouble(c, now, p, "loss", tx);
    if (report.rtt_us > bwe_get_rtt_min(&d->bwe) + TROUBLE_RTT_US)
        downlink_note_trouble(c, now, p, "delay", tx);
    downlink_update(c, now, p, tx);
    downlink_pace_go_on(c, now, p, tx);
}

void downlink_handle_remb(struct shard_core *c, usec_t now, struct participant *p, uint64_t bps,
                          struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    if (d == NULL || !p->connected)
        return;
    bwe_handle_remb(&d->bwe, now, bps, sent_since_report(c, now, p));
    if (!d->has_numbers &&
        bwe_get_estimate(&d->bwe) < downlink_wanted_bps(p) * DOWNLINK_SHORT_PERCENT / 100)
        downlink_note_trouble(c, now, p, "remb", tx);
    downlink_update(c, now, p, tx);
    downlink_pace_go_on(c, now, p, tx);
}
