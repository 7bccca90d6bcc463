#include "rtc/srtp_window.h"

#include "base/check.h"

uint64_t srtp_window_guess(const struct srtp_window *w, uint16_t seq)
{
    uint16_t ahead = (uint16_t)(seq - (uint16_t)w->highest);
    if (!w->used)
        return seq;
    /* Half way round: the same roll-over count (RFC 3711 appendix A). */
    if (ahead < 0x8000 || (ahead == 0x8000 && (uint16_t)w->highest < 0x8000))
        return w->highest + ahead;
    uint64_t back = 0x10000u - ahead;
    return back > w->highest ? seq : w->highest - back;
}

static uint64_t bit_of(uint64_t index)
{
    return (uint64_t)1 << (index % 64);
}

static size_t word_of(uint64_t index)
{
    return index % SRTP_WINDOW_NUMBERS / 64;
}

bool srtp_window_admits(const struct srtp_window *w, uint64_t index)
{
    if (!w->used || index > w->highest)
        return true;
    return w->highest - index < SRTP_WINDOW_NUMBERS &&
           (w->seen[word_of(index)] & bit_of(index)) == 0;
}

void srtp_window_note(struct srtp_window *w, uint64_t index)
{
    DCHECK(srtp_window_admits(w, index));
    if (!w->used) {
        w->used = true;
        w->highest = index;
    } else if (index > w->highest) {
        uint64_t from = index - w->highest >= SRTP_WINDOW_NUMBERS ? index - SRTP_WINDOW_NUMBERS + 1
                                                                  : w->highest + 1;
        for (uint64_t i = from; i <= index; i++)
            w->seen[word_of(i)] &= ~bit_of(i);
        w->highest = index;
    }
    w->seen[word_of(index)] |= bit_of(index);
}
