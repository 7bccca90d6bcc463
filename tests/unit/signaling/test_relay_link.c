#include "unit/signaling/harness.h"

static void an_offer_is_answered_with_the_relays_parameters(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "learner", "L");
    harness_forget(h);
    harness_offer(h, &person);
    size_t add = harness_relay_place(h, CONTROL_PARTICIPANT_ADD, person.id);
    assert_true(add != SIZE_MAX);
    assert_int_equal(h->seen[add].message->participant_add.session, 1);
    assert_int_equal(h->seen[add].message->participant_add.room, 1);
    assert_true(harness_got(h, person.connection, "\"type\":\"answer\",\"to\":50"));
    assert_true(harness_got(h, person.connection, "a=ice-ufrag:relay"));
    assert_true(harness_got(h, person.connection, "\"media\":\"connecting\""));
    harness_relay_state(h, person.id, 1, CONTROL_MEDIA_CONNECTED);
    assert_true(harness_got(h, person.connection, "\"media\":\"connected\""));
}

static void an_offer_waits_five_seconds_for_a_relay(void **state)
{
    struct harness *h = *state;
    struct person person = harness_join(h, "learner", "L");
    harness_offer(h, &person);
    harness_run_for(h, SECONDS(4));
    assert_false(harness_got(h, person.connection, "\"to\":50"));
    harness_relay_up(h);
    assert_true(harness_got(h, person.connection, "\"type\":\"answer\",\"to\":50"));
    harness_relay_down(h);
    harness_forget(h);
    harness_offer(h, &person);
    harness_run_for(h, SECONDS(5));
    assert_true(harness_got(h, person.connection, "\"to\":50,\"code\":\"no_relay\""));
}

static void an_answer_lost_with_the_link_is_asked_for_again_under_a_new_session(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "trainer", "T");
    h->relay_answers = false;
    harness_offer(h, &person);
    harness_relay_down(h);
    h->relay_answers = true;
    harness_forget(h);
    harness_relay_hello(h, "boot-1");
    harness_relay_holds(h, 1, person.id, 1);
    harness_relay_sync_end(h);
    size_t add = harness_relay_place(h, CONTROL_PARTICIPANT_ADD, person.id);
    assert_true(add != SIZE_MAX);
    assert_int_equal(h->seen[add].message->participant_add.session, 2);
    assert_true(harness_got(h, person.connection, "\"type\":\"answer\""));
    assert_int_equal(harness_grant(h, person.id, SEND_SLOT_MIC), 1);
}

