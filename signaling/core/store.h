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
    bool chat_closed;
    struct class_clock clock; /* mode and realised time */
    uint64_t lead;            /* participant; 0: nobody yet */
    bool lobby, locked;
};

struct store_invite {
    char id[INVITE_ID_BYTES]; /* the token's jti */
    char class_id[CLASS_ID_BYTES];
    enum role role;
    char name[NAME_BYTES]; /* "" names nobody */
    bool single_use, revoked;
    bool personal; /* one live connection: whoever opens it again takes over */
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
    int64_t gone_ms;                          /* its socket was lost then; 0: is there */
    char left_reason[16];
    int64_t hand_ms; /* 0: not raised */
    bool floor;
    bool muted;           /* closes a microphone that only the mode had opened */
    uint32_t session;     /* number of its newest transport; 0: none yet */
    bool publishes_video; /* WHIP: its screen counts as shared */
    uint32_t share_order; /* 0: shares nothing; the largest of a class is shown */
    bool share_audio;
    uint32_t camera;                     /* 0: none, else camera slot + 1 */
    char http_session[SESSION_ID_BYTES]; /* WHIP and WHEP: the last part of Location */
    char etag[ETAG_BYTES];
    uint8_t ufrag_hash[RESUME_HASH_BYTES]; /* of its ICE user name: tells a restart apart */
    int64_t help_ms;                       /* 0: not ringing */
    uint64_t helper;                       /* who comes; 0: nobody yet */
    uint64_t aside;         /* speaks with this one in private, who then has its id; 0: nobody */
    uint32_t score, streak; /* of quizzes: for itself only */
};

/* Who was put out of a class: a ban, or the order to wait in the lobby. By invite, and by name
 * where the invite names nobody. */
struct store_hold {
    uint64_t room;
    char invite_id[INVITE_ID_BYTES];
    char name[NAME_BYTES]; /* "": the invite names somebody */
    bool banned;
    char reason[REASON_BYTES];
    int64_t at_ms;
};

/* Whom a message is for: one of these, or a participant's id. */
#define MESSAGE_TO_ALL 0
#define MESSAGE_TO_STAFF (-1)

struct store_message {
    uint64_t id;
    uint64_t room, author;
    char name[NAME_BYTES]; /* the author's, when it was written */
    enum role role;
    int64_t recipient;
    const char *text; /* borrowed */
    int64_t at_ms;
    bool question;
    int64_t answered_ms, deleted_ms; /* 0: not */
};

/* Whose messages are asked for: what one viewer may see. */
struct store_message_view {
    uint64_t room, viewer;
    bool staff;
};

struct store_poll {
    uint64_t id, room;
    const char *definition; /* borrowed: JSON (signaling/core/poll_json.h) */
    int64_t at_ms, closed_ms;
    bool shown;
};

struct store_poll_answer {
    uint64_t poll, participant;
    int64_t choices;
    const char *text; /* borrowed */
    int64_t at_ms;
};

struct store_event {
    uint64_t seq;                       /* 1, 2, 3 without a gap */
    const char *type, *class_id, *data; /* borrowed; data is JSON */
    int64_t at_ms;
};

struct store_webhook {
    char url[WEBHOOK_URL_BYTES];
    char secret[WEBHOOK_SECRET_BYTES];
    uint64_t delivered; /* the last seq that was answered with 2xx */
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
/* Whoever came in by it is out again, and may come back. Never below none. */
MUST_CHECK enum status store_give_back_invite_use(struct store *store, const char *id);
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

/* --- Messages (store_talk.c) */
typedef bool (*store_message_fn)(void *context, const struct store_message *message);
/* Sets message->id. */
MUST_CHECK enum status store_add_message(struct store *store, struct store_message *message);
/* Deleting leaves the row, without its text. Find it first: no such message is no error. */
MUST_CHECK enum status store_answer_message(struct store *store, uint64_t id, int64_t at_ms);
MUST_CHECK enum status store_delete_message(struct store *store, uint64_t id, int64_t at_ms);
/* One that is not deleted, as `each` would give it. */
MUST_CHECK enum status store_find_message(struct store *store, uint64_t room, uint64_t id,
                                          store_message_fn each, void *context);
/* Those that the viewer may see and that are not deleted, with smaller ids than `before`, newest
 * first, at most `limit`. */
MUST_CHECK enum status store_each_message_before(struct store *store,
                                                 const struct store_message_view *view,
                                                 uint64_t before, size_t limit,
                                                 store_message_fn each, void *context);
/* All that are not deleted with ids above `after`, oldest first: for handing out. */
MUST_CHECK enum status store_each_message_after(struct store *store, uint64_t room, uint64_t after,
                                                store_message_fn each, void *context);
MUST_CHECK enum status store_last_message(struct store *store, uint64_t room, uint64_t *id,
                                          uint64_t *count);

/* --- Polls */
typedef bool (*store_poll_fn)(void *context, const struct store_poll *poll);
typedef bool (*store_poll_answer_fn)(void *context, const struct store_poll_answer *answer);
MUST_CHECK enum status store_add_poll(struct store *store, struct store_poll *poll); /* sets id */
MUST_CHECK enum status store_update_poll(struct store *store, uint64_t id, int64_t closed_ms,
                                         bool shown);
/* The one before is replaced. */
MUST_CHECK enum status store_set_poll_answer(struct store *store,
                                             const struct store_poll_answer *answer);
/* Of one class, oldest first; then their answers, by poll. */
MUST_CHECK enum status store_each_poll(struct store *store, uint64_t room, store_poll_fn each,
                                       void *context);
MUST_CHECK enum status store_each_poll_answer(struct store *store, uint64_t poll,
                                              store_poll_answer_fn each, void *context);

/* --- Events and webhook */
typedef bool (*store_event_fn)(void *context, const struct store_event *event);
/* Sets event->seq, the next one. */
MUST_CHECK enum status store_add_event(struct store *store, struct store_event *event);
MUST_CHECK enum status store_each_event(struct store *store, uint64_t after, size_t limit,
                                        store_event_fn each, void *context);
/* The newest seq, committed or not; 0: none yet. */
MUST_CHECK enum status store_last_event(struct store *store, uint64_t *seq);
/* STATUS_NOT_FOUND: none is set. */
MUST_CHECK enum status store_get_webhook(struct store *store, struct store_webhook *out);
MUST_CHECK enum status store_set_webhook(struct store *store, const struct store_webhook *webhook);
MUST_CHECK enum status store_remove_webhook(struct store *store);

/* --- The beat: when the service last wrote that it runs. 0: never. */
MUST_CHECK enum status store_set_beat(struct store *store, int64_t at_ms);
MUST_CHECK enum status store_get_beat(struct store *store, int64_t *at_ms);

/* --- Who was put out (store_door.c) */
/* Replaces what was held before against the same. */
MUST_CHECK enum status store_set_hold(struct store *store, const struct store_hold *hold);
/* By room, invite and name. Nothing to lift is success. */
MUST_CHECK enum status store_lift_hold(struct store *store, const struct store_hold *hold);
/* Fills in `banned` and `reason`. STATUS_NOT_FOUND: nothing is held against this one. */
MUST_CHECK enum status store_find_hold(struct store *store, struct store_hold *hold);
MUST_CHECK enum status store_count_holds(struct store *store, uint64_t room, uint64_t *count);
