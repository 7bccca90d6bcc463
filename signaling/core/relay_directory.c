#include "signaling/core/relay_directory.h"

enum status relay_directory_init(struct relay_directory *directory)
{
    *directory = (struct relay_directory){0};
    return hash_map_init(&directory->requests, LIMIT_PARTICIPANTS);
}

void relay_directory_destroy(struct relay_directory *directory)
{
    hash_map_destroy(&directory->requests);
}

void relay_directory_handle_connected(struct relay_directory *directory, size_t relay)
{
    struct relay *r = &directory->relays[relay];
    r->connected = true;
    r->synced = false;
    r->sync_round = ++directory->sync_round;
}

void relay_directory_handle_disconnected(struct relay_directory *directory, size_t relay)
{
    struct relay *r = &directory->relays[relay];
    r->connected = r->synced = false;
    r->has_stats = r->has_before = false;
}

void relay_directory_handle_hello(struct relay_directory *directory, size_t relay,
                                  const struct control_hello *hello)
{
    struct relay *r = &directory->relays[relay];
    r->restarted = r->known && strcmp(r->hello.boot_id, hello->boot_id) != 0;
    r->known = true;
    r->hello = *hello;
}

void relay_directory_handle_stats(struct relay_directory *directory, size_t relay,
                                  const struct control_relay_stats *stats)
{
    struct relay *r = &directory->relays[relay];
    r->before = r->stats;
    r->has_before = r->has_stats;
    r->stats = *stats;
    r->has_stats = true;
}

bool relay_directory_is_ready(const struct relay_directory *directory, size_t relay)
{
    return relay < SERVICE_RELAYS_MAX && directory->relays[relay].synced;
}

bool relay_directory_is_any_ready(const struct relay_directory *directory)
{
    return relay_directory_choose(directory) != SIZE_MAX;
}

size_t relay_directory_choose(const struct relay_directory *directory)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < SERVICE_RELAYS_MAX; i++) {
        const struct relay *r = &directory->relays[i];
        if (r->synced && (best == SIZE_MAX || relay_get_participants(r) <
                                                  relay_get_participants(&directory->relays[best])))
            best = i;
    }
    return best;
}

static uint32_t next_request(struct relay_directory *directory)
{
    if (++directory->next_request == 0)
        directory->next_request = 1;
    return directory->next_request;
}

enum status relay_directory_start_request(struct relay_directory *directory, uint64_t participant,
                                          uint32_t *out)
{
    uint32_t id = next_request(directory);
    enum status status = hash_map_set(&directory->requests, id, participant);
    if (status == STATUS_OK)
        *out = id;
    return status;
}

uint64_t relay_directory_finish_request(struct relay_directory *directory, uint32_t to)
{
    uint64_t participant = 0;
    if (!hash_map_find(&directory->requests, to, &participant))
        return 0;
    hash_map_remove(&directory->requests, to);
    return participant;
}

uint32_t relay_get_participants(const struct relay *relay)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < relay->stats.shard_count; i++)
        sum += relay->stats.shards[i].participants;
    return sum;
}

uint64_t relay_get_left(const struct relay *relay)
{
    if (!relay->connected)
        return 0;
    uint64_t participants = relay_get_participants(relay);
    uint64_t capacity = relay->hello.capacity;
    uint64_t left = capacity > participants ? capacity - participants : 0;
    uint64_t used = 0;
    uint64_t ceiling = (uint64_t)relay->stats.shard_count * LEFT_CPU_CEILING_PERMILLE;
    for (size_t i = 0; i < relay->stats.shard_count; i++)
        used += relay->stats.shards[i].cpu_permille;
    if (participants == 0 || used == 0)
        return left;
    uint64_t by_cpu = used < ceiling ? (ceiling - used) * participants / used : 0;
    return by_cpu < left ? by_cpu : left;
}
