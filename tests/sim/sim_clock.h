/* Virtual time: one queue of deadlines. Nothing here reads a clock or sleeps: ten minutes of class
 * take as long as their packets take to compute. */
#pragma once

#include "base/timer_heap.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_TIMERS_MAX 4096
#define SIM_BEGINS_AT SECONDS(1000) /* instants before the start exist and are not negative */

struct sim_clock {
    usec_t now;
    struct timer_heap timers;
    uint64_t events;            /* deadlines met so far */
    uint64_t events_at_instant; /* of them at `now`: something that spins is found */
};

/* A deadline of whoever embeds it: zero but for `fire` and `owner`. */
struct sim_timer {
    struct timer timer;
    void (*fire)(void *owner, usec_t now);
    void *owner;
};

/* Aborts when it cannot (test code). */
void sim_clock_init(struct sim_clock *clock);
void sim_clock_destroy(struct sim_clock *clock);

/* USEC_NEVER cancels. One that has passed fires at once, at the present instant. */
void sim_clock_arm(struct sim_clock *clock, struct sim_timer *timer, usec_t deadline);

/* Meets the next deadline, if there is one until `end`; otherwise it is `end`, and false. */
bool sim_clock_step(struct sim_clock *clock, usec_t end);
