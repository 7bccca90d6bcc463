#include "base/hash.h"

struct sip_state {
    uint64_t v[4];
};

static uint64_t rotate_left(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(struct sip_state *s)
{
    s->v[0] += s->v[1];
    s->v[1] = rotate_left(s->v[1], 13) ^ s->v[0];
    s->v[0] = rotate_left(s->v[0], 32);
    s->v[2] += s->v[3];
    s->v[3] = rotate_left(s->v[3], 16) ^ s->v[2];
    s->v[0] += s->v[3];
    s->v[3] = rotate_left(s->v[3], 21) ^ s->v[0];
    s->v[2] += s->v[1];
    s->v[1] = rotate_left(s->v[1], 17) ^ s->v[2];
    s->v[2] = rotate_left(s->v[2], 32);
}

static void sip_word(struct sip_state *s, uint64_t word)
{
    s->v[3] ^= word;
    sip_round(s);
    sip_round(s);
    s->v[0] ^= word;
}

uint64_t hash_bytes(struct bytes b, const uint64_t key[2])
{
    struct sip_state s = {{key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                           key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u}};
    size_t whole = b.size / 8;
    for (size_t i = 0; i < whole; i++) {
        uint64_t word = 0;
        for (size_t k = 0; k < 8; k++)
            word |= (uint64_t)b.data[i * 8 + k] << (8 * k);
        sip_word(&s, word);
    }
    uint64_t last = (uint64_t)b.size << 56;
    for (size_t k = 0; k < b.size % 8; k++)
        last |= (uint64_t)b.data[whole * 8 + k] << (8 * k);
    sip_word(&s, last);
    s.v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
