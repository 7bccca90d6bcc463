#include "relay/core/stream_peers.h"

#include <stdlib.h>

#define ONE_CONNECTION ((uint64_t)1 << 32)
#define ONE_UNVERIFIED ((uint64_t)1)

struct stream_peers_config stream_peers_config_default(void)
{
    return (struct stream_peers_config){.connections_max = 4096,
                                        .per_address_max = 1024,
                                        .unverified_max = 1024,
                                        .unverified_per_address_max = 256};
}

enum status stream_peers_init(struct stream_peers *p, const struct stream_peers_config *config)
{
    *p = (struct stream_peers){.config = *config, .oldest = STREAM_NOBODY, .newest = STREAM_NOBODY};
    uint32_t n = config->connections_max;
    if (n == 0 || n >= STREAM_NOBODY / 2 || config->per_address_max == 0 ||
        config->unverified_max == 0 || config->unverified_per_address_max == 0)
        return STATUS_CONFIG;
    p->peers = calloc(n, sizeof *p->peers);
    p->free = calloc(n, sizeof *p->free);
    if (p->peers == NULL || p->free == NULL || hash_map_init(&p->by_address, n) != STATUS_OK ||
        hash_map_init(&p->count_by_network, n) != STATUS_OK) {
        stream_peers_destroy(p);
        return STATUS_NO_MEMORY;
    }
    while (p->free_count < n) {
        p->free[p->free_count] = n - 1 - p->free_count;
        p->free_count++;
    }
    return STATUS_OK;
}

void stream_peers_destroy(struct stream_peers *p)
{
    for (uint32_t i = 0; p->peers != NULL && i < p->config.connections_max; i++) {
        if (p->peers[i].used && p->peers[i].verified)
            stream_queue_destroy(&p->peers[i].out);
    }
    free(p->peers);
    free(p->free);
    hash_map_destroy(&p->by_address);
    hash_map_destroy(&p->count_by_network);
    *p = (struct stream_peers){0};
}

/* --- Counts of a network: an address, or a /64, which is what one line gets of IPv6 */

static uint64_t network_key(const struct stream_peers *p, const struct net_addr *addr)
{
    struct net_addr network = *addr;
    network.port = 0;
    if (network.family == NET_FAMILY_IPV6)
        memset(network.ip + 8, 0, 8);
    return net_addr_hash(&network, p->config.hash_key);
}

static uint64_t get_counts(const struct stream_peers *p, const struct net_addr *addr)
{
    uint64_t counts = 0;
    (void)hash_map_find(&p->count_by_network, network_key(p, addr), &counts);
    return counts;
}

static void set_counts(struct stream_peers *p, const struct net_addr *addr, uint64_t counts)
{
    uint64_t key = network_key(p, addr);
    if (counts == 0)
        hash_map_remove(&p->count_by_network, key);
    else /* no more networks than connections */
        CHECK(hash_map_set(&p->count_by_network, key, counts) == STATUS_OK);
}

/* --- The list of those that have proved nothing */

static void unlink_unverified(struct stream_peers *p, struct stream_peer *peer)
{
    if (peer->older != STREAM_NOBODY)
        p->peers[peer->older].newer = peer->newer;
    else
        p->oldest = peer->newer;
    if (peer->newer != STREAM_NOBODY)
        p->peers[peer->newer].older = peer->older;
    else
        p->newest = peer->older;
    p->unverified--;
}

static void link_unverified(struct stream_peers *p, uint32_t place)
{
    struct stream_peer *peer = &p->peers[place];
    peer->older = p->newest;
    peer->newer = STREAM_NOBODY;
    if (p->newest != STREAM_NOBODY)
        p->peers[p->newest].newer = place;
    else
        p->oldest = place;
    p->newest = place;
    p->unverified++;
}

static uint32_t oldest_of_network(const struct stream_peers *p, const struct net_addr *addr)
{
    uint64_t key = network_key(p, addr);
    uint32_t at = p->oldest;
    while (at != STREAM_NOBODY && network_key(p, &p->peers[at].addr) != key)
        at = p->peers[at].newer;
    return at;
}

/* --- Coming and going */

bool stream_peers_admit(struct stream_peers *p, usec_t now, const struct net_addr *addr,
                        uint32_t *place, uint32_t *evicted)
{
    uint64_t counts = get_counts(p, addr);
    uint64_t key = net_addr_hash(addr, p->config.hash_key);
    uint64_t known;
    *evicted = STREAM_NOBODY;
    if (counts / ONE_CONNECTION >= p->config.per_address_max ||
        hash_map_find(&p->by_address, key, &known))
        return false;
    if (counts % ONE_CONNECTION >= p->config.unverified_per_address_max)
        *evicted = oldest_of_network(p, addr);
    else if (p->unverified >= p->config.unverified_max || p->free_count == 0)
        *evicted = p->oldest;
    if (*evicted != STREAM_NOBODY)
        stream_peers_remove(p, *evicted);
    if (p->free_count == 0)
        return false;
    *place = p->free[--p->free_count];
    struct stream_peer *peer = &p->peers[*place];
    peer->addr = *addr;
    peer->since = now;
    peer->used = true;
    peer->verified = false;
    peer->in.held = 0;
    CHECK(hash_map_set(&p->by_address, key, *place) == STATUS_OK);
    link_unverified(p, *place);
    set_counts(p, addr, get_counts(p, addr) + ONE_CONNECTION + ONE_UNVERIFIED);
    return true;
}

void stream_peers_remove(struct stream_peers *p, uint32_t place)
{
    struct stream_peer *peer = stream_peers_get(p, place);
    CHECK(peer != NULL);
    uint64_t counts = get_counts(p, &peer->addr) - ONE_CONNECTION;
    if (peer->verified) {
        stream_queue_destroy(&peer->out);
    } else {
        unlink_unverified(p, peer);
        counts -= ONE_UNVERIFIED;
    }
    set_counts(p, &peer->addr, counts);
    hash_map_remove(&p->by_address, net_addr_hash(&peer->addr, p->config.hash_key));
    peer->used = false;
    p->free[p->free_count++] = place;
}

enum status stream_peers_verify(struct stream_peers *p, uint32_t place)
{
    struct stream_peer *peer = stream_peers_get(p, place);
    CHECK(peer != NULL && !peer->verified);
    enum status status = stream_queue_init(&peer->out);
    if (status != STATUS_OK)
        return status;
    unlink_unverified(p, peer);
    peer->verified = true;
    set_counts(p, &peer->addr, get_counts(p, &peer->addr) - ONE_UNVERIFIED);
    return STATUS_OK;
}

struct stream_peer *stream_peers_get(const struct stream_peers *p, uint32_t place)
{
    return place < p->config.connections_max && p->peers[place].used ? &p->peers[place] : NULL;
}

uint32_t stream_peers_find(const struct stream_peers *p, const struct net_addr *addr)
{
    uint64_t place;
    if (!hash_map_find(&p->by_address, net_addr_hash(addr, p->config.hash_key), &place) ||
        !p->peers[place].verified)
        return STREAM_NOBODY;
    return (uint32_t)place;
}

uint32_t stream_peers_find_late(const struct stream_peers *p, usec_t now)
{
    return stream_peers_next_timeout(p) <= now ? p->oldest : STREAM_NOBODY;
}

usec_t stream_peers_next_timeout(const struct stream_peers *p)
{
    return p->oldest == STREAM_NOBODY ? USEC_NEVER
                                      : p->peers[p->oldest].since + STREAM_VERIFY_WITHIN_US;
}
