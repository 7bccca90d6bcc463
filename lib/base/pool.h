/* A slab of equal objects with generation-checked handles. Memory is taken once, at init; a handle
 * to a freed object yields NULL instead of its successor. One thread only. */
#pragma once

#include "base/status.h"

#include <stdint.h>

struct pool_handle {
    uint32_t index;
    uint32_t generation; /* odd while the object lives; 0 never names one */
};

#define POOL_HANDLE_NONE ((struct pool_handle){0})

struct pool {
    uint8_t *objects;
    uint32_t *generations;
    uint32_t *next_free;
    size_t object_bytes;
    uint32_t capacity;
    uint32_t free_head; /* == capacity when full */
    uint32_t used;
};

/* STATUS_NO_MEMORY, or STATUS_CONFIG for a zero size or capacity. */
MUST_CHECK enum status pool_init(struct pool *pool, size_t object_bytes, uint32_t capacity);
void pool_destroy(struct pool *pool);

/* A zeroed object and its handle; NULL when the pool is full. The pool keeps the memory. */
void *pool_take(struct pool *pool, struct pool_handle *handle);
/* Wipes the object. A stale handle is ignored. */
void pool_release(struct pool *pool, struct pool_handle handle);

/* NULL when the object is gone. */
void *pool_find(const struct pool *pool, struct pool_handle handle);

/* Walks the living objects: start with *at = 0; NULL at the end. */
void *pool_next(const struct pool *pool, uint32_t *at, struct pool_handle *handle);
