/* The links to the relays: each a Unix socket, connected again 100 ms after it was lost, doubled up
 * to 1 s. Frames are frame_stream's, requests and heartbeat control_session's; whole messages go to
 * the service. */
#pragma once

#include "base/log.h"
#include "base/status.h"
#include "signaling/core/service.h"
#include "signaling/shell/event_loop.h"

#define RELAY_RECONNECT_FIRST_US MILLISECONDS(100)
#define RELAY_RECONNECT_LAST_US SECONDS(1)

struct relay_links;

/* One link per path, at most SERVICE_RELAYS_MAX, numbered in their order. Borrows all but the
 * paths. Tries to connect at once. */
MUST_CHECK enum status relay_links_create(struct relay_links **out, const char *const *paths,
                                          size_t count, struct event_loop *loop,
                                          struct service *service, const struct log *log);
void relay_links_free(struct relay_links *links);

/* A message of the service. What cannot be sent ends the link, which the service is told. */
void relay_links_send(struct relay_links *links, struct instant at, size_t relay,
                      const struct control_message *message);
