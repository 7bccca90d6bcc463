/* What peers report and ask for. Everything acts on the peer's own streams only. */
#include "relay/core/redundancy.h"
#include "relay/core/shard_private.h"

#include "rtc/receive_stats.h"
#include "wire/rtcp_feedback.h"
#include "wire/rtcp_twcc.h"

static struct subscription *find_subscription(struct participant *p, uint32_t ssrc)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        if (p->subscriptions[i].ssrc == ssrc)
            return &p->subscriptions[i];
    }
    return NULL;
}

static struct publication *find_sent(struct participant *p, uint32_t ssrc,
                                     struct publication_encoding **encoding)
{
    for (size_t slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        for (size_t e = 0; p->publications[slot] != NULL && e < CONTROL_ENCODINGS_MAX; e++) {
            *encoding = &p->publications[slot]->encodings[e];
            if ((*encoding)->ssrc == ssrc && ssrc != 0)
                return p->publications[slot];
        }
    }
    return NULL;
}

/* The publisher's clock, also for the replicas: their shards write reports of their own. */
static void spread_sender_report(struct shard_core *c, const struct publication *p,
                                 uint32_t encoding)
{
    uint64_t others = shard_others_of(c, p);
    for (; others != 0; others &= others - 1) {
        uint32_t shard = (uint32_t)__builtin_ctzll(others);
        struct shard_message *m = shard_reserve(c, shard, SHARD_SENDER_REPORT);
        if (m == NULL)
            continue;
        m->sender_report.ref = p->ref;
        m->sender_report.encoding = encoding;
        m->sender_report.ntp = p->streams[encoding].clock_ntp;
        m->sender_report.rtp_timestamp = p->streams[encoding].clock_timestamp;
        shard_commit(c, shard);
    }
}

/* --- What was lost on the receiver's own line */

/* How many of the numbers after `from`, up to and including `to`, never went out, since their
 * packets had not come from the publisher. */
static uint32_t count_unsent(const struct subscription *s, uint64_t from, uint64_t to)
{
    struct publication *p = shard_source_of(s);
    bool is_sound = room_slot_kind(s->slot) == MEDIA_KIND_AUDIO;
    uint64_t plain_from = s->first_seq + s->seq_offset;
    if (p == NULL)
        return 0;
    if ((s->is_thinned && !is_sound) || s->waiting_key_frame || s->source_serial == 0)
        return thinning_count_unsent(s, p, from, to);
    const struct publication_stream *stream = publication_find_stream(p, s->source_serial);
    uint64_t after = from >= plain_from ? from : plain_from - 1;
    uint32_t unsent = from < plain_from
                          ? thinning_count_unsent(s, p, from, to < plain_from ? to : plain_from - 1)
                          : 0;
    if (stream != NULL && stream->come != NULL && after < to)
        unsent += seq_window_count_missing(stream->come, after - s->seq_offset, to - s->seq_offset);
    return unsent;
}

#define UNKNOWN_PACKETS 100 /* a first report, or one that names no number */
/* Without a report, and so many times their usual time. */
#define STANDSTILL_MS 2500
#define STANDSTILL_REPORTS 3

/* One packet of three is no loss of a third: so much is lost at least, so many deviations off. */
static uint32_t least_permille(uint32_t permille, uint32_t expected, uint32_t deviations)
{
    uint32_t lost = permille * expected / 1000;
    uint32_t deviation = 0;
    while (deviation * deviation < lost)
        deviation++;
    return lost > deviations * deviation ? (lost - deviations * deviation) * 1000 / expected : 0;
}

/* Something was sent before its last report that it still has not received. */
static bool lacks_some(const struct subscription *s, const struct rtcp_report_block *block)
{
    uint16_t behind = (uint16_t)(s->reported_next_seq - 1 - (uint16_t)block->highest_seq);
    return s->started && s->reported_at_ms > 0 && behind > 0 && behind <= INT16_MAX;
}

/* Nothing came for a while of what was sent, or no report did: a line that was cut, or a slot that
 * was silent behind a cut. What was lost then says nothing of what the line carries: of a full one
 * something comes always. */
static bool ends_standstill(struct subscription *s, usec_t now,
                            const struct rtcp_report_block *block)
{
    uint32_t now_ms = (uint32_t)(now / 1000);
    uint32_t since_ms = s->reported_at_ms > 0 ? now_ms - s->reported_at_ms : 0;
    bool has_moved = block->highest_seq != s->counted_seq;
    bool was_cut = s->report_every_ms > 0 && since_ms >= STANDSTILL_MS &&
                   since_ms / STANDSTILL_REPORTS >= s->report_every_ms;
    bool ends = has_moved && (s->has_stood || was_cut);
    uint32_t most_ms = 4 * s->report_every_ms; /* who reports more seldom from now on is not cut */
    uint32_t step_ms = since_ms < most_ms ? since_ms : most_ms;
    s->report_every_ms =
        s->report_every_ms > 0 ? s->report_every_ms / 4 * 3 + step_ms / 4 + 1 : since_ms;
    s->has_stood = !has_moved && lacks_some(s, block);
    s->reported_at_ms = now_ms;
    s->reported_next_seq = (uint16_t)s->next_seq;
    return ends;
}

