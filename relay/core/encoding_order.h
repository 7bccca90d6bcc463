/* In which order a publication's encodings stand: the best first, whatever the order in which its
 * publisher lists them. By the size of their first pictures where the codec tells it (VP8),
 * otherwise by what they take while both come; where neither says anything the publisher's order
 * stays. For those alone whose order nobody knows (send_slot_parameters). Sans-IO; part of a home
 * publication. */
#pragma once

#include "base/bytes.h"
#include "base/media.h"
#include "base/usec.h"
#include "control/control_message.h"

#define ENCODING_ORDER_WINDOW_US SECONDS(4)
#define ENCODING_ORDER_PACKETS 20 /* of each in a window, before it says anything */
#define ENCODING_ORDER_FACTOR 2   /* so many times the bytes of one that is listed as better */

struct encoding_order {
    uint8_t places[CONTROL_ENCODINGS_MAX]; /* by the publisher's order: where each stands */
    usec_t window_at;                      /* when it ends; 0: none has begun */
    struct encoding_seen {
        uint32_t area;  /* of the first key frame, in pixels; 0: not known */
        uint64_t bytes; /* in the window */
        uint32_t packets;
    } seen[CONTROL_ENCODINGS_MAX]; /* by place */
};

/* As the publisher lists them. */
void encoding_order_init(struct encoding_order *o);

/* A packet of the encoding that stands at `place`. True when it turns out that the one at *better
 * stands behind a worse one at *better - 1: the two have changed places here, and the caller moves
 * what it keeps of both. */
bool encoding_order_note(struct encoding_order *o, usec_t now, uint32_t place,
                         enum media_codec codec, struct bytes payload, uint32_t *better);

/* The SSRC of the encoding at `place` is new: its size is not known any more. */
void encoding_order_forget(struct encoding_order *o, uint32_t place);

/* Bit n: the encoding at place n. As bits in the publisher's order. */
uint32_t encoding_order_listed(const struct encoding_order *o, uint32_t places);
