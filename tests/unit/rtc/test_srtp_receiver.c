/* Every back end opens what libsrtp opens, refuses what it refuses, and finds the same bytes. */
#include "rtc/srtp_receiver.h"

#include "base/rng.h"
#include "support/srtp_reference.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROOM_BYTES 1600
#define KEPT 64

struct sealed {
    uint8_t data[ROOM_BYTES];
    size_t size;
    uint16_t seq;
};

struct ends {
    struct srtp_receiver *ours;
    srtp_t theirs, sender;
};

static void open_ends(struct ends *e, size_t variant, struct rng *rng)
{
    const struct srtp_variant v = srtp_variant_get(variant);
    struct media_keys keys = {.profile = v.profile,
                              .bytes = v.profile == MEDIA_PROFILE_GCM_128 ? 28 : 30};
    for (size_t i = 0; i < keys.bytes; i++)
        keys.remote[i] = (uint8_t)rng_next(rng);
    srtp_reference_open(&e->theirs, v.profile, keys.remote, ssrc_any_inbound, SRTP_WINDOW_NUMBERS,
                        true);
    srtp_reference_open(&e->sender, v.profile, keys.remote, ssrc_any_outbound, SRTP_WINDOW_NUMBERS,
                        true);
    assert_int_equal(srtp_receiver_create(&e->ours, v.backend, &keys), STATUS_OK);
}

static void close_ends(struct ends *e)
{
    srtp_receiver_free(e->ours);
    srtp_dealloc(e->theirs);
    srtp_dealloc(e->sender);
}

static void make_rtp(struct rng *rng, struct sealed *p, uint32_t ssrc, uint16_t seq)
{
    size_t csrcs = rng_below(rng, 4) == 0 ? rng_below(rng, 16) : 0;
    bool extended = rng_below(rng, 2) == 0;
    size_t words = extended ? rng_below(rng, 20) : 0;
    p->size = 12 + 4 * csrcs + (extended ? 4 + 4 * words : 0) + rng_below(rng, 1200);
    p->seq = seq;
    for (size_t i = 0; i < p->size; i++)
        p->data[i] = (uint8_t)rng_next(rng);
    p->data[0] = (uint8_t)(0x80 | (extended ? 0x10 : 0) | csrcs);
    store_u16(p->data + 2, seq);
    store_u32(p->data + 8, ssrc);
    if (extended)
        store_u16(p->data + 12 + 4 * csrcs + 2, (uint16_t)words);
}

/* Both open a copy of `p`: the verdicts must agree, and the bytes. True when it was opened. */
static bool open_both(struct ends *e, const struct sealed *p, bool rtcp, const char *what)
{
    static uint8_t ours[ROOM_BYTES], theirs[ROOM_BYTES];
    size_t size = p->size;
    int length = (int)p->size;
    memcpy(ours, p->data, p->size);
    memcpy(theirs, p->data, p->size);
    srtp_err_status_t expected = rtcp ? srtp_unprotect_rtcp(e->theirs, theirs, &length)
                                      : srtp_unprotect(e->theirs, theirs, &length);
    enum status got = rtcp ? srtp_receiver_open_rtcp(e->ours, ours, &size)
                           : srtp_receiver_open_rtp(e->ours, ours, &size);
    bool replayed =
        expected == srtp_err_status_replay_fail || expected == srtp_err_status_replay_old;
    /* What is damaged and a repeat may be refused for either. */
    if ((got == STATUS_OK) != (expected == srtp_err_status_ok) ||
        (got != STATUS_MALFORMED && (got == STATUS_REPLAYED) != replayed))
        fail_msg("%s: %s, libsrtp %d", what, status_name(got), expected);
    if (got != STATUS_OK)
        return false;
    assert_int_equal(size, length);
    assert_memory_equal(ours, theirs, size);
    return true;
}

static void seal(struct ends *e, struct sealed *p, bool rtcp)
{
    int length = (int)p->size;
    assert_int_equal(rtcp ? srtp_protect_rtcp(e->sender, p->data, &length)
                          : srtp_protect(e->sender, p->data, &length),
                     srtp_err_status_ok);
    p->size = (size_t)length;
}

