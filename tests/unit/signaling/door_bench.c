#include "unit/signaling/door_bench.h"

struct door_class start_class(struct harness *h)
{
    struct door_class c;
    harness_relay_up(h);
    c.trainer = harness_join(h, "trainer", "T");
    harness_offer(h, &c.trainer);
    c.link = harness_invite(h, "learner", "");
    c.inside = harness_join(h, "learner", "Inès");
    harness_offer(h, &c.inside);
    ask(h, &c.trainer, "lobby_set", ",\"on\":true");
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    return c;
}

uint64_t knock(struct harness *h, const char *token, const char *name)
{
    uint64_t connection = harness_connect(h);
    harness_send(h, connection,
                 "{\"type\":\"hello\",\"id\":9,\"version\":1,\"token\":\"%s\",\"name\":\"%s\"}",
                 token, name);
    return connection;
}

char *waiting_id(struct harness *h, uint64_t connection)
{
    return harness_value(h, connection, "waiting", NULL, "id");
}

void admit(struct harness *h, const struct door_class *c, uint64_t connection)
{
    char *id = waiting_id(h, connection);
    assert_non_null(id);
    ask(h, &c->trainer, "lobby_admit", ",\"waiting\":\"%s\"", id);
    free(id);
}
