#include "relay/core/picture_end.h"

#include "relay/core/shard_private.h"

#define PATIENCE_US SECONDS(2)

/* All of them: none is sent for one that comes. */
static bool is_lost(const struct twcc_sends *sends, const struct picture_end *e)
{
    for (uint16_t i = 0; i < e->copies; i++) {
        if (twcc_sends_find(sends, (uint16_t)(e->stamp - i)) != TWCC_SENT_LOST)
            return false;
    }
    return e->copies > 0;
}

/* Behind a picture that stands for long its number would be given out anew. */
static bool is_past(const struct twcc_sends *sends, const struct picture_end *e)
{
    return (uint16_t)((uint16_t)sends->count - e->stamp) > TWCC_SENDS_MAX;
}

/* The copies have numbers of their own. Without one (the very packet was sent again, which has
 * none) the rest is left to the receiver; also after a while of refusals, of which most are for its
 * having been sent less than a round trip ago. */
static void resend(struct shard_core *c, usec_t now, struct participant *p, struct subscription *s,
                   struct tx_batch *tx)
{
    const struct twcc_sends *sends = &p->downlink->bwe.sends;
    uint64_t before = sends->count;
    (void)forwarder_resend_now(c, now, p, s, (uint16_t)(s->next_seq - 1), tx);
    if (sends->count == before && s->rtx_ssrc != 0 && now - s->last_sent_at < PATIENCE_US)
        return;
    s->picture_end = (struct picture_end){.copies = (uint8_t)(sends->count - before),
                                          .stamp = (uint16_t)(sends->count - 1)};
}

void picture_end_resend_lost(struct shard_core *c, usec_t now, struct participant *p,
                             struct tx_batch *tx)
{
    const struct downlink *d = p->downlink;
    for (size_t i = 0; d->state == DOWNLINK_WATCHED && i < p->subscription_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        if (is_past(&d->bwe.sends, &s->picture_end))
            s->picture_end.copies = 0;
        else if (is_lost(&d->bwe.sends, &s->picture_end))
            resend(c, now, p, s, tx);
    }
}
