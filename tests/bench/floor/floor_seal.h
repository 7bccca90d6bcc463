/* AES-128-GCM over one packet as SRTP has it (RFC 7714), by libipsec-mb where it is built in, else
 * by OpenSSL with a kept context. For the floor alone: no replay list, no rollover. */
#pragma once

#include "base/bytes.h"

#define FLOOR_TAG_BYTES 16

struct floor_sealer;
struct floor_sealer *floor_sealer_create(uint32_t seed); /* NULL: no memory, no cipher */
/* `header` stands at its place; ciphertext and tag are written behind it. */
void floor_seal(struct floor_sealer *s, uint64_t number, struct bytes_mut header,
                struct bytes payload);
const char *floor_sealer_name(void);
