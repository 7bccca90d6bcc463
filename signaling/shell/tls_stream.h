/* TLS of one connection, as the server (TLS 1.2 and 1.3, ALPN "h2" and "http/1.1"): what came from
 * the socket in, plain text out, and the other way. Sans-IO over OpenSSL's memory buffers.
 *
 * Not libwebsockets': where ALPN has chosen "h2" its own HTTP/2 takes the connection, before any
 * callback (docs/decisions/http2.md). */
#pragma once

#include "base/bytes.h"
#include "base/log.h"
#include "base/status.h"

struct tls_server; /* certificate, key and rules, shared by all connections */
typedef struct ssl_st SSL;

/* Reads both PEM files. What cannot be used is logged: STATUS_CONFIG. STATUS_NO_MEMORY. */
MUST_CHECK enum status tls_server_create(struct tls_server **out, const char *cert, const char *key,
                                         const struct log *log);
void tls_server_free(struct tls_server *server);
/* Reads the files again, for connections to come. As tls_server_create; the old pair stays then. */
MUST_CHECK enum status tls_server_reload(struct tls_server *server);

struct tls_stream {
    SSL *ssl; /* NULL: not in use */
    bool failed;
    bool ended; /* the peer has said that it will send no more */
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status tls_stream_init(struct tls_stream *tls, const struct tls_server *server);
void tls_stream_destroy(struct tls_stream *tls);

/* What came. Read then until nothing is left, and take what is to be sent. After the end nothing is
 * kept. STATUS_NO_MEMORY. */
MUST_CHECK enum status tls_stream_feed(struct tls_stream *tls, struct bytes ciphertext);
/* Plain text to `room`; returns how much, 0 for none yet, for its end, or when the peer has broken
 * the rules (`failed`: take the alert that it is sent, then close). */
size_t tls_stream_read(struct tls_stream *tls, struct bytes_mut room);

bool tls_stream_is_established(const struct tls_stream *tls);
bool tls_stream_has_chosen_http2(const struct tls_stream *tls); /* once established */

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status tls_stream_write(struct tls_stream *tls, struct bytes plain);
/* Says that nothing more will be written. */
void tls_stream_close(struct tls_stream *tls);
/* Up to out.size bytes for the socket. */
size_t tls_stream_take(struct tls_stream *tls, struct bytes_mut out);
bool tls_stream_has_output(const struct tls_stream *tls);
