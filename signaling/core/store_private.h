/* What the files behind store.h share: the database, and running one statement of it.
 *
 *   store_sqlite.c   opening, transactions, classes, invites, participants
 *   store_schema.c   tables, and how an older database becomes one of today
 *   store_talk.c     messages, polls, the log of events
 *   store_door.c     who was put out */
#pragma once

#include "signaling/core/store.h"

#include <sqlite3.h>

enum statement_group { STATEMENTS_PEOPLE, STATEMENTS_TALK, STATEMENTS_DOOR, STATEMENT_GROUP_COUNT };

struct store {
    sqlite3 *db;
    sqlite3_stmt **statements[STATEMENT_GROUP_COUNT];
    struct log log;
    bool in_transaction;
    /* The largest numbers ever given out, rolled back or not: a number that somebody has seen is
     * never given to anybody else. */
    int64_t last_room, last_participant;
    int64_t last_event; /* written, committed or not; -1: to be read again */
};

/* Logs what failed; always STATUS_SYSTEM. */
enum status store_failed(struct store *store, const char *what);
MUST_CHECK enum status store_execute(struct store *store, const char *sql);
MUST_CHECK enum status store_read_number(struct store *store, const char *sql, int64_t *out);

/* --- store_schema.c */
/* Creates the tables, or brings those of an older program up to date, in one transaction.
 * STATUS_UNSUPPORTED for a database of a newer program. */
MUST_CHECK enum status store_update_schema(struct store *store);

/* --- Running a statement */
/* For a file's list of its own: X(NAME, "SQL"). */
#define STORE_STATEMENT_NAME(name, sql) STATEMENT_##name,
#define STORE_STATEMENT_TEXT(name, sql) sql,
MUST_CHECK enum status store_prepare(struct store *store, enum statement_group group,
                                     const char *const *texts, size_t count);
MUST_CHECK enum status store_begin_writing(struct store *store);
sqlite3_stmt *store_start(struct store *store, enum statement_group group, size_t which);
/* Releases the read lock and the borrowed texts of the statement. */
void store_finish(sqlite3_stmt *statement);
/* Steps a writing statement and finishes it. STATUS_EXISTS when a row with its key is there. */
MUST_CHECK enum status store_run(struct store *store, sqlite3_stmt *statement);
/* Steps to the only row of a look-up: STATUS_NOT_FOUND when there is none. */
MUST_CHECK enum status store_find_row(struct store *store, sqlite3_stmt *statement);

void store_bind_text(sqlite3_stmt *statement, int place, const char *text);
void store_bind_int(sqlite3_stmt *statement, int place, int64_t value);
void store_column_text(sqlite3_stmt *statement, int place, char *out, size_t capacity);
uint64_t store_column_uint(sqlite3_stmt *statement, int place);
bool store_column_role(sqlite3_stmt *statement, int place, enum role *out);

/* --- store_talk.c */
MUST_CHECK enum status store_prepare_talk(struct store *store);

/* --- store_door.c */
MUST_CHECK enum status store_prepare_door(struct store *store);
