#include "signaling/core/delivery.h"

static const char *const sound_names[SOUND_COUNT] = {"ok", "muted", "blocked", "silent"};
static const char *const picture_names[PICTURE_COUNT] = {"ok", "frozen"};

struct delivery_state delivery_judge(bool media_flows, enum control_quality screen,
                                     struct delivery_claim claim)
{
    if (!media_flows)
        return (struct delivery_state){.deaf = true, .blind = true};
    bool off = screen == CONTROL_QUALITY_OFF;
    bool frozen = claim.picture != PICTURE_OK, deaf = claim.sound != SOUND_OK;
    return (struct delivery_state){.deaf = deaf,
                                   .blind = off || frozen,
                                   .reduced = !off && screen != CONTROL_QUALITY_FULL,
                                   .claimed = deaf || (frozen && !off)};
}

static size_t find(const char *const *names, size_t count, struct bytes name)
{
    size_t i = 0;
    while (i < count && !bytes_equal_string(name, names[i]))
        i++;
    return i;
}

const char *delivery_sound_name(enum delivery_sound sound)
{
    return sound < SOUND_COUNT ? sound_names[sound] : "unknown";
}

const char *delivery_picture_name(enum delivery_picture picture)
{
    return picture < PICTURE_COUNT ? picture_names[picture] : "unknown";
}

bool delivery_sound_find(struct bytes name, enum delivery_sound *out)
{
    size_t place = find(sound_names, SOUND_COUNT, name);
    if (place < SOUND_COUNT)
        *out = (enum delivery_sound)place;
    return place < SOUND_COUNT;
}

bool delivery_picture_find(struct bytes name, enum delivery_picture *out)
{
    size_t place = find(picture_names, PICTURE_COUNT, name);
    if (place < PICTURE_COUNT)
        *out = (enum delivery_picture)place;
    return place < PICTURE_COUNT;
}
