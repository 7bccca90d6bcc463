/* Every back end gives libsrtp's very bytes, for both profiles, packet by packet and in bursts. */
#include "rtc/srtp_sender.h"

#include "base/rng.h"
#include "support/srtp_reference.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PACKET_BYTES 1500
#define ROOM_BYTES (PACKET_BYTES + 64)

struct packet {
    uint8_t data[ROOM_BYTES];
    size_t header, size;
};

struct pair { /* ours, and libsrtp with the same keys */
    struct srtp_sender *ours;
    srtp_t theirs;
};

static void open_pair(struct pair *p, size_t variant, struct rng *rng)
{
    const struct srtp_variant v = srtp_variant_get(variant);
    struct media_keys keys = {.profile = v.profile,
                              .bytes = v.profile == MEDIA_PROFILE_GCM_128 ? 28 : 30};
    for (size_t i = 0; i < keys.bytes; i++)
        keys.local[i] = (uint8_t)rng_next(rng);
    srtp_reference_open(&p->theirs, v.profile, keys.local, ssrc_any_outbound, SRTP_SENDER_WINDOW,
                        false);
    assert_int_equal(srtp_sender_create(&p->ours, v.backend, &keys), STATUS_OK);
}

static void close_pair(struct pair *p)
{
    srtp_sender_free(p->ours);
    srtp_dealloc(p->theirs);
}

static void make_packet(struct rng *rng, struct packet *p, uint32_t ssrc, uint16_t seq)
{
    size_t csrcs = rng_below(rng, 4) == 0 ? rng_below(rng, 16) : 0;
    bool extended = rng_below(rng, 2) == 0;
    size_t words = extended ? rng_below(rng, 20) : 0;
    p->header = 12 + 4 * csrcs + (extended ? 4 + 4 * words : 0);
    p->size = p->header + rng_below(rng, 1200);
    for (size_t i = 0; i < p->size; i++)
        p->data[i] = (uint8_t)rng_next(rng);
    p->data[0] = (uint8_t)(0x80 | (extended ? 0x10 : 0) | csrcs);
    store_u16(p->data + 2, seq);
    store_u32(p->data + 8, ssrc);
    if (extended)
        store_u16(p->data + 12 + 4 * csrcs + 2, (uint16_t)words);
}

/* Out of place: `out` gets the header, the payload is read from `p`. */
static struct srtp_job job_of(struct pair *pair, const struct packet *p, uint8_t *out)
{
    memcpy(out, p->data, p->header);
    return (struct srtp_job){.sender = pair->ours,
                             .packet = out,
                             .header_bytes = p->header,
                             .payload = bytes_of(p->data + p->header, p->size - p->header)};
}

static enum status protect(struct pair *pair, const struct packet *p, uint8_t *out)
{
    struct srtp_job job = job_of(pair, p, out);
    srtp_sender_protect_rtp(NULL, &job, 1);
    return job.status;
}

/* What libsrtp makes of it, in place; false when it refuses. */
static bool protect_theirs(struct pair *pair, struct packet *p)
{
    int length = (int)p->size;
    if (srtp_protect(pair->theirs, p->data, &length) != srtp_err_status_ok)
        return false;
    p->size = (size_t)length;
    return true;
}

static void every_packet_has_libsrtps_very_bytes_across_roll_overs(void **state)
{
    static struct packet p;
    static uint8_t out[ROOM_BYTES];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(1 + v);
        struct pair pair;
        uint64_t seqs[3] = {rng_below(&rng, 0x8000), 0x7000, 12};
        open_pair(&pair, v, &rng);
        for (int i = 0; i < 8000; i++) {
            size_t which = rng_below(&rng, 3);
            seqs[which] += 1 + rng_below(&rng, 100); /* with gaps, so that numbers roll over */
            make_packet(&rng, &p, 1000 + (uint32_t)which, (uint16_t)seqs[which]);
            assert_int_equal(protect(&pair, &p, out), STATUS_OK);
            size_t expected = p.size + srtp_sender_get_tag_bytes(pair.ours);
            assert_true(protect_theirs(&pair, &p));
            assert_int_equal(expected, p.size);
            assert_memory_equal(out, p.data, p.size);
        }
        assert_true(seqs[0] > 0x10000);
        close_pair(&pair);
    }
    (void)state;
}

