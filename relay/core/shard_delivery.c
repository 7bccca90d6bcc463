/* What is known of a receiver's seeing and hearing (delivery.h): fed by its reports, asked for by a
 * numbered packet now and then, and what changes is told to the director at once, together. */
#include "relay/core/shard_private.h"

#include "rtc/receive_stats.h"

#define VOICE_FLOWS_US MILLISECONDS(100) /* the next packet is near: it is the question */
#define QUESTION_BYTES 32                /* of padding, where nothing else flows */
#define WIDTH_AGAIN_US MILLISECONDS(20)
#define WIDE_QUEUE_US MILLISECONDS(100)
#define NEWS_US MILLISECONDS(250) /* between two messages about changes */

/* --- What is asked */

static bool is_audio(const struct subscription *s)
{
    return room_slot_kind(s->slot) == MEDIA_KIND_AUDIO;
}

/* The next packet of a voice that flows: numbered once (forwarder.c). */
static bool ask_by_voice(usec_t now, struct participant *p)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        if (is_audio(s) && s->can_stamp && s->is_live && s->started && !s->is_thinned &&
            now - s->last_sent_at < VOICE_FLOWS_US) {
            s->is_metered = true;
            return true;
        }
    }
    return false;
}

/* One that can be sent padding with numbers. */
static struct subscription *padded_of(struct participant *p)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        if (!is_audio(s) && s->can_stamp && s->started && s->rtx_ssrc != 0 &&
            s->rtx_payload_type != 0)
            return s;
    }
    return NULL;
}

static bool ask_by_padding(usec_t now, struct participant *p, struct tx_batch *tx)
{
    struct subscription *s = padded_of(p);
    if (s == NULL)
        return false;
    s->is_metered = true;
    return forwarder_send_padding(now, s, QUESTION_BYTES, tx);
}

uint16_t shard_number_question(usec_t now, struct subscription *s, bool is_numbered)
{
    s->is_metered = false;
    if (!is_numbered)
        return 0;
    struct participant *p = s->owner;
    uint16_t number = bwe_skip_number(&p->downlink->bwe);
    if (p->downlink->width.count == 0 || !p->downlink->width.is_open)
        delivery_note_number(&p->delivery, now, number);
    return number;
}

static bool ask(usec_t now, struct participant *p, struct tx_batch *tx)
{
    const struct downlink *d = p->downlink;
    if (d == NULL || !d->can_number)
        return false;
    if (d->state != DOWNLINK_FREE)
        return d->bwe.sent_at > p->delivery.asked_at || ask_by_padding(now, p, tx);
    return ask_by_voice(now, p) || ask_by_padding(now, p, tx);
}

/* --- How wide its line is */

static bool is_narrowed(const struct downlink *d)
{
    return d->state == DOWNLINK_PACED && bwe_get_estimate(&d->bwe) < LINE_WIDTH_NARROW_BPS;
}

/* While a queue stands a train would only add to it, and a probe is an answer of its own. */
static bool may_be_wide(const struct downlink *d)
{
    return !d->is_beginning && d->bwe.heard_bps == 0 && d->bwe.probe.state == BWE_PROBE_IDLE &&
           bwe_delay_get_queue_us(&d->bwe.delay) < WIDE_QUEUE_US;
}

/* Nobody else finds out soon: neither of a line that became narrow without being full, nor of one
 * that is wide again. */
static bool can_ask_width(struct participant *p)
{
    const struct downlink *d = p->downlink;
    if (!p->connected || d == NULL || !d->can_number || !p->delivery.answers ||
        d->bwe.wanted_bps == 0 || p->delivery.hears == CONTROL_HEARING_NO)
        return false;
    bool is_unknown =
        d->state != DOWNLINK_PACED || (is_narrowed(d) ? may_be_wide(d) : !d->is_beginning);
    return is_unknown && padded_of(p) != NULL; /* else it would wake up again and again */
}

