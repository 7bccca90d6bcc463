/* Who is placed where, what each may send, and who is on which room slot. */
#include "unit/relay/director_bench.c"

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
        TEST(a_bind_reaches_every_shard_of_the_room_and_later_ones),
        TEST(somebody_of_another_room_is_never_put_on_a_slot),
        TEST(a_closed_slot_is_forgotten_by_the_other_shards),
        TEST(leaving_empties_the_slots_and_the_room),
        TEST(rooms_made_by_a_bind_alone_do_not_pile_up),
        TEST(closing_a_room_removes_everybody_in_it_and_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
