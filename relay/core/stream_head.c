#include "relay/core/stream_head.h"

#include "relay/core/shard_private.h"

#define PATIENCE_US SECONDS(3) /* who has waited for so long has asked for a key frame */

void stream_head_note(usec_t now, const struct subscription *s, uint16_t seq, uint16_t stamp)
{
    struct stream_head *h = &s->owner->downlink->head;
    uint8_t subscription = (uint8_t)(s - s->owner->subscriptions);
    if (s->rtx_ssrc == 0 && !s->is_repeatable)
        return; /* nothing goes out again to it */
    if (s->packets_sent == 1 && h->count == 0)
        *h = (struct stream_head){.began_at = now, .first_seq = seq, .subscription = subscription};
    else if (h->count == 0)
        return;
    if (h->subscription == subscription && !h->has_shown && h->count < STREAM_HEAD_MAX &&
        seq == (uint16_t)(h->first_seq + h->count))
        h->stamps[h->count++] = stamp;
}

void stream_head_note_again(const struct subscription *s, uint16_t seq)
{
    struct downlink *d = s->owner->downlink;
    if (d == NULL || d->head.count == 0 || d->state == DOWNLINK_FREE ||
        &s->owner->subscriptions[d->head.subscription] != s)
        return;
    uint16_t place = (uint16_t)(seq - d->head.first_seq);
    if (place < d->head.count)
        d->head.stamps[place] = (uint16_t)(d->bwe.sends.count - 1);
}

/* What stands behind the first one that came is the receiver's to ask for; when all are lost, all
 * stand before it. Not known while an answer is on its way. */
static void look_for_first(struct stream_head *h, const struct twcc_sends *sends)
{
    bool waits = false;
    for (uint8_t i = 0; i < h->count && !h->has_shown; i++) {
        enum twcc_sent sent = twcc_sends_find(sends, h->stamps[i]);
        waits = waits || sent == TWCC_SENT_WAITING;
        if (sent == TWCC_SENT_ARRIVED) {
            h->count = i;
            h->has_shown = true;
        }
    }
    h->has_shown = h->has_shown || !waits;
}

void stream_head_resend_lost(struct shard_core *c, usec_t now, struct participant *p,
                             struct tx_batch *tx)
{
    struct stream_head *h = &p->downlink->head;
    const struct twcc_sends *sends = &p->downlink->bwe.sends;
    if (now - h->began_at > PATIENCE_US)
        h->count = 0;
    if (h->count > 0)
        look_for_first(h, sends);
    if (h->count == 0 || !h->has_shown)
        return;
    bool is_over = true;
    for (uint8_t i = 0; i < h->count; i++) {
        enum twcc_sent sent = twcc_sends_find(sends, h->stamps[i]);
        is_over = is_over && sent != TWCC_SENT_WAITING && sent != TWCC_SENT_LOST;
        if (sent == TWCC_SENT_LOST)
            forwarder_resend(c, now, p, &p->subscriptions[h->subscription],
                             (uint16_t)(h->first_seq + i), tx);
    }
    if (is_over)
        h->count = 0;
}
