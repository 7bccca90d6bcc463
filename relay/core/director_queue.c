/* What the director says: queues of messages to signaling and of orders to shards. */
#include "relay/core/director_private.h"

bool director_queue_init(struct director_queue *q)
{
    q->items = calloc(DIRECTOR_OUT_MAX, sizeof *q->items);
    return q->items != NULL;
}

static void *queue_push(struct director_queue *q, size_t bytes)
{
    bool fits = q->count < DIRECTOR_OUT_MAX && bytes <= DIRECTOR_OUT_BYTES_MAX - q->bytes;
    void *item = fits ? calloc(1, bytes) : NULL;
    if (item == NULL)
        return NULL;
    q->items[(q->head + q->count++) % DIRECTOR_OUT_MAX] =
        (struct director_queued){.message = item, .bytes = bytes};
    q->bytes += bytes;
    return item;
}

void *director_queue_pop(struct director_queue *q)
{
    free(q->given);
    q->given = NULL;
    if (q->count == 0)
        return NULL;
    q->given = q->items[q->head].message;
    q->bytes -= q->items[q->head].bytes;
    q->head = (q->head + 1) % DIRECTOR_OUT_MAX;
    q->count--;
    return q->given;
}

void director_queue_clear(struct director_queue *q)
{
    while (director_queue_pop(q) != NULL) {
    }
}

/* A message is as large as its largest kind, a participant's parameters; what a relay says is
 * small. Only the part that `type` uses is allocated. */
static size_t message_bytes(enum control_type type)
{
#define UP_TO(member)                                                                              \
    (offsetof(struct control_message, member) + sizeof((struct control_message *)0)->member)
    switch (type) {
    case CONTROL_OK:
    case CONTROL_SYNC_END:
        return offsetof(struct control_message, hello);
    case CONTROL_ERROR:
        return UP_TO(error);
    case CONTROL_SYNC_PARTICIPANT:
        return UP_TO(sync_participant);
    case CONTROL_PARTICIPANT_ADDED:
        return UP_TO(participant_added);
    case CONTROL_PARTICIPANT_STATE:
        return UP_TO(participant_state);
    case CONTROL_SLOT_BOUND:
        return UP_TO(slot_bound);
    case CONTROL_PUBLICATION:
        return UP_TO(publication);
    case CONTROL_PARTICIPANT_QUALITY:
        return UP_TO(participant_quality);
    case CONTROL_DELIVERY:
        return UP_TO(delivery);
    case CONTROL_DEMAND:
        return UP_TO(demand);
    case CONTROL_SPEAKERS:
        return UP_TO(speakers);
    case CONTROL_RELAY_STATS:
        return UP_TO(relay_stats);
    case CONTROL_ROOM_STATS:
        return UP_TO(room_stats);
    default:
        return sizeof(struct control_message);
    }
#undef UP_TO
}

struct control_message *director_tell(struct director *d, enum control_type type)
{
    if (!d->connected)
        return NULL;
    struct control_message *m = queue_push(&d->messages, message_bytes(type));
    if (m == NULL)
        log_warn(&d->log, "control_queue_full", "type=%s", control_type_name(type));
    else
        m->type = type;
    return m;
}

struct shard_message *director_order(struct director *d, uint32_t shard,
                                     enum shard_message_type type)
{
    struct shard_message *m = queue_push(&d->shard_messages, sizeof *m);
    if (m == NULL) {
        if (!d->shards[shard].has_lost_orders)
            log_error(&d->log, "shard_queue_full", "shard=%u", shard);
        d->shards[shard].has_lost_orders = true;
        return NULL;
    }
    m->type = type;
    m->from = shard; /* the destination while it is queued; poll says it and puts ours in */
    return m;
}

bool director_poll_message(struct director *d, const struct control_message **out)
{
    *out = director_queue_pop(&d->messages);
    return *out != NULL;
}

bool director_poll_shard(struct director *d, uint32_t *shard, const struct shard_message **out)
{
    struct shard_message *m = director_queue_pop(&d->shard_messages);
    if (m == NULL)
        return false;
    *shard = m->from;
    m->from = d->config.shard_count;
    *out = m;
    return true;
}
