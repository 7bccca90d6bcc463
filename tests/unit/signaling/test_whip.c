#include "unit/signaling/harness.h"

#define SDP "application/sdp"
#define FRAGMENT "application/trickle-ice-sdpfrag"

static const struct seen *post(struct harness *h, const char *kind, const char *class_id,
                               const char *token, const char *type, const char *body)
{
    char path[200];
    snprintf(path, sizeof path, "/%s/%s", kind, class_id);
    return harness_response(h, harness_http(h, HTTP_POST, path, token, type, NULL, body));
}

static const struct seen *on_session(struct harness *h, enum http_method method,
                                     const char *location, const char *token, const char *if_match,
                                     const char *body)
{
    return harness_response(h, harness_http(h, method, location, token,
                                            body != NULL ? FRAGMENT : NULL, if_match, body));
}

static uint64_t last_added(const struct harness *h)
{
    uint64_t participant = 0;
    for (size_t i = 0; i < h->seen_count; i++) {
        const struct control_message *message = h->seen[i].message;
        if (message != NULL && message->type == CONTROL_PARTICIPANT_ADD)
            participant = message->participant_add.participant;
    }
    return participant;
}

static void a_trainers_whip_is_heard_and_seen_at_once(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person learner = harness_join(h, "learner", "L");
    char *token = harness_invite(h, "trainer", "Mme Petit");
    const struct seen *response = post(h, "whip", h->class_id, token, SDP, OFFER);
    assert_int_equal(response->status, 201);
    assert_string_equal(response->content_type, SDP);
    assert_non_null(strstr(response->text, "a=ice-ufrag:relay"));
    char prefix[100];
    snprintf(prefix, sizeof prefix, "/whip/%s/", h->class_id);
    assert_int_equal(strncmp(response->location, prefix, strlen(prefix)), 0);
    assert_int_equal(response->etag[0], '"');
    uint64_t id = last_added(h);
    assert_int_equal(harness_grant(h, id, SEND_SLOT_MIC), 1);
    assert_int_equal(harness_grant(h, id, SEND_SLOT_SCREEN), 1);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), id);
    assert_true(harness_got(h, learner.connection, "\"sharing\":\"screen\""));
    free(token);
}

static void a_learners_whip_is_forwarded_only_with_the_floor(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    struct person trainer = harness_join(h, "trainer", "T");
    char *token = harness_invite(h, "learner", "L");
    assert_int_equal(post(h, "whip", h->class_id, token, SDP, OFFER)->status, 201);
    uint64_t id = last_added(h);
    assert_int_equal(harness_grant(h, id, SEND_SLOT_MIC), -1);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), 0);
    harness_send(h, trainer.connection, "{\"type\":\"floor_give\",\"id\":3,\"participant\":\"%d\"}",
                 (int)id);
    assert_int_equal(harness_grant(h, id, SEND_SLOT_MIC), 1);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), id);
    harness_send(h, trainer.connection, "{\"type\":\"floor_take\",\"id\":4,\"participant\":\"%d\"}",
                 (int)id);
    assert_int_equal(harness_grant(h, id, SEND_SLOT_MIC), 0);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), 0);
    free(token);
}

