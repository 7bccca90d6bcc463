#define _POSIX_C_SOURCE 200809L
#include "rtc/media_cipher.h"

#include "base/rng.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PACKET_BYTES 200
#define SSRC 0x11223344u

struct bench {
    struct media_cipher *a, *b;
};

static void make_keys(enum media_profile profile, struct media_keys *a, struct media_keys *b)
{
    struct rng rng = rng_of_seed(42);
    *a = (struct media_keys){.profile = profile,
                             .bytes = profile == MEDIA_PROFILE_GCM_128 ? 28 : 30};
    for (size_t i = 0; i < MEDIA_MASTER_BYTES_MAX; i++) {
        a->local[i] = (uint8_t)rng_next(&rng);
        a->remote[i] = (uint8_t)rng_next(&rng);
    }
    *b = *a;
    memcpy(b->local, a->remote, sizeof b->local);
    memcpy(b->remote, a->local, sizeof b->remote);
}

static void open_bench(struct bench *bench, enum media_profile profile)
{
    struct media_keys a, b;
    make_keys(profile, &a, &b);
    assert_int_equal(media_cipher_create(&bench->a, &a), STATUS_OK);
    assert_int_equal(media_cipher_create(&bench->b, &b), STATUS_OK);
}

static void close_bench(struct bench *bench)
{
    media_cipher_free(bench->a);
    media_cipher_free(bench->b);
}

static size_t make_rtp(uint8_t *out, uint32_t ssrc, uint16_t seq)
{
    memset(out, 0x77, PACKET_BYTES);
    out[0] = 0x80;
    out[1] = 96;
    store_u16(out + 2, seq);
    store_u32(out + 4, 1000u + seq);
    store_u32(out + 8, ssrc);
    return PACKET_BYTES;
}

static size_t make_rtcp(uint8_t *out, uint32_t ssrc)
{
    memset(out, 0, 8);
    out[0] = 0x80;
    out[1] = 201;
    store_u16(out + 2, 1);
    store_u32(out + 4, ssrc);
    return 8;
}

