#include "base/pool.h"

#include <string.h>

#include "unit/base/base_test.h"

static void a_handle_to_a_freed_object_finds_nothing(void **state)
{
    struct pool pool;
    struct pool_handle first, second;
    assert_int_equal(pool_init(&pool, 10, 1), STATUS_OK);
    char *object = pool_take(&pool, &first);
    assert_ptr_equal(pool_find(&pool, first), object);
    memset(object, 'x', 10);
    pool_release(&pool, first);
    assert_null(pool_find(&pool, first));
    assert_ptr_equal(pool_take(&pool, &second), object);
    assert_int_equal(object[9], 0); /* comes back zeroed */
    assert_null(pool_find(&pool, first));
    pool_release(&pool, first); /* stale: ignored */
    assert_ptr_equal(pool_find(&pool, second), object);
    assert_int_equal(pool.used, 1);
    pool_destroy(&pool);
    (void)state;
}

static void the_capacity_is_a_hard_limit(void **state)
{
    struct pool pool;
    struct pool_handle handles[4];
    assert_int_equal(pool_init(&pool, 1, 3), STATUS_OK);
    for (int i = 0; i < 3; i++)
        assert_non_null(pool_take(&pool, &handles[i]));
    assert_null(pool_take(&pool, &handles[3]));
    pool_release(&pool, handles[1]);
    assert_non_null(pool_take(&pool, &handles[3]));
    assert_null(pool_take(&pool, &handles[1]));
    pool_destroy(&pool);
    (void)state;
}

static void nonsense_handles_find_nothing(void **state)
{
    struct pool pool;
    assert_int_equal(pool_init(&pool, 1, 2), STATUS_OK);
    assert_null(pool_find(&pool, POOL_HANDLE_NONE));
    assert_null(pool_find(&pool, (struct pool_handle){1, 1}));
    assert_null(pool_find(&pool, (struct pool_handle){99, 1}));
    pool_destroy(&pool);
    assert_int_equal(pool_init(&pool, 0, 2), STATUS_CONFIG);
    assert_int_equal(pool_init(&pool, 1, 0), STATUS_CONFIG);
    (void)state;
}

static void the_walk_visits_each_living_object_once(void **state)
{
    struct pool pool;
    struct pool_handle handles[10], at_handle;
    assert_int_equal(pool_init(&pool, sizeof(int), 10), STATUS_OK);
    for (int i = 0; i < 10; i++)
        *(int *)pool_take(&pool, &handles[i]) = i;
    for (int i = 0; i < 10; i += 3)
        pool_release(&pool, handles[i]);
    uint32_t at = 0;
    int seen = 0;
    for (int *object; (object = pool_next(&pool, &at, &at_handle)) != NULL; seen++) {
        assert_int_not_equal(*object % 3, 0);
        assert_ptr_equal(pool_find(&pool, at_handle), object);
    }
    assert_int_equal(seen, 6);
    pool_destroy(&pool);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_to_a_freed_object_finds_nothing),
        cmocka_unit_test(the_capacity_is_a_hard_limit),
        cmocka_unit_test(nonsense_handles_find_nothing),
        cmocka_unit_test(the_walk_visits_each_living_object_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
