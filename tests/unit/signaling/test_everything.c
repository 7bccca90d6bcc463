/* Thousands of random sequences through the whole core: people who join, wait, act, lose sockets,
 * come back, send what they may not and messages out of order, under restarts of the service and of
 * the relay. After each step three promises are checked against rules written down here a second
 * time: no slot is open without the right, no message reaches who may not have it, nothing changes
 * at the word of who may not say it. */
#include "unit/signaling/harness.h"

#include "base/rng.h"

#define PEOPLE 9
#define STEPS 220

#define SEQUENCES 30 /* AMPHI_SEQUENCES=3000: a long run */

static const char *const role_of[PEOPLE] = {"trainer", "co_trainer", "assistant",
                                            "learner", "learner",    "learner",
                                            "learner", "inspector",  "operator"};

struct actor {
    char *token;
    const char *role;
    uint64_t connection; /* 0: none */
    uint64_t id;         /* 0: not in class, as far as it was told */
    char resume[96];
    bool waits;
    uint64_t aside;  /* with whom it speaks in private, as it was told */
    bool shown;      /* the newest poll's results are for all */
    bool known[512]; /* participants with the floor, as it was told */
};

struct play {
    struct harness *h;
    struct rng rng;
    struct actor actors[PEOPLE];
    uint64_t seed;
    unsigned open[512];  /* by participant: as the relay was told */
    uint64_t aside[512]; /* who speaks with whom in private, as the relay was told */
    size_t followed;     /* outputs looked at */
    size_t asides;       /* begun */
    uint64_t poll;       /* the newest that anybody was told of */
};

/* `list` as "|one|other|". */
static bool is_in(const char *word, const char *list)
{
    char wanted[40];
    snprintf(wanted, sizeof wanted, "|%s|", word);
    return strstr(list, wanted) != NULL;
}

#define TEACHING "|trainer|co_trainer|"
#define STAFF "|trainer|co_trainer|assistant|"
#define SEE_ALL "|trainer|co_trainer|assistant|inspector|operator|"

static bool has(const struct actor *a, const char *list)
{
    return is_in(a->role, list);
}

static struct actor *actor_of_connection(struct play *play, uint64_t connection)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        if (play->actors[i].connection == connection)
            return &play->actors[i];
    }
    return NULL;
}

static bool is_in_class(const struct actor *a)
{
    return a->id != 0 && !a->waits && a->connection != 0;
}

static struct actor *actor_of_id(struct play *play, uint64_t id)
{
    for (size_t i = 0; id != 0 && i < PEOPLE; i++) {
        if (play->actors[i].id == id)
            return &play->actors[i];
    }
    return NULL;
}

