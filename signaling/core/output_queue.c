#include "signaling/core/output_queue.h"

#include "signaling/core/limits.h"

struct kept_text {
    struct kept_text *next;
    char *data;
};

struct queued_output {
    enum service_output_type type;
    uint64_t number; /* connection or exchange, or the relay's index */
    bool packable;   /* of a text */
    union {
        struct bytes text;
        uint16_t close_code;
        struct http_response *response;
        struct {
            enum control_type type;
            uint32_t id, to;
            union {
                struct control_grant grant;
                struct control_bind bind;
                struct control_aside aside;
                struct control_participant_ref participant_remove;
                uint64_t room_close;
                struct control_message *whole; /* participant_add and ice_restart: large */
            };
        } relay;
    };
};

enum status output_queue_init(struct output_queue *queue)
{
    struct control_message *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return STATUS_NO_MEMORY;
    *queue = (struct output_queue){.scratch = scratch};
    return STATUS_OK;
}

static void free_kept(struct output_queue *queue)
{
    for (struct kept_text *kept = queue->kept; kept != NULL;) {
        struct kept_text *next = kept->next;
        free(kept->data);
        free(kept);
        kept = next;
    }
    queue->kept = NULL;
    queue->head = queue->count = 0;
}

void output_queue_destroy(struct output_queue *queue)
{
    free_kept(queue);
    free(queue->entries);
    free(queue->scratch);
    *queue = (struct output_queue){0};
}

/* Takes `data` over; NULL, and freed, without memory. */
static char *keep(struct output_queue *queue, char *data)
{
    struct kept_text *kept = data != NULL ? malloc(sizeof *kept) : NULL;
    if (kept == NULL) {
        free(data);
        return NULL;
    }
    *kept = (struct kept_text){.next = queue->kept, .data = data};
    queue->kept = kept;
    return data;
}

struct bytes output_queue_keep(struct output_queue *queue, struct text_json *text)
{
    struct bytes out = BYTES_NONE;
    if (!text->failed && text->data != NULL) {
        size_t size = text->size;
        char *data = keep(queue, text->data);
        text->data = NULL;
        if (data != NULL)
            out = bytes_of(data, size);
    }
    text_json_destroy(text);
    return out;
}

const char *output_queue_keep_string(struct output_queue *queue, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    copy = keep(queue, copy);
    return copy != NULL ? copy : "";
}

static struct queued_output *push(struct output_queue *queue)
{
    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        struct queued_output *entries = realloc(queue->entries, capacity * sizeof *entries);
        if (entries == NULL) {
            queue->dropped++;
            return NULL;
        }
        queue->entries = entries;
        queue->capacity = capacity;
    }
    return &queue->entries[queue->count++];
}

static void send_text(struct output_queue *queue, uint64_t connection, struct bytes text,
                      bool packable)
{
    if (connection == 0 || text.size == 0)
        return;
    if (queue->count >= LIMIT_OUTPUTS) {
        queue->dropped++;
        return;
    }
    struct queued_output *entry = push(queue);
    if (entry != NULL)
        *entry = (struct queued_output){
            .type = SERVICE_SEND, .number = connection, .packable = packable, .text = text};
}

void output_queue_send(struct output_queue *queue, uint64_t connection, struct bytes text)
{
    send_text(queue, connection, text, false);
}

void output_queue_send_packable(struct output_queue *queue, uint64_t connection, struct bytes text)
{
    send_text(queue, connection, text, true);
}

void output_queue_close(struct output_queue *queue, uint64_t connection, uint16_t code)
{
    struct queued_output *entry = push(queue);
    if (entry != NULL)
        *entry =
            (struct queued_output){.type = SERVICE_CLOSE, .number = connection, .close_code = code};
}

