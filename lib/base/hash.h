/* SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash for tables that strangers can write to. */
#pragma once

#include "base/bytes.h"

uint64_t hash_bytes(struct bytes b, const uint64_t key[2]);
