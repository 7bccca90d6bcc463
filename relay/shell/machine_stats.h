/* Load of the machine and memory of this process, from /proc. */
#pragma once

#include "relay/core/director.h"

struct machine_stats {
    uint64_t busy_then, total_then; /* clock ticks of all cores at the last reading */
};

/* Fills *out; the CPU's share is that since the last reading. What cannot be read is 0. */
void machine_stats_read(struct machine_stats *m, struct director_machine *out);
