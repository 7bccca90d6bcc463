#include "host/host_clock.h"

#include <time.h>

#define NTP_UNIX_OFFSET_S 2208988800u /* RFC 868: 1900 to 1970 */

static usec_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return SECONDS(t.tv_sec) + t.tv_nsec / 1000;
}

usec_t host_clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

usec_t host_clock_unix(void)
{
    return read_clock(CLOCK_REALTIME);
}

usec_t host_clock_thread_cpu(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t host_clock_ntp_at_zero(void)
{
    usec_t unix_at_zero = host_clock_unix() - host_clock_now();
    uint64_t seconds = (uint64_t)(unix_at_zero / SECONDS(1)) + NTP_UNIX_OFFSET_S;
    uint64_t fraction = ((uint64_t)(unix_at_zero % SECONDS(1)) << 32) / 1000000u;
    return seconds << 32 | fraction;
}
