#define STORE_PATH "test_store.db"
#include "unit/signaling/store_bench.c"

#include <sqlite3.h>

static void what_was_committed_is_there_after_reopening_and_the_rest_is_not(void **state)
{
    remove_files();
    struct store *store = open_store();
    struct store_class kept = add_class(store, "kept");
    assert_true(store_is_writing(store));
    assert_int_equal(store_commit(store), STATUS_OK);
    assert_false(store_is_writing(store));
    (void)add_class(store, "lost");
    store_close(store);

    store = open_store();
    struct store_class found;
    assert_int_equal(store_find_class(store, "kept", &found), STATUS_OK);
    assert_int_equal(found.room, kept.room);
    assert_string_equal(found.title, "Anglais");
    assert_int_equal(store_find_class(store, "lost", &found), STATUS_NOT_FOUND);
    store_close(store);
    remove_files();
    (void)state;
}

static void a_participant_comes_back_as_it_was(void **state)
{
    remove_files();
    struct store *store = open_store();
    struct store_class entry = add_class(store, "c");
    struct store_participant p = {.room = entry.room,
                                  .invite_id = "i",
                                  .name = "Aïcha",
                                  .role = ROLE_LEARNER,
                                  .kind = PARTICIPANT_WHIP,
                                  .joined_ms = 11};
    assert_int_equal(store_add_participant(store, &p), STATUS_OK);
    p.floor = p.share_audio = p.publishes_video = p.muted = true;
    p.hand_ms = 12;
    p.session = 3;
    p.gone_ms = 19;
    p.share_order = 4;
    p.camera = 2;
    memset(p.resume_hash, 1, sizeof p.resume_hash);
    memset(p.previous_hash, 2, sizeof p.previous_hash);
    memset(p.ufrag_hash, 3, sizeof p.ufrag_hash);
    snprintf(p.http_session, sizeof p.http_session, "s");
    snprintf(p.etag, sizeof p.etag, "e");
    assert_int_equal(store_update_participant(store, &p), STATUS_OK);
    assert_int_equal(store_commit(store), STATUS_OK);
    store_close(store);

    store = open_store();
    struct store_participant found = {0};
    assert_int_equal(store_each_participant(store, keep_participant, &found), STATUS_OK);
    assert_int_equal(found.id, p.id);
    assert_string_equal(found.name, p.name);
    assert_int_equal(found.kind, PARTICIPANT_WHIP);
    assert_true(found.floor && found.share_audio && found.publishes_video && found.muted);
    assert_int_equal(found.hand_ms, 12);
    assert_int_equal(found.session, 3);
    assert_int_equal(found.share_order, 4);
    assert_int_equal(found.camera, 2);
    assert_memory_equal(found.resume_hash, p.resume_hash, RESUME_HASH_BYTES);
    assert_memory_equal(found.previous_hash, p.previous_hash, RESUME_HASH_BYTES);
    assert_memory_equal(found.ufrag_hash, p.ufrag_hash, RESUME_HASH_BYTES);
    assert_string_equal(found.http_session, "s");
    assert_string_equal(found.etag, "e");
    assert_int_equal(found.gone_ms, 19);

    found.left_ms = 20;
    assert_int_equal(store_update_participant(store, &found), STATUS_OK);
    memset(&found, 0, sizeof found);
    assert_int_equal(store_each_participant(store, keep_participant, &found), STATUS_OK);
    assert_int_equal(found.id, 0); /* who has left is not restored */
    store_close(store);
    remove_files();
    (void)state;
}

static void numbers_are_never_used_twice(void **state)
{
    remove_files();
    struct store *store = open_store();
    struct store_class entry = add_class(store, "c");
    struct store_participant first = {.room = entry.room}, second = {.room = entry.room};
    assert_int_equal(store_add_participant(store, &first), STATUS_OK);
    assert_int_equal(store_add_participant(store, &second), STATUS_OK);
    assert_true(second.id > first.id);
    struct store_class again = entry;
    assert_int_equal(store_add_class(store, &again), STATUS_EXISTS);
    store_close(store);
    remove_files();
    (void)state;
}

