#include "control/control_message_private.h"

static const char *const type_names[] = {
#define X(name, text) text,
    CONTROL_TYPE_LIST(X)
#undef X
};

static const char *const quality_names[] = {"full", "reduced", "still", "lean", "off"};
static const char *const hearing_names[] = {"unknown", "yes", "poorly", "no"};
static const char *const state_names[] = {"connecting", "connected", "quiet", "closed"};

const char *control_type_name(enum control_type type)
{
    return (size_t)type < COUNT_OF(type_names) ? type_names[type] : "unknown";
}

const char *control_media_state_name(enum control_media_state state)
{
    return (size_t)state < COUNT_OF(state_names) ? state_names[state] : "unknown";
}

const char *control_quality_name(enum control_quality quality)
{
    return (size_t)quality < COUNT_OF(quality_names) ? quality_names[quality] : "unknown";
}

const char *control_hearing_name(enum control_hearing hearing)
{
    return (size_t)hearing < COUNT_OF(hearing_names) ? hearing_names[hearing] : "unknown";
}

bool control_hearing_find(const char *name, enum control_hearing *out)
{
    for (size_t i = 0; i < COUNT_OF(hearing_names); i++) {
        if (strcmp(name, hearing_names[i]) == 0) {
            *out = (enum control_hearing)i;
            return true;
        }
    }
    return false;
}

bool control_quality_find(const char *name, enum control_quality *out)
{
    for (size_t i = 0; i < COUNT_OF(quality_names); i++) {
        if (strcmp(name, quality_names[i]) == 0) {
            *out = (enum control_quality)i;
            return true;
        }
    }
    return false;
}

bool control_type_find(const char *name, enum control_type *out)
{
    for (size_t i = 0; i < COUNT_OF(type_names); i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *out = (enum control_type)i;
            return true;
        }
    }
    return false;
}

bool control_media_state_find(const char *name, enum control_media_state *out)
{
    for (size_t i = 0; i < COUNT_OF(state_names); i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum control_media_state)i;
            return true;
        }
    }
    return false;
}

const usec_t control_delay_edges_us[CONTROL_DELAY_BUCKETS - 1] = {
    250,  500,  1000, 1250,  1500,  1750,  2000,  2500,  3000,  3500,  4000,  5000,
    6000, 7000, 8500, 10000, 12500, 15000, 17500, 20000, 30000, 50000, 100000};

const char *control_delay_kind_name(enum control_delay_kind kind)
{
    return kind == CONTROL_DELAY_VOICE ? "voice" : "video";
}
