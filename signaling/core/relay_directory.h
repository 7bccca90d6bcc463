/* Which relays are connected, what each last said of itself, and which requests are under way.
 * No I/O; the service sends. */
#pragma once

#include "base/hash_map.h"
#include "signaling/core/limits.h"
#include "signaling/core/service.h"

struct relay {
    bool connected, synced; /* synced: told everything, open for new offers */
    bool known;             /* was ever connected: boot_id is set */
    bool restarted;         /* since the last sync: it is another process */
    uint32_t sync_round;
    struct control_hello hello;
    struct control_relay_stats stats, before; /* the last two */
    bool has_stats, has_before;
};

struct relay_directory {
    struct relay relays[SERVICE_RELAYS_MAX];
    uint32_t next_request;
    uint32_t sync_round;
    struct hash_map requests; /* request id -> participant */
};

MUST_CHECK enum status relay_directory_init(struct relay_directory *directory);
void relay_directory_destroy(struct relay_directory *directory);

void relay_directory_handle_connected(struct relay_directory *directory, size_t relay);
void relay_directory_handle_disconnected(struct relay_directory *directory, size_t relay);
/* Notes who it is; whether it is the process known before. */
void relay_directory_handle_hello(struct relay_directory *directory, size_t relay,
                                  const struct control_hello *hello);
void relay_directory_handle_stats(struct relay_directory *directory, size_t relay,
                                  const struct control_relay_stats *stats);

bool relay_directory_is_ready(const struct relay_directory *directory, size_t relay);
bool relay_directory_is_any_ready(const struct relay_directory *directory);
/* The ready relay with the fewest participants; SIZE_MAX when there is none. */
size_t relay_directory_choose(const struct relay_directory *directory);

/* A number for a request, never 0, remembered for `participant`. STATUS_LIMIT with too many under
 * way. */
MUST_CHECK enum status relay_directory_start_request(struct relay_directory *directory,
                                                     uint64_t participant, uint32_t *out);
/* Whose request `to` was, once; 0 when nobody waits for it. */
uint64_t relay_directory_finish_request(struct relay_directory *directory, uint32_t to);

/* What a relay's participants sum to, from its last statistics. */
uint32_t relay_get_participants(const struct relay *relay);
/* How many more participants like today's fit: by the tightest of CPU and capacity. */
uint64_t relay_get_left(const struct relay *relay);