static enum status send_rtp(struct bench *bench, uint32_t ssrc, uint16_t seq)
{
    uint8_t plain[PACKET_BYTES], packet[PACKET_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
    size_t size = make_rtp(packet, ssrc, seq);
    memcpy(plain, packet, size);
    assert_int_equal(media_cipher_protect_rtp(bench->a, packet, &size), STATUS_OK);
    assert_true(size > PACKET_BYTES && size <= sizeof packet);
    assert_memory_not_equal(packet + 12, plain + 12, PACKET_BYTES - 12);
    enum status status = media_cipher_unprotect_rtp(bench->b, packet, &size);
    if (status == STATUS_OK) {
        assert_int_equal(size, PACKET_BYTES);
        assert_memory_equal(packet, plain, PACKET_BYTES);
    }
    return status;
}

static const enum media_profile profiles[] = {MEDIA_PROFILE_GCM_128, MEDIA_PROFILE_CM_80};

static void what_is_sealed_opens_to_the_same_packet(void **state)
{
    for (size_t p = 0; p < COUNT_OF(profiles); p++) {
        struct bench bench;
        open_bench(&bench, profiles[p]);
        assert_int_equal(send_rtp(&bench, SSRC, 1), STATUS_OK);
        uint8_t packet[64];
        size_t size = make_rtcp(packet, SSRC);
        assert_int_equal(media_cipher_protect_rtcp(bench.a, packet, &size), STATUS_OK);
        assert_true(size <= 8 + MEDIA_CIPHER_TRAILER_BYTES);
        assert_int_equal(media_cipher_unprotect_rtcp(bench.b, packet, &size), STATUS_OK);
        assert_int_equal(size, 8);
        close_bench(&bench);
    }
    (void)state;
}

static void the_two_directions_use_different_keys(void **state)
{
    for (size_t p = 0; p < COUNT_OF(profiles); p++) {
        struct bench bench;
        uint8_t packet[PACKET_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
        open_bench(&bench, profiles[p]);
        size_t size = make_rtp(packet, SSRC, 1);
        assert_int_equal(media_cipher_protect_rtp(bench.a, packet, &size), STATUS_OK);
        assert_int_equal(media_cipher_unprotect_rtp(bench.a, packet, &size), STATUS_AUTH);
        close_bench(&bench);
    }
    (void)state;
}

static void every_flipped_bit_is_noticed(void **state)
{
    for (size_t p = 0; p < COUNT_OF(profiles); p++) {
        struct bench bench;
        uint8_t sealed[PACKET_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
        open_bench(&bench, profiles[p]);
        size_t sealed_bytes = make_rtp(sealed, SSRC, 1);
        assert_int_equal(media_cipher_protect_rtp(bench.a, sealed, &sealed_bytes), STATUS_OK);
        for (size_t bit = 0; bit < sealed_bytes * 8; bit++) {
            uint8_t packet[sizeof sealed];
            size_t size = sealed_bytes;
            memcpy(packet, sealed, sizeof packet);
            packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (media_cipher_unprotect_rtp(bench.b, packet, &size) == STATUS_OK)
                fail_msg("profile %zu, bit %zu", p, bit);
        }
        assert_int_equal(media_cipher_unprotect_rtp(bench.b, sealed, &sealed_bytes), STATUS_OK);
        close_bench(&bench);
    }
    (void)state;
}

static void every_cut_of_a_packet_is_refused(void **state)
{
    for (size_t p = 0; p < COUNT_OF(profiles); p++) {
        struct bench bench;
        open_bench(&bench, profiles[p]);
        for (size_t cut = 0; cut < PACKET_BYTES; cut++) {
            uint8_t packet[PACKET_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
            size_t size = make_rtp(packet, SSRC, (uint16_t)(cut + 1));
            assert_int_equal(media_cipher_protect_rtp(bench.a, packet, &size), STATUS_OK);
            uint8_t *exact = malloc(cut + 1);
            assert_non_null(exact);
            memcpy(exact, packet, cut);
            size = cut;
            assert_int_not_equal(media_cipher_unprotect_rtp(bench.b, exact, &size), STATUS_OK);
            size = cut;
            assert_int_not_equal(media_cipher_unprotect_rtcp(bench.b, exact, &size), STATUS_OK);
            free(exact);
        }
        close_bench(&bench);
    }
    (void)state;
}

static void a_replayed_packet_is_refused_within_and_behind_the_window(void **state)
{
    for (size_t p = 0; p < COUNT_OF(profiles); p++) {
        struct bench bench;
        uint8_t packets[4][PACKET_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
        size_t sizes[4];
        static const uint16_t seqs[4] = {1000, 1001, 1002 + MEDIA_CIPHER_WINDOW, 1010};
        uint8_t copy[sizeof packets[0]];
        size_t size;
        open_bench(&bench, profiles[p]);
        for (size_t i = 0; i < 4; i++) {
            sizes[i] = make_rtp(packets[i], SSRC, seqs[i]);
            assert_int_equal(media_cipher_protect_rtp(bench.a, packets[i], &sizes[i]), STATUS_OK);
        }
        memcpy(copy, packets[0], sizeof copy);
        size = sizes[0];
        assert_int_equal(media_cipher_unprotect_rtp(bench.b, copy, &size), STATUS_OK);
        memcpy(copy, packets[0], sizeof copy);
        size = sizes[0];
        assert_int_equal(media_cipher_unprotect_rtp(bench.b, copy, &size), STATUS_REPLAYED);
        assert_int_equal(media_cipher_unprotect_rtp(bench.b, packets[2], &sizes[2]), STATUS_OK);
        assert_int_equal(media_cipher_unprotect_rtp(bench.b, packets[1], &sizes[1]),
                         STATUS_REPLAYED);
        /* Late by nearly the whole window, as a retransmission may be. */
        assert_int_equal(media_cipher_unprotect_rtp(bench.b, packets[3], &sizes[3]), STATUS_OK);
        uint8_t rtcp[64], again[64];
        size = make_rtcp(rtcp, SSRC);
        assert_int_equal(media_cipher_protect_rtcp(bench.a, rtcp, &size), STATUS_OK);
        memcpy(again, rtcp, sizeof again);
        size_t again_bytes = size;
        assert_int_equal(media_cipher_unprotect_rtcp(bench.b, rtcp, &size), STATUS_OK);
        assert_int_equal(media_cipher_unprotect_rtcp(bench.b, again, &again_bytes),
                         STATUS_REPLAYED);
        close_bench(&bench);
    }
    (void)state;
}

static void the_sequence_number_wraps_five_times(void **state)
{
    for (size_t p = 0; p < COUNT_OF(profiles); p++) {
        struct bench bench;
        open_bench(&bench, profiles[p]);
        for (uint32_t i = 0; i < 5 * 65536u; i += 97) { /* with loss, a long way round */
            if (send_rtp(&bench, SSRC, (uint16_t)(100 + i)) != STATUS_OK)
                fail_msg("profile %zu, packet %u", p, i);
        }
        close_bench(&bench);
    }
    (void)state;
}

static void a_packet_of_before_the_wrap_opens_after_it(void **state)
{
    struct bench bench;
    uint8_t late[PACKET_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
    open_bench(&bench, MEDIA_PROFILE_GCM_128);
    assert_int_equal(send_rtp(&bench, SSRC, 65533), STATUS_OK);
    size_t size = make_rtp(late, SSRC, 65535);
    assert_int_equal(media_cipher_protect_rtp(bench.a, late, &size), STATUS_OK);
    assert_int_equal(send_rtp(&bench, SSRC, 0), STATUS_OK);
    assert_int_equal(send_rtp(&bench, SSRC, 1), STATUS_OK);
    assert_int_equal(media_cipher_unprotect_rtp(bench.b, late, &size), STATUS_OK);
    close_bench(&bench);
    (void)state;
}

static void forged_ssrcs_take_no_place(void **state)
{
    struct bench bench;
    open_bench(&bench, MEDIA_PROFILE_GCM_128);
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t packet[PACKET_BYTES];
        size_t size = make_rtp(packet, i, 1);
        assert_int_equal(media_cipher_unprotect_rtp(bench.b, packet, &size), STATUS_AUTH);
    }
    assert_int_equal(send_rtp(&bench, SSRC, 1), STATUS_OK);
    close_bench(&bench);
    (void)state;
}

static void one_number_is_never_sealed_twice(void **state)
{
    struct bench bench;
    uint8_t packet[PACKET_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
    open_bench(&bench, MEDIA_PROFILE_GCM_128);
    assert_int_equal(send_rtp(&bench, SSRC, 7), STATUS_OK);
    size_t size = make_rtp(packet, SSRC, 7);
    assert_int_equal(media_cipher_protect_rtp(bench.a, packet, &size), STATUS_REPLAYED);
    assert_int_equal(size, PACKET_BYTES);
    assert_int_equal(packet[20], 0x77); /* left as it was */
    close_bench(&bench);
    (void)state;
}

#ifndef AMPHI_RELEASE
/* In a child, since our own bugs abort. */
static void another_packet_under_a_used_number_stops_a_debug_build(void **state)
{
    struct bench bench;
    open_bench(&bench, MEDIA_PROFILE_GCM_128);
    assert_int_equal(send_rtp(&bench, SSRC, 7), STATUS_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uint8_t packet[PACKET_BYTES + MEDIA_CIPHER_TRAILER_BYTES];
        size_t size = make_rtp(packet, SSRC, 7);
        packet[100] ^= 1;
        signal(SIGABRT, SIG_DFL);
        (void)!freopen("/dev/null", "w", stderr);
        (void)!media_cipher_protect_rtp(bench.a, packet, &size);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    close_bench(&bench);
    (void)state;
}
#endif

static int init_library(void **state)
{
    (void)state;
    return media_cipher_init_library() == STATUS_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_to_the_same_packet),
        cmocka_unit_test(the_two_directions_use_different_keys),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_cut_of_a_packet_is_refused),
        cmocka_unit_test(a_replayed_packet_is_refused_within_and_behind_the_window),
        cmocka_unit_test(the_sequence_number_wraps_five_times),
        cmocka_unit_test(a_packet_of_before_the_wrap_opens_after_it),
        cmocka_unit_test(forged_ssrcs_take_no_place),
        cmocka_unit_test(one_number_is_never_sealed_twice),
#ifndef AMPHI_RELEASE
        cmocka_unit_test(another_packet_under_a_used_number_stops_a_debug_build),
#endif
    };
    return cmocka_run_group_tests(tests, init_library, NULL);
}
