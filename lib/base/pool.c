#include "base/pool.h"

#include "base/wipe.h"

#include <stdbool.h>
#include <string.h>

enum status pool_init(struct pool *pool, size_t object_bytes, uint32_t capacity)
{
    if (object_bytes == 0 || capacity == 0 || capacity == UINT32_MAX)
        return STATUS_CONFIG;
    /* Whole cache lines, so that neighbours do not share one. */
    size_t aligned = (object_bytes + 63) & ~(size_t)63;
    struct pool fresh = {.object_bytes = aligned, .capacity = capacity};
    fresh.objects = aligned_alloc(64, aligned * capacity);
    fresh.generations = calloc(capacity, sizeof *fresh.generations);
    fresh.next_free = calloc(capacity, sizeof *fresh.next_free);
    if (fresh.objects == NULL || fresh.generations == NULL || fresh.next_free == NULL) {
        pool_destroy(&fresh);
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < capacity; i++)
        fresh.next_free[i] = i + 1;
    *pool = fresh;
    return STATUS_OK;
}

void pool_destroy(struct pool *pool)
{
    free(pool->objects);
    free(pool->generations);
    free(pool->next_free);
    *pool = (struct pool){0};
}

static void *object_at(const struct pool *pool, uint32_t index)
{
    return pool->objects + (size_t)index * pool->object_bytes;
}

void *pool_take(struct pool *pool, struct pool_handle *handle)
{
    uint32_t index = pool->free_head;
    if (index == pool->capacity)
        return NULL;
    pool->free_head = pool->next_free[index];
    pool->used++;
    pool->generations[index]++;
    *handle = (struct pool_handle){index, pool->generations[index]};
    void *object = object_at(pool, index);
    memset(object, 0, pool->object_bytes);
    return object;
}

static bool is_alive(const struct pool *pool, uint32_t index)
{
    return (pool->generations[index] & 1) != 0;
}

void pool_release(struct pool *pool, struct pool_handle handle)
{
    void *object = pool_find(pool, handle);
    if (object == NULL)
        return;
    memory_wipe(object, pool->object_bytes);
    pool->generations[handle.index]++;
    pool->next_free[handle.index] = pool->free_head;
    pool->free_head = handle.index;
    pool->used--;
}

void *pool_find(const struct pool *pool, struct pool_handle handle)
{
    if (handle.index >= pool->capacity || (handle.generation & 1) == 0 ||
        pool->generations[handle.index] != handle.generation)
        return NULL;
    return object_at(pool, handle.index);
}

void *pool_next(const struct pool *pool, uint32_t *at, struct pool_handle *handle)
{
    while (*at < pool->capacity) {
        uint32_t index = (*at)++;
        if (!is_alive(pool, index))
            continue;
        *handle = (struct pool_handle){index, pool->generations[index]};
        return object_at(pool, index);
    }
    return NULL;
}
