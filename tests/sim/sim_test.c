#include "sim/sim_test.h"

#include <stdio.h>
#include <stdlib.h>

#define SEEDS_USUAL 3

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t seed_now;

void sim_run_seeds(void **state)
{
    struct sim_case *c = *state;
    uint64_t only = number_of("AMPHI_SIM_SEED", 0);
    uint64_t last = only != 0 ? only : number_of("AMPHI_SIM_SEEDS", SEEDS_USUAL);
    for (seed_now = only != 0 ? only : 1; seed_now <= last; seed_now++) {
        c->sim = sim_create(seed_now, c->shards);
        c->body(c->sim);
        if (sim_forbidden(c->sim) != 0)
            fail_msg("%llu packets of a closed slot were heard",
                     (unsigned long long)sim_forbidden(c->sim));
        sim_free(c->sim);
        c->sim = NULL;
    }
}

int sim_end_seeds(void **state)
{
    struct sim_case *c = *state;
    if (c->sim == NULL)
        return 0;
    print_error("%s: failed with AMPHI_SIM_SEED=%llu, at %.3f s\n", c->name,
                (unsigned long long)seed_now, (double)(sim_now(c->sim) - SIM_BEGINS_AT) / 1e6);
    sim_free(c->sim);
    c->sim = NULL;
    return 0;
}
