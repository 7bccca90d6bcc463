#include "sim/sim_control.h"

#include "sim/sim_private.h"

#define RETRY_FIRST_US MILLISECONDS(100)
#define RETRY_LAST_US SECONDS(1)
#define RESYNC_US MILLISECONDS(500) /* after which what was missed has been repaired */

static void retry_later(struct sim_control *c)
{
    sim_clock_arm(&c->sim->clock, &c->retry_timer, c->sim->clock.now + c->wait_us);
    c->wait_us = usec_min(2 * c->wait_us, RETRY_LAST_US);
}

static void set_closed(struct sim_control *c)
{
    c->is_open = false;
    c->good_since = USEC_NEVER;
}

static void open_link(void *owner, usec_t now)
{
    struct sim_control *c = owner;
    if (!sim_signaling_is_running(c->sim->signaling))
        return;
    if (c->sim->relay == NULL || c->fault != SIM_CONTROL_MENDED) {
        retry_later(c);
        return;
    }
    sim_pipe_clear(&c->to_relay);
    sim_pipe_clear(&c->to_signaling);
    c->is_open = true;
    c->wait_us = RETRY_FIRST_US;
    c->opened_at = now;
    c->good_since = now + RESYNC_US;
    sim_relay_handle_connected(c->sim->relay, now);
    sim_signaling_handle_connected(c->sim->signaling);
}

/* --- Frames; an empty one is the end. */

static void arrive_at_relay(void *owner, usec_t now, struct bytes frame)
{
    struct sim_control *c = owner;
    if (c->sim->relay == NULL)
        return;
    if (frame.size > 0)
        sim_relay_handle_frame(c->sim->relay, now, frame);
    else
        sim_relay_handle_disconnected(c->sim->relay, now);
}

static void arrive_at_signaling(void *owner, usec_t now, struct bytes frame)
{
    struct sim_control *c = owner;
    (void)now;
    if (frame.size > 0) {
        sim_signaling_handle_frame(c->sim->signaling, frame);
        return;
    }
    sim_signaling_handle_disconnected(c->sim->signaling);
    retry_later(c);
}

void sim_control_send_to_relay(struct sim_control *c, struct bytes frame)
{
    if (c->is_open && c->fault != SIM_CONTROL_SILENT)
        sim_pipe_send(&c->to_relay, c->sim->clock.now, SIM_CONTROL_DELAY_US, frame);
}

void sim_control_send_to_signaling(struct sim_control *c, struct bytes frame)
{
    if (c->is_open && c->fault != SIM_CONTROL_SILENT)
        sim_pipe_send(&c->to_signaling, c->sim->clock.now, SIM_CONTROL_DELAY_US, frame);
}

/* --- Ends */

static void tell_relay(struct sim_control *c)
{
    sim_control_send_to_relay(c, BYTES_NONE);
}

static void tell_signaling(struct sim_control *c)
{
    sim_control_send_to_signaling(c, BYTES_NONE);
}

void sim_control_hang_up_relay(struct sim_control *c)
{
    tell_signaling(c);
    set_closed(c);
}

void sim_control_hang_up_signaling(struct sim_control *c)
{
    tell_relay(c);
    set_closed(c);
    retry_later(c);
}

void sim_control_relay_died(struct sim_control *c)
{
    sim_pipe_clear(&c->to_relay);
    sim_control_hang_up_relay(c);
}

void sim_control_signaling_died(struct sim_control *c)
{
    sim_pipe_clear(&c->to_signaling);
    tell_relay(c);
    set_closed(c);
    sim_clock_arm(&c->sim->clock, &c->retry_timer, USEC_NEVER);
}

void sim_control_signaling_started(struct sim_control *c)
{
    c->wait_us = RETRY_FIRST_US;
    sim_clock_arm(&c->sim->clock, &c->retry_timer, c->sim->clock.now);
}

void sim_control_set(struct sim *sim, enum sim_control_fault fault)
{
    struct sim_control *c = &sim->control;
    if (fault == SIM_CONTROL_CUT && c->is_open) {
        sim_pipe_clear(&c->to_relay);
        sim_pipe_clear(&c->to_signaling);
        tell_relay(c);
        tell_signaling(c);
        set_closed(c);
    }
    if (fault == SIM_CONTROL_SILENT) {
        sim_pipe_clear(&c->to_relay);
        sim_pipe_clear(&c->to_signaling);
        c->good_since = USEC_NEVER;
    }
    c->fault = fault;
}

bool sim_control_is_up(const struct sim *sim)
{
    return sim->control.is_open && sim->control.good_since <= sim->clock.now;
}

void sim_control_init(struct sim_control *c, struct sim *sim)
{
    *c = (struct sim_control){.sim = sim, .wait_us = RETRY_FIRST_US, .good_since = USEC_NEVER};
    c->retry_timer = (struct sim_timer){.fire = open_link, .owner = c};
    sim_pipe_init(&c->to_relay, &sim->clock, c, arrive_at_relay);
    sim_pipe_init(&c->to_signaling, &sim->clock, c, arrive_at_signaling);
    sim_control_signaling_started(c);
}

void sim_control_destroy(struct sim_control *c)
{
    sim_pipe_clear(&c->to_relay);
    sim_pipe_clear(&c->to_signaling);
    sim_clock_arm(&c->sim->clock, &c->retry_timer, USEC_NEVER);
}
