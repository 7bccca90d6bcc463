/* Instants and durations in microseconds. Arithmetic only: the clock is read in lib/host, once per
 * loop turn, and passed down as `now`. */
#pragma once

#include <stdint.h>

typedef int64_t usec_t;

#define USEC_NEVER INT64_MAX
#define MILLISECONDS(n) ((usec_t)(n)*1000)
#define SECONDS(n) ((usec_t)(n)*1000000)

static inline usec_t usec_min(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

static inline usec_t usec_max(usec_t a, usec_t b)
{
    return a > b ? a : b;
}
