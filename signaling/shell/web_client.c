#include "signaling/shell/web_client.h"

#include "base/net_addr.h"
#include "signaling/shell/http_text.h"
#include "signaling/shell/web_client_private.h"
#include "signaling/shell/ws_deflate.h"

#include <stdlib.h>

#define EXCHANGE_BITS 20
#define SUBPROTOCOL "amphi.v1"

void web_client_close_after_flush(struct web_client *client, struct instant at)
{
    client->state = WEB_CLIENT_CLOSING;
    client->deadline = at.now + WEB_CLOSE_WITHIN_US;
}

static void await_request(struct web_client *client, struct instant at)
{
    http_parser_reset(&client->http);
    client->state = WEB_CLIENT_HTTP;
    client->deadline = at.now + WEB_KEEP_ALIVE_US;
}

void web_client_init(struct web_client *client, const struct web_site *site, struct instant at,
                     uint64_t number, const char *remote_ip)
{
    *client = (struct web_client){.site = site, .number = number};
    snprintf(client->remote_ip, sizeof(client->remote_ip), "%s", remote_ip);
    struct net_addr addr;
    client->is_local =
        net_addr_parse_ip(remote_ip, 0, &addr) == STATUS_OK && net_addr_is_loopback(&addr);
    http_parser_init(&client->http);
    ws_receiver_init(&client->ws);
    client->deadline = at.now + WEB_FIRST_REQUEST_WITHIN_US;
    client->progress_at = at.now;
}

/* The service hears of an end once, whoever began it. */
static void take_leave(struct web_client *client, struct instant at)
{
    if (client->announced)
        service_handle_disconnected(client->site->service, at, client->number);
    if (client->exchange != 0)
        service_handle_http_aborted(client->site->service, at, client->exchange);
    web_client_abort_streams(client, at);
    client->announced = false;
    client->exchange = 0;
}

void web_client_give_up(struct web_client *client, struct instant at)
{
    take_leave(client, at);
    send_queue_destroy(&client->out);
    client->state = WEB_CLIENT_GONE;
}

void web_client_destroy(struct web_client *client, struct instant at)
{
    web_client_give_up(client, at);
    http_parser_destroy(&client->http);
    ws_receiver_destroy(&client->ws);
    http2_free(client->http2);
    client->http2 = NULL;
    free(client->pipeline);
    client->pipeline = NULL;
}

uint64_t web_exchange_client(uint64_t exchange)
{
    return exchange >> EXCHANGE_BITS;
}

/* --- Responses */

/* Writes the answer to the present request and gets ready for the next, or for the end. */
static void send_answer(struct web_client *client, struct instant at,
                        const struct web_answer *answer)
{
    uint8_t text[WEB_HEAD_BYTES];
    struct writer w = writer_of((struct bytes_mut){text, sizeof(text)});
    bool keep = client->http.state == HTTP_PARSER_DONE && client->http.message.keep_alive &&
                client->exchange_count < WEB_EXCHANGES_PER_CLIENT_MAX;
    web_answer_write_head(&w, client->site, answer, keep, at.unix_us);
    struct bytes head = bytes_const(writer_written(&w));
    struct bytes body = web_answer_get_body(answer, client->http.message.method);
    enum status status = w.failed ? STATUS_LIMIT : STATUS_OK;
    if (status == STATUS_OK)
        status = send_queue_push(&client->out, head, answer->borrowed_body ? BYTES_NONE : body);
    if (status == STATUS_OK && answer->borrowed_body)
        status = send_queue_push_borrowed(&client->out, body);
    usec_t writing_us = (usec_t)(client->out.bytes / WEB_PACE_BYTES) * SECONDS(1);
    client->progress_at = at.now;
    client->exchange = 0;
    if (status != STATUS_OK) {
        log_error(client->site->log, "response_lost", "reason=%s", status_name(status));
        web_client_give_up(client, at);
    } else if (keep) {
        await_request(client, at);
        client->deadline += writing_us;
    } else {
        web_client_close_after_flush(client, at);
        client->deadline += writing_us;
    }
}