static void an_invite_counts_its_uses_and_can_be_revoked(void **state)
{
    remove_files();
    struct store *store = open_store();
    (void)add_class(store, "c");
    struct store_invite invite = {
        .id = "i", .class_id = "c", .role = ROLE_TRAINER, .single_use = true, .expires_ms = 9};
    assert_int_equal(store_add_invite(store, &invite), STATUS_OK);
    assert_int_equal(store_add_invite(store, &invite), STATUS_EXISTS);
    assert_int_equal(store_give_back_invite_use(store, "i"), STATUS_OK); /* never below none */
    assert_int_equal(store_count_invite_use(store, "i"), STATUS_OK);
    assert_int_equal(store_count_invite_use(store, "i"), STATUS_OK);
    assert_int_equal(store_give_back_invite_use(store, "i"), STATUS_OK);
    assert_int_equal(store_revoke_invite(store, "i"), STATUS_OK);
    struct store_invite found;
    assert_int_equal(store_find_invite(store, "i", &found), STATUS_OK);
    assert_int_equal(found.uses, 1);
    assert_true(found.revoked && found.single_use);
    assert_int_equal(found.role, ROLE_TRAINER);
    assert_int_equal(store_find_invite(store, "' OR 1=1 --", &found), STATUS_NOT_FOUND);
    store_close(store);
    remove_files();
    (void)state;
}

static void a_database_of_a_newer_program_is_left_alone(void **state)
{
    remove_files();
    store_close(open_store());
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(STORE_PATH, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct store *store = NULL;
    assert_int_equal(store_open(&store, STORE_PATH, NULL), STATUS_UNSUPPORTED);
    assert_null(store);
    remove_files();
    assert_int_equal(store_open(&store, "/nonexistent/folder/x.db", NULL), STATUS_SYSTEM);
    (void)state;
}

static void a_class_comes_back_in_its_mode_with_its_clock_and_its_door(void **state)
{
    remove_files();
    struct store *store = open_store();
    struct store_class entry = add_class(store, "c");
    entry.clock = (struct class_clock){CLASS_BREAK, 11, 12, 13, 14};
    entry.lead = 15;
    entry.lobby = entry.locked = entry.chat_closed = true;
    assert_int_equal(store_update_class(store, &entry), STATUS_OK);
    assert_int_equal(store_commit(store), STATUS_OK);
    store_close(store);
    store = open_store();
    struct store_class found;
    assert_int_equal(store_find_class(store, "c", &found), STATUS_OK);
    assert_int_equal(found.clock.mode, CLASS_BREAK);
    assert_int_equal(found.clock.since_ms, 11);
    assert_int_equal(found.clock.until_ms, 12);
    assert_int_equal(found.clock.counted_ms, 13);
    assert_int_equal(found.clock.counting_ms, 14);
    assert_int_equal(found.lead, 15);
    assert_true(found.lobby && found.locked && found.chat_closed);
    store_close(store);
    remove_files();
    (void)state;
}

static void what_is_held_against_somebody_is_found_by_invite_and_name(void **state)
{
    remove_files();
    struct store *store = open_store();
    struct store_class entry = add_class(store, "c");
    struct store_hold hold = {.room = entry.room,
                              .invite_id = "i",
                              .name = "Max",
                              .banned = true,
                              .reason = "Insultes",
                              .at_ms = 5};
    assert_int_equal(store_set_hold(store, &hold), STATUS_OK);
    struct store_hold found = {.room = entry.room, .invite_id = "i", .name = "Max"};
    assert_int_equal(store_find_hold(store, &found), STATUS_OK);
    assert_true(found.banned);
    assert_string_equal(found.reason, "Insultes");
    struct store_hold other = {.room = entry.room, .invite_id = "i", .name = "Eva"};
    assert_int_equal(store_find_hold(store, &other), STATUS_NOT_FOUND);
    hold.banned = false; /* the newer word counts */
    assert_int_equal(store_set_hold(store, &hold), STATUS_OK);
    assert_int_equal(store_find_hold(store, &found), STATUS_OK);
    assert_false(found.banned);
    uint64_t count = 0;
    assert_int_equal(store_count_holds(store, entry.room, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(store_lift_hold(store, &hold), STATUS_OK);
    assert_int_equal(store_find_hold(store, &found), STATUS_NOT_FOUND);
    store_close(store);
    remove_files();
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_is_there_after_reopening_and_the_rest_is_not),
        cmocka_unit_test(a_participant_comes_back_as_it_was),
        cmocka_unit_test(numbers_are_never_used_twice),
        cmocka_unit_test(an_invite_counts_its_uses_and_can_be_revoked),
        cmocka_unit_test(a_database_of_a_newer_program_is_left_alone),
        cmocka_unit_test(a_class_comes_back_in_its_mode_with_its_clock_and_its_door),
        cmocka_unit_test(what_is_held_against_somebody_is_found_by_invite_and_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
