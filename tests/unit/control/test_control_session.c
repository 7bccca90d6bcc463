#include "control/control_session.h"
#include "unit/control/control_test.h"

/* Two ends on a virtual clock, with a link between them that the test can cut. */
struct end {
    struct control_session session;
    uint8_t buffer[CONTROL_MESSAGE_BYTES_MAX];
    struct control_message last; /* the last event's message */
    enum control_event_type last_type;
    uint64_t last_context;
    char reason[32];
    unsigned events, frames;
};
struct link {
    struct end a, b;
    usec_t now;
    bool cut;
};

static struct bytes_mut buffer_of(struct end *e)
{
    return (struct bytes_mut){e->buffer, sizeof e->buffer};
}

static void drain_events(struct end *e, usec_t now)
{
    struct control_event event;
    while (control_session_poll_event(&e->session, now, &event)) {
        e->events++;
        e->last_type = event.type;
        e->last_context = event.context;
        e->last = *event.message;
        if (event.reason != NULL)
            snprintf(e->reason, sizeof e->reason, "%s", event.reason);
    }
}

static bool carry(struct link *l, struct end *from, struct end *to)
{
    struct bytes frame;
    bool any = false;
    drain_events(from, l->now);
    while (control_session_poll_frame(&from->session, l->now, buffer_of(from), &frame)) {
        any = true;
        from->frames++;
        if (l->cut)
            continue;
        control_session_handle_frame(&to->session, l->now, frame);
        drain_events(to, l->now);
    }
    return any;
}

static void settle(struct link *l)
{
    bool again = true;
    while (again) {
        again = carry(l, &l->a, &l->b);
        again = carry(l, &l->b, &l->a) || again;
    }
}

static void run_until(struct link *l, usec_t until)
{
    for (;;) {
        usec_t next = usec_min(control_session_next_timeout(&l->a.session),
                               control_session_next_timeout(&l->b.session));
        if (next > until)
            break;
        l->now = usec_max(l->now, next);
        control_session_handle_timeout(&l->a.session, l->now);
        control_session_handle_timeout(&l->b.session, l->now);
        settle(l);
    }
    l->now = until;
}

static struct link *new_link(void)
{
    struct link *l = calloc(1, sizeof *l);
    struct control_hello hello = {.version = CONTROL_VERSION, .name = "a", .boot_id = "00"};
    struct log silent = {0};
    assert_non_null(l);
    l->now = SECONDS(100);
    assert_int_equal(control_session_init(&l->a.session, l->now, &hello, &silent), STATUS_OK);
    snprintf(hello.name, sizeof hello.name, "b");
    hello.shards = 3;
    assert_int_equal(control_session_init(&l->b.session, l->now, &hello, &silent), STATUS_OK);
    return l;
}

static struct link *new_link_up(void)
{
    struct link *l = new_link();
    settle(l);
    assert_int_equal(l->a.session.state, CONTROL_SESSION_UP);
    assert_int_equal(l->b.session.state, CONTROL_SESSION_UP);
    return l;
}

static void free_link(struct link *l)
{
    control_session_destroy(&l->a.session);
    control_session_destroy(&l->b.session);
    free(l);
}

static enum status say(struct link *l, struct end *from, struct end *to,
                       const struct control_message *m, bool is_request, uint64_t context)
{
    struct bytes frame;
    enum status status = control_session_write(&from->session, l->now, m, is_request, context,
                                               buffer_of(from), &frame);
    if (status == STATUS_OK && !l->cut) {
        control_session_handle_frame(&to->session, l->now, frame);
        drain_events(to, l->now);
    }
    return status;
}

static void both_sides_are_up_after_both_hellos(void **state)
{
    struct link *l = new_link_up();
    assert_int_equal(l->a.events, 1);
    assert_int_equal(l->a.last_type, CONTROL_EVENT_UP);
    assert_string_equal(l->a.last.hello.name, "b");
    assert_int_equal(l->a.last.hello.shards, 3);
    free_link(l);
    (void)state;
}

