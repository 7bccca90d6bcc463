#include "netlab/link_model.h"

#include <stdlib.h>
#include <string.h>

/* What chance decided about a packet when it came in. Each packet draws the same number of values
 * whatever the settings, so that changing one impairment leaves the others' course alone. */
struct fate {
    double jitter; /* -1 to 1 */
    bool lost, overtakes, twice;
};

struct packet {
    usec_t queued_at;
    usec_t due; /* at the far end */
    uint64_t order;
    struct fate fate;
    uint16_t size;
    uint8_t data[LINK_PACKET_BYTES_MAX];
};

struct link_model {
    struct link_config config;
    struct link_stats stats;
    struct rng rng;
    bool in_burst;
    uint64_t next_order;

    uint16_t queue[LINK_PACKETS_MAX]; /* ring; the first is on the line once `head_leaves` is set */
    size_t queue_first, queue_count;
    uint64_t queue_bytes;
    usec_t head_leaves; /* USEC_NEVER: not on the line yet */
    usec_t line_free_at;

    uint16_t flight[LINK_PACKETS_MAX]; /* heap by due and order */
    size_t flight_count;
    usec_t last_due; /* of those that keep order */

    uint16_t free[LINK_PACKETS_MAX];
    size_t free_count;
    struct packet packets[LINK_PACKETS_MAX + 1]; /* the last one is what poll handed out */
};

struct link_config link_config_default(void)
{
    return (struct link_config){.burst_length = 1, .queue_us = MILLISECONDS(100)};
}

enum status link_model_create(struct link_model **out, uint64_t seed)
{
    struct link_model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return STATUS_NO_MEMORY;
    model->config = link_config_default();
    model->rng = rng_of_seed(seed);
    model->head_leaves = USEC_NEVER;
    for (size_t i = 0; i < LINK_PACKETS_MAX; i++)
        model->free[model->free_count++] = (uint16_t)(LINK_PACKETS_MAX - 1 - i);
    *out = model;
    return STATUS_OK;
}

void link_model_free(struct link_model *model)
{
    free(model);
}

const struct link_config *link_model_config(const struct link_model *model)
{
    return &model->config;
}

const struct link_stats *link_model_stats(const struct link_model *model)
{
    return &model->stats;
}

usec_t link_model_take_peak(struct link_model *model)
{
    usec_t peak = model->stats.queue_us_peak;
    model->stats.queue_us_peak = 0;
    return peak;
}

static bool is_share(double value)
{
    return value >= 0 && value <= 1;
}

static bool is_sound(const struct link_config *c)
{
    bool times = c->delay_us >= 0 && c->delay_us <= SECONDS(60) && c->jitter_us >= 0 &&
                 c->jitter_us <= SECONDS(60) && c->queue_us >= 0 && c->queue_us <= SECONDS(60);
    bool shares = is_share(c->loss) && is_share(c->reorder) && is_share(c->duplicate) &&
                  c->burst_loss >= 0 && c->burst_loss < 1;
    return times && shares && c->burst_length >= 1 && c->burst_length <= 10000 &&
           (c->rate_bps == 0 || (c->rate_bps >= 1000 && c->rate_bps <= 100000000000u));
}

/* --- the heap of what is on its way --- */

static bool is_before(const struct link_model *model, uint16_t a, uint16_t b)
{
    const struct packet *x = &model->packets[a];
    const struct packet *y = &model->packets[b];
    return x->due != y->due ? x->due < y->due : x->order < y->order;
}

static void swap(uint16_t *a, uint16_t *b)
{
    uint16_t kept = *a;
    *a = *b;
    *b = kept;
}

static void flight_push(struct link_model *model, uint16_t index)
{
    size_t at = model->flight_count++;
    model->flight[at] = index;
    for (; at > 0; at = (at - 1) / 2) {
        if (!is_before(model, model->flight[at], model->flight[(at - 1) / 2]))
            break;
        swap(&model->flight[at], &model->flight[(at - 1) / 2]);
    }
}

static uint16_t flight_pop(struct link_model *model)
{
    uint16_t first = model->flight[0];
    model->flight[0] = model->flight[--model->flight_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < model->flight_count &&
                is_before(model, model->flight[child], model->flight[least]))
                least = child;
        if (least == at)
            return first;
        swap(&model->flight[at], &model->flight[least]);
        at = least;
    }
}

static void release(struct link_model *model, uint16_t index)
{
    model->free[model->free_count++] = index;
}

/* --- from the line to the far end --- */

static void send_on_its_way(struct link_model *model, uint16_t index, usec_t left_at)
{
    struct packet *packet = &model->packets[index];
    if (packet->fate.lost) {
        model->stats.lost++;
        release(model, index);
        return;
    }
    usec_t jitter = (usec_t)(packet->fate.jitter * (double)model->config.jitter_us);
    usec_t delay = usec_max(0, model->config.delay_us + jitter);
    if (packet->fate.overtakes) {
        model->stats.reordered++;
        packet->due = left_at;
    } else {
        /* Delay varies on real lines because of queues, and a queue keeps its order. */
        packet->due = usec_max(left_at + delay, model->last_due);
        model->last_due = packet->due;
    }
    flight_push(model, index);
    if (packet->fate.twice && model->free_count > 0) {
        uint16_t copy = model->free[--model->free_count];
        model->packets[copy] = *packet;
        model->packets[copy].order = model->next_order++;
        model->stats.duplicated++;
        flight_push(model, copy);
    }
}

