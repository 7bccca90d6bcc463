/* A director whose answers and orders are kept, for its tests: what it said to signaling (told),
 * and to the shards (ordered). */
#pragma once

#include "relay/core/director_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TOLD_MAX 6000

/* What a test looks at of a control message; the director's own lives only until the next call. */
struct told {
    uint32_t voice_loss_in_permille; /* of the first one in room_stats */
    enum control_type type;
    uint32_t to;
    char code[32];
    uint32_t shard;
    size_t candidates;
    struct control_candidate candidate[4]; /* the first of them */
    uint64_t room, participant;
    enum room_slot slot;
    enum send_slot source;
    bool active;
    struct control_speakers speakers;
};

struct ordered {
    uint32_t shard;
    struct shard_message message;
};

struct bench {
    usec_t now;
    struct director *d;
    struct told told[TOLD_MAX];
    size_t told_count;
    struct ordered ordered[TOLD_MAX];
    size_t ordered_count;
    uint32_t next_id;
};

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

void drain(struct bench *b);
void forget_output(struct bench *b);
int set_up(void **state);
int tear_down(void **state);
void restart(struct bench *b, uint32_t shards, uint32_t capacity);
void give(struct bench *b, const struct control_message *m);
void add_session(struct bench *b, uint64_t room, uint64_t participant, uint32_t session);
void add(struct bench *b, uint64_t room, uint64_t participant);
void grant_as(struct bench *b, uint32_t id, uint64_t participant, enum send_slot slot, bool open,
              bool reserved);
void grant(struct bench *b, uint64_t participant, enum send_slot slot, bool open);
void bind_slot(struct bench *b, uint64_t room, enum room_slot slot, uint64_t participant,
               enum send_slot source);
void publish(struct bench *b, uint64_t participant, enum send_slot slot, bool active);
/* Everybody named speaks at the same time, at these levels. */
void talk(struct bench *b, const uint64_t *who, const uint8_t *levels, size_t count,
          usec_t duration);
uint64_t on_slot(struct bench *b, uint64_t room, enum room_slot slot);
bool has_voice_slot(struct bench *b, uint64_t room, uint64_t participant);
size_t count_told(const struct bench *b, enum control_type type);
size_t count_ordered(const struct bench *b, uint32_t shard, enum shard_message_type type);
