#include "relay/core/speaker_detector.h"

void speaker_handle_level(struct speaker *s, usec_t now, uint8_t level)
{
    s->level = (uint8_t)(s->has_level ? (s->level * 3 + level) / 4 : level);
    s->has_level = true;
    if (level <= SPEAKER_LOUD_LEVEL) {
        s->loud_at = now;
        if (s->loud_since == 0)
            s->loud_since = now;
        if (now - s->loud_since >= SPEAKER_ON_US)
            s->speaking = true;
    }
    speaker_handle_timeout(s, now);
}

void speaker_handle_timeout(struct speaker *s, usec_t now)
{
    if (s->loud_since == 0 || now - s->loud_at < SPEAKER_OFF_US)
        return;
    s->loud_since = 0;
    s->speaking = false;
    s->level = 127;
}

bool speaker_may_take(const struct speaker *challenger, const struct speaker *holder, usec_t now,
                      usec_t since)
{
    if (!challenger->speaking)
        return false;
    if (!holder->speaking)
        return now - since >= SPEAKER_OFF_US;
    return now - since >= SPEAKER_HOLD_US && challenger->level + SPEAKER_TAKE_DB <= holder->level;
}
