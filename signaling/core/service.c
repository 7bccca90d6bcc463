#include "signaling/core/service.h"

#include "signaling/core/event_log.h"
#include "signaling/core/secrets.h"
#include "signaling/core/service_internal.h"
#include "signaling/core/talk_fan_out.h"

#include "base/wipe.h"

#include <string.h>

#define CLOSE_NORMAL 1000
#define CLOSE_INTERNAL 1011

struct service_config service_config_default(void)
{
    return (struct service_config){.participants_per_class_max = LIMIT_PARTICIPANTS_PER_CLASS,
                                   .classes_max = LIMIT_CLASSES_OPEN,
                                   .resume_for_us = RESUME_FOR_US,
                                   .hello_within_us = HELLO_WITHIN_US};
}

/* --- Life */

static bool is_config_valid(const struct service_config *config)
{
    return config->base_url != NULL && config->base_url[0] != '\0' && config->api_key != NULL &&
           strlen(config->api_key) >= 32 && config->participants_per_class_max > 0 &&
           config->participants_per_class_max <= LIMIT_PARTICIPANTS && config->classes_max > 0 &&
           config->classes_max <= LIMIT_CLASSES_OPEN && config->resume_for_us > 0 &&
           config->hello_within_us > 0;
}

static char *copy_string(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

static enum status copy_config(struct service *service, const struct service_config *config)
{
    size_t count = 0;
    while (config->origins != NULL && config->origins[count] != NULL)
        count++;
    service->config = *config;
    service->base_url = copy_string(config->base_url);
    service->api_key = copy_string(config->api_key);
    service->origins = calloc(count + 1, sizeof(char *));
    if (config->openapi_json != NULL)
        service->openapi_json = copy_string(config->openapi_json);
    if (service->base_url == NULL || service->api_key == NULL || service->origins == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        service->origins[i] = copy_string(config->origins[i]);
        if (service->origins[i] == NULL)
            return STATUS_NO_MEMORY;
    }
    service->config.base_url = service->base_url;
    service->config.api_key = service->api_key;
    service->config.openapi_json = service->openapi_json;
    service->config.origins = NULL;
    return STATUS_OK;
}

static enum status init_parts(struct service *service)
{
    uint64_t keys[4];
    enum status status = secret_random(keys, sizeof keys);
    if (status == STATUS_OK)
        status = output_queue_init(&service->outputs);
    if (status == STATUS_OK)
        status = relay_directory_init(&service->relays);
    if (status == STATUS_OK)
        status = ip_limits_init(&service->ip_limits, keys);
    if (status == STATUS_OK)
        status = classroom_registry_init(&service->registry, service->config.classes_max, keys + 2);
    if (status == STATUS_OK)
        status = hash_map_init(&service->connections, LIMIT_CONNECTIONS);
    if (status == STATUS_OK)
        status = timer_heap_init(&service->connection_timers, LIMIT_CONNECTIONS);
    if (status == STATUS_OK)
        status = timer_heap_init(&service->participant_timers, LIMIT_PARTICIPANTS);
    if (status == STATUS_OK)
        status = timer_heap_init(&service->classroom_timers, service->config.classes_max);
    return status;
}

enum status service_create(struct service **out, struct instant at,
                           const struct service_config *config, struct store *store,
                           const struct log *log)
{
    if (!is_config_valid(config))
        return STATUS_CONFIG;
    struct service *service = calloc(1, sizeof *service);
    if (service == NULL)
        return STATUS_NO_MEMORY;
    service->store = store;
    if (log != NULL)
        service->log = *log;
    service->overview_due = USEC_NEVER;
    service->history_due = at.now + HISTORY_INTERVAL_US;
    service->beat_due = at.now + BEAT_INTERVAL_US;
    enum status status = copy_config(service, config);
    if (status == STATUS_OK)
        status = init_parts(service);
    if (status == STATUS_OK)
        status = service_restore(service, at);
    if (status != STATUS_OK) {
        service_free(service);
        return status;
    }
    log_info(&service->log, "service_ready", "classes=%zu", service->registry.class_count);
    *out = service;
    return STATUS_OK;
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    for (size_t i = 0; i < service->registry.class_count; i++) {
        for (struct participant *p = service->registry.classes[i]->first; p != NULL; p = p->next)
            offer_cancel(service, (struct instant){0}, p, CLIENT_OK);
    }
    while (service->first_connection != NULL) {
        struct connection *next = service->first_connection->next;
        free(service->first_connection);
        service->first_connection = next;
    }
    timer_heap_destroy(&service->connection_timers);
    timer_heap_destroy(&service->participant_timers);
    timer_heap_destroy(&service->classroom_timers);
    hash_map_destroy(&service->connections);
    classroom_registry_destroy(&service->registry);
    ip_limits_destroy(&service->ip_limits);
    relay_directory_destroy(&service->relays);
    output_queue_destroy(&service->outputs);
    for (size_t i = 0; service->origins != NULL && service->origins[i] != NULL; i++)
        free(service->origins[i]);
    free(service->origins);
    if (service->api_key != NULL)
        memory_wipe(service->api_key, strlen(service->api_key));
    memory_wipe(&service->config.turn, sizeof service->config.turn);
    free(service->api_key);
    free(service->base_url);
    free(service->openapi_json);
    text_json_destroy(&service->post);
    memory_wipe(&service->webhook, sizeof service->webhook);
    memory_wipe(service->config.token_key, sizeof service->config.token_key);
    free(service);
}

static void count_store_error(struct service *service, enum status status)
{
    if (status != STATUS_OK)
        service->counters.store_errors++;
}

/* What attendance counts to when this process ends without a word. */
static void beat(struct service *service, struct instant at)
{
    service->beat_due = at.now + BEAT_INTERVAL_US;
    if (service->registry.people.used > 0)
        count_store_error(service, store_set_beat(service->store, instant_ms(at)));
}

void service_shut_down(struct service *service, struct instant at)
{
    beat(service, at);
    service->shutting_down = true;
    for (struct connection *c = service->first_connection; c != NULL; c = c->next)
        service_say_goodbye(service, c, GOODBYE_SHUTTING_DOWN);
}

/* --- Participants and classes */

void service_arm_participant(struct service *service, struct participant *p)
{
    timer_heap_arm(&service->participant_timers, &p->timer,
                   usec_min(p->gone_at, offer_get_deadline(p)));
}

void service_arm_classroom(struct service *service, struct classroom *classroom)
{
    timer_heap_arm(&service->classroom_timers, &classroom->timer,
                   usec_min(classroom_next_timeout(classroom), classroom->talk.due));
}

void service_save_participant(struct service *service, struct participant *p)
{
    if (!p->unsaved)
        return;
    p->unsaved = false;
    count_store_error(service, store_update_participant(service->store, &p->record));
}

void service_save_classroom(struct service *service, struct classroom *classroom)
{
    if (!classroom->unsaved)
        return;
    classroom->unsaved = false;
    count_store_error(service, store_update_class(service->store, &classroom->record));
}

void service_tell_relay(struct service *service, size_t relay, struct control_message *message)
{
    if (relay >= SERVICE_RELAYS_MAX || !service->relays.relays[relay].connected)
        return;
    output_queue_tell_relay(&service->outputs, relay, message);
}

static void tell_relay_removed(struct service *service, const struct classroom *classroom,
                               const struct participant *p)
{
    if (p->record.session == 0)
        return;
    struct control_message message = {
        .type = CONTROL_PARTICIPANT_REMOVE,
        .participant_remove = {.participant = p->record.id, .session = p->record.session}};
    service_tell_relay(service, classroom->relay, &message);
}

void service_drop_transport(struct service *service, struct participant *p)
{
    if (p->media != MEDIA_NONE || p->transport_wanted)
        tell_relay_removed(service, p->classroom, p);
    fan_out_set_media(service, p, MEDIA_NONE);
}

/* Loosens a participant from everything that points at it. */
static void release_participant(struct service *service, struct instant at, struct participant *p,
                                enum leave_reason reason, enum goodbye code)
{
    offer_cancel(service, at, p, reason == LEAVE_ENDED ? CLIENT_CLASS_ENDED : CLIENT_MEDIA_GONE);
    struct connection *c = service_find_connection(service, p->connection);
    p->connection = 0;
    if (c != NULL) {
        c->participant = NULL;
        if (code < GOODBYE_COUNT)
            service_say_goodbye(service, c, code);
        else
            service_close_connection(service, c, CLOSE_NORMAL);
    }
    timer_heap_cancel(&service->participant_timers, &p->timer);
    classroom_registry_leave(&service->registry, p);
    p->record.left_ms = instant_ms(at);
    snprintf(p->record.left_reason, sizeof p->record.left_reason, "%s", leave_reason_name(reason));
    memset(p->record.resume_hash, 0, sizeof p->record.resume_hash);
    memset(p->record.previous_hash, 0, sizeof p->record.previous_hash);
    p->unsaved = true;
    log_inspector(service, p, "inspector_left");
    event_log_left(service, p, reason);
}

void service_remove_participant(struct service *service, struct instant at, struct participant *p,
                                enum leave_reason reason, enum goodbye code)
{
    struct classroom *classroom = p->classroom;
    tell_relay_removed(service, classroom, p);
    release_participant(service, at, p, reason, code);
    classroom_remove(classroom, p, reason, at.now);
    service_save_participant(service, p);
    fan_out_changes(service, classroom);
    free(p);
}

static struct bytes write_class_ended(struct service *service, uint64_t by)
{
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_string(&text, "type", "class_ended");
    text_json_id(&text, "by", by);
    text_json_close(&text, '}');
    return output_queue_keep(&service->outputs, &text);
}

void service_end_class(struct service *service, struct instant at, struct classroom *classroom,
                       uint64_t by)
{
    struct control_message close = {.type = CONTROL_ROOM_CLOSE,
                                    .room_close = classroom->record.room};
    service_tell_relay(service, classroom->relay, &close);
    classroom->record.ended = true;
    classroom->record.ended_ms = instant_ms(at);
    class_clock_stop(&classroom->record.clock, instant_ms(at));
    classroom->unsaved = true;
    service_save_classroom(service, classroom);
    struct bytes ended = write_class_ended(service, by);
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        output_queue_send(&service->outputs, p->connection, ended);
        release_participant(service, at, p, LEAVE_ENDED, GOODBYE_CLASS_ENDED);
        p->record.floor = p->record.share_audio = p->record.muted = false;
        p->record.hand_ms = 0;
        p->record.share_order = p->record.camera = 0;
        service_save_participant(service, p);
    }
    while (classroom->waiting.first != NULL) {
        output_queue_send(&service->outputs, classroom->waiting.first->connection, ended);
        waiting_refuse(service, classroom->waiting.first, GOODBYE_CLASS_ENDED);
    }
    event_log_class_ended(service, classroom, by);
    log_info(&service->log, "class_ended", "room=%llu", (unsigned long long)classroom->record.room);
    timer_heap_cancel(&service->classroom_timers, &classroom->timer);
    classroom_registry_close(&service->registry, classroom);
}

