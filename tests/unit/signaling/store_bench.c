#include "unit/signaling/store_bench.h"

void remove_files(void)
{
    (void)remove(STORE_PATH);
    (void)remove(STORE_PATH "-wal");
    (void)remove(STORE_PATH "-shm");
}

struct store *open_store(void)
{
    struct store *store = NULL;
    assert_int_equal(store_open(&store, STORE_PATH, NULL), STATUS_OK);
    return store;
}

struct store_class add_class(struct store *store, const char *id)
{
    struct store_class entry = {.title = "Anglais", .created_ms = 5};
    snprintf(entry.id, sizeof entry.id, "%s", id);
    assert_int_equal(store_add_class(store, &entry), STATUS_OK);
    return entry;
}

bool keep_participant(void *context, const struct store_participant *participant)
{
    *(struct store_participant *)context = *participant;
    return true;
}
