#include "relay/core/director_private.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TOLD_MAX 6000

/* What a test looks at of a control message; the director's own lives only until the next call. */
struct told {
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
    if (m->type == CONTROL_SPEAKERS)
        t->speakers = m->speakers;
}

static void drain(struct bench *b)
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

static void forget_output(struct bench *b)
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

static int set_up(void **state)
{
    static struct bench b;
    start(&b, 2, 100);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    director_free(b->d);
    b->d = NULL;
    return 0;
}

static void restart(struct bench *b, uint32_t shards, uint32_t capacity)
{
    director_free(b->d);
    start(b, shards, capacity);
}

static void give(struct bench *b, const struct control_message *m)
{
    director_handle_message(b->d, b->now, m);
    drain(b);
}

static void add_session(struct bench *b, uint64_t room, uint64_t participant, uint32_t session)
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

static void add(struct bench *b, uint64_t room, uint64_t participant)
{
    add_session(b, room, participant, 1);
}

static void grant_as(struct bench *b, uint32_t id, uint64_t participant, enum send_slot slot,
                     bool open, bool reserved)
{
    give(b, &(struct control_message){
                .type = CONTROL_GRANT, .id = id, .grant = {participant, slot, open, reserved}});
}

static void grant(struct bench *b, uint64_t participant, enum send_slot slot, bool open)
{
    grant_as(b, 0, participant, slot, open, false);
}

static void bind_slot(struct bench *b, uint64_t room, enum room_slot slot, uint64_t participant,
                      enum send_slot source)
{
    give(b, &(struct control_message){.type = CONTROL_BIND,
                                      .bind = {room, slot, participant, source}});
}

static void publish(struct bench *b, uint64_t participant, enum send_slot slot, bool active)
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

/* Everybody named speaks at the same time, at these levels. */
static void talk(struct bench *b, const uint64_t *who, const uint8_t *levels, size_t count,
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

static uint64_t on_slot(struct bench *b, uint64_t room, enum room_slot slot)
{
    const struct director_room *r = director_find_room(b->d, room);
    return r != NULL ? r->slots[slot].ref.participant : 0;
}

static bool has_voice_slot(struct bench *b, uint64_t room, uint64_t participant)
{
    for (int i = 0; i < ROOM_VOICE_SLOTS; i++) {
        if (on_slot(b, room, (enum room_slot)(ROOM_SLOT_VOICE_0 + i)) == participant)
            return true;
    }
    return false;
}

static size_t count_told(const struct bench *b, enum control_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < b->told_count; i++)
        count += b->told[i].type == type ? 1 : 0;
    return count;
}

static size_t count_ordered(const struct bench *b, uint32_t shard, enum shard_message_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < b->ordered_count; i++)
        count += b->ordered[i].shard == shard && b->ordered[i].message.type == type ? 1 : 0;
    return count;
}

static void each_address_is_offered_for_tcp_too_and_always_behind_udp(void **state)
{
    struct bench *b = *state;
    b->d->config.media_tcp = true;
    add(b, 1, 1);
    const struct control_candidate *c = b->told[0].candidate;
    assert_int_equal(b->told[0].candidates, 4);
    for (size_t i = 0; i < 4; i += 2) {
        assert_false(c[i].tcp);
        assert_true(c[i + 1].tcp);
        assert_true(net_addr_equal(&c[i].addr, &c[i + 1].addr));
    }
    assert_true(c[0].priority > c[2].priority && c[2].priority > c[1].priority &&
                c[1].priority > c[3].priority);
}

static void participants_spread_over_the_shards(void **state)
{
    struct bench *b = *state;
    restart(b, 4, 100);
    size_t on[4] = {0};
    for (uint64_t id = 1; id <= 40; id++)
        add(b, 1, id);
    assert_int_equal(b->told_count, 40);
    for (size_t i = 0; i < b->told_count; i++) {
        assert_int_equal(b->told[i].type, CONTROL_PARTICIPANT_ADDED);
        assert_int_equal(b->told[i].to, i + 1);
        assert_int_equal(b->told[i].candidates, 2);
        on[b->told[i].shard]++;
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(on[i], 10);
        assert_int_equal(count_ordered(b, (uint32_t)i, SHARD_PARTICIPANT_ADD), 10);
    }
}