static void what_is_sealed_in_place_has_the_same_bytes(void **state)
{
    static struct packet p;
    static uint8_t out[ROOM_BYTES];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(40 + v);
        struct pair pair;
        open_pair(&pair, v, &rng);
        for (uint16_t i = 0; i < 300; i++) {
            make_packet(&rng, &p, 5, i);
            memcpy(out, p.data, p.size);
            struct srtp_job job = {.sender = pair.ours,
                                   .packet = out,
                                   .header_bytes = p.header,
                                   .payload = bytes_of(out + p.header, p.size - p.header)};
            srtp_sender_protect_rtp(NULL, &job, 1);
            assert_int_equal(job.status, STATUS_OK);
            assert_true(protect_theirs(&pair, &p));
            assert_memory_equal(out, p.data, p.size);
        }
        close_pair(&pair);
    }
    (void)state;
}

/* Packets of many peers with both profiles in one burst, some of them refused. */
static void a_burst_of_many_peers_gives_each_its_own_packet(void **state)
{
    enum { PEERS = SRTP_VARIANT_COUNT, PACKETS = 3 * SRTP_BURST_MAX + 7 };
    static struct packet packets[PACKETS];
    static uint8_t out[PACKETS][ROOM_BYTES];
    struct pair pairs[PEERS];
    struct srtp_job jobs[PACKETS];
    struct srtp_worker *worker;
    struct rng rng = rng_of_seed(7);
    uint16_t seqs[PEERS] = {0};
    assert_int_equal(srtp_worker_create(&worker), STATUS_OK);
    for (size_t v = 0; v < PEERS; v++)
        open_pair(&pairs[v], v, &rng);
    for (int round = 0; round < 20; round++) {
        size_t owner[PACKETS];
        for (size_t i = 0; i < PACKETS; i++) {
            owner[i] = rng_below(&rng, PEERS);
            make_packet(&rng, &packets[i], 9, ++seqs[owner[i]]);
            jobs[i] = job_of(&pairs[owner[i]], &packets[i], out[i]);
            if (i % 50 == 49)
                jobs[i].header_bytes = 11; /* no RTP packet */
        }
        srtp_sender_protect_rtp(worker, jobs, PACKETS);
        for (size_t i = 0; i < PACKETS; i++) {
            assert_int_equal(jobs[i].status, i % 50 == 49 ? STATUS_MALFORMED : STATUS_OK);
            assert_true(protect_theirs(&pairs[owner[i]], &packets[i]));
            if (i % 50 != 49)
                assert_memory_equal(out[i], packets[i].data, packets[i].size);
        }
    }
    for (size_t v = 0; v < PEERS; v++)
        close_pair(&pairs[v]);
    srtp_worker_free(worker);
    (void)state;
}

static void a_number_is_used_once_and_late_ones_still_go(void **state)
{
    static const struct {
        uint16_t seq;
        enum status expected;
    } cases[] = {{100, STATUS_OK},       {102, STATUS_OK},       {101, STATUS_OK},
                 {101, STATUS_REPLAYED}, {102, STATUS_REPLAYED}, {1200, STATUS_OK},
                 {177, STATUS_OK},       {176, STATUS_REPLAYED}, {1200, STATUS_REPLAYED}};
    static struct packet p;
    static uint8_t out[ROOM_BYTES];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(2);
        struct pair pair;
        open_pair(&pair, v, &rng);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct rng of_number = rng_of_seed(cases[i].seq); /* a repeat is the same packet */
            make_packet(&of_number, &p, 7, cases[i].seq);
            enum status got = protect(&pair, &p, out);
            if (got != cases[i].expected)
                fail_msg("variant %zu, step %zu, %u: got %s", v, i, cases[i].seq, status_name(got));
        }
        close_pair(&pair);
    }
    (void)state;
}

