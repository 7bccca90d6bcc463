#include "signaling/core/store_private.h"

#define APPLICATION_ID 0x616d7068 /* "amph" */

/* Step n makes a database of version n one of version n + 1. What has been released is never
 * edited: a change is a further step. */
static const char *const steps[] = {
    "CREATE TABLE classes("
    " room INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,"
    " ended INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL,"
    " started_ms INTEGER NOT NULL DEFAULT 0, ended_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE invites("
    " id TEXT PRIMARY KEY, class_id TEXT NOT NULL REFERENCES classes(id), role TEXT NOT NULL,"
    " name TEXT NOT NULL, single_use INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0,"
    " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, uses INTEGER NOT NULL DEFAULT 0"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX invites_of_class ON invites(class_id, created_ms);"
    "CREATE TABLE participants("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, room INTEGER NOT NULL REFERENCES classes(room),"
    " invite_id TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, kind INTEGER NOT NULL,"
    " resume_hash BLOB NOT NULL, previous_hash BLOB NOT NULL, joined_ms INTEGER NOT NULL,"
    " left_ms INTEGER NOT NULL DEFAULT 0, left_reason TEXT NOT NULL DEFAULT '',"
    " hand_ms INTEGER NOT NULL DEFAULT 0, floor INTEGER NOT NULL DEFAULT 0,"
    " session INTEGER NOT NULL DEFAULT 0, publishes_video INTEGER NOT NULL DEFAULT 0,"
    " share_order INTEGER NOT NULL DEFAULT 0, share_audio INTEGER NOT NULL DEFAULT 0,"
    " camera INTEGER NOT NULL DEFAULT 0, http_session TEXT NOT NULL DEFAULT '',"
    " etag TEXT NOT NULL DEFAULT '', ufrag_hash BLOB NOT NULL) STRICT;"
    "CREATE INDEX participants_present ON participants(room) WHERE left_ms = 0;",

    /* 2: chat, polls, help, the log of events and where it is sent. `recipient` is 0 for all, -1
     * for staff, else a participant. */
    "ALTER TABLE classes ADD COLUMN chat_closed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE participants ADD COLUMN help_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE participants ADD COLUMN helper INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE participants ADD COLUMN score INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE participants ADD COLUMN streak INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE messages("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, room INTEGER NOT NULL REFERENCES classes(room),"
    " author INTEGER NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, recipient INTEGER NOT NULL,"
    " text TEXT NOT NULL, at_ms INTEGER NOT NULL, question INTEGER NOT NULL,"
    " answered_ms INTEGER NOT NULL DEFAULT 0, deleted_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX messages_to ON messages(room, recipient, id);"
    "CREATE INDEX messages_by ON messages(room, author, id);"
    "CREATE TABLE polls("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, room INTEGER NOT NULL REFERENCES classes(room),"
    " definition TEXT NOT NULL, at_ms INTEGER NOT NULL, closed_ms INTEGER NOT NULL DEFAULT 0,"
    " shown INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX polls_of_class ON polls(room, id);"
    "CREATE TABLE poll_answers("
    " poll INTEGER NOT NULL REFERENCES polls(id), participant INTEGER NOT NULL,"
    " choices INTEGER NOT NULL, text TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " PRIMARY KEY(poll, participant)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE events("
    " seq INTEGER PRIMARY KEY, type TEXT NOT NULL, class_id TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " data TEXT NOT NULL) STRICT;"
    "CREATE TABLE webhook("
    " id INTEGER PRIMARY KEY CHECK(id = 1), url TEXT NOT NULL, secret TEXT NOT NULL,"
    " delivered INTEGER NOT NULL) STRICT;",

    /* 3: modes, the lead, the door; muting; personal links; who was put out. */
    "ALTER TABLE classes ADD COLUMN mode TEXT NOT NULL DEFAULT 'lecture';"
    "ALTER TABLE classes ADD COLUMN mode_since_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE classes ADD COLUMN mode_until_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE classes ADD COLUMN counted_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE classes ADD COLUMN counting_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE classes ADD COLUMN lead INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE classes ADD COLUMN lobby INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE classes ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE participants ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE invites ADD COLUMN personal INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE holds("
    " room INTEGER NOT NULL REFERENCES classes(room), invite_id TEXT NOT NULL,"
    " name TEXT NOT NULL, banned INTEGER NOT NULL, reason TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " PRIMARY KEY(room, invite_id, name)) STRICT, WITHOUT ROWID;",

    /* 4: who speaks with whom in private. */
    "ALTER TABLE participants ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;",

    /* 5: until when somebody was there who did not say that they leave. */
    ("ALTER TABLE participants ADD COLUMN gone_ms INTEGER NOT NULL DEFAULT 0;"
     "CREATE TABLE beat(id INTEGER PRIMARY KEY CHECK(id = 1), at_ms INTEGER NOT NULL) STRICT;"),
};

static enum status run_steps(struct store *store, int64_t version)
{
    char pragmas[96];
    snprintf(pragmas, sizeof pragmas, "PRAGMA user_version = %d; PRAGMA application_id = %d;",
             (int)COUNT_OF(steps), APPLICATION_ID);
    enum status status = store_execute(store, "BEGIN IMMEDIATE");
    for (size_t i = (size_t)version; status == STATUS_OK && i < COUNT_OF(steps); i++)
        status = store_execute(store, steps[i]);
    if (status == STATUS_OK)
        status = store_execute(store, pragmas);
    return status == STATUS_OK ? store_execute(store, "COMMIT") : status;
}

enum status store_update_schema(struct store *store)
{
    int64_t version = 0, tables = 0;
    enum status status = store_read_number(store, "PRAGMA user_version", &version);
    if (status == STATUS_OK)
        status = store_read_number(store, "SELECT count(*) FROM sqlite_schema", &tables);
    if (status != STATUS_OK)
        return status;
    bool known = version > 0 ? version <= (int64_t)COUNT_OF(steps) : version == 0 && tables == 0;
    if (!known) {
        log_error(&store->log, "store_version", "found=%d known=%d", (int)version,
                  (int)COUNT_OF(steps));
        return STATUS_UNSUPPORTED;
    }
    return version == (int64_t)COUNT_OF(steps) ? STATUS_OK : run_steps(store, version);
}
