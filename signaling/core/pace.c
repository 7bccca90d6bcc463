#include "signaling/core/pace.h"

#include <stdlib.h>

static const char *const names[PACE_VALUE_COUNT] = {"fast", "fine", "lost", "none"};

bool pace_value_find(struct bytes name, enum pace_value *out)
{
    for (size_t i = 0; i < PACE_VALUE_COUNT; i++) {
        if (!bytes_equal_string(name, names[i]))
            continue;
        *out = (enum pace_value)i;
        return true;
    }
    return false;
}

void pace_destroy(struct pace *pace)
{
    free(pace->answers);
    *pace = (struct pace){0};
}

static void remove_at(struct pace *pace, size_t place)
{
    pace->count--;
    memmove(&pace->answers[place], &pace->answers[place + 1],
            (pace->count - place) * sizeof *pace->answers);
}

static void forget_old(struct pace *pace, usec_t now)
{
    size_t old = 0;
    while (old < pace->count && now - pace->answers[old].at >= PACE_FORGET_US)
        old++;
    pace->count -= old;
    if (old > 0)
        memmove(pace->answers, pace->answers + old, pace->count * sizeof *pace->answers);
}

enum status pace_set(struct pace *pace, usec_t now, uint64_t participant, enum pace_value value)
{
    if (pace->answers == NULL) {
        pace->answers = calloc(LIMIT_PACE_ANSWERS, sizeof *pace->answers);
        if (pace->answers == NULL)
            return STATUS_NO_MEMORY;
    }
    forget_old(pace, now);
    for (size_t i = 0; i < pace->count; i++) {
        if (pace->answers[i].participant == participant) {
            remove_at(pace, i);
            break;
        }
    }
    if (value >= PACE_NONE)
        return STATUS_OK;
    if (pace->count == LIMIT_PACE_ANSWERS)
        remove_at(pace, 0);
    pace->answers[pace->count++] =
        (struct pace_answer){.participant = participant, .at = now, .value = value};
    return STATUS_OK;
}

struct pace_numbers pace_get_numbers(const struct pace *pace, usec_t now)
{
    struct pace_numbers numbers = {0};
    size_t fresh = 0;
    for (size_t i = 0; i < pace->count; i++) {
        if (now - pace->answers[i].at >= PACE_FORGET_US)
            continue;
        numbers.counts[pace->answers[i].value]++;
        fresh++;
    }
    return fresh >= PACE_ANSWERS_MIN ? numbers : (struct pace_numbers){0};
}

static bool is_changed(const struct pace *pace, usec_t now, struct pace_numbers *numbers)
{
    *numbers = pace_get_numbers(pace, now);
    for (size_t i = 0; i < PACE_NONE; i++) {
        if (numbers->counts[i] != pace->said.counts[i])
            return true;
    }
    return false;
}

bool pace_poll_change(struct pace *pace, usec_t now, struct pace_numbers *out)
{
    struct pace_numbers numbers;
    if ((pace->said_ever && now - pace->said_at < PACE_INTERVAL_US) ||
        !is_changed(pace, now, &numbers))
        return false;
    forget_old(pace, now);
    pace->said = *out = numbers;
    pace->said_at = now;
    pace->said_ever = true;
    return true;
}

usec_t pace_next_timeout(const struct pace *pace, usec_t now)
{
    struct pace_numbers numbers;
    if (is_changed(pace, now, &numbers))
        return pace->said_ever ? usec_max(pace->said_at + PACE_INTERVAL_US, now) : now;
    for (size_t i = 0; i < pace->count; i++) {
        if (pace->answers[i].at + PACE_FORGET_US > now)
            return pace->answers[i].at + PACE_FORGET_US;
    }
    return USEC_NEVER;
}