/* --- HTTP: who answers */

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void answer_health(struct service *service, const struct http_request *request)
{
    bool relay = relay_directory_is_any_ready(&service->relays);
    bool healthy = relay && !service->store_failed && !service->shutting_down;
    struct text_json body = {0};
    text_json_open(&body, NULL, '{');
    text_json_bool(&body, "ok", healthy);
    text_json_bool(&body, "relay", relay);
    text_json_bool(&body, "store", !service->store_failed);
    text_json_close(&body, '}');
    http_reply_json(service, request->exchange, healthy ? 200 : 503, &body);
}

static void answer_metrics(struct service *service, const struct http_request *request)
{
    struct text_json text = {0};
    metrics_text_write(service, &text);
    struct http_response response = {.status = 200,
                                     .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                     .body = output_queue_keep(&service->outputs, &text)};
    http_reply_send(service, request->exchange, &response);
}

void service_handle_http(struct service *service, struct instant at,
                         const struct http_request *request)
{
    const char *path = request->path;
    service->turn_ms = instant_ms(at);
    bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD;
    if (request->body.size > LIMIT_HTTP_BODY_BYTES)
        http_reply_error(service, request->exchange, CLIENT_TOO_LARGE);
    else if (starts_with(path, "/api/v1/"))
        api_handle(service, at, request);
    else if (starts_with(path, "/whip/") || starts_with(path, "/whep/"))
        whip_handle(service, at, request);
    else if (strcmp(path, "/healthz") != 0 && strcmp(path, "/metrics") != 0)
        http_reply_error(service, request->exchange, CLIENT_NOT_FOUND);
    else if (!reads)
        http_reply_method(service, request->exchange, "GET, HEAD");
    else if (strcmp(path, "/healthz") == 0)
        answer_health(service, request);
    else
        answer_metrics(service, request);
}