static void a_shard_learns_of_the_room_before_it_gets_a_member(void **state)
{
    struct bench *b = *state;
    bool knows[2] = {false, false};
    add(b, 7, 1);
    add(b, 7, 2);
    for (size_t i = 0; i < b->ordered_count; i++) {
        const struct ordered *o = &b->ordered[i];
        if (o->message.type == SHARD_ROOM)
            knows[o->shard] = o->message.room.members >> o->shard & 1;
        if (o->message.type == SHARD_PARTICIPANT_ADD)
            assert_true(knows[o->shard]);
    }
    assert_true(knows[0] && knows[1]);
}

static void a_full_relay_says_so_and_takes_the_next_when_one_has_left(void **state)
{
    struct bench *b = *state;
    restart(b, 2, 3);
    for (uint64_t id = 1; id <= 4; id++)
        add(b, id, id);
    assert_int_equal(b->told[3].type, CONTROL_ERROR);
    assert_string_equal(b->told[3].code, "full");
    assert_null(director_find_room(b->d, 4));
    give(b, &(struct control_message){.type = CONTROL_PARTICIPANT_REMOVE,
                                      .participant_remove = {2, 1}});
    forget_output(b);
    add(b, 4, 4);
    assert_int_equal(b->told[0].type, CONTROL_PARTICIPANT_ADDED);
    forget_output(b);
    add_session(b, 4, 4, 2); /* replaces its own: no further place */
    assert_int_equal(b->told[0].type, CONTROL_PARTICIPANT_ADDED);
}

static void an_older_session_is_stale_and_a_newer_one_replaces(void **state)
{
    struct bench *b = *state;
    add_session(b, 1, 1, 5);
    forget_output(b);
    add_session(b, 1, 1, 4);
    assert_int_equal(b->told[0].type, CONTROL_ERROR);
    assert_string_equal(b->told[0].code, "stale_session");
    assert_int_equal(b->ordered_count, 0);
    give(b, &(struct control_message){.type = CONTROL_PARTICIPANT_REMOVE,
                                      .participant_remove = {1, 4}});
    assert_true(director_find_participant(b->d, 1)->present); /* meant an older one */
    forget_output(b);
    add_session(b, 1, 1, 6);
    assert_int_equal(count_told(b, CONTROL_PARTICIPANT_ADDED), 1);
    assert_int_equal(count_ordered(b, 0, SHARD_PARTICIPANT_REMOVE) +
                         count_ordered(b, 1, SHARD_PARTICIPANT_REMOVE),
                     1);
}

static void a_grant_may_come_before_its_participant(void **state)
{
    struct bench *b = *state;
    grant(b, 1, SEND_SLOT_SCREEN, true);
    assert_int_equal(b->ordered_count, 0);
    add(b, 1, 1);
    bool added = false;
    bool granted = false;
    for (size_t i = 0; i < b->ordered_count; i++) {
        const struct shard_message *m = &b->ordered[i].message;
        added = added || m->type == SHARD_PARTICIPANT_ADD;
        granted = granted || (added && m->type == SHARD_GRANT && m->grant.open &&
                              m->grant.slot == SEND_SLOT_SCREEN);
    }
    assert_true(granted);
}

static void a_new_session_begins_with_closed_slots(void **state)
{
    struct bench *b = *state;
    add_session(b, 1, 1, 1);
    grant(b, 1, SEND_SLOT_MIC, true);
    assert_true(has_voice_slot(b, 1, 1));
    forget_output(b);
    add_session(b, 1, 1, 2);
    assert_int_equal(count_ordered(b, 0, SHARD_GRANT) + count_ordered(b, 1, SHARD_GRANT), 0);
    assert_false(has_voice_slot(b, 1, 1));
    /* The same when the transport had closed by itself in between. */
    grant(b, 1, SEND_SLOT_MIC, true);
    struct shard_message closed = {.type = SHARD_STATE};
    closed.state.participant = 1;
    closed.state.session = 2;
    closed.state.state = CONTROL_MEDIA_CLOSED;
    director_handle_shard(b->d, b->now, &closed);
    forget_output(b);
    add_session(b, 1, 1, 3);
    assert_int_equal(count_ordered(b, 0, SHARD_GRANT) + count_ordered(b, 1, SHARD_GRANT), 0);
}

static void waiting_grants_do_not_pile_up(void **state)
{
    struct bench *b = *state;
    for (uint64_t id = 1; id <= 1000; id++) { /* more than there are places */
        grant(b, id, SEND_SLOT_MIC, true);
        grant(b, id, SEND_SLOT_MIC, false);
        grant(b, id, SEND_SLOT_SCREEN, false);
    }
    assert_int_equal(b->d->participants.used, 0);
    assert_int_equal(b->told_count, 0);
}

