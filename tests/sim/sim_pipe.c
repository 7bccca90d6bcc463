#include "sim/sim_pipe.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define RETRANSMISSION_TIMEOUT_US MILLISECONDS(200) /* of Linux's TCP, at least */
#define LOSSES_MAX 10

struct sim_letter {
    struct sim_letter *next;
    usec_t due;
    unsigned losses;
    size_t size;
    uint8_t data[];
};

static void fire(void *owner, usec_t now)
{
    struct sim_pipe *pipe = owner;
    struct sim_letter *letter = pipe->first;
    if (pipe->is_lost != NULL && letter->losses < LOSSES_MAX && pipe->is_lost(pipe->owner)) {
        letter->due = now + (RETRANSMISSION_TIMEOUT_US << letter->losses++);
        sim_clock_arm(pipe->clock, &pipe->timer, letter->due);
        return;
    }
    pipe->first = letter->next;
    if (pipe->first == NULL)
        pipe->last = NULL;
    sim_clock_arm(pipe->clock, &pipe->timer, pipe->first != NULL ? pipe->first->due : USEC_NEVER);
    pipe->deliver(pipe->owner, now, bytes_of(letter->data, letter->size));
    free(letter);
}

void sim_pipe_init(struct sim_pipe *pipe, struct sim_clock *clock, void *owner,
                   void (*deliver)(void *owner, usec_t now, struct bytes message))
{
    *pipe = (struct sim_pipe){.clock = clock, .owner = owner, .deliver = deliver};
    pipe->timer.fire = fire;
    pipe->timer.owner = pipe;
}

void sim_pipe_send(struct sim_pipe *pipe, usec_t now, usec_t delay_us, struct bytes message)
{
    struct sim_letter *letter = malloc(sizeof *letter + message.size);
    CHECK(letter != NULL);
    *letter =
        (struct sim_letter){.due = usec_max(now + delay_us, pipe->last_due), .size = message.size};
    if (message.size > 0)
        memcpy(letter->data, message.data, message.size);
    pipe->last_due = letter->due;
    if (pipe->last != NULL)
        pipe->last->next = letter;
    else
        pipe->first = letter;
    pipe->last = letter;
    sim_clock_arm(pipe->clock, &pipe->timer, pipe->first->due);
}

void sim_pipe_clear(struct sim_pipe *pipe)
{
    while (pipe->first != NULL) {
        struct sim_letter *letter = pipe->first;
        pipe->first = letter->next;
        free(letter);
    }
    pipe->last = NULL;
    pipe->last_due = 0;
    sim_clock_arm(pipe->clock, &pipe->timer, USEC_NEVER);
}
