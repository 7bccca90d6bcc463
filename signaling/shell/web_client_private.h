/* What the files of one connection share: web_client.c (HTTP/1.1, WebSocket, bytes and time) and
 * web_client_http2.c. */
#pragma once

#include "signaling/shell/web_answer.h"
#include "signaling/shell/web_client.h"

/* --- web_client.c */

void web_client_close_after_flush(struct web_client *client, struct instant at);
/* The service is told; the socket is to be dropped. */
void web_client_give_up(struct web_client *client, struct instant at);
/* The new exchange's number. */
uint64_t web_client_begin_exchange(struct web_client *client);
/* The answer may be there before this returns. */
void web_client_ask_service(struct web_client *client, struct instant at, uint64_t exchange,
                            const struct http_message *request);
void web_client_take_forwarded_address(struct web_client *client,
                                       const struct http_message *request);

/* --- web_client_http2.c */

void web_client_feed_http2(struct web_client *client, struct instant at, struct bytes bytes);
/* Takes up the requests that are there; notices when the connection is over. */
void web_client_drain_http2(struct web_client *client, struct instant at);
void web_client_send_stream_answer(struct web_client *client, struct instant at, int32_t stream,
                                   enum http_method method, const struct web_answer *answer);
/* The service hears that nobody waits for its answers any more. */
void web_client_abort_streams(struct web_client *client, struct instant at);