static void unnumbered_messages_are_done_and_never_answered(void **state)
{
    struct bench *b = *state;
    add(b, 1, 1);
    forget_output(b);
    grant(b, 1, SEND_SLOT_SCREEN, true);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN);
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_SCREEN), 1);
    bind_slot(b, 1, ROOM_SLOT_VOICE_0, 1, SEND_SLOT_MIC);  /* the relay's own affair */
    bind_slot(b, 1, ROOM_SLOT_CAMERA_0, 1, SEND_SLOT_MIC); /* no voice on a video slot */
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_CAMERA_0), 0);
    give(b, &(struct control_message){.type = CONTROL_PARTICIPANT_REMOVE,
                                      .participant_remove = {9, 1}});
    give(b, &(struct control_message){.type = CONTROL_ROOM_CLOSE, .room_close = 9});
    give(b, &(struct control_message){.type = CONTROL_ROOM_CLOSE, .room_close = 1});
    assert_null(director_find_participant(b->d, 1));
    for (size_t i = 0; i < b->told_count; i++)
        assert_int_equal(b->told[i].type, CONTROL_SLOT_BOUND);
}

static void numbered_messages_are_answered_with_their_number(void **state)
{
    struct bench *b = *state;
    static const struct {
        struct control_message message;
        const char *code; /* NULL: ok */
    } cases[] = {
        {{.type = CONTROL_GRANT, .id = 70, .grant = {1, SEND_SLOT_MIC, true, false}}, NULL},
        {{.type = CONTROL_BIND, .id = 71, .bind = {1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN}},
         NULL},
        {{.type = CONTROL_BIND, .id = 72, .bind = {1, ROOM_SLOT_VOICE_1, 1, SEND_SLOT_MIC}},
         "bad_parameters"},
        {{.type = CONTROL_BIND, .id = 73, .bind = {1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_MIC}},
         "bad_parameters"},
        {{.type = CONTROL_PARTICIPANT_REMOVE, .id = 74, .participant_remove = {8, 8}}, NULL},
        {{.type = CONTROL_ICE_RESTART, .id = 75, .ice_restart = {.participant = 8}}, "not_found"},
        {{.type = CONTROL_ROOM_CLOSE, .id = 76, .room_close = 8}, NULL},
        {{.type = CONTROL_SPEAKERS, .id = 77}, "bad_parameters"},
    };
    add(b, 1, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool answered = false;
        forget_output(b);
        give(b, &cases[i].message);
        for (size_t k = 0; k < b->told_count; k++) {
            if (b->told[k].to != cases[i].message.id)
                continue;
            answered = true;
            assert_int_equal(b->told[k].type, cases[i].code == NULL ? CONTROL_OK : CONTROL_ERROR);
            assert_string_equal(b->told[k].code, cases[i].code == NULL ? "" : cases[i].code);
        }
        assert_true(answered);
    }
}

static void the_first_three_voices_have_slots_at_once(void **state)
{
    struct bench *b = *state;
    for (uint64_t id = 1; id <= 4; id++) {
        add(b, 1, id);
        grant(b, id, SEND_SLOT_MIC, true);
    }
    for (uint64_t id = 1; id <= 3; id++)
        assert_true(has_voice_slot(b, 1, id));
    assert_false(has_voice_slot(b, 1, 4));
    grant(b, 2, SEND_SLOT_MIC, false); /* whoever waits has its place without speaking */
    assert_true(has_voice_slot(b, 1, 4));
}

static void four_open(struct bench *b, bool first_reserved)
{
    for (uint64_t id = 1; id <= 4; id++) {
        add(b, 1, id);
        grant_as(b, 0, id, SEND_SLOT_MIC, true, first_reserved && id == 1);
        publish(b, id, SEND_SLOT_MIC, true);
    }
}

