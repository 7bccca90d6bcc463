/* The one loop of signaling, which is libwebsockets': sockets, descriptors of others (the relay
 * link, signals) and timers, all on the calling thread. */
#pragma once

#include "base/log.h"
#include "base/status.h"
#include "base/usec.h"
#include "signaling/core/service.h"

#include <libwebsockets.h>

struct event_loop;
struct event_watch;

/* `on_readable` may remove its own watch. */
struct event_watch_callbacks {
    void *context;
    void (*on_readable)(void *context);
    void (*on_writable)(void *context); /* once per event_watch_want_writable */
    void (*on_gone)(void *context);     /* hang-up: the watch is gone; may be NULL */
};

struct event_timer {
    struct event_loop *loop;
    struct event_timer *next; /* of those that are armed */
    usec_t deadline;          /* USEC_NEVER: not armed */
    void *context;
    void (*on_due)(void *context);
};

/* Room for `descriptors_max` open descriptors, if the system's limit can be raised to it. */
MUST_CHECK enum status event_loop_create(struct event_loop **out, size_t descriptors_max,
                                         const struct log *log);
void event_loop_free(struct event_loop *loop);
struct lws_context *event_loop_context(struct event_loop *loop);
struct instant event_loop_instant(void); /* both clocks, read now */

/* Waits for something to do and does it. False when the loop has broken. */
bool event_loop_turn(struct event_loop *loop);

/* Borrows `fd`, non-blocking: a duplicate is watched, so that the owner may close its own at any
 * time and remove the watch. STATUS_NO_MEMORY, STATUS_SYSTEM. */
MUST_CHECK enum status event_loop_watch(struct event_loop *loop, int fd,
                                        const struct event_watch_callbacks *callbacks,
                                        struct event_watch **out);
void event_watch_want_writable(struct event_watch *watch);
/* Without calling on_gone; `watch` is gone for the caller. */
void event_watch_remove(struct event_watch *watch);

void event_timer_init(struct event_timer *timer, struct event_loop *loop, void *context,
                      void (*on_due)(void *context));
/* Replaces an earlier deadline; USEC_NEVER cancels, and is due before the owner frees it. Called at
 * the deadline or a moment later, never before. */
void event_timer_arm(struct event_timer *timer, usec_t now, usec_t deadline);
