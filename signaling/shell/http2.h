/* HTTP/2 of one connection, as the server (RFC 9113): many requests at once, so that a page of
 * fifty files costs one round trip instead of eight. Sans-IO; frames and HPACK are libnghttp2's
 * (docs/decisions/http2.md). Each request's head is read by http_parser, as one of HTTP/1.1 is: the
 * same limits, the same refusals. No push, no CONNECT, no WebSocket.
 *
 *     RECEIVING -- whole, or refused --> READY -- polled --> ASKED -- http2_respond --> ANSWERED
 *         '------------------- reset by the peer (ASKED: told as ABORTED) -------------> gone */
#pragma once

#include "base/status.h"
#include "base/usec.h"
#include "signaling/shell/http_parser.h"

#define HTTP2_STREAMS_MAX 100         /* at once; what RFC 9113 asks for at least */
#define HTTP2_HEAD_BYTES_MAX 262144   /* of all requests in work: beyond, 431 */
#define HTTP2_BODY_BYTES_MAX 262144   /* likewise: beyond, 413 */
#define HTTP2_ANSWER_BYTES_MAX 262144 /* copied, of answers that wait; one alone may be larger */
#define HTTP2_REQUEST_WITHIN_US SECONDS(20)
#define HTTP2_ANSWER_WITHIN_US SECONDS(30)
#define HTTP2_STALLED_AFTER_US SECONDS(30) /* answers wait and the peer takes none of them */
/* By then, and a second for each HTTP2_PACE_BYTES that wait with it, an answer has been taken
 * whole. A line of 8 kbit/s carries that. */
#define HTTP2_TAKEN_WITHIN_US SECONDS(30)
#define HTTP2_PACE_BYTES 1000
#define HTTP2_GOODBYE_WITHIN_US SECONDS(5) /* nor the goodbye: the connection is lost */
#define HTTP2_GONE_WITHIN_US SECONDS(30)   /* of the goodbye, however much of it is taken */
#define HTTP2_FIRST_REQUEST_WITHIN_US SECONDS(20)
#define HTTP2_IDLE_US SECONDS(60)

/* Frames that ask for nothing are paid for, or a peer could have work done for ever: pings,
 * settings, priorities, windows, empty data, resets (of which each undoes work: CVE-2023-44487).
 * Above this, GOAWAY. */
#define HTTP2_PRICE_OF_FRAME 1
#define HTTP2_PRICE_OF_RESET 5 /* asked for by the peer, or by what it sent (CVE-2025-8671) */
#define HTTP2_CREDIT_MAX 1000
#define HTTP2_CREDIT_PER_SECOND 100

struct http2;

enum http2_event_type {
    HTTP2_EVENT_REQUEST, /* answer it, now or later; or `error_status`, to be answered as such */
    HTTP2_EVENT_ABORTED, /* nobody waits for this exchange any more */
    HTTP2_EVENT_OVERDUE  /* asked HTTP2_ANSWER_WITHIN_US ago; still to be answered */
};

struct http2_event {
    enum http2_event_type type;
    int32_t stream;
    const struct http_message *message; /* of a request; valid until it is answered */
    int error_status;                   /* 0, or why the request cannot be taken */
    uint64_t exchange;                  /* as given to http2_set_exchange */
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status http2_create(struct http2 **out, usec_t now);
void http2_free(struct http2 *h2);

/* STATUS_MALFORMED: the peer is not to be talked to any more. */
MUST_CHECK enum status http2_handle_bytes(struct http2 *h2, usec_t now, struct bytes bytes);
/* False when there is none. Until then drain after each call above and below. */
bool http2_poll_event(struct http2 *h2, struct http2_event *out);

void http2_set_exchange(struct http2 *h2, int32_t stream, uint64_t exchange);
/* The stream that waits for `exchange`. False when there is none any more. */
bool http2_find_exchange(const struct http2 *h2, uint64_t exchange, int32_t *stream,
                         const struct http_message **message);

/* An exchange that waits, once each: for the connection's end. 0 when there is none. */
uint64_t http2_take_exchange(struct http2 *h2);

/* Whether an answer of `size` bytes may be copied. If not, answer with something borrowed. */
bool http2_has_room(const struct http2 *h2, size_t size);
/* `head` is the answer's as HTTP/1.1 writes it; what HTTP/2 does not have is left out. `body` is
 * copied unless it is `borrowed`. A stream that is gone is no error. STATUS_NO_MEMORY. */
MUST_CHECK enum status http2_respond(struct http2 *h2, usec_t now, int32_t stream,
                                     struct bytes head, struct bytes body, bool borrowed);

/* Up to out.size bytes to be written now. */
size_t http2_take_output(struct http2 *h2, usec_t now, struct bytes_mut out);
bool http2_has_output(const struct http2 *h2);
/* Nothing will be read or written any more. */
bool http2_is_over(const struct http2 *h2);
/* Over, and what is left cannot be written. */
bool http2_is_lost(const struct http2 *h2);

void http2_handle_timeout(struct http2 *h2, usec_t now);
usec_t http2_next_timeout(const struct http2 *h2);
/* Says goodbye; requests that are in work are answered. */
void http2_shut_down(struct http2 *h2);
size_t http2_stream_count(const struct http2 *h2);
