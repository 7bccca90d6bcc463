#include "signaling/core/classroom_registry.h"

#include "base/hash.h"

enum status classroom_registry_init(struct classroom_registry *registry, size_t classes_max,
                                    const uint64_t hash_key[2])
{
    *registry = (struct classroom_registry){.hash_key = {hash_key[0], hash_key[1]},
                                            .class_capacity = classes_max};
    registry->classes = calloc(classes_max, sizeof(struct classroom *));
    if (registry->classes == NULL)
        return STATUS_NO_MEMORY;
    enum status status = hash_map_init(&registry->by_id, (uint32_t)classes_max);
    if (status == STATUS_OK)
        status = hash_map_init(&registry->by_room, (uint32_t)classes_max);
    if (status == STATUS_OK)
        status = hash_map_init(&registry->people, LIMIT_PARTICIPANTS);
    if (status == STATUS_OK)
        status = hash_map_init(&registry->by_session, LIMIT_PARTICIPANTS);
    return status;
}

void classroom_registry_destroy(struct classroom_registry *registry)
{
    for (size_t i = 0; i < registry->class_count; i++) {
        classroom_destroy(registry->classes[i]);
        free(registry->classes[i]);
    }
    free(registry->classes);
    hash_map_destroy(&registry->by_id);
    hash_map_destroy(&registry->by_room);
    hash_map_destroy(&registry->people);
    hash_map_destroy(&registry->by_session);
    *registry = (struct classroom_registry){0};
}

static uint64_t hash_text(const struct classroom_registry *registry, const char *text)
{
    return hash_bytes(bytes_of_string(text), registry->hash_key);
}

enum status classroom_registry_open(struct classroom_registry *registry,
                                    const struct store_class *record, struct classroom **out)
{
    if (registry->class_count == registry->class_capacity)
        return STATUS_LIMIT;
    struct classroom *classroom = malloc(sizeof *classroom);
    if (classroom == NULL)
        return STATUS_NO_MEMORY;
    classroom_init(classroom, record);
    uint64_t key = hash_text(registry, record->id);
    enum status status = hash_map_set(&registry->by_id, key, (uint64_t)(uintptr_t)classroom);
    if (status == STATUS_OK)
        status = hash_map_set(&registry->by_room, record->room, (uint64_t)(uintptr_t)classroom);
    CHECK(status == STATUS_OK); /* the maps have as many places as the list */
    registry->classes[registry->class_count++] = classroom;
    *out = classroom;
    return STATUS_OK;
}

void classroom_registry_close(struct classroom_registry *registry, struct classroom *classroom)
{
    hash_map_remove(&registry->by_id, hash_text(registry, classroom->record.id));
    hash_map_remove(&registry->by_room, classroom->record.room);
    size_t at = 0;
    while (registry->classes[at] != classroom)
        at++;
    registry->class_count--;
    memmove(&registry->classes[at], &registry->classes[at + 1],
            (registry->class_count - at) * sizeof(struct classroom *));
    classroom_destroy(classroom);
    free(classroom);
}

struct classroom *classroom_registry_find(const struct classroom_registry *registry,
                                          const char *class_id)
{
    uint64_t place;
    if (!hash_map_find(&registry->by_id, hash_text(registry, class_id), &place))
        return NULL;
    struct classroom *classroom = (struct classroom *)(uintptr_t)place;
    return strcmp(classroom->record.id, class_id) == 0 ? classroom : NULL;
}

struct classroom *classroom_registry_find_room(const struct classroom_registry *registry,
                                               uint64_t room)
{
    uint64_t place;
    return hash_map_find(&registry->by_room, room, &place) ? (struct classroom *)(uintptr_t)place
                                                           : NULL;
}

enum status classroom_registry_enter(struct classroom_registry *registry, struct participant *p)
{
    enum status status = hash_map_set(&registry->people, p->record.id, (uint64_t)(uintptr_t)p);
    if (status != STATUS_OK || p->record.http_session[0] == '\0')
        return status;
    return hash_map_set(&registry->by_session, hash_text(registry, p->record.http_session),
                        (uint64_t)(uintptr_t)p);
}

void classroom_registry_leave(struct classroom_registry *registry, const struct participant *p)
{
    hash_map_remove(&registry->people, p->record.id);
    if (p->record.http_session[0] != '\0')
        hash_map_remove(&registry->by_session, hash_text(registry, p->record.http_session));
}

struct participant *classroom_registry_find_participant(const struct classroom_registry *registry,
                                                        uint64_t participant)
{
    uint64_t place;
    return hash_map_find(&registry->people, participant, &place)
               ? (struct participant *)(uintptr_t)place
               : NULL;
}

struct participant *classroom_registry_find_session(const struct classroom_registry *registry,
                                                    const char *http_session)
{
    uint64_t place;
    if (!hash_map_find(&registry->by_session, hash_text(registry, http_session), &place))
        return NULL;
    struct participant *p = (struct participant *)(uintptr_t)place;
    return strcmp(p->record.http_session, http_session) == 0 ? p : NULL;
}
