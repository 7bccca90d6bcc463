#include "base/hash_map.h"

#include "base/rng.h"
#include "unit/base/base_test.h"

/* Few keys, so that sets, replacements, removals and full maps all happen often. */
#define KEYS 96
#define CAPACITY 64

struct model {
    bool present[KEYS];
    uint64_t values[KEYS];
    uint32_t used;
};

/* Keys far apart and keys side by side, to make clusters. */
static uint64_t key_of(uint64_t index)
{
    return index % 2 == 0 ? index : index * 0x100000001u;
}

static void expect_equal(const struct hash_map *map, const struct model *model)
{
    assert_int_equal(map->used, model->used);
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t value = 0;
        assert_int_equal(hash_map_find(map, key_of(i), &value), model->present[i]);
        if (model->present[i])
            assert_true(value == model->values[i]);
    }
}

static void step(struct hash_map *map, struct model *model, struct rng *rng)
{
    uint64_t i = rng_below(rng, KEYS);
    if (rng_below(rng, 5) < 2) {
        hash_map_remove(map, key_of(i));
        model->used -= model->present[i];
        model->present[i] = false;
        return;
    }
    uint64_t value = rng_next(rng);
    enum status expected = model->present[i] || model->used < CAPACITY ? STATUS_OK : STATUS_LIMIT;
    assert_int_equal(hash_map_set(map, key_of(i), value), expected);
    if (expected != STATUS_OK)
        return;
    model->used += !model->present[i];
    model->present[i] = true;
    model->values[i] = value;
}

static void the_map_behaves_as_a_plain_table(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng rng = rng_of_seed(seed);
        struct model model = {0};
        struct hash_map map;
        assert_int_equal(hash_map_init(&map, CAPACITY), STATUS_OK);
        for (int i = 0; i < 2000; i++) {
            step(&map, &model, &rng);
            if (i % 20 == 0)
                expect_equal(&map, &model);
        }
        expect_equal(&map, &model);
        hash_map_destroy(&map);
    }
    (void)state;
}

static void a_bad_capacity_is_refused(void **state)
{
    struct hash_map map;
    assert_int_equal(hash_map_init(&map, 0), STATUS_CONFIG);
    assert_int_equal(hash_map_init(&map, UINT32_MAX), STATUS_CONFIG);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_behaves_as_a_plain_table),
        cmocka_unit_test(a_bad_capacity_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
