/* The whole of signaling, without its sockets: takes WebSocket messages, HTTP requests and relay
 * messages, gives back texts, responses and relay messages. Everything about classes, rights,
 * tokens and SDP is decided below this line; signaling/shell only carries bytes.
 *
 * Sans-IO but for the store, which is synchronous by design (what is acknowledged is on disk). */
#pragma once

#include "base/log.h"
#include "base/status.h"
#include "base/usec.h"
#include "control/control_message.h"
#include "signaling/core/turn_credentials.h"

struct service;
struct store; /* signaling/core/store.h: SQLite behind an interface */

/* Both clocks as the shell read them once for this turn. Deadlines use `now`; tokens and records
 * use `unix_us`. */
struct instant {
    usec_t now;
    usec_t unix_us;
};

#define SERVICE_RELAYS_MAX 8

/* TURN servers that participants are told of; none when `url_count` is 0. */
struct turn_config {
    char urls[TURN_URLS_MAX][TURN_URL_BYTES]; /* "turns:classe.example.org:443?transport=tcp" */
    size_t url_count;
    char secret[TURN_SECRET_BYTES];
};

struct service_config {
    const char *base_url;       /* "https://classe.example.org", no slash at the end */
    const char *const *origins; /* allowed Origin values besides base_url's, NULL-terminated */
    const char *api_key;        /* 32 characters or more */
    uint8_t token_key[32];      /* HS256 */
    size_t participants_per_class_max; /* default 1500 */
    size_t classes_max;                /* default 500 */
    usec_t resume_for_us;              /* 60 s */
    usec_t hello_within_us;            /* 5 s */
    struct turn_config turn;
    const char *openapi_json; /* served at /api/v1/openapi.json; may be NULL */
};
struct service_config service_config_default(void);

MUST_CHECK enum status service_create(struct service **out, struct instant at,
                                      const struct service_config *config, struct store *store,
                                      const struct log *log);
void service_free(struct service *service);

/* --- WebSocket. `connection` is the shell's number, never reused. `remote_ip` is for rate limits.
 */
/* Whether an upgrade with this Origin header (NULL: none) may go on: equal to base_url or to one of
 * the configured origins, character by character. */
bool service_is_origin_allowed(const struct service *service, const char *origin);
void service_handle_connected(struct service *service, struct instant at, uint64_t connection,
                              const char *remote_ip);
void service_handle_message(struct service *service, struct instant at, uint64_t connection,
                            struct bytes text);
void service_handle_disconnected(struct service *service, struct instant at, uint64_t connection);

/* --- HTTP: /api/v1, /whip, /whep, /healthz, /metrics. Static files are the shell's. */
enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER
};
struct http_request {
    uint64_t exchange; /* the shell's number for this request, never reused */
    enum http_method method;
    const char *path;  /* decoded, without query; borrowed, like everything here */
    const char *query; /* as it came, behind the question mark; NULL: none */
    const char *authorization, *content_type, *if_match, *origin; /* NULL when absent */
    const char *remote_ip;
    struct bytes body; /* at most 64 KiB: the shell answers 413 beyond */
};
/* The response comes through service_poll_output, at once or later (WHIP waits for the relay). */
void service_handle_http(struct service *service, struct instant at,
                         const struct http_request *request);
/* The client went away before its response. */
void service_handle_http_aborted(struct service *service, struct instant at, uint64_t exchange);

/* --- Relays, 0 .. SERVICE_RELAYS_MAX-1. The shell runs control_session on each link; the service
 * sees whole messages. When the session is up: `connected`, then the relay's hello as a message.
 * A SERVICE_RELAY message with `id` not 0 is a request: the shell gives that number to the session
 * as context, and puts it into `to` of the answer (or of the session's error "timeout"). One with
 * `id` 0 is written as an event; what cannot be written for want of room must end the link (resync
 * repairs), never be left out. */
void service_handle_relay_connected(struct service *service, struct instant at, size_t relay);
void service_handle_relay_message(struct service *service, struct instant at, size_t relay,
                                  const struct control_message *message);
void service_handle_relay_disconnected(struct service *service, struct instant at, size_t relay);

/* --- Time */
void service_handle_timeout(struct service *service, struct instant at);
usec_t service_next_timeout(const struct service *service);

/* --- Out: drain after every call above, or after the calls of one loop turn. The first poll makes
 * everything so far durable with one fsync, so draining once per turn lets a crowd that joins
 * together share it. */
enum service_output_type {
    SERVICE_SEND,  /* `text` to `connection` */
    SERVICE_CLOSE, /* close `connection` with `code` (RFC 6455) after what was sent; may repeat */
    SERVICE_RESPONSE, /* `response` to `exchange` */
    SERVICE_RELAY     /* `message` to `relay` */
};
struct http_header {
    const char *name, *value;
};
#define HTTP_HEADERS_MAX 12
struct http_response {
    int status;
    const char *content_type; /* NULL: no body */
    struct bytes body;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
};
struct service_output {
    enum service_output_type type;
    uint64_t connection;
    struct bytes text;
    bool packable; /* long and repetitive, and no secret stands beside words of somebody else */
    uint16_t code;
    uint64_t exchange;
    struct http_response response;
    size_t relay;
    const struct control_message *message;
};
/* False when empty. What `out` points at stays valid until the next call on `service`. A text sent
 * to many is serialised once. */
bool service_poll_output(struct service *service, struct service_output *out);

/* Webhook. After the outputs have been drained: true when one event is to be POSTed now, with
 * `signature` as Amphi-Signature. Its result is due under its number: the status of HTTP, or 0 for
 * no answer. A number that is asked for anew replaces the one before. */
struct service_post {
    uint64_t number;
    const char *url, *signature;
    struct bytes body; /* JSON */
};
bool service_poll_post(struct service *service, struct instant at, struct service_post *out);
void service_handle_post_result(struct service *service, struct instant at, uint64_t number,
                                int status);

/* SIGTERM: tells everybody `shutting_down`. */
void service_shut_down(struct service *service, struct instant at);