static void relay_errors_become_client_errors(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    h->relay_answers = false;
    struct person person = harness_join(h, "learner", "L");
    static const struct {
        const char *relay, *client;
    } cases[] = {{"full", "no_relay"},
                 {"timeout", "no_relay"},
                 {"bad_parameters", "bad_sdp"},
                 {"stale_session", "media_gone"},
                 {"internal", "internal"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        harness_forget(h);
        harness_offer(h, &person);
        size_t add = harness_relay_place(h, CONTROL_PARTICIPANT_ADD, person.id);
        struct control_message *error = calloc(1, sizeof *error);
        error->type = CONTROL_ERROR;
        error->to = h->seen[add].message->id;
        snprintf(error->error.code, sizeof error->error.code, "%s", cases[i].relay);
        harness_relay_says(h, error);
        free(error);
        char expected[64];
        snprintf(expected, sizeof expected, "\"code\":\"%s\"", cases[i].client);
        assert_true(harness_got(h, person.connection, expected));
    }
}

static void when_signaling_restarts_media_stays_and_pages_resume(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    struct person learner = harness_join(h, "learner", "L");
    harness_offer(h, &trainer);
    harness_offer(h, &learner);
    harness_send(h, trainer.connection, "{\"type\":\"share_start\",\"id\":2,\"audio\":true}");
    harness_send(h, trainer.connection, "{\"type\":\"floor_give\",\"id\":3,\"participant\":\"%d\"}",
                 (int)learner.id);

    harness_restart_service(h);
    harness_forget(h);
    struct person again = {.connection = harness_connect(h)};
    harness_resume(h, again.connection, learner.resume); /* before the relay is back */
    harness_read_welcome(h, &again);
    assert_int_equal(again.id, learner.id);
    assert_true(harness_got(h, again.connection,
                            "\"resume_for_s\":60,\"resumed\":true,"
                            "\"media\":\"connected\""));
    harness_relay_hello(h, "boot-1");
    harness_relay_holds(h, 1, trainer.id, 1);
    harness_relay_holds(h, 1, learner.id, 1);
    harness_relay_holds(h, 1, 777, 1); /* somebody that nobody knows */
    harness_relay_sync_end(h);
    assert_true(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, 777) != SIZE_MAX);
    assert_true(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, learner.id) == SIZE_MAX);
    assert_int_equal(harness_grant(h, trainer.id, SEND_SLOT_MIC), 1);
    assert_int_equal(harness_grant(h, learner.id, SEND_SLOT_MIC), 1);
    size_t grant = harness_relay_place(h, CONTROL_GRANT, learner.id);
    size_t bind = harness_relay_place(h, CONTROL_BIND, trainer.id);
    assert_true(grant != SIZE_MAX && bind != SIZE_MAX);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), trainer.id);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN_AUDIO), trainer.id);
    assert_true(harness_got(h, again.connection, "\"floor\":true"));
    assert_false(harness_got(h, again.connection, "media_reset"));
    /* Everything is said again before the relay may close what was not. */
    size_t end = SIZE_MAX;
    for (size_t i = h->mark; i < h->seen_count; i++) {
        if (h->seen[i].message != NULL && h->seen[i].message->type == CONTROL_SYNC_END)
            end = i;
    }
    assert_before(grant, end);
    assert_before(bind, end);
    harness_run_for(h, SECONDS(61)); /* the trainer never came back */
    assert_true(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, trainer.id) != SIZE_MAX);
}

static void when_the_relay_restarts_pages_make_a_new_transport(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "trainer", "T");
    harness_offer(h, &person);
    harness_relay_state(h, person.id, 1, CONTROL_MEDIA_CONNECTED);
    harness_relay_down(h);
    harness_forget(h);
    harness_relay_hello(h, "boot-2");
    harness_relay_sync_end(h);
    assert_true(harness_got(h, person.connection,
                            "\"type\":\"media_reset\",\"reason\":\"relay_restarted\""));
    harness_offer(h, &person);
    size_t add = harness_relay_place(h, CONTROL_PARTICIPANT_ADD, person.id);
    assert_int_equal(h->seen[add].message->participant_add.session, 2);
    assert_int_equal(harness_grant(h, person.id, SEND_SLOT_MIC), 1);
}

static void a_lost_link_alone_resets_nobody(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "learner", "L");
    harness_offer(h, &person);
    harness_relay_down(h);
    harness_run_for(h, SECONDS(20));
    harness_relay_hello(h, "boot-1");
    harness_relay_holds(h, 1, person.id, 1);
    harness_relay_sync_end(h);
    assert_false(harness_got(h, person.connection, "media_reset"));
}

static void a_silent_transport_is_reset_and_a_replaced_one_is_not(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "learner", "L");
    harness_offer(h, &person);
    harness_offer(h, &person);
    harness_forget(h);
    harness_relay_state(h, person.id, 1, CONTROL_MEDIA_CLOSED);
    assert_false(harness_got(h, person.connection, "media_reset"));
    harness_relay_state(h, person.id, 2, CONTROL_MEDIA_CLOSED);
    assert_true(harness_got(h, person.connection, "\"reason\":\"lost\""));
    assert_true(harness_got(h, person.connection, "\"media\":\"none\""));
}

static void an_ice_restart_keeps_the_session_and_needs_a_transport(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "learner", "L");
    char *sdp = json_offer(OFFER_WITH("newu", "opus/48000/2"));
    harness_send(h, person.connection, "{\"type\":\"offer\",\"id\":7,\"restart\":true,\"sdp\":%s}",
                 sdp);
    assert_true(harness_got(h, person.connection, "\"to\":7,\"code\":\"media_gone\""));
    harness_offer(h, &person);
    harness_forget(h);
    harness_send(h, person.connection, "{\"type\":\"offer\",\"id\":8,\"restart\":true,\"sdp\":%s}",
                 sdp);
    size_t restart = harness_relay_place(h, CONTROL_ICE_RESTART, person.id);
    assert_true(restart != SIZE_MAX);
    assert_int_equal(h->seen[restart].message->ice_restart.session, 1);
    assert_string_equal(h->seen[restart].message->ice_restart.remote_ice.ufrag, "newu");
    assert_true(harness_got(h, person.connection, "\"type\":\"answer\",\"to\":8"));
    free(sdp);
}