/* A repeat has the first one's very bytes, or is refused; one past what is kept as well. */
static void a_packet_that_was_kept_is_sealed_again_and_no_other_under_its_number(void **state)
{
    enum { KEPT = 16 };
    static struct packet p;
    static uint8_t first[ROOM_BYTES], again[ROOM_BYTES];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(31 + v);
        struct pair pair;
        open_pair(&pair, v, &rng);
        make_packet(&rng, &p, 7, 65530);
        p.size = p.size > p.header ? p.size : p.header + 1;
        struct srtp_job job = job_of(&pair, &p, first);
        job.repeats = KEPT;
        job.is_repeat = true; /* it never left: this is the first time */
        srtp_sender_protect_rtp(NULL, &job, 1);
        assert_int_equal(job.status, STATUS_OK);
        size_t size = p.size + srtp_sender_get_tag_bytes(pair.ours);
        for (uint16_t i = 1; i <= KEPT; i++) { /* numbers roll over */
            job = job_of(&pair, &p, again);
            job.is_repeat = true;
            srtp_sender_protect_rtp(NULL, &job, 1);
            assert_int_equal(job.status, STATUS_OK);
            assert_memory_equal(first, again, size);
            p.data[p.size - 1] ^= 1; /* another payload */
            job = job_of(&pair, &p, again);
            job.is_repeat = true;
            srtp_sender_protect_rtp(NULL, &job, 1);
            assert_int_equal(job.status, STATUS_REPLAYED);
            p.data[p.size - 1] ^= 1;
            p.data[1] ^= 0x80; /* another header */
            job = job_of(&pair, &p, again);
            job.is_repeat = true;
            srtp_sender_protect_rtp(NULL, &job, 1);
            assert_int_equal(job.status, STATUS_REPLAYED);
            p.data[1] ^= 0x80;
            struct packet next = p;
            store_u16(next.data + 2, (uint16_t)(65530 + i));
            job = job_of(&pair, &next, again);
            job.repeats = KEPT;
            srtp_sender_protect_rtp(NULL, &job, 1);
            assert_int_equal(job.status, STATUS_OK);
        }
        job = job_of(&pair, &p, again);
        job.is_repeat = true;
        srtp_sender_protect_rtp(NULL, &job, 1);
        assert_int_equal(job.status, STATUS_REPLAYED); /* its place is another one's */
        close_pair(&pair);
    }
    (void)state;
}

/* One that was not kept takes the place of one that was. */
static void a_number_that_was_sealed_once_only_is_never_sealed_again(void **state)
{
    static struct packet p;
    static uint8_t out[ROOM_BYTES];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(60 + v);
        struct pair pair;
        open_pair(&pair, v, &rng);
        make_packet(&rng, &p, 7, 1);
        assert_int_equal(protect(&pair, &p, out), STATUS_OK);
        struct srtp_job job = job_of(&pair, &p, out);
        job.repeats = 16;
        job.is_repeat = true;
        srtp_sender_protect_rtp(NULL, &job, 1);
        assert_int_equal(job.status, STATUS_REPLAYED);
        close_pair(&pair);
    }
    (void)state;
}

/* Numbers that leap anywhere, also to before the first one: receivers count roll-overs as libsrtp
 * does, and one wrong guess would leave them deaf for good. */
static void any_leap_counts_roll_overs_as_libsrtp_does(void **state)
{
    static struct packet p;
    static uint8_t out[ROOM_BYTES];
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct rng rng = rng_of_seed(seed);
        struct pair pair;
        uint16_t seq = (uint16_t)rng_below(&rng, seed % 2 == 0 ? 20 : 65536);
        open_pair(&pair, seed % SRTP_VARIANT_COUNT, &rng);
        for (int i = 0; i < 60; i++) {
            struct rng of_number = rng_of_seed(seed << 16 | seq);
            make_packet(&of_number, &p, 5, seq);
            size_t size = p.size;
            enum status got = protect(&pair, &p, out);
            bool expected = protect_theirs(&pair, &p);
            if ((got == STATUS_OK) != expected ||
                (expected && (p.size != size + srtp_sender_get_tag_bytes(pair.ours) ||
                              memcmp(out, p.data, p.size) != 0)))
                fail_msg("seed %u, packet %d, number %u: %s, libsrtp %d", (unsigned)seed, i, seq,
                         status_name(got), expected);
            seq = (uint16_t)(seq + (rng_below(&rng, 4) == 0 ? rng_below(&rng, 65536)
                                                            : rng_below(&rng, 40) - 20));
        }
        close_pair(&pair);
    }
    (void)state;
}

