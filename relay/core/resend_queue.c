#include "relay/core/resend_queue.h"

static struct resend_place *place_of(struct resend_queue *q, uint32_t index)
{
    return &q->list[(q->first + index) % RESEND_QUEUE_MAX];
}

bool resend_queue_add(struct resend_queue *q, uint8_t subscription, uint16_t seq)
{
    for (uint32_t i = 0; i < q->count; i++) {
        const struct resend_place *p = place_of(q, i);
        if (p->seq == seq && p->subscription == subscription)
            return true;
    }
    if (q->count == RESEND_QUEUE_MAX)
        return false;
    *place_of(q, q->count++) = (struct resend_place){seq, subscription};
    return true;
}

bool resend_queue_take(struct resend_queue *q, uint8_t *subscription, uint16_t *seq)
{
    if (q->count == 0)
        return false;
    *subscription = place_of(q, 0)->subscription;
    *seq = place_of(q, 0)->seq;
    q->first = (q->first + 1) % RESEND_QUEUE_MAX;
    q->count--;
    return true;
}

void resend_queue_forget(struct resend_queue *q, uint8_t subscription)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < q->count; i++) {
        if (place_of(q, i)->subscription != subscription)
            *place_of(q, kept++) = *place_of(q, i);
    }
    q->count = kept;
}
