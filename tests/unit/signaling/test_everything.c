/* Thousands of random sequences through the whole core: people who join, wait, act, lose sockets,
 * come back, send what they may not and messages out of order, under restarts of the service and of
 * the relay. After each step three promises are checked against rules written down a second time
 * (everything_rules.c): no slot is open without the right, no message reaches who may not have it,
 * nothing changes at the word of who may not say it. */
#include "unit/signaling/everything_rules.c"

#define STEPS 220
#define SEQUENCES 30 /* AMPHI_SEQUENCES=3000: a long run */

static const char *const role_of[PEOPLE] = {"trainer", "co_trainer", "assistant",
                                            "learner", "learner",    "learner",
                                            "learner", "inspector",  "operator"};

/* Each request with those who may; everybody tries. */
static const struct {
    const char *text; /* %d: a participant, or the newest poll */
    const char *who;
} requests[] = {
    {"\"floor_give\",\"participant\":\"%d\"", TEACHING},
    {"\"floor_give\",\"participant\":\"%d\",\"only\":true", TEACHING},
    {"\"floor_take\",\"participant\":\"%d\"", TEACHING},
    {"\"floor_next\"", TEACHING},
    {"\"hand\",\"raised\":true", "|learner|"},
    {"\"hand\",\"raised\":true", "|learner|"},
    {"\"hand\",\"raised\":false", "|learner|"},
    {"\"hand_lower\",\"participant\":\"%d\"", STAFF},
    {"\"mute\",\"participant\":\"%d\"", TEACHING},
    {"\"mute\",\"participant\":\"%d\",\"on\":false", TEACHING},
    {"\"mute_all\"", TEACHING},
    {"\"mute_ask\",\"participant\":\"%d\"", STAFF},
    {"\"mode_set\",\"mode\":\"discussion\"", TEACHING},
    {"\"mode_set\",\"mode\":\"lecture\"", TEACHING},
    {"\"mode_set\",\"mode\":\"break\",\"minutes\":1", TEACHING},
    {"\"lobby_set\",\"on\":true", STAFF},
    {"\"lobby_set\",\"on\":false", STAFF},
    {"\"lobby_admit\"", STAFF},
    {"\"lobby_refuse\",\"waiting\":\"%d\"", STAFF},
    {"\"kick\",\"participant\":\"%d\"", TEACHING},
    {"\"to_lobby\",\"participant\":\"%d\"", TEACHING},
    {"\"share_start\",\"audio\":true", "|trainer|co_trainer|learner|assistant|"},
    {"\"share_stop\"", "|trainer|co_trainer|learner|assistant|inspector|operator|"},
    {"\"mic\",\"on\":true", "|trainer|co_trainer|learner|assistant|operator|"},
    {"\"watch\",\"on\":true", "|operator|"},
    {"\"lock\",\"on\":true", "|trainer|co_trainer|"}, /* the co-trainer with the lead */
    {"\"lock\",\"on\":false", "|trainer|co_trainer|"},
    {"\"lead_give\",\"participant\":\"%d\"", "|trainer|co_trainer|"},
    {"\"ban\",\"participant\":\"%d\",\"reason\":\"r\"", "|trainer|co_trainer|"},
    {"\"mode_set\",\"mode\":\"practical\"", TEACHING},
    {"\"mode_set\",\"mode\":\"quiz\"", TEACHING},
    {"\"chat_send\",\"text\":\"x\"", "|trainer|co_trainer|assistant|learner|"},
    {"\"chat_send\",\"text\":\"x\",\"to\":\"%d\"", STAFF},
    {"\"chat_open\",\"on\":false", STAFF},
    {"\"chat_open\",\"on\":true", STAFF},
    {"\"chat_delete\",\"message\":\"%d\"", STAFF},
    {"\"chat_answered\",\"message\":\"%d\"", STAFF},
    {"\"poll_start\",\"kind\":\"single\",\"question\":\"Q\",\"options\":[\"a\",\"b\"],"
     "\"correct\":[0]",
     STAFF},
    {"\"poll_answer\",\"poll\":\"%d\",\"choices\":[0]", "|learner|"},
    {"\"poll_show\",\"poll\":\"%d\"", STAFF},
    {"\"poll_close\",\"poll\":\"%d\"", STAFF},
    {"\"pace\",\"value\":\"fast\"", "|learner|"},
    {"\"help\",\"on\":true", "|learner|"},
    {"\"help\",\"on\":false", "|learner|"},
    {"\"help_answer\",\"participant\":\"%d\"", STAFF},
    {"\"help_done\",\"participant\":\"%d\"", STAFF},
    {"\"aside_start\",\"participant\":\"%d\"", STAFF},
    {"\"aside_stop\"", "|trainer|co_trainer|assistant|learner|"},
    {"\"delivery_list\"", STAFF},
};

