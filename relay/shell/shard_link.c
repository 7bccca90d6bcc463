#include "relay/shell/shard_link.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* Half a second of a busy screen share; fewer where many shards have many rings. */
#define SLOTS_FEW_SHARDS 1024
#define SLOTS_MANY_SHARDS 256
#define MANY_SHARDS 16

struct shard_links {
    uint32_t ends; /* shards and the director */
    int wake_fds[CONTROL_SHARDS_MAX + 1];
    struct spsc_ring *rings; /* ends * ends, [from * ends + to]; none to itself */
};

static struct spsc_ring *ring_of(const struct shard_links *links, uint32_t from, uint32_t to)
{
    CHECK(from < links->ends && to < links->ends && from != to);
    return &links->rings[from * links->ends + to];
}

static enum status init_rings(struct shard_links *links)
{
    size_t bytes = (size_t)links->ends * links->ends * sizeof *links->rings;
    uint32_t slots = links->ends > MANY_SHARDS ? SLOTS_MANY_SHARDS : SLOTS_FEW_SHARDS;
    links->rings = aligned_alloc(_Alignof(struct spsc_ring), bytes);
    if (links->rings == NULL)
        return STATUS_NO_MEMORY;
    memset(links->rings, 0, bytes);
    for (uint32_t from = 0; from < links->ends; from++) {
        for (uint32_t to = 0; to < links->ends; to++) {
            if (from == to)
                continue;
            enum status status =
                spsc_ring_init(ring_of(links, from, to), sizeof(struct shard_message), slots);
            if (status != STATUS_OK)
                return status;
        }
    }
    return STATUS_OK;
}

enum status shard_links_create(struct shard_links **out, uint32_t shard_count)
{
    if (shard_count == 0 || shard_count > CONTROL_SHARDS_MAX)
        return STATUS_CONFIG;
    struct shard_links *links = calloc(1, sizeof *links);
    if (links == NULL)
        return STATUS_NO_MEMORY;
    links->ends = shard_count + 1;
    for (uint32_t i = 0; i < links->ends; i++)
        links->wake_fds[i] = -1;
    enum status status = init_rings(links);
    for (uint32_t i = 0; i < links->ends && status == STATUS_OK; i++) {
        links->wake_fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (links->wake_fds[i] < 0)
            status = STATUS_SYSTEM;
    }
    if (status == STATUS_OK)
        *out = links;
    else
        shard_links_free(links);
    return status;
}

static void empty_ring(struct spsc_ring *ring)
{
    struct shard_message *m;
    while ((m = spsc_ring_peek(ring)) != NULL) {
        if (m->type == SHARD_PARTICIPANT_ADD)
            free(m->participant_add);
        spsc_ring_release(ring);
    }
    spsc_ring_destroy(ring);
}

void shard_links_free(struct shard_links *links)
{
    if (links == NULL)
        return;
    for (uint32_t i = 0; i < links->ends * links->ends && links->rings != NULL; i++) {
        if (links->rings[i].slots != NULL)
            empty_ring(&links->rings[i]);
    }
    for (uint32_t i = 0; i < links->ends; i++) {
        if (links->wake_fds[i] >= 0)
            close(links->wake_fds[i]);
    }
    free(links->rings);
    free(links);
}

void shard_link_init(struct shard_link *link, struct shard_links *links, uint32_t self)
{
    CHECK(self < links->ends);
    *link = (struct shard_link){.links = links, .self = self};
}

/* --- Out */

struct shard_message *shard_link_reserve(struct shard_link *link, uint32_t destination)
{
    return spsc_ring_reserve(ring_of(link->links, link->self, destination));
}

void shard_link_commit(struct shard_link *link, uint32_t destination)
{
    spsc_ring_commit(ring_of(link->links, link->self, destination));
    link->committed[destination / 64] |= (uint64_t)1 << destination % 64;
}

static struct shard_message *port_reserve(void *context, uint32_t destination)
{
    return shard_link_reserve(context, destination);
}

static void port_commit(void *context, uint32_t destination)
{
    shard_link_commit(context, destination);
}

struct shard_port shard_link_get_port(struct shard_link *link)
{
    return (struct shard_port){.context = link, .reserve = port_reserve, .commit = port_commit};
}

void shard_links_wake(const struct shard_links *links, uint32_t destination)
{
    uint64_t one = 1;
    /* A counter that is full wakes as well. */
    (void)!write(links->wake_fds[destination], &one, sizeof one);
}

void shard_link_wake(struct shard_link *link)
{
    for (size_t word = 0; word < COUNT_OF(link->committed); word++) {
        for (uint64_t bits = link->committed[word]; bits != 0; bits &= bits - 1)
            shard_links_wake(link->links, (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits));
        link->committed[word] = 0;
    }
}

/* --- In */

/* spsc_ring_peek, `ahead` slots behind the oldest: the messages of a turn are referenced until its
 * end, and given back together. */
static const struct shard_message *peek_ahead(struct spsc_ring *ring, uint32_t ahead)
{
    uint32_t place = atomic_load_explicit(&ring->tail, memory_order_relaxed) + ahead;
    if (place == ring->head_seen) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (place == ring->head_seen)
            return NULL;
    }
    return (const void *)(ring->slots + (size_t)(place & ring->mask) * ring->slot_bytes);
}

bool shard_link_next(struct shard_link *link, const struct shard_message **out)
{
    for (; link->at < link->links->ends; link->at++) {
        uint32_t *taken = &link->taken[link->at];
        if (link->at == link->self || *taken == SHARD_LINK_BATCH)
            continue;
        *out = peek_ahead(ring_of(link->links, link->at, link->self), *taken);
        if (*out == NULL)
            continue;
        (*taken)++;
        return true;
    }
    return false;
}

bool shard_link_release(struct shard_link *link)
{
    bool more = false;
    for (uint32_t from = 0; from < link->links->ends; from++) {
        if (link->taken[from] == 0)
            continue;
        struct spsc_ring *ring = ring_of(link->links, from, link->self);
        more = more || link->taken[from] == SHARD_LINK_BATCH;
        for (; link->taken[from] > 0; link->taken[from]--)
            spsc_ring_release(ring);
    }
    link->at = 0;
    return more;
}

int shard_link_get_fd(const struct shard_link *link)
{
    return link->links->wake_fds[link->self];
}

void shard_link_drain_fd(const struct shard_link *link)
{
    uint64_t count;
    (void)!read(shard_link_get_fd(link), &count, sizeof count);
}
