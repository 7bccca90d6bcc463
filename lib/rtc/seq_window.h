/* Which of the newest numbers of a stream have come. Sans-IO; allocates nothing. Zero-initialised
 * is ready for use. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SEQ_WINDOW 1024 /* numbers, the newest included; what is older is not known any more */

struct seq_window {
    bool started;
    uint64_t first, highest;            /* the lowest and the highest that have come */
    uint64_t has_come[SEQ_WINDOW / 64]; /* bit by number; of those before `first` none is set */
};

/* Number `seq` (unwrapped) has come. False when it had before, or is too old to tell. */
bool seq_window_note(struct seq_window *w, uint64_t seq);

/* How many of the numbers after `from`, up to and including `to`, have not come, as far as that is
 * known: none before the first, behind the highest, or too old. */
uint32_t seq_window_count_missing(const struct seq_window *w, uint64_t from, uint64_t to);
