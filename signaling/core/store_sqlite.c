#include "signaling/core/store_private.h"

#include "base/usec.h"

#include <string.h>

#define BUSY_TIMEOUT_MS 2000

#define CLASS_COLUMNS                                                                              \
    "room, id, title, ended, created_ms, started_ms, ended_ms, chat_closed, mode, "                \
    "mode_since_ms, mode_until_ms, counted_ms, counting_ms, lead, lobby, locked"
#define INVITE_COLUMNS                                                                             \
    "id, class_id, role, name, single_use, revoked, created_ms, expires_ms, uses, personal"
#define PARTICIPANT_COLUMNS                                                                        \
    "id, room, invite_id, name, role, kind, joined_ms, resume_hash, previous_hash, left_ms, "      \
    "left_reason, hand_ms, floor, session, publishes_video, share_order, share_audio, camera, "    \
    "http_session, etag, ufrag_hash, help_ms, helper, score, streak, muted, aside, gone_ms"

#define STATEMENT_LIST(X)                                                                          \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(ADD_CLASS, "INSERT INTO classes(id, title, created_ms, room) VALUES(?1, ?2, ?3, ?4)")        \
    X(UPDATE_CLASS,                                                                                \
      "UPDATE classes SET ended = ?2, started_ms = ?3, ended_ms = ?4, chat_closed = ?5, mode = "   \
      "?6, mode_since_ms = ?7, mode_until_ms = ?8, counted_ms = ?9, counting_ms = ?10, lead = "    \
      "?11, lobby = ?12, locked = ?13 WHERE room = ?1")                                            \
    X(FIND_CLASS, "SELECT " CLASS_COLUMNS " FROM classes WHERE id = ?1")                           \
    X(EACH_CLASS,                                                                                  \
      "SELECT " CLASS_COLUMNS " FROM classes WHERE ended <= ?1 ORDER BY room DESC LIMIT ?2")       \
    X(ADD_INVITE, "INSERT INTO invites(id, class_id, role, name, single_use, created_ms, "         \
                  "expires_ms, personal) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                  \
    X(FIND_INVITE, "SELECT " INVITE_COLUMNS " FROM invites WHERE id = ?1")                         \
    X(EACH_INVITE, "SELECT " INVITE_COLUMNS                                                        \
                   " FROM invites WHERE class_id = ?1 ORDER BY created_ms DESC LIMIT ?2")          \
    X(COUNT_INVITES, "SELECT count(*) FROM invites WHERE class_id = ?1")                           \
    X(COUNT_USE, "UPDATE invites SET uses = uses + 1 WHERE id = ?1")                               \
    X(GIVE_BACK_USE, "UPDATE invites SET uses = uses - 1 WHERE id = ?1 AND uses > 0")              \
    X(REVOKE_INVITE, "UPDATE invites SET revoked = 1 WHERE id = ?1")                               \
    X(ADD_PARTICIPANT,                                                                             \
      "INSERT INTO participants(id, room, invite_id, name, role, kind, joined_ms, resume_hash, "   \
      "previous_hash, left_ms, left_reason, hand_ms, floor, session, publishes_video, "            \
      "share_order, share_audio, camera, http_session, etag, ufrag_hash, help_ms, helper, score, " \
      "streak, muted, aside, gone_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "  \
      "?13, ?14, "                                                                                 \
      "?15, "                                                                                      \
      "?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)")                          \
    X(UPDATE_PARTICIPANT,                                                                          \
      "UPDATE participants SET resume_hash = ?8, previous_hash = ?9, left_ms = ?10, "              \
      "left_reason = ?11, hand_ms = ?12, floor = ?13, session = ?14, publishes_video = ?15, "      \
      "share_order = ?16, share_audio = ?17, camera = ?18, http_session = ?19, etag = ?20, "       \
      "ufrag_hash = ?21, help_ms = ?22, helper = ?23, score = ?24, streak = ?25, "                 \
      "muted = ?26, aside = ?27, gone_ms = ?28 "                                                   \
      "WHERE id = ?1")                                                                             \
    X(EACH_PARTICIPANT,                                                                            \
      "SELECT " PARTICIPANT_COLUMNS " FROM participants WHERE left_ms = 0 AND room IN "            \
      "(SELECT room FROM classes WHERE ended = 0) ORDER BY id")

enum statement { STATEMENT_LIST(STORE_STATEMENT_NAME) STATEMENT_COUNT };
static const char *const statement_texts[STATEMENT_COUNT] = {STATEMENT_LIST(STORE_STATEMENT_TEXT)};

enum status store_failed(struct store *store, const char *what)
{
    log_error(&store->log, "store_failed", "what=%s code=%d", what,
              sqlite3_extended_errcode(store->db));
    return STATUS_SYSTEM;
}

enum status store_execute(struct store *store, const char *sql)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_failed(store, "execute");
    return STATUS_OK;
}

