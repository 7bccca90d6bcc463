/* bench-micro: each stage of a packet's way through the relay for itself, in CPU time and heap
 * allocations per packet. One thread, the product's own functions, 200 receivers in turn, so that
 * keys and state come from the second-level cache as they do in a class. The median of several
 * rounds. */
#include "base/check.h"
#include "host/host_clock.h"
#include "host/udp_batch.h"
#include "relay/core/subscription.h"
#include "rtc/media_cipher.h"
#include "tests/bench/floor/floor_seal.h"
#include "tests/bench/micro/count_allocations.h"
#include "wire/rtp_extension.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVERS 200
#define ROUNDS 7
#define PACKETS_PER_ROUND 40000
#define RUN 9 /* packets of one frame */
#define EXT_MID 1

struct micro {
    uint8_t packet[1500]; /* as the trainer sent it, opened */
    size_t size;
    struct media_packet parsed;
    uint8_t extension_ids[HEADER_EXTENSION_COUNT];
    struct subscription subscriptions[RECEIVERS];
    struct media_cipher *ciphers[RECEIVERS];
    struct floor_sealer *sealers[RECEIVERS];
    struct udp_socket sender, receivers[RECEIVERS];
    uint8_t work[RUN][1600];
    uint64_t seq;
    uint64_t sum; /* keeps the compiler from leaving things out */
};

static size_t make_packet(uint8_t *out, size_t capacity, size_t payload_bytes)
{
    uint8_t block[32];
    struct rtp_extension mid = {EXT_MID, BYTES("1")};
    struct rtp_header header = {.payload_type = 96, .seq = 7, .timestamp = 90000, .ssrc = 4711};
    struct writer b = writer_of((struct bytes_mut){block, sizeof block});
    CHECK(rtp_extension_write(&b, &mid, 1, &header.extension_profile) == STATUS_OK);
    header.extension = bytes_const(writer_written(&b));
    struct writer w = writer_of((struct bytes_mut){out, capacity});
    rtp_write_header(&w, &header);
    write_zeros(&w, payload_bytes);
    CHECK(!w.failed);
    return writer_size(&w);
}

/* --- The stages. Each handles one packet for receiver `i`. */

static void parse(struct micro *m, size_t i)
{
    struct rtp_header header;
    struct bytes mid;
    m->packet[3] = (uint8_t)i;
    if (rtp_parse_header(bytes_of(m->packet, m->size), &header) == STATUS_OK &&
        rtp_extension_find(&header, EXT_MID, &mid))
        m->sum += header.seq + mid.size;
}

static void rewrite(struct micro *m, size_t i)
{
    uint64_t seq;
    uint32_t timestamp;
    if (i == 0)
        m->parsed.seq++;
    struct subscription *s = &m->subscriptions[i];
    if (subscription_accept(s, 1000, &m->parsed, &seq, &timestamp) != SUBSCRIPTION_SEND)
        return;
    uint8_t stamp_at;
    m->sum += seq + subscription_write_extensions(s, 1000, &m->parsed, m->extension_ids, m->work[0],
                                                  &stamp_at);
}

/* The packet is copied first: sealing works in place. */
static void protect(struct micro *m, size_t i)
{
    size_t size = m->size;
    m->seq += i == 0;
    memcpy(m->work[0], m->packet, size);
    store_u16(m->work[0] + 2, (uint16_t)m->seq);
    m->sum += media_cipher_protect_rtp(m->ciphers[i], m->work[0], &size) == STATUS_OK;
}

static void protect_bare(struct micro *m, size_t i)
{
    m->seq += i == 0;
    memcpy(m->work[0], m->packet, 20);
    floor_seal(m->sealers[i], m->seq, (struct bytes_mut){m->work[0], 20},
               bytes_of(m->packet + 20, m->size - 20));
}

/* A call per RUN packets to one receiver. */
static void send(struct micro *m, size_t i)
{
    struct udp_outgoing out[RUN];
    if (i % RUN != 0)
        return;
    for (size_t k = 0; k < RUN; k++)
        out[k] = (struct udp_outgoing){m->receivers[i].local, bytes_of(m->work[k], m->size + 16)};
    m->sum += udp_send_batch(&m->sender, out, RUN).sent;
}

/* --- Set-up */

