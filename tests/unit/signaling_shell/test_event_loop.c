/* The loop around libwebsockets: what is wanted of it comes, also when it is wanted meanwhile. */
#include "signaling/shell/event_loop.h"

#include "host/host_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WISHES 3

struct bench {
    struct event_loop *loop;
    struct event_watch *watch;
    struct event_timer timer;
    int written;
    bool removes, is_late;
};

static void handle_nothing(void *context)
{
    (void)context;
}

static void handle_late(void *context)
{
    ((struct bench *)context)->is_late = true;
}

static void handle_writable(void *context)
{
    struct bench *b = context;
    if (++b->written < WISHES)
        event_watch_want_writable(b->watch);
    if (b->removes)
        event_watch_remove(b->watch);
}

/* Turns until all wishes are served, or for 200 ms. */
static void run(struct bench *b)
{
    struct log log = {0};
    int fds[2];
    usec_t now = host_clock_now();
    struct event_watch_callbacks callbacks = {
        .context = b, .on_readable = handle_nothing, .on_writable = handle_writable};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(event_loop_create(&b->loop, 64, &log), STATUS_OK);
    assert_int_equal(event_loop_watch(b->loop, fds[0], &callbacks, &b->watch), STATUS_OK);
    event_timer_init(&b->timer, b->loop, b, handle_late);
    event_timer_arm(&b->timer, now, now + MILLISECONDS(200));
    event_watch_want_writable(b->watch);
    while (!b->is_late && b->written < WISHES)
        assert_true(event_loop_turn(b->loop));
    event_loop_free(b->loop);
    close(fds[0]);
    close(fds[1]);
}

static void a_wish_to_write_made_while_writing_is_served(void **state)
{
    (void)state;
    struct bench b = {0};
    run(&b);
    assert_int_equal(b.written, WISHES);
}

static void a_watch_removed_while_it_wishes_is_not_called_again(void **state)
{
    (void)state;
    struct bench b = {.removes = true};
    run(&b);
    assert_int_equal(b.written, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_to_write_made_while_writing_is_served),
        cmocka_unit_test(a_watch_removed_while_it_wishes_is_not_called_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
