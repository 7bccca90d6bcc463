/* HMAC-SHA1 by the hash itself: each look at a browser's check takes it, and what OpenSSL's HMAC
 * does around it (fetching the algorithm under a lock, allocating) took ten times as long. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "wire/stun_attribute.h"

#include "base/wipe.h"

#include <openssl/sha.h>

#define INNER_PAD 0x36
#define OUTER_PAD 0x5c
_Static_assert(STUN_INTEGRITY_BYTES == SHA_DIGEST_LENGTH, "the whole digest goes out");

/* The hash of a padded key (RFC 2104). */
static bool begin(SHA_CTX *hash, const uint8_t key[SHA_CBLOCK], uint8_t pad)
{
    uint8_t block[SHA_CBLOCK];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    bool done = SHA1_Init(hash) == 1 && SHA1_Update(hash, block, sizeof block) == 1;
    memory_wipe(block, sizeof block);
    return done;
}

/* A key that is longer than a block is hashed first. */
static bool make_key(struct bytes password, uint8_t key[SHA_CBLOCK])
{
    memset(key, 0, SHA_CBLOCK);
    if (password.size > SHA_CBLOCK)
        return SHA1(password.data, password.size, key) != NULL;
    if (password.size > 0)
        memcpy(key, password.data, password.size);
    return true;
}

enum status stun_integrity(struct bytes before, struct bytes password,
                           uint8_t mac[STUN_INTEGRITY_BYTES])
{
    uint8_t head[STUN_HEADER_BYTES], key[SHA_CBLOCK], inner[SHA_DIGEST_LENGTH];
    SHA_CTX hash;
    if (before.size < STUN_HEADER_BYTES || before.size > STUN_BYTES_MAX)
        return STATUS_LIMIT;
    memcpy(head, before.data, sizeof head);
    store_u16(head + 2, (uint16_t)(before.size - STUN_HEADER_BYTES + STUN_ATTRIBUTE_HEAD_BYTES +
                                   STUN_INTEGRITY_BYTES));
    bool done = make_key(password, key) && begin(&hash, key, INNER_PAD) &&
                SHA1_Update(&hash, head, sizeof head) == 1 &&
                SHA1_Update(&hash, before.data + sizeof head, before.size - sizeof head) == 1 &&
                SHA1_Final(inner, &hash) == 1 && begin(&hash, key, OUTER_PAD) &&
                SHA1_Update(&hash, inner, sizeof inner) == 1 && SHA1_Final(mac, &hash) == 1;
    memory_wipe(key, sizeof key);
    memory_wipe(&hash, sizeof hash);
    return done ? STATUS_OK : STATUS_SYSTEM;
}
