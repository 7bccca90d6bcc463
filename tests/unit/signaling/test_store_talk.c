#define STORE_PATH "test_store_talk.db"
#include "unit/signaling/store_bench.c"

#include <sqlite3.h>

#define TRAINER 1
#define LEARNER 2
#define OTHER 3

static struct store *open_class(struct store_class *entry)
{
    struct store *store = open_store();
    *entry = add_class(store, "c");
    return store;
}

/* What the first version of the program made, with a class and somebody in it. */
static const char version_1[] =
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
    "CREATE INDEX participants_present ON participants(room) WHERE left_ms = 0;"
    "INSERT INTO classes(id, title, created_ms) VALUES('old', 'Soudure', 7);"
    "INSERT INTO participants(room, invite_id, name, role, kind, resume_hash, previous_hash,"
    " joined_ms, hand_ms, ufrag_hash) VALUES(1, 'i', 'Karim', 'learner', 0, zeroblob(32),"
    " zeroblob(32), 8, 9, zeroblob(32));"
    "PRAGMA user_version = 1;";

static void the_database_of_an_older_program_opens_and_keeps_what_is_in_it(void **state)
{
    remove_files();
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(STORE_PATH, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (int opened = 0; opened < 2; opened++) {
        struct store *store = open_store();
        struct store_class found;
        assert_int_equal(store_find_class(store, "old", &found), STATUS_OK);
        assert_string_equal(found.title, "Soudure");
        assert_false(found.chat_closed || found.lobby || found.locked);
        assert_int_equal(found.clock.mode, CLASS_LECTURE);
        struct store_participant p = {0};
        assert_int_equal(store_each_participant(store, keep_participant, &p), STATUS_OK);
        assert_string_equal(p.name, "Karim");
        assert_int_equal(p.hand_ms, 9);
        assert_int_equal(p.score, 0);
        struct store_event event = {.type = "joined", .class_id = "old", .data = "{}"};
        assert_int_equal(store_add_event(store, &event), STATUS_OK);
        assert_int_equal(event.seq, 1);
        store_close(store); /* nothing was committed: the number is free again */
    }
    remove_files();
    (void)state;
}

/* --- Messages */

static uint64_t say(struct store *store, uint64_t room, uint64_t author, int64_t recipient)
{
    struct store_message message = {.room = room,
                                    .author = author,
                                    .name = "A",
                                    .role = author == TRAINER ? ROLE_TRAINER : ROLE_LEARNER,
                                    .recipient = recipient,
                                    .text = "bonjour",
                                    .at_ms = 10};
    assert_int_equal(store_add_message(store, &message), STATUS_OK);
    return message.id;
}

struct ids {
    uint64_t ids[8];
    size_t count;
};

static bool keep_id(void *context, const struct store_message *message)
{
    struct ids *ids = context;
    assert_string_equal(message->text, "bonjour");
    assert_true(ids->count < 8);
    ids->ids[ids->count++] = message->id;
    return true;
}

static struct ids seen_by(struct store *store, uint64_t room, uint64_t viewer, bool staff,
                          uint64_t before, size_t limit)
{
    struct ids ids = {0};
    struct store_message_view view = {.room = room, .viewer = viewer, .staff = staff};
    assert_int_equal(store_each_message_before(store, &view, before, limit, keep_id, &ids),
                     STATUS_OK);
    return ids;
}

static void everybody_finds_in_the_past_what_was_for_them_and_nothing_else(void **state)
{
    remove_files();
    struct store_class entry, elsewhere = {.id = "d", .title = "Autre", .created_ms = 5};
    struct store *store = open_class(&entry);
    assert_int_equal(store_add_class(store, &elsewhere), STATUS_OK);
    uint64_t all = say(store, entry.room, LEARNER, MESSAGE_TO_ALL);
    uint64_t staff = say(store, entry.room, LEARNER, MESSAGE_TO_STAFF);
    uint64_t one = say(store, entry.room, TRAINER, LEARNER);
    uint64_t gone = say(store, entry.room, LEARNER, MESSAGE_TO_ALL);
    (void)say(store, elsewhere.room, LEARNER, MESSAGE_TO_ALL);
    assert_int_equal(store_delete_message(store, gone, 20), STATUS_OK);
    static const struct {
        const char *who;
        uint64_t viewer;
        bool staff;
        size_t count;
    } cases[] = {
        {"the author", LEARNER, false, 3},
        {"another learner", OTHER, false, 1},
        {"the trainer who wrote", TRAINER, true, 3},
        {"another of the staff", 9, true, 2},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ids ids =
            seen_by(store, entry.room, cases[i].viewer, cases[i].staff, UINT64_MAX, 50);
        if (ids.count != cases[i].count)
            fail_msg("%s: %zu", cases[i].who, ids.count);
        assert_int_equal(ids.ids[ids.count - 1], all);
    }
    struct ids newest = seen_by(store, entry.room, LEARNER, false, UINT64_MAX, 2);
    assert_int_equal(newest.count, 2);
    assert_int_equal(newest.ids[0], one);
    assert_int_equal(newest.ids[1], staff);
    struct ids older = seen_by(store, entry.room, LEARNER, false, staff, 2);
    assert_int_equal(older.count, 1);
    assert_int_equal(older.ids[0], all);
    uint64_t last = 0, count = 0;
    assert_int_equal(store_last_message(store, entry.room, &last, &count), STATUS_OK);
    assert_int_equal(last, gone);
    assert_int_equal(count, 4);
    struct ids found = {0};
    assert_int_equal(store_find_message(store, entry.room, gone, keep_id, &found),
                     STATUS_NOT_FOUND);
    assert_int_equal(store_find_message(store, elsewhere.room, all, keep_id, &found),
                     STATUS_NOT_FOUND);
    store_close(store);
    remove_files();
    (void)state;
}

/* --- Polls */

static bool keep_answer(void *context, const struct store_poll_answer *answer)
{
    struct store_poll_answer *last = context;
    last->choices = last->choices * 10 + answer->choices;
    return true;
}

static bool keep_poll(void *context, const struct store_poll *poll)
{
    assert_string_equal(poll->definition, "{}");
    *(struct store_poll *)context = *poll;
    return true;
}

static void the_last_answer_replaces_the_one_before(void **state)
{
    remove_files();
    struct store_class entry;
    struct store *store = open_class(&entry);
    struct store_poll poll = {.room = entry.room, .definition = "{}", .at_ms = 3};
    assert_int_equal(store_add_poll(store, &poll), STATUS_OK);
    for (int64_t choice = 1; choice <= 3; choice++) {
        struct store_poll_answer answer = {
            .poll = poll.id, .participant = choice == 2 ? 8 : 7, .choices = choice, .text = ""};
        assert_int_equal(store_set_poll_answer(store, &answer), STATUS_OK);
    }
    assert_int_equal(store_update_poll(store, poll.id, 99, true), STATUS_OK);
    assert_int_equal(store_commit(store), STATUS_OK);
    store_close(store);
    store = open_store();
    struct store_poll_answer kept = {0};
    assert_int_equal(store_each_poll_answer(store, poll.id, keep_answer, &kept), STATUS_OK);
    assert_int_equal(kept.choices, 32);
    struct store_poll found = {0};
    assert_int_equal(store_each_poll(store, entry.room, keep_poll, &found), STATUS_OK);
    assert_int_equal(found.closed_ms, 99);
    assert_true(found.shown);
    store_close(store);
    remove_files();
    (void)state;
}

/* --- Events */

struct walked {
    uint64_t first, last, count;
};

static bool walk(void *context, const struct store_event *event)
{
    struct walked *walked = context;
    if (walked->count++ == 0)
        walked->first = event->seq;
    else
        assert_int_equal(event->seq, walked->last + 1);
    walked->last = event->seq;
    return true;
}

static void add_event(struct store *store)
{
    struct store_event event = {.type = "joined", .class_id = "c", .data = "{\"a\":1}"};
    assert_int_equal(store_add_event(store, &event), STATUS_OK);
}

static void events_are_numbered_without_a_gap_across_what_a_crash_took(void **state)
{
    remove_files();
    struct store *store = open_store();
    add_event(store);
    add_event(store);
    assert_int_equal(store_commit(store), STATUS_OK);
    add_event(store);
    store_close(store); /* the third was never told to anybody */
    store = open_store();
    add_event(store);
    add_event(store);
    assert_int_equal(store_commit(store), STATUS_OK);
    struct walked all = {0}, some = {0};
    assert_int_equal(store_each_event(store, 0, 100, walk, &all), STATUS_OK);
    assert_int_equal(all.first, 1);
    assert_int_equal(all.count, 4);
    assert_int_equal(store_each_event(store, 1, 2, walk, &some), STATUS_OK);
    assert_int_equal(some.first, 2);
    assert_int_equal(some.last, 3);
    uint64_t last = 0;
    assert_int_equal(store_last_event(store, &last), STATUS_OK);
    assert_int_equal(last, 4);
    store_close(store);
    remove_files();
    (void)state;
}

static void a_webhook_is_set_once_and_remembers_how_far_it_came(void **state)
{
    remove_files();
    struct store *store = open_store();
    struct store_webhook webhook = {.url = "https://a.example/x", .secret = "s", .delivered = 4};
    struct store_webhook found;
    assert_int_equal(store_get_webhook(store, &found), STATUS_NOT_FOUND);
    assert_int_equal(store_set_webhook(store, &webhook), STATUS_OK);
    webhook.delivered = 5;
    assert_int_equal(store_set_webhook(store, &webhook), STATUS_OK);
    assert_int_equal(store_commit(store), STATUS_OK);
    store_close(store);
    store = open_store();
    assert_int_equal(store_get_webhook(store, &found), STATUS_OK);
    assert_string_equal(found.url, webhook.url);
    assert_string_equal(found.secret, "s");
    assert_int_equal(found.delivered, 5);
    assert_int_equal(store_remove_webhook(store), STATUS_OK);
    assert_int_equal(store_get_webhook(store, &found), STATUS_NOT_FOUND);
    store_close(store);
    remove_files();
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_database_of_an_older_program_opens_and_keeps_what_is_in_it),
        cmocka_unit_test(everybody_finds_in_the_past_what_was_for_them_and_nothing_else),
        cmocka_unit_test(the_last_answer_replaces_the_one_before),
        cmocka_unit_test(events_are_numbered_without_a_gap_across_what_a_crash_took),
        cmocka_unit_test(a_webhook_is_set_once_and_remembers_how_far_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
