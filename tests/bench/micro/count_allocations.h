/* Counts malloc, calloc, realloc and aligned_alloc of the whole process by standing in front of
 * the C library's. Linked into bench-micro; as a shared library put before amphi-relay, it keeps
 * the count in the file that AMPHI_ALLOCATIONS names (8 bytes, this machine's order). */
#pragma once

#include <stdint.h>

uint64_t count_allocations_get(void);
