/* OpenSSL's DTLS timer reads gettimeofday by itself, and its certificates are dated by time. A test
 * program includes this file: the symbols are then ours, so that retransmissions follow virtual
 * time and a certificate does not depend on the second in which it was made. */
#include "base/usec.h"

#include <sys/time.h>
#include <time.h>

#define VIRTUAL_TIME_ZERO_S 1800000000

void virtual_time_set(usec_t now);

static usec_t virtual_now;

void virtual_time_set(usec_t now)
{
    virtual_now = now;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    tv->tv_sec = VIRTUAL_TIME_ZERO_S + (time_t)(virtual_now / SECONDS(1));
    tv->tv_usec = (suseconds_t)(virtual_now % SECONDS(1));
    return 0;
}

time_t time(time_t *out)
{
    time_t now = VIRTUAL_TIME_ZERO_S + (time_t)(virtual_now / SECONDS(1));
    if (out != NULL)
        *out = now;
    return now;
}
