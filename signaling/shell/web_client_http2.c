/* A web_client where TLS has agreed on HTTP/2: many exchanges at once, each a stream. */
#include "signaling/shell/web_client_private.h"

#define FEED_BYTES 1024

void web_client_abort_streams(struct web_client *client, struct instant at)
{
    uint64_t exchange = 0;
    while (client->http2 != NULL && (exchange = http2_take_exchange(client->http2)) != 0)
        service_handle_http_aborted(client->site->service, at, exchange);
}

void web_client_send_stream_answer(struct web_client *client, struct instant at, int32_t stream,
                                   enum http_method method, const struct web_answer *answer)
{
    uint8_t text[WEB_HEAD_BYTES];
    struct writer w = writer_of((struct bytes_mut){text, sizeof(text)});
    struct web_answer crowded;
    if (!answer->borrowed_body && !http2_has_room(client->http2, answer->body.size)) {
        crowded = web_answer_of_problem(503, NULL, NULL);
        answer = &crowded;
    }
    web_answer_write_head(&w, client->site, answer, true, at.unix_us);
    enum status status = STATUS_LIMIT;
    if (!w.failed)
        status = http2_respond(client->http2, at.now, stream, bytes_const(writer_written(&w)),
                               web_answer_get_body(answer, method), answer->borrowed_body);
    if (status != STATUS_OK) {
        log_error(client->site->log, "response_lost", "reason=%s", status_name(status));
        web_client_give_up(client, at);
    }
}

static void answer_problem(struct web_client *client, struct instant at,
                           const struct http2_event *event, int status)
{
    struct web_answer answer = web_answer_of_problem(status, NULL, NULL);
    web_client_send_stream_answer(client, at, event->stream, event->message->method, &answer);
}

/* The same choice as handle_request's. */
static void handle_stream_request(struct web_client *client, struct instant at,
                                  const struct http2_event *event)
{
    const struct http_message *request = event->message;
    web_client_take_forwarded_address(client, request);
    if (event->error_status != 0) {
        answer_problem(client, at, event, event->error_status);
    } else if (strcmp(request->path, "/ws") == 0) {
        struct web_answer answer = web_answer_of_problem(426, "Sec-WebSocket-Version", "13");
        web_client_send_stream_answer(client, at, event->stream, request->method, &answer);
    } else if (web_path_is_for_service(request->path)) {
        if (client->exchange_count == WEB_EXCHANGES_PER_CLIENT_MAX) {
            http2_shut_down(client->http2); /* it comes back, with numbers of its own */
            answer_problem(client, at, event, 503);
            return;
        }
        uint64_t exchange = web_client_begin_exchange(client);
        http2_set_exchange(client->http2, event->stream, exchange);
        web_client_ask_service(client, at, exchange, request);
    } else {
        struct web_answer answer = web_answer_of_file(client->site, request);
        web_client_send_stream_answer(client, at, event->stream, request->method, &answer);
    }
}

void web_client_drain_http2(struct web_client *client, struct instant at)
{
    struct http2_event event;
    while (client->state == WEB_CLIENT_HTTP2 && http2_poll_event(client->http2, &event)) {
        if (event.type != HTTP2_EVENT_REQUEST)
            service_handle_http_aborted(client->site->service, at, event.exchange);
        if (event.type == HTTP2_EVENT_REQUEST)
            handle_stream_request(client, at, &event);
        else if (event.type == HTTP2_EVENT_OVERDUE)
            answer_problem(client, at, &event, 503);
    }
    if (client->state != WEB_CLIENT_HTTP2 || !http2_is_over(client->http2))
        return;
    if (http2_is_lost(client->http2))
        web_client_give_up(client, at);
    else
        web_client_close_after_flush(client, at);
}

/* In pieces, each answered before the next: of the heads that a browser sends at once, a few bytes
 * each as HPACK packs them, few wait together. */
void web_client_feed_http2(struct web_client *client, struct instant at, struct bytes bytes)
{
    while (bytes.size > 0 && client->state == WEB_CLIENT_HTTP2) {
        size_t size = bytes.size < FEED_BYTES ? bytes.size : FEED_BYTES;
        if (http2_handle_bytes(client->http2, at.now, bytes_of(bytes.data, size)) == STATUS_OK)
            web_client_drain_http2(client, at);
        else
            web_client_give_up(client, at);
        bytes = bytes_of(bytes.data + size, bytes.size - size);
    }
}

void web_client_begin_http2(struct web_client *client, struct instant at)
{
    if (client->state != WEB_CLIENT_HTTP || http_parser_is_inside(&client->http) ||
        http2_create(&client->http2, at.now) != STATUS_OK)
        web_client_give_up(client, at);
    else
        client->state = WEB_CLIENT_HTTP2;
}