/* Of what it has reported as lost since its last report, and of how many packets. */
static uint32_t find_loss_permille(struct subscription *s, const struct rtcp_report_block *block,
                                   uint32_t *packets)
{
    uint32_t reported = (uint32_t)block->fraction_lost * 1000 / 256;
    uint32_t expected = block->highest_seq - s->counted_seq;
    *packets = expected > 0 && expected <= INT16_MAX ? expected : UNKNOWN_PACKETS;
    uint64_t last = s->next_seq - 1;
    uint16_t behind = (uint16_t)(last - (uint16_t)block->highest_seq);
    if (!s->started || behind > INT16_MAX || expected == 0 || expected > INT16_MAX)
        return reported;
    s->counted_seq = block->highest_seq;
    uint64_t to = last - behind;
    uint32_t unsent = reported > 0 && expected <= to ? count_unsent(s, to - expected, to) : 0;
    if (unsent == 0)
        return reported;
    uint32_t lost = (block->fraction_lost * expected + 128) / 256;
    return lost > unsent ? (lost - unsent) * 1000 / (expected - unsent) : 0;
}

/* The round trip, which ends where the report came in: it may have waited until now. 0: not known,
 * or heard of before. */
static usec_t find_round(struct shard_core *c, usec_t arrived_at, struct participant *p,
                         const struct rtcp_report_block *block)
{
    usec_t rtt_us;
    uint64_t ntp = ntp_of_usec(c->config.ntp_at_zero, arrived_at);
    if (!receive_stats_round_trip(block, ntp, &rtt_us))
        return 0;
    uint32_t age = (uint32_t)(ntp >> 16) - block->last_sr;
    usec_t sent_at = arrived_at - (usec_t)((uint64_t)age * 1000000u >> 16);
    return downlink_handle_round(p, arrived_at, block->last_sr, sent_at, rtt_us)
               ? usec_max(rtt_us, 1)
               : 0;
}

/* False: it says nothing of what the line carries. */
static bool handle_block(struct shard_core *c, usec_t now, usec_t arrived_at, struct participant *p,
                         struct subscription *s, const struct rtcp_report_block *block,
                         struct downlink_report *heard)
{
    uint32_t packets;
    usec_t rtt_us = find_round(c, arrived_at, p, block);
    if (rtt_us > 0)
        p->rtt_us = heard->rtt_us = rtt_us;
    bool counts = !ends_standstill(s, now, block);
    s->loss_permille = find_loss_permille(s, block, &packets);
    redundancy_handle_loss(s, now, s->loss_permille);
    if (s->loss_permille > 0 && subscription_need_wishes(s) != NULL)
        wish_account_note_losses(s->wishes, now);
    if (counts) {
        uint32_t lost = s->loss_permille;
        heard->loss_permille = (uint32_t)usec_max(heard->loss_permille, lost);
        heard->likely_permille =
            (uint32_t)usec_max(heard->likely_permille, least_permille(lost, packets, 1));
        heard->least_permille =
            (uint32_t)usec_max(heard->least_permille, least_permille(lost, packets, 2));
    }
    shard_note_block(c, now, p, s, block);
    return counts;
}

static void handle_report(struct shard_core *c, usec_t now, struct participant *p,
                          const struct rtcp_report *report, struct tx_batch *tx)
{
    usec_t arrived_at = tx_batch_get_arrival(tx, now);
    uint64_t ntp_now = ntp_of_usec(c->config.ntp_at_zero, arrived_at);
    struct publication_encoding *encoding;
    struct publication *sent =
        report->has_sender_info ? find_sent(p, report->ssrc, &encoding) : NULL;
    if (sent != NULL) {
        /* Each encoding has time stamps of its own. */
        uint32_t index = (uint32_t)(encoding - sent->encodings);
        receive_stats_handle_sender_report(&encoding->received, now, report->sender.ntp);
        publication_note_sender_report(&sent->streams[index], ntp_now, report->sender.ntp,
                                       report->sender.rtp_timestamp);
        spread_sender_report(c, sent, index);
    }
    struct downlink_report heard = {0};
    bool any = false, any_counts = false;
    for (size_t i = 0; i < report->block_count; i++) {
        const struct rtcp_report_block *block = &report->blocks[i];
        struct subscription *s = find_subscription(p, block->ssrc);
        if (s == NULL)
            continue;
        any = true;
        any_counts = handle_block(c, now, arrived_at, p, s, block, &heard) || any_counts;
    }
    if (any_counts)
        p->loss_out_permille = heard.loss_permille;
    if (any)
        shard_update_delivery(c, now, p);
    if (any_counts)
        downlink_handle_report(c, now, p, heard, tx);
    else if (p->downlink != NULL)
        p->downlink->answer = (struct burst_answer){0};
}

/* Of what it asks for, what it has not asked for before. */
static size_t count_first(struct subscription *s, const uint16_t *seqs, size_t count)
{
    size_t first = 0;
    for (size_t i = 0; i < count; i++) {
        if (s->has_nacked && (int16_t)(seqs[i] - s->nacked_seq) <= 0)
            continue;
        s->has_nacked = true;
        s->nacked_seq = seqs[i];
        first++;
    }
    return first;
}

