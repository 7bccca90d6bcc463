/* The control link between the cores: frames in order with a delay, opened again by signaling when
 * it breaks (as signaling/shell/relay_link does). */
#pragma once

#include "sim/sim.h"
#include "sim/sim_pipe.h"

#define SIM_CONTROL_DELAY_US 200

struct sim_control {
    struct sim *sim;
    enum sim_control_fault fault;
    bool is_open;
    usec_t opened_at;
    usec_t good_since; /* everything said since then has arrived; USEC_NEVER: not now */
    struct sim_pipe to_relay, to_signaling;
    struct sim_timer retry_timer;
    usec_t wait_us;
};

void sim_control_init(struct sim_control *control, struct sim *sim);
void sim_control_destroy(struct sim_control *control);
void sim_control_send_to_relay(struct sim_control *control, struct bytes frame);
void sim_control_send_to_signaling(struct sim_control *control, struct bytes frame);
void sim_control_hang_up_relay(struct sim_control *control); /* the relay's end closes */
void sim_control_hang_up_signaling(struct sim_control *control);
/* A service has died: the other end hears of it. */
void sim_control_relay_died(struct sim_control *control);
void sim_control_signaling_died(struct sim_control *control);
void sim_control_signaling_started(struct sim_control *control);
