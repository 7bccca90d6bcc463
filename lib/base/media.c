#include "base/media.h"

#include "base/check.h"

#include <strings.h>

static const char *const codec_names[] = {
#define X(name, text, kind) text,
    MEDIA_CODEC_LIST(X)
#undef X
};
static const enum media_kind codec_kinds[] = {
#define X(name, text, kind) MEDIA_KIND_##kind,
    MEDIA_CODEC_LIST(X)
#undef X
};
static const char *const send_slot_names[] = {
#define X(name, text, kind) text,
    SEND_SLOT_LIST(X)
#undef X
};
static const enum media_kind send_slot_kinds[] = {
#define X(name, text, kind) MEDIA_KIND_##kind,
    SEND_SLOT_LIST(X)
#undef X
};
static const char *const room_slot_names[] = {
#define X(name, text, kind) text,
    ROOM_SLOT_LIST(X)
#undef X
};
static const enum media_kind room_slot_kinds[] = {
#define X(name, text, kind) MEDIA_KIND_##kind,
    ROOM_SLOT_LIST(X)
#undef X
};
static const char *const extension_names[] = {
#define X(name, text, uri) text,
    HEADER_EXTENSION_LIST(X)
#undef X
};
static const char *const extension_uris[] = {
#define X(name, text, uri) uri,
    HEADER_EXTENSION_LIST(X)
#undef X
};

static const char *name_at(const char *const *names, size_t count, size_t index)
{
    return index < count ? names[index] : "unknown";
}

static bool find_name(const char *const *names, size_t count, struct bytes name, size_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_string(name, names[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

const char *media_kind_name(enum media_kind kind)
{
    return kind == MEDIA_KIND_VIDEO ? "video" : "audio";
}

const char *media_codec_name(enum media_codec codec)
{
    return name_at(codec_names, COUNT_OF(codec_names), (size_t)codec);
}

enum media_kind media_codec_kind(enum media_codec codec)
{
    CHECK((size_t)codec < COUNT_OF(codec_kinds));
    return codec_kinds[codec];
}

const char *send_slot_name(enum send_slot slot)
{
    return name_at(send_slot_names, COUNT_OF(send_slot_names), (size_t)slot);
}

enum media_kind send_slot_kind(enum send_slot slot)
{
    CHECK((size_t)slot < COUNT_OF(send_slot_kinds));
    return send_slot_kinds[slot];
}

const char *room_slot_name(enum room_slot slot)
{
    return name_at(room_slot_names, COUNT_OF(room_slot_names), (size_t)slot);
}

enum media_kind room_slot_kind(enum room_slot slot)
{
    CHECK((size_t)slot < COUNT_OF(room_slot_kinds));
    return room_slot_kinds[slot];
}

const char *header_extension_name(enum header_extension extension)
{
    return name_at(extension_names, COUNT_OF(extension_names), (size_t)extension);
}

const char *header_extension_uri(enum header_extension extension)
{
    return name_at(extension_uris, COUNT_OF(extension_uris), (size_t)extension);
}

bool media_codec_find(struct bytes name, enum media_codec *out)
{
    for (size_t i = 1; i < COUNT_OF(codec_names); i++) {
        if (name.size == strlen(codec_names[i]) &&
            strncasecmp((const char *)name.data, codec_names[i], name.size) == 0) {
            *out = (enum media_codec)i;
            return true;
        }
    }
    return false;
}

bool send_slot_find(struct bytes name, enum send_slot *out)
{
    size_t index;
    if (!find_name(send_slot_names, COUNT_OF(send_slot_names), name, &index))
        return false;
    *out = (enum send_slot)index;
    return true;
}

bool room_slot_find(struct bytes name, enum room_slot *out)
{
    size_t index;
    if (!find_name(room_slot_names, COUNT_OF(room_slot_names), name, &index))
        return false;
    *out = (enum room_slot)index;
    return true;
}

bool header_extension_find_uri(struct bytes uri, enum header_extension *out)
{
    size_t index;
    if (!find_name(extension_uris, COUNT_OF(extension_uris), uri, &index))
        return false;
    *out = (enum header_extension)index;
    return true;
}

bool header_extension_find_name(struct bytes name, enum header_extension *out)
{
    size_t index;
    if (!find_name(extension_names, COUNT_OF(extension_names), name, &index))
        return false;
    *out = (enum header_extension)index;
    return true;
}
