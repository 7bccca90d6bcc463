#include "relay/core/lateness.h"

void lateness_begin_turn(struct lateness *l)
{
    *l = (struct lateness){0};
}

static usec_t on_time(const struct lateness *l)
{
    return usec_min(l->least, l->least_before);
}

/* From here on as if nothing was known but how late the first of the turn was. */
static void start_over(struct lateness *l, usec_t now)
{
    l->is_settled = true;
    l->behind = l->least = l->least_before = 0;
    l->window_at = now;
}

static void note_behind(struct lateness *l, usec_t now)
{
    l->least = usec_min(l->least, l->behind);
    if (!l->is_settled)
        l->first_late = usec_min(-on_time(l), LATENESS_EARLY_MAX_US);
    if (now - l->window_at < LATENESS_WINDOW_US)
        return;
    l->is_settled = true;
    l->least_before = l->least;
    l->least = l->behind;
    l->window_at = now;
}

int32_t lateness_note(struct lateness *l, usec_t now, uint32_t timestamp, uint32_t clock_rate)
{
    if (!l->has_begun) {
        *l = (struct lateness){
            .has_begun = true, .last_at = now, .last_timestamp = timestamp, .window_at = now};
        return 0;
    }
    int64_t ticks = (int32_t)(timestamp - l->last_timestamp);
    usec_t step = now - l->last_at - ticks * 1000000 / clock_rate;
    l->last_at = now;
    l->last_timestamp = timestamp;
    if (step > -LATENESS_JUMP_US && step < LATENESS_JUMP_US) {
        l->behind += step;
        note_behind(l, now);
    } else {
        start_over(l, now);
    }
    l->late_us = (int32_t)(usec_min(l->behind - on_time(l), LATENESS_JUMP_US) - l->first_late);
    return l->late_us;
}
