/* Signaling without its shell: the service on its store, and its end of the control link. It can
 * be killed and started again: the store stays. */
#pragma once

#include "control/control_session.h"
#include "signaling/core/service.h"
#include "sim/sim_clock.h"

struct sim_signaling;

struct sim_signaling_config {
    struct log log;
    void *owner;
    void (*send_text)(void *owner, uint64_t connection, struct bytes text);
    void (*close_socket)(void *owner, uint64_t connection);
    void (*send_frame)(void *owner, struct bytes frame); /* on the control link */
    void (*hang_up)(void *owner);                        /* the control link, from this side */
    /* Each message for the relay as the service says it, whether or not the link is there. */
    void (*note_order)(void *owner, const struct control_message *message);
};

/* With an empty store in memory, and running. Aborts when it cannot. */
struct sim_signaling *sim_signaling_create(struct sim_clock *clock,
                                           const struct sim_signaling_config *config);
void sim_signaling_free(struct sim_signaling *signaling);

/* As kill -9: what was not committed is lost. */
void sim_signaling_kill(struct sim_signaling *signaling);
void sim_signaling_start(struct sim_signaling *signaling);
bool sim_signaling_is_running(const struct sim_signaling *signaling);

/* A call of the HTTP API; the body of its answer, which must be 2xx, until the next call. */
const char *sim_signaling_call(struct sim_signaling *signaling, enum http_method method,
                               const char *path, const char *body);

/* Sockets and the control link. Ignored while it does not run. */
void sim_signaling_handle_socket(struct sim_signaling *signaling, uint64_t connection,
                                 const char *remote_ip);
void sim_signaling_handle_text(struct sim_signaling *signaling, uint64_t connection,
                               struct bytes text);
void sim_signaling_handle_closed(struct sim_signaling *signaling, uint64_t connection);
void sim_signaling_handle_connected(struct sim_signaling *signaling);
void sim_signaling_handle_frame(struct sim_signaling *signaling, struct bytes frame);
void sim_signaling_handle_disconnected(struct sim_signaling *signaling);
