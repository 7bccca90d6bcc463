/* What signaling must not forget: classes, invites and participants. One implementation, SQLite
 * (store_sqlite.c), in WAL mode with synchronous=FULL.
 *
 * Synchronous on purpose: the first write after a commit opens a transaction, and the service
 * commits it before it hands out the first output that depends on it. So what anybody was told is
 * on disk, and one fsync serves everything that happened in one turn of the shell's loop.
 *
 * Every function returns STATUS_OK, STATUS_NOT_FOUND or STATUS_EXISTS where said, or STATUS_SYSTEM
 * when SQLite failed (disk full, I/O error), which is logged. */
#pragma once

#include "base/log.h"
#include "base/status.h"
#include "signaling/core/limits.h"
#include "signaling/core/role_policy.h"

struct store;

struct store_class {
    uint64_t room; /* the relay's number for it, never reused */
    char id[CLASS_ID_BYTES];
    char title[TITLE_BYTES];
    bool ended;
    int64_t created_ms, started_ms, ended_ms; /* since 1970; 0: not yet */
};

struct store_invite {
    char id[INVITE_ID_BYTES]; /* the token's jti */
    char class_id[CLASS_ID_BYTES];
    enum role role;
    char name[NAME_BYTES]; /* "" names nobody */
    bool single_use, revoked;
    int64_t created_ms, expires_ms;
    uint64_t uses;
};

enum participant_kind { PARTICIPANT_PAGE, PARTICIPANT_WHIP, PARTICIPANT_WHEP };

struct store_participant {
    uint64_t id; /* never reused */
    uint64_t room;
    char invite_id[INVITE_ID_BYTES];
    char name[NAME_BYTES];
    enum role role;
    enum participant_kind kind;
    uint8_t resume_hash[RESUME_HASH_BYTES];   /* of the newest resume token */
    uint8_t previous_hash[RESUME_HASH_BYTES]; /* of the one before; zero: none */
    int64_t joined_ms, left_ms;               /* 0: still in class */
    char left_reason[16];
    int64_t hand_ms; /* 0: not raised */
    bool floor;
    uint32_t session;     /* number of its newest transport; 0: none yet */
    bool publishes_video; /* WHIP: its screen counts as shared */
    uint32_t share_order; /* 0: shares nothing; the largest of a class is shown */
    bool share_audio;
    uint32_t camera;                     /* 0: none, else camera slot + 1 */
    char http_session[SESSION_ID_BYTES]; /* WHIP and WHEP: the last part of Location */
    char etag[ETAG_BYTES];
    uint8_t ufrag_hash[RESUME_HASH_BYTES]; /* of its ICE user name: tells a restart apart */
};

/* Opens or creates the database at `path` (":memory:" for tests). STATUS_UNSUPPORTED when a newer
 * program wrote it. */
MUST_CHECK enum status store_open(struct store **out, const char *path, const struct log *log);
void store_close(struct store *store); /* what was not committed is lost; NULL is fine */

/* Makes everything written so far durable; nothing to do is success. On failure the open
 * transaction's writes are gone. */
MUST_CHECK enum status store_commit(struct store *store);
/* Whether something is written and not yet durable. */
bool store_is_writing(const struct store *store);

/* Sets entry->room. STATUS_EXISTS for a known id. */
MUST_CHECK enum status store_add_class(struct store *store, struct store_class *entry);
MUST_CHECK enum status store_update_class(struct store *store, const struct store_class *entry);
MUST_CHECK enum status store_find_class(struct store *store, const char *id,
                                        struct store_class *out);

MUST_CHECK enum status store_add_invite(struct store *store, const struct store_invite *invite);
MUST_CHECK enum status store_find_invite(struct store *store, const char *id,
                                         struct store_invite *out);
MUST_CHECK enum status store_count_invite_use(struct store *store, const char *id);
MUST_CHECK enum status store_revoke_invite(struct store *store, const char *id);
MUST_CHECK enum status store_count_invites(struct store *store, const char *class_id,
                                           uint64_t *count);

/* Sets participant->id. */
MUST_CHECK enum status store_add_participant(struct store *store,
                                             struct store_participant *participant);
/* Writes all that may change: everything but room, invite, name, role, kind and joined_ms. */
MUST_CHECK enum status store_update_participant(struct store *store,
                                                const struct store_participant *participant);

/* Walks: `each` borrows its row and returns false to stop. It must not write to the store. */
typedef bool (*store_class_fn)(void *context, const struct store_class *entry);
typedef bool (*store_invite_fn)(void *context, const struct store_invite *invite);
typedef bool (*store_participant_fn)(void *context, const struct store_participant *participant);
/* Newest first, at most `limit`; only open ones when `open_only`. */
MUST_CHECK enum status store_each_class(struct store *store, bool open_only, size_t limit,
                                        store_class_fn each, void *context);
MUST_CHECK enum status store_each_invite(struct store *store, const char *class_id,
                                         store_invite_fn each, void *context);
/* Those who have not left, of classes that have not ended, in the order of joining. */
MUST_CHECK enum status store_each_participant(struct store *store, store_participant_fn each,
                                              void *context);