static void send_problem(struct web_client *client, struct instant at, int status, const char *name,
                         const char *value)
{
    struct web_answer answer = web_answer_of_problem(status, name, value);
    send_answer(client, at, &answer);
}

void web_client_respond(struct web_client *client, struct instant at, uint64_t exchange,
                        const struct http_response *response)
{
    const struct http_message *request = &client->http.message;
    int32_t stream = 0;
    if (client->state == WEB_CLIENT_HTTP2) {
        if (!http2_find_exchange(client->http2, exchange, &stream, &request))
            return;
    } else if (client->exchange != exchange || client->state != WEB_CLIENT_WAITING) {
        return; /* its time is over */
    }
    struct web_answer answer = web_answer_of_response(client->site, request, response);
    if (client->state == WEB_CLIENT_HTTP2)
        web_client_send_stream_answer(client, at, stream, request->method, &answer);
    else
        send_answer(client, at, &answer);
}

/* --- Requests */

/* 0, or the status that refuses this upgrade. Nothing but the list decides: the request has passed
 * the parser, and the response to a refusal ends the connection. */
static int check_upgrade(const struct web_client *client)
{
    const struct http_message *request = &client->http.message;
    if (request->method != HTTP_GET)
        return 405;
    if (!service_is_origin_allowed(client->site->service, request->origin))
        return 403;
    if (!request->upgrade_websocket || request->websocket_version == NULL ||
        strcmp(request->websocket_version, "13") != 0)
        return 426;
    if (request->websocket_key == NULL || request->body.size > 0 ||
        !http_list_has(request->websocket_protocols, SUBPROTOCOL))
        return 400;
    return 0;
}

static void refuse_upgrade(struct web_client *client, struct instant at, int status)
{
    client->http.message.keep_alive = false;
    if (status == 426) {
        send_problem(client, at, 426, "Sec-WebSocket-Version", "13");
        return;
    }
    send_problem(client, at, status, status == 405 ? "Allow" : NULL, "GET");
}

static void upgrade(struct web_client *client, struct instant at)
{
    uint8_t text[512];
    char accept[WS_ACCEPT_BYTES];
    struct writer w = writer_of((struct bytes_mut){text, sizeof(text)});
    int status = check_upgrade(client);
    if (status == 0 && ws_accept_key(client->http.message.websocket_key, accept) != STATUS_OK)
        status = 400;
    if (status != 0) {
        refuse_upgrade(client, at, status);
        return;
    }
    client->ws.takes_packed = ws_deflate_is_offered(client->http.message.websocket_extensions);
    const struct http_header headers[] = {
        {"Upgrade", "websocket"},
        {"Connection", "Upgrade"},
        {"Sec-WebSocket-Accept", accept},
        {"Sec-WebSocket-Protocol", SUBPROTOCOL},
        {"Sec-WebSocket-Extensions", WS_DEFLATE_AGREED},
    };
    http_write_head(
        &w, &(struct http_head){.status = 101,
                                .headers = headers,
                                .header_count = COUNT_OF(headers) - !client->ws.takes_packed,
                                .fixed_lines = ""});
    struct bytes head = bytes_const(writer_written(&w));
    if (w.failed || send_queue_push(&client->out, head, BYTES_NONE) != STATUS_OK) {
        web_client_give_up(client, at);
        return;
    }
    http_parser_reset(&client->http);
    client->state = WEB_CLIENT_WEBSOCKET;
    client->announced = true;
    client->deadline = USEC_NEVER;
    client->heard_at = client->progress_at = at.now;
    client->ping_at = at.now + WEB_PING_EVERY_US;
    service_handle_connected(client->site->service, at, client->number, client->remote_ip);
}

uint64_t web_client_begin_exchange(struct web_client *client)
{
    client->exchange_count++;
    return client->number << EXCHANGE_BITS | client->exchange_count;
}

