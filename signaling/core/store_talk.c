#include "signaling/core/store_private.h"

#define MESSAGE_COLUMNS                                                                            \
    "id, room, author, name, role, recipient, text, at_ms, question, answered_ms, deleted_ms"
/* One branch for each reason to see a message, so that every branch walks an index backwards and a
 * long list of what others write in private costs nobody anything. */
#define MESSAGES_FOR(condition)                                                                    \
    "SELECT * FROM (SELECT " MESSAGE_COLUMNS " FROM messages WHERE room = ?1 AND id < ?2 AND "     \
    "deleted_ms = 0 AND " condition " ORDER BY id DESC LIMIT ?3)"
/* clang-format off */
#define MESSAGES_FOR_VIEWER                                                                        \
    MESSAGES_FOR("recipient = 0") " UNION " MESSAGES_FOR("recipient = ?4") " UNION "               \
    MESSAGES_FOR("author = ?4") " UNION " MESSAGES_FOR("?5 AND recipient = -1")                    \
    " ORDER BY id DESC LIMIT ?3"
/* clang-format on */

#define STATEMENT_LIST(X)                                                                          \
    X(ADD_MESSAGE, "INSERT INTO messages(room, author, name, role, recipient, text, at_ms, "       \
                   "question) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                             \
    X(ANSWER_MESSAGE, "UPDATE messages SET answered_ms = ?2 WHERE id = ?1")                        \
    X(DELETE_MESSAGE, "UPDATE messages SET deleted_ms = ?2, text = '' WHERE id = ?1")              \
    X(FIND_MESSAGE,                                                                                \
      "SELECT " MESSAGE_COLUMNS " FROM messages WHERE id = ?1 AND room = ?2 AND deleted_ms = 0")   \
    X(MESSAGES_BEFORE, MESSAGES_FOR_VIEWER)                                                        \
    X(MESSAGES_AFTER, "SELECT " MESSAGE_COLUMNS " FROM messages WHERE room = ?1 AND id > ?2 AND "  \
                      "deleted_ms = 0 ORDER BY id")                                                \
    X(LAST_MESSAGE, "SELECT coalesce(max(id), 0), count(*) FROM messages WHERE room = ?1")         \
    X(ADD_POLL, "INSERT INTO polls(room, definition, at_ms) VALUES(?1, ?2, ?3)")                   \
    X(UPDATE_POLL, "UPDATE polls SET closed_ms = ?2, shown = ?3 WHERE id = ?1")                    \
    X(SET_POLL_ANSWER, "INSERT INTO poll_answers(poll, participant, choices, text, at_ms) "        \
                       "VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET choices = ?3, "       \
                       "text = ?4, at_ms = ?5")                                                    \
    X(EACH_POLL, "SELECT id, room, definition, at_ms, closed_ms, shown FROM polls WHERE room = "   \
                 "?1 ORDER BY id")                                                                 \
    X(EACH_POLL_ANSWER, "SELECT poll, participant, choices, text, at_ms FROM poll_answers WHERE "  \
                        "poll = ?1 ORDER BY at_ms, participant")                                   \
    X(ADD_EVENT, "INSERT INTO events(seq, type, class_id, at_ms, data) VALUES(?1, ?2, ?3, ?4, "    \
                 "?5)")                                                                            \
    X(FORGET_EVENTS, "DELETE FROM events WHERE seq <= ?1")                                         \
    X(EACH_EVENT, "SELECT seq, type, class_id, at_ms, data FROM events WHERE seq > ?1 ORDER BY "   \
                  "seq LIMIT ?2")                                                                  \
    X(GET_WEBHOOK, "SELECT url, secret, delivered FROM webhook WHERE id = 1")                      \
    X(SET_WEBHOOK, "INSERT INTO webhook(id, url, secret, delivered) VALUES(1, ?1, ?2, ?3) ON "     \
                   "CONFLICT DO UPDATE SET url = ?1, secret = ?2, delivered = ?3")                 \
    X(REMOVE_WEBHOOK, "DELETE FROM webhook")                                                       \
    X(SET_BEAT, "INSERT INTO beat(id, at_ms) VALUES(1, ?1) ON CONFLICT DO UPDATE SET at_ms = ?1")

enum statement { STATEMENT_LIST(STORE_STATEMENT_NAME) STATEMENT_COUNT };
static const char *const statement_texts[STATEMENT_COUNT] = {STATEMENT_LIST(STORE_STATEMENT_TEXT)};

enum status store_prepare_talk(struct store *store)
{
    return store_prepare(store, STATEMENTS_TALK, statement_texts, STATEMENT_COUNT);
}

static sqlite3_stmt *start(struct store *store, enum statement which)
{
    return store_start(store, STATEMENTS_TALK, which);
}

static const char *text_of(sqlite3_stmt *statement, int place)
{
    const char *text = (const char *)sqlite3_column_text(statement, place);
    return text != NULL ? text : "";
}

/* After the last row, or after the one at which the walker had enough. */
static enum status end_walk(struct store *store, sqlite3_stmt *statement, int code)
{
    store_finish(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STATUS_OK : store_failed(store, "walk");
}

/* --- Messages */

enum status store_add_message(struct store *store, struct store_message *message)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_ADD_MESSAGE);
    store_bind_int(statement, 1, (int64_t)message->room);
    store_bind_int(statement, 2, (int64_t)message->author);
    store_bind_text(statement, 3, message->name);
    store_bind_text(statement, 4, role_name(message->role));
    store_bind_int(statement, 5, message->recipient);
    store_bind_text(statement, 6, message->text);
    store_bind_int(statement, 7, message->at_ms);
    store_bind_int(statement, 8, message->question);
    status = store_run(store, statement);
    if (status == STATUS_OK)
        message->id = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return status;
}