enum status store_read_number(struct store *store, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_failed(store, "prepare");
    enum status status = STATUS_SYSTEM;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
        status = STATUS_OK;
    }
    sqlite3_finalize(statement);
    return status == STATUS_OK ? status : store_failed(store, "read");
}

static enum status read_last_numbers(struct store *store)
{
    enum status status = store_read_number(
        store, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'classes'",
        &store->last_room);
    if (status != STATUS_OK)
        return status;
    return store_read_number(store,
                             "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = "
                             "'participants'",
                             &store->last_participant);
}

enum status store_prepare(struct store *store, enum statement_group group, const char *const *texts,
                          size_t count)
{
    store->statements[group] = calloc(count + 1, sizeof(sqlite3_stmt *)); /* ends with NULL */
    if (store->statements[group] == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->statements[group][i], NULL) != SQLITE_OK)
            return store_failed(store, "prepare");
    }
    return STATUS_OK;
}

enum status store_open(struct store **out, const char *path, const struct log *log)
{
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return STATUS_NO_MEMORY;
    if (log != NULL)
        store->log = *log;
    store->last_event = -1;
    enum status status = STATUS_SYSTEM;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
        status = store_failed(store, "open");
        goto done;
    }
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    /* FULL: a commit in WAL mode is on the disk when it returns. */
    status = store_execute(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                  "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;");
    if (status == STATUS_OK)
        status = store_update_schema(store);
    if (status == STATUS_OK)
        status = read_last_numbers(store);
    if (status == STATUS_OK)
        status = store_prepare(store, STATEMENTS_PEOPLE, statement_texts, STATEMENT_COUNT);
    if (status == STATUS_OK)
        status = store_prepare_talk(store);
    if (status == STATUS_OK)
        status = store_prepare_door(store);
done:
    if (status != STATUS_OK) {
        store_close(store);
        return status;
    }
    *out = store;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    for (size_t group = 0; group < STATEMENT_GROUP_COUNT; group++) {
        for (sqlite3_stmt **at = store->statements[group]; at != NULL && *at != NULL; at++)
            sqlite3_finalize(*at);
        free(store->statements[group]);
    }
    sqlite3_close(store->db);
    free(store);
}

/* --- Running one statement */

sqlite3_stmt *store_start(struct store *store, enum statement_group group, size_t which)
{
    sqlite3_stmt *statement = store->statements[group][which];
    sqlite3_reset(statement);
    return statement;
}

static sqlite3_stmt *start(struct store *store, enum statement which)
{
    return store_start(store, STATEMENTS_PEOPLE, which);
}

