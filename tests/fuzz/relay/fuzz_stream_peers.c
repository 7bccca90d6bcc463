/* Connections that come, prove themselves, send and go in any order: the table's bounds hold, its
 * counts agree with what is in it, and nobody is found who is not there. */
#include "base/check.h"
#include "relay/core/stream_peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONNECTIONS 12

static struct net_addr address_of(uint8_t choice)
{
    return (struct net_addr){.ip = {192, 0, 2, (uint8_t)(choice >> 5)},
                             .port = (uint16_t)(choice & 31),
                             .family = NET_FAMILY_IPV4,
                             .protocol = NET_PROTOCOL_TCP};
}

static void check_table(const struct stream_peers *p)
{
    uint32_t used = 0;
    uint32_t unverified = 0;
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        const struct stream_peer *peer = stream_peers_get(p, i);
        if (peer == NULL)
            continue;
        used++;
        unverified += !peer->verified;
        CHECK(stream_peers_find(p, &peer->addr) == (peer->verified ? i : STREAM_NOBODY));
    }
    CHECK(used + p->free_count == CONNECTIONS && unverified == p->unverified);
    CHECK(unverified <= p->config.unverified_max);
    uint32_t listed = 0;
    for (uint32_t i = p->oldest; i != STREAM_NOBODY; i = p->peers[i].newer)
        CHECK(!p->peers[i].verified && ++listed <= unverified);
    CHECK(listed == unverified);
}

static void use(struct stream_peer *peer, usec_t now, uint8_t choice)
{
    static uint8_t datagram[STREAM_FRAME_BYTES_MAX];
    if (choice % 4 == 0) {
        struct bytes next = stream_queue_peek(&peer->out, now);
        stream_queue_consume(&peer->out, next.size < choice ? next.size : choice);
    } else {
        (void)stream_queue_push(&peer->out, now, (enum stream_class)(choice % 2),
                                bytes_of(datagram, (size_t)choice * 5));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct stream_peers p;
    struct stream_peers_config config = {.connections_max = CONNECTIONS,
                                         .per_address_max = 6,
                                         .unverified_max = 5,
                                         .unverified_per_address_max = 3,
                                         .hash_key = {3, 4}};
    usec_t now = 0;
    CHECK(stream_peers_init(&p, &config) == STATUS_OK);
    while (reader_left(&r) > 0) {
        uint8_t step = read_u8(&r);
        uint8_t choice = read_u8(&r);
        uint32_t place = choice % CONNECTIONS;
        uint32_t evicted;
        struct stream_peer *peer = stream_peers_get(&p, place);
        struct net_addr addr = address_of(choice);
        if (step < 100)
            (void)stream_peers_admit(&p, now, &addr, &place, &evicted);
        else if (step < 130 && peer != NULL && !peer->verified)
            CHECK(stream_peers_verify(&p, place) == STATUS_OK);
        else if (step < 150 && peer != NULL)
            stream_peers_remove(&p, place);
        else if (step < 240 && peer != NULL && peer->verified)
            use(peer, now, choice);
        else
            now += MILLISECONDS(choice * 10);
        while ((place = stream_peers_find_late(&p, now)) != STREAM_NOBODY)
            stream_peers_remove(&p, place);
        check_table(&p);
    }
    stream_peers_destroy(&p);
    return 0;
}
