#include "signaling/core/store_private.h"

enum statement { SET_HOLD, FIND_HOLD, LIFT_HOLD, COUNT_HOLDS, STATEMENT_COUNT };

static const char *const statement_texts[STATEMENT_COUNT] = {
    [SET_HOLD] = "INSERT OR REPLACE INTO holds(room, invite_id, name, banned, reason, at_ms) "
                 "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [FIND_HOLD] = "SELECT banned, reason FROM holds WHERE room = ?1 AND invite_id = ?2 AND "
                  "name = ?3",
    [LIFT_HOLD] = "DELETE FROM holds WHERE room = ?1 AND invite_id = ?2 AND name = ?3",
    [COUNT_HOLDS] = "SELECT count(*) FROM holds WHERE room = ?1",
};

enum status store_prepare_door(struct store *store)
{
    return store_prepare(store, STATEMENTS_DOOR, statement_texts, STATEMENT_COUNT);
}

static sqlite3_stmt *start_hold(struct store *store, enum statement which,
                                const struct store_hold *hold)
{
    sqlite3_stmt *statement = store_start(store, STATEMENTS_DOOR, which);
    store_bind_int(statement, 1, (int64_t)hold->room);
    store_bind_text(statement, 2, hold->invite_id);
    store_bind_text(statement, 3, hold->name);
    return statement;
}

enum status store_set_hold(struct store *store, const struct store_hold *hold)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start_hold(store, SET_HOLD, hold);
    store_bind_int(statement, 4, hold->banned);
    store_bind_text(statement, 5, hold->reason);
    store_bind_int(statement, 6, hold->at_ms);
    return store_run(store, statement);
}

enum status store_lift_hold(struct store *store, const struct store_hold *hold)
{
    enum status status = store_begin_writing(store);
    return status == STATUS_OK ? store_run(store, start_hold(store, LIFT_HOLD, hold)) : status;
}

enum status store_find_hold(struct store *store, struct store_hold *hold)
{
    sqlite3_stmt *statement = start_hold(store, FIND_HOLD, hold);
    enum status status = store_find_row(store, statement);
    if (status == STATUS_OK) {
        hold->banned = sqlite3_column_int(statement, 0) != 0;
        store_column_text(statement, 1, hold->reason, sizeof hold->reason);
    }
    store_finish(statement);
    return status;
}

enum status store_count_holds(struct store *store, uint64_t room, uint64_t *count)
{
    sqlite3_stmt *statement = store_start(store, STATEMENTS_DOOR, COUNT_HOLDS);
    store_bind_int(statement, 1, (int64_t)room);
    enum status status = store_find_row(store, statement);
    if (status == STATUS_OK)
        *count = store_column_uint(statement, 0);
    store_finish(statement);
    return status;
}
