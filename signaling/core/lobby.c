#include "signaling/core/lobby.h"

#include <stdlib.h>
#include <string.h>

enum status lobby_add(struct lobby *lobby, struct waiter *waiter)
{
    if (lobby->count >= LIMIT_WAITING)
        return STATUS_LIMIT;
    waiter->previous = lobby->last;
    waiter->next = NULL;
    *(lobby->last != NULL ? &lobby->last->next : &lobby->first) = waiter;
    lobby->last = waiter;
    lobby->count++;
    return STATUS_OK;
}

void lobby_remove(struct lobby *lobby, struct waiter *waiter)
{
    *(waiter->previous != NULL ? &waiter->previous->next : &lobby->first) = waiter->next;
    *(waiter->next != NULL ? &waiter->next->previous : &lobby->last) = waiter->previous;
    waiter->previous = waiter->next = NULL;
    lobby->count--;
}

size_t lobby_count_from(const struct lobby *lobby, const char *site)
{
    size_t count = 0;
    for (const struct waiter *waiter = lobby->first; waiter != NULL; waiter = waiter->next)
        count += strcmp(waiter->site, site) == 0 ? 1 : 0;
    return count;
}

struct waiter *lobby_find(const struct lobby *lobby, uint64_t id)
{
    struct waiter *waiter = lobby->first;
    while (waiter != NULL && waiter->id != id)
        waiter = waiter->next;
    return waiter;
}

void lobby_destroy(struct lobby *lobby)
{
    for (struct waiter *waiter = lobby->first, *next; waiter != NULL; waiter = next) {
        next = waiter->next;
        free(waiter);
    }
    *lobby = (struct lobby){0};
}
