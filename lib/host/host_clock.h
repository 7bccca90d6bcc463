/* The one place that reads the time. Once per loop turn; everything below takes it as a value. */
#pragma once

#include "base/usec.h"

usec_t host_clock_now(void);  /* CLOCK_MONOTONIC */
usec_t host_clock_unix(void); /* CLOCK_REALTIME, since 1970 */
/* NTP time (RFC 3550 section 4: seconds since 1900, 32.32) of the monotonic instant 0, so that
 * reports can be made from monotonic times alone. */
uint64_t host_clock_ntp_at_zero(void);
/* CPU time of the calling thread. */
usec_t host_clock_thread_cpu(void);
