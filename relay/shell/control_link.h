/* The relay's side of the control link (docs/control-protocol.md): a Unix socket on which one
 * signaling at a time speaks with the director. A newer connection replaces the older. Runs on the
 * control thread. */
#pragma once

#include "relay/core/director.h"

#include <poll.h>

#define CONTROL_LINK_FDS 2

struct control_link_config {
    const char *path;
    struct control_hello hello;
    struct director *director; /* borrowed */
    struct log log;
};

struct control_link; /* heap */

/* Listens. A socket file that nobody listens on any more is replaced. STATUS_EXISTS when another
 * program does; STATUS_CONFIG for a path that is too long; STATUS_SYSTEM otherwise, with errno. */
MUST_CHECK enum status control_link_create(struct control_link **out,
                                           const struct control_link_config *config);
/* Closes, and removes the socket file. NULL is fine. */
void control_link_free(struct control_link *link);

/* What to poll for: fills `fds` (CONTROL_LINK_FDS of them), and takes them back with their results.
 */
void control_link_prepare(const struct control_link *link, struct pollfd *fds);
void control_link_handle(struct control_link *link, usec_t now, const struct pollfd *fds);
usec_t control_link_next_timeout(const struct control_link *link);
/* Takes what the director has to say and writes it; after each thing that the director handled. */
void control_link_flush(struct control_link *link, usec_t now);