static void a_fourth_speaker_takes_the_weakest_voice_but_not_at_once(void **state)
{
    struct bench *b = *state;
    static const uint64_t three[] = {1, 2, 3};
    static const uint64_t four[] = {1, 2, 3, 4};
    four_open(b, false);
    talk(b, three, (const uint8_t[]){10, 30, 15}, 3, SECONDS(2));
    talk(b, four, (const uint8_t[]){10, 30, 15, 27}, 4, SECONDS(3));
    assert_false(has_voice_slot(b, 1, 4)); /* 3 dB louder: not worth a cut */
    talk(b, four, (const uint8_t[]){10, 30, 15, 12}, 4, MILLISECONDS(300));
    assert_true(has_voice_slot(b, 1, 4));
    assert_false(has_voice_slot(b, 1, 2));
    /* Now the other way round: the new voice keeps its place for a second. */
    talk(b, four, (const uint8_t[]){10, 2, 15, 30}, 4, MILLISECONDS(300));
    assert_true(has_voice_slot(b, 1, 4));
    talk(b, four, (const uint8_t[]){10, 2, 15, 30}, 4, SECONDS(2));
    assert_true(has_voice_slot(b, 1, 2));
}

static void a_silent_voice_makes_room_for_one_that_speaks(void **state)
{
    struct bench *b = *state;
    four_open(b, false);
    talk(b, (const uint64_t[]){1, 2, 4}, (const uint8_t[]){10, 10, 35}, 3, SECONDS(1));
    assert_true(has_voice_slot(b, 1, 4));
    assert_false(has_voice_slot(b, 1, 3));
}

static void a_reserved_voice_holds_its_slot_while_it_sends(void **state)
{
    struct bench *b = *state;
    four_open(b, true);
    static const uint64_t others[] = {2, 3, 4};
    talk(b, others, (const uint8_t[]){5, 20, 5}, 3, SECONDS(4));
    assert_true(has_voice_slot(b, 1, 1)); /* silent, but its own */
    assert_true(has_voice_slot(b, 1, 4));
    publish(b, 1, SEND_SLOT_MIC, false);
    talk(b, others, (const uint8_t[]){5, 20, 5}, 3, SECONDS(1));
    assert_false(has_voice_slot(b, 1, 1)); /* sends nothing: others speak */
    publish(b, 1, SEND_SLOT_MIC, true);
    assert_true(has_voice_slot(b, 1, 1)); /* and is back with its first packet */
}

static void closing_a_microphone_ends_its_claim_until_it_sends_again(void **state)
{
    struct bench *b = *state;
    four_open(b, true);
    grant_as(b, 0, 1, SEND_SLOT_MIC, false, false);
    assert_false(has_voice_slot(b, 1, 1));
    publish(b, 1, SEND_SLOT_MIC, true); /* was still under way */
    assert_false(has_voice_slot(b, 1, 1));
    grant_as(b, 0, 1, SEND_SLOT_MIC, true, true);
    assert_false(has_voice_slot(b, 1, 1));
    publish(b, 1, SEND_SLOT_MIC, true);
    assert_true(has_voice_slot(b, 1, 1));
}

static void the_one_line_follows_the_reserved_voice_or_whoever_speaks(void **state)
{
    struct bench *b = *state;
    static const uint64_t learner[] = {2};
    static const uint64_t both[] = {1, 2};
    add(b, 1, 1);
    add(b, 1, 2);
    grant_as(b, 0, 1, SEND_SLOT_MIC, true, true);
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_VOICE_ANY), 1);
    grant(b, 2, SEND_SLOT_MIC, true);
    publish(b, 2, SEND_SLOT_MIC, true); /* the reserved one sends nothing: it does not hold it */
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_VOICE_ANY), 2);
    publish(b, 1, SEND_SLOT_MIC, true);
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_VOICE_ANY), 1);
    talk(b, both, (const uint8_t[]){100, 10}, 2, SECONDS(2));
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_VOICE_ANY), 2);
    talk(b, both, (const uint8_t[]){10, 10}, 2, SECONDS(2));
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_VOICE_ANY), 1);
    publish(b, 1, SEND_SLOT_MIC, false);
    talk(b, learner, (const uint8_t[]){10}, 1, SECONDS(1));
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_VOICE_ANY), 2);
    grant(b, 2, SEND_SLOT_MIC, false);
    grant(b, 1, SEND_SLOT_MIC, false);
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_VOICE_ANY), 0);
}

