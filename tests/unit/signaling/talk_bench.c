#include "unit/signaling/talk_bench.h"

void tell(struct harness *h, const struct person *who, const char *type, const char *format, ...)
{
    char more[6000];
    va_list args;
    va_start(args, format);
    vsnprintf(more, sizeof more, format, args);
    va_end(args);
    harness_send(h, who->connection, "{\"type\":\"%s\",\"id\":77%s}", type, more);
}

struct room open_room(struct harness *h)
{
    struct room room;
    room.trainer = harness_join(h, "trainer", "T");
    room.assistant = harness_join(h, "assistant", "A");
    room.inspector = harness_join(h, "inspector", "I");
    for (size_t i = 0; i < 3; i++)
        room.learners[i] = harness_join(h, "learner", "L");
    harness_run_for(h, SECONDS(1));
    harness_forget(h);
    return room;
}

void read_id(const struct harness *h, const struct person *who, const char *key, char *out)
{
    char *id = harness_value(h, who->connection, "ok", NULL, key);
    assert_non_null(id);
    snprintf(out, 24, "%s", id);
    free(id);
}

void answer(struct harness *h, const struct person *who, const char *poll, const char *what)
{
    tell(h, who, "poll_answer", ",\"poll\":\"%s\",%s", poll, what);
}
