/* What the temporal layers of one encoding take, as they arrive. A screen comes in bursts, and who
 * reads it from a cache at the line's own pace needs the line to carry the mean, not the burst: the
 * rate is the average of the last eight seconds in which something came, so that a slide that
 * stands still does not make the next one look free. Of the lowest layer there is a longer mean
 * besides, in which each slide weighs less: slides of 7 s seem up to 1.8 times their mean in eight
 * seconds. Sans-IO; embedded. */
#pragma once

#include "base/usec.h"
#include "wire/layer_mark.h"

#include <stddef.h>

#define LAYER_RATES_BUCKETS 16
#define LAYER_RATES_BUCKET_US MILLISECONDS(500)
#define LAYER_RATES_SILENCE 4 /* buckets; a longer silence counts as one of this length */
#define LAYER_RATES_UNIT 1024
#define LAYER_RATES_LEAST 4 /* buckets; what has lasted less counts as having lasted so long */
#define LAYER_RATES_LONG 64 /* buckets, in which what came weighs a third of what it did */

struct layer_rates {
    int64_t bucket; /* number of the newest one, in time */
    uint32_t place; /* and in the ring */
    uint8_t filled; /* buckets since the beginning, at most all */
    uint8_t layers; /* seen so far */
    uint32_t bytes[LAYER_TEMPORAL_MAX][LAYER_RATES_BUCKETS];
    uint64_t long_bytes, long_buckets; /* of the lowest layer; in 1/LAYER_RATES_UNIT */
};

void layer_rates_note(struct layer_rates *r, usec_t now, uint8_t layer, size_t bytes);
/* Of the layers up to each one, together. Returns how many there are; 0: nothing has come. */
uint8_t layer_rates_get(const struct layer_rates *r, uint32_t bps[LAYER_TEMPORAL_MAX]);
/* Of the lowest layer, in the long run. */
uint32_t layer_rates_get_long(const struct layer_rates *r);
