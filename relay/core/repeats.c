#include "relay/core/repeats.h"

#include "base/check.h"

#include <stdlib.h>

struct repeats {
    uint32_t count;
    struct repeat places[];
};

enum status repeats_create(struct repeats **out, uint32_t count)
{
    CHECK(count > 0 && (count & (count - 1)) == 0);
    struct repeats *r = calloc(1, sizeof *r + count * sizeof r->places[0]);
    if (r == NULL)
        return STATUS_NO_MEMORY;
    r->count = count;
    *out = r;
    return STATUS_OK;
}

void repeats_free(struct repeats *r)
{
    free(r);
}

void repeats_note(struct repeats *r, const struct repeat *repeat)
{
    struct repeat *place = &r->places[repeat->seq % r->count];
    *place = *repeat;
    place->is_used = true;
}

const struct repeat *repeats_find(const struct repeats *r, uint16_t seq)
{
    const struct repeat *place = &r->places[seq % r->count];
    return place->is_used && place->seq == seq ? place : NULL;
}