static void posts_are_refused_with_the_right_status(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char other[64], ended[64], path[160];
    harness_new_class(h, "autre", other);
    harness_new_class(h, "finie", ended);
    char *trainer = harness_invite(h, "trainer", "T");
    char *learner = harness_invite(h, "learner", "L");
    char *operator= harness_invite(h, "operator", "O");
    char *foreign = harness_invite_to(h, other, "trainer", "x", "");
    char *over = harness_invite_to(h, ended, "trainer", "x", "");
    char *expired = harness_invite_to(h, h->class_id, "trainer", "x", ",\"expires_in_s\":1");
    snprintf(path, sizeof path, "/api/v1/classes/%s/end", ended);
    assert_int_equal(harness_api(h, HTTP_POST, path, NULL)->status, 200);
    harness_run_for(h, SECONDS(2));
    const struct {
        const char *why, *kind, *class_id, *token, *type, *body;
        int status;
        const char *code;
    } cases[] = {
        {"no token", "whip", h->class_id, NULL, SDP, OFFER, 401, "not_authenticated"},
        {"bad token", "whip", h->class_id, "x.y.z", SDP, OFFER, 401, "invalid_token"},
        {"expired", "whip", h->class_id, expired, SDP, OFFER, 401, "expired_token"},
        {"another class", "whip", h->class_id, foreign, SDP, OFFER, 403, "not_allowed"},
        {"no such class", "whip", "none", trainer, SDP, OFFER, 403, "not_allowed"},
        {"operator sends", "whip", h->class_id, operator, SDP, OFFER, 403, "not_allowed"},
        {"class ended", "whip", ended, over, SDP, OFFER, 409, "class_ended"},
        {"content type", "whip", h->class_id, trainer, "text/plain", OFFER, 415, "content_type"},
        {"no content type", "whep", h->class_id, learner, NULL, OFFER, 415, "content_type"},
        {"not SDP", "whip", h->class_id, trainer, SDP, "hello", 400, "bad_sdp"},
        {"empty", "whip", h->class_id, trainer, SDP, "", 400, "bad_sdp"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct seen *response =
            post(h, cases[i].kind, cases[i].class_id, cases[i].token, cases[i].type, cases[i].body);
        if (response == NULL || response->status != cases[i].status)
            fail_msg("%s: %d", cases[i].why, response != NULL ? response->status : 0);
        char *code = body_value(response, "code");
        assert_string_equal(code, cases[i].code);
        free(code);
    }
    assert_int_equal(last_added(h), 0); /* nobody came in */
    assert_int_equal(post(h, "whep", h->class_id, operator, SDP, OFFER)->status, 201);
    assert_int_equal(post(h, "whep", h->class_id, learner, "Application/SDP; x", OFFER)->status,
                     201); /* RFC 9110 8.3.1 */
    free(trainer);
    free(learner);
    free(operator);
    free(foreign);
    free(over);
    free(expired);
}

static void a_refused_offer_is_told_what_it_lacks(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char *token = harness_invite(h, "trainer", "T");
#define HEAD "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define LINE "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n"
    static const struct {
        const char *offer, *detail;
    } cases[] = {
        {"hello", "grammar"},
        {HEAD "a=ice-lite\r\n" LINE "a=mid:0\r\na=rtcp-mux\r\n", "ICE-lite"},
        {HEAD LINE "a=mid:0\r\n", "rtcp-mux"},
        {HEAD LINE "a=rtcp-mux\r\n", "a=mid"},
        {HEAD LINE "a=mid:0\r\na=rtcp-mux\r\n", "fingerprint"},
        {HEAD LINE "a=mid:0\r\na=rtcp-mux\r\n" LINE "a=mid:1\r\na=rtcp-mux\r\n", "BUNDLE"},
        {HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n", "audio or video"},
        {HEAD, "audio or video"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct seen *response = post(h, "whip", h->class_id, token, SDP, cases[i].offer);
        assert_int_equal(response->status, 400);
        char *detail = body_value(response, "detail");
        if (strstr(detail, cases[i].detail) == NULL)
            fail_msg("%s: %s", cases[i].detail, detail);
        free(detail);
    }
    free(token);
}

static void a_bad_offer_does_not_use_up_a_single_use_invite(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char *token = harness_invite_to(h, h->class_id, "trainer", "x", ",\"single_use\":true");
    assert_int_equal(post(h, "whip", h->class_id, token, SDP, "hello")->status, 400);
    assert_int_equal(post(h, "whip", h->class_id, token, SDP, OFFER)->status, 201);
    assert_int_equal(post(h, "whip", h->class_id, token, SDP, OFFER)->status, 401);
    free(token);
}

static void a_session_ends_with_delete_by_its_own_token_only(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char *token = harness_invite(h, "trainer", "T"), *other = harness_invite(h, "trainer", "U");
    const char *location = post(h, "whip", h->class_id, token, SDP, OFFER)->location;
    char kept[160], as_whep[160];
    snprintf(kept, sizeof kept, "%s", location);
    snprintf(as_whep, sizeof as_whep, "%s", location);
    as_whep[3] = 'e';
    uint64_t id = last_added(h);
    assert_int_equal(on_session(h, HTTP_DELETE, kept, NULL, NULL, NULL)->status, 401);
    assert_int_equal(on_session(h, HTTP_DELETE, kept, other, NULL, NULL)->status, 404);
    assert_int_equal(on_session(h, HTTP_DELETE, as_whep, token, NULL, NULL)->status, 404);
    assert_int_equal(on_session(h, HTTP_GET, kept, token, NULL, NULL)->status, 405);
    assert_int_equal(on_session(h, HTTP_DELETE, kept, token, NULL, NULL)->status, 200);
    assert_true(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, id) != SIZE_MAX);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), 0);
    assert_int_equal(on_session(h, HTTP_DELETE, kept, token, NULL, NULL)->status, 404);
    free(token);
    free(other);
}

