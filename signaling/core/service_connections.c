/* Who is connected, before it is anybody and after: sockets of pages, strangers among them. */
#include "signaling/core/service_internal.h"

#include <string.h>

#define CLOSE_POLICY 1008
#define CLOSE_TRY_LATER 1013

bool service_is_origin_allowed(const struct service *service, const char *origin)
{
    if (origin == NULL || strcmp(origin, service->base_url) == 0)
        return true; /* a program sends none; a browser always does */
    for (size_t i = 0; service->origins[i] != NULL; i++) {
        if (strcmp(origin, service->origins[i]) == 0)
            return true;
    }
    return false;
}

struct connection *service_find_connection(const struct service *service, uint64_t id)
{
    uint64_t place;
    return hash_map_find(&service->connections, id, &place) ? (struct connection *)(uintptr_t)place
                                                            : NULL;
}

/* Among those who have not said who they are. */
static bool is_place_free(struct service *service, struct instant at, const char *remote_ip)
{
    const struct ip_limit *limit = ip_limits_get(&service->ip_limits, at.now, remote_ip);
    return !service->shutting_down && service->connection_count < LIMIT_CONNECTIONS &&
           service->unauthenticated < LIMIT_UNAUTHENTICATED &&
           limit->unauthenticated < LIMIT_UNAUTHENTICATED_PER_IP;
}

/* It has said who it is, was closed, or is gone: its place is free. */
static void forget_stranger(struct service *service, struct instant at, struct connection *c)
{
    if (!c->stranger)
        return;
    c->stranger = false;
    timer_heap_cancel(&service->connection_timers, &c->timer);
    struct ip_limit *limit = ip_limits_get(&service->ip_limits, at.now, c->remote_ip);
    if (limit->unauthenticated > 0)
        limit->unauthenticated--;
    service->unauthenticated--;
}

void service_close_strangers(struct service *service, struct instant at)
{
    struct timer *timer;
    while ((timer = timer_heap_take_due(&service->connection_timers, at.now)) != NULL) {
        struct connection *c = timer->owner;
        forget_stranger(service, at, c);
        service_close_connection(service, c, CLOSE_POLICY);
    }
}

void service_handle_connected(struct service *service, struct instant at, uint64_t connection,
                              const char *remote_ip)
{
    if (service_find_connection(service, connection) != NULL)
        return;
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL || !is_place_free(service, at, remote_ip) ||
        hash_map_set(&service->connections, connection, (uint64_t)(uintptr_t)c) != STATUS_OK) {
        free(c);
        output_queue_close(&service->outputs, connection, CLOSE_TRY_LATER);
        return;
    }
    c->id = connection;
    c->timer.owner = c;
    c->stranger = true;
    snprintf(c->remote_ip, sizeof c->remote_ip, "%s", remote_ip != NULL ? remote_ip : "");
    ip_limits_get(&service->ip_limits, at.now, c->remote_ip)->unauthenticated++;
    service->unauthenticated++;
    c->next = service->first_connection;
    if (c->next != NULL)
        c->next->previous = c;
    service->first_connection = c;
    service->connection_count++;
    timer_heap_arm(&service->connection_timers, &c->timer,
                   at.now + service->config.hello_within_us);
}

void service_handle_message(struct service *service, struct instant at, uint64_t connection,
                            struct bytes text)
{
    struct connection *c = service_find_connection(service, connection);
    service->turn_ms = instant_ms(at);
    if (c == NULL || c->closing)
        return;
    dispatcher_handle_message(service, at, c, text);
    if (c->participant != NULL || c->waiter != NULL || c->closing)
        forget_stranger(service, at, c);
}

/* The socket is gone; its participant may resume for a while. */
static void detach(struct service *service, struct instant at, const struct connection *c)
{
    struct participant *p = c->participant;
    if (p == NULL) /* told to close: somebody may have resumed, or left for good, meanwhile */
        p = classroom_registry_find_participant(&service->registry, c->left_participant);
    if (p == NULL || (p->connection != c->id && p->connection != 0) || !p->here)
        return;
    p->connection = 0;
    p->gone_at = at.now + service->config.resume_for_us;
    p->record.gone_ms = instant_ms(at);
    p->unsaved = true;
    service_save_participant(service, p);
    service_arm_participant(service, p);
    classroom_set_here(p->classroom, p, false);
    fan_out_changes(service, p->classroom);
}

void service_handle_disconnected(struct service *service, struct instant at, uint64_t connection)
{
    struct connection *c = service_find_connection(service, connection);
    service->turn_ms = instant_ms(at);
    if (c == NULL)
        return;
    detach(service, at, c);
    waiting_leave(service, c);
    forget_stranger(service, at, c);
    service->watchers -= c->watching;
    hash_map_remove(&service->connections, connection);
    *(c->previous != NULL ? &c->previous->next : &service->first_connection) = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    service->connection_count--;
    free(c);
}

void service_send_text(struct service *service, uint64_t connection, struct text_json *text)
{
    struct bytes kept = output_queue_keep(&service->outputs, text);
    output_queue_send(&service->outputs, connection, kept);
}

void service_close_connection(struct service *service, struct connection *c, uint16_t code)
{
    if (c->closing)
        return;
    c->closing = true;
    waiting_leave(service, c);
    if (c->participant != NULL && c->participant->connection == c->id) {
        c->left_participant = c->participant->record.id;
        c->participant->connection = 0; /* goodbye is the last that it hears */
        c->participant = NULL;
    }
    output_queue_close(&service->outputs, c->id, code);
}

void service_say_goodbye(struct service *service, struct connection *c, enum goodbye code)
{
    service_say_goodbye_for(service, c, code, NULL);
}

void service_say_goodbye_for(struct service *service, struct connection *c, enum goodbye code,
                             const char *reason)
{
    if (c->closing)
        return;
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_string(&text, "type", "goodbye");
    text_json_string(&text, "code", goodbye_name(code));
    text_json_string(&text, "text", goodbye_sentence(code, c->language));
    if (reason != NULL)
        text_json_string(&text, "reason", reason);
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
    service_close_connection(service, c, goodbye_close_code(code));
}