static void speakers_are_told_loudest_first_and_at_most_four_times_a_second(void **state)
{
    struct bench *b = *state;
    static const uint64_t both[] = {1, 2};
    add(b, 1, 1);
    add(b, 1, 2);
    grant(b, 1, SEND_SLOT_MIC, true);
    grant(b, 2, SEND_SLOT_MIC, true);
    forget_output(b);
    for (int i = 0; i < 40; i++)
        talk(b, both, i % 2 == 0 ? (const uint8_t[]){2, 39} : (const uint8_t[]){39, 2}, 2, 120000);
    assert_in_range(count_told(b, CONTROL_SPEAKERS), 2, 40 * 120 / 250 + 1);
    b->told_count = 0;
    talk(b, both, (const uint8_t[]){30, 5}, 2, SECONDS(2));
    const struct told *last = NULL;
    for (size_t i = 0; i < b->told_count; i++)
        last = b->told[i].type == CONTROL_SPEAKERS ? &b->told[i] : last;
    if (last != NULL) {
        assert_int_equal(last->speakers.count, 2);
        assert_int_equal(last->speakers.participants[0], 2);
    }
    talk(b, both, (const uint8_t[]){127, 127}, 2, SECONDS(2));
    last = NULL;
    for (size_t i = 0; i < b->told_count; i++)
        last = b->told[i].type == CONTROL_SPEAKERS ? &b->told[i] : last;
    assert_non_null(last);
    assert_int_equal(last->speakers.count, 0);
}

static const struct shard_message *last_bind(const struct bench *b, uint32_t shard,
                                             enum room_slot slot)
{
    const struct shard_message *found = NULL;
    for (size_t i = 0; i < b->ordered_count; i++) {
        const struct shard_message *m = &b->ordered[i].message;
        if (b->ordered[i].shard == shard && m->type == SHARD_BIND && m->bind.slot == slot)
            found = m;
    }
    return found;
}

static void a_bind_reaches_every_shard_of_the_room_and_later_ones(void **state)
{
    struct bench *b = *state;
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN); /* before anybody is there */
    assert_int_equal(b->ordered_count, 0);
    add(b, 1, 1);
    uint32_t home = director_find_participant(b->d, 1)->shard;
    const struct shard_message *m = last_bind(b, home, ROOM_SLOT_SCREEN);
    assert_non_null(m);
    assert_int_equal(m->bind.ref.participant, 1);
    assert_null(last_bind(b, 1 - home, ROOM_SLOT_SCREEN));
    add(b, 1, 2); /* the first one on the other shard */
    m = last_bind(b, 1 - home, ROOM_SLOT_SCREEN);
    assert_non_null(m);
    assert_int_equal(m->bind.ref.participant, 1);
    assert_int_equal(m->bind.home, home);
    forget_output(b);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN); /* said again: no change */
    assert_int_equal(b->ordered_count + b->told_count, 0);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 2, SEND_SLOT_SCREEN);
    assert_int_equal(last_bind(b, home, ROOM_SLOT_SCREEN)->bind.ref.participant, 2);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 0, SEND_SLOT_SCREEN);
    assert_int_equal(last_bind(b, 0, ROOM_SLOT_SCREEN)->bind.ref.participant, 0);
    assert_int_equal(last_bind(b, 1, ROOM_SLOT_SCREEN)->bind.ref.participant, 0);
}

static void somebody_of_another_room_is_never_put_on_a_slot(void **state)
{
    struct bench *b = *state;
    add(b, 1, 1);
    add(b, 2, 2);
    forget_output(b);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 2, SEND_SLOT_SCREEN);
    for (size_t i = 0; i < b->ordered_count; i++) {
        assert_int_equal(b->ordered[i].message.type, SHARD_BIND);
        assert_int_equal(b->ordered[i].message.bind.ref.participant, 0);
    }
}

static void a_closed_slot_is_forgotten_by_the_other_shards(void **state)
{
    struct bench *b = *state;
    add(b, 1, 1);
    add(b, 1, 2);
    uint32_t home = director_find_participant(b->d, 1)->shard;
    grant(b, 1, SEND_SLOT_SCREEN, true);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN);
    forget_output(b);
    grant(b, 1, SEND_SLOT_SCREEN, false);
    assert_int_equal(count_ordered(b, home, SHARD_GRANT), 1);
    assert_non_null(last_bind(b, 1 - home, ROOM_SLOT_SCREEN));
    assert_null(last_bind(b, home, ROOM_SLOT_SCREEN));
}

static void leaving_empties_the_slots_and_the_room(void **state)
{
    struct bench *b = *state;
    add(b, 1, 1);
    add(b, 1, 2);
    grant(b, 1, SEND_SLOT_MIC, true);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN);
    give(b, &(struct control_message){.type = CONTROL_PARTICIPANT_REMOVE,
                                      .participant_remove = {1, 1}});
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++)
        assert_int_equal(on_slot(b, 1, (enum room_slot)slot), 0);
    give(b, &(struct control_message){.type = CONTROL_PARTICIPANT_REMOVE,
                                      .participant_remove = {2, 1}});
    assert_null(director_find_room(b->d, 1));
    assert_int_equal(b->d->participants.used, 0);
}

