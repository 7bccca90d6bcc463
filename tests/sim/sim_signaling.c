#include "sim/sim_signaling.h"

#include "signaling/core/store.h"

#include <stdio.h>
#include <stdlib.h>

#define API_KEY "0123456789abcdef0123456789abcdef"
#define UNIX_AT_ZERO_US (INT64_C(1795449600) * 1000000)
#define RELAY 0

enum link_state { LINK_NONE, LINK_HELLO, LINK_IS_UP };

struct sim_signaling {
    struct sim_clock *clock;
    struct sim_signaling_config config;
    struct store *store;
    struct service *service; /* NULL: it does not run */
    struct sim_timer timer, session_timer;
    enum link_state link;
    struct control_session session;
    uint64_t exchange; /* the last HTTP call's */
    int status;
    char *body; /* owned */
    unsigned starts;
    struct control_message message; /* a copy to write ids into */
    uint8_t frame[CONTROL_MESSAGE_BYTES_MAX];
};

static struct instant at(const struct sim_signaling *s)
{
    return (struct instant){.now = s->clock->now, .unix_us = UNIX_AT_ZERO_US + s->clock->now};
}

/* --- Out */

static void close_link(struct sim_signaling *s, bool hang_up)
{
    bool was_up = s->link == LINK_IS_UP;
    if (s->link == LINK_NONE)
        return;
    s->link = LINK_NONE;
    control_session_destroy(&s->session);
    sim_clock_arm(s->clock, &s->session_timer, USEC_NEVER);
    if (hang_up)
        s->config.hang_up(s->config.owner);
    if (was_up)
        service_handle_relay_disconnected(s->service, at(s), RELAY);
}

static void send_relay(struct sim_signaling *s, const struct control_message *message)
{
    struct bytes_mut room = {s->frame, sizeof s->frame};
    struct bytes frame;
    s->config.note_order(s->config.owner, message);
    if (s->link != LINK_IS_UP)
        return;
    s->message = *message;
    if (control_session_write(&s->session, s->clock->now, &s->message, message->id != 0,
                              message->id, room, &frame) == STATUS_OK)
        s->config.send_frame(s->config.owner, frame);
    else
        close_link(s, true);
}

static void keep_response(struct sim_signaling *s, const struct service_output *output)
{
    if (output->exchange != s->exchange)
        return;
    free(s->body);
    s->body = calloc(1, output->response.body.size + 1);
    CHECK(s->body != NULL);
    s->status = output->response.status;
    if (output->response.body.size > 0)
        memcpy(s->body, output->response.body.data, output->response.body.size);
}

static void drain(struct sim_signaling *s)
{
    struct service_output output;
    while (s->service != NULL && service_poll_output(s->service, &output)) {
        switch (output.type) {
        case SERVICE_SEND:
            s->config.send_text(s->config.owner, output.connection, output.text);
            break;
        case SERVICE_CLOSE:
            s->config.close_socket(s->config.owner, output.connection);
            break;
        case SERVICE_RESPONSE:
            keep_response(s, &output);
            break;
        case SERVICE_RELAY:
            send_relay(s, output.message);
            break;
        }
    }
    if (s->service != NULL)
        sim_clock_arm(s->clock, &s->timer, service_next_timeout(s->service));
}

static void handle_due(void *owner, usec_t now)
{
    struct sim_signaling *s = owner;
    (void)now;
    service_handle_timeout(s->service, at(s));
    drain(s);
}

/* --- The control link */

static void handle_event(struct sim_signaling *s, const struct control_event *event)
{
    switch (event->type) {
    case CONTROL_EVENT_UP:
        s->link = LINK_IS_UP;
        service_handle_relay_connected(s->service, at(s), RELAY);
        service_handle_relay_message(s->service, at(s), RELAY, event->message);
        break;
    case CONTROL_EVENT_MESSAGE:
        service_handle_relay_message(s->service, at(s), RELAY, event->message);
        break;
    case CONTROL_EVENT_ANSWER:
        s->message = *event->message;
        s->message.to = (uint32_t)event->context;
        service_handle_relay_message(s->service, at(s), RELAY, &s->message);
        break;
    case CONTROL_EVENT_CLOSED:
        close_link(s, true);
        break;
    }
}

