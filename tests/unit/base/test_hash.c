#include "base/hash.h"

#include "base/check.h"
#include "unit/base/base_test.h"

/* The key 00 01 .. 0f and the inputs 00 01 .. of the SipHash-2-4 reference vectors. */
static void the_reference_vectors_of_siphash_hold(void **state)
{
    static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    static const struct {
        size_t size;
        uint64_t hash;
    } vectors[] = {
        {0, 0x726fdb47dd0e0e31u},
        {1, 0x74f839c593dc67fdu},
        {8, 0x93f5f5799a932462u},
        {15, 0xa129ca6149be45e5u},
    };
    uint8_t input[16];
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (uint8_t)i;
    for (size_t i = 0; i < COUNT_OF(vectors); i++)
        assert_true(hash_bytes(bytes_of(input, vectors[i].size), key) == vectors[i].hash);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_vectors_of_siphash_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
