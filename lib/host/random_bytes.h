/* The system's generator (getrandom): seeds and hash keys. Aborts when there is none. */
#pragma once

#include <stddef.h>

void random_bytes(void *out, size_t size);
