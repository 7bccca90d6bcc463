/* Fixed-capacity map from 64-bit keys to 64-bit values: open addressing, linear probing. Keys that
 * a stranger can choose must be keyed hashes (base/hash.h). One thread only. */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct hash_map_entry {
    uint64_t key;
    uint64_t value;
    bool used;
};

struct hash_map {
    struct hash_map_entry *entries;
    uint32_t mask;
    uint32_t capacity; /* most entries it takes */
    uint32_t used;
};

/* Room for `capacity` entries. STATUS_NO_MEMORY or STATUS_CONFIG. */
MUST_CHECK enum status hash_map_init(struct hash_map *map, uint32_t capacity);
void hash_map_destroy(struct hash_map *map);

/* Adds or replaces. STATUS_LIMIT when full. */
MUST_CHECK enum status hash_map_set(struct hash_map *map, uint64_t key, uint64_t value);
bool hash_map_find(const struct hash_map *map, uint64_t key, uint64_t *value);
void hash_map_remove(struct hash_map *map, uint64_t key);
