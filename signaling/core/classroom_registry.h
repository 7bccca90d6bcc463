/* All open classes and everybody in them, by number and by id. Ended classes live in the store. */
#pragma once

#include "base/hash_map.h"
#include "signaling/core/classroom.h"

struct classroom_registry {
    uint64_t hash_key[2];       /* class ids come from tokens and URLs */
    struct hash_map by_id;      /* keyed hash of the id -> struct classroom * */
    struct hash_map by_room;    /* room -> struct classroom * */
    struct hash_map people;     /* participant -> struct participant * */
    struct hash_map by_session; /* keyed hash of a WHIP or WHEP session -> participant */
    struct classroom **classes; /* in the order of creation */
    size_t class_count, class_capacity;
};

MUST_CHECK enum status classroom_registry_init(struct classroom_registry *registry,
                                               size_t classes_max, const uint64_t hash_key[2]);
/* Frees every class and participant. */
void classroom_registry_destroy(struct classroom_registry *registry);

/* STATUS_LIMIT with classes_max open. The registry owns the class. */
MUST_CHECK enum status classroom_registry_open(struct classroom_registry *registry,
                                               const struct store_class *record,
                                               struct classroom **out);
/* Forgets and frees it, with whoever is still in it. */
void classroom_registry_close(struct classroom_registry *registry, struct classroom *classroom);

struct classroom *classroom_registry_find(const struct classroom_registry *registry,
                                          const char *class_id);
struct classroom *classroom_registry_find_room(const struct classroom_registry *registry,
                                               uint64_t room);

/* Makes a participant findable, also by its http_session if it has one. STATUS_LIMIT. */
MUST_CHECK enum status classroom_registry_enter(struct classroom_registry *registry,
                                                struct participant *participant);
void classroom_registry_leave(struct classroom_registry *registry,
                              const struct participant *participant);
struct participant *classroom_registry_find_participant(const struct classroom_registry *registry,
                                                        uint64_t participant);
struct participant *classroom_registry_find_session(const struct classroom_registry *registry,
                                                    const char *http_session);
