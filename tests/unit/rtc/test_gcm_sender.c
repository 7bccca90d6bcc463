/* What we seal, libsrtp opens; what libsrtp seals has the same bytes. */
#include "rtc/gcm_sender.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <srtp2/srtp.h>

#define PACKET_BYTES 1500

static uint8_t master[28];

static void make_sessions(struct rng *rng, struct gcm_sender **ours, srtp_t *theirs)
{
    srtp_policy_t policy;
    for (size_t i = 0; i < sizeof master; i++)
        master[i] = (uint8_t)rng_next(rng);
    memset(&policy, 0, sizeof policy);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    policy.ssrc.type = ssrc_any_outbound;
    policy.key = master;
    policy.window_size = 1024;
    assert_int_equal(srtp_create(theirs, &policy), srtp_err_status_ok);
    assert_int_equal(gcm_sender_create(ours, master), STATUS_OK);
}

static size_t make_packet(struct rng *rng, uint8_t *packet, uint32_t ssrc, uint16_t seq)
{
    size_t csrcs = rng_below(rng, 4) == 0 ? rng_below(rng, 16) : 0;
    bool extended = rng_below(rng, 2) == 0;
    size_t words = extended ? rng_below(rng, 20) : 0;
    size_t header = 12 + 4 * csrcs + (extended ? 4 + 4 * words : 0);
    size_t size = header + rng_below(rng, 1200);
    for (size_t i = 0; i < size; i++)
        packet[i] = (uint8_t)rng_next(rng);
    packet[0] = (uint8_t)(0x80 | (extended ? 0x10 : 0) | csrcs);
    store_u16(packet + 2, seq);
    store_u32(packet + 8, ssrc);
    if (extended)
        store_u16(packet + 12 + 4 * csrcs + 2, (uint16_t)words);
    return size;
}

static void every_packet_has_libsrtps_very_bytes_across_roll_overs(void **state)
{
    struct rng rng = rng_of_seed(1);
    struct gcm_sender *ours;
    srtp_t theirs;
    uint8_t a[PACKET_BYTES + 64];
    uint8_t b[PACKET_BYTES + 64];
    uint64_t seqs[3] = {rng_below(&rng, 0x8000), 0x7000, 12};
    make_sessions(&rng, &ours, &theirs);
    for (int i = 0; i < 30000; i++) {
        size_t which = rng_below(&rng, 3);
        seqs[which] += 1 + rng_below(&rng, 30); /* with gaps, so that numbers roll over */
        size_t size = make_packet(&rng, a, 1000 + (uint32_t)which, (uint16_t)seqs[which]);
        int length = (int)size;
        memcpy(b, a, size);
        assert_int_equal(gcm_sender_protect(ours, a, &size), STATUS_OK);
        assert_int_equal(srtp_protect(theirs, b, &length), srtp_err_status_ok);
        assert_int_equal(size, length);
        assert_memory_equal(a, b, size);
    }
    assert_true(seqs[0] > 0x10000);
    gcm_sender_free(ours);
    srtp_dealloc(theirs);
    (void)state;
}

static void a_number_is_used_once_and_late_ones_still_go(void **state)
{
    struct rng rng = rng_of_seed(2);
    struct gcm_sender *ours;
    srtp_t theirs;
    uint8_t packet[PACKET_BYTES + 64];
    static const struct {
        uint16_t seq;
        enum status expected;
    } cases[] = {{100, STATUS_OK},       {102, STATUS_OK},       {101, STATUS_OK},
                 {101, STATUS_REPLAYED}, {102, STATUS_REPLAYED}, {1200, STATUS_OK},
                 {177, STATUS_OK},       {176, STATUS_REPLAYED}, {1200, STATUS_REPLAYED}};
    make_sessions(&rng, &ours, &theirs);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size = make_packet(&rng, packet, 7, cases[i].seq);
        enum status got = gcm_sender_protect(ours, packet, &size);
        if (got != cases[i].expected)
            fail_msg("step %zu, %u: got %s", i, cases[i].seq, status_name(got));
    }
    gcm_sender_free(ours);
    srtp_dealloc(theirs);
    (void)state;
}

/* Numbers that leap anywhere, also to before the first one: receivers count roll-overs as libsrtp
 * does, and one wrong guess would leave them deaf for good. */
static void any_leap_counts_roll_overs_as_libsrtp_does(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rng rng = rng_of_seed(seed);
        struct gcm_sender *ours;
        srtp_t theirs;
        uint8_t a[PACKET_BYTES + 64];
        uint8_t b[PACKET_BYTES + 64];
        uint16_t seq = (uint16_t)rng_below(&rng, seed % 2 == 0 ? 20 : 65536);
        make_sessions(&rng, &ours, &theirs);
        for (int i = 0; i < 60; i++) {
            size_t size = make_packet(&rng, a, 5, seq);
            int length = (int)size;
            memcpy(b, a, size);
            enum status got = gcm_sender_protect(ours, a, &size);
            srtp_err_status_t expected = srtp_protect(theirs, b, &length);
            if ((got == STATUS_OK) != (expected == srtp_err_status_ok) || size != (size_t)length ||
                (got == STATUS_OK && memcmp(a, b, size) != 0))
                fail_msg("seed %u, packet %d, number %u: %s, libsrtp %d", (unsigned)seed, i, seq,
                         status_name(got), (int)expected);
            seq = (uint16_t)(seq + (rng_below(&rng, 4) == 0 ? rng_below(&rng, 65536)
                                                            : rng_below(&rng, 40) - 20));
        }
        gcm_sender_free(ours);
        srtp_dealloc(theirs);
    }
    (void)state;
}

static void malformed_packets_and_ssrcs_too_many_are_refused(void **state)
{
    struct rng rng = rng_of_seed(3);
    struct gcm_sender *ours;
    srtp_t theirs;
    uint8_t packet[PACKET_BYTES + 64] = {0x80};
    size_t size = 11;
    make_sessions(&rng, &ours, &theirs);
    assert_int_equal(gcm_sender_protect(ours, packet, &size), STATUS_MALFORMED);
    packet[0] = 0x8f; /* 15 CSRCs, none there */
    size = 20;
    assert_int_equal(gcm_sender_protect(ours, packet, &size), STATUS_MALFORMED);
    packet[0] = 0x90;
    store_u16(packet + 14, 0xffff); /* an extension longer than the packet */
    assert_int_equal(gcm_sender_protect(ours, packet, &size), STATUS_MALFORMED);
    for (uint32_t ssrc = 0; ssrc <= GCM_SENDER_SSRCS_MAX; ssrc++) {
        size = make_packet(&rng, packet, ssrc, 1);
        assert_int_equal(gcm_sender_protect(ours, packet, &size),
                         ssrc < GCM_SENDER_SSRCS_MAX ? STATUS_OK : STATUS_LIMIT);
    }
    gcm_sender_free(ours);
    srtp_dealloc(theirs);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_has_libsrtps_very_bytes_across_roll_overs),
        cmocka_unit_test(a_number_is_used_once_and_late_ones_still_go),
        cmocka_unit_test(any_leap_counts_roll_overs_as_libsrtp_does),
        cmocka_unit_test(malformed_packets_and_ssrcs_too_many_are_refused),
    };
    srtp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