/* A stream with gaps, late packets, repeats, and copies with a bit changed or the end cut off. */
static void every_packet_gets_libsrtps_verdict_and_bytes_across_roll_overs(void **state)
{
    static struct sealed kept[KEPT];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(100 + v);
        struct ends ends;
        uint64_t seqs[3] = {rng_below(&rng, 0x8000), 0xfff0, 12};
        size_t opened = 0;
        open_ends(&ends, v, &rng);
        for (size_t i = 0; i < 6000; i++) {
            size_t which = rng_below(&rng, 3);
            struct sealed *p = &kept[i % KEPT];
            seqs[which] += 1 + rng_below(&rng, 60);
            make_rtp(&rng, p, 1000 + (uint32_t)which, (uint16_t)seqs[which]);
            seal(&ends, p, false);
            if (rng_below(&rng, 10) != 0) /* the others come late, or never */
                opened += open_both(&ends, p, false, "packet");
            struct sealed copy = kept[rng_below(&rng, i < KEPT ? i + 1 : KEPT)];
            uint64_t fate = rng_below(&rng, 6);
            if (fate == 0)
                copy.data[rng_below(&rng, copy.size)] ^= (uint8_t)(1u << rng_below(&rng, 8));
            else if (fate == 1)
                copy.size = rng_below(&rng, copy.size);
            if (fate < 4)
                opened += open_both(&ends, &copy, false, "copy");
        }
        assert_true(opened > 5000);
        assert_true(seqs[0] > 0x10000);
        close_ends(&ends);
    }
    (void)state;
}

/* Numbers that leap anywhere. The sender's libsrtp counts roll-overs alike, unless a leap makes it
 * guess differently from a receiver that missed what came before: then both receivers refuse. */
static void any_leap_counts_roll_overs_as_libsrtp_does(void **state)
{
    static struct sealed p;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct rng rng = rng_of_seed(seed);
        struct ends ends;
        uint16_t seq = (uint16_t)rng_below(&rng, seed % 2 == 0 ? 20 : 65536);
        open_ends(&ends, seed % SRTP_VARIANT_COUNT, &rng);
        for (int i = 0; i < 60; i++) {
            make_rtp(&rng, &p, 5, seq);
            int length = (int)p.size;
            if (srtp_protect(ends.sender, p.data, &length) == srtp_err_status_ok) {
                p.size = (size_t)length;
                if (rng_below(&rng, 4) != 0 || i == 0) /* the first: see the next test */
                    open_both(&ends, &p, false, "leap");
            }
            switch (rng_below(&rng, 5)) {
            case 0:
                seq = (uint16_t)rng_below(&rng, 65536);
                break;
            case 1:
                seq = (uint16_t)(seq + 0x8000); /* just half way round */
                break;
            default:
                seq = (uint16_t)(seq + rng_below(&rng, 40) - 20);
            }
        }
        close_ends(&ends);
    }
    (void)state;
}

/* libsrtp takes it for one of the first round, and never hears the stream. */
static void a_stream_that_wrapped_before_anything_of_it_came_is_opened(void **state)
{
    static struct sealed p;
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(v);
        struct ends ends;
        if (srtp_variant_get(v).backend == SRTP_BACKEND_LIBSRTP)
            continue;
        open_ends(&ends, v, &rng);
        for (uint32_t i = 0; i < 40; i++) {
            make_rtp(&rng, &p, 5, (uint16_t)(65530 + i));
            seal(&ends, &p, false);
            struct sealed again = p;
            if (i < 10)
                continue; /* lost */
            assert_int_equal(srtp_receiver_open_rtp(ends.ours, p.data, &p.size), STATUS_OK);
            assert_int_equal(srtp_receiver_open_rtp(ends.ours, again.data, &again.size),
                             STATUS_REPLAYED);
        }
        make_rtp(&rng, &p, 6, 7); /* a forged one takes no place by it */
        p.size += 16;
        assert_int_equal(srtp_receiver_open_rtp(ends.ours, p.data, &p.size), STATUS_AUTH);
        close_ends(&ends);
    }
    (void)state;
}