static void ask_width(usec_t now, struct participant *p, struct tx_batch *tx)
{
    struct line_width *w = &p->downlink->width;
    bool is_narrow = is_narrowed(p->downlink);
    line_width_expect(w, is_narrow ? bwe_get_estimate(&p->downlink->bwe) : 0);
    size_t packets = line_width_wants_packets(w, now, p->rtt_us);
    struct subscription *s = packets > 0 ? padded_of(p) : NULL;
    if (s == NULL)
        return;
    line_width_begin(w, now);
    bool was_metered = s->is_metered;
    for (size_t i = 0; i < packets; i++) {
        s->is_metered = true;
        (void)forwarder_send_padding(now, s, is_narrow ? LINE_WIDTH_AGAIN_BYTES : LINE_WIDTH_BYTES,
                                     tx);
    }
    s->is_metered = was_metered;
    line_width_end(w);
    delivery_note_question(&p->delivery, now, true);
}

void shard_handle_width(struct shard_core *c, usec_t now, struct participant *p,
                        const struct rtcp_twcc *feedback, struct tx_batch *tx)
{
    uint64_t bps =
        p->downlink != NULL ? line_width_handle_feedback(&p->downlink->width, feedback) : 0;
    if (bps > 0 && can_ask_width(p))
        downlink_note_narrow(c, now, p, bps, tx);
    if (p->downlink != NULL && line_width_take_wide(&p->downlink->width, now))
        downlink_note_wide(c, now, p, tx);
}

/* --- What is known */

/* Below what lets a slide come at once; for good until there is clearly more. */
static bool is_narrow(const struct participant *p)
{
    const struct downlink *d = p->downlink;
    if (d == NULL || d->state != DOWNLINK_PACED || d->is_beginning || d->bwe.heard_bps != 0 ||
        p->delivery.hears == CONTROL_HEARING_NO)
        return false;
    return bwe_get_estimate(&d->bwe) <
           (p->delivery.was_narrow ? LINE_WIDTH_WIDE_BPS : LINE_WIDTH_NARROW_BPS);
}

static const struct subscription *screen_of(const struct participant *p)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        if (p->subscriptions[i].slot == ROOM_SLOT_SCREEN)
            return &p->subscriptions[i];
    }
    return NULL;
}

void shard_assess_delivery(usec_t now, struct participant *p, struct control_delivery *out)
{
    const struct subscription *screen = screen_of(p);
    const struct downlink *d = p->downlink;
    *out = (struct control_delivery){
        .participant = p->id, .session = p->session, .temporal_max = LAYER_ALL};
    if (screen == NULL || p->room->slots[ROOM_SLOT_SCREEN] == NULL)
        delivery_reset_screen(&p->delivery);
    delivery_assess(&p->delivery, now, p->rtt_us, screen != NULL ? thinning_lag(screen, now) : 0,
                    out);
    if (d != NULL && d->state != DOWNLINK_FREE)
        out->estimate_bps = (uint32_t)bwe_get_estimate(&d->bwe);
    out->narrow = p->delivery.was_narrow = is_narrow(p);
    if (screen != NULL && screen->is_thinned && screen->selector != NULL) {
        out->encoding = screen->selector->encoding;
        out->temporal_max = screen->selector->target.temporal_max;
    }
}

/* --- What is told */

static void send_news(struct shard_core *c, usec_t now)
{
    struct shard_news *news = &c->news;
    struct shard_message *m = shard_reserve(c, c->config.shard_count, SHARD_DELIVERY);
    if (m != NULL) {
        m->delivery.count = news->count;
        memcpy(m->delivery.list, news->list, news->count * sizeof news->list[0]);
        shard_commit(c, c->config.shard_count);
    }
    news->count = 0; /* what found no room is in the next report of everybody */
    news->told_at = now;
    news->due = USEC_NEVER;
}

