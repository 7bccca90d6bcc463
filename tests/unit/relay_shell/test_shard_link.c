#include "relay/shell/shard_link.h"

#include "unit/relay_shell/relay_shell_test.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#define MESSAGES 20000u
#define DIRECTOR 2 /* of two shards */

static struct shard_links *new_links(void)
{
    struct shard_links *links = NULL;
    assert_int_equal(shard_links_create(&links, 2), STATUS_OK);
    return links;
}

static bool send_number(struct shard_link *from, uint32_t to, uint64_t number)
{
    struct shard_message *m = shard_link_reserve(from, to);
    if (m == NULL)
        return false;
    m->type = SHARD_ROOM_CLOSE;
    m->from = from->self;
    m->room_close = number;
    shard_link_commit(from, to);
    return true;
}

/* Two threads that send to each other and to the test, and read what the other sends. */
struct runner {
    struct shard_link link;
    uint64_t received, wrong;
};

static void read_all(struct runner *r)
{
    const struct shard_message *m;
    while (shard_link_next(&r->link, &m)) {
        r->wrong += m->room_close != r->received;
        r->received++;
    }
    shard_link_release(&r->link);
}

static void *run(void *context)
{
    struct runner *r = context;
    uint32_t other = 1 - r->link.self;
    uint64_t to_other = 0;
    uint64_t to_director = 0;
    while (to_other < MESSAGES || to_director < MESSAGES || r->received < MESSAGES) {
        struct pollfd p = {.fd = shard_link_get_fd(&r->link), .events = POLLIN};
        poll(&p, 1, 1);
        shard_link_drain_fd(&r->link);
        for (int i = 0; i < 100; i++) {
            if (to_other < MESSAGES && send_number(&r->link, other, to_other))
                to_other++;
            if (to_director < MESSAGES && send_number(&r->link, DIRECTOR, to_director))
                to_director++;
        }
        shard_link_wake(&r->link);
        read_all(r);
    }
    return NULL;
}

static void messages_between_threads_arrive_whole_and_in_order(void **state)
{
    struct shard_links *links = new_links();
    struct runner runners[2] = {0};
    struct shard_link director;
    pthread_t threads[2];
    uint64_t received[2] = {0};
    uint64_t wrong = 0;
    shard_link_init(&director, links, DIRECTOR);
    for (uint32_t i = 0; i < 2; i++) {
        shard_link_init(&runners[i].link, links, i);
        assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
    }
    while (received[0] + received[1] < 2 * MESSAGES) {
        struct pollfd p = {.fd = shard_link_get_fd(&director), .events = POLLIN};
        const struct shard_message *m;
        assert_true(poll(&p, 1, 5000) >= 0);
        shard_link_drain_fd(&director);
        do {
            while (shard_link_next(&director, &m)) {
                wrong += m->from > 1 || m->room_close != received[m->from];
                received[m->from]++;
            }
        } while (shard_link_release(&director));
    }
    for (uint32_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(runners[i].received, MESSAGES);
        assert_int_equal(runners[i].wrong, 0);
    }
    assert_int_equal(wrong, 0);
    shard_links_free(links);
    (void)state;
}

static void a_full_ring_refuses_and_leaves_the_others_alone(void **state)
{
    struct shard_links *links = new_links();
    struct shard_link zero, one;
    const struct shard_message *m;
    uint64_t sent = 0;
    shard_link_init(&zero, links, 0);
    shard_link_init(&one, links, 1);
    while (send_number(&zero, 1, sent))
        sent++;
    assert_in_range(sent, 256, 4096);
    assert_true(send_number(&zero, DIRECTOR, 0));
    assert_true(shard_link_next(&one, &m));
    assert_false(send_number(&zero, 1, sent)); /* taken, not given back yet */
    shard_link_release(&one);
    assert_true(send_number(&zero, 1, sent));
    shard_links_free(links);
    (void)state;
}

