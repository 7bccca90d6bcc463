#include "base/spsc_ring.h"

#include <pthread.h>
#include <sched.h>

#include "unit/base/base_test.h"

#define MESSAGES 200000u

struct message {
    uint32_t number;
    uint32_t check; /* ~number: a torn message shows */
};

static void *produce(void *context)
{
    struct spsc_ring *ring = context;
    for (uint32_t i = 0; i < MESSAGES;) {
        struct message *slot = spsc_ring_reserve(ring);
        if (slot == NULL) {
            sched_yield();
            continue;
        }
        *slot = (struct message){i, ~i};
        spsc_ring_commit(ring);
        i++;
    }
    return NULL;
}

static void messages_arrive_whole_and_in_order_between_two_threads(void **state)
{
    struct spsc_ring ring;
    pthread_t producer;
    assert_int_equal(spsc_ring_init(&ring, sizeof(struct message), 16), STATUS_OK);
    assert_int_equal(pthread_create(&producer, NULL, produce, &ring), 0);
    uint32_t wrong = 0;
    for (uint32_t expected = 0; expected < MESSAGES;) {
        const struct message *slot = spsc_ring_peek(&ring);
        if (slot == NULL) {
            sched_yield();
            continue;
        }
        wrong += slot->number != expected || slot->check != ~expected;
        spsc_ring_release(&ring);
        expected++;
    }
    pthread_join(producer, NULL);
    assert_int_equal(wrong, 0);
    assert_null(spsc_ring_peek(&ring));
    spsc_ring_destroy(&ring);
    (void)state;
}

static void a_full_ring_refuses_until_a_slot_is_released(void **state)
{
    struct spsc_ring ring;
    assert_int_equal(spsc_ring_init(&ring, sizeof(int), 3), STATUS_OK); /* rounded up to 4 */
    assert_null(spsc_ring_peek(&ring));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            int *slot = spsc_ring_reserve(&ring);
            assert_non_null(slot);
            *slot = i;
            spsc_ring_commit(&ring);
        }
        assert_null(spsc_ring_reserve(&ring));
        for (int i = 0; i < 4; i++) {
            int *slot = spsc_ring_peek(&ring);
            assert_non_null(slot);
            assert_int_equal(*slot, i);
            spsc_ring_release(&ring);
        }
        assert_null(spsc_ring_peek(&ring));
    }
    spsc_ring_destroy(&ring);
    (void)state;
}

static void a_reserved_slot_is_unseen_until_committed(void **state)
{
    struct spsc_ring ring;
    assert_int_equal(spsc_ring_init(&ring, 1, 2), STATUS_OK);
    assert_non_null(spsc_ring_reserve(&ring));
    assert_null(spsc_ring_peek(&ring));
    spsc_ring_commit(&ring);
    assert_non_null(spsc_ring_peek(&ring));
    spsc_ring_destroy(&ring);
    assert_int_equal(spsc_ring_init(&ring, 0, 2), STATUS_CONFIG);
    assert_int_equal(spsc_ring_init(&ring, 1, 0), STATUS_CONFIG);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_whole_and_in_order_between_two_threads),
        cmocka_unit_test(a_full_ring_refuses_until_a_slot_is_released),
        cmocka_unit_test(a_reserved_slot_is_unseen_until_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
