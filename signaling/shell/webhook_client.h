/* Sends the service's events to the webhook's address: libcurl on the event loop, one request at a
 * time, nothing of it blocks. http and https only, certificates are checked, redirects are not
 * followed. The environment's proxies (http_proxy and the like) are not asked. */
#pragma once

#include "signaling/shell/event_loop.h"

struct webhook_client;

struct webhook_client_config {
    const char *proxy; /* through which all of it goes; empty: none */
    bool public_only;  /* no connection to what is no address of the Internet at large */
};

/* `config` and what it points at are borrowed for the client's life. */
MUST_CHECK enum status webhook_client_create(struct webhook_client **out, struct event_loop *loop,
                                             struct service *service,
                                             const struct webhook_client_config *config,
                                             const struct log *log);
void webhook_client_free(struct webhook_client *client); /* NULL is fine */

/* Once a turn, after the service's outputs: starts what is due. */
void webhook_client_start_due(struct webhook_client *client, struct instant at);