static uint64_t id_in(const json_t *person)
{
    const char *text = json_string_value(json_object_get(person, "id"));
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static void fail_at(const struct play *play, const char *what, const char *text)
{
    fail_msg("seed %llu: %s: %.300s", (unsigned long long)play->seed, what, text);
}

/* --- What is told to whom */

/* A learner reads of another learner only while that one has the floor, and once when it is lost.
 */
static bool may_read(struct actor *a, const json_t *person)
{
    const char *role = json_string_value(json_object_get(person, "role"));
    uint64_t id = id_in(person);
    bool floor = json_is_true(json_object_get(person, "floor"));
    bool known = a->known[id % 512];
    a->known[id % 512] = floor;
    bool private = !json_is_null(json_object_get(person, "help")) ||
                   !json_is_null(json_object_get(person, "helper")) ||
                   !json_is_null(json_object_get(person, "aside"));
    if (private && !has(a, STAFF) && id != a->id)
        return false;
    return has(a, SEE_ALL) || id == a->id || floor || known ||
           is_in(role, "|trainer|co_trainer|inspector|");
}

/* The right answer is for staff, and for all once the poll is closed and shown. */
static void follow_poll(struct actor *a, const json_t *poll)
{
    a->shown = json_is_true(json_object_get(poll, "shown"));
    bool over = a->shown && json_is_false(json_object_get(poll, "open"));
    if (json_object_get(poll, "correct") != NULL && !over && !has(a, STAFF))
        fail_msg("%s knows the right answer too early", a->role);
}

static void follow_welcome(struct actor *a, const json_t *tree)
{
    const json_t *participant = json_object_get(tree, "participant");
    a->id = id_in(participant);
    snprintf(a->resume, sizeof a->resume, "%s",
             json_string_value(json_object_get(tree, "resume_token")));
    a->waits = false;
    memset(a->known, 0, sizeof a->known);
    static const char *const for_staff[] = {"delivery", "pace", "lobby"};
    const json_t *snapshot = json_object_get(tree, "state");
    for (size_t i = 0; i < COUNT_OF(for_staff); i++) {
        if (json_object_get(snapshot, for_staff[i]) != NULL && !has(a, STAFF))
            fail_msg("%s has %s in its snapshot", a->role, for_staff[i]);
    }
    a->aside = id_in(json_object_get(snapshot, "aside"));
    follow_poll(a, json_object_get(snapshot, "poll"));
    if (json_is_object(json_object_get(snapshot, "poll_results")) && !has(a, STAFF) && !a->shown)
        fail_msg("%s has results in its snapshot", a->role);
    const json_t *people = json_object_get(snapshot, "people");
    for (size_t i = 0; i < json_array_size(people); i++) {
        if (!may_read(a, json_array_get(people, i)))
            fail_msg("%s reads of somebody in its snapshot", a->role);
    }
}

/* That a word in private begins: one of staff and a learner, of each other; that it is over: who
 * was told of one. That nobody else was told is seen when the step is over (`check_told`). */
static bool follow_told(struct play *play, struct actor *a, const json_t *with)
{
    uint64_t before = a->aside;
    a->aside = id_in(with);
    if (a->aside == 0)
        return before != 0;
    const struct actor *other = actor_of_id(play, a->aside);
    return other != NULL && ((has(a, STAFF) && has(other, "|learner|")) ||
                             (has(a, "|learner|") && has(other, STAFF)));
}

/* Who may get a message of this type. */
static bool may_hear(struct play *play, struct actor *a, const char *type, const json_t *tree)
{
    if (a->waits || a->id == 0) /* a stranger, or in the lobby */
        return is_in(type, "|welcome|waiting|error|ok|goodbye|class_ended|");
    if (strcmp(type, "people") == 0)
        return has(a, SEE_ALL);
    if (is_in(type, "|lobby|delivery|delivery_list|pace|poll_import|"))
        return has(a, STAFF);
    if (strcmp(type, "poll_results") == 0)
        return has(a, STAFF) || a->shown;
    if (strcmp(type, "aside") == 0)
        return follow_told(play, a, json_object_get(tree, "with"));
    if (is_in(type, "|poll_score|help_coming|"))
        return has(a, "|learner|");
    if (strcmp(type, "queue") == 0)
        return has(a, STAFF) || json_object_get(tree, "queue") == NULL;
    if (strcmp(type, "overview") == 0)
        return has(a, "|operator|");
    return true;
}

static void follow_text(struct play *play, const struct seen *seen)
{
    struct actor *a = actor_of_connection(play, seen->number);
    json_t *tree = json_loads(seen->text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(tree);
    const char *type = json_string_value(json_object_get(tree, "type"));
    assert_non_null(type);
    if (a != NULL) {
        if (strcmp(type, "welcome") == 0)
            follow_welcome(a, tree);
        if (strcmp(type, "waiting") == 0) {
            a->waits = true;
            a->id = 0;
        }
        if (!may_hear(play, a, type, tree))
            fail_at(play, a->role, seen->text);
        const json_t *poll = json_object_get(tree, "poll");
        if (strcmp(type, "poll") == 0) {
            follow_poll(a, poll);
            play->poll = strtoull(json_string_value(json_object_get(poll, "id")), NULL, 10);
        }
        const json_t *person = json_object_get(tree, "person");
        if (person != NULL && !may_read(a, person))
            fail_at(play, "reads of a stranger", seen->text);
    }
    json_decref(tree);
}

static void end_aside(struct play *play, uint64_t participant)
{
    uint64_t with = play->aside[participant % 512];
    play->aside[participant % 512] = play->aside[with % 512] = 0;
}

static void follow_aside(struct play *play, const struct control_aside *aside)
{
    end_aside(play, aside->participant);
    if (aside->with == 0)
        return;
    end_aside(play, aside->with);
    play->asides++;
    play->aside[aside->participant % 512] = aside->with;
    play->aside[aside->with % 512] = aside->participant;
}

/* Its transport is another one, or gone. */
static void forget_transport(struct play *play, uint64_t participant)
{
    play->open[participant % 512] = 0;
    end_aside(play, participant);
}

static void follow_relay(struct play *play, const struct control_message *message)
{
    if (message->type == CONTROL_PARTICIPANT_ADD)
        forget_transport(play, message->participant_add.participant);
    if (message->type == CONTROL_PARTICIPANT_REMOVE)
        forget_transport(play, message->participant_remove.participant);
    if (message->type == CONTROL_ASIDE)
        follow_aside(play, &message->aside);
    if (message->type != CONTROL_GRANT)
        return;
    unsigned bit = 1u << message->grant.slot;
    unsigned *open = &play->open[message->grant.participant % 512];
    *open = message->grant.open ? *open | bit : *open & ~bit;
}

static void follow(struct play *play)
{
    struct harness *h = play->h;
    for (; play->followed < h->seen_count; play->followed++) {
        const struct seen *seen = &h->seen[play->followed];
        if (seen->type == SERVICE_SEND)
            follow_text(play, seen);
        else if (seen->type == SERVICE_RELAY)
            follow_relay(play, seen->message);
        else if (seen->type == SERVICE_CLOSE) {
            struct actor *a = actor_of_connection(play, seen->number);
            if (a != NULL) {
                a->connection = 0;
                a->waits = false;
            }
        }
    }
}

/* --- What the API says is true */

static json_t *ask_api(struct play *play, const char *rest)
{
    char path[200];
    snprintf(path, sizeof path, "/api/v1/classes/%s%s", play->h->class_id, rest);
    json_t *tree = json_loads(harness_api(play->h, HTTP_GET, path, NULL)->text, 0, NULL);
    assert_non_null(tree);
    return tree;
}

/* The send slots that a role has, by the protocol's own words. */
static unsigned allowed_slots(const char *role, const char *mode, bool floor, bool muted)
{
    const unsigned mic = 1u << SEND_SLOT_MIC;
    const unsigned floor_slots = mic | 1u << SEND_SLOT_SCREEN | 1u << SEND_SLOT_SCREEN_AUDIO;
    if (strcmp(mode, "break") == 0)
        return 0;
    if (strcmp(role, "trainer") == 0 || strcmp(role, "co_trainer") == 0)
        return floor_slots | 1u << SEND_SLOT_CAMERA;
    if (strcmp(role, "learner") != 0 && strcmp(role, "assistant") != 0)
        return 0;
    if (floor)
        return floor_slots;
    return strcmp(mode, "discussion") == 0 && !muted ? mic : 0;
}

/* One of staff and a learner, both here, in practical work; and the class hears neither. */
static void check_aside(struct play *play, const json_t *people, uint64_t id, const char *mode)
{
    uint64_t with = play->aside[id % 512];
    int staff = 0, learners = 0;
    for (size_t i = 0; i < json_array_size(people); i++) {
        const json_t *p = json_array_get(people, i);
        uint64_t number = strtoull(json_string_value(json_object_get(p, "id")), NULL, 10);
        if (number != id && number != with)
            continue;
        staff += is_in(json_string_value(json_object_get(p, "role")), STAFF);
        learners += is_in(json_string_value(json_object_get(p, "role")), "|learner|");
        if ((play->open[number % 512] & 1u << SEND_SLOT_MIC) != 0)
            fail_at(play, "the class hears what is said in private", "");
    }
    if (strcmp(mode, "practical") != 0 || staff != 1 || learners != 1)
        fail_at(play, "these two may not speak in private", mode);
}

/* Each of the two has been told of the other, and nobody else of either. */
static void check_told(struct play *play)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        const struct actor *a = &play->actors[i];
        const struct actor *other = actor_of_id(play, a->aside);
        if (!is_in_class(a))
            continue;
        if (other != NULL && is_in_class(other) && other->aside != a->id)
            fail_at(play, "is told of a word in private of others", a->role);
        uint64_t with = play->aside[a->id % 512];
        if (with != 0 && with != a->aside)
            fail_at(play, "speaks in private and is not told with whom", a->role);
    }
}

