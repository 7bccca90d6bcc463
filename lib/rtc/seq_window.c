#include "rtc/seq_window.h"

static uint64_t bit_of(uint64_t seq)
{
    return (uint64_t)1 << (seq % 64);
}

static bool has(const struct seq_window *w, uint64_t seq)
{
    return (w->has_come[seq % SEQ_WINDOW / 64] & bit_of(seq)) != 0;
}

static void set(struct seq_window *w, uint64_t seq, bool on)
{
    uint64_t *word = &w->has_come[seq % SEQ_WINDOW / 64];
    *word = on ? *word | bit_of(seq) : *word & ~bit_of(seq);
}

bool seq_window_note(struct seq_window *w, uint64_t seq)
{
    if (!w->started)
        *w = (struct seq_window){.started = true, .first = seq, .highest = seq};
    if (seq + SEQ_WINDOW <= w->highest)
        return false;
    uint64_t passed = seq > w->highest ? seq - w->highest : 0;
    for (uint64_t i = 0; i < passed && i < SEQ_WINDOW; i++)
        set(w, seq - i, false);
    bool is_new = !has(w, seq);
    set(w, seq, true);
    w->highest += passed;
    w->first = seq < w->first ? seq : w->first;
    return is_new;
}

uint32_t seq_window_count_missing(const struct seq_window *w, uint64_t from, uint64_t to)
{
    uint32_t missing = 0;
    if (!w->started)
        return 0;
    uint64_t known = w->highest >= SEQ_WINDOW ? w->highest - SEQ_WINDOW + 1 : 0;
    uint64_t first = w->first > known ? w->first : known;
    first = from + 1 > first ? from + 1 : first;
    for (uint64_t seq = first; seq <= to && seq <= w->highest; seq++)
        missing += !has(w, seq);
    return missing;
}