static char *state_of_class(struct play *play)
{
    json_t *record = ask_api(play, ""), *people = ask_api(play, "/participants");
    json_object_del(record, "realised_ms");
    json_object_set_new(record, "people", people);
    char *text = json_dumps(record, JSON_SORT_KEYS);
    json_decref(record);
    return text;
}

/* Who has waited longest of those whose socket is up; 0: nobody. */
static uint64_t first_in_queue(const char *state)
{
    json_t *tree = json_loads(state, 0, NULL);
    const json_t *people = json_object_get(json_object_get(tree, "people"), "participants");
    uint64_t first = 0;
    json_int_t since = 0;
    for (size_t i = 0; i < json_array_size(people); i++) {
        const json_t *p = json_array_get(people, i), *hand = json_object_get(p, "hand");
        if (!json_is_integer(hand) || !json_is_true(json_object_get(p, "here")) ||
            (first != 0 && json_integer_value(hand) > since))
            continue;
        first = strtoull(json_string_value(json_object_get(p, "id")), NULL, 10);
        since = json_integer_value(hand);
    }
    json_decref(tree);
    return first;
}

/* What request 5 was answered with since `mark`, errors aside; NULL: nothing. */
static const char *find_answer(const struct harness *h, size_t mark, uint64_t connection)
{
    for (size_t i = mark; i < h->seen_count; i++) {
        if (h->seen[i].type == SERVICE_SEND && h->seen[i].number == connection &&
            strstr(h->seen[i].text, "\"to\":5") != NULL &&
            strstr(h->seen[i].text, "\"type\":\"error\"") == NULL)
            return h->seen[i].text;
    }
    return NULL;
}

static void check_next(const struct play *play, const char *answer, uint64_t expected)
{
    char part[48];
    snprintf(part, sizeof part, "\"participant\":\"%llu\"", (unsigned long long)expected);
    if (strstr(answer, part) == NULL)
        fail_at(play, "the floor passed over who waited longest", answer);
}

/* In every third sequence practical work and words in private come up often. */
static size_t draw_request(struct play *play)
{
    size_t which = rng_below(&play->rng, COUNT_OF(requests));
    uint64_t often = play->seed % 3 == 0 ? rng_below(&play->rng, 4) : 4;
    for (size_t i = 0; often < 2 && i < COUNT_OF(requests); i++) {
        if (strstr(requests[i].text, often == 0 ? "practical" : "aside_start") != NULL)
            which = i;
    }
    return which;
}

static void request(struct play *play, struct actor *a)
{
    size_t which = draw_request(play);
    struct harness *h = play->h;
    char text[200];
    int about = (int)play->actors[rng_below(&play->rng, PEOPLE)].id;
    if (strstr(requests[which].text, "\"poll\":\"%d\"") != NULL)
        about = (int)play->poll;
    bool may = is_in_class(a) && has(a, requests[which].who);
    char *before = state_of_class(play);
    follow(play);
    size_t mark = h->seen_count;
    uint64_t connection = a->connection;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, requests[which].text, about);
#pragma GCC diagnostic pop
    harness_send(h, connection, "{\"id\":5,\"type\":%s}", text);
    const char *answer = find_answer(h, mark, connection);
    bool done = answer != NULL;
    if (done && strstr(text, "floor_next") != NULL)
        check_next(play, answer, first_in_queue(before));
    follow(play);
    char *after = state_of_class(play);
    if (done && !may)
        fail_at(play, a->role, text);
    if (!done && strcmp(before, after) != 0 && strstr(text, "only") == NULL)
        fail_at(play, "a refused request changed the class", text);
    free(before);
    free(after);
}

