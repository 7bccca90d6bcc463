/* Deadlines in order: a binary heap of timers that live inside their owners. One thread only. */
#pragma once

#include "base/status.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is an idle timer. The owner must cancel it before its memory goes away. */
struct timer {
    usec_t deadline;
    size_t place; /* index in the heap + 1; 0 when idle */
    void *owner;
};

/* The deadline stands here too: of a thousand timers, each in its owner's memory, to look for one
 * would be slow. */
struct timer_heap_place {
    usec_t deadline;
    struct timer *timer;
};

struct timer_heap {
    struct timer_heap_place *places;
    size_t used;
    size_t capacity;
};

MUST_CHECK enum status timer_heap_init(struct timer_heap *heap, size_t capacity);
void timer_heap_destroy(struct timer_heap *heap);

/* Sets or moves the deadline; USEC_NEVER cancels. The capacity is a hard limit (CHECK): give the
 * heap as many places as there can be timers. */
void timer_heap_arm(struct timer_heap *heap, struct timer *timer, usec_t deadline);
void timer_heap_cancel(struct timer_heap *heap, struct timer *timer);

/* USEC_NEVER when empty. */
usec_t timer_heap_next_timeout(const struct timer_heap *heap);

/* The earliest timer due at `now`, disarmed; NULL when none is. */
struct timer *timer_heap_take_due(struct timer_heap *heap, usec_t now);