static void check_people(struct play *play, const char *mode)
{
    json_t *tree = ask_api(play, "/participants");
    json_t *people = json_object_get(tree, "participants");
    bool present[512] = {false};
    for (size_t i = 0; i < json_array_size(people); i++) {
        const json_t *p = json_array_get(people, i);
        uint64_t id = strtoull(json_string_value(json_object_get(p, "id")), NULL, 10);
        const char *name = json_string_value(json_object_get(p, "name"));
        unsigned allowed = allowed_slots(json_string_value(json_object_get(p, "role")), mode,
                                         json_is_true(json_object_get(p, "floor")),
                                         json_is_true(json_object_get(p, "muted")));
        if ((play->open[id % 512] & ~allowed) != 0)
            fail_at(play, "a slot is open without the right", name);
        if (present[id % 512])
            fail_at(play, "somebody is there twice", name);
        present[id % 512] = true;
        if (play->aside[id % 512] != 0)
            check_aside(play, people, id, mode);
        for (size_t j = 0; j < i; j++) { /* personal links: one person, one participant */
            const json_t *other = json_array_get(people, j);
            if (strcmp(json_string_value(json_object_get(other, "invite_id")),
                       json_string_value(json_object_get(p, "invite_id"))) == 0)
                fail_at(play, "an identity is double", name);
        }
    }
    for (size_t id = 1; id < 512; id++) {
        if (!present[id] && (play->open[id] != 0 || play->aside[id] != 0))
            fail_at(play, "somebody who left may still send",
                    play->open[id] != 0 ? "" : "in private");
    }
    json_decref(tree);
}

/* Hands in the order of their instants, each once. */
static void check_queue(struct play *play)
{
    json_t *tree = ask_api(play, "/participants");
    json_t *people = json_object_get(tree, "participants");
    for (size_t i = 0; i < json_array_size(people); i++) {
        for (size_t j = 0; j < i; j++) {
            const json_t *a = json_object_get(json_array_get(people, i), "hand");
            const json_t *b = json_object_get(json_array_get(people, j), "hand");
            if (json_is_integer(a) && json_is_integer(b) &&
                json_integer_value(a) == json_integer_value(b))
                fail_at(play, "two hands have one place", "");
        }
    }
    json_decref(tree);
}

static void check(struct play *play)
{
    follow(play);
    json_t *record = ask_api(play, "");
    const char *mode = json_string_value(json_object_get(record, "mode"));
    check_people(play, mode);
    check_queue(play);
    check_told(play);
    json_decref(record);
    follow(play);
}

/* --- What happens */

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
