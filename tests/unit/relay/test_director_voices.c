/* Which voices are heard: the three slots, the one line, and who is told to be speaking. */
#include "unit/relay/director_bench.c"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_three_voices_have_slots_at_once),
        TEST(a_fourth_speaker_takes_the_weakest_voice_but_not_at_once),
        TEST(a_silent_voice_makes_room_for_one_that_speaks),
        TEST(a_reserved_voice_holds_its_slot_while_it_sends),
        TEST(closing_a_microphone_ends_its_claim_until_it_sends_again),
        TEST(the_one_line_follows_the_reserved_voice_or_whoever_speaks),
        TEST(speakers_are_told_loudest_first_and_at_most_four_times_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