static void patch_trickles_and_restarts(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char *token = harness_invite(h, "trainer", "T");
    const struct seen *made = post(h, "whip", h->class_id, token, SDP, OFFER);
    char location[160], etag[64];
    snprintf(location, sizeof location, "%s", made->location);
    snprintf(etag, sizeof etag, "%s", made->etag);
    const char *trickle = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
                          "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
                          "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n";
    const char *restart = "a=ice-ufrag:fresh\r\na=ice-pwd:9876543210987654321098\r\n";
    char listed[200], crowded[200], weak[200], inside[200], comma[200], cut[200];
    snprintf(listed, sizeof listed, "\"old\", %s, \"older\"", etag);
    snprintf(crowded, sizeof crowded, ",,\"old\"\t,%s , ", etag);
    snprintf(weak, sizeof weak, "\"old\", W/%s", etag);
    snprintf(inside, sizeof inside, "\"x%s", etag + 1);
    snprintf(comma, sizeof comma, "\"old, %.*s, older\"", (int)strlen(etag) - 2, etag + 1);
    snprintf(cut, sizeof cut, "\"old\", %.*s", (int)strlen(etag) - 1, etag);
    const struct {
        const char *why, *if_match, *body;
        int status;
    } cases[] = {
        {"candidates", NULL, trickle, 204},
        {"candidates, right tag", etag, trickle, 204},
        {"candidates, stale tag", "\"old\"", trickle, 412},
        {"restart without a tag", NULL, restart, 428},
        {"restart with a stale tag", "\"old\"", restart, 412},
        {"not a fragment", "*", "hello", 400},
        {"candidates, right tag in a list", listed, trickle, 204},
        {"candidates, tags without spaces or with empty places", crowded, trickle, 204},
        {"candidates, a list of stale tags", "\"old\", \"older\"", trickle, 412},
        {"candidates, a weak tag", weak, trickle, 412},
        {"candidates, the tag inside of another one", inside, trickle, 412},
        {"candidates, the tag in a tag that holds a comma", comma, trickle, 412},
        {"candidates, no tags at all", ", ,", trickle, 412},
        {"candidates, a tag without its end", cut, trickle, 412},
        {"restart with a list of stale tags", "\"old\",\"older\"", restart, 412},
        {"restart", "*", restart, 200},
        {"the old tag after a restart", etag, trickle, 412},
        {"the old tag in a list", listed, trickle, 412},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct seen *response =
            on_session(h, HTTP_PATCH, location, token, cases[i].if_match, cases[i].body);
        if (response == NULL || response->status != cases[i].status)
            fail_msg("%s: %d", cases[i].why, response != NULL ? response->status : 0);
        if (cases[i].status != 200)
            continue;
        assert_string_equal(response->content_type, FRAGMENT);
        assert_non_null(strstr(response->text, "a=ice-ufrag:relay"));
        assert_true(response->etag[0] == '"' && strcmp(response->etag, etag) != 0);
    }
    uint64_t exchange = harness_http(h, HTTP_PATCH, location, token, "text/plain", NULL, trickle);
    assert_int_equal(harness_response(h, exchange)->status, 415);
    free(token);
}

static void of_two_restarts_by_patch_the_newer_is_answered_and_the_session_stays(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char *token = harness_invite(h, "trainer", "T");
    const struct seen *made = post(h, "whip", h->class_id, token, SDP, OFFER);
    char location[160], etag[64];
    snprintf(location, sizeof location, "%s", made->location);
    snprintf(etag, sizeof etag, "%s", made->etag);
    uint64_t id = last_added(h);
    harness_forget(h);
    h->relay_answers = false;
    uint64_t older = harness_http(h, HTTP_PATCH, location, token, FRAGMENT, etag,
                                  "a=ice-ufrag:fresh\r\na=ice-pwd:9876543210987654321098\r\n");
    harness_forget(h);
    uint64_t newer = harness_http(h, HTTP_PATCH, location, token, FRAGMENT, etag,
                                  "a=ice-ufrag:newest\r\na=ice-pwd:9876543210987654321098\r\n");
    assert_int_equal(harness_response(h, older)->status, 412);
    size_t restart = harness_relay_place(h, CONTROL_ICE_RESTART, id);
    assert_string_equal(h->seen[restart].message->ice_restart.remote_ice.ufrag, "newest");
    harness_relay_answers(h, h->seen[restart].message->id);
    assert_int_equal(harness_response(h, newer)->status, 200);
    assert_int_equal(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, id), SIZE_MAX);
    free(token);
}

static void options_say_what_may_be_posted(void **state)
{
    struct harness *h = *state;
    char path[160];
    snprintf(path, sizeof path, "/whip/%s", h->class_id);
    const struct seen *response =
        harness_response(h, harness_http(h, HTTP_OPTIONS, path, NULL, NULL, NULL, NULL));
    assert_int_equal(response->status, 204);
    assert_string_equal(response->accept_post, SDP);
    response = harness_response(h, harness_http(h, HTTP_GET, path, NULL, NULL, NULL, NULL));
    assert_int_equal(response->status, 405);
    assert_string_equal(response->allow, "POST, OPTIONS");
}

