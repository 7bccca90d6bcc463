/* The last packet of a picture. That it is lost shows to its receiver only with the next picture,
 * some hundred milliseconds later: until then it cannot ask for it. Transport-wide feedback tells
 * the relay at once, which sends it again within the limits of what is asked for. Each subscription
 * to video embeds one. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct participant;
struct shard_core;
struct tx_batch;

/* Zero-initialised is none. */
struct picture_end {
    uint8_t copies; /* that left last; 0: what left last ends no picture, or is not watched */
    uint16_t stamp; /* of the last copy; those before it have the numbers before it */
};

/* A packet goes out under the transport-wide number `stamp`. One that is older than others sent
 * (it came late) changes nothing. */
static inline void picture_end_note(struct picture_end *e, bool ends_picture, bool is_newest,
                                    uint16_t stamp)
{
    if (is_newest)
        *e = (struct picture_end){.copies = ends_picture, .stamp = stamp};
}

/* The participant's downlink has heard what became of its packets. Where every copy is lost, the
 * packet is sent again: to who is watched only, since to who is paced nothing goes out that its
 * line has no room for. */
void picture_end_resend_lost(struct shard_core *c, usec_t now, struct participant *p,
                             struct tx_batch *tx);
