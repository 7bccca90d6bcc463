#include "unit/relay/director_bench.h"

static void note_told(struct bench *b, const struct control_message *m)
{
    assert_true(b->told_count < TOLD_MAX);
    struct told *t = &b->told[b->told_count++];
    *t = (struct told){.type = m->type, .to = m->to};
    if (m->type == CONTROL_ERROR)
        memcpy(t->code, m->error.code, sizeof t->code);
    if (m->type == CONTROL_PARTICIPANT_ADDED) {
        t->shard = m->participant_added.shard;
        t->candidates = m->participant_added.candidate_count;
        memcpy(t->candidate, m->participant_added.candidates, sizeof t->candidate);
    }
    if (m->type == CONTROL_SLOT_BOUND) {
        t->room = m->slot_bound.room;
        t->slot = m->slot_bound.slot;
        t->participant = m->slot_bound.participant;
    }
    if (m->type == CONTROL_SYNC_PARTICIPANT)
        t->participant = m->sync_participant.participant;
    if (m->type == CONTROL_PUBLICATION) {
        t->participant = m->publication.participant;
        t->source = m->publication.slot;
        t->active = m->publication.active;
    }
    if (m->type == CONTROL_ROOM_STATS && m->room_stats.count > 0)
        t->voice_loss_in_permille = m->room_stats.participants[0].voice_loss_in_permille;
    if (m->type == CONTROL_SPEAKERS)
        t->speakers = m->speakers;
}

void drain(struct bench *b)
{
    const struct control_message *m;
    const struct shard_message *s;
    uint32_t shard;
    while (director_poll_message(b->d, &m))
        note_told(b, m);
    while (director_poll_shard(b->d, &shard, &s)) {
        assert_true(b->ordered_count < TOLD_MAX);
        b->ordered[b->ordered_count++] = (struct ordered){shard, *s};
        if (s->type == SHARD_PARTICIPANT_ADD)
            free(s->participant_add);
    }
}

void forget_output(struct bench *b)
{
    drain(b);
    b->told_count = b->ordered_count = 0;
}

static void start(struct bench *b, uint32_t shards, uint32_t capacity)
{
    struct director_config config = director_config_default();
    config.shard_count = shards;
    config.capacity = capacity;
    config.rooms_max = 8;
    config.address_count = 2;
    memset(b, 0, sizeof *b);
    b->now = SECONDS(1);
    assert_int_equal(director_create(&b->d, b->now, &config), STATUS_OK);
    director_handle_connected(b->d, b->now);
    struct control_message end = {.type = CONTROL_SYNC_END};
    director_handle_message(b->d, b->now, &end);
    forget_output(b);
}

int set_up(void **state)
{
    static struct bench b;
    start(&b, 2, 100);
    *state = &b;
    return 0;
}

int tear_down(void **state)
{
    struct bench *b = *state;
    director_free(b->d);
    b->d = NULL;
    return 0;
}

void restart(struct bench *b, uint32_t shards, uint32_t capacity)
{
    director_free(b->d);
    start(b, shards, capacity);
}

void give(struct bench *b, const struct control_message *m)
{
    director_handle_message(b->d, b->now, m);
    drain(b);
}

void add_session(struct bench *b, uint64_t room, uint64_t participant, uint32_t session)
{
    static struct control_message m; /* large */
    m = (struct control_message){.type = CONTROL_PARTICIPANT_ADD, .id = ++b->next_id};
    m.participant_add.room = room;
    m.participant_add.participant = participant;
    m.participant_add.session = session;
    m.participant_add.send_slots[0].slot = SEND_SLOT_MIC;
    m.participant_add.send_slots[1].slot = SEND_SLOT_SCREEN;
    m.participant_add.send_slot_count = 2;
    give(b, &m);
}

void add(struct bench *b, uint64_t room, uint64_t participant)
{
    add_session(b, room, participant, 1);
}

void grant_as(struct bench *b, uint32_t id, uint64_t participant, enum send_slot slot, bool open,
              bool reserved)
{
    give(b, &(struct control_message){
                .type = CONTROL_GRANT, .id = id, .grant = {participant, slot, open, reserved}});
}

void grant(struct bench *b, uint64_t participant, enum send_slot slot, bool open)
{
    grant_as(b, 0, participant, slot, open, false);
}

void bind_slot(struct bench *b, uint64_t room, enum room_slot slot, uint64_t participant,
               enum send_slot source)
{
    give(b, &(struct control_message){.type = CONTROL_BIND,
                                      .bind = {room, slot, participant, source}});
}

void publish(struct bench *b, uint64_t participant, enum send_slot slot, bool active)
{
    struct shard_message m = {.type = SHARD_PUBLICATION};
    m.publication.ref = (struct publication_ref){participant, slot};
    m.publication.active = active;
    m.publication.codec = MEDIA_CODEC_OPUS;
    director_handle_shard(b->d, b->now, &m);
    drain(b);
}

static void level(struct bench *b, uint64_t participant, uint8_t value)
{
    struct shard_message m = {.type = SHARD_LEVEL};
    m.level.participant = participant;
    m.level.level = value;
    director_handle_shard(b->d, b->now, &m);
    drain(b);
}

void talk(struct bench *b, const uint64_t *who, const uint8_t *levels, size_t count,
          usec_t duration)
{
    for (usec_t end = b->now + duration; b->now < end; b->now += 60000) {
        for (size_t i = 0; i < count; i++)
            level(b, who[i], levels[i]);
        if (director_next_timeout(b->d) <= b->now)
            director_handle_timeout(b->d, b->now);
        drain(b);
    }
}

uint64_t on_slot(struct bench *b, uint64_t room, enum room_slot slot)
{
    const struct director_room *r = director_find_room(b->d, room);
    return r != NULL ? r->slots[slot].ref.participant : 0;
}

bool has_voice_slot(struct bench *b, uint64_t room, uint64_t participant)
{
    for (int i = 0; i < ROOM_VOICE_SLOTS; i++) {
        if (on_slot(b, room, (enum room_slot)(ROOM_SLOT_VOICE_0 + i)) == participant)
            return true;
    }
    return false;
}

size_t count_told(const struct bench *b, enum control_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < b->told_count; i++)
        count += b->told[i].type == type ? 1 : 0;
    return count;
}

size_t count_ordered(const struct bench *b, uint32_t shard, enum shard_message_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < b->ordered_count; i++)
        count += b->ordered[i].shard == shard && b->ordered[i].message.type == type ? 1 : 0;
    return count;
}
