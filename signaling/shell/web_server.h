/* Listens for browsers and programs, and carries bytes between their sockets and their web_client:
 * accept (limits by address), TLS 1.2 and later, reading, writing, one tick a second.
 *
 * libwebsockets owns the sockets in its raw role: neither its TLS nor its HTTP or WebSocket code
 * sees what a peer sends (docs/decisions/http-and-websocket-framing.md, http2.md). */
#pragma once

#include "base/net_addr.h"
#include "signaling/shell/event_loop.h"
#include "signaling/shell/web_client.h"

#define WEB_LISTENERS_MAX 4
#define WEB_CONNECTIONS_PER_IP_MAX 1000   /* a school behind one address; IPv6: one /64 */
#define WEB_CONNECTIONS_LOOPBACK_MAX 8000 /* a reverse proxy, tests */

struct web_server;

struct web_server_config {
    struct net_addr listen[WEB_LISTENERS_MAX];
    size_t listen_count;
    const char *cert, *key; /* PEM files; NULL: no TLS */
    size_t connections_max; /* default LIMIT_CONNECTIONS */
};

/* Borrows all it is given. What cannot be bound or read is logged; STATUS_SYSTEM. */
MUST_CHECK enum status web_server_create(struct web_server **out,
                                         const struct web_server_config *config,
                                         struct event_loop *loop, const struct web_site *site,
                                         const struct log *log);
/* Closes every socket. Before service_free. */
void web_server_free(struct web_server *server);

/* What the service said to a connection or an exchange. */
void web_server_handle_output(struct web_server *server, struct instant at,
                              const struct service_output *output);

/* Reads certificate and key again; keeps the old ones when they cannot be read. */
void web_server_reload_certificate(struct web_server *server);

/* No new connections; those who wait for a request are closed. */
void web_server_stop_accepting(struct web_server *server, struct instant at);
size_t web_server_connection_count(const struct web_server *server);
