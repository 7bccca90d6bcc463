#include "unit/signaling/everything_rules.h"

/* `list` as "|one|other|". */
static bool is_in(const char *word, const char *list)
{
    char wanted[40];
    snprintf(wanted, sizeof wanted, "|%s|", word);
    return strstr(list, wanted) != NULL;
}

bool has(const struct actor *a, const char *list)
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

bool is_in_class(const struct actor *a)
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

void fail_at(const struct play *play, const char *what, const char *text)
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

void follow(struct play *play)
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

json_t *ask_api(struct play *play, const char *rest)
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

void check(struct play *play)
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
