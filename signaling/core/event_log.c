#include "signaling/core/event_log.h"

#include "signaling/core/poll_json.h"
#include "signaling/core/webhook.h"

static void add(struct service *service, const struct classroom *classroom, const char *type,
                int64_t at_ms, struct text_json *data)
{
    text_json_close(data, '}');
    struct store_event event = {
        .type = type, .class_id = classroom->record.id, .data = data->data, .at_ms = at_ms};
    if (data->failed || store_add_event(service->store, &event) != STATUS_OK)
        service->counters.store_errors++;
    else
        webhook_note_event(&service->webhook, event.seq);
    text_json_destroy(data);
}

static struct text_json open_data(void)
{
    struct text_json data = {0};
    text_json_open(&data, NULL, '{');
    return data;
}

void event_log_class_started(struct service *service, const struct classroom *classroom)
{
    struct text_json data = open_data();
    text_json_string(&data, "title", classroom->record.title);
    add(service, classroom, "class_started", classroom->record.started_ms, &data);
}

void event_log_class_ended(struct service *service, const struct classroom *classroom, uint64_t by)
{
    struct text_json data = open_data();
    text_json_id(&data, "by", by);
    text_json_int(&data, "realised_ms", classroom->record.clock.counted_ms);
    add(service, classroom, "class_ended", classroom->record.ended_ms, &data);
}

static void write_person(const struct participant *p, struct text_json *data)
{
    text_json_id(data, "participant", p->record.id);
    text_json_string(data, "name", p->record.name);
    text_json_string(data, "role", role_name(p->record.role));
}

static void log_joined(struct service *service, const struct participant *p)
{
    struct text_json data = open_data();
    write_person(p, &data);
    text_json_string(&data, "via", participant_kind_name(p->record.kind));
    text_json_string(&data, "invite_id", p->record.invite_id);
    add(service, p->classroom, "joined", p->record.joined_ms, &data);
}

/* Who lost its socket is in class until it can no longer resume, but was there until then. The wall
 * clock may have been set back meanwhile. */
static int64_t here_until_ms(const struct participant *p)
{
    int64_t until = p->record.gone_ms != 0 ? p->record.gone_ms : p->record.left_ms;
    return until > p->record.joined_ms ? until : p->record.joined_ms;
}

void event_log_left(struct service *service, const struct participant *p, enum leave_reason reason)
{
    struct text_json data = open_data();
    write_person(p, &data);
    text_json_string(&data, "reason", leave_reason_name(reason));
    text_json_int(&data, "joined_ms", p->record.joined_ms);
    text_json_int(&data, "here_until_ms", here_until_ms(p));
    add(service, p->classroom, "left", p->record.left_ms, &data);
}

static void log_floor(struct service *service, const struct classroom *classroom,
                      const struct classroom_change *change)
{
    struct text_json data = open_data();
    text_json_id(&data, "participant", change->participant);
    text_json_bool(&data, "granted", change->granted);
    text_json_id(&data, "by", change->by);
    add(service, classroom, "floor", service->turn_ms, &data);
}

static void log_mode(struct service *service, const struct classroom *classroom)
{
    struct text_json data = open_data();
    text_json_string(&data, "mode", class_mode_name(classroom->record.clock.mode));
    text_json_int(&data, "realised_ms", classroom->record.clock.counted_ms);
    add(service, classroom, "mode", service->turn_ms, &data);
}

void event_log_poll_closed(struct service *service, const struct classroom *classroom,
                           const struct poll *poll)
{
    struct text_json data = open_data();
    text_json_id(&data, "poll", poll->id);
    poll_json_write(&poll->question, true, &data);
    text_json_uint(&data, "answered", poll->answered);
    text_json_open(&data, "counts", '[');
    for (size_t i = 0; i < poll_question_count(&poll->question); i++)
        text_json_uint(&data, NULL, poll->counts[i]);
    text_json_close(&data, ']');
    add(service, classroom, "poll_closed", poll->closed_ms, &data);
}

void event_log_note_change(struct service *service, const struct classroom *classroom,
                           const struct classroom_change *change)
{
    const struct participant *p;
    switch (change->type) {
    case CHANGE_PERSON:
        p = change->joined
                ? classroom_registry_find_participant(&service->registry, change->participant)
                : NULL;
        if (p != NULL)
            log_joined(service, p);
        break;
    case CHANGE_FLOOR:
        log_floor(service, classroom, change);
        break;
    case CHANGE_MODE:
        log_mode(service, classroom);
        break;
    default:
        break;
    }
}

void event_log_write(const struct store_event *event, const char *key, struct text_json *text)
{
    text_json_open(text, key, '{');
    text_json_uint(text, "seq", event->seq);
    text_json_string(text, "type", event->type);
    text_json_string(text, "class_id", event->class_id);
    text_json_int(text, "at_ms", event->at_ms);
    text_json_value(text, "data", bytes_of_string(event->data));
    text_json_close(text, '}');
}

/* --- For the webhook */

struct next_event {
    struct text_json *body;
    uint64_t seq;
};

static bool keep_next(void *context, const struct store_event *event)
{
    struct next_event *next = context;
    next->seq = event->seq;
    event_log_write(event, NULL, next->body);
    return false;
}

/* The next event, with its body and signature in the service; 0: there is none. */
static uint64_t read_next(struct service *service, struct instant at, uint64_t after)
{
    struct next_event next = {.body = &service->post};
    text_json_destroy(&service->post);
    if (store_each_event(service->store, after, 1, keep_next, &next) != STATUS_OK ||
        next.seq == 0 || service->post.failed ||
        webhook_sign(service->webhook.record.secret, at.unix_us / 1000000,
                     bytes_of(service->post.data, service->post.size),
                     service->post_signature) != STATUS_OK)
        return 0;
    return next.seq;
}

bool service_poll_post(struct service *service, struct instant at, struct service_post *out)
{
    uint64_t after;
    if (!webhook_is_ready(&service->webhook, &after))
        return false;
    uint64_t seq = read_next(service, at, after);
    if (seq == 0) {
        webhook_rest(&service->webhook);
        return false;
    }
    *out = (struct service_post){.number = webhook_start(&service->webhook, seq),
                                 .url = service->webhook.record.url,
                                 .signature = service->post_signature,
                                 .body = bytes_of(service->post.data, service->post.size)};
    return true;
}

void service_handle_post_result(struct service *service, struct instant at, uint64_t number,
                                int status)
{
    service->turn_ms = instant_ms(at);
    if (webhook_handle_result(&service->webhook, at.now, number, status) &&
        store_set_webhook(service->store, &service->webhook.record) != STATUS_OK)
        service->counters.store_errors++;
}