/* What the page made of media_gone was a whole new connection. */
static void of_two_ice_restarts_the_newer_is_answered_and_the_transport_stays(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "learner", "L");
    char *first = json_offer(OFFER_WITH("newu", "opus/48000/2"));
    char *second = json_offer(OFFER_WITH("newest", "opus/48000/2"));
    harness_offer(h, &person);
    harness_forget(h);
    h->relay_answers = false;
    harness_send(h, person.connection, "{\"type\":\"offer\",\"id\":8,\"restart\":true,\"sdp\":%s}",
                 first);
    uint32_t request = h->seen[harness_relay_place(h, CONTROL_ICE_RESTART, person.id)].message->id;
    harness_forget(h);
    harness_send(h, person.connection, "{\"type\":\"offer\",\"id\":9,\"restart\":true,\"sdp\":%s}",
                 second);
    assert_true(harness_got(h, person.connection, "\"to\":8,\"code\":\"stale\""));
    size_t restart = harness_relay_place(h, CONTROL_ICE_RESTART, person.id);
    assert_true(restart != SIZE_MAX);
    assert_int_equal(h->seen[restart].message->ice_restart.session, 1);
    assert_string_equal(h->seen[restart].message->ice_restart.remote_ice.ufrag, "newest");
    uint32_t newer = h->seen[restart].message->id;
    harness_relay_answers(h, request); /* on its way already: it answers nothing any more */
    assert_false(harness_got(h, person.connection, "\"type\":\"answer\""));
    harness_relay_answers(h, newer);
    assert_true(harness_got(h, person.connection, "\"type\":\"answer\",\"to\":9"));
    assert_false(harness_got(h, person.connection, "media_gone"));
    free(first);
    free(second);
}

static void a_restart_while_a_new_connection_is_made_finds_no_transport(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "learner", "L");
    char *sdp = json_offer(OFFER_WITH("newu", "opus/48000/2"));
    harness_offer(h, &person);
    h->relay_answers = false;
    harness_offer(h, &person);
    harness_forget(h);
    harness_send(h, person.connection, "{\"type\":\"offer\",\"id\":8,\"restart\":true,\"sdp\":%s}",
                 sdp);
    assert_true(harness_got(h, person.connection, "\"to\":8,\"code\":\"media_gone\""));
    free(sdp);
}

static void a_bad_offer_is_refused_and_the_eleventh_is_too_many(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "learner", "L");
    for (int i = 0; i < 11; i++) {
        harness_forget(h);
        harness_send(h, person.connection, "{\"type\":\"offer\",\"id\":7,\"sdp\":\"hello\"}");
        assert_true(harness_got(h, person.connection,
                                i < 10 ? "\"code\":\"bad_sdp\"" : "\"code\":\"too_many\""));
        harness_run_for(h, MILLISECONDS(600)); /* errors must not close it */
    }
}

static void events_about_strangers_and_wild_values_change_nothing(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person person = harness_join(h, "learner", "L");
    harness_forget(h);
    struct control_message *message = calloc(1, sizeof *message);
    harness_relay_state(h, 999, 1, CONTROL_MEDIA_CLOSED);
    message->type = CONTROL_SLOT_BOUND;
    message->slot_bound = (struct control_slot_bound){.room = 99, .slot = ROOM_SLOT_COUNT};
    harness_relay_says(h, message);
    message->slot_bound.room = 1;
    harness_relay_says(h, message);
    message->type = CONTROL_PUBLICATION;
    message->publication =
        (struct control_publication){.participant = person.id, .slot = SEND_SLOT_COUNT};
    harness_relay_says(h, message);
    message->type = CONTROL_PARTICIPANT_ADDED;
    message->to = 12345;
    harness_relay_says(h, message);
    message->type = CONTROL_GRANT;
    message->to = 0;
    harness_relay_says(h, message);
    free(message);
    assert_int_equal(h->seen_count - h->mark, 0);
}

