/* What a process has used, by /proc: CPU time and memory. Linux only. */
#pragma once

#include "base/status.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct process_use {
    usec_t user_us, system_us; /* in ticks of 10 ms */
    usec_t run_us;             /* both, exactly; 0 when the kernel does not say */
    usec_t waited_us;          /* ready to run, while its core did something else; of all threads */
    uint64_t resident_bytes;
    uint64_t threads;
};
/* STATUS_NOT_FOUND when it has ended. */
MUST_CHECK enum status process_use_read(int pid, struct process_use *out);