static void rooms_made_by_a_bind_alone_do_not_pile_up(void **state)
{
    struct bench *b = *state;
    for (uint64_t room = 1; room <= 100; room++) {
        bind_slot(b, room, ROOM_SLOT_SCREEN, 5, SEND_SLOT_SCREEN);
        assert_int_equal(on_slot(b, room, ROOM_SLOT_SCREEN), 5);
        bind_slot(b, room, ROOM_SLOT_SCREEN, 0, SEND_SLOT_SCREEN);
    }
    assert_int_equal(b->d->rooms.used, 0);
}

static void closing_a_room_removes_everybody_in_it_and_nobody_else(void **state)
{
    struct bench *b = *state;
    for (uint64_t id = 1; id <= 6; id++)
        add(b, 1 + id % 2, id);
    forget_output(b);
    give(b, &(struct control_message){.type = CONTROL_ROOM_CLOSE, .id = 5, .room_close = 1});
    assert_int_equal(count_told(b, CONTROL_OK), 1);
    assert_int_equal(count_ordered(b, 0, SHARD_PARTICIPANT_REMOVE) +
                         count_ordered(b, 1, SHARD_PARTICIPANT_REMOVE),
                     3);
    assert_null(director_find_room(b->d, 1));
    assert_int_equal(director_find_room(b->d, 2)->members, 3);
}

static void reconnect(struct bench *b)
{
    director_handle_disconnected(b->d, b->now);
    director_handle_connected(b->d, b->now);
    drain(b);
}

static void resync_lists_every_transport_first(void **state)
{
    struct bench *b = *state;
    for (uint64_t id = 1; id <= 5; id++)
        add(b, 1, id);
    grant(b, 77, SEND_SLOT_MIC, true); /* a grant without transport is none of it */
    forget_output(b);
    reconnect(b);
    assert_int_equal(b->told_count, 6);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(b->told[i].type, CONTROL_SYNC_PARTICIPANT);
    assert_int_equal(b->told[5].type, CONTROL_SYNC_END);
}

static void what_resync_does_not_repeat_is_closed_and_the_rest_told_again(void **state)
{
    struct bench *b = *state;
    for (uint64_t id = 1; id <= 2; id++) {
        add(b, 1, id);
        grant(b, id, SEND_SLOT_MIC, true);
        grant(b, id, SEND_SLOT_SCREEN, true);
        publish(b, id, SEND_SLOT_MIC, true);
    }
    publish(b, 1, SEND_SLOT_SCREEN, true);
    grant(b, 77, SEND_SLOT_MIC, true);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN);
    bind_slot(b, 1, ROOM_SLOT_CAMERA_0, 2, SEND_SLOT_CAMERA);
    reconnect(b);
    forget_output(b);
    grant(b, 1, SEND_SLOT_MIC, true);
    grant(b, 1, SEND_SLOT_SCREEN, true);
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN);
    assert_int_equal(b->told_count, 0);
    give(b, &(struct control_message){.type = CONTROL_SYNC_END});

    uint32_t shard = director_find_participant(b->d, 2)->shard;
    size_t closed = 0;
    for (size_t i = 0; i < b->ordered_count; i++) {
        const struct shard_message *m = &b->ordered[i].message;
        if (m->type != SHARD_GRANT || m->grant.open)
            continue;
        assert_int_equal(m->grant.participant, 2);
        assert_int_equal(b->ordered[i].shard, shard);
        closed++;
    }
    assert_int_equal(closed, 2);
    assert_null(director_find_participant(b->d, 77));
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_SCREEN), 1);
    assert_int_equal(on_slot(b, 1, ROOM_SLOT_CAMERA_0), 0);
    assert_false(has_voice_slot(b, 1, 2));

    bool screen = false;
    bool voice = false;
    size_t publications = 0;
    for (size_t i = 0; i < b->told_count; i++) {
        const struct told *t = &b->told[i];
        screen = screen || (t->type == CONTROL_SLOT_BOUND && t->slot == ROOM_SLOT_SCREEN &&
                            t->participant == 1);
        voice = voice || (t->type == CONTROL_SLOT_BOUND && t->slot == ROOM_SLOT_VOICE_0 &&
                          t->participant == 1);
        if (t->type != CONTROL_PUBLICATION)
            continue;
        assert_int_equal(t->participant, 1);
        assert_true(t->active);
        publications++;
    }
    assert_true(screen && voice);
    assert_int_equal(publications, 2);
}