void store_finish(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

enum status store_run(struct store *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    store_finish(statement);
    if (code == SQLITE_DONE)
        return STATUS_OK;
    if (sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_UNIQUE ||
        sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_PRIMARYKEY)
        return STATUS_EXISTS;
    return store_failed(store, sqlite3_sql(statement));
}

static enum status run(struct store *store, enum statement which)
{
    return store_run(store, store->statements[STATEMENTS_PEOPLE][which]);
}

enum status store_begin_writing(struct store *store)
{
    if (store->in_transaction)
        return STATUS_OK;
    start(store, STATEMENT_BEGIN);
    enum status status = run(store, STATEMENT_BEGIN);
    store->in_transaction = status == STATUS_OK;
    return status;
}

enum status store_commit(struct store *store)
{
    if (!store->in_transaction)
        return STATUS_OK;
    store->in_transaction = false;
    start(store, STATEMENT_COMMIT);
    enum status status = run(store, STATEMENT_COMMIT);
    if (status != STATUS_OK)
        store->last_event = -1;
    if (status != STATUS_OK && sqlite3_get_autocommit(store->db) == 0) {
        start(store, STATEMENT_ROLLBACK);
        if (run(store, STATEMENT_ROLLBACK) != STATUS_OK)
            log_error(&store->log, "store_rollback_failed", "status=%s", status_name(status));
    }
    return status;
}

bool store_is_writing(const struct store *store)
{
    return store->in_transaction;
}

/* Binding fails only for want of memory, and then the step fails or a NOT NULL refuses the row. */
void store_bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    (void)sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

void store_bind_int(sqlite3_stmt *statement, int place, int64_t value)
{
    (void)sqlite3_bind_int64(statement, place, value);
}

static void bind_hash(sqlite3_stmt *statement, int place, const uint8_t *hash)
{
    (void)sqlite3_bind_blob(statement, place, hash, RESUME_HASH_BYTES, SQLITE_STATIC);
}

void store_column_text(sqlite3_stmt *statement, int place, char *out, size_t capacity)
{
    const char *text = (const char *)sqlite3_column_text(statement, place);
    if (text == NULL || !bytes_to_string(bytes_of_string(text), out, capacity))
        out[0] = '\0';
}

uint64_t store_column_uint(sqlite3_stmt *statement, int place)
{
    return (uint64_t)sqlite3_column_int64(statement, place);
}

static void column_hash(sqlite3_stmt *statement, int place, uint8_t *out)
{
    const void *blob = sqlite3_column_blob(statement, place);
    if (blob != NULL && sqlite3_column_bytes(statement, place) == RESUME_HASH_BYTES)
        memcpy(out, blob, RESUME_HASH_BYTES);
}

bool store_column_role(sqlite3_stmt *statement, int place, enum role *out)
{
    const char *text = (const char *)sqlite3_column_text(statement, place);
    return text != NULL && role_find(bytes_of_string(text), out);
}

/* --- Classes */

static enum class_mode column_mode(sqlite3_stmt *statement, int place)
{
    const char *text = (const char *)sqlite3_column_text(statement, place);
    enum class_mode mode = CLASS_LECTURE;
    if (text == NULL || !class_mode_find(bytes_of_string(text), &mode))
        return CLASS_LECTURE;
    return mode;
}

static struct store_class read_class(sqlite3_stmt *statement)
{
    struct store_class entry = {.room = store_column_uint(statement, 0),
                                .ended = sqlite3_column_int(statement, 3) != 0,
                                .created_ms = sqlite3_column_int64(statement, 4),
                                .started_ms = sqlite3_column_int64(statement, 5),
                                .ended_ms = sqlite3_column_int64(statement, 6),
                                .chat_closed = sqlite3_column_int(statement, 7) != 0,
                                .lead = store_column_uint(statement, 13),
                                .lobby = sqlite3_column_int(statement, 14) != 0,
                                .locked = sqlite3_column_int(statement, 15) != 0};
    entry.clock = (struct class_clock){.mode = column_mode(statement, 8),
                                       .since_ms = sqlite3_column_int64(statement, 9),
                                       .until_ms = sqlite3_column_int64(statement, 10),
                                       .counted_ms = sqlite3_column_int64(statement, 11),
                                       .counting_ms = sqlite3_column_int64(statement, 12)};
    store_column_text(statement, 1, entry.id, sizeof entry.id);
    store_column_text(statement, 2, entry.title, sizeof entry.title);
    return entry;
}

enum status store_add_class(struct store *store, struct store_class *entry)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_ADD_CLASS);
    store_bind_text(statement, 1, entry->id);
    store_bind_text(statement, 2, entry->title);
    store_bind_int(statement, 3, entry->created_ms);
    store_bind_int(statement, 4, ++store->last_room);
    status = run(store, STATEMENT_ADD_CLASS);
    if (status == STATUS_OK)
        entry->room = (uint64_t)store->last_room;
    return status;
}

enum status store_update_class(struct store *store, const struct store_class *entry)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_UPDATE_CLASS);
    store_bind_int(statement, 1, (int64_t)entry->room);
    store_bind_int(statement, 2, entry->ended);
    store_bind_int(statement, 3, entry->started_ms);
    store_bind_int(statement, 4, entry->ended_ms);
    store_bind_int(statement, 5, entry->chat_closed);
    store_bind_text(statement, 6, class_mode_name(entry->clock.mode));
    store_bind_int(statement, 7, entry->clock.since_ms);
    store_bind_int(statement, 8, entry->clock.until_ms);
    store_bind_int(statement, 9, entry->clock.counted_ms);
    store_bind_int(statement, 10, entry->clock.counting_ms);
    store_bind_int(statement, 11, (int64_t)entry->lead);
    store_bind_int(statement, 12, entry->lobby);
    store_bind_int(statement, 13, entry->locked);
    return run(store, STATEMENT_UPDATE_CLASS);
}

