#include "sim/sim_clock.h"

#include "base/check.h"
#include "support/virtual_gettimeofday.c"

#define EVENTS_AT_ONE_INSTANT_MAX 2000000

void sim_clock_init(struct sim_clock *clock)
{
    *clock = (struct sim_clock){.now = SIM_BEGINS_AT};
    CHECK(timer_heap_init(&clock->timers, SIM_TIMERS_MAX) == STATUS_OK);
    virtual_time_set(clock->now);
}

void sim_clock_destroy(struct sim_clock *clock)
{
    timer_heap_destroy(&clock->timers);
}

void sim_clock_arm(struct sim_clock *clock, struct sim_timer *timer, usec_t deadline)
{
    timer->timer.owner = timer;
    timer_heap_arm(&clock->timers, &timer->timer, deadline);
}

static void move_to(struct sim_clock *clock, usec_t now)
{
    if (now <= clock->now)
        return;
    clock->now = now;
    clock->events_at_instant = 0;
    virtual_time_set(now);
}

bool sim_clock_step(struct sim_clock *clock, usec_t end)
{
    usec_t next = timer_heap_next_timeout(&clock->timers);
    if (next > end) {
        move_to(clock, end);
        return false;
    }
    move_to(clock, next);
    struct timer *due = timer_heap_take_due(&clock->timers, clock->now);
    CHECK(due != NULL);
    struct sim_timer *timer = due->owner;
    clock->events++;
    CHECK(++clock->events_at_instant < EVENTS_AT_ONE_INSTANT_MAX);
    timer->fire(timer->owner, clock->now);
    return true;
}
