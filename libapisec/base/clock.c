/* clock.c - the only reader of time. */
#include "apisec/clock.h"

#include <time.h>

static aps_nsec read_clock(clockid_t id)
{
    struct timespec ts = {0, 0};

    /* Fails only for a clock that the kernel does not have, and every Linux has both. */
    (void)clock_gettime(id, &ts);
    return (aps_nsec)ts.tv_sec * APS_SEC + (aps_nsec)ts.tv_nsec;
}

aps_nsec aps_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

aps_nsec aps_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}