static void nothing_is_written_before_the_link_is_up(void **state)
{
    struct link *l = new_link();
    struct control_message *m = calloc(1, sizeof *m);
    m->type = CONTROL_SYNC_END;
    assert_int_equal(say(l, &l->a, &l->b, m, false, 0), STATUS_STATE);
    free(m);
    free_link(l);
    (void)state;
}

static void an_idle_link_lives_by_its_heartbeat(void **state)
{
    struct link *l = new_link_up();
    unsigned frames = l->a.frames;
    run_until(l, l->now + SECONDS(60));
    assert_int_equal(l->a.session.state, CONTROL_SESSION_UP);
    assert_int_equal(l->b.session.state, CONTROL_SESSION_UP);
    assert_in_range(l->a.frames - frames, 118, 122); /* a ping and a pong each second */
    free_link(l);
    (void)state;
}

static void four_seconds_of_silence_close_the_link(void **state)
{
    struct link *l = new_link_up();
    usec_t start = l->now;
    l->cut = true;
    run_until(l, start + SECONDS(4) - 1);
    assert_int_equal(l->a.session.state, CONTROL_SESSION_UP);
    run_until(l, start + SECONDS(4));
    assert_int_equal(l->a.session.state, CONTROL_SESSION_CLOSED);
    assert_int_equal(l->a.last_type, CONTROL_EVENT_CLOSED);
    assert_string_equal(l->a.reason, "silence");
    assert_true(control_session_next_timeout(&l->a.session) == USEC_NEVER);
    free_link(l);
    (void)state;
}

static void a_peer_that_never_says_hello_is_given_up(void **state)
{
    struct link *l = new_link();
    l->cut = true;
    run_until(l, l->now + SECONDS(4));
    assert_string_equal(l->a.reason, "silence");
    free_link(l);
    (void)state;
}

static void an_answer_finds_its_request(void **state)
{
    struct link *l = new_link_up();
    struct control_message *m = calloc(1, sizeof *m);
    m->type = CONTROL_ROOM_CLOSE;
    m->room_close = 5;
    uint32_t ids[3];
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(say(l, &l->a, &l->b, m, true, (1ull << 40) + i), STATUS_OK);
        assert_int_equal(l->b.last_type, CONTROL_EVENT_MESSAGE);
        assert_int_equal(l->b.last.room_close, 5);
        ids[i] = l->b.last.id;
        assert_int_not_equal(ids[i], 0);
    }
    m->type = CONTROL_OK;
    static const size_t order[] = {1, 0, 2};
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        m->to = ids[order[i]];
        assert_int_equal(say(l, &l->b, &l->a, m, false, 0), STATUS_OK);
        assert_int_equal(l->a.last_type, CONTROL_EVENT_ANSWER);
        assert_true(l->a.last_context == (1ull << 40) + order[i]);
        assert_int_equal(l->a.last.type, CONTROL_OK);
    }
    unsigned events = l->a.events; /* twice, or to nothing: no event */
    assert_int_equal(say(l, &l->b, &l->a, m, false, 0), STATUS_OK);
    m->to = 4711;
    assert_int_equal(say(l, &l->b, &l->a, m, false, 0), STATUS_OK);
    assert_int_equal(l->a.events, events);
    free(m);
    free_link(l);
    (void)state;
}

static void a_request_without_answer_fails_after_five_seconds(void **state)
{
    struct link *l = new_link_up();
    struct control_message *m = calloc(1, sizeof *m);
    usec_t start = l->now;
    m->type = CONTROL_ROOM_CLOSE;
    assert_int_equal(say(l, &l->a, &l->b, m, true, 42), STATUS_OK);
    run_until(l, start + SECONDS(5) - 1);
    assert_int_not_equal(l->a.last_type, CONTROL_EVENT_ANSWER);
    run_until(l, start + SECONDS(5));
    assert_int_equal(l->a.last_type, CONTROL_EVENT_ANSWER);
    assert_int_equal(l->a.last_context, 42);
    assert_string_equal(l->a.last.error.code, "timeout");
    assert_int_equal(l->a.session.state, CONTROL_SESSION_UP);
    free(m);
    free_link(l);
    (void)state;
}

