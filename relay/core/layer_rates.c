#include "relay/core/layer_rates.h"

static void move_on(struct layer_rates *r, usec_t now)
{
    int64_t bucket = now / LAYER_RATES_BUCKET_US;
    for (int64_t i = 0; i < LAYER_RATES_AVERAGE && r->bucket + i < bucket; i++) {
        r->place = (r->place + 1) % LAYER_RATES_BUCKETS;
        for (size_t layer = 0; layer < LAYER_TEMPORAL_MAX; layer++)
            r->bytes[layer][r->place] = 0;
    }
    r->bucket = bucket > r->bucket ? bucket : r->bucket;
}

void layer_rates_note(struct layer_rates *r, usec_t now, uint8_t layer, size_t bytes)
{
    move_on(r, now);
    layer = layer < LAYER_TEMPORAL_MAX ? layer : LAYER_TEMPORAL_MAX - 1;
    r->layers = layer >= r->layers ? (uint8_t)(layer + 1) : r->layers;
    r->bytes[layer][r->place] += (uint32_t)bytes;
}

/* The highest sum of neighbouring buckets; none goes across the ring's seam. */
static uint64_t highest_sum(const struct layer_rates *r, const uint64_t bytes[LAYER_RATES_BUCKETS])
{
    uint64_t highest = 0;
    for (uint32_t i = 0; i + LAYER_RATES_AVERAGE <= LAYER_RATES_BUCKETS; i++) {
        uint64_t sum = 0;
        for (uint32_t k = 0; k < LAYER_RATES_AVERAGE; k++)
            sum += bytes[(r->place + 1 + i + k) % LAYER_RATES_BUCKETS];
        highest = sum > highest ? sum : highest;
    }
    return highest;
}

uint8_t layer_rates_get(const struct layer_rates *r, uint32_t bps[LAYER_TEMPORAL_MAX])
{
    uint64_t together[LAYER_RATES_BUCKETS] = {0};
    for (size_t layer = 0; layer < LAYER_TEMPORAL_MAX; layer++) {
        for (size_t i = 0; i < LAYER_RATES_BUCKETS; i++)
            together[i] += r->bytes[layer][i];
        uint64_t rate = highest_sum(r, together) * 8 * SECONDS(1) /
                        (LAYER_RATES_AVERAGE * LAYER_RATES_BUCKET_US);
        bps[layer] = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
    }
    return r->layers;
}
