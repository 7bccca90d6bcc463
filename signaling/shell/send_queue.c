#include "signaling/shell/send_queue.h"

#include <stdlib.h>

struct send_chunk {
    struct send_chunk *next;
    struct bytes data;
    uint8_t own[]; /* what `data` points at, unless it is borrowed */
};

static void append(struct send_queue *queue, struct send_chunk *chunk)
{
    chunk->next = NULL;
    if (queue->last != NULL)
        queue->last->next = chunk;
    else
        queue->first = chunk;
    queue->last = chunk;
    queue->bytes += chunk->data.size;
}

enum status send_queue_push(struct send_queue *queue, struct bytes head, struct bytes body)
{
    size_t size = head.size + body.size;
    if (size == 0)
        return STATUS_OK;
    struct send_chunk *chunk = malloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        return STATUS_NO_MEMORY;
    if (head.size > 0)
        memcpy(chunk->own, head.data, head.size);
    if (body.size > 0)
        memcpy(chunk->own + head.size, body.data, body.size);
    chunk->data = bytes_of(chunk->own, size);
    append(queue, chunk);
    return STATUS_OK;
}

enum status send_queue_push_borrowed(struct send_queue *queue, struct bytes data)
{
    if (data.size == 0)
        return STATUS_OK;
    struct send_chunk *chunk = malloc(sizeof(*chunk));
    if (chunk == NULL)
        return STATUS_NO_MEMORY;
    chunk->data = data;
    append(queue, chunk);
    return STATUS_OK;
}

static void remove_first(struct send_queue *queue)
{
    struct send_chunk *chunk = queue->first;
    queue->bytes -= chunk->data.size - queue->offset;
    queue->first = chunk->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->offset = 0;
    free(chunk);
}

size_t send_queue_take(struct send_queue *queue, struct bytes_mut out)
{
    size_t taken = 0;
    while (queue->first != NULL && taken < out.size) {
        struct bytes data = queue->first->data;
        size_t size = data.size - queue->offset;
        if (size > out.size - taken)
            size = out.size - taken;
        memcpy(out.data + taken, data.data + queue->offset, size);
        taken += size;
        queue->offset += size;
        queue->bytes -= size;
        if (queue->offset == data.size)
            remove_first(queue);
    }
    return taken;
}

void send_queue_drop_unsent(struct send_queue *queue)
{
    struct send_chunk *kept = queue->offset > 0 ? queue->first : NULL;
    struct send_chunk *chunk = kept != NULL ? kept->next : queue->first;
    while (chunk != NULL) {
        struct send_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    queue->first = queue->last = kept;
    queue->bytes = 0;
    if (kept != NULL) {
        kept->next = NULL;
        queue->bytes = kept->data.size - queue->offset;
    }
}

void send_queue_destroy(struct send_queue *queue)
{
    while (queue->first != NULL)
        remove_first(queue);
}