static void without_signaling_the_relay_goes_on_and_queues_nothing_for_it(void **state)
{
    struct bench *b = *state;
    add(b, 1, 1);
    grant(b, 1, SEND_SLOT_MIC, true);
    forget_output(b);
    director_handle_disconnected(b->d, b->now);
    talk(b, (const uint64_t[]){1}, (const uint8_t[]){5}, 1, SECONDS(10));
    publish(b, 1, SEND_SLOT_MIC, true);
    assert_int_equal(b->told_count, 0);
    assert_true(has_voice_slot(b, 1, 1));
}

static void what_waits_for_signaling_is_bounded_in_memory(void **state)
{
    struct bench *b = *state;
    add(b, 1, 1);
    forget_output(b);
    struct control_message m = {.type = CONTROL_SPEAKERS, .id = 1}; /* each is refused: an error */
    for (int i = 0; i < 2 * DIRECTOR_OUT_MAX; i++)
        director_handle_message(b->d, b->now, &m);
    assert_int_equal(b->d->messages.count, DIRECTOR_OUT_MAX);
    assert_true(b->d->messages.bytes < 4 * 1024 * 1024);
    director_handle_disconnected(b->d, b->now);
    assert_int_equal(b->d->messages.bytes, 0);
    director_handle_connected(b->d, b->now);
    const struct control_message *out;
    while (director_poll_message(b->d, &out)) {
    }
    while (director_tell(b->d, CONTROL_RELAY_STATS) != NULL)
        assert_true(b->d->messages.bytes <= DIRECTOR_OUT_BYTES_MAX);
    assert_true(b->d->messages.bytes > DIRECTOR_OUT_BYTES_MAX / 2);
}

/* Until no order fits any more: as when a shard hangs. */
static void fill_orders(struct bench *b, uint64_t participant)
{
    static struct control_message m;
    m = (struct control_message){.type = CONTROL_GRANT,
                                 .grant = {participant, SEND_SLOT_SCREEN, true, false}};
    for (int i = 0; b->d->shard_messages.count < DIRECTOR_OUT_MAX; i++) {
        assert_true(i < DIRECTOR_OUT_MAX);
        m.grant.open = !m.grant.open;
        director_handle_message(b->d, b->now, &m);
    }
}

static void drop_orders(struct bench *b)
{
    const struct shard_message *m;
    uint32_t shard;
    while (director_poll_shard(b->d, &shard, &m))
        if (m->type == SHARD_PARTICIPANT_ADD)
            free(m->participant_add);
}

static void a_participant_whose_order_is_lost_is_refused_and_leaves_nothing(void **state)
{
    struct bench *b = *state;
    add(b, 1, 1);
    fill_orders(b, 1);
    uint32_t before = b->d->participants.used;
    static struct control_message m;
    m = (struct control_message){.type = CONTROL_PARTICIPANT_ADD, .id = 77};
    m.participant_add.room = 1;
    m.participant_add.participant = 2;
    m.participant_add.session = 1;
    b->told_count = 0;
    director_handle_message(b->d, b->now, &m);
    drop_orders(b);
    drain(b);
    const struct told *last = &b->told[b->told_count - 1];
    assert_int_equal(last->type, CONTROL_ERROR);
    assert_int_equal(last->to, 77);
    assert_string_equal(last->code, "full");
    assert_int_equal(b->d->participants.used, before);
    uint32_t placed = 0;
    for (uint32_t i = 0; i < b->d->config.shard_count; i++)
        placed += b->d->shards[i].participants;
    assert_int_equal(placed, 1);
}