static void settle_link(struct sim_signaling *s)
{
    struct bytes_mut room = {s->frame, sizeof s->frame};
    struct control_event event;
    struct bytes frame;
    while (s->link != LINK_NONE && control_session_poll_event(&s->session, s->clock->now, &event))
        handle_event(s, &event);
    while (s->link != LINK_NONE &&
           control_session_poll_frame(&s->session, s->clock->now, room, &frame))
        s->config.send_frame(s->config.owner, frame);
    if (s->link != LINK_NONE)
        sim_clock_arm(s->clock, &s->session_timer, control_session_next_timeout(&s->session));
    drain(s);
}

static void handle_session_due(void *owner, usec_t now)
{
    struct sim_signaling *s = owner;
    control_session_handle_timeout(&s->session, now);
    settle_link(s);
}

void sim_signaling_handle_connected(struct sim_signaling *s)
{
    struct control_hello hello = {.version = CONTROL_VERSION, .name = "amphi-signaling/sim"};
    CHECK(s->service != NULL && s->link == LINK_NONE);
    snprintf(hello.boot_id, sizeof hello.boot_id, "%032u", s->starts);
    CHECK(control_session_init(&s->session, s->clock->now, &hello, &s->config.log) == STATUS_OK);
    s->link = LINK_HELLO;
    settle_link(s);
}

void sim_signaling_handle_frame(struct sim_signaling *s, struct bytes frame)
{
    if (s->link == LINK_NONE)
        return;
    control_session_handle_frame(&s->session, s->clock->now, frame);
    settle_link(s);
}

void sim_signaling_handle_disconnected(struct sim_signaling *s)
{
    close_link(s, false);
    drain(s);
}

/* --- Sockets and HTTP */

void sim_signaling_handle_socket(struct sim_signaling *s, uint64_t connection,
                                 const char *remote_ip)
{
    if (s->service != NULL)
        service_handle_connected(s->service, at(s), connection, remote_ip);
    drain(s);
}

void sim_signaling_handle_text(struct sim_signaling *s, uint64_t connection, struct bytes text)
{
    if (s->service != NULL)
        service_handle_message(s->service, at(s), connection, text);
    drain(s);
}

void sim_signaling_handle_closed(struct sim_signaling *s, uint64_t connection)
{
    if (s->service != NULL)
        service_handle_disconnected(s->service, at(s), connection);
    drain(s);
}

const char *sim_signaling_call(struct sim_signaling *s, enum http_method method, const char *path,
                               const char *body)
{
    struct http_request request = {.exchange = ++s->exchange,
                                   .method = method,
                                   .path = path,
                                   .authorization = "Bearer " API_KEY,
                                   .content_type = body != NULL ? "application/json" : NULL,
                                   .remote_ip = "127.0.0.1",
                                   .body = bytes_of_string(body != NULL ? body : "")};
    CHECK(s->service != NULL);
    s->status = 0;
    service_handle_http(s->service, at(s), &request);
    drain(s);
    CHECK(s->status >= 200 && s->status < 300);
    return s->body;
}

/* --- Life */

void sim_signaling_start(struct sim_signaling *s)
{
    struct service_config config = service_config_default();
    CHECK(s->service == NULL);
    config.base_url = "https://classe.example.org";
    config.api_key = API_KEY;
    memset(config.token_key, 7, sizeof config.token_key);
    CHECK(service_create(&s->service, at(s), &config, s->store, &s->config.log) == STATUS_OK);
    s->starts++;
    drain(s);
}

void sim_signaling_kill(struct sim_signaling *s)
{
    if (s->service == NULL)
        return;
    if (s->link != LINK_NONE)
        control_session_destroy(&s->session);
    s->link = LINK_NONE;
    sim_clock_arm(s->clock, &s->timer, USEC_NEVER);
    sim_clock_arm(s->clock, &s->session_timer, USEC_NEVER);
    service_free(s->service);
    s->service = NULL;
}

bool sim_signaling_is_running(const struct sim_signaling *s)
{
    return s->service != NULL;
}

struct sim_signaling *sim_signaling_create(struct sim_clock *clock,
                                           const struct sim_signaling_config *config)
{
    struct sim_signaling *s = calloc(1, sizeof *s);
    CHECK(s != NULL);
    s->clock = clock;
    s->config = *config;
    s->timer = (struct sim_timer){.fire = handle_due, .owner = s};
    s->session_timer = (struct sim_timer){.fire = handle_session_due, .owner = s};
    CHECK(store_open(&s->store, ":memory:", &s->config.log) == STATUS_OK);
    sim_signaling_start(s);
    return s;
}

void sim_signaling_free(struct sim_signaling *s)
{
    sim_signaling_kill(s);
    store_close(s->store);
    free(s->body);
    free(s);
}
