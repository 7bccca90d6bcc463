/* What one participant is told of its own media: whether they are up, reach the relay, and what is
 * wanted of them. */
#include "signaling/core/service_internal.h"
#include "signaling/core/talk_fan_out.h"

void fan_out_set_media(struct service *service, struct participant *p, enum participant_media media)
{
    bool changed = p->media != media;
    classroom_set_media(p->classroom, p, media);
    if (changed && p->connection != 0) {
        struct text_json text = {0};
        event_open(&text, "media");
        text_json_string(&text, "media", participant_media_name(media));
        output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
    }
    fan_out_changes(service, p->classroom);
}

void fan_out_media_reset(struct service *service, struct participant *p, const char *reason)
{
    if (p->connection == 0)
        return;
    struct text_json text = {0};
    event_open(&text, "media_reset");
    text_json_string(&text, "reason", reason);
    output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
}

void fan_out_reached(struct service *service, struct participant *p, bool reached)
{
    if (p->connection == 0)
        return;
    struct text_json text = {0};
    event_open(&text, "reached");
    text_json_bool(&text, "reached", reached);
    output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
}

void fan_out_quality(struct service *service, struct participant *p)
{
    if (p->connection == 0)
        return;
    struct text_json text = {0};
    event_open(&text, "quality");
    text_json_string(&text, "screen", control_quality_name(p->screen));
    output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
}

void fan_out_demand(struct service *service, struct participant *p, enum send_slot slot)
{
    if (p->connection == 0)
        return;
    struct text_json text = {0};
    event_open(&text, "send_encodings");
    text_json_string(&text, "slot", send_slot_name(slot));
    text_json_open(&text, "wanted", '[');
    for (unsigned i = 0; i < CONTROL_ENCODINGS_MAX; i++)
        text_json_bool(&text, NULL, (p->demand[slot] >> i & 1) != 0);
    text_json_close(&text, ']');
    output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
}

void fan_out_restore_media(struct service *service, struct participant *p)
{
    if (p->screen != CONTROL_QUALITY_FULL)
        fan_out_quality(service, p);
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        if (p->demand[slot] != 0)
            fan_out_demand(service, p, (enum send_slot)slot);
    }
}
