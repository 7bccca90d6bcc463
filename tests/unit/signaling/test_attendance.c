/* How long somebody was in class, as the log of events has it. */
#include "signaling/core/limits.h"
#include "unit/signaling/harness.h"

struct stay {
    char name[NAME_BYTES];
    int64_t joined_ms, here_until_ms, left_ms;
    size_t count;
};

static bool take_left(void *context, const struct store_event *event)
{
    struct stay *stay = context;
    json_t *data = json_loads(event->data, 0, NULL);
    const char *name = json_string_value(json_object_get(data, "name"));
    if (strcmp(event->type, "left") == 0 && name != NULL && strcmp(name, stay->name) == 0) {
        stay->count++;
        stay->joined_ms = json_integer_value(json_object_get(data, "joined_ms"));
        stay->here_until_ms = json_integer_value(json_object_get(data, "here_until_ms"));
        stay->left_ms = event->at_ms;
    }
    json_decref(data);
    return true;
}

/* The one stay of who has left. */
static struct stay read_stay(const struct harness *h, const char *name)
{
    struct stay stay = {0};
    snprintf(stay.name, sizeof stay.name, "%s", name);
    assert_int_equal(store_each_event(h->store, 0, 1000, take_left, &stay), STATUS_OK);
    assert_int_equal(stay.count, 1);
    return stay;
}

static int64_t now_ms(const struct harness *h)
{
    return h->at.unix_us / 1000;
}

static void who_loses_its_socket_was_there_until_then_and_not_until_it_is_given_up(void **state)
{
    struct harness *h = *state;
    struct person karim = harness_join(h, "learner", "Karim");
    int64_t joined = now_ms(h);
    harness_run_for(h, SECONDS(1000));
    harness_disconnect(h, karim.connection);
    harness_run_for(h, SECONDS(100));
    struct stay stay = read_stay(h, "Karim");
    assert_int_equal(stay.joined_ms, joined);
    assert_int_equal(stay.here_until_ms, joined + 1000000);
    assert_int_equal(stay.left_ms, joined + 1060000);
}

static void who_comes_back_in_time_was_there_until_it_leaves(void **state)
{
    struct harness *h = *state;
    struct person karim = harness_join(h, "learner", "Karim");
    harness_disconnect(h, karim.connection);
    harness_run_for(h, SECONDS(50));
    karim.connection = harness_connect(h);
    harness_resume(h, karim.connection, karim.resume);
    harness_run_for(h, SECONDS(200));
    ASK(h, &karim, "leave");
    assert_int_equal(read_stay(h, "Karim").here_until_ms, now_ms(h));
}

/* The machine is off for a night. Who does not come back was not there meanwhile. */
static void a_night_without_the_service_is_no_attendance(void **state)
{
    struct harness *h = *state;
    (void)harness_join(h, "learner", "Karim");
    struct person lea = harness_join(h, "learner", "Léa");
    harness_run_for(h, SECONDS(1000));
    harness_disconnect(h, lea.connection);
    int64_t lea_gone = now_ms(h);
    harness_run_for(h, SECONDS(30));
    int64_t killed = now_ms(h);
    for (int restarts = 0; restarts < 2; restarts++) { /* the second one knows no more */
        h->at.now += SECONDS(36000);
        h->at.unix_us += SECONDS(36000);
        harness_restart_service(h);
        harness_run_for(h, SECONDS(20));
    }
    harness_run_for(h, SECONDS(70));
    assert_in_range(read_stay(h, "Karim").here_until_ms, killed - BEAT_INTERVAL_US / 1000, killed);
    assert_int_equal(read_stay(h, "Léa").here_until_ms, lea_gone);
}

static void a_service_that_is_stopped_writes_until_when_everybody_was_there(void **state)
{
    struct harness *h = *state;
    (void)harness_join(h, "learner", "Karim");
    harness_run_for(h, SECONDS(1005));
    int64_t stopped = now_ms(h);
    service_shut_down(h->service, h->at);
    harness_drain(h);
    h->at.now += SECONDS(600);
    h->at.unix_us += SECONDS(600);
    harness_restart_service(h);
    harness_run_for(h, SECONDS(70));
    assert_int_equal(read_stay(h, "Karim").here_until_ms, stopped);
}

static void nobody_was_there_for_less_than_nothing_when_the_clock_is_set_back(void **state)
{
    struct harness *h = *state;
    struct person karim = harness_join(h, "learner", "Karim");
    struct person lea = harness_join(h, "learner", "Léa");
    h->at.unix_us -= SECONDS(3600);
    harness_disconnect(h, lea.connection);
    ASK(h, &karim, "leave");
    harness_run_for(h, SECONDS(100));
    const char *const names[] = {"Karim", "Léa"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct stay stay = read_stay(h, names[i]);
        assert_int_equal(stay.here_until_ms, stay.joined_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HARNESS_TEST(who_loses_its_socket_was_there_until_then_and_not_until_it_is_given_up),
        HARNESS_TEST(who_comes_back_in_time_was_there_until_it_leaves),
        HARNESS_TEST(a_night_without_the_service_is_no_attendance),
        HARNESS_TEST(a_service_that_is_stopped_writes_until_when_everybody_was_there),
        HARNESS_TEST(nobody_was_there_for_less_than_nothing_when_the_clock_is_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
