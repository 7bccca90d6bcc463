/* What a process has used, by /proc: CPU time and memory. Linux only. */
#pragma once

#include "base/status.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct process_use {
    usec_t user_us, system_us; /* in ticks of 10 ms */
    usec_t run_us;             /* both, exactly; 0 when the kernel does not say */
    uint64_t resident_bytes;
    uint64_t threads;
};
/* STATUS_NOT_FOUND when it has ended. */
MUST_CHECK enum status process_use_read(int pid, struct process_use *out);

/* CPU time of a core since boot, all processes. */
struct core_use {
    usec_t busy_us, stolen_us;
};
MUST_CHECK enum status core_use_read(int core, struct core_use *out);