static void handle_nack(struct shard_core *c, usec_t now, struct participant *p,
                        const struct rtcp_nack *nack, struct tx_batch *tx)
{
    struct subscription *s = find_subscription(p, nack->media_ssrc);
    uint16_t seqs[RTCP_NACK_SEQS_MAX];
    size_t count = s != NULL ? rtcp_nack_list(nack, seqs, COUNT_OF(seqs)) : 0;
    downlink_handle_nack(c, now, p, count, s != NULL ? count_first(s, seqs, count) : 0, tx);
    if (count > 0 && subscription_need_wishes(s) != NULL)
        wish_account_note_gap(s->wishes, now);
    for (size_t i = 0; i < count; i++)
        forwarder_resend(c, now, p, s, seqs[i], tx);
}

static void handle_key_frame_request(struct shard_core *c, usec_t now, struct participant *p,
                                     uint32_t ssrc, struct tx_batch *tx)
{
    struct subscription *s = find_subscription(p, ssrc);
    if (s != NULL && room_slot_kind(s->slot) == MEDIA_KIND_VIDEO)
        wishes_handle(c, now, s, tx);
}

static enum status handle_feedback(struct shard_core *c, usec_t now, struct participant *p,
                                   const struct rtcp_packet *packet, struct tx_batch *tx)
{
    struct rtcp_nack nack;
    struct rtcp_pli pli;
    struct rtcp_fir fir;
    struct rtcp_twcc twcc;
    struct rtcp_remb remb;
    enum status status = STATUS_OK;
    switch (rtcp_feedback_of(packet)) {
    case RTCP_FEEDBACK_NACK:
        status = rtcp_parse_nack(packet, &nack);
        if (status == STATUS_OK)
            handle_nack(c, now, p, &nack, tx);
        return status;
    case RTCP_FEEDBACK_PLI:
        status = rtcp_parse_pli(packet, &pli);
        if (status == STATUS_OK)
            handle_key_frame_request(c, now, p, pli.media_ssrc, tx);
        return status;
    case RTCP_FEEDBACK_FIR:
        status = rtcp_parse_fir(packet, &fir);
        for (size_t i = 0; status == STATUS_OK && i < fir.item_count; i++)
            handle_key_frame_request(c, now, p, fir.items[i].ssrc, tx);
        return status;
    case RTCP_FEEDBACK_TWCC:
        status = rtcp_parse_twcc(packet, &twcc);
        if (status == STATUS_OK)
            downlink_handle_twcc(c, now, p, &twcc, tx);
        if (status == STATUS_OK)
            shard_handle_width(c, now, p, &twcc, tx);
        if (status == STATUS_OK)
            shard_update_delivery(c, now, p);
        return status;
    case RTCP_FEEDBACK_REMB:
        status = rtcp_parse_remb(packet, &remb);
        if (status == STATUS_OK)
            downlink_handle_remb(c, now, p, remb.rate_bps, tx);
        return status;
    case RTCP_FEEDBACK_NONE:
        return STATUS_OK;
    }
    return STATUS_OK;
}

static void handle_bye(struct participant *p, const struct rtcp_bye *bye)
{
    for (size_t i = 0; i < bye->ssrc_count; i++) {
        struct publication_encoding *encoding;
        struct publication *sent = find_sent(p, bye->ssrcs[i], &encoding);
        if (sent == NULL)
            continue;
        publication_restart_encoding(encoding, 0, 0); /* whatever comes next starts afresh */
    }
}

static enum status handle_packet(struct shard_core *c, usec_t now, struct participant *p,
                                 const struct rtcp_packet *packet, struct tx_batch *tx)
{
    struct rtcp_report report;
    struct rtcp_bye bye;
    enum status status;
    switch (packet->type) {
    case RTCP_TYPE_SR:
    case RTCP_TYPE_RR:
        status = rtcp_parse_report(packet, &report);
        if (status == STATUS_OK)
            handle_report(c, now, p, &report, tx);
        return status;
    case RTCP_TYPE_RTPFB:
    case RTCP_TYPE_PSFB:
        return handle_feedback(c, now, p, packet, tx);
    case RTCP_TYPE_BYE:
        status = rtcp_parse_bye(packet, &bye);
        if (status == STATUS_OK)
            handle_bye(p, &bye);
        return status;
    default:
        return STATUS_OK;
    }
}

void rtcp_handle_compound(struct shard_core *c, usec_t now, struct participant *p,
                          struct bytes compound, struct tx_batch *tx)
{
    struct rtcp_iterator it = rtcp_iterate(compound);
    struct rtcp_packet packet;
    enum status status;
    while ((status = rtcp_next(&it, &packet)) == STATUS_OK) {
        status = handle_packet(c, now, p, &packet, tx);
        if (status != STATUS_OK)
            shard_drop(c, DROP_BAD_RTCP);
    }
    if (status != STATUS_NOT_FOUND)
        shard_drop(c, DROP_BAD_RTCP);
}
