#include "relay/core/encoding_order.h"

#include "wire/codec_vp8.h"

void encoding_order_init(struct encoding_order *o)
{
    *o = (struct encoding_order){0};
    for (uint8_t i = 0; i < CONTROL_ENCODINGS_MAX; i++)
        o->places[i] = i;
}

void encoding_order_forget(struct encoding_order *o, uint32_t place)
{
    o->seen[place] = (struct encoding_seen){0};
    o->window_at = 0;
}

static uint32_t find_area(enum media_codec codec, struct bytes payload)
{
    struct codec_vp8 vp8;
    if (codec != MEDIA_CODEC_VP8 || codec_vp8_parse(payload, &vp8) != STATUS_OK || !vp8.key_frame)
        return 0;
    return (uint32_t)vp8.width * vp8.height;
}

static void begin_window(struct encoding_order *o, usec_t now)
{
    o->window_at = now + ENCODING_ORDER_WINDOW_US;
    for (size_t i = 0; i < CONTROL_ENCODINGS_MAX; i++)
        o->seen[i].bytes = o->seen[i].packets = 0;
}

static bool is_better(const struct encoding_seen *one, const struct encoding_seen *other,
                      bool window_ends)
{
    if (one->area != 0 && other->area != 0)
        return one->area > other->area;
    return window_ends && one->packets >= ENCODING_ORDER_PACKETS &&
           other->packets >= ENCODING_ORDER_PACKETS &&
           one->bytes > other->bytes * ENCODING_ORDER_FACTOR;
}

static void swap(struct encoding_order *o, uint32_t place)
{
    struct encoding_seen seen = o->seen[place];
    o->seen[place] = o->seen[place - 1];
    o->seen[place - 1] = seen;
    for (size_t i = 0; i < CONTROL_ENCODINGS_MAX; i++) {
        if (o->places[i] == place)
            o->places[i] = (uint8_t)(place - 1);
        else if (o->places[i] == place - 1)
            o->places[i] = (uint8_t)place;
    }
}

bool encoding_order_note(struct encoding_order *o, usec_t now, uint32_t place,
                         enum media_codec codec, struct bytes payload, uint32_t *better)
{
    struct encoding_seen *seen = &o->seen[place];
    if (seen->area == 0)
        seen->area = find_area(codec, payload);
    if (o->window_at == 0)
        begin_window(o, now);
    seen->bytes += payload.size;
    seen->packets++;
    bool window_ends = now >= o->window_at;
    for (uint32_t i = 1; i < CONTROL_ENCODINGS_MAX; i++) {
        if (!is_better(&o->seen[i], &o->seen[i - 1], window_ends))
            continue;
        swap(o, i);
        *better = i;
        return true;
    }
    if (window_ends)
        begin_window(o, now);
    return false;
}

uint32_t encoding_order_listed(const struct encoding_order *o, uint32_t places)
{
    uint32_t listed = 0;
    for (uint32_t i = 0; i < CONTROL_ENCODINGS_MAX; i++)
        listed |= (places >> o->places[i] & 1) << i;
    return listed;
}