static void a_shard_that_lost_orders_begins_anew_and_everybody_on_it_is_told(void **state)
{
    struct bench *b = *state;
    restart(b, 2, 10);
    add(b, 1, 1); /* shard 0 */
    add(b, 2, 2); /* shard 1, where nothing is lost */
    add(b, 1, 3); /* shard 0 */
    bind_slot(b, 1, ROOM_SLOT_SCREEN, 1, SEND_SLOT_SCREEN);
    forget_output(b);
    fill_orders(b, 1);
    static struct control_message m; /* lost: the shard would go on forwarding */
    m = (struct control_message){.type = CONTROL_GRANT,
                                 .grant = {1, SEND_SLOT_SCREEN, false, false}};
    director_handle_message(b->d, b->now, &m);
    /* Nothing is done while older orders wait: they would come behind the reset. */
    director_handle_timeout(b->d, b->now);
    assert_true(b->d->shards[0].has_lost_orders);
    drop_orders(b);
    forget_output(b);
    director_handle_timeout(b->d, b->now);
    drain(b);
    assert_int_equal(count_ordered(b, 0, SHARD_RESET), 1);
    assert_int_equal(count_ordered(b, 1, SHARD_RESET), 0);
    assert_int_equal(b->ordered[0].message.type, SHARD_RESET);
    assert_int_equal(b->d->shards[0].participants, 0);
    assert_int_equal(b->d->shards[1].participants, 1);
    size_t closed = 0, unbound = 0;
    for (size_t i = 0; i < b->told_count; i++) {
        closed += b->told[i].type == CONTROL_PARTICIPANT_STATE;
        unbound += b->told[i].type == CONTROL_SLOT_BOUND && b->told[i].participant == 0;
    }
    assert_int_equal(closed, 2);
    assert_int_equal(unbound, 1);
    /* Once is enough, and the next is taken. */
    forget_output(b);
    director_handle_timeout(b->d, b->now);
    drain(b);
    assert_int_equal(count_ordered(b, 0, SHARD_RESET), 0);
    add_session(b, 1, 1, 2);
    drain(b);
    assert_int_equal(count_ordered(b, 0, SHARD_PARTICIPANT_ADD), 1);
}

static void every_two_seconds_there_is_a_report(void **state)
{
    struct bench *b = *state;
    for (uint64_t id = 1; id <= 70; id++)
        add(b, 1, id);
    forget_output(b);
    for (usec_t end = b->now + SECONDS(20); b->now < end;) {
        b->now = director_next_timeout(b->d);
        director_handle_timeout(b->d, b->now);
        drain(b);
    }
    assert_in_range(count_told(b, CONTROL_RELAY_STATS), 9, 11);
    assert_int_equal(count_told(b, CONTROL_ROOM_STATS), 2 * count_told(b, CONTROL_RELAY_STATS));
    assert_in_range(count_ordered(b, 1, SHARD_STATS_WANTED), 9, 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_address_is_offered_for_tcp_too_and_always_behind_udp),
        TEST(participants_spread_over_the_shards),
        TEST(a_shard_learns_of_the_room_before_it_gets_a_member),
        TEST(a_full_relay_says_so_and_takes_the_next_when_one_has_left),
        TEST(an_older_session_is_stale_and_a_newer_one_replaces),
        TEST(a_grant_may_come_before_its_participant),
        TEST(a_new_session_begins_with_closed_slots),
        TEST(waiting_grants_do_not_pile_up),
        TEST(unnumbered_messages_are_done_and_never_answered),
        TEST(numbered_messages_are_answered_with_their_number),
        TEST(the_first_three_voices_have_slots_at_once),
        TEST(a_fourth_speaker_takes_the_weakest_voice_but_not_at_once),
        TEST(a_silent_voice_makes_room_for_one_that_speaks),
        TEST(a_reserved_voice_holds_its_slot_while_it_sends),
        TEST(closing_a_microphone_ends_its_claim_until_it_sends_again),
        TEST(the_one_line_follows_the_reserved_voice_or_whoever_speaks),
        TEST(speakers_are_told_loudest_first_and_at_most_four_times_a_second),
        TEST(a_bind_reaches_every_shard_of_the_room_and_later_ones),
        TEST(somebody_of_another_room_is_never_put_on_a_slot),
        TEST(a_closed_slot_is_forgotten_by_the_other_shards),
        TEST(leaving_empties_the_slots_and_the_room),
        TEST(rooms_made_by_a_bind_alone_do_not_pile_up),
        TEST(closing_a_room_removes_everybody_in_it_and_nobody_else),
        TEST(resync_lists_every_transport_first),
        TEST(what_resync_does_not_repeat_is_closed_and_the_rest_told_again),
        TEST(without_signaling_the_relay_goes_on_and_queues_nothing_for_it),
        TEST(what_waits_for_signaling_is_bounded_in_memory),
        TEST(a_participant_whose_order_is_lost_is_refused_and_leaves_nothing),
        TEST(a_shard_that_lost_orders_begins_anew_and_everybody_on_it_is_told),
        TEST(every_two_seconds_there_is_a_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
