/* The director and signaling after either was away, and a shard that has lost orders. */
#include "unit/relay/director_bench.c"

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

/* What its shard counts of participant 1's voice, and what signaling hears of it. */
static uint32_t voice_loss_told(struct bench *b, uint64_t expected, uint64_t received)
{
    struct shard_message m = {.type = SHARD_PARTICIPANT_STATS};
    m.participant_stats.count = 1;
    m.participant_stats.list[0] = (struct shard_participant_stats){
        .room = 1, .participant = 1, .voice_expected = expected, .voice_received = received};
    director_handle_shard(b->d, b->now, &m);
    forget_output(b);
    while (count_told(b, CONTROL_ROOM_STATS) == 0) {
        b->now = director_next_timeout(b->d);
        director_handle_timeout(b->d, b->now);
        drain(b);
    }
    for (size_t i = 0; i < b->told_count; i++) {
        if (b->told[i].type == CONTROL_ROOM_STATS)
            return b->told[i].voice_loss_in_permille;
    }
    return UINT32_MAX;
}

static void of_a_voice_that_share_is_told_which_never_came_since_the_last_report(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *why;
        uint64_t expected, received;
        uint32_t permille;
    } steps[] = {
        {"all has come", 100, 100, 0},       {"one in ten is missing", 200, 190, 100},
        {"it has come by now", 300, 300, 0}, {"twice", 400, 402, 0},
        {"nothing is said", 400, 402, 0},    {"too little is said", 419, 402, 0},
        {"half is missing", 500, 442, 506},  {"another stream", 60, 30, 0},
        {"the same", 160, 120, 100},         {"another stream, longer than the last", 300, 90, 0},
    };
    add(b, 1, 1);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        uint32_t told = voice_loss_told(b, steps[i].expected, steps[i].received);
        if (told != steps[i].permille)
            fail_msg("%s: %u", steps[i].why, told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(resync_lists_every_transport_first),
        TEST(what_resync_does_not_repeat_is_closed_and_the_rest_told_again),
        TEST(without_signaling_the_relay_goes_on_and_queues_nothing_for_it),
        TEST(what_waits_for_signaling_is_bounded_in_memory),
        TEST(a_participant_whose_order_is_lost_is_refused_and_leaves_nothing),
        TEST(a_shard_that_lost_orders_begins_anew_and_everybody_on_it_is_told),
        TEST(every_two_seconds_there_is_a_report),
        TEST(of_a_voice_that_share_is_told_which_never_came_since_the_last_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
