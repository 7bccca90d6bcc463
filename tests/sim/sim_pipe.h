/* One direction of a stream connection: messages arrive whole, in order, each after its own delay
 * (the control link, a WebSocket). As TCP does it, one that is lost comes again after a time-out
 * that doubles, and holds up those behind it. */
#pragma once

#include "base/bytes.h"
#include "sim/sim_clock.h"

struct sim_letter;

struct sim_pipe {
    struct sim_clock *clock;
    struct sim_timer timer;
    struct sim_letter *first, *last;
    usec_t last_due;
    void (*deliver)(void *owner, usec_t now, struct bytes message);
    bool (*is_lost)(void *owner); /* asked when a message is due; NULL: never */
    void *owner;
};

void sim_pipe_init(struct sim_pipe *pipe, struct sim_clock *clock, void *owner,
                   void (*deliver)(void *owner, usec_t now, struct bytes message));
/* Copied. An empty message is fine. */
void sim_pipe_send(struct sim_pipe *pipe, usec_t now, usec_t delay_us, struct bytes message);
/* What is on its way is lost. */
void sim_pipe_clear(struct sim_pipe *pipe);