static void a_post_without_a_relay_is_503_after_five_seconds_and_leaves_nobody(void **state)
{
    struct harness *h = *state;
    struct person trainer = harness_join(h, "trainer", "T");
    char *token = harness_invite(h, "learner", "L");
    char path[160];
    snprintf(path, sizeof path, "/whep/%s", h->class_id);
    uint64_t exchange = harness_http(h, HTTP_POST, path, token, SDP, NULL, OFFER);
    assert_null(harness_response(h, exchange));
    harness_run_for(h, SECONDS(5));
    assert_int_equal(harness_response(h, exchange)->status, 503);
    assert_true(harness_got(h, trainer.connection, "person_left"));
    free(token);
}

static void a_client_that_goes_away_before_its_answer_leaves_nobody(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    h->relay_answers = false;
    struct person trainer = harness_join(h, "trainer", "T");
    char *token = harness_invite(h, "learner", "L");
    char path[160];
    snprintf(path, sizeof path, "/whep/%s", h->class_id);
    uint64_t exchange = harness_http(h, HTTP_POST, path, token, SDP, NULL, OFFER);
    service_handle_http_aborted(h->service, h->at, exchange);
    harness_drain(h);
    assert_true(harness_got(h, trainer.connection, "person_left"));
    assert_true(harness_relay_place(h, CONTROL_PARTICIPANT_REMOVE, last_added(h)) != SIZE_MAX);
    assert_null(harness_response(h, exchange));
    free(token);
}

static void sessions_live_as_long_as_the_relay_holds_them(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char *token = harness_invite(h, "trainer", "T"), *second = harness_invite(h, "learner", "L");
    const struct seen *made = post(h, "whip", h->class_id, token, SDP, OFFER);
    char location[160];
    snprintf(location, sizeof location, "%s", made->location);
    uint64_t publisher = last_added(h);
    assert_int_equal(post(h, "whep", h->class_id, second, SDP, OFFER)->status, 201);
    uint64_t receiver = last_added(h);
    harness_restart_service(h);
    harness_run_for(h, SECONDS(300));
    harness_forget(h);
    harness_relay_hello(h, "boot-1");
    harness_relay_holds(h, 1, publisher, 1); /* the receiver is gone */
    harness_relay_sync_end(h);
    assert_int_equal(harness_grant(h, publisher, SEND_SLOT_MIC), 1);
    assert_int_equal(harness_bound(h, ROOM_SLOT_SCREEN), publisher);
    char path[160];
    snprintf(path, sizeof path, "/api/v1/classes/%s/participants", h->class_id);
    json_t *tree = json_loads(harness_api(h, HTTP_GET, path, NULL)->text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(tree, "participants")), 1);
    json_decref(tree);
    (void)receiver;
    harness_relay_state(h, publisher, 1, CONTROL_MEDIA_CLOSED);
    assert_int_equal(on_session(h, HTTP_DELETE, location, token, NULL, NULL)->status, 404);
    free(token);
    free(second);
}

static void fifty_receivers_from_one_address_are_welcome_and_a_flood_is_not(void **state)
{
    struct harness *h = *state;
    harness_relay_up(h);
    char *token = harness_invite(h, "learner", "L");
    for (int i = 0; i < 1001; i++) {
        const struct seen *response = post(h, "whep", h->class_id, token, SDP, "hello");
        assert_int_equal(response->status, i < 1000 ? 400 : 429);
    }
    harness_run_for(h, SECONDS(2));
    for (int i = 0; i < 50; i++)
        assert_int_equal(post(h, "whep", h->class_id, token, SDP, OFFER)->status, 201);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(a_trainers_whip_is_heard_and_seen_at_once),
        HARNESS_TEST(a_learners_whip_is_forwarded_only_with_the_floor),
        HARNESS_TEST(posts_are_refused_with_the_right_status),
        HARNESS_TEST(a_refused_offer_is_told_what_it_lacks),
        HARNESS_TEST(a_bad_offer_does_not_use_up_a_single_use_invite),
        HARNESS_TEST(a_session_ends_with_delete_by_its_own_token_only),
        HARNESS_TEST(patch_trickles_and_restarts),
        HARNESS_TEST(of_two_restarts_by_patch_the_newer_is_answered_and_the_session_stays),
        HARNESS_TEST(options_say_what_may_be_posted),
        HARNESS_TEST(a_post_without_a_relay_is_503_after_five_seconds_and_leaves_nobody),
        HARNESS_TEST(a_client_that_goes_away_before_its_answer_leaves_nobody),
        HARNESS_TEST(sessions_live_as_long_as_the_relay_holds_them),
        HARNESS_TEST(fifty_receivers_from_one_address_are_welcome_and_a_flood_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
