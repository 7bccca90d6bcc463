#include "signaling/core/class_mode.h"

#include "base/check.h"

void class_clock_start(struct class_clock *clock, int64_t now_ms)
{
    if (clock->since_ms != 0)
        return;
    clock->since_ms = now_ms;
    clock->counting_ms = clock->mode == CLASS_BREAK ? 0 : now_ms;
}

int64_t class_clock_realised_ms(const struct class_clock *clock, int64_t now_ms)
{
    /* The wall clock can be set back; realised time never shrinks. */
    bool counts = clock->counting_ms != 0 && now_ms > clock->counting_ms;
    return clock->counted_ms + (counts ? now_ms - clock->counting_ms : 0);
}

void class_clock_set_mode(struct class_clock *clock, enum class_mode mode, int64_t minutes,
                          int64_t now_ms)
{
    clock->counted_ms = class_clock_realised_ms(clock, now_ms);
    clock->counting_ms = mode == CLASS_BREAK ? 0 : now_ms;
    clock->mode = mode;
    clock->since_ms = now_ms;
    clock->until_ms = mode == CLASS_BREAK && minutes > 0 ? now_ms + minutes * 60000 : 0;
}

void class_clock_stop(struct class_clock *clock, int64_t now_ms)
{
    clock->counted_ms = class_clock_realised_ms(clock, now_ms);
    clock->counting_ms = 0;
}

static const char *const names[CLASS_MODE_COUNT] = {"lecture", "discussion", "practical", "quiz",
                                                    "break"};

const char *class_mode_name(enum class_mode mode)
{
    CHECK(mode < CLASS_MODE_COUNT);
    return names[mode];
}

bool class_mode_find(struct bytes name, enum class_mode *out)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!bytes_equal_string(name, names[i]))
            continue;
        *out = (enum class_mode)i;
        return true;
    }
    return false;
}
