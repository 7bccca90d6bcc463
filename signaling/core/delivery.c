#include "signaling/core/delivery.h"

static const char *const sound_names[SOUND_COUNT] = {"ok", "muted", "blocked", "silent"};
static const char *const picture_names[PICTURE_COUNT] = {"ok", "frozen"};

struct delivery_state delivery_judge(bool media_flows, bool shares, enum control_quality screen,
                                     const struct control_delivery *measured,
                                     struct delivery_claim claim)
{
    if (!media_flows || measured->hears == CONTROL_HEARING_NO)
        return (struct delivery_state){.deaf = true, .blind = true};
    bool off = shares && screen == CONTROL_QUALITY_OFF;
    bool frozen = shares && claim.picture != PICTURE_OK, deaf = claim.sound != SOUND_OK;
    return (struct delivery_state){.unknown = !measured->reached &&
                                              measured->hears == CONTROL_HEARING_UNKNOWN,
                                   .deaf = deaf,
                                   .blind = off || frozen,
                                   .poor = measured->hears == CONTROL_HEARING_POORLY && !deaf,
                                   .reduced = shares && !off && screen != CONTROL_QUALITY_FULL,
                                   .narrow = measured->narrow,
                                   .claimed = deaf || (frozen && !off),
                                   .behind_s = measured->screen_behind_ms / 1000};
}

bool delivery_is_fine(struct delivery_state state)
{
    return !state.unknown && !state.deaf && !state.blind && !state.poor && state.behind_s == 0;
}

bool delivery_is_equal(struct delivery_state a, struct delivery_state b)
{
    return a.unknown == b.unknown && a.deaf == b.deaf && a.blind == b.blind && a.poor == b.poor &&
           a.reduced == b.reduced && a.narrow == b.narrow && a.claimed == b.claimed &&
           a.behind_s == b.behind_s;
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