void web_client_ask_service(struct web_client *client, struct instant at, uint64_t exchange,
                            const struct http_message *request)
{
    service_handle_http(client->site->service, at,
                        &(struct http_request){
                            .exchange = exchange,
                            .method = request->method,
                            .path = request->path,
                            .query = request->query,
                            .authorization = request->authorization,
                            .content_type = request->content_type,
                            .if_match = request->if_match,
                            .origin = request->origin,
                            .remote_ip = client->remote_ip,
                            .body = request->body,
                        });
}

/* The last address is the one that our own proxy has written; what stands before it anybody may
 * have. */
void web_client_take_forwarded_address(struct web_client *client,
                                       const struct http_message *request)
{
    const char *list = request->forwarded_for;
    struct net_addr addr;
    if (!client->site->behind_proxy || !client->is_local || list == NULL)
        return;
    const char *comma = strrchr(list, ',');
    const char *last = comma != NULL ? comma + 1 : list;
    last += strspn(last, " \t");
    if (net_addr_parse_ip(last, 0, &addr) == STATUS_OK) {
        char text[NET_ADDR_TEXT_BYTES];
        snprintf(client->remote_ip, sizeof(client->remote_ip), "%.*s", REMOTE_IP_BYTES - 1,
                 net_addr_write_ip(&addr, text));
    }
}

static void handle_request(struct web_client *client, struct instant at)
{
    const struct http_message *request = &client->http.message;
    web_client_take_forwarded_address(client, request);
    if (strcmp(request->path, "/ws") == 0) {
        upgrade(client, at);
    } else if (web_path_is_for_service(request->path)) {
        client->state = WEB_CLIENT_WAITING;
        client->deadline = at.now + WEB_ANSWER_WITHIN_US;
        client->exchange = web_client_begin_exchange(client);
        web_client_ask_service(client, at, client->exchange, request);
    } else {
        struct web_answer answer = web_answer_of_file(client->site, request);
        send_answer(client, at, &answer);
    }
}

static void feed_http(struct web_client *client, struct instant at, struct bytes *input)
{
    bool was_inside = http_parser_is_inside(&client->http);
    switch (http_parser_feed(&client->http, input)) {
    case HTTP_PARSE_MORE:
        if (!was_inside && http_parser_is_inside(&client->http))
            client->deadline = at.now + WEB_REQUEST_WITHIN_US;
        break;
    case HTTP_PARSE_CONTINUE: {
        static const struct bytes text = BYTES("HTTP/1.1 100 Continue\r\n\r\n");
        if (send_queue_push(&client->out, text, BYTES_NONE) != STATUS_OK)
            web_client_give_up(client, at);
        break;
    }
    case HTTP_PARSE_DONE:
        handle_request(client, at);
        break;
    case HTTP_PARSE_ERROR:
        send_problem(client, at, client->http.error_status, NULL, NULL);
        break;
    }
}

/* --- WebSocket */

static void send_frame(struct web_client *client, struct instant at, unsigned opcode,
                       struct bytes payload)
{
    uint8_t header[WS_HEADER_BYTES_MAX];
    struct bytes head = bytes_of(header, ws_write_header(opcode, payload.size, header));
    if (client->out.bytes == 0)
        client->progress_at = at.now;
    if (send_queue_push(&client->out, head, payload) != STATUS_OK)
        web_client_give_up(client, at);
}

static void send_close(struct web_client *client, struct instant at, uint16_t code)
{
    uint8_t payload[2];
    store_u16(payload, code);
    take_leave(client, at);
    send_frame(client, at, WS_CLOSE, bytes_of(payload, sizeof(payload)));
    if (client->state != WEB_CLIENT_GONE)
        web_client_close_after_flush(client, at);
}

void web_client_close(struct web_client *client, struct instant at, uint16_t code)
{
    if (client->state == WEB_CLIENT_WEBSOCKET)
        send_close(client, at, code);
}

/* What waited would come too late anyway; the page comes back and gets a fresh state. */
static void close_slow_consumer(struct web_client *client, struct instant at)
{
    static const struct bytes goodbye =
        BYTES("{\"type\":\"goodbye\",\"code\":\"slow_consumer\","
              "\"text\":\"Votre connexion est trop lente pour suivre. / "
              "Your connection is too slow to keep up.\"}");
    log_info(client->site->log, "slow_consumer", "queue_bytes=%zu", client->out.bytes);
    send_queue_drop_unsent(&client->out);
    send_frame(client, at, WS_TEXT, goodbye);
    if (client->state == WEB_CLIENT_WEBSOCKET)
        send_close(client, at, WS_CODE_POLICY);
}

