/* What reading and writing STUN share: attribute numbers, FINGERPRINT and MESSAGE-INTEGRITY. Used
 * by stun.c and stun_write.c alone. */
#pragma once

#include "wire/stun.h"

#define STUN_COOKIE 0x2112a442u
#define STUN_INTEGRITY_BYTES 20
#define STUN_ATTRIBUTE_HEAD_BYTES 4

enum stun_attribute {
    STUN_ATTRIBUTE_MAPPED_ADDRESS = 0x0001,
    STUN_ATTRIBUTE_USERNAME = 0x0006,
    STUN_ATTRIBUTE_MESSAGE_INTEGRITY = 0x0008,
    STUN_ATTRIBUTE_ERROR_CODE = 0x0009,
    STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES = 0x000a,
    STUN_ATTRIBUTE_REALM = 0x0014,
    STUN_ATTRIBUTE_NONCE = 0x0015,
    STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS = 0x0020,
    STUN_ATTRIBUTE_PRIORITY = 0x0024,
    STUN_ATTRIBUTE_USE_CANDIDATE = 0x0025,
    STUN_ATTRIBUTE_FINGERPRINT = 0x8028,
    STUN_ATTRIBUTE_ICE_CONTROLLED = 0x8029,
    STUN_ATTRIBUTE_ICE_CONTROLLING = 0x802a,
    STUN_ATTRIBUTE_NOMINATION = 0xc001
};

/* The value of FINGERPRINT over the message up to that attribute, whose header's length field
 * already counts it (RFC 8489 14.7). */
uint32_t stun_fingerprint(struct bytes before);

/* HMAC-SHA1 over the message up to MESSAGE-INTEGRITY, with the length as if that came last
 * (RFC 8489 14.5). Allocates nothing. STATUS_SYSTEM; STATUS_LIMIT above STUN_BYTES_MAX. */
MUST_CHECK enum status stun_integrity(struct bytes before, struct bytes password,
                                      uint8_t mac[STUN_INTEGRITY_BYTES]);

/* The pad that XOR-MAPPED-ADDRESS is masked with: cookie, then transaction (RFC 8489 14.2). */
void stun_address_mask(const uint8_t transaction[STUN_TRANSACTION_BYTES], uint8_t mask[16]);
