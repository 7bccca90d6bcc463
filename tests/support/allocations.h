/* Counts heap allocations where a sanitizer is there to tell of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* False when nothing can be counted: a build without sanitizers. */
bool allocations_can_be_counted(void);
/* Counting goes on and off; returns what it was. Off at first. */
bool allocations_set_counting(bool on);
size_t allocations_get_count(void);