static void add_news(struct shard_core *c, usec_t now, const struct control_delivery *state)
{
    struct shard_news *news = &c->news;
    size_t i = 0;
    while (i < news->count && news->list[i].participant != state->participant)
        i++;
    if (i == SHARD_DELIVERIES) {
        send_news(c, now);
        i = 0;
    }
    news->list[i] = *state;
    if (i < news->count)
        return;
    news->count++;
    if (news->count == 1)
        news->due = usec_max(now, news->told_at + NEWS_US);
}

void shard_send_news(struct shard_core *c, usec_t now)
{
    if (c->news.count > 0 && now >= c->news.due)
        send_news(c, now);
}

void shard_update_delivery(struct shard_core *c, usec_t now, struct participant *p)
{
    struct control_delivery state;
    shard_assess_delivery(now, p, &state);
    if (!delivery_take_news(&p->delivery, now, &state))
        return;
    log_debug(&c->log, "delivery", "participant=%llu hears=%s behind_ms=%u loss_permille=%u",
              (unsigned long long)p->id, control_hearing_name(state.hears), state.screen_behind_ms,
              state.voice_loss_permille);
    add_news(c, now, &state);
}

void shard_watch_delivery(struct shard_core *c, usec_t now, struct participant *p,
                          struct tx_batch *tx)
{
    if (p->subscription_count == 0)
        return;
    if (delivery_wants_question(&p->delivery, now, p->rtt_us))
        delivery_note_question(&p->delivery, now, ask(now, p, tx));
    if (can_ask_width(p))
        ask_width(now, p, tx);
    shard_update_delivery(c, now, p);
}

usec_t shard_delivery_next_timeout(struct participant *p, usec_t now)
{
    if (p->subscription_count == 0 || !p->connected)
        return USEC_NEVER;
    usec_t width =
        can_ask_width(p) ? line_width_next_timeout(&p->downlink->width, p->rtt_us) : USEC_NEVER;
    return usec_min(delivery_next_timeout(&p->delivery, now, p->rtt_us),
                    usec_max(width, now + WIDTH_AGAIN_US));
}

/* --- What it reports */

/* When the sender report was sent that a block has seen, on our clock (RFC 3550 6.4.1). */
static bool find_echo(const struct shard_core *c, usec_t now, const struct rtcp_report_block *block,
                      usec_t *sent_at)
{
    uint32_t middle = (uint32_t)(ntp_of_usec(c->config.ntp_at_zero, now) >> 16);
    uint32_t ago = middle - block->last_sr;
    if (block->last_sr == 0 || ago > 60u << 16)
        return false;
    *sent_at = now - (usec_t)((uint64_t)ago * 1000000 >> 16);
    return true;
}

void shard_note_block(struct shard_core *c, usec_t now, struct participant *p,
                      struct subscription *s, const struct rtcp_report_block *block)
{
    struct delivery *d = &p->delivery;
    usec_t echo;
    if (find_echo(c, now, block, &echo))
        delivery_handle_proof(d, echo);
    uint64_t last = s->next_seq - 1;
    uint16_t missing = (uint16_t)(last - (uint16_t)block->highest_seq);
    if (!s->started || missing > 0x7fff)
        return;
    struct delivery_report report = {.loss_permille = s->loss_permille,
                                     .rtt_us = p->rtt_us,
                                     .missing = missing,
                                     .sent_at = usec_min(s->last_sent_at, now),
                                     .has_moved = block->highest_seq != s->reported_seq};
    s->reported_seq = block->highest_seq;
    if (s->clock_rate > 0)
        report.jitter_us = (usec_t)((uint64_t)block->jitter * 1000000 / s->clock_rate);
    if (is_audio(s))
        delivery_handle_voice_report(d, now, report);
    else if (s->slot == ROOM_SLOT_SCREEN)
        delivery_handle_screen_report(d, now, report, last - missing, s->next_seq);
}
