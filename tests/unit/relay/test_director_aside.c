/* Pairs who speak in private: which orders the shards get, and when a pair ends. */
#include "unit/relay/director_bench.c"

static void speak(struct bench *b, uint32_t id, uint64_t participant, uint64_t with)
{
    give(b,
         &(struct control_message){.type = CONTROL_ASIDE, .id = id, .aside = {participant, with}});
}

/* Whom the last order about this microphone names on a shard; UINT64_MAX: there was none. */
static uint64_t listener(const struct bench *b, uint32_t shard, uint64_t participant)
{
    uint64_t last = UINT64_MAX;
    for (size_t i = 0; i < b->ordered_count; i++) {
        const struct ordered *o = &b->ordered[i];
        if (o->shard == shard && o->message.type == SHARD_ASIDE &&
            o->message.aside.ref.participant == participant)
            last = o->message.aside.listener;
    }
    return last;
}

static void three(struct bench *b)
{
    for (uint64_t id = 1; id <= 3; id++) {
        add(b, 1, id);
        grant(b, id, SEND_SLOT_MIC, true);
    }
    forget_output(b);
}

static void two_leave_the_voices_and_are_sent_to_each_other(void **state)
{
    struct bench *b = *state;
    three(b); /* 1 and 3 on shard 0, 2 on shard 1 */
    speak(b, 50, 1, 2);
    assert_int_equal(count_told(b, CONTROL_OK), 1);
    for (uint32_t shard = 0; shard < 2; shard++) {
        assert_int_equal(listener(b, shard, 1), 2);
        assert_int_equal(listener(b, shard, 2), 1);
    }
    assert_false(has_voice_slot(b, 1, 1));
    assert_false(has_voice_slot(b, 1, 2));
    publish(b, 1, SEND_SLOT_MIC, true); /* it sends: but not to the class */
    grant(b, 1, SEND_SLOT_MIC, true);
    assert_false(has_voice_slot(b, 1, 1));
    assert_true(has_voice_slot(b, 1, 3));
    forget_output(b);
    speak(b, 0, 2, 1); /* said again: nothing to do */
    assert_int_equal(count_ordered(b, 0, SHARD_ASIDE), 0);
    speak(b, 0, 2, 0);
    assert_int_equal(listener(b, 0, 1), 0);
    assert_int_equal(listener(b, 1, 1), 0);
    assert_int_equal(listener(b, 1, 2), 0);
    assert_true(has_voice_slot(b, 1, 1)); /* what was granted holds again */
    assert_true(has_voice_slot(b, 1, 2));
}

static void a_third_takes_one_of_a_pair_away(void **state)
{
    struct bench *b = *state;
    three(b);
    speak(b, 0, 1, 2);
    speak(b, 0, 3, 2);
    assert_int_equal(listener(b, 0, 1), 0);
    assert_int_equal(listener(b, 1, 2), 3);
    assert_int_equal(listener(b, 0, 3), 2);
    assert_true(has_voice_slot(b, 1, 1));
}

static void it_ends_with_the_transport_of_either(void **state)
{
    struct bench *b = *state;
    three(b);
    speak(b, 0, 1, 2);
    forget_output(b);
    add_session(b, 1, 2, 2); /* its page came back: signaling has to say it again */
    assert_int_equal(listener(b, 0, 1), 0);
    speak(b, 0, 1, 2);
    assert_int_equal(listener(b, 0, 1), 2);
    forget_output(b);
    give(b, &(struct control_message){.type = CONTROL_PARTICIPANT_REMOVE,
                                      .participant_remove = {1, 1}});
    assert_int_equal(listener(b, 1, 2), 0);
}

static void who_is_not_there_or_elsewhere_is_refused(void **state)
{
    struct bench *b = *state;
    three(b);
    add(b, 2, 9);
    static const uint64_t pairs[][2] = {{1, 9}, {1, 77}, {77, 1}, {1, 1}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        forget_output(b);
        speak(b, 60, pairs[i][0], pairs[i][1]);
        assert_int_equal(count_told(b, CONTROL_ERROR), 1);
        assert_int_equal(count_ordered(b, 0, SHARD_ASIDE) + count_ordered(b, 1, SHARD_ASIDE), 0);
    }
}

static void what_signaling_does_not_say_again_is_over(void **state)
{
    struct bench *b = *state;
    three(b);
    for (int again = 1; again >= 0; again--) {
        if (again)
            speak(b, 0, 1, 2);
        forget_output(b);
        director_handle_disconnected(b->d, b->now);
        director_handle_connected(b->d, b->now);
        for (uint64_t id = 1; id <= 3; id++)
            grant(b, id, SEND_SLOT_MIC, true);
        if (again)
            speak(b, 0, 2, 1);
        give(b, &(struct control_message){.type = CONTROL_SYNC_END});
        assert_int_equal(listener(b, 0, 1), again ? UINT64_MAX : 0);
        assert_int_equal(has_voice_slot(b, 1, 1), !again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_leave_the_voices_and_are_sent_to_each_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_third_takes_one_of_a_pair_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_ends_with_the_transport_of_either, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_not_there_or_elsewhere_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_signaling_does_not_say_again_is_over, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
