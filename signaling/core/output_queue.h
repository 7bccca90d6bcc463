/* What the service wants done, in order. Texts are owned by the queue and freed together once it
 * has been drained, so one serialised text serves a thousand receivers without reference counts. */
#pragma once

#include "signaling/core/service.h"
#include "signaling/core/text_json.h"

struct queued_output;
struct kept_text;

struct output_queue {
    struct queued_output *entries;
    size_t head, count, capacity;
    struct kept_text *kept;
    struct control_message *scratch; /* what the last relay output points at */
    uint64_t dropped;                /* texts past LIMIT_OUTPUTS, or without memory */
};

MUST_CHECK enum status output_queue_init(struct output_queue *queue);
void output_queue_destroy(struct output_queue *queue);

/* Takes over what `text` has written; empty when writing failed. Valid until the queue is empty. */
struct bytes output_queue_keep(struct output_queue *queue, struct text_json *text);
/* A copy of `text`, zero-terminated; "" without memory. */
const char *output_queue_keep_string(struct output_queue *queue, const char *text);

/* `text` has been kept. An empty text is not sent. */
void output_queue_send(struct output_queue *queue, uint64_t connection, struct bytes text);
/* The same for what service_output says of `packable`. */
void output_queue_send_packable(struct output_queue *queue, uint64_t connection, struct bytes text);
void output_queue_close(struct output_queue *queue, uint64_t connection, uint16_t code);
/* What `response` points at has been kept, or is static. */
void output_queue_respond(struct output_queue *queue, uint64_t exchange,
                          const struct http_response *response);
/* Copies the part of `message` that its type uses. */
void output_queue_tell_relay(struct output_queue *queue, size_t relay,
                             const struct control_message *message);

/* False when empty, and then everything kept is freed. */
bool output_queue_poll(struct output_queue *queue, struct service_output *out);

/* What was queued cannot be vouched for (the store failed): every socket that would have been
 * written to is closed, every exchange gets `response`; relay messages stay. */
void output_queue_retract(struct output_queue *queue, uint16_t close_code,
                          const struct http_response *response);