/* False when the text is to go as it is. */
static bool send_packed(struct web_client *client, struct instant at, struct bytes text)
{
    struct bytes_mut packed;
    if (!client->ws.takes_packed || ws_deflate_pack(text, &packed) != STATUS_OK || packed.size == 0)
        return false;
    send_frame(client, at, WS_TEXT | WS_PACKED, bytes_const(packed));
    free(packed.data);
    return true;
}

void web_client_send_text(struct web_client *client, struct instant at, struct bytes text,
                          bool packable)
{
    if (client->state != WEB_CLIENT_WEBSOCKET)
        return;
    if (client->out.bytes + text.size > WEB_SEND_QUEUE_BYTES_MAX)
        close_slow_consumer(client, at);
    else if (!packable || !send_packed(client, at, text))
        send_frame(client, at, WS_TEXT, text);
}

static void handle_ws_event(struct web_client *client, struct instant at,
                            const struct ws_event *event)
{
    client->heard_at = at.now;
    switch (event->type) {
    case WS_EVENT_TEXT:
        service_handle_message(client->site->service, at, client->number, event->payload);
        break;
    case WS_EVENT_PING:
        /* A flood of pings answers itself: beyond the cap it is a slow consumer's queue. */
        if (client->out.bytes + event->payload.size > WEB_SEND_QUEUE_BYTES_MAX)
            close_slow_consumer(client, at);
        else
            send_frame(client, at, WS_PONG, event->payload);
        break;
    case WS_EVENT_CLOSE:
    case WS_EVENT_FAIL:
        send_close(client, at, event->code);
        break;
    case WS_EVENT_PONG:
    case WS_EVENT_NONE:
        break;
    }
}

static void feed_websocket(struct web_client *client, struct instant at, struct bytes *input)
{
    struct ws_event event;
    ws_receiver_feed(&client->ws, input, &event);
    if (event.type != WS_EVENT_NONE)
        handle_ws_event(client, at, &event);
}

/* --- Bytes, in and out */

static void keep_for_later(struct web_client *client, struct instant at, struct bytes bytes)
{
    if (client->pipeline_size + bytes.size > WEB_PIPELINE_BYTES_MAX) {
        web_client_give_up(client, at);
        return;
    }
    if (client->pipeline == NULL)
        client->pipeline = malloc(WEB_PIPELINE_BYTES_MAX);
    if (client->pipeline == NULL) {
        web_client_give_up(client, at);
        return;
    }
    memcpy(client->pipeline + client->pipeline_size, bytes.data, bytes.size);
    client->pipeline_size += bytes.size;
}

/* A request is taken up when the one before is answered and written: a client that does not read
 * its responses gets no more of them. */
static void take_in(struct web_client *client, struct instant at, struct bytes input)
{
    while (input.size > 0) {
        if (client->state == WEB_CLIENT_WEBSOCKET)
            feed_websocket(client, at, &input);
        else if (client->state == WEB_CLIENT_HTTP &&
                 (client->out.bytes == 0 || http_parser_is_inside(&client->http)))
            feed_http(client, at, &input);
        else
            break;
    }
    if (input.size > 0 && (client->state == WEB_CLIENT_HTTP || client->state == WEB_CLIENT_WAITING))
        keep_for_later(client, at, input);
}

void web_client_handle_bytes(struct web_client *client, struct instant at, struct bytes bytes)
{
    if (client->state == WEB_CLIENT_HTTP2)
        web_client_feed_http2(client, at, bytes);
    else if (client->pipeline_size > 0)
        keep_for_later(client, at, bytes);
    else
        take_in(client, at, bytes);
}

