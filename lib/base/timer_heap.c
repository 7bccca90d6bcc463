#include "base/timer_heap.h"

enum status timer_heap_init(struct timer_heap *heap, size_t capacity)
{
    if (capacity == 0)
        return STATUS_CONFIG;
    struct timer_heap_place *places = calloc(capacity, sizeof *places);
    if (places == NULL)
        return STATUS_NO_MEMORY;
    *heap = (struct timer_heap){.places = places, .capacity = capacity};
    return STATUS_OK;
}

void timer_heap_destroy(struct timer_heap *heap)
{
    free(heap->places);
    *heap = (struct timer_heap){0};
}

static void put(struct timer_heap *heap, size_t place, struct timer_heap_place what)
{
    heap->places[place - 1] = what;
    what.timer->place = place;
}

static void sift_up(struct timer_heap *heap, struct timer *timer)
{
    struct timer_heap_place own = {timer->deadline, timer};
    size_t place = timer->place;
    while (place > 1 && heap->places[place / 2 - 1].deadline > own.deadline) {
        put(heap, place, heap->places[place / 2 - 1]);
        place /= 2;
    }
    put(heap, place, own);
}

static void sift_down(struct timer_heap *heap, struct timer *timer)
{
    struct timer_heap_place own = {timer->deadline, timer};
    size_t place = timer->place;
    for (;;) {
        size_t child = place * 2;
        if (child > heap->used)
            break;
        if (child < heap->used && heap->places[child].deadline < heap->places[child - 1].deadline)
            child++;
        if (heap->places[child - 1].deadline >= own.deadline)
            break;
        put(heap, place, heap->places[child - 1]);
        place = child;
    }
    put(heap, place, own);
}

void timer_heap_arm(struct timer_heap *heap, struct timer *timer, usec_t deadline)
{
    if (deadline == USEC_NEVER) {
        timer_heap_cancel(heap, timer);
        return;
    }
    if (timer->place == 0) {
        CHECK(heap->used < heap->capacity);
        heap->used++;
        timer->place = heap->used;
    }
    timer->deadline = deadline;
    sift_up(heap, timer);
    sift_down(heap, timer);
}

void timer_heap_cancel(struct timer_heap *heap, struct timer *timer)
{
    if (timer->place == 0)
        return;
    struct timer *last = heap->places[heap->used - 1].timer;
    size_t place = timer->place;
    heap->used--;
    timer->place = 0;
    if (last == timer)
        return;
    last->place = place;
    sift_up(heap, last);
    sift_down(heap, last);
}

usec_t timer_heap_next_timeout(const struct timer_heap *heap)
{
    return heap->used == 0 ? USEC_NEVER : heap->places[0].deadline;
}

struct timer *timer_heap_take_due(struct timer_heap *heap, usec_t now)
{
    if (heap->used == 0 || heap->places[0].deadline > now)
        return NULL;
    struct timer *timer = heap->places[0].timer;
    timer_heap_cancel(heap, timer);
    return timer;
}
