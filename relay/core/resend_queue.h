/* Packets that a paced receiver has asked for again while its line had no room for them: oldest
 * first, each once, at most RESEND_QUEUE_MAX. Sans-IO; allocates nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RESEND_QUEUE_MAX 128

struct resend_queue {
    struct resend_place {
        uint16_t seq;         /* as it went out */
        uint8_t subscription; /* index */
    } list[RESEND_QUEUE_MAX]; /* ring */
    uint32_t first, count;
};

/* Nothing when it waits already. False when the queue is full: the receiver asks again. */
bool resend_queue_add(struct resend_queue *q, uint8_t subscription, uint16_t seq);
/* False when it is empty. */
bool resend_queue_take(struct resend_queue *q, uint8_t *subscription, uint16_t *seq);
void resend_queue_forget(struct resend_queue *q, uint8_t subscription);