void web_client_handle_end(struct web_client *client, struct instant at)
{
    if (client->state == WEB_CLIENT_HTTP2) {
        http2_shut_down(client->http2);
        web_client_drain_http2(client, at);
    } else if (client->state == WEB_CLIENT_WAITING) {
        client->http.message.keep_alive = false;
    } else if (client->state == WEB_CLIENT_HTTP || client->state == WEB_CLIENT_WEBSOCKET) {
        take_leave(client, at);
        web_client_close_after_flush(client, at);
    }
}

size_t web_client_take_output(struct web_client *client, struct instant at, struct bytes_mut out)
{
    size_t size = client->state == WEB_CLIENT_HTTP2 ? http2_take_output(client->http2, at.now, out)
                                                    : send_queue_take(&client->out, out);
    if (size > 0)
        client->progress_at = at.now;
    return size;
}

bool web_client_has_output(const struct web_client *client)
{
    return client->state == WEB_CLIENT_HTTP2 ? http2_has_output(client->http2)
                                             : client->out.bytes > 0;
}

static void take_up_pipeline(struct web_client *client, struct instant at)
{
    uint8_t *waiting = client->pipeline;
    size_t size = client->pipeline_size;
    client->pipeline = NULL;
    client->pipeline_size = 0;
    take_in(client, at, bytes_of(waiting, size));
    free(waiting);
}

bool web_client_handle_flushed(struct web_client *client, struct instant at)
{
    if (web_client_has_output(client))
        return false;
    if (client->state == WEB_CLIENT_HTTP2)
        web_client_drain_http2(client, at); /* it may be over with what has just been written */
    if (client->state == WEB_CLIENT_CLOSING) {
        client->state = WEB_CLIENT_LINGERING;
        client->deadline = at.now + WEB_LINGER_US;
        return true;
    }
    if (client->pipeline_size > 0 &&
        (client->state == WEB_CLIENT_HTTP || client->state == WEB_CLIENT_WEBSOCKET))
        take_up_pipeline(client, at);
    return false;
}

void web_client_stop(struct web_client *client, struct instant at)
{
    if (client->state == WEB_CLIENT_HTTP2)
        http2_shut_down(client->http2);
    else if (client->state == WEB_CLIENT_HTTP && !http_parser_is_inside(&client->http))
        web_client_close_after_flush(client, at);
}

/* --- Time */

usec_t web_client_next_timeout(const struct web_client *client)
{
    usec_t deadline = client->deadline;
    if (client->state == WEB_CLIENT_HTTP2)
        return http2_next_timeout(client->http2);
    if (client->state == WEB_CLIENT_WEBSOCKET)
        deadline = usec_min(client->ping_at, client->heard_at + WEB_DEAD_AFTER_US);
    if (client->out.bytes > 0)
        deadline = usec_min(deadline, client->progress_at + WEB_STALLED_AFTER_US);
    return deadline;
}

static void handle_websocket_timeout(struct web_client *client, struct instant at)
{
    if (client->heard_at + WEB_DEAD_AFTER_US <= at.now) {
        web_client_give_up(client, at);
        return;
    }
    if (client->ping_at <= at.now) {
        client->ping_at = at.now + WEB_PING_EVERY_US;
        send_frame(client, at, WS_PING, BYTES_NONE);
    }
}

void web_client_handle_timeout(struct web_client *client, struct instant at)
{
    if (client->state == WEB_CLIENT_HTTP2) {
        http2_handle_timeout(client->http2, at.now);
        web_client_drain_http2(client, at);
    } else if (client->out.bytes > 0 && client->progress_at + WEB_STALLED_AFTER_US <= at.now)
        web_client_give_up(client, at);
    else if (client->state == WEB_CLIENT_WEBSOCKET)
        handle_websocket_timeout(client, at);
    else if (client->deadline > at.now)
        return;
    else if (client->state == WEB_CLIENT_HTTP && http_parser_is_inside(&client->http))
        send_problem(client, at, 408, NULL, NULL);
    else if (client->state == WEB_CLIENT_WAITING) {
        take_leave(client, at);
        send_problem(client, at, 503, NULL, NULL);
    } else
        web_client_give_up(client, at);
}