enum status store_find_row(struct store *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return STATUS_OK;
    return code == SQLITE_DONE ? STATUS_NOT_FOUND : store_failed(store, "find");
}

enum status store_find_class(struct store *store, const char *id, struct store_class *out)
{
    sqlite3_stmt *statement = start(store, STATEMENT_FIND_CLASS);
    store_bind_text(statement, 1, id);
    enum status status = store_find_row(store, statement);
    if (status == STATUS_OK)
        *out = read_class(statement);
    store_finish(statement);
    return status;
}

enum status store_each_class(struct store *store, bool open_only, size_t limit, store_class_fn each,
                             void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_EACH_CLASS);
    store_bind_int(statement, 1, open_only ? 0 : 1);
    store_bind_int(statement, 2, (int64_t)limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_class entry = read_class(statement);
        if (!each(context, &entry))
            break;
    }
    store_finish(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK
                                                     : store_failed(store, "each_class");
}

/* --- Invites */

static bool read_invite(sqlite3_stmt *statement, struct store_invite *out)
{
    *out = (struct store_invite){.single_use = sqlite3_column_int(statement, 4) != 0,
                                 .revoked = sqlite3_column_int(statement, 5) != 0,
                                 .created_ms = sqlite3_column_int64(statement, 6),
                                 .expires_ms = sqlite3_column_int64(statement, 7),
                                 .uses = store_column_uint(statement, 8),
                                 .personal = sqlite3_column_int(statement, 9) != 0};
    store_column_text(statement, 0, out->id, sizeof out->id);
    store_column_text(statement, 1, out->class_id, sizeof out->class_id);
    store_column_text(statement, 3, out->name, sizeof out->name);
    return store_column_role(statement, 2, &out->role);
}

enum status store_add_invite(struct store *store, const struct store_invite *invite)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_ADD_INVITE);
    store_bind_text(statement, 1, invite->id);
    store_bind_text(statement, 2, invite->class_id);
    store_bind_text(statement, 3, role_name(invite->role));
    store_bind_text(statement, 4, invite->name);
    store_bind_int(statement, 5, invite->single_use);
    store_bind_int(statement, 6, invite->created_ms);
    store_bind_int(statement, 7, invite->expires_ms);
    store_bind_int(statement, 8, invite->personal);
    return run(store, STATEMENT_ADD_INVITE);
}

enum status store_find_invite(struct store *store, const char *id, struct store_invite *out)
{
    sqlite3_stmt *statement = start(store, STATEMENT_FIND_INVITE);
    store_bind_text(statement, 1, id);
    struct store_invite invite = {0};
    enum status status = store_find_row(store, statement);
    if (status == STATUS_OK && !read_invite(statement, &invite))
        status = store_failed(store, "read_invite");
    store_finish(statement);
    if (status == STATUS_OK)
        *out = invite;
    return status;
}

static enum status write_invite(struct store *store, enum statement which, const char *id)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    store_bind_text(start(store, which), 1, id);
    return run(store, which);
}

enum status store_count_invite_use(struct store *store, const char *id)
{
    return write_invite(store, STATEMENT_COUNT_USE, id);
}

enum status store_give_back_invite_use(struct store *store, const char *id)
{
    return write_invite(store, STATEMENT_GIVE_BACK_USE, id);
}

enum status store_revoke_invite(struct store *store, const char *id)
{
    return write_invite(store, STATEMENT_REVOKE_INVITE, id);
}

enum status store_count_invites(struct store *store, const char *class_id, uint64_t *count)
{
    sqlite3_stmt *statement = start(store, STATEMENT_COUNT_INVITES);
    store_bind_text(statement, 1, class_id);
    enum status status = store_find_row(store, statement);
    if (status == STATUS_OK)
        *count = store_column_uint(statement, 0);
    store_finish(statement);
    return status;
}

enum status store_each_invite(struct store *store, const char *class_id, store_invite_fn each,
                              void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_EACH_INVITE);
    store_bind_text(statement, 1, class_id);
    store_bind_int(statement, 2, LIMIT_INVITES_LISTED);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_invite invite;
        if (read_invite(statement, &invite) && !each(context, &invite))
            break;
    }
    store_finish(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK
                                                     : store_failed(store, "each_invite");
}

/* --- Participants */