static void taken_messages_stay_until_the_release_and_a_turn_is_bounded(void **state)
{
    struct shard_links *links = new_links();
    struct shard_link zero, one, director;
    const struct shard_message *taken[SHARD_LINK_BATCH + 2];
    size_t count = 0;
    shard_link_init(&zero, links, 0);
    shard_link_init(&one, links, 1);
    shard_link_init(&director, links, DIRECTOR);
    for (uint64_t i = 0; i < SHARD_LINK_BATCH + 1; i++)
        assert_true(send_number(&zero, 1, i));
    assert_true(send_number(&director, 1, 1000));
    while (shard_link_next(&one, &taken[count]))
        count++;
    assert_int_equal(count, SHARD_LINK_BATCH + 1); /* the director's, behind a busy shard */
    for (size_t i = 0; i < SHARD_LINK_BATCH; i++)
        assert_int_equal(taken[i]->room_close, i);
    assert_int_equal(taken[SHARD_LINK_BATCH]->room_close, 1000);
    assert_true(shard_link_release(&one));
    assert_true(shard_link_next(&one, &taken[0]));
    assert_int_equal(taken[0]->room_close, SHARD_LINK_BATCH);
    assert_false(shard_link_next(&one, &taken[1]));
    assert_false(shard_link_release(&one));
    shard_links_free(links);
    (void)state;
}

static void many_messages_of_a_turn_wake_once(void **state)
{
    struct shard_links *links = new_links();
    struct shard_link zero;
    uint64_t wakes = 0;
    shard_link_init(&zero, links, 0);
    struct shard_link one, director;
    shard_link_init(&one, links, 1);
    shard_link_init(&director, links, DIRECTOR);
    for (uint64_t i = 0; i < 10; i++)
        assert_true(send_number(&zero, 1, i));
    shard_link_wake(&zero);
    assert_int_equal(read(shard_link_get_fd(&one), &wakes, sizeof wakes), sizeof wakes);
    assert_int_equal(wakes, 1);
    assert_int_equal(read(shard_link_get_fd(&director), &wakes, sizeof wakes), -1);
    shard_link_wake(&zero); /* nothing new */
    assert_int_equal(read(shard_link_get_fd(&one), &wakes, sizeof wakes), -1);
    shard_links_free(links);
    (void)state;
}

static void what_was_never_delivered_is_freed(void **state)
{
    struct shard_links *links = new_links();
    struct shard_link director;
    shard_link_init(&director, links, DIRECTOR);
    struct shard_message *m = shard_link_reserve(&director, 0);
    assert_non_null(m);
    m->type = SHARD_PARTICIPANT_ADD;
    m->participant_add = calloc(1, sizeof *m->participant_add); /* the leak checker looks on */
    shard_link_commit(&director, 0);
    shard_links_free(links);
    assert_int_equal(shard_links_create(&links, 0), STATUS_CONFIG);
    assert_int_equal(shard_links_create(&links, CONTROL_SHARDS_MAX + 1), STATUS_CONFIG);
    (void)state;
}

static void the_largest_relay_has_its_rings(void **state)
{
    struct shard_links *links = NULL;
    struct shard_link last, director;
    const struct shard_message *m;
    assert_int_equal(shard_links_create(&links, CONTROL_SHARDS_MAX), STATUS_OK);
    shard_link_init(&last, links, CONTROL_SHARDS_MAX - 1);
    shard_link_init(&director, links, CONTROL_SHARDS_MAX);
    struct shard_port port = shard_link_get_port(&last);
    m = port.reserve(port.context, CONTROL_SHARDS_MAX);
    assert_non_null(m);
    port.commit(port.context, CONTROL_SHARDS_MAX);
    shard_link_wake(&last);
    struct pollfd p = {.fd = shard_link_get_fd(&director), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 1);
    assert_true(shard_link_next(&director, &m));
    shard_link_release(&director);
    shard_links_free(links);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_between_threads_arrive_whole_and_in_order),
        cmocka_unit_test(a_full_ring_refuses_and_leaves_the_others_alone),
        cmocka_unit_test(taken_messages_stay_until_the_release_and_a_turn_is_bounded),
        cmocka_unit_test(many_messages_of_a_turn_wake_once),
        cmocka_unit_test(what_was_never_delivered_is_freed),
        cmocka_unit_test(the_largest_relay_has_its_rings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
