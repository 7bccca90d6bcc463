/* Clears secrets before their memory is reused; the compiler may not leave it out. */
#pragma once

#include <string.h>

static inline void memory_wipe(void *memory, size_t size)
{
    memset(memory, 0, size);
    __asm__ __volatile__("" : : "r"(memory) : "memory");
}
