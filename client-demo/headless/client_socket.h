/* WebSocket connections to the signalling service, by libwebsockets, in the caller's thread. I/O.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define CLIENT_SOCKET_MESSAGE_BYTES_MAX (1u << 20) /* a large class's state */
#define CLIENT_SOCKET_QUEUE_MAX 64                 /* unsent messages per connection */

struct client_sockets;
struct client_socket;

/* Called from client_sockets_service. `owner` is what was given to connect; a socket that has
 * closed is gone after `closed` returns. */
struct client_socket_events {
    void (*opened)(void *owner);
    void (*text)(void *owner, struct bytes text);
    void (*closed)(void *owner, const char *why);
};

struct client_url {
    bool tls;
    char host[256];
    uint16_t port;
    char token[4097]; /* the link's fragment; may be empty */
};
/* "https://host:port/#token" as ./run prints it, also http, ws, wss; the path is ignored.
 * STATUS_MALFORMED. */
MUST_CHECK enum status client_url_parse(const char *text, struct client_url *out);

/* `ca_file` (PEM) may be NULL: the system's. */
MUST_CHECK enum status client_sockets_create(struct client_sockets **out, const char *ca_file,
                                             const struct client_socket_events *events);
void client_sockets_free(struct client_sockets *sockets);

/* Begins to connect to /ws; `opened` or `closed` follows. */
MUST_CHECK enum status client_sockets_connect(struct client_sockets *sockets,
                                              const struct client_url *url, void *owner,
                                              struct client_socket **out);
/* Queues one message. STATUS_LIMIT when the queue is full. */
MUST_CHECK enum status client_socket_send(struct client_socket *socket, struct bytes text);
void client_socket_close(struct client_socket *socket);

/* Does what is due, without waiting. */
void client_sockets_service(struct client_sockets *sockets);
