/* OpenSSL's random numbers from a seed, so that ids, passwords, keys and signatures are the same in
 * every run of one seed. For simulations alone. */
#pragma once

#include <stdint.h>

void sim_random_begin(uint64_t seed);
void sim_random_end(void);
