#include "relay/core/handshake_queue.h"

enum status handshake_queue_init(struct handshake_queue *q, uint32_t capacity)
{
    *q = (struct handshake_queue){.capacity = capacity};
    if (capacity == 0)
        return STATUS_CONFIG;
    q->ring = calloc(capacity, sizeof *q->ring);
    return q->ring != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void handshake_queue_destroy(struct handshake_queue *q)
{
    free(q->ring);
    *q = (struct handshake_queue){0};
}

bool handshake_queue_push(struct handshake_queue *q, struct pool_handle participant,
                          const struct net_addr *from, struct bytes datagram)
{
    if (q->count == q->capacity || datagram.size > DTLS_DATAGRAM_BYTES_MAX)
        return false;
    struct handshake *h = &q->ring[(q->first + q->count) % q->capacity];
    q->count++;
    h->participant = participant;
    h->from = *from;
    h->size = datagram.size;
    memcpy(h->data, datagram.data, datagram.size);
    return true;
}

struct handshake *handshake_queue_pop(struct handshake_queue *q)
{
    if (q->count == 0)
        return NULL;
    struct handshake *h = &q->ring[q->first];
    q->first = (q->first + 1) % q->capacity;
    q->count--;
    return h;
}
