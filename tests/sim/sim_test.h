/* Runs each behaviour over several seeds. A failure says the seed:
 *
 *     AMPHI_SIM_SEED=7 build/asan/tests/sim/test_loss      that seed alone
 *     AMPHI_SIM_SEEDS=200 ctest --test-dir build/asan -L sim   seeds 1 to 200
 *     AMPHI_SIM_LOG=1 ...                                   both services' logs, virtual time
 */
#pragma once

#include "sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct sim_case {
    const char *name;
    void (*body)(struct sim *sim);
    uint32_t shards;
    struct sim *sim;
};

void sim_run_seeds(void **state);
int sim_end_seeds(void **state);

/* In the list of a main: `static void a_sentence(struct sim *sim)`. */
#define SIM_TEST_ON(body, shards)                                                                  \
    {                                                                                              \
#body, sim_run_seeds, NULL, sim_end_seeds, &(struct sim_case)                              \
        {                                                                                          \
#body, body, shards, NULL                                                              \
        }                                                                                          \
    }
#define SIM_TEST(body) SIM_TEST_ON(body, 1)