static void a_page_is_told_how_its_screen_is_thinned_and_what_of_its_own_is_received(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person learner = harness_join(h, "learner", "L");
    struct person other = harness_join(h, "learner", "O");
    harness_offer(h, &learner);
    struct control_message *message = calloc(1, sizeof *message);
    harness_forget(h);
    message->type = CONTROL_PARTICIPANT_QUALITY;
    message->participant_quality =
        (struct control_participant_quality){learner.id, CONTROL_QUALITY_REDUCED};
    harness_relay_says(h, message);
    harness_relay_says(h, message); /* what is known is not said again */
    assert_true(
        harness_got(h, learner.connection, "{\"type\":\"quality\",\"screen\":\"reduced\"}"));
    assert_int_equal(h->seen_count - h->mark, 1);
    assert_false(harness_got(h, other.connection, "quality"));
    message->type = CONTROL_DEMAND;
    message->demand = (struct control_demand){learner.id, SEND_SLOT_SCREEN, 1};
    harness_relay_says(h, message);
    assert_true(harness_got(h, learner.connection,
                            "{\"type\":\"send_encodings\",\"slot\":\"screen\","
                            "\"wanted\":[true,false,false,false]}"));
    /* A page whose socket broke meanwhile hears it when it is back. */
    harness_disconnect(h, learner.connection);
    message->type = CONTROL_PARTICIPANT_QUALITY;
    message->participant_quality.screen = CONTROL_QUALITY_STILL;
    message->participant_quality.participant = learner.id;
    harness_relay_says(h, message);
    harness_forget(h);
    uint64_t again = harness_connect(h);
    harness_resume(h, again, learner.resume);
    assert_true(harness_got(h, again, "\"screen\":\"still\""));
    assert_true(harness_got(h, again, "send_encodings"));
    /* A new transport thins nothing. */
    learner.connection = again;
    harness_offer(h, &learner);
    harness_disconnect(h, again);
    harness_forget(h);
    free(message);
}

/* A page that receives a screen in these formats. */
#define FINGERPRINT                                                                                \
    "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:"   \
    "AB:AB"
#define RECEIVING(formats, maps)                                                                   \
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"                      \
    "m=video 9 UDP/TLS/RTP/SAVPF " formats                                                         \
    "\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n" maps                         \
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"                  \
    "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
#define VP8_MAP "a=rtpmap:96 VP8/90000\r\n"
#define AV1_MAP "a=rtpmap:45 AV1/90000\r\n"

static struct person join_receiving(struct harness *h, const char *name, const char *offer)
{
    struct person person = harness_join(h, "learner", name);
    char *sdp = json_offer(offer);
    harness_send(h, person.connection, "{\"type\":\"offer\",\"id\":50,\"sdp\":%s}", sdp);
    free(sdp);
    return person;
}

static void the_screen_is_in_av1_as_long_as_everybody_who_receives_it_reads_that(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    harness_offer(h, &trainer); /* receives no screen */
    harness_forget(h);
    (void)join_receiving(h, "A", RECEIVING("96 45", VP8_MAP AV1_MAP));
    assert_true(harness_got(h, trainer.connection, "\"screen_codec\":\"AV1\""));
    harness_forget(h);
    struct person old = join_receiving(h, "B", RECEIVING("96", VP8_MAP));
    assert_true(harness_got(h, trainer.connection, "\"screen_codec\":\"VP8\""));
    harness_forget(h);
    (void)join_receiving(h, "C", RECEIVING("96 45", VP8_MAP AV1_MAP));
    assert_false(harness_got(h, trainer.connection, "\"type\":\"class\"")); /* nothing new */
    harness_send(h, old.connection, "{\"type\":\"leave\",\"id\":9}");
    assert_true(harness_got(h, trainer.connection, "\"screen_codec\":\"AV1\""));
    struct person late = harness_join(h, "learner", "D");
    assert_true(harness_got(h, late.connection, "\"screen_codec\":\"AV1\""));
}