static void every_rtcp_packet_gets_libsrtps_verdict_and_bytes(void **state)
{
    static struct sealed kept[KEPT];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(300 + v);
        struct ends ends;
        size_t opened = 0;
        open_ends(&ends, v, &rng);
        for (size_t i = 0; i < 2000; i++) {
            struct sealed *p = &kept[i % KEPT];
            p->size = 8 + 4 * rng_below(&rng, 300);
            for (size_t k = 0; k < p->size; k++)
                p->data[k] = (uint8_t)rng_next(&rng);
            p->data[0] = 0x80;
            store_u32(p->data + 4, 7 + (uint32_t)rng_below(&rng, 3));
            seal(&ends, p, true);
            if (rng_below(&rng, 10) != 0)
                opened += open_both(&ends, p, true, "packet");
            struct sealed copy = kept[rng_below(&rng, i < KEPT ? i + 1 : KEPT)];
            uint64_t fate = rng_below(&rng, 6);
            if (fate == 0) /* all but the version and the E flag, which we look at first */
                copy.data[1 + rng_below(&rng, copy.size - 25)] ^= 4;
            if (fate < 3)
                opened += open_both(&ends, &copy, true, "copy");
        }
        assert_true(opened > 1800);
        close_ends(&ends);
    }
    (void)state;
}

static enum status open_one(struct ends *e, struct rng *rng, uint32_t ssrc, uint16_t seq, bool rtcp)
{
    static struct sealed p;
    make_rtp(rng, &p, ssrc, seq);
    if (rtcp) {
        p.size = 28;
        memset(p.data, 0, p.size);
        p.data[0] = 0x80;
        store_u32(p.data + 4, ssrc);
    }
    seal(e, &p, rtcp);
    return rtcp ? srtp_receiver_open_rtcp(e->ours, p.data, &p.size)
                : srtp_receiver_open_rtp(e->ours, p.data, &p.size);
}

static void an_ssrc_too_many_is_refused_and_the_others_go_on(void **state)
{
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(v);
        struct ends e;
        open_ends(&e, v, &rng);
        for (uint32_t i = 0; i < SRTP_RECEIVER_SSRCS_MAX; i++)
            assert_int_equal(open_one(&e, &rng, 1 + i, 1, i % 3 == 0), STATUS_OK);
        for (uint16_t i = 0; i < 2; i++)
            assert_int_equal(open_one(&e, &rng, 1 + SRTP_RECEIVER_SSRCS_MAX, i, i == 1),
                             STATUS_LIMIT);
        for (uint32_t i = 0; i < SRTP_RECEIVER_SSRCS_MAX; i++)
            assert_int_equal(open_one(&e, &rng, 1 + i, 2, false), STATUS_OK);
        close_ends(&e);
    }
    (void)state;
}

static void rtcp_that_is_not_encrypted_is_refused(void **state)
{
    static struct sealed p;
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(1);
        struct ends ends;
        bool gcm = srtp_variant_get(v).profile == MEDIA_PROFILE_GCM_128;
        open_ends(&ends, v, &rng);
        p.size = 32;
        memset(p.data, 0, p.size);
        p.data[0] = 0x80;
        seal(&ends, &p, true);
        p.data[p.size - (gcm ? 4 : 14)] &= 0x7f;
        size_t size = p.size;
        assert_int_not_equal(srtp_receiver_open_rtcp(ends.ours, p.data, &size), STATUS_OK);
        close_ends(&ends);
    }
    (void)state;
}

static void keys_of_another_size_or_profile_are_refused(void **state)
{
    struct srtp_receiver *r;
    struct media_keys keys = {.profile = MEDIA_PROFILE_NONE, .bytes = 28};
    assert_int_equal(srtp_receiver_create(&r, SRTP_BACKEND_OPENSSL, &keys), STATUS_CONFIG);
    keys = (struct media_keys){.profile = MEDIA_PROFILE_GCM_128, .bytes = 16};
    assert_int_equal(srtp_receiver_create(&r, SRTP_BACKEND_OPENSSL, &keys), STATUS_CONFIG);
    keys.bytes = 31;
    assert_int_equal(srtp_receiver_create(&r, SRTP_BACKEND_OPENSSL, &keys), STATUS_CONFIG);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_gets_libsrtps_verdict_and_bytes_across_roll_overs),
        cmocka_unit_test(any_leap_counts_roll_overs_as_libsrtp_does),
        cmocka_unit_test(a_stream_that_wrapped_before_anything_of_it_came_is_opened),
        cmocka_unit_test(every_rtcp_packet_gets_libsrtps_verdict_and_bytes),
        cmocka_unit_test(an_ssrc_too_many_is_refused_and_the_others_go_on),
        cmocka_unit_test(rtcp_that_is_not_encrypted_is_refused),
        cmocka_unit_test(keys_of_another_size_or_profile_are_refused),
    };
    srtp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
