#include "sim/sim_random.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* a provider would do the same in ten times as many lines */
#include "base/check.h"
#include "base/rng.h"

#include <openssl/rand.h>

static struct rng generator;

static int give(unsigned char *out, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = (unsigned char)rng_next(&generator);
    return 1;
}

static int is_seeded(void)
{
    return 1;
}

void sim_random_begin(uint64_t seed)
{
    static const RAND_METHOD method = {.bytes = give, .pseudorand = give, .status = is_seeded};
    generator = rng_of_seed(seed);
    CHECK(RAND_set_rand_method(&method) == 1);
}

void sim_random_end(void)
{
    CHECK(RAND_set_rand_method(NULL) == 1);
}