static void make_cipher(struct media_cipher **out, enum media_profile profile, size_t index)
{
    struct media_keys keys = {.profile = profile,
                              .bytes = profile == MEDIA_PROFILE_GCM_128 ? 28 : 30};
    for (size_t k = 0; k < keys.bytes; k++)
        keys.local[k] = keys.remote[k] = (uint8_t)(index * 31 + k);
    media_cipher_free(*out);
    *out = NULL;
    CHECK(media_cipher_create(out, &keys) == STATUS_OK);
}

static void set_profile(struct micro *m, enum media_profile profile)
{
    m->seq = 0;
    for (size_t i = 0; i < RECEIVERS; i++)
        make_cipher(&m->ciphers[i], profile, i);
}

static void set_up(struct micro *m)
{
    struct log silent = {0};
    struct net_addr local;
    struct rng rng = rng_of_seed(1);
    CHECK(media_cipher_init_library() == STATUS_OK);
    CHECK(net_addr_parse_ip("127.0.0.1", 0, &local) == STATUS_OK);
    CHECK(udp_socket_open(&m->sender, &local, &silent) == STATUS_OK);
    m->extension_ids[HEADER_EXTENSION_MID] = EXT_MID;
    struct receive_slot_parameters params = {.slot = ROOM_SLOT_SCREEN, .mid = "1"};
    params.codec_count = 1;
    params.codecs[0].codec = MEDIA_CODEC_VP8;
    params.codecs[0].payload_type = 96;
    for (size_t i = 0; i < RECEIVERS; i++) {
        subscription_init(&m->subscriptions[i], NULL, &params, m->extension_ids, &rng);
        m->sealers[i] = floor_sealer_create((uint32_t)i);
        CHECK(m->sealers[i] != NULL);
        CHECK(udp_socket_open(&m->receivers[i], &local, &silent) == STATUS_OK);
    }
}

static void set_packet(struct micro *m, size_t payload_bytes)
{
    m->size = make_packet(m->packet, sizeof m->packet, payload_bytes);
    m->parsed = (struct media_packet){.participant = 1,
                                      .source_serial = m->parsed.source_serial + 1,
                                      .codec = MEDIA_CODEC_VP8,
                                      .profile_hash = codec_profile_hash(""),
                                      .clock_rate = 90000,
                                      .seq = 0x10000,
                                      .key_frame = true,
                                      .extension_ids = m->extension_ids};
    CHECK(rtp_parse_header(bytes_of(m->packet, m->size), &m->parsed.header) == STATUS_OK);
    for (size_t k = 0; k < RUN; k++)
        memcpy(m->work[k], m->packet, m->size);
}

/* --- Measuring */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(struct micro *m, const char *name, void (*stage)(struct micro *, size_t))
{
    double ns[ROUNDS];
    uint64_t allocations = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        uint64_t before = count_allocations_get();
        usec_t began = host_clock_thread_cpu();
        for (size_t n = 0; n < PACKETS_PER_ROUND; n++)
            stage(m, n % RECEIVERS);
        ns[round] = (double)(host_clock_thread_cpu() - began) * 1000 / PACKETS_PER_ROUND;
        if (round > 0) /* the first one warms up */
            allocations += count_allocations_get() - before;
    }
    qsort(ns, ROUNDS, sizeof ns[0], compare);
    printf("| %s | %.0f | %.3f |\n", name, ns[ROUNDS / 2],
           (double)allocations / PACKETS_PER_ROUND / (ROUNDS - 1));
}

static void measure_all(struct micro *m, const char *what, size_t payload_bytes)
{
    char name[100];
    set_packet(m, payload_bytes);
    printf("| **%s, %zu bytes** | | |\n", what, m->size);
    measure(m, "parse: header and mid", parse);
    measure(m, "rewrite: numbers and header", rewrite);
    set_profile(m, MEDIA_PROFILE_GCM_128);
    measure(m, "protect: AES-128-GCM", protect);
    snprintf(name, sizeof name, "the same, bare %s", floor_sealer_name());
    m->seq = 0;
    measure(m, name, protect_bare);
    set_profile(m, MEDIA_PROFILE_CM_80);
    measure(m, "protect: AES-CM and HMAC-SHA1", protect);
    measure(m, "send: runs of 9 to one receiver, loopback, nobody reads", send);
}

int main(void)
{
    static struct micro m;
    set_up(&m);
    printf("| stage | ns per packet | allocations per packet |\n| --- | --- | --- |\n");
    measure_all(&m, "video", 1140);
    measure_all(&m, "voice", 80);
    return m.sum > 0 ? 0 : 1;
}
