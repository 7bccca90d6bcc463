/* One browser's or program's connection: HTTP exchanges one after the other, or many at once where
 * TLS has agreed on HTTP/2, or a WebSocket after its upgrade. Sans-IO: bytes in, bytes out, a
 * deadline; web_server owns the socket.
 *
 *     HTTP ---- request of /api, /whip, /whep, /healthz, /metrics ---> WAITING (for the service)
 *      |  <------------------------- response ---------------------------'
 *      |---- upgrade of /ws ---> WEBSOCKET
 *      |---- web_client_begin_http2 ---> HTTP2
 *      '---- error, "close" ---> CLOSING (flushing, then discarding what still comes) ---> gone */
#pragma once

#include "signaling/core/limits.h"
#include "signaling/shell/http2.h"
#include "signaling/shell/send_queue.h"
#include "signaling/shell/web_site.h"
#include "signaling/shell/ws_frames.h"

#define WEB_SEND_QUEUE_BYTES_MAX (256u * 1024) /* of a WebSocket: beyond, "slow_consumer" */
#define WEB_PIPELINE_BYTES_MAX 16384           /* requests that wait behind one in work */
#define WEB_EXCHANGES_PER_CLIENT_MAX 0xfffff

#define WEB_FIRST_REQUEST_WITHIN_US SECONDS(20) /* TLS handshake included */
#define WEB_REQUEST_WITHIN_US SECONDS(20)       /* from its first byte to its last */
#define WEB_KEEP_ALIVE_US SECONDS(60)
#define WEB_ANSWER_WITHIN_US SECONDS(30) /* the service's own limits are far below */
#define WEB_STALLED_AFTER_US SECONDS(30) /* nothing could be written */
#define WEB_CLOSE_WITHIN_US SECONDS(5)
#define WEB_PACE_BYTES 1000      /* an answer of HTTP/1.1 has a second more for each of these */
#define WEB_LINGER_US SECONDS(2) /* a response must not be lost to a reset */
#define WEB_PING_EVERY_US SECONDS(10)
#define WEB_DEAD_AFTER_US SECONDS(25) /* no frame, its pongs included */

enum web_client_state {
    WEB_CLIENT_HTTP,
    WEB_CLIENT_WAITING,
    WEB_CLIENT_WEBSOCKET,
    WEB_CLIENT_HTTP2,
    WEB_CLIENT_CLOSING,   /* takes nothing in; to be shut down once all is written */
    WEB_CLIENT_LINGERING, /* shut down for writing */
    WEB_CLIENT_GONE       /* drop the socket */
};

struct web_client {
    const struct web_site *site;
    uint64_t number; /* never reused; also the service's connection number */
    uint64_t exchange, exchange_count;
    enum web_client_state state;
    bool announced;                  /* the service knows the connection */
    char remote_ip[REMOTE_IP_BYTES]; /* whom rate limits count */
    bool is_local;                   /* the socket is from this machine */
    struct http_parser http;
    struct ws_receiver ws;
    struct http2 *http2; /* NULL: HTTP/1.1 */
    struct send_queue out;
    uint8_t *pipeline; /* bytes behind a request in work */
    size_t pipeline_size;
    usec_t deadline; /* of the present state */
    usec_t ping_at, heard_at, progress_at;
};

/* `number` below 2^44. */
void web_client_init(struct web_client *client, const struct web_site *site, struct instant at,
                     uint64_t number, const char *remote_ip);
/* The socket is gone: tells the service, frees all. */
void web_client_destroy(struct web_client *client, struct instant at);

/* Before the first bytes. */
void web_client_begin_http2(struct web_client *client, struct instant at);
void web_client_handle_bytes(struct web_client *client, struct instant at, struct bytes bytes);
/* The peer will send no more. What is in work is still answered. */
void web_client_handle_end(struct web_client *client, struct instant at);
void web_client_handle_timeout(struct web_client *client, struct instant at);
usec_t web_client_next_timeout(const struct web_client *client);

/* Up to out.size bytes to be written now. */
size_t web_client_take_output(struct web_client *client, struct instant at, struct bytes_mut out);
bool web_client_has_output(const struct web_client *client);
/* All that was taken is written. Returns true when the socket is to be shut down for writing. */
bool web_client_handle_flushed(struct web_client *client, struct instant at);

/* No further request: one that is in work, and a WebSocket, go on. */
void web_client_stop(struct web_client *client, struct instant at);

/* What the service said. */
uint64_t web_exchange_client(uint64_t exchange); /* the number of the client it belongs to */
void web_client_send_text(struct web_client *client, struct instant at, struct bytes text,
                          bool packable);
void web_client_close(struct web_client *client, struct instant at, uint16_t code);
void web_client_respond(struct web_client *client, struct instant at, uint64_t exchange,
                        const struct http_response *response);