static void come(struct play *play, struct actor *a)
{
    bool resume = a->resume[0] != '\0' && rng_below(&play->rng, 2) == 0;
    a->connection = harness_connect(play->h);
    a->waits = false;
    a->aside = 0;
    if (resume) {
        harness_resume(play->h, a->connection, a->resume);
    } else {
        a->id = 0;
        harness_hello(play->h, a->connection, a->token);
    }
    struct person person = {.connection = a->connection};
    if (play->seed % 3 == 0) /* as pages do */
        harness_offer(play->h, &person);
    follow(play);
}

static void come_twice(struct play *play, struct actor *a)
{
    struct actor before = *a;
    come(play, a);
    if (before.connection != 0)
        harness_disconnect(play->h, before.connection); /* late, after the new one is there */
}

static void restart(struct play *play)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        play->actors[i].connection = 0;
        play->actors[i].waits = false;
    }
    harness_restart_service(play->h);
    memset(play->aside, 0, sizeof play->aside);
    memset(play->open, 0, sizeof play->open); /* the relay is another one as well */
    char boot[32];
    snprintf(boot, sizeof boot, "boot-%u", (unsigned)rng_below(&play->rng, 1000000));
    harness_relay_hello(play->h, boot);
    harness_relay_sync_end(play->h);
}

/* The relay's word about somebody, true or late. */
static void relay_speaks(struct play *play)
{
    uint64_t id = 1 + rng_below(&play->rng, 40);
    uint32_t session = 1 + (uint32_t)rng_below(&play->rng, 3);
    static const enum control_media_state states[] = {CONTROL_MEDIA_CONNECTING,
                                                      CONTROL_MEDIA_CONNECTED, CONTROL_MEDIA_QUIET};
    harness_relay_state(play->h, id, session, states[rng_below(&play->rng, 3)]);
}

static void step(struct play *play)
{
    struct actor *a = &play->actors[rng_below(&play->rng, PEOPLE)];
    uint64_t what = rng_below(&play->rng, 100);
    if (what == 0) {
        restart(play);
    } else if (a->connection == 0) {
        come(play, a);
    } else if (what < 8) {
        harness_disconnect(play->h, a->connection);
        a->connection = 0;
        a->waits = false;
    } else if (what < 12) {
        come_twice(play, a);
    } else if (what < 20) {
        struct person person = {.connection = a->connection};
        harness_offer(play->h, &person);
    } else if (what < 24) {
        relay_speaks(play);
    } else if (what < 30) {
        harness_run_for(play->h, SECONDS(rng_below(&play->rng, 80)));
    } else {
        request(play, a);
    }
    harness_run_for(play->h, MILLISECONDS(500 + rng_below(&play->rng, 1000)));
}

static size_t run_sequence(uint64_t seed)
{
    void *state = NULL;
    assert_int_equal(harness_setup(&state), 0);
    struct play *play = calloc(1, sizeof *play);
    assert_non_null(play);
    play->h = state;
    play->seed = seed;
    play->rng = rng_of_seed(seed);
    harness_relay_up(play->h);
    for (size_t i = 0; i < PEOPLE; i++) {
        char name[32] = "";
        if (i % 2 == 0)
            snprintf(name, sizeof name, "P%zu", i);
        play->actors[i].role = role_of[i];
        play->actors[i].token =
            harness_invite_to(play->h, play->h->class_id, role_of[i], name, ",\"personal\":true");
    }
    for (int i = 0; i < STEPS; i++) {
        step(play);
        check(play);
    }
    for (size_t i = 0; i < PEOPLE; i++)
        free(play->actors[i].token);
    size_t asides = play->asides;
    free(play);
    harness_teardown(&state);
    return asides;
}

static void no_sequence_lets_anybody_send_hear_or_do_what_it_may_not(void **state)
{
    const char *more = getenv("AMPHI_SEQUENCES");
    uint64_t sequences = more != NULL ? strtoull(more, NULL, 10) : SEQUENCES;
    size_t asides = 0;
    for (uint64_t seed = 1; seed <= sequences; seed++)
        asides += run_sequence(seed);
    assert_true(asides > sequences / 3);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_sequence_lets_anybody_send_hear_or_do_what_it_may_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