static enum status mark_message(struct store *store, enum statement which, uint64_t id,
                                int64_t at_ms)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, which);
    store_bind_int(statement, 1, (int64_t)id);
    store_bind_int(statement, 2, at_ms);
    return store_run(store, statement);
}

enum status store_answer_message(struct store *store, uint64_t id, int64_t at_ms)
{
    return mark_message(store, STATEMENT_ANSWER_MESSAGE, id, at_ms);
}

enum status store_delete_message(struct store *store, uint64_t id, int64_t at_ms)
{
    return mark_message(store, STATEMENT_DELETE_MESSAGE, id, at_ms);
}

static bool read_message(sqlite3_stmt *statement, struct store_message *out)
{
    *out = (struct store_message){.id = store_column_uint(statement, 0),
                                  .room = store_column_uint(statement, 1),
                                  .author = store_column_uint(statement, 2),
                                  .recipient = sqlite3_column_int64(statement, 5),
                                  .text = text_of(statement, 6),
                                  .at_ms = sqlite3_column_int64(statement, 7),
                                  .question = sqlite3_column_int(statement, 8) != 0,
                                  .answered_ms = sqlite3_column_int64(statement, 9),
                                  .deleted_ms = sqlite3_column_int64(statement, 10)};
    store_column_text(statement, 3, out->name, sizeof out->name);
    return store_column_role(statement, 4, &out->role);
}

static enum status walk_messages(struct store *store, sqlite3_stmt *statement,
                                 store_message_fn each, void *context)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_message message;
        if (read_message(statement, &message) && !each(context, &message))
            break;
    }
    return end_walk(store, statement, code);
}

enum status store_find_message(struct store *store, uint64_t room, uint64_t id,
                               store_message_fn each, void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_FIND_MESSAGE);
    store_bind_int(statement, 1, (int64_t)id);
    store_bind_int(statement, 2, (int64_t)room);
    enum status status = store_find_row(store, statement);
    struct store_message message;
    if (status == STATUS_OK && !read_message(statement, &message))
        status = store_failed(store, "read_message");
    if (status == STATUS_OK)
        (void)each(context, &message);
    store_finish(statement);
    return status;
}

enum status store_each_message_before(struct store *store, const struct store_message_view *view,
                                      uint64_t before, size_t limit, store_message_fn each,
                                      void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_MESSAGES_BEFORE);
    store_bind_int(statement, 1, (int64_t)view->room);
    store_bind_int(statement, 2, before > INT64_MAX ? INT64_MAX : (int64_t)before);
    store_bind_int(statement, 3, (int64_t)limit);
    store_bind_int(statement, 4, (int64_t)view->viewer);
    store_bind_int(statement, 5, view->staff);
    return walk_messages(store, statement, each, context);
}

enum status store_each_message_after(struct store *store, uint64_t room, uint64_t after,
                                     store_message_fn each, void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_MESSAGES_AFTER);
    store_bind_int(statement, 1, (int64_t)room);
    store_bind_int(statement, 2, (int64_t)after);
    return walk_messages(store, statement, each, context);
}

enum status store_last_message(struct store *store, uint64_t room, uint64_t *id, uint64_t *count)
{
    sqlite3_stmt *statement = start(store, STATEMENT_LAST_MESSAGE);
    store_bind_int(statement, 1, (int64_t)room);
    enum status status = store_find_row(store, statement);
    if (status == STATUS_OK) {
        *id = store_column_uint(statement, 0);
        *count = store_column_uint(statement, 1);
    }
    store_finish(statement);
    return status;
}

/* --- Polls */

enum status store_add_poll(struct store *store, struct store_poll *poll)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_ADD_POLL);
    store_bind_int(statement, 1, (int64_t)poll->room);
    store_bind_text(statement, 2, poll->definition);
    store_bind_int(statement, 3, poll->at_ms);
    status = store_run(store, statement);
    if (status == STATUS_OK)
        poll->id = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return status;
}

enum status store_update_poll(struct store *store, uint64_t id, int64_t closed_ms, bool shown)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_UPDATE_POLL);
    store_bind_int(statement, 1, (int64_t)id);
    store_bind_int(statement, 2, closed_ms);
    store_bind_int(statement, 3, shown);
    return store_run(store, statement);
}

