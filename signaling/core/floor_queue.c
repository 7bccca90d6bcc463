#include "signaling/core/floor_queue.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

void floor_queue_destroy(struct floor_queue *queue)
{
    free(queue->waiters);
    *queue = (struct floor_queue){0};
}

enum status floor_queue_reserve(struct floor_queue *queue, size_t waiters)
{
    if (waiters <= queue->capacity)
        return STATUS_OK;
    size_t capacity = waiters + waiters / 2;
    struct floor_waiter *grown = realloc(queue->waiters, capacity * sizeof *grown);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    queue->waiters = grown;
    queue->capacity = capacity;
    return STATUS_OK;
}

size_t floor_queue_position(const struct floor_queue *queue, uint64_t participant)
{
    for (size_t i = 0; i < queue->count; i++) {
        if (queue->waiters[i].participant == participant)
            return i + 1;
    }
    return 0;
}

static void insert(struct floor_queue *queue, size_t place, struct floor_waiter waiter)
{
    CHECK(queue->count < queue->capacity); /* reserved at join */
    memmove(queue->waiters + place + 1, queue->waiters + place,
            (queue->count - place) * sizeof waiter);
    queue->waiters[place] = waiter;
    queue->count++;
}

int64_t floor_queue_raise(struct floor_queue *queue, uint64_t participant, int64_t now_ms)
{
    size_t position = floor_queue_position(queue, participant);
    if (position != 0)
        return queue->waiters[position - 1].since_ms;
    if (queue->count > 0 && now_ms <= queue->waiters[queue->count - 1].since_ms)
        now_ms = queue->waiters[queue->count - 1].since_ms + 1;
    insert(queue, queue->count, (struct floor_waiter){participant, now_ms});
    return now_ms;
}

void floor_queue_restore(struct floor_queue *queue, uint64_t participant, int64_t since_ms)
{
    size_t place = queue->count;
    while (place > 0 && (queue->waiters[place - 1].since_ms > since_ms ||
                         (queue->waiters[place - 1].since_ms == since_ms &&
                          queue->waiters[place - 1].participant > participant)))
        place--;
    insert(queue, place, (struct floor_waiter){participant, since_ms});
}

bool floor_queue_lower(struct floor_queue *queue, uint64_t participant)
{
    size_t position = floor_queue_position(queue, participant);
    if (position == 0)
        return false;
    memmove(queue->waiters + position - 1, queue->waiters + position,
            (queue->count - position) * sizeof *queue->waiters);
    queue->count--;
    return true;
}