void output_queue_respond(struct output_queue *queue, uint64_t exchange,
                          const struct http_response *response)
{
    struct http_response *copy = malloc(sizeof *copy);
    if (copy != NULL)
        *copy = *response;
    copy = (struct http_response *)(void *)keep(queue, (char *)copy);
    struct queued_output *entry = copy != NULL ? push(queue) : NULL;
    if (entry != NULL)
        *entry =
            (struct queued_output){.type = SERVICE_RESPONSE, .number = exchange, .response = copy};
}

void output_queue_tell_relay(struct output_queue *queue, size_t relay,
                             const struct control_message *message)
{
    struct queued_output output = {.type = SERVICE_RELAY, .number = relay};
    output.relay.type = message->type;
    output.relay.id = message->id;
    output.relay.to = message->to;
    switch (message->type) {
    case CONTROL_GRANT:
        output.relay.grant = message->grant;
        break;
    case CONTROL_BIND:
        output.relay.bind = message->bind;
        break;
    case CONTROL_ASIDE:
        output.relay.aside = message->aside;
        break;
    case CONTROL_PARTICIPANT_REMOVE:
        output.relay.participant_remove = message->participant_remove;
        break;
    case CONTROL_ROOM_CLOSE:
        output.relay.room_close = message->room_close;
        break;
    case CONTROL_PARTICIPANT_ADD:
    case CONTROL_ICE_RESTART: {
        struct control_message *whole = malloc(sizeof *whole);
        if (whole != NULL)
            *whole = *message;
        output.relay.whole = (struct control_message *)(void *)keep(queue, (char *)whole);
        if (output.relay.whole == NULL)
            return; /* the offer times out */
        break;
    }
    default: /* sync_end: nothing but its type */
        break;
    }
    struct queued_output *entry = push(queue);
    if (entry != NULL)
        *entry = output;
}

static const struct control_message *relay_message_of(struct output_queue *queue,
                                                      const struct queued_output *entry)
{
    if (entry->relay.type == CONTROL_PARTICIPANT_ADD || entry->relay.type == CONTROL_ICE_RESTART)
        return entry->relay.whole;
    struct control_message *message = queue->scratch;
    message->type = entry->relay.type;
    message->id = entry->relay.id;
    message->to = entry->relay.to;
    if (entry->relay.type == CONTROL_GRANT)
        message->grant = entry->relay.grant;
    else if (entry->relay.type == CONTROL_BIND)
        message->bind = entry->relay.bind;
    else if (entry->relay.type == CONTROL_ASIDE)
        message->aside = entry->relay.aside;
    else if (entry->relay.type == CONTROL_PARTICIPANT_REMOVE)
        message->participant_remove = entry->relay.participant_remove;
    else if (entry->relay.type == CONTROL_ROOM_CLOSE)
        message->room_close = entry->relay.room_close;
    return message;
}

bool output_queue_poll(struct output_queue *queue, struct service_output *out)
{
    if (queue->head == queue->count) {
        free_kept(queue);
        return false;
    }
    const struct queued_output *entry = &queue->entries[queue->head++];
    *out = (struct service_output){.type = entry->type};
    switch (entry->type) {
    case SERVICE_SEND:
        out->connection = entry->number;
        out->text = entry->text;
        out->packable = entry->packable;
        break;
    case SERVICE_CLOSE:
        out->connection = entry->number;
        out->code = entry->close_code;
        break;
    case SERVICE_RESPONSE:
        out->exchange = entry->number;
        out->response = *entry->response;
        break;
    case SERVICE_RELAY:
        out->relay = (size_t)entry->number;
        out->message = relay_message_of(queue, entry);
        break;
    }
    return true;
}

void output_queue_retract(struct output_queue *queue, uint16_t close_code,
                          const struct http_response *response)
{
    for (size_t i = queue->head; i < queue->count; i++) {
        struct queued_output *entry = &queue->entries[i];
        if (entry->type == SERVICE_SEND)
            *entry = (struct queued_output){
                .type = SERVICE_CLOSE, .number = entry->number, .close_code = close_code};
        else if (entry->type == SERVICE_RESPONSE)
            *entry->response = *response;
    }
}