enum status store_set_poll_answer(struct store *store, const struct store_poll_answer *answer)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_SET_POLL_ANSWER);
    store_bind_int(statement, 1, (int64_t)answer->poll);
    store_bind_int(statement, 2, (int64_t)answer->participant);
    store_bind_int(statement, 3, answer->choices);
    store_bind_text(statement, 4, answer->text);
    store_bind_int(statement, 5, answer->at_ms);
    return store_run(store, statement);
}

enum status store_each_poll(struct store *store, uint64_t room, store_poll_fn each, void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_EACH_POLL);
    store_bind_int(statement, 1, (int64_t)room);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_poll poll = {.id = store_column_uint(statement, 0),
                                  .room = store_column_uint(statement, 1),
                                  .definition = text_of(statement, 2),
                                  .at_ms = sqlite3_column_int64(statement, 3),
                                  .closed_ms = sqlite3_column_int64(statement, 4),
                                  .shown = sqlite3_column_int(statement, 5) != 0};
        if (!each(context, &poll))
            break;
    }
    return end_walk(store, statement, code);
}

enum status store_each_poll_answer(struct store *store, uint64_t poll, store_poll_answer_fn each,
                                   void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_EACH_POLL_ANSWER);
    store_bind_int(statement, 1, (int64_t)poll);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_poll_answer answer = {.poll = store_column_uint(statement, 0),
                                           .participant = store_column_uint(statement, 1),
                                           .choices = sqlite3_column_int64(statement, 2),
                                           .text = text_of(statement, 3),
                                           .at_ms = sqlite3_column_int64(statement, 4)};
        if (!each(context, &answer))
            break;
    }
    return end_walk(store, statement, code);
}

/* --- Events */

enum status store_last_event(struct store *store, uint64_t *seq)
{
    if (store->last_event < 0) {
        int64_t last = 0;
        enum status status =
            store_read_number(store, "SELECT coalesce(max(seq), 0) FROM events", &last);
        if (status != STATUS_OK)
            return status;
        store->last_event = last;
    }
    *seq = (uint64_t)store->last_event;
    return STATUS_OK;
}

static enum status forget_events(struct store *store, int64_t seq)
{
    sqlite3_stmt *statement = start(store, STATEMENT_FORGET_EVENTS);
    store_bind_int(statement, 1, seq);
    return store_run(store, statement);
}

enum status store_add_event(struct store *store, struct store_event *event)
{
    uint64_t last = 0;
    enum status status = store_last_event(store, &last);
    if (status == STATUS_OK)
        status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_ADD_EVENT);
    store_bind_int(statement, 1, (int64_t)last + 1);
    store_bind_text(statement, 2, event->type);
    store_bind_text(statement, 3, event->class_id);
    store_bind_int(statement, 4, event->at_ms);
    store_bind_text(statement, 5, event->data);
    status = store_run(store, statement);
    if (status != STATUS_OK)
        return status;
    event->seq = last + 1;
    store->last_event = (int64_t)event->seq;
    return event->seq % 1024 == 0 && event->seq > LIMIT_EVENTS_KEPT
               ? forget_events(store, (int64_t)event->seq - LIMIT_EVENTS_KEPT)
               : STATUS_OK;
}

enum status store_each_event(struct store *store, uint64_t after, size_t limit, store_event_fn each,
                             void *context)
{
    sqlite3_stmt *statement = start(store, STATEMENT_EACH_EVENT);
    store_bind_int(statement, 1, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    store_bind_int(statement, 2, (int64_t)limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_event event = {.seq = store_column_uint(statement, 0),
                                    .type = text_of(statement, 1),
                                    .class_id = text_of(statement, 2),
                                    .at_ms = sqlite3_column_int64(statement, 3),
                                    .data = text_of(statement, 4)};
        if (!each(context, &event))
            break;
    }
    return end_walk(store, statement, code);
}

enum status store_get_webhook(struct store *store, struct store_webhook *out)
{
    sqlite3_stmt *statement = start(store, STATEMENT_GET_WEBHOOK);
    enum status status = store_find_row(store, statement);
    if (status == STATUS_OK) {
        *out = (struct store_webhook){.delivered = store_column_uint(statement, 2)};
        store_column_text(statement, 0, out->url, sizeof out->url);
        store_column_text(statement, 1, out->secret, sizeof out->secret);
    }
    store_finish(statement);
    return status;
}

enum status store_set_webhook(struct store *store, const struct store_webhook *webhook)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_SET_WEBHOOK);
    store_bind_text(statement, 1, webhook->url);
    store_bind_text(statement, 2, webhook->secret);
    store_bind_int(statement, 3, (int64_t)webhook->delivered);
    return store_run(store, statement);
}

enum status store_remove_webhook(struct store *store)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    return store_run(store, start(store, STATEMENT_REMOVE_WEBHOOK));
}

enum status store_set_beat(struct store *store, int64_t at_ms)
{
    enum status status = store_begin_writing(store);
    if (status != STATUS_OK)
        return status;
    sqlite3_stmt *statement = start(store, STATEMENT_SET_BEAT);
    store_bind_int(statement, 1, at_ms);
    return store_run(store, statement);
}

enum status store_get_beat(struct store *store, int64_t *at_ms)
{
    return store_read_number(store, "SELECT coalesce(max(at_ms), 0) FROM beat", at_ms);
}
