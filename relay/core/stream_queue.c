#include "relay/core/stream_queue.h"

#include <stdlib.h>

struct record {
    usec_t at;
    uint16_t bytes; /* of the datagram */
};

/* --- A ring of records */

static uint32_t record_bytes(size_t datagram_bytes)
{
    return (uint32_t)(sizeof(struct record) + datagram_bytes);
}

static struct record first_of(const struct stream_ring *r)
{
    struct record record;
    memcpy(&record, r->data + r->first, sizeof record);
    return record;
}

static void drop_first(struct stream_ring *r)
{
    r->first += record_bytes(first_of(r).bytes);
    if (--r->count == 0)
        r->first = r->next = r->wrapped_at = 0;
    else if (r->first == r->wrapped_at)
        r->first = r->wrapped_at = 0;
}

/* Where a record of `size` bytes fits behind the last one; false when there is no room. */
static bool find_room(struct stream_ring *r, uint32_t size)
{
    bool wrapped = r->count > 0 && r->next <= r->first;
    uint32_t end = wrapped ? r->first : r->capacity;
    if (end - r->next >= size)
        return true;
    if (wrapped || r->first < size)
        return false;
    r->wrapped_at = r->next;
    r->next = 0;
    return true;
}

static void append(struct stream_ring *r, usec_t now, struct bytes datagram)
{
    struct record record = {.at = now, .bytes = (uint16_t)datagram.size};
    memcpy(r->data + r->next, &record, sizeof record);
    if (datagram.size > 0)
        memcpy(r->data + r->next + sizeof record, datagram.data, datagram.size);
    r->next += record_bytes(datagram.size);
    r->count++;
}

/* --- The queue */

enum status stream_queue_init(struct stream_queue *q)
{
    *q = (struct stream_queue){.memory = malloc(STREAM_QUEUE_BYTES)};
    if (q->memory == NULL)
        return STATUS_NO_MEMORY;
    q->rings[STREAM_CLASS_FIRST] =
        (struct stream_ring){.data = q->memory, .capacity = STREAM_QUEUE_FIRST_BYTES};
    q->rings[STREAM_CLASS_VIDEO] =
        (struct stream_ring){.data = q->memory + STREAM_QUEUE_FIRST_BYTES,
                             .capacity = STREAM_QUEUE_BYTES - STREAM_QUEUE_FIRST_BYTES};
    return STATUS_OK;
}

void stream_queue_destroy(struct stream_queue *q)
{
    free(q->memory);
    *q = (struct stream_queue){0};
}

static void drop_late(struct stream_queue *q, usec_t now)
{
    static const usec_t limits[] = {
        [STREAM_CLASS_FIRST] = STREAM_QUEUE_FIRST_US, [STREAM_CLASS_VIDEO] = STREAM_QUEUE_VIDEO_US};
    for (int class = 0; class < STREAM_CLASS_COUNT; class ++) {
        struct stream_ring *r = &q->rings[class];
        while (r->count > 0 && now - first_of(r).at > limits[class]) {
            drop_first(r);
            q->dropped++;
        }
    }
}

bool stream_queue_push(struct stream_queue *q, usec_t now, enum stream_class class,
                       struct bytes datagram)
{
    struct stream_ring *r = &q->rings[class];
    if (datagram.size > STREAM_FRAME_BYTES_MAX) {
        q->dropped++;
        return false;
    }
    drop_late(q, now);
    while (!find_room(r, record_bytes(datagram.size))) {
        drop_first(r);
        q->dropped++;
    }
    append(r, now, datagram);
    return true;
}

static bool start_next(struct stream_queue *q, usec_t now)
{
    drop_late(q, now);
    for (int class = 0; class < STREAM_CLASS_COUNT; class ++) {
        struct stream_ring *r = &q->rings[class];
        if (r->count == 0)
            continue;
        struct record record = first_of(r);
        store_u16(q->leaving, record.bytes);
        memcpy(q->leaving + STREAM_FRAME_LENGTH_BYTES, r->data + r->first + sizeof record,
               record.bytes);
        q->leaving_bytes = (uint16_t)(STREAM_FRAME_LENGTH_BYTES + record.bytes);
        q->leaving_at = 0;
        drop_first(r);
        return true;
    }
    return false;
}

struct bytes stream_queue_peek(struct stream_queue *q, usec_t now)
{
    if (q->leaving_at == q->leaving_bytes && !start_next(q, now))
        return BYTES_NONE;
    return bytes_of(q->leaving + q->leaving_at, (size_t)(q->leaving_bytes - q->leaving_at));
}

void stream_queue_consume(struct stream_queue *q, size_t bytes)
{
    CHECK(bytes <= (size_t)(q->leaving_bytes - q->leaving_at));
    q->leaving_at = (uint16_t)(q->leaving_at + bytes);
}

bool stream_queue_is_empty(const struct stream_queue *q)
{
    return q->leaving_at == q->leaving_bytes && q->rings[STREAM_CLASS_FIRST].count == 0 &&
           q->rings[STREAM_CLASS_VIDEO].count == 0;
}
