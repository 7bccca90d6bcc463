/* A seeded generator for jitter, identifiers that need no secrecy, and simulations (SplitMix64,
 * Steele et al. 2014). Keys, passwords and tokens come from OpenSSL instead. */
#pragma once

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline struct rng rng_of_seed(uint64_t seed)
{
    return (struct rng){seed};
}

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint32_t rng_u32(struct rng *rng)
{
    return (uint32_t)(rng_next(rng) >> 32);
}

/* Uniform in [0, limit); 0 when limit is 0. */
static inline uint64_t rng_below(struct rng *rng, uint64_t limit)
{
    return limit == 0 ? 0 : rng_next(rng) % limit;
}

/* Uniform in [0, 1). */
static inline double rng_fraction(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}
