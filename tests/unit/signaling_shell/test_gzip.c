#include "signaling/shell/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <zlib.h>

static void gzip_is_taken_where_its_name_or_the_star_has_a_weight_above_zero(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool accepted;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZip", true},
        {"br, gzip", true},
        {"gzip, deflate, br, zstd", true},
        {"deflate,gzip", true},
        {" ,, gzip ,", true},
        {"br, deflate", false},
        {"gzipped", false},
        {"x-gzip", false},
        {"gzip;q=1", true},
        {"gzip;q=0.001", true},
        {"gzip; q=0.5", true},
        {"gzip ; Q=1.000", true},
        {"gzip;q=0", false},
        {"gzip;q=0.", false},
        {"gzip;q=0.000", false},
        {"gzip; Q=0", false},
        {"gzip;q=", false},
        {"gzip;q=no", false},
        {"gzip;q=0, br", false},
        {"br;q=0, gzip", true},
        {"*", true},
        {"*;q=0", false},
        {"*;q=0, gzip", true},
        {"gzip;q=0, *", false},
        {"*, gzip;q=0", false},
        {"identity;q=1, *;q=0.1", true},
        {";", false},
        {";q=1,gzip", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (gzip_is_accepted(cases[i].value) != cases[i].accepted)
            fail_msg("'%s' should be %d", cases[i].value, cases[i].accepted);
}

static size_t inflated(struct bytes_mut packed, uint8_t *out, size_t capacity)
{
    z_stream stream = {.next_in = packed.data, .avail_in = (uInt)packed.size};
    stream.next_out = out;
    stream.avail_out = (uInt)capacity;
    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(inflateEnd(&stream), Z_OK);
    return stream.total_out;
}

static void what_is_compressed_comes_back_the_same(void **state)
{
    (void)state;
    static uint8_t plain[100000], back[100000];
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t) "function enter(room) { return room; }\n"[i % 38];
    struct bytes_mut packed;
    assert_int_equal(gzip_compress(bytes_of(plain, sizeof(plain)), &packed), STATUS_OK);
    assert_in_range(packed.size, 20, 2000);
    assert_int_equal(inflated(packed, back, sizeof(back)), sizeof(plain));
    assert_memory_equal(back, plain, sizeof(plain));
    free(packed.data);
}

static void what_would_not_shrink_is_left_alone(void **state)
{
    (void)state;
    uint8_t noise[4096];
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof(noise); i++) {
        x = x * 1664525u + 1013904223u;
        noise[i] = (uint8_t)(x >> 24);
    }
    const struct bytes cases[] = {BYTES_NONE, BYTES("a"), BYTES("short"), {noise, sizeof(noise)}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_mut packed = {noise, 1};
        assert_int_equal(gzip_compress(cases[i], &packed), STATUS_OK);
        assert_null(packed.data);
        assert_int_equal(packed.size, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_taken_where_its_name_or_the_star_has_a_weight_above_zero),
        cmocka_unit_test(what_is_compressed_comes_back_the_same),
        cmocka_unit_test(what_would_not_shrink_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