static void malformed_packets_and_ssrcs_too_many_are_refused(void **state)
{
    static struct packet p;
    static uint8_t out[ROOM_BYTES];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(3);
        struct pair pair;
        open_pair(&pair, v, &rng);
        make_packet(&rng, &p, 1, 1);
        p.header = 11;
        assert_int_equal(protect(&pair, &p, out), STATUS_MALFORMED);
        for (uint32_t ssrc = 0; ssrc <= SRTP_SENDER_SSRCS_MAX; ssrc++) {
            make_packet(&rng, &p, ssrc, 1);
            assert_int_equal(protect(&pair, &p, out),
                             ssrc < SRTP_SENDER_SSRCS_MAX ? STATUS_OK : STATUS_LIMIT);
        }
        close_pair(&pair);
    }
    (void)state;
}

/* SRTCP numbers are ours to choose, so libsrtp opens instead of comparing. */
static void libsrtp_opens_every_rtcp_packet_and_finds_what_was_sealed(void **state)
{
    static struct packet p;
    uint8_t plain[ROOM_BYTES];
    for (size_t v = 0; v < SRTP_VARIANT_COUNT; v++) {
        struct rng rng = rng_of_seed(20 + v), same = rng_of_seed(20 + v);
        struct pair pair, other;
        open_pair(&pair, v, &rng);
        open_pair(&other, v, &same); /* the same keys; its libsrtp half opens */
        for (int i = 0; i < 500; i++) {
            p.size = 8 + 4 * rng_below(&rng, 300);
            for (size_t k = 0; k < p.size; k++)
                p.data[k] = (uint8_t)rng_next(&rng);
            store_u32(p.data + 4, (uint32_t)rng_below(&rng, 3));
            memcpy(plain, p.data, p.size);
            size_t size = p.size;
            assert_int_equal(srtp_sender_protect_rtcp(pair.ours, p.data, &size), STATUS_OK);
            assert_true(size <= p.size + SRTP_RTCP_TRAILER_BYTES_MAX);
            int length = (int)size;
            assert_int_equal(srtp_unprotect_rtcp(other.theirs, p.data, &length),
                             srtp_err_status_ok);
            assert_int_equal(length, p.size);
            assert_memory_equal(p.data, plain, p.size);
        }
        size_t size = 7;
        assert_int_equal(srtp_sender_protect_rtcp(pair.ours, p.data, &size), STATUS_MALFORMED);
        close_pair(&pair);
        close_pair(&other);
    }
    (void)state;
}

static void the_choice_is_ipsec_mb_where_it_is_there_and_can_be_overruled(void **state)
{
    assert_int_equal(srtp_sender_get_choice(), srtp_backend_is_available(SRTP_BACKEND_IPSEC_MB)
                                                   ? SRTP_BACKEND_IPSEC_MB
                                                   : SRTP_BACKEND_OPENSSL);
    for (int i = SRTP_BACKEND_OPENSSL; i < SRTP_BACKEND_COUNT; i++) {
        assert_int_equal(srtp_sender_choose((enum srtp_backend)i), STATUS_OK);
        assert_int_equal(srtp_sender_get_choice(), i);
    }
    assert_int_equal(srtp_sender_choose(SRTP_BACKEND_AUTO), STATUS_OK);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_has_libsrtps_very_bytes_across_roll_overs),
        cmocka_unit_test(what_is_sealed_in_place_has_the_same_bytes),
        cmocka_unit_test(a_burst_of_many_peers_gives_each_its_own_packet),
        cmocka_unit_test(a_number_is_used_once_and_late_ones_still_go),
        cmocka_unit_test(a_packet_that_was_kept_is_sealed_again_and_no_other_under_its_number),
        cmocka_unit_test(a_number_that_was_sealed_once_only_is_never_sealed_again),
        cmocka_unit_test(any_leap_counts_roll_overs_as_libsrtp_does),
        cmocka_unit_test(malformed_packets_and_ssrcs_too_many_are_refused),
        cmocka_unit_test(libsrtp_opens_every_rtcp_packet_and_finds_what_was_sealed),
        cmocka_unit_test(the_choice_is_ipsec_mb_where_it_is_there_and_can_be_overruled),
    };
    srtp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