static void put_head_on_line(struct link_model *model)
{
    const struct packet *head = &model->packets[model->queue[model->queue_first]];
    usec_t start = usec_max(head->queued_at, model->line_free_at);
    model->stats.queue_us_max = usec_max(model->stats.queue_us_max, start - head->queued_at);
    model->stats.queue_us_peak = usec_max(model->stats.queue_us_peak, start - head->queued_at);
    uint64_t rate_bps = model->config.rate_bps;
    model->head_leaves =
        start + (rate_bps == 0 ? 0 : (usec_t)((uint64_t)head->size * 8 * 1000000 / rate_bps));
}

static void advance(struct link_model *model, usec_t now)
{
    while (model->queue_count > 0) {
        if (model->head_leaves == USEC_NEVER)
            put_head_on_line(model);
        if (model->head_leaves > now)
            return;
        uint16_t index = model->queue[model->queue_first];
        model->queue_first = (model->queue_first + 1) % LINK_PACKETS_MAX;
        model->queue_count--;
        model->queue_bytes -= model->packets[index].size;
        model->line_free_at = model->head_leaves;
        model->head_leaves = USEC_NEVER;
        send_on_its_way(model, index, model->line_free_at);
    }
}

enum status link_model_set_config(struct link_model *model, usec_t now,
                                  const struct link_config *config)
{
    if (!is_sound(config))
        return STATUS_CONFIG;
    advance(model, now);
    model->config = *config;
    return STATUS_OK;
}

/* --- in --- */

/* Gilbert-Elliott with everything lost in the bad state: it ends with probability 1/length, and
 * begins so often that the share of packets met by it is `burst_loss`. */
static bool is_in_burst(struct link_model *model, double chance)
{
    double ends = 1 / model->config.burst_length;
    double share = model->config.burst_loss;
    double begins = share <= 0 ? 0 : ends * share / (1 - share);
    model->in_burst = model->in_burst ? chance >= ends && share > 0 : chance < begins;
    return model->in_burst;
}

static struct fate draw_fate(struct link_model *model)
{
    const struct link_config *c = &model->config;
    struct fate fate;
    bool lost_alone = rng_fraction(&model->rng) < c->loss;
    bool lost_in_burst = is_in_burst(model, rng_fraction(&model->rng));
    fate.lost = lost_alone || lost_in_burst;
    fate.overtakes = rng_fraction(&model->rng) < c->reorder;
    fate.twice = rng_fraction(&model->rng) < c->duplicate;
    fate.jitter = 2 * rng_fraction(&model->rng) - 1;
    return fate;
}

/* One packet always fits, however short the queue. */
static bool queue_has_room(const struct link_model *model, size_t size)
{
    if (model->config.rate_bps == 0 || model->queue_count == 0)
        return true;
    uint64_t room = model->config.rate_bps * (uint64_t)model->config.queue_us / 8000000;
    return model->queue_bytes + size <= room;
}

void link_model_handle_packet(struct link_model *model, usec_t now, struct bytes data)
{
    model->stats.packets_in++;
    model->stats.bytes_in += data.size;
    advance(model, now);
    struct fate fate = draw_fate(model);
    if (data.size > LINK_PACKET_BYTES_MAX || model->free_count == 0) {
        model->stats.refused++;
        return;
    }
    if (!queue_has_room(model, data.size)) {
        model->stats.queue_dropped++;
        return;
    }
    uint16_t index = model->free[--model->free_count];
    struct packet *packet = &model->packets[index];
    packet->fate = fate;
    packet->queued_at = now;
    packet->order = model->next_order++;
    packet->size = (uint16_t)data.size;
    memcpy(packet->data, data.data, data.size);
    model->queue[(model->queue_first + model->queue_count++) % LINK_PACKETS_MAX] = index;
    model->queue_bytes += data.size;
    advance(model, now);
}

/* --- out --- */

bool link_model_poll_packet(struct link_model *model, usec_t now, struct bytes *out)
{
    advance(model, now);
    if (model->flight_count == 0 || model->packets[model->flight[0]].due > now)
        return false;
    uint16_t index = flight_pop(model);
    struct packet *handed_out = &model->packets[LINK_PACKETS_MAX];
    handed_out->size = model->packets[index].size;
    memcpy(handed_out->data, model->packets[index].data, handed_out->size);
    release(model, index);
    model->stats.packets_out++;
    model->stats.bytes_out += handed_out->size;
    *out = bytes_of(handed_out->data, handed_out->size);
    return true;
}

usec_t link_model_next_timeout(const struct link_model *model)
{
    usec_t arrives = model->flight_count == 0 ? USEC_NEVER : model->packets[model->flight[0]].due;
    return usec_min(model->queue_count == 0 ? USEC_NEVER : model->head_leaves, arrives);
}
