/* What comes right behind a peer's last handshake flight. A peer that is the DTLS server has its
 * keys before the relay has taken that flight from its queue. */
#include "unit/relay/shard_bench.c"

/* One who may speak, and is heard by `learner`. */
static struct peer *invite_speaker(struct bench *b)
{
    b->is_server = true;
    struct peer *p = invite_peer(b, 0, true);
    grant_voice(b, p, true);
    bind_voice(b, p);
    return p;
}

static void say(struct bench *b, struct peer *p, uint16_t first_seq, size_t count)
{
    for (size_t i = 0; i < count; i++)
        send_voice(b, p, (uint16_t)(first_seq + i), 1);
}

/* Up to where the speaker has keys, and the relay will have with its last flight, which waits.
 * Returns how many datagrams that is. */
static size_t shake_hands_to_the_last_flight(struct bench *b, struct peer *p)
{
    struct bytes out;
    size_t datagrams = 0;
    for (int i = 0; i < 8 && p->cipher == NULL && dtls_poll_datagram(p->dtls, &out); i++)
        give(b, p, out.data, out.size);
    assert_non_null(p->cipher);
    assert_false(shard_find_participant(b->cores[0], p->id)->connected);
    b->holds = true;
    for (; dtls_poll_datagram(p->dtls, &out); datagrams++)
        give(b, p, out.data, out.size);
    return datagrams;
}

static void go_on(struct bench *b)
{
    b->holds = false;
    take_turns(b, 0);
    assert_int_equal(b->cores[0]->handshakes.count, 0);
}

static void the_first_words_right_behind_the_last_handshake_flight_are_heard(void **state)
{
    struct bench *b = *state;
    const struct peer *learner = add_peer(b, 0, true);
    struct peer *speaker = invite_speaker(b);
    check_path(b, speaker);
    size_t flight = shake_hands_to_the_last_flight(b, speaker);
    say(b, speaker, 100, 3);
    check_path(b, speaker); /* needs no keys: does not wait */
    assert_int_equal(b->cores[0]->handshakes.count, flight + 3);
    assert_int_equal(learner->voice, 0);
    go_on(b);
    assert_int_equal(learner->voice, 3);
    assert_int_equal(learner->voice_breaks, 0);
    assert_int_equal(drops(b, 0, DROP_NO_KEYS), 0);
}

static void words_past_what_may_wait_are_dropped_by_name_and_what_waited_is_heard(void **state)
{
    struct bench *b = *state;
    const struct peer *learner = add_peer(b, 0, true);
    struct peer *speaker = invite_speaker(b);
    check_path(b, speaker);
    size_t waits = HANDSHAKES_WAITING_EACH - shake_hands_to_the_last_flight(b, speaker);
    say(b, speaker, 100, waits);
    assert_int_equal(drops(b, 0, DROP_HANDSHAKES_FULL), 0);
    say(b, speaker, (uint16_t)(100 + waits), 1);
    assert_int_equal(drops(b, 0, DROP_HANDSHAKES_FULL), 1);
    go_on(b);
    assert_int_equal(learner->voice, waits);
    say(b, speaker, (uint16_t)(101 + waits), 1);
    assert_int_equal(learner->voice, waits + 1);
}

/* Of a voice's size; who sends it has no keys. */
static const uint8_t early_packet[40] = {0x80, VOICE_PT};

static void what_waited_behind_a_flight_that_gives_no_keys_is_dropped_by_name(void **state)
{
    static const uint8_t nonsense[] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 7};
    struct bench *b = *state;
    const struct peer *learner = add_peer(b, 0, true);
    struct peer *speaker = invite_speaker(b);
    check_path(b, speaker);
    b->holds = true;
    give(b, speaker, nonsense, sizeof nonsense);
    give(b, speaker, early_packet, sizeof early_packet);
    assert_int_equal(drops(b, 0, DROP_NO_KEYS), 0);
    go_on(b);
    assert_int_equal(drops(b, 0, DROP_NO_KEYS), 1);
    b->holds = true;
    give(b, speaker, early_packet, sizeof early_packet); /* nothing that it could wait for */
    assert_int_equal(b->cores[0]->handshakes.count, 0);
    assert_int_equal(drops(b, 0, DROP_NO_KEYS), 2);
    go_on(b);
    (void)shake_hands_to_the_last_flight(b, speaker);
    say(b, speaker, 100, 1);
    go_on(b);
    assert_int_equal(learner->voice, 1);
}

/* Its certificate is not the one that signaling told of. */
static void what_waited_for_a_handshake_that_fails_goes_with_its_participant(void **state)
{
    static const struct log silent;
    struct bench *b = *state;
    struct peer *speaker = invite_speaker(b);
    uint8_t fingerprint[FINGERPRINT_BYTES];
    struct bytes out;
    dtls_context_get_fingerprint(b->ours, fingerprint);
    dtls_free(speaker->dtls);
    assert_int_equal(
        dtls_create(&speaker->dtls, b->now, b->ours, DTLS_ROLE_SERVER, fingerprint, &silent),
        STATUS_OK);
    check_path(b, speaker);
    for (int i = 0; i < 8 && shard_find_participant(b->cores[0], speaker->id) != NULL; i++) {
        b->holds = true;
        while (dtls_poll_datagram(speaker->dtls, &out))
            give(b, speaker, out.data, out.size);
        give(b, speaker, early_packet, sizeof early_packet);
        go_on(b);
    }
    assert_null(shard_find_participant(b->cores[0], speaker->id));
    b->is_server = false; /* the next one is served */
    const struct peer *learner = add_peer(b, 0, true);
    assert_true(shard_find_participant(b->cores[0], learner->id)->connected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(the_first_words_right_behind_the_last_handshake_flight_are_heard),
        BENCH_TEST(words_past_what_may_wait_are_dropped_by_name_and_what_waited_is_heard),
        BENCH_TEST(what_waited_behind_a_flight_that_gives_no_keys_is_dropped_by_name),
        BENCH_TEST(what_waited_for_a_handshake_that_fails_goes_with_its_participant),
    };
    return cmocka_run_group_tests(tests, bench_init_library, bench_free_library);
}
