#include "relay/core/layer_rates.h"

static void move_on(struct layer_rates *r, usec_t now)
{
    int64_t bucket = now / LAYER_RATES_BUCKET_US;
    for (int64_t i = 0; i < LAYER_RATES_SILENCE && r->bucket + i < bucket; i++) {
        r->place = (r->place + 1) % LAYER_RATES_BUCKETS;
        r->filled = (uint8_t)(r->filled + (r->filled < LAYER_RATES_BUCKETS));
        for (size_t layer = 0; layer < LAYER_TEMPORAL_MAX; layer++)
            r->bytes[layer][r->place] = 0;
        r->long_bytes -= r->long_bytes / LAYER_RATES_LONG;
        r->long_buckets += LAYER_RATES_UNIT - r->long_buckets / LAYER_RATES_LONG;
    }
    r->bucket = bucket > r->bucket ? bucket : r->bucket;
}

void layer_rates_note(struct layer_rates *r, usec_t now, uint8_t layer, size_t bytes)
{
    if (r->filled == 0) {
        r->filled = 1;
        r->long_buckets = LAYER_RATES_UNIT;
        r->bucket = now / LAYER_RATES_BUCKET_US;
    }
    move_on(r, now);
    layer = layer < LAYER_TEMPORAL_MAX ? layer : LAYER_TEMPORAL_MAX - 1;
    r->layers = layer >= r->layers ? (uint8_t)(layer + 1) : r->layers;
    r->bytes[layer][r->place] += (uint32_t)bytes;
    r->long_bytes += layer == 0 ? (uint64_t)bytes * LAYER_RATES_UNIT : 0;
}

uint8_t layer_rates_get(const struct layer_rates *r, uint32_t bps[LAYER_TEMPORAL_MAX])
{
    uint64_t bytes = 0;
    uint64_t buckets = r->filled > LAYER_RATES_LEAST ? r->filled : LAYER_RATES_LEAST;
    for (size_t layer = 0; layer < LAYER_TEMPORAL_MAX; layer++) {
        for (size_t i = 0; i < LAYER_RATES_BUCKETS; i++)
            bytes += r->bytes[layer][i];
        uint64_t rate = bytes * 8 * SECONDS(1) / (buckets * LAYER_RATES_BUCKET_US);
        bps[layer] = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
    }
    return r->layers;
}

uint32_t layer_rates_get_long(const struct layer_rates *r)
{
    uint64_t least = (uint64_t)LAYER_RATES_LEAST * LAYER_RATES_UNIT;
    uint64_t buckets = r->long_buckets > least ? r->long_buckets : least;
    uint64_t rate = r->long_bytes * 8 * (SECONDS(1) / LAYER_RATES_BUCKET_US) / buckets;
    return rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
}