/* --- Relays */

void service_handle_relay_connected(struct service *service, struct instant at, size_t relay)
{
    (void)at;
    CHECK(relay < SERVICE_RELAYS_MAX);
    relay_events_handle_connected(service, relay);
}

void service_handle_relay_message(struct service *service, struct instant at, size_t relay,
                                  const struct control_message *message)
{
    CHECK(relay < SERVICE_RELAYS_MAX);
    service->turn_ms = instant_ms(at);
    relay_events_handle(service, at, relay, message);
}

void service_handle_relay_disconnected(struct service *service, struct instant at, size_t relay)
{
    (void)at;
    CHECK(relay < SERVICE_RELAYS_MAX);
    relay_events_handle_disconnected(service, relay);
}

/* --- Time */

static void handle_participant_timeout(struct service *service, struct instant at,
                                       struct participant *p)
{
    if (p->gone_at <= at.now) {
        service_remove_participant(service, at, p, LEAVE_TIMEOUT, GOODBYE_COUNT);
        return;
    }
    offer_handle_timeout(service, at, p); /* may end a WHIP session, and p with it */
}

void service_handle_timeout(struct service *service, struct instant at)
{
    struct timer *timer;
    service->turn_ms = instant_ms(at);
    service_close_strangers(service, at);
    while ((timer = timer_heap_take_due(&service->participant_timers, at.now)) != NULL)
        handle_participant_timeout(service, at, timer->owner);
    while ((timer = timer_heap_take_due(&service->classroom_timers, at.now)) != NULL) {
        struct classroom *classroom = timer->owner;
        classroom_handle_timeout(classroom, at.now);
        fan_out_changes(service, classroom);
        talk_fan_out_due(service, at, classroom);
    }
    if (service->beat_due <= at.now)
        beat(service, at);
    overview_handle_timeout(service, at);
    webhook_handle_timeout(&service->webhook, at.now);
}

usec_t service_next_timeout(const struct service *service)
{
    usec_t next = usec_min(service->overview_due, service->history_due);
    next = usec_min(usec_min(next, service->webhook.due), service->beat_due);
    next = usec_min(next, timer_heap_next_timeout(&service->connection_timers));
    next = usec_min(next, timer_heap_next_timeout(&service->participant_timers));
    return usec_min(next, timer_heap_next_timeout(&service->classroom_timers));
}

/* --- Out */

/* What is acknowledged is on disk first. */
static void commit(struct service *service)
{
    if (!store_is_writing(service->store))
        return;
    enum status status = store_commit(service->store);
    bool failed_before = service->store_failed;
    service->store_failed = status != STATUS_OK;
    if (status == STATUS_OK)
        return;
    service->counters.store_errors++;
    if (!failed_before)
        log_error(&service->log, "commit_failed", "status=%s", status_name(status));
    struct http_response response = {.status = 500};
    output_queue_retract(&service->outputs, CLOSE_INTERNAL, &response);
}

bool service_poll_output(struct service *service, struct service_output *out)
{
    commit(service);
    return output_queue_poll(&service->outputs, out);
}
