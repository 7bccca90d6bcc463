#include "signaling/core/secrets.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum status secret_random(void *out, size_t size)
{
    CHECK(size <= 1024);
    return RAND_bytes(out, (int)size) == 1 ? STATUS_OK : STATUS_SYSTEM;
}

enum status secret_id_make(char *out)
{
    uint8_t bits[16];
    enum status status = secret_random(bits, sizeof bits);
    if (status != STATUS_OK)
        return status;
    return base64url_encode(bytes_of(bits, sizeof bits), out, SECRET_ID_BYTES);
}

void secret_hash(struct bytes text, uint8_t out[RESUME_HASH_BYTES])
{
    SHA256(text.data, text.size, out);
}

bool secret_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}

bool secret_hash_matches(const uint8_t *kept, const uint8_t *given)
{
    static const uint8_t none[RESUME_HASH_BYTES];
    return !secret_equal(bytes_of(kept, RESUME_HASH_BYTES), bytes_of(none, RESUME_HASH_BYTES)) &&
           secret_equal(bytes_of(kept, RESUME_HASH_BYTES), bytes_of(given, RESUME_HASH_BYTES));
}

static int value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum status base64url_decode(struct bytes text, struct bytes_mut out, size_t *size)
{
    if (text.size % 4 == 1)
        return STATUS_MALFORMED;
    if (text.size / 4 * 3 + text.size % 4 > out.size)
        return STATUS_LIMIT;
    uint32_t bits = 0;
    unsigned have = 0;
    size_t used = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = value_of(text.data[i]);
        if (value < 0)
            return STATUS_MALFORMED;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        out.data[used++] = (uint8_t)(bits >> have);
        bits &= (1u << have) - 1;
    }
    if (bits != 0)
        return STATUS_MALFORMED; /* two texts for the same bytes */
    *size = used;
    return STATUS_OK;
}

enum status base64url_encode(struct bytes data, char *out, size_t capacity)
{
    size_t needed = (data.size * 8 + 5) / 6 + 1;
    if (capacity < needed)
        return STATUS_TRUNCATED;
    uint32_t bits = 0;
    unsigned have = 0;
    size_t used = 0;
    for (size_t i = 0; i < data.size; i++) {
        bits = bits << 8 | data.data[i];
        have += 8;
        while (have >= 6) {
            have -= 6;
            out[used++] = alphabet[bits >> have & 0x3f];
        }
        bits &= (1u << have) - 1;
    }
    if (have > 0)
        out[used++] = alphabet[bits << (6 - have) & 0x3f];
    out[used] = '\0';
    return STATUS_OK;
}
