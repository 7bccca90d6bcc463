/* Who waits to be let into a class, in the order in which they came. A waiter is not a participant:
 * it has no number, no rights and no media. It lives as long as its socket; one that comes back
 * waits again.
 *
 * Owner: the classroom. The service links each to its connection. */
#pragma once

#include "signaling/core/store.h"

struct classroom;

struct waiter {
    uint64_t id; /* as staff names it; never reused */
    uint64_t connection;
    uint32_t to; /* of its hello */
    struct store_invite invite;
    uint8_t visit[RESUME_HASH_BYTES]; /* struct connection */
    char name[NAME_BYTES];
    char site[REMOTE_IP_BYTES]; /* where it came from: rate_limit.h */
    bool held;                  /* was put out: the end of the lobby does not let it in */
    int64_t since_ms;
    struct classroom *classroom;
    struct waiter *previous, *next;
};

struct lobby {
    struct waiter *first, *last;
    size_t count;
};

/* Takes over `waiter`, which is the caller's to fill in. STATUS_LIMIT with LIMIT_WAITING. */
MUST_CHECK enum status lobby_add(struct lobby *lobby, struct waiter *waiter);
/* Takes it out; the caller frees it. */
void lobby_remove(struct lobby *lobby, struct waiter *waiter);
size_t lobby_count_from(const struct lobby *lobby, const char *site);
struct waiter *lobby_find(const struct lobby *lobby, uint64_t id);
void lobby_destroy(struct lobby *lobby); /* frees everybody */
