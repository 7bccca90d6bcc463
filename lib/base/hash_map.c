#include "base/hash_map.h"

enum status hash_map_init(struct hash_map *map, uint32_t capacity)
{
    if (capacity == 0 || capacity > 1u << 28)
        return STATUS_CONFIG;
    uint32_t slots = 8;
    while (slots < capacity * 2)
        slots *= 2;
    struct hash_map_entry *entries = calloc(slots, sizeof *entries);
    if (entries == NULL)
        return STATUS_NO_MEMORY;
    *map = (struct hash_map){.entries = entries, .mask = slots - 1, .capacity = capacity};
    return STATUS_OK;
}

void hash_map_destroy(struct hash_map *map)
{
    free(map->entries);
    *map = (struct hash_map){0};
}

/* Where a key's search starts; the multiplier is 2^64 divided by the golden ratio. */
static uint32_t home_of(const struct hash_map *map, uint64_t key)
{
    return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) & map->mask;
}

/* The entry with `key`, or the empty one where it would go. */
static struct hash_map_entry *slot_of(const struct hash_map *map, uint64_t key)
{
    uint32_t at = home_of(map, key);
    while (map->entries[at].used && map->entries[at].key != key)
        at = (at + 1) & map->mask;
    return &map->entries[at];
}

enum status hash_map_set(struct hash_map *map, uint64_t key, uint64_t value)
{
    struct hash_map_entry *entry = slot_of(map, key);
    if (!entry->used) {
        if (map->used == map->capacity)
            return STATUS_LIMIT;
        map->used++;
    }
    *entry = (struct hash_map_entry){.key = key, .value = value, .used = true};
    return STATUS_OK;
}

bool hash_map_find(const struct hash_map *map, uint64_t key, uint64_t *value)
{
    const struct hash_map_entry *entry = slot_of(map, key);
    if (!entry->used)
        return false;
    *value = entry->value;
    return true;
}

/* Closes the hole by moving back what was pushed past it, so that no tombstones are needed. */
void hash_map_remove(struct hash_map *map, uint64_t key)
{
    struct hash_map_entry *entry = slot_of(map, key);
    if (!entry->used)
        return;
    map->used--;
    uint32_t hole = (uint32_t)(entry - map->entries);
    uint32_t at = hole;
    for (;;) {
        map->entries[hole].used = false;
        for (;;) {
            at = (at + 1) & map->mask;
            if (!map->entries[at].used)
                return;
            uint32_t home = home_of(map, map->entries[at].key);
            if (((at - home) & map->mask) >= ((at - hole) & map->mask))
                break;
        }
        map->entries[hole] = map->entries[at];
        hole = at;
    }
}
