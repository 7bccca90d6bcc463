/* A bounded queue from exactly one producer thread to exactly one consumer thread, without locks:
 * fixed-size slots, filled and read in place. Each side's index is written by that side only. */
#pragma once

#include "base/status.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct spsc_ring {
    uint8_t *slots;
    size_t slot_bytes;
    uint32_t mask;
    _Alignas(64) atomic_uint head; /* next to write; the producer's */
    uint32_t tail_seen;            /* the producer's last view of tail */
    _Alignas(64) atomic_uint tail; /* next to read; the consumer's */
    uint32_t head_seen;            /* the consumer's last view of head */
};

/* `capacity` is rounded up to a power of two. Before the threads start. */
MUST_CHECK static inline enum status spsc_ring_init(struct spsc_ring *ring, size_t slot_bytes,
                                                    uint32_t capacity)
{
    if (slot_bytes == 0 || capacity == 0 || capacity > 1u << 20)
        return STATUS_CONFIG;
    uint32_t slots = 2;
    while (slots < capacity)
        slots *= 2;
    size_t aligned = (slot_bytes + 63) & ~(size_t)63;
    uint8_t *memory = aligned_alloc(64, aligned * slots);
    if (memory == NULL)
        return STATUS_NO_MEMORY;
    ring->slots = memory;
    ring->slot_bytes = aligned;
    ring->mask = slots - 1;
    ring->tail_seen = 0;
    ring->head_seen = 0;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return STATUS_OK;
}

/* After both threads have ended. */
static inline void spsc_ring_destroy(struct spsc_ring *ring)
{
    free(ring->slots);
    ring->slots = NULL;
}

/* Producer: the next slot to fill, or NULL when the ring is full. */
static inline void *spsc_ring_reserve(struct spsc_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ring->tail_seen > ring->mask) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head - ring->tail_seen > ring->mask)
            return NULL;
    }
    return ring->slots + (size_t)(head & ring->mask) * ring->slot_bytes;
}

/* Producer: hands the reserved slot over. */
static inline void spsc_ring_commit(struct spsc_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

/* Consumer: the oldest slot, or NULL when the ring is empty. */
static inline void *spsc_ring_peek(struct spsc_ring *ring)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == ring->head_seen) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail == ring->head_seen)
            return NULL;
    }
    return ring->slots + (size_t)(tail & ring->mask) * ring->slot_bytes;
}

/* Consumer: gives the peeked slot back. */
static inline void spsc_ring_release(struct spsc_ring *ring)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}