static void operators_get_the_overview_every_two_seconds(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person operator= harness_join(h, "operator", "O");
    struct person learner = harness_join(h, "learner", "L");
    harness_offer(h, &learner);
    struct control_message *message = calloc(1, sizeof *message);
    message->type = CONTROL_RELAY_STATS;
    message->relay_stats.interval_ms = 2000;
    message->relay_stats.shard_count = 1;
    message->relay_stats.shards[0] =
        (struct control_shard_stats){.participants = 10, .cpu_permille = 85};
    harness_relay_says(h, message);
    message->relay_stats.shards[0].bytes_out = 1000000;
    harness_relay_says(h, message);
    message->type = CONTROL_ROOM_STATS;
    memset(&message->room_stats, 0, sizeof message->room_stats);
    message->room_stats.room = 1;
    message->room_stats.count = 1;
    message->room_stats.participants[0].participant = learner.id;
    message->room_stats.participants[0].bps_out = 424242;
    message->room_stats.participants[0].loss_out_permille = 1;
    message->room_stats.participants[0].tcp = true;
    harness_relay_says(h, message);
    free(message);
    harness_relay_state(h, learner.id, 1, CONTROL_MEDIA_CONNECTED);
    harness_run_for(h, SECONDS(35));
    harness_forget(h);
    harness_send(h, operator.connection, "{\"type\":\"watch\",\"id\":2,\"on\":true}");
    assert_int_equal(harness_count(h, operator.connection, "\"type\":\"overview\""), 1);
    assert_true(harness_got(h, operator.connection, "\"bps_out\":424242"));
    assert_true(harness_got(h, operator.connection, "\"media\":\"connected\",\"path\":\"tcp\""));
    assert_true(harness_got(h, operator.connection, "\"loss_out\":0.100"));
    assert_true(harness_got(h, operator.connection, "\"bps_out\":4000000"));
    /* 10 participants cost 85 permille: 90 more until 850, fewer than the 1990 of capacity. */
    assert_true(harness_got(h, operator.connection, "\"left\":{\"learners\":90}"));
    /* In the plot those who have media, as in the figures: not whoever watches. */
    assert_true(harness_got(h, operator.connection, "\"cpu\":0.000,\"participants\":10,"));
    harness_run_for(h, SECONDS(10));
    assert_int_equal(harness_count(h, operator.connection, "\"type\":\"overview\""), 6);
    harness_send(h, operator.connection, "{\"type\":\"watch\",\"id\":3,\"on\":false}");
    harness_forget(h);
    harness_run_for(h, SECONDS(10));
    assert_int_equal(harness_count(h, operator.connection, "\"type\":\"overview\""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(an_offer_is_answered_with_the_relays_parameters),
        HARNESS_TEST(an_offer_waits_five_seconds_for_a_relay),
        HARNESS_TEST(an_answer_lost_with_the_link_is_asked_for_again_under_a_new_session),
        HARNESS_TEST(relay_errors_become_client_errors),
        HARNESS_TEST(when_signaling_restarts_media_stays_and_pages_resume),
        HARNESS_TEST(when_the_relay_restarts_pages_make_a_new_transport),
        HARNESS_TEST(a_lost_link_alone_resets_nobody),
        HARNESS_TEST(a_silent_transport_is_reset_and_a_replaced_one_is_not),
        HARNESS_TEST(an_ice_restart_keeps_the_session_and_needs_a_transport),
        HARNESS_TEST(of_two_ice_restarts_the_newer_is_answered_and_the_transport_stays),
        HARNESS_TEST(a_restart_while_a_new_connection_is_made_finds_no_transport),
        HARNESS_TEST(a_bad_offer_is_refused_and_the_eleventh_is_too_many),
        HARNESS_TEST(events_about_strangers_and_wild_values_change_nothing),
        HARNESS_TEST(a_page_is_told_how_its_screen_is_thinned_and_what_of_its_own_is_received),
        HARNESS_TEST(the_screen_is_in_av1_as_long_as_everybody_who_receives_it_reads_that),
        HARNESS_TEST(operators_get_the_overview_every_two_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