static void bind_participant(sqlite3_stmt *statement, const struct store_participant *p, bool new)
{
    if (new) {
        store_bind_int(statement, 2, (int64_t)p->room);
        store_bind_text(statement, 3, p->invite_id);
        store_bind_text(statement, 4, p->name);
        store_bind_text(statement, 5, role_name(p->role));
        store_bind_int(statement, 6, p->kind);
        store_bind_int(statement, 7, p->joined_ms);
    }
    store_bind_int(statement, 1, (int64_t)p->id);
    bind_hash(statement, 8, p->resume_hash);
    bind_hash(statement, 9, p->previous_hash);
    store_bind_int(statement, 10, p->left_ms);
    store_bind_text(statement, 11, p->left_reason);
    store_bind_int(statement, 12, p->hand_ms);
    store_bind_int(statement, 13, p->floor);
    store_bind_int(statement, 14, p->session);
    store_bind_int(statement, 15, p->publishes_video);
    store_bind_int(statement, 16, p->share_order);
    store_bind_int(statement, 17, p->share_audio);
    store_bind_int(statement, 18, p->camera);
    store_bind_text(statement, 19, p->http_session);
    store_bind_text(statement, 20, p->etag);
    bind_hash(statement, 21, p->ufrag_hash);
    store_bind_int(statement, 22, p->help_ms);
    store_bind_int(statement, 23, (int64_t)p->helper);
    store_bind_int(statement, 24, p->score);
    store_bind_int(statement, 25, p->streak);
    store_bind_int(statement, 26, p->muted);
    store_bind_int(statement, 27, (int64_t)p->aside);
    store_bind_int(statement, 28, p->gone_ms);
}

static bool read_participant(sqlite3_stmt *statement, struct store_participant *out)
{
    int kind = sqlite3_column_int(statement, 5);
    *out = (struct store_participant){.id = store_column_uint(statement, 0),
                                      .room = store_column_uint(statement, 1),
                                      .joined_ms = sqlite3_column_int64(statement, 6),
                                      .left_ms = sqlite3_column_int64(statement, 9),
                                      .hand_ms = sqlite3_column_int64(statement, 11),
                                      .floor = sqlite3_column_int(statement, 12) != 0,
                                      .session = (uint32_t)store_column_uint(statement, 13),
                                      .publishes_video = sqlite3_column_int(statement, 14) != 0,
                                      .share_order = (uint32_t)store_column_uint(statement, 15),
                                      .share_audio = sqlite3_column_int(statement, 16) != 0,
                                      .camera = (uint32_t)store_column_uint(statement, 17),
                                      .help_ms = sqlite3_column_int64(statement, 21),
                                      .helper = store_column_uint(statement, 22),
                                      .score = (uint32_t)store_column_uint(statement, 23),
                                      .streak = (uint32_t)store_column_uint(statement, 24),
                                      .muted = sqlite3_column_int(statement, 25) != 0,
                                      .aside = store_column_uint(statement, 26),
                                      .gone_ms = sqlite3_column_int64(statement, 27)};
    store_column_text(statement, 2, out->invite_id, sizeof out->invite_id);
    store_column_text(statement, 3, out->name, sizeof out->name);
    column_hash(statement, 7, out->resume_hash);
    column_hash(statement, 8, out->previous_hash);
    store_column_text(statement, 10, out->left_reason, sizeof out->left_reason);
    store_column_text(statement, 18, out->http_session, sizeof out->http_session);
    store_column_text(statement, 19, out->etag, sizeof out->etag);
    column_hash(statement, 20, out->ufrag_hash);
    if (kind < PARTICIPANT_PAGE || kind > PARTICIPANT_WHEP)
        return false;
    out->kind = (enum participant_kind)kind;
    return store_column_role(statement, 4, &out->role);
}

enum status store_add_participant(struct store *store, struct store_participant *participant)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    participant->id = (uint64_t)++store->last_participant;
    bind_participant(start(store, STATEMENT_ADD_PARTICIPANT), participant, true);
    status = run(store, STATEMENT_ADD_PARTICIPANT);
    return status;
}

enum status store_update_participant(struct store *store,
                                     const struct store_participant *participant)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    bind_participant(start(store, STATEMENT_UPDATE_PARTICIPANT), participant, false);
    return run(store, STATEMENT_UPDATE_PARTICIPANT);
}

enum status store_each_participant(struct store *store, store_participant_fn each, void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_EACH_PARTICIPANT);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_participant participant;
        if (read_participant(statement, &participant) && !each(context, &participant))
            break;
    }
    store_finish(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : store_failed(store, "each");
}
