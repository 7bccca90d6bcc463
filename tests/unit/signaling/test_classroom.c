#include "signaling/core/classroom.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define PEOPLE 12

/* What a relay that only listens would hold. */
struct model {
    unsigned open[PEOPLE + 1]; /* bit per send slot */
    uint64_t bound[ROOM_SLOT_COUNT];
};

static void follow(struct classroom *classroom, struct model *model)
{
    struct classroom_change change;
    while (classroom_poll_change(classroom, &change)) {
        unsigned bit = 1u << change.source;
        if (change.type == CHANGE_GRANT && change.open)
            model->open[change.participant] |= bit;
        else if (change.type == CHANGE_GRANT)
            model->open[change.participant] &= ~bit;
        else if (change.type == CHANGE_BIND)
            model->bound[change.slot] = change.participant;
    }
}

static struct participant *add(struct classroom *classroom, uint64_t id, enum role role)
{
    struct participant *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->record.id = id;
    p->record.role = role;
    p->record.publishes_video = id % 3 == 0; /* some are WHIP */
    snprintf(p->record.name, sizeof p->record.name, "P");
    assert_int_equal(classroom_add(classroom, p, 100, false), STATUS_OK);
    return p;
}

static enum role role_of(uint64_t id)
{
    return id == 1 ? ROLE_TRAINER : id == 2 ? ROLE_OPERATOR : ROLE_LEARNER;
}

static void check_rights(const struct classroom *classroom, const struct model *model,
                         uint64_t seed)
{
    for (uint64_t id = 1; id <= PEOPLE; id++) {
        const struct participant *p = classroom_find(classroom, id);
        if (p == NULL)
            continue;
        bool may = participant_has_floor(p) && p->transport_wanted;
        if (!may && model->open[id] != 0)
            fail_msg("seed %llu: %llu may send %x without the floor", (unsigned long long)seed,
                     (unsigned long long)id, model->open[id]);
        if (may && (model->open[id] & 1u << SEND_SLOT_MIC) == 0)
            fail_msg("seed %llu: %llu has the floor and no voice", (unsigned long long)seed,
                     (unsigned long long)id);
    }
    for (size_t slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        const struct participant *p = classroom_find(classroom, model->bound[slot]);
        if (model->bound[slot] != 0 && (p == NULL || !participant_has_floor(p)))
            fail_msg("seed %llu: slot %zu shows somebody without the floor",
                     (unsigned long long)seed, slot);
        if (model->bound[slot] != classroom->bound[slot].participant)
            fail_msg("seed %llu: slot %zu differs", (unsigned long long)seed, slot);
    }
}

static void act(struct classroom *classroom, struct model *model, struct rng *rng)
{
    uint64_t id = 1 + rng_below(rng, PEOPLE);
    struct participant *p = classroom_find(classroom, id);
    if (p == NULL) {
        model->open[id] = 0;
        (void)add(classroom, id, role_of(id));
        return;
    }
    bool coin = rng_below(rng, 2) == 0;
    enum status status = STATUS_OK;
    switch (rng_below(rng, 13)) {
    case 0:
        classroom_remove(classroom, p, LEAVE_LEFT, 0);
        free(p);
        break;
    case 1:
    case 2:
        status = classroom_give_floor(classroom, p, 1);
        assert_true(status == STATUS_OK || role_of(id) != ROLE_LEARNER);
        break;
    case 3:
        classroom_take_floor(classroom, p, 1);
        break;
    case 4:
        classroom_mute_all(classroom, &id, coin, 1);
        break;
    case 5:
    case 6:
        status = classroom_start_share(classroom, p, coin);
        assert_int_equal(status == STATUS_OK, participant_has_floor(p));
        break;
    case 7:
        classroom_stop_share(classroom, p);
        break;
    case 8:
    case 9:
        model->open[id] = 0; /* a new transport: the relay closes everything */
        classroom_handle_transport_added(classroom, p);
        classroom_set_media(classroom, p, MEDIA_CONNECTING);
        break;
    case 10:
        model->open[id] = 0;
        classroom_set_media(classroom, p, MEDIA_NONE);
        break;
    case 11:
        classroom_set_publication(classroom, p, SEND_SLOT_CAMERA, coin);
        break;
    default:
        classroom_set_hand(classroom, p, coin, 5);
        classroom_set_here(classroom, p, !coin);
        break;
    }
}

static void no_sequence_of_actions_opens_a_slot_without_the_floor(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rng rng = rng_of_seed(seed);
        struct store_class record = {.room = 1, .id = "c"};
        struct classroom classroom;
        struct model model = {0};
        classroom_init(&classroom, &record);
        for (int step = 0; step < 500; step++) {
            act(&classroom, &model, &rng);
            follow(&classroom, &model);
            check_rights(&classroom, &model, seed);
        }
        classroom_destroy(&classroom);
    }
    (void)state;
}

static void repeating_for_a_relay_says_everything_that_is_open_and_nothing_else(void **state)
{
    struct store_class record = {.room = 1, .id = "c"};
    struct classroom classroom;
    struct model before = {0}, after = {0};
    struct rng rng = rng_of_seed(42);
    classroom_init(&classroom, &record);
    for (int step = 0; step < 2000; step++) {
        act(&classroom, &before, &rng);
        follow(&classroom, &before);
        memset(&after, 0, sizeof after);
        classroom_repeat_relay_state(&classroom);
        follow(&classroom, &after);
        for (uint64_t id = 1; id <= PEOPLE; id++) {
            if (classroom_find(&classroom, id) != NULL)
                assert_int_equal(after.open[id], before.open[id]);
        }
        assert_memory_equal(after.bound, before.bound, sizeof after.bound);
    }
    classroom_destroy(&classroom);
    (void)state;
}

static void the_sixty_fifth_of_the_staff_finds_no_place(void **state)
{
    struct store_class record = {.room = 1, .id = "c"};
    struct classroom classroom;
    classroom_init(&classroom, &record);
    for (uint64_t id = 1; id <= LIMIT_STAFF_PER_CLASS; id++)
        (void)add(&classroom, id, ROLE_TRAINER);
    struct participant *one_more = calloc(1, sizeof *one_more);
    assert_non_null(one_more);
    one_more->record.role = ROLE_OPERATOR;
    assert_int_equal(classroom_add(&classroom, one_more, 1000, false), STATUS_LIMIT);
    one_more->record.role = ROLE_LEARNER;
    assert_int_equal(classroom_add(&classroom, one_more, 1000, false), STATUS_OK);
    classroom_destroy(&classroom);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_sequence_of_actions_opens_a_slot_without_the_floor),
        cmocka_unit_test(repeating_for_a_relay_says_everything_that_is_open_and_nothing_else),
        cmocka_unit_test(the_sixty_fifth_of_the_staff_finds_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
