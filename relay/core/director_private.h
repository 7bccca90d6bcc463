/* The director's tables; private to director*.c. */
#pragma once

#include "base/hash_map.h"
#include "base/pool.h"
#include "relay/core/director.h"
#include "relay/core/speaker_detector.h"

#define DIRECTOR_OUT_MAX 16384 /* queued control messages, and as many shard messages */
#define DIRECTOR_OUT_BYTES_MAX ((size_t)32 * 1024 * 1024) /* of each queue, together */
#define DIRECTOR_ASK_BEFORE_US 100000
#define DIRECTOR_VOICES_MAX 64 /* open microphones in one room */

struct director_grant {
    bool open, reserved;
    bool confirmed; /* granted again since signaling connected: resync closes the others */
};

struct director_participant {
    struct pool_handle handle;
    uint64_t id, room;
    uint32_t session;
    uint32_t shard;
    bool present; /* has a transport; otherwise only grants are kept for it */
    bool has_mic; /* negotiated one to send with */
    /* Packets come, as the publication's shard said last. */
    bool active[SEND_SLOT_COUNT];
    enum media_codec codecs[SEND_SLOT_COUNT];
    uint32_t demand[SEND_SLOT_COUNT]; /* encodings that anybody receives; 0: not known */
    enum control_quality screen;      /* what it sees of it */
    enum control_media_state state;
    struct director_grant grants[SEND_SLOT_COUNT];
    uint64_t aside; /* speaks in private with this one, who then does so with it; 0: nobody */
    bool aside_confirmed;
    struct speaker speaker;
    struct shard_participant_stats stats, reported;
    usec_t reported_at;
};

struct director_slot {
    struct publication_ref ref; /* participant 0: nobody */
    bool confirmed;
    usec_t since;
};

struct director_room {
    struct pool_handle handle;
    uint64_t id;
    uint32_t members_on[CONTROL_SHARDS_MAX];
    uint32_t members;
    struct director_slot slots[ROOM_SLOT_COUNT];
    uint64_t voices[DIRECTOR_VOICES_MAX]; /* participants with an open microphone, oldest first */
    size_t voice_count;
    uint64_t speakers[CONTROL_SPEAKERS_MAX]; /* as last told */
    size_t speaker_count;
    usec_t told_at;
};

struct director_shard {
    uint32_t participants, publications;
    struct relay_stats counters;
    uint32_t cpu_permille, loop_p50_us, loop_p99_us;
    bool has_lost_orders; /* what it does is not what we believe any more */
};

/* A queue of heap copies; the message given last is freed at the next poll. */
struct director_queued {
    void *message;
    size_t bytes;
};
struct director_queue {
    struct director_queued *items;
    size_t head, count, bytes;
    void *given;
};

struct director {
    struct director_config config;
    struct log log;
    struct rng rng;
    bool connected;
    bool synced; /* signaling's sync_end has come */
    struct pool participants, rooms;
    struct hash_map participants_by_id, rooms_by_id;
    struct director_shard shards[CONTROL_SHARDS_MAX];
    struct director_machine machine;
    struct director_queue messages, shard_messages;
    usec_t ask_at, report_at, voices_at;
};

struct director_participant *director_find_participant(struct director *d, uint64_t id);
/* Makes it where it is missing; NULL when full. */
struct director_participant *director_add_participant(struct director *d, uint64_t id);
struct director_room *director_find_room(struct director *d, uint64_t id);

void director_answer_ok(struct director *d, uint32_t to);
void director_answer_error(struct director *d, uint32_t to, const char *code, const char *text);

/* director_queue.c */
bool director_queue_init(struct director_queue *q);
/* The message given last is freed with the next. NULL when it is empty. */
void *director_queue_pop(struct director_queue *q);
void director_queue_clear(struct director_queue *q);
/* Queued copies; a full queue drops and logs, and a shard that lost an order is reset. */
/* director_resync.c */
void director_tell_quality(struct director *d, const struct director_participant *p);
void director_tell_demand(struct director *d, const struct director_participant *p,
                          enum send_slot slot);
struct control_message *director_tell(struct director *d, enum control_type type);
struct shard_message *director_order(struct director *d, uint32_t shard,
                                     enum shard_message_type type);

/* director_members.c */
void director_handle_participant_add(struct director *d, usec_t now,
                                     const struct control_message *in);
void director_handle_ice_restart(struct director *d, const struct control_message *in);
void director_handle_grant(struct director *d, usec_t now, const struct control_message *in);
void director_apply_grant(struct director *d, usec_t now, struct director_participant *p,
                          const struct control_grant *grant);
/* director_aside.c */
void director_handle_aside(struct director *d, usec_t now, const struct control_message *in);
void director_end_aside(struct director *d, usec_t now, struct director_participant *p);
bool director_has_grants(const struct director_participant *p);
/* Its transport is gone: it leaves its room and its shard's count; grants kept for it go too. */
void director_forget_participant(struct director *d, usec_t now, struct director_participant *p);
/* The same as forget, and signaling is told. */
void director_close_participant(struct director *d, usec_t now, struct director_participant *p,
                                const char *reason);
void director_tell_state(struct director *d, const struct director_participant *p,
                         const char *reason);
/* Shards that lost orders begin anew, once the queue has emptied: their participants' transports
 * are closed, which signaling hears, and pages make new ones. */
void director_reset_shards(struct director *d, usec_t now);
/* The same as forget, and its shard is told. */
void director_remove_participant(struct director *d, usec_t now, struct director_participant *p);

/* director_resync.c */
void director_handle_sync_end(struct director *d, usec_t now);

/* director_room.c */
/* Nobody is in it and nothing is kept for whoever comes. */
bool director_room_is_unused(const struct director_room *room);
void director_room_free_if_empty(struct director *d, struct director_room *room);
struct director_room *director_room_add(struct director *d, uint64_t id);
void director_room_member_changed(struct director *d, struct director_room *room, uint32_t shard,
                                  int change);
void director_room_bind(struct director *d, usec_t now, struct director_room *room,
                        enum room_slot slot, struct publication_ref ref);
/* The slot was closed: other shards start again with nothing, so that nobody who comes now is shown
 * what was sent before. Its own shard learns it from the grant. */
void director_room_drop_replicas(struct director *d, const struct director_room *room,
                                 const struct director_participant *p, enum send_slot source);
/* Tells one shard all that stands on the room's slots (it has its first member). */
void director_room_brief_shard(struct director *d, struct director_room *room, uint32_t shard);
void director_room_set_voice(struct director *d, usec_t now, struct director_room *room,
                             uint64_t participant, bool open);
/* Everything of this participant leaves the slots. */
void director_room_forget(struct director *d, usec_t now, struct director_room *room,
                          uint64_t participant);
/* Levels have changed or time has passed: voices, voice_any, speakers. */
void director_room_update_voices(struct director *d, usec_t now, struct director_room *room);

/* director_report.c */
void director_report(struct director *d, usec_t now);