static void requests_under_way_are_bounded(void **state)
{
    struct link *l = new_link_up();
    struct control_message *m = calloc(1, sizeof *m);
    m->type = CONTROL_ROOM_CLOSE;
    l->cut = true;
    for (size_t i = 0; i < CONTROL_SESSION_PENDING_MAX; i++)
        assert_int_equal(say(l, &l->a, &l->b, m, true, i), STATUS_OK);
    assert_int_equal(say(l, &l->a, &l->b, m, true, 0), STATUS_LIMIT);
    assert_int_equal(say(l, &l->a, &l->b, m, false, 0), STATUS_OK);
    free(m);
    free_link(l);
    (void)state;
}

static void another_version_is_told_so_and_closed(void **state)
{
    struct link *l = new_link();
    const char *text = "{\"type\":\"hello\",\"version\":2,\"name\":1}";
    struct bytes frame;
    struct control_message *m = calloc(1, sizeof *m);
    control_session_handle_frame(&l->a.session, l->now, bytes_of_string(text));
    drain_events(&l->a, l->now);
    assert_string_equal(l->a.reason, "version");
    assert_true(control_session_poll_frame(&l->a.session, l->now, buffer_of(&l->a), &frame));
    assert_true(control_session_poll_frame(&l->a.session, l->now, buffer_of(&l->a), &frame));
    assert_int_equal(control_message_parse(frame, m), STATUS_OK);
    assert_int_equal(m->type, CONTROL_ERROR);
    assert_string_equal(m->error.code, "version");
    assert_false(control_session_poll_frame(&l->a.session, l->now, buffer_of(&l->a), &frame));
    free(m);
    free_link(l);
    (void)state;
}

static void what_breaks_the_protocol_closes_the_link(void **state)
{
    static const struct {
        const char *why, *text, *reason;
        bool up;
    } cases[] = {
        {"garbage", "hello", "bad_frame", true},
        {"garbage first", "{", "bad_frame", false},
        {"wrong field", "{\"type\":\"bind\",\"room\":\"1\"}", "bad_frame", true},
        {"a message before hello", "{\"type\":\"sync_end\"}", "out_of_order", false},
        {"a second hello",
         "{\"type\":\"hello\",\"version\":1,\"name\":\"\",\"boot_id\":\"\",\"shards\":0,"
         "\"media_port_base\":0,\"capacity\":0}",
         "out_of_order", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct link *l = cases[i].up ? new_link_up() : new_link();
        control_session_handle_frame(&l->a.session, l->now, bytes_of_string(cases[i].text));
        drain_events(&l->a, l->now);
        if (l->a.session.state != CONTROL_SESSION_CLOSED ||
            strcmp(l->a.reason, cases[i].reason) != 0)
            fail_msg("%s: closed for '%s'", cases[i].why, l->a.reason);
        unsigned events = l->a.events;
        control_session_handle_frame(&l->a.session, l->now, bytes_of_string("{}"));
        drain_events(&l->a, l->now);
        assert_int_equal(l->a.events, events); /* closed is the last event */
        free_link(l);
    }
    (void)state;
}

static void a_message_of_an_unknown_type_is_passed_over(void **state)
{
    struct link *l = new_link_up();
    unsigned events = l->a.events;
    control_session_handle_frame(&l->a.session, l->now, bytes_of_string("{\"type\":\"dance\"}"));
    drain_events(&l->a, l->now);
    assert_int_equal(l->a.session.state, CONTROL_SESSION_UP);
    assert_int_equal(l->a.events, events);
    free_link(l);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_are_up_after_both_hellos),
        cmocka_unit_test(nothing_is_written_before_the_link_is_up),
        cmocka_unit_test(an_idle_link_lives_by_its_heartbeat),
        cmocka_unit_test(four_seconds_of_silence_close_the_link),
        cmocka_unit_test(a_peer_that_never_says_hello_is_given_up),
        cmocka_unit_test(an_answer_finds_its_request),
        cmocka_unit_test(a_request_without_answer_fails_after_five_seconds),
        cmocka_unit_test(requests_under_way_are_bounded),
        cmocka_unit_test(another_version_is_told_so_and_closed),
        cmocka_unit_test(what_breaks_the_protocol_closes_the_link),
        cmocka_unit_test(a_message_of_an_unknown_type_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
